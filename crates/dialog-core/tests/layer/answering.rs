use std::time::Duration;

use dialog_core::{By, EndReason, LegCommand, LegEvent, Peer, Refer, Turn};
use sip_message::{HeaderId, Method, StatusCode};
use transaction_core::TxEvent;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, code, uri},
    theirs::Theirs,
};

fn call() -> Theirs {
    Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
}

fn accept(bench: &mut Bench, leg: dialog_core::LegId) {
    bench.leg(leg, LegCommand::Accept { contact_user: Some("alice".into()) });
}

#[test]
fn an_incoming_call_rings_is_answered_and_acknowledged() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(call().header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>"));
    assert_eq!(bench.order, ["Incoming", "Described"]);
    bench.leg(leg, LegCommand::Ring);
    let ringing = bench.last_answer();
    assert_eq!(ringing.status(), Some(StatusCode::RINGING));
    assert!(ringing.to_tag().is_some());
    assert_eq!(ringing.first(HeaderId::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert_eq!(ringing.first(HeaderId::RecordRoute), Some("<sip:p1.example.com;lr>"));
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    assert_eq!((bench.answered[1].tx, bench.last_status()), (tx, 200));
    assert_eq!(ok.to_tag(), ringing.to_tag());
    assert_eq!(ok.body(), ANSWER.as_bytes());
    assert_eq!(ok.first(HeaderId::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert_eq!(ok.first(HeaderId::RecordRoute), Some("<sip:p1.example.com;lr>"));
    assert!(ok.allow().any(|method| method == Method::Refer));
    assert_eq!(ok.first(HeaderId::AllowEvents), Some("refer"));
    let up = bench.established(leg);
    assert!(!up.placed);
    assert_eq!(up.remote_target, uri("sip:bob@192.0.2.20"));
    bench.ack(&ok, None);
    bench.advance(Duration::from_secs(40));
    assert!(bench.resent.is_empty(), "the ACK stops the repeats");
    assert!(bench.ended(leg).is_none());
}

#[test]
fn the_2xx_is_repeated_from_t1_to_t2_until_the_call_is_given_up_with_a_bye() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    let wire = bench.last_answer().bytes().clone();
    let mut at = Vec::new();
    for _ in 0..64 {
        let before = bench.resent.len();
        bench.advance(Duration::from_millis(500));
        at.extend((before..bench.resent.len()).map(|_| bench.now.as_micros() / 1000));
    }
    assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert!(bench.resent.iter().all(|outbound| outbound.wire == wire));
    let bye = bench.last_of(Method::Bye);
    assert!(bench.ended(leg).is_none());
    bench.ok(&bye);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Network, EndReason::NoAck));
    bench.assert_clean();
}

#[test]
fn an_offerless_call_gets_our_offer_and_its_answer_in_the_ack() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>"));
    assert_eq!(bench.order, ["Incoming"]);
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    assert_eq!(ok.body(), OFFER.as_bytes());
    bench.ack(&ok, Some(ANSWER));
    assert!(matches!(
        bench.leg_events(leg).as_slice(),
        [.., LegEvent::Described { turn: Turn::Answer, body }, LegEvent::Acknowledged] if body == ANSWER
    ));
}

#[test]
fn an_ack_without_the_answer_to_our_offer_ends_the_call() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>"));
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
}

#[test]
fn an_unacceptable_offer_is_refused_with_488() {
    let mut bench = Bench::new();
    bench.description = Some("");
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    assert_eq!(bench.last_status(), 488);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    bench.assert_clean();
}

#[test]
fn a_call_is_refused_with_the_status_asked_for() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Reject { status: code(200), retry_after: None });
    assert!(bench.answered.is_empty(), "not a refusal");
    bench.leg(leg, LegCommand::Reject { status: code(503), retry_after: Some(7) });
    assert_eq!(bench.last_status(), 503);
    assert_eq!(bench.last_answer().first(HeaderId::RetryAfter), Some("7"));
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(code(503)));
    bench.assert_clean();
}

#[test]
fn hanging_up_an_unanswered_call_declines_it() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.last_status(), 603);
    assert_eq!(bench.order[2..], ["Closing", "603", "Ended"]);
}

#[test]
fn their_cancel_ends_it_with_487() {
    // covers: TR-259
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Ring);
    let reason = Some("SIP;cause=200;text=\"elsewhere\"".into());
    bench.receive(TxEvent::Cancelled { tx, reason: reason.clone() });
    assert_eq!((bench.answered[1].tx, bench.last_status()), (tx, 487));
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason, cause.header), (By::Remote, EndReason::Cancelled, reason));
    bench.assert_clean();
}

