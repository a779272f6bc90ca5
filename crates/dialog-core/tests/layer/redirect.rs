use dialog_core::{By, EndReason, Invite, LegCommand, LegId};
use sip_message::{HeaderId, Method, StatusCode};
use sip_transport::RouteError;
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, PEER_TAG, Sent, invite, uri},
    challenges::{REALM, challenge, keyed, number},
};

fn call(redirects: u8) -> Invite {
    Invite { redirects, ..invite() }
}

fn place(bench: &mut Bench, redirects: u8) -> (LegId, Sent) {
    let leg = bench.place_with(call(redirects));
    (leg, bench.last_sent())
}

/// Redirects the last INVITE.
fn redirect(bench: &mut Bench, status: u16, contacts: &str) {
    let sent = bench.last_of(Method::Invite);
    bench.reply(&sent, status, PEER_TAG, |response| response.contact(contacts));
}

fn targets(bench: &Bench) -> Vec<String> {
    let invites = bench.sent.iter().filter(|sent| sent.message.method() == Some(Method::Invite));
    invites.map(|sent| sent.message.request_uri().expect("a request").to_owned()).collect()
}

#[test]
fn a_redirected_call_goes_on_in_the_same_leg_with_the_same_ids_and_headers() {
    // covers: TR-200, TR-139, EC-61
    let mut bench = Bench::new();
    let mut call = call(5);
    call.headers.push((HeaderId::Replaces, "call;to-tag=a;from-tag=b".into()));
    call.headers.push((HeaderId::ReferredBy, "<sip:bob@example.com>".into()));
    let leg = bench.place_with(call);
    let first = bench.last_sent();
    bench.reply(&first, 180, PEER_TAG, |response| response);
    redirect(&mut bench, 302, "<sip:bob@192.0.2.30;transport=udp?Subject=theirs&Route=%3Csip:evil%3E>");
    let second = bench.last_sent();
    assert_eq!(second.message.request_uri(), Some("sip:bob@192.0.2.30;transport=udp"));
    assert_eq!(bench.routes[1].uri, uri("sip:bob@192.0.2.30;transport=udp"), "it is routed anew");
    assert!(!second.message.has(HeaderId::Subject) && !second.message.has(HeaderId::Route));
    assert_eq!(number(&second), number(&first) + 1);
    for header in [HeaderId::CallId, HeaderId::From, HeaderId::To, HeaderId::Replaces, HeaderId::ReferredBy] {
        assert_eq!(first.message.first(header), second.message.first(header), "{header:?}");
        assert_eq!(second.message.count(header), 1);
    }
    assert_eq!(
        bench.order[3..],
        ["Provisional", "RolledBack", "route", "NeedDescription", "INVITE"],
        "the offer is made anew, because our address may be another one"
    );
    bench.pick_up(&second, "another");
    assert!(bench.has_up(leg));
    assert_eq!(number(&bench.acks[0]), number(&second));
    assert_eq!(&*bench.established(leg).dialog.remote_tag, "another");
    bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    assert_eq!(refer.message.request_uri(), Some("sip:bob@192.0.2.20"), "the Contact of who has answered");
}

#[test]
fn contacts_are_called_by_their_quality_and_each_once() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 9);
    redirect(
        &mut bench,
        300,
        "<sip:low@192.0.2.3>;q=0.1, <sip:high@192.0.2.2>;q=0.9, <sip:bob@EXAMPLE.com>, <sip:high@192.0.2.2>",
    );
    // A redirection on the way goes first, and what was called already is not called again.
    redirect(&mut bench, 302, "<sip:high@192.0.2.2>, <sip:mid@192.0.2.4>, <sip:bob@example.com>");
    let sent = bench.last_sent();
    bench.reply(&sent, 486, PEER_TAG, |response| response);
    let sent = bench.last_sent();
    bench.reply(&sent, 480, PEER_TAG, |response| response);
    assert_eq!(
        targets(&bench),
        ["sip:bob@example.com", "sip:high@192.0.2.2", "sip:mid@192.0.2.4", "sip:low@192.0.2.3"]
    );
    let reason = bench.ended(leg).expect("ended").reason;
    assert_eq!(reason, EndReason::Refused(StatusCode::TEMPORARILY_UNAVAILABLE), "the last refusal");
    bench.assert_clean();
}

