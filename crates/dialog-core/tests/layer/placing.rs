use std::time::Duration;

use dialog_core::{By, EndReason, LegCommand, LegEvent, ReofferError};
use sip_message::{HeaderId, Method, StatusCode};
use sip_transport::{FlowId, RouteError};
use transaction_core::TxFailure;

use crate::bench::{ANSWER, Bench, OFFER, PEER_TAG, code, invite, uri};

#[test]
fn an_accepted_call_is_routed_offered_answered_acknowledged_and_up_in_this_order() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    assert_eq!(bench.routes[0].uri, uri("sip:bob@example.com"));
    assert_eq!(sent.message.request_uri(), Some("sip:bob@example.com"));
    assert_eq!(sent.message.body(), OFFER.as_bytes());
    assert_eq!(sent.message.first(HeaderId::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert!(sent.message.to_tag().is_none());
    bench.reply(&sent, 180, PEER_TAG, |response| response);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(
        bench.order,
        ["route", "NeedDescription", "INVITE", "Provisional", "Described", "route", "ACK", "Up"]
    );
    let ack = &bench.acks[0].message;
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.20"));
    assert_eq!(ack.cseq().expect("a CSeq").number, sent.message.cseq().expect("a CSeq").number);
    let up = bench.established(leg);
    assert_eq!(&*up.dialog.remote_tag, PEER_TAG);
    assert_eq!(Some(&*up.dialog.local_tag), sent.message.from_tag());
    assert!(up.placed);
    assert_eq!(up.remote_target, uri("sip:bob@192.0.2.20"));
}

#[test]
fn invite_and_answer_say_what_we_can_do() {
    // covers: TR-034, TR-055
    let mut bench = Bench::new();
    bench.place();
    let invite = bench.last_sent().message;
    assert!(invite.allow().any(|method| method == Method::Refer));
    assert!(invite.allow().any(|method| method == Method::Notify));
    assert_eq!(invite.first(HeaderId::AllowEvents), Some("refer"));
    assert_eq!(
        invite.first(HeaderId::Supported),
        Some("replaces, 100rel, timer"),
        "nothing that is not implemented"
    );
    let mut silent = Bench::with(dialog_core::DialogConfig { refer: false, ..Default::default() });
    silent.place();
    let invite = silent.last_sent().message;
    assert!(!invite.has(HeaderId::AllowEvents));
    assert!(!invite.allow().any(|method| method == Method::Refer));
}

#[test]
fn a_placed_call_has_ids_of_its_own() {
    // covers: TR-204
    let mut bench = Bench::new();
    bench.place();
    bench.place();
    let (first, second) = (&bench.sent[0].message, &bench.sent[1].message);
    assert_ne!(first.call_id(), second.call_id());
    assert_ne!(first.from_tag(), second.from_tag());
}

#[test]
fn a_repeated_2xx_gets_the_same_ack_again() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    bench.pick_up(&sent, PEER_TAG);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.acks.len(), 1);
    assert_eq!(bench.resent.len(), 1);
    assert_eq!(&bench.resent[0].wire, bench.acks[0].message.bytes());
}

#[test]
fn a_2xx_that_is_repeated_over_another_flow_is_acknowledged_there() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    bench.pick_up(&sent, PEER_TAG);
    bench.flow = 2;
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!((bench.acks.len(), bench.resent.len()), (2, 0));
    assert_eq!(bench.acks[1].message.request_uri(), bench.acks[0].message.request_uri());
    assert_eq!(bench.routes.last().expect("asked").flow, Some(FlowId::from(2)));
    // From then on by the flow that is there.
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.resent.last().expect("repeated").wire, *bench.acks[1].message.bytes());
    assert_eq!((bench.resent[0].hop.flow, bench.count_of(Method::Bye)), (FlowId::from(2), 0));
}

