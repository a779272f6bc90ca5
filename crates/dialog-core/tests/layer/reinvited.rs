use std::time::Duration;

use dialog_core::{EndReason, LegCommand, LegEvent, LegId, Turn};
use sip_message::{HeaderId, Method, StatusCode};
use transaction_core::TxEvent;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG},
    theirs::Theirs,
};

fn reinvite(bench: &mut Bench, leg: LegId) -> Theirs {
    let up = bench.established(leg);
    bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
}

#[test]
fn a_re_invite_is_negotiated_and_answered() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let request = reinvite(&mut bench, leg);
    bench.request(request);
    assert_eq!(bench.order, ["Described", "NeedDescription", "200", "Changed"]);
    let ok = bench.last_answer();
    assert_eq!(ok.body(), ANSWER.as_bytes());
    assert_eq!(ok.contact_count(), 1);
    bench.ack(&ok, None);
    bench.advance(Duration::from_secs(40));
    assert!(bench.resent.is_empty());
    assert!(bench.ended(leg).is_none());
}

#[test]
fn an_offerless_re_invite_gets_our_offer_and_changes_with_the_ack() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let request = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>");
    bench.request(request);
    let ok = bench.last_answer();
    assert_eq!(ok.body(), OFFER.as_bytes());
    assert_eq!(bench.order, ["NeedDescription", "200"]);
    bench.ack(&ok, Some(ANSWER));
    assert!(matches!(
        bench.leg_events(leg).as_slice(),
        [.., LegEvent::Described { turn: Turn::Answer, .. }, LegEvent::Changed]
    ));
}

#[test]
fn a_refused_offer_is_rolled_back() {
    // covers: TR-196
    for (refusal, status) in [(StatusCode::NOT_ACCEPTABLE_HERE, 488), (StatusCode::BAD_REQUEST, 400)] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        (bench.description, bench.refusal) = (Some(""), refusal);
        let request = reinvite(&mut bench, leg);
        bench.request(request);
        assert_eq!(bench.last_status(), status);
        assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
        assert!(bench.ended(leg).is_none());
    }
}

#[test]
fn a_re_invite_while_ours_is_pending_gets_491_and_one_before_their_answer_500() {
    // covers: TR-195
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    let request = reinvite(&mut bench, leg);
    bench.request(request);
    assert_eq!(bench.last_status(), 491);
    let ours = bench.last_of(Method::Invite);
    bench.pick_up(&ours, PEER_TAG);
    bench.describe_at_once = false;
    let first = reinvite(&mut bench, leg);
    bench.request(first);
    let second = reinvite(&mut bench, leg);
    bench.request(second);
    assert_eq!(bench.last_status(), 500);
    let seconds: u32 =
        bench.last_answer().first(HeaderId::RetryAfter).expect("Retry-After").parse().expect("a number");
    assert!(seconds <= 10);
}

#[test]
fn a_re_invite_with_replaces_replaces_nothing() {
    // covers: TR-123
    let mut bench = Bench::new();
    let leg = bench.placed();
    let request = reinvite(&mut bench, leg).header(HeaderId::Replaces, "a@h;to-tag=1;from-tag=2");
    bench.request(request);
    assert_eq!(bench.last_status(), 488);
    assert!(bench.ended(leg).is_none());
    let request = reinvite(&mut bench, leg);
    bench.request(request);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn a_lower_number_is_500_and_changes_nothing() {
    // covers: TR-191
    let mut bench = Bench::new();
    let leg = bench.placed();
    let request = reinvite(&mut bench, leg);
    let old = request.clone().cseq(request.cseq - 1);
    let same = request.clone();
    bench.request(request);
    assert_eq!(bench.last_status(), 200);
    bench.request(old);
    assert_eq!(bench.last_status(), 500);
    bench.request(same);
    assert_eq!(bench.last_status(), 500);
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_missing_ack_to_a_re_invite_ends_the_call() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let request = reinvite(&mut bench, leg);
    bench.request(request);
    bench.advance(Duration::from_secs(32));
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NoAck);
    bench.assert_clean();
}

#[test]
fn the_next_re_invite_shows_that_the_2xx_arrived() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    for _ in 0..2 {
        let request = reinvite(&mut bench, leg);
        bench.request(request);
        assert_eq!(bench.last_status(), 200);
    }
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    bench.advance(Duration::from_secs(40));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_cancelled_re_invite_gets_487_and_is_rolled_back() {
    // covers: TR-238
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.describe_at_once = false;
    let request = reinvite(&mut bench, leg);
    let tx = bench.request(request);
    bench.receive(TxEvent::Cancelled { tx, reason: None });
    assert_eq!(bench.last_status(), 487);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    bench.leg(leg, LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) });
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Misused(_))));
}

#[test]
fn an_early_dialog_takes_no_second_invite() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().map(str::to_owned);
    let second =
        Theirs { to_tag: tag, ..Theirs::outside(Method::Invite).cseq(2).contact("<sip:bob@192.0.2.20>") };
    bench.request(second);
    assert_eq!(bench.last_status(), 500);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
}