#[test]
fn a_bye_in_the_early_dialog_ends_it_with_200_and_487() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().map(str::to_owned);
    let bye = Theirs { to_tag: tag, ..Theirs::outside(Method::Bye).cseq(2) };
    bench.request(bye);
    let statuses: Vec<u16> = bench.answered[1..].iter().map(|answered| answered.status).collect();
    assert_eq!(statuses, [200, 487]);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
}

#[test]
fn our_bye_waits_for_the_missing_ack() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.count_of(Method::Bye), 0);
    bench.advance(Duration::from_millis(600));
    assert_eq!(bench.resent.len(), 1, "the 2xx is repeated all the same");
    bench.ack(&ok, None);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
    bench.assert_clean();
}

#[test]
fn our_bye_goes_without_the_ack_when_its_time_is_over() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.advance(Duration::from_secs(32));
    assert_eq!(bench.count_of(Method::Bye), 1);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    bench.assert_clean();
}

#[test]
fn our_requests_wait_for_the_ack() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    accept(&mut bench, leg);
    let ok = bench.last_answer();
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) });
    assert!(bench.sent.is_empty());
    bench.ack(&ok, None);
    assert_eq!(bench.count_of(Method::Refer), 1);
    assert_eq!(bench.count_of(Method::Invite), 1);
}

#[test]
fn ringing_is_repeated_every_minute() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Ring);
    bench.advance(Duration::from_secs(121));
    assert_eq!(bench.answered.len(), 3);
    assert!(bench.answered.iter().all(|answered| answered.status == 180));
}

#[test]
fn what_is_said_of_the_caller_is_passed_on() {
    let mut bench = Bench::new();
    let request = call()
        .header(HeaderId::ReferredBy, "<sip:carol@example.com>")
        .header(HeaderId::Allow, "INVITE, ACK, BYE")
        .header(HeaderId::Supported, "replaces, tdialog");
    let (_, leg) = bench.incoming(request);
    let Some(LegEvent::Incoming(call)) = bench.leg_events(leg).into_iter().next() else { panic!("a call") };
    assert!(call.replaces.is_none() && call.replacing.is_none() && call.verified_name.is_none());
    assert_eq!(call.referred_by.expect("Referred-By").uri, uri("sip:carol@example.com"));
    assert!(call.peer.replaces && call.peer.target_dialog && call.has_offer);
    assert!(!call.peer.allows(&Method::Refer));
    assert_eq!(call.source, crate::bench::remote());
}

#[test]
fn of_an_allow_of_any_length_the_known_methods_are_kept() {
    let strange: Vec<String> = (0..200).map(|number| format!("X{number}")).collect();
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call().header(HeaderId::Allow, &format!("{}, REFER", strange.join(", "))));
    let Some(LegEvent::Incoming(call)) = bench.leg_events(leg).into_iter().next() else { panic!("a call") };
    assert!(call.peer.names(&Method::Refer));
    assert!(!call.peer.names(&Method::Update) && !call.peer.names(&Method::parse("X7").expect("a method")));
    assert!(size_of::<Peer>() <= 8, "it stands in every dialog");
}

#[test]
fn broken_calls_are_refused_with_400() {
    let bad = [
        Theirs::outside(Method::Invite).sdp(OFFER),
        Theirs::outside(Method::Invite).contact("<sip:").sdp(OFFER),
        call().header(HeaderId::RecordRoute, "<sip:"),
    ];
    for request in bad {
        let mut bench = Bench::new();
        bench.request(request.clone());
        assert_eq!(bench.last_status(), 400, "{request:?}");
        assert!(bench.events.is_empty());
        assert!(bench.is_clean());
    }
}

#[test]
fn a_body_that_is_no_session_description_is_refused_with_415() {
    let mut bench = Bench::new();
    bench
        .request(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").body("text/plain", "hello"));
    assert_eq!(bench.last_status(), 415);
    assert_eq!(bench.last_answer().first(HeaderId::Accept), Some("application/sdp"));
    bench.request(call().header(HeaderId::ContentEncoding, "gzip"));
    assert_eq!(bench.last_status(), 415);
}

#[test]
fn responses_take_the_via_that_the_transport_saw() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Ring);
    assert!(bench.last_answer().vias().next().expect("a Via").ends_with(";received=192.0.2.20"));
    assert_eq!(bench.last_answer().from_tag(), Some(PEER_TAG));
}

#[test]
fn a_call_with_no_hops_left_has_arrived() {
    let mut bench = Bench::new();
    let call = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let (_, leg) = bench.incoming(call.header(HeaderId::MaxForwards, "0"));
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    assert_eq!(bench.last_status(), 200);
}