#[test]
fn a_second_fork_is_acknowledged_and_ended_and_the_first_is_kept() {
    // covers: TR-199
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.pick_up(&sent, PEER_TAG);
    bench.reply(&sent, 200, "other-fork", |response| {
        response.contact("<sip:bob@192.0.2.77>").body("application/sdp", ANSWER)
    });
    assert_eq!(bench.acks.len(), 2);
    assert_eq!(bench.acks[1].message.request_uri(), Some("sip:bob@192.0.2.77"));
    let bye = bench.last_of(Method::Bye);
    assert_eq!(bye.message.to_tag(), Some("other-fork"));
    assert_eq!(bye.message.cseq().expect("a CSeq").number, 2);
    assert!(bench.ended(leg).is_none());
    bench.ok(&bye);
    // The other fork repeats its 2xx: its own ACK is repeated, and no second BYE goes out.
    bench.reply(&sent, 200, "other-fork", |response| response.contact("<sip:bob@192.0.2.77>"));
    assert_eq!(&bench.resent.last().expect("repeated").wire, bench.acks[1].message.bytes());
    assert_eq!(bench.count_of(Method::Bye), 1);
}

#[test]
fn forks_are_acknowledged_up_to_the_limit() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    for number in 0..17 {
        bench.pick_up(&sent, &format!("fork-{number}"));
    }
    assert_eq!(bench.acks.len(), 16);
    assert_eq!(bench.count_of(Method::Bye), 15);
}

#[test]
fn a_refused_call_ends_with_its_status() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 486, PEER_TAG, |response| response.header(HeaderId::Reason, "Q.850;cause=17"));
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Remote, EndReason::Refused(StatusCode::BUSY_HERE)));
    assert_eq!(cause.header.as_deref(), Some("Q.850;cause=17"));
    bench.assert_clean();
}

#[test]
fn a_redirection_gives_its_contacts_best_first() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 302, PEER_TAG, |response| {
        response.contact("<sip:b@192.0.2.3>;q=0.3, <sip:a@192.0.2.2>;q=0.9").contact("<sip:c@192.0.2.4>")
    });
    let contacts = ["sip:c@192.0.2.4", "sip:a@192.0.2.2", "sip:b@192.0.2.3"].map(uri).to_vec();
    let reason = bench.ended(leg).expect("ended").reason;
    assert_eq!(reason, EndReason::Redirected { status: StatusCode::MOVED_TEMPORARILY, contacts });
}

#[test]
fn without_a_route_or_an_offer_nothing_is_sent() {
    let mut bench = Bench::new();
    bench.no_route = Some(RouteError::Unresolved);
    let leg = bench.place();
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NoRoute(RouteError::Unresolved));
    bench.no_route = None;
    bench.description = Some("");
    let leg = bench.place();
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    assert!(bench.sent.is_empty());
    bench.assert_clean();
}

#[test]
fn a_call_that_is_never_answered_at_all_or_unreachable_ends_by_the_network() {
    for (failure, reason) in [
        (TxFailure::Timeout, EndReason::NoAnswer),
        (TxFailure::Flow, EndReason::Unreachable),
        (TxFailure::Overload, EndReason::Overload),
    ] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        bench.fail(&sent, failure);
        assert_eq!(bench.ended(leg).expect("ended").reason, reason);
        bench.assert_clean();
    }
}

#[test]
fn a_call_that_rings_too_long_is_cancelled_and_ends_with_no_answer() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 180, PEER_TAG, |response| response);
    bench.advance(Duration::from_secs(59));
    assert!(bench.cancelled.is_empty());
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.cancelled, [(sent.tx, None)]);
    assert!(bench.ended(leg).is_none());
    bench.reply(&sent, 487, PEER_TAG, |response| response);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NoAnswer);
    bench.assert_clean();
}

#[test]
fn hanging_up_before_the_answer_cancels() {
    // covers: TR-198
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: Some("SIP;cause=200".into()) });
    assert_eq!(bench.cancelled, [(sent.tx, Some("SIP;cause=200".into()))]);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.cancelled.len(), 1);
    bench.reply(&sent, 487, PEER_TAG, |response| response);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Local, EndReason::Cancelled));
    bench.assert_clean();
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acknowledged_and_ended() {
    // covers: TR-198
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.acks.len(), 1);
    assert!(!bench.has_up(leg));
    let bye = bench.last_of(Method::Bye);
    assert_eq!(bye.message.to_tag(), Some(PEER_TAG));
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
    assert_eq!(bench.order.iter().filter(|word| *word == "Closing").count(), 1);
    bench.assert_clean();
}