#[test]
fn a_loop_of_redirections_ends() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 9);
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    redirect(&mut bench, 302, "<sip:b@192.0.2.2>");
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    assert_eq!(bench.count_of(Method::Invite), 3);
    let reason = bench.ended(leg).expect("ended").reason;
    assert!(
        matches!(reason, EndReason::Redirected { status: StatusCode::MOVED_TEMPORARILY, .. }),
        "{reason:?}"
    );
    bench.assert_clean();
}

#[test]
fn so_many_targets_are_called_and_no_more() {
    for redirects in [0, 1, Invite::REDIRECTS] {
        let mut bench = Bench::new();
        let (leg, _) = place(&mut bench, redirects);
        for number in 0..=redirects {
            redirect(&mut bench, 302, &format!("<sip:{number}@192.0.2.2>"));
        }
        assert_eq!(bench.count_of(Method::Invite), usize::from(redirects) + 1);
        let reason = bench.ended(leg).expect("ended").reason;
        let EndReason::Redirected { contacts, .. } = reason else { panic!("{reason:?}") };
        assert_eq!(contacts, [uri(&format!("sip:{redirects}@192.0.2.2"))]);
        bench.assert_clean();
    }
}

#[test]
fn so_many_contacts_of_a_redirection_wait() {
    const WAITING: usize = 8;
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 100);
    let contacts: Vec<String> = (0..=WAITING).map(|number| format!("<sip:{number}@192.0.2.2>")).collect();
    redirect(&mut bench, 302, &contacts.join(", "));
    while bench.ended(leg).is_none() {
        let sent = bench.last_sent();
        bench.reply(&sent, 404, PEER_TAG, |response| response);
    }
    assert_eq!((bench.count_of(Method::Invite), bench.dialogs.counters().contacts_ignored), (1 + WAITING, 1));
}

#[test]
fn a_secure_call_stays_secure_and_other_schemes_are_no_targets() {
    // covers: TR-208
    let mut bench = Bench::new();
    let mut secure = call(5);
    secure.target = uri("sips:bob@example.com");
    let leg = bench.place_with(secure);
    redirect(
        &mut bench,
        302,
        "<sip:plain@192.0.2.2>, <tel:+15551234>, <mailto:a@b>;q=0.9, <sips:safe@192.0.2.3>;q=0.1",
    );
    assert_eq!(bench.last_sent().message.request_uri(), Some("sips:safe@192.0.2.3"));
    redirect(&mut bench, 302, "<sip:plain@192.0.2.2>");
    assert_eq!(bench.count_of(Method::Invite), 2);
    assert!(bench.ended(leg).is_some());

    let mut bench = Bench::new();
    place(&mut bench, 5);
    redirect(&mut bench, 302, "<http://192.0.2.2>, <tel:+15551234>");
    assert_eq!(bench.last_sent().message.request_uri(), Some("tel:+15551234"));
}

#[test]
fn a_refusal_for_everybody_and_what_is_no_list_of_targets_end_it() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>, <sip:b@192.0.2.3>");
    let sent = bench.last_sent();
    bench.reply(&sent, 603, PEER_TAG, |response| response);
    assert_eq!(bench.count_of(Method::Invite), 2);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(StatusCode::DECLINE));
    for status in [305, 380] {
        let mut bench = Bench::new();
        let (leg, _) = place(&mut bench, 5);
        redirect(&mut bench, status, "<sip:a@192.0.2.2>");
        assert_eq!(bench.count_of(Method::Invite), 1, "{status}");
        assert!(bench.ended(leg).is_some());
    }
}