#[test]
fn a_2xx_without_an_answer_is_acknowledged_and_ended() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert_eq!(bench.acks.len(), 1);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
}

#[test]
fn an_answer_in_a_provisional_response_counts_if_the_2xx_has_none() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 183, PEER_TAG, |response| response.body("application/sdp", "early"));
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    let described = bench.leg_events(leg).into_iter().find_map(|event| match event {
        LegEvent::Described { body, .. } => Some(body),
        _ => None,
    });
    assert_eq!(described.as_deref(), Some("early".as_bytes()));
    assert!(bench.has_up(leg));
}

#[test]
fn the_route_set_of_the_2xx_is_reversed_and_followed() {
    // covers: TR-190
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response
            .header(HeaderId::RecordRoute, "<sip:p2.example.com;lr>, <sip:p1.example.com;lr>")
            .contact("<sip:bob@192.0.2.20>")
            .body("application/sdp", ANSWER)
    });
    let ack = &bench.acks[0].message;
    let routes: Vec<&str> = ack.items(HeaderId::Route).collect();
    assert_eq!(routes, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
    assert_eq!(bench.routes.last().expect("asked").uri, uri("sip:p1.example.com;lr"));
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let bye = bench.last_of(Method::Bye).message;
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.20"));
    assert_eq!(bye.items(HeaderId::Route).count(), 2);
    assert_eq!(bye.cseq().expect("a CSeq").number, 2);
    assert_eq!((bye.from_tag(), bye.to_tag()), (sent.message.from_tag(), Some(PEER_TAG)));
}

#[test]
fn a_strict_router_gets_its_own_uri_and_the_target_at_the_end() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response
            .header(HeaderId::RecordRoute, "<sip:p2.example.com;lr>, <sip:strict.example.com>")
            .contact("<sip:bob@192.0.2.20>")
            .body("application/sdp", ANSWER)
    });
    let ack = &bench.acks[0].message;
    assert_eq!(ack.request_uri(), Some("sip:strict.example.com"));
    let routes: Vec<&str> = ack.items(HeaderId::Route).collect();
    assert_eq!(routes, ["<sip:p2.example.com;lr>", "<sip:bob@192.0.2.20>"]);
}

#[test]
fn given_headers_are_sent_and_a_given_route_is_asked_for() {
    let mut bench = Bench::new();
    let mut call = invite();
    call.headers.push((HeaderId::Route, "<sip:proxy.example.com;lr>".into()));
    call.headers.push((HeaderId::Replaces, "x@h;to-tag=1;from-tag=2".into()));
    bench.place_with(call);
    assert_eq!(bench.routes[0].uri, uri("sip:proxy.example.com;lr"));
    let sent = bench.last_sent().message;
    assert_eq!(sent.first(HeaderId::Route), Some("<sip:proxy.example.com;lr>"));
    assert_eq!(sent.count(HeaderId::Route), 1);
    assert_eq!(sent.first(HeaderId::Replaces), Some("x@h;to-tag=1;from-tag=2"));
}

#[test]
fn what_does_not_fit_is_misused_and_changes_nothing() {
    let mut bench = Bench::new();
    let leg = bench.place();
    for command in [
        LegCommand::Ring,
        LegCommand::Accept { contact_user: None },
        LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) },
        LegCommand::Reject { status: code(486), retry_after: None },
        LegCommand::Reoffer { limit: Duration::from_secs(1) },
    ] {
        bench.leg(leg, command);
        assert_eq!(bench.order.last().map(String::as_str), Some("Misused"));
    }
    assert_eq!(bench.sent.len(), 1);
    let sent = bench.last_sent();
    bench.pick_up(&sent, PEER_TAG);
    assert!(bench.has_up(leg));
    assert!(
        !bench
            .leg_events(leg)
            .iter()
            .any(|event| matches!(event, LegEvent::Reoffered(Err(ReofferError::Ended))))
    );
}