#[test]
fn a_target_that_cannot_be_reached_is_passed_over() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>, <sip:b@192.0.2.3>, <sip:c@192.0.2.4>");
    let sent = bench.last_sent();
    bench.route_at_once = false;
    bench.fail(&sent, TxFailure::Timeout);
    bench.no_route = Some(RouteError::Unresolved);
    let route = bench.routes.last().expect("asked").clone();
    bench.answer_route(&route);
    bench.no_route = None;
    let route = bench.routes.last().expect("asked").clone();
    bench.answer_route(&route);
    assert_eq!(targets(&bench), ["sip:bob@example.com", "sip:a@192.0.2.2", "sip:c@192.0.2.4"]);
    let sent = bench.last_sent();
    bench.route_at_once = true;
    bench.pick_up(&sent, PEER_TAG);
    assert!(bench.has_up(leg));
}

#[test]
fn a_call_that_is_hung_up_between_two_targets_is_cancelled_and_not_sent() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    bench.route_at_once = false;
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    let route = bench.routes.last().expect("asked").clone();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.answer_route(&route);
    assert_eq!(bench.count_of(Method::Invite), 1);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
    assert!(bench.cancelled.is_empty(), "there is nothing to cancel");
    bench.assert_clean();
}

#[test]
fn a_call_that_was_cancelled_is_not_redirected() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    assert_eq!(bench.count_of(Method::Invite), 1);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
}

#[test]
fn the_targets_share_one_ring_limit() {
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    let limit = invite().ring_limit;
    bench.advance(limit / 2);
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    let second = bench.last_sent();
    bench.advance(limit / 2);
    assert_eq!(bench.cancelled, [(second.tx, None)]);
    bench.reply(&second, 487, PEER_TAG, |response| response);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NoAnswer);
}

#[test]
fn a_redirected_call_may_be_challenged_at_each_target() {
    let mut bench = Bench::with(keyed());
    let (leg, first) = place(&mut bench, 5);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    redirect(&mut bench, 302, "<sip:a@192.0.2.2>");
    let third = bench.last_sent();
    bench.challenge(&third, 401, &[challenge(REALM, "n2")]);
    let fourth = bench.last_sent();
    assert_eq!(fourth.message.request_uri(), Some("sip:a@192.0.2.2"));
    assert_eq!(number(&fourth), 4);
    bench.pick_up(&fourth, PEER_TAG);
    assert!(bench.has_up(leg));
    assert_eq!(number(&bench.acks[0]), 4);
}

#[test]
fn a_redirected_refer_is_a_failure_and_is_not_followed() {
    // covers: TR-029
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    bench.reply(&refer, 302, PEER_TAG, |response| response.contact("<sip:a@192.0.2.2>"));
    assert_eq!(bench.count_of(Method::Refer), 1);
    assert!(bench.order.contains(&"Answered".to_owned()) && bench.ended(leg).is_none());
}

#[test]
fn a_call_that_was_led_to_sips_is_not_led_out_of_it() {
    // covers: TR-208
    let mut bench = Bench::new();
    let (leg, _) = place(&mut bench, 5);
    redirect(&mut bench, 302, "<sips:bob@192.0.2.30>");
    redirect(&mut bench, 302, "<sip:bob@192.0.2.40>");
    assert_eq!(targets(&bench), ["sip:bob@example.com", "sips:bob@192.0.2.30"]);
    assert!(matches!(bench.ended(leg).expect("ended").reason, EndReason::Redirected { .. }));
}

#[test]
fn a_call_that_cannot_be_written_down_is_refused_here() {
    let mut bench = Bench::new();
    let (leg, sent) = place(&mut bench, 0);
    bench.fail(&sent, TxFailure::Unencodable);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Local, EndReason::Refused(StatusCode::BAD_REQUEST)));
}

#[test]
fn a_challenge_of_another_fork_after_the_2xx_does_not_place_the_call_again() {
    let mut bench = Bench::with(keyed());
    let (leg, sent) = place(&mut bench, 0);
    bench.route_at_once = false;
    bench.pick_up(&sent, PEER_TAG);
    bench.challenge(&sent, 401, &[challenge(REALM, "n1")]);
    for route in std::mem::take(&mut bench.routes) {
        bench.answer_route(&route);
    }
    assert_eq!(bench.count_of(Method::Invite), 1);
    assert!(bench.has_up(leg));
}
