//! Calls of theirs that ring reliably (RFC 3262 §3), and early media.

use std::time::Duration;

use dialog_core::{DialogConfig, EndReason, LegCommand, LegEvent, LegId, Reliability, Turn};
use sip_message::{HeaderId, Message, Method, StatusCode};
use transaction_core::TxId;

use crate::{
    bench::{ANSWER, Bench, OFFER},
    theirs::Theirs,
};

fn call() -> Theirs {
    Theirs::outside(Method::Invite)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
}

/// A call that requires reliable responses.
fn required() -> Theirs {
    call().header(HeaderId::Require, "100rel")
}

fn rseq(message: &Message) -> u32 {
    message.rseq().expect("a reliable response")
}

/// The PRACK of the last response, or of another one.
fn prack(bench: &mut Bench, number: u32, cseq: u32, body: Option<&str>) -> u16 {
    let answer = bench.answered.iter().rev().find(|it| it.message.to_tag().is_some()).expect("a response");
    let ours = answer.message.to_tag().expect("a tag").to_owned();
    let rack = format!("{number} 1 INVITE");
    let request = Theirs { to_tag: Some(ours), ..Theirs::outside(Method::Prack) };
    let request = request.cseq(cseq).header(HeaderId::RAck, &rack);
    let request = match body {
        Some(body) => request.sdp(body),
        None => request,
    };
    bench.request(request);
    bench.last_status()
}

fn accept(bench: &mut Bench, leg: LegId) {
    bench.leg(leg, LegCommand::Accept { contact_user: None });
}

fn statuses(bench: &Bench, tx: TxId) -> Vec<u16> {
    bench.answered.iter().filter(|it| it.tx == tx).map(|it| it.status).collect()
}

#[test]
fn a_required_response_is_repeated_with_doubled_intervals_until_its_prack() {
    // covers: TR-231
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let ringing = bench.last_answer();
    assert_eq!(ringing.status(), Some(StatusCode::RINGING));
    assert!(ringing.require().any(|tag| tag == "100rel"));
    let mut counts = Vec::new();
    for millis in [499, 2, 998, 2, 1998, 2, 3998, 2] {
        bench.advance(Duration::from_millis(millis));
        counts.push(statuses(&bench, tx).len());
    }
    assert_eq!(counts, [1, 2, 2, 3, 3, 4, 4, 5]);
    assert!(bench.answered.iter().all(|it| it.message.bytes() == ringing.bytes()));
    assert_eq!(prack(&mut bench, rseq(&ringing), 2, None), 200);
    bench.advance(Duration::from_secs(20));
    assert_eq!(statuses(&bench, tx).len(), 5);
    accept(&mut bench, leg);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn without_a_prack_for_64_t1_the_invite_is_refused() {
    // covers: TR-231
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    bench.advance(Duration::from_millis(31_999));
    assert!(bench.ended(leg).is_none());
    bench.advance(Duration::from_millis(1));
    assert_eq!(statuses(&bench, tx).last(), Some(&504));
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NoPrack);
    bench.assert_clean();
}

#[test]
fn a_prack_that_fits_nothing_is_481() {
    // covers: TR-231
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let number = rseq(&bench.last_answer());
    assert_eq!(prack(&mut bench, number + 1, 2, None), 481);
    assert_eq!(prack(&mut bench, number, 3, None), 200);
    assert_eq!(prack(&mut bench, number, 4, None), 481, "it is acknowledged already");
    bench.request(Theirs { to_tag: Some("none".into()), ..Theirs::outside(Method::Prack) });
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn a_second_response_waits_for_the_prack_of_the_first() {
    // covers: TR-231
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let first = rseq(&bench.last_answer());
    for _ in 0..3 {
        bench.leg(leg, LegCommand::Progress);
        bench.leg(leg, LegCommand::Ring);
    }
    assert_eq!(statuses(&bench, tx), [180]);
    prack(&mut bench, first, 2, None);
    assert_eq!(statuses(&bench, tx), [180, 183]);
    let second = bench.answered.iter().rev().find(|it| it.tx == tx).expect("sent").message.clone();
    assert_eq!(rseq(&second), first + 1);
    // However often it was asked for, each waits once.
    prack(&mut bench, first + 1, 3, None);
    assert_eq!(statuses(&bench, tx), [180, 183, 180]);
    prack(&mut bench, first + 2, 4, None);
    assert_eq!(statuses(&bench, tx), [180, 183, 180]);
}

#[test]
fn only_what_was_asked_for_waits_behind_a_response() {
    for (wish, sent) in [(LegCommand::Progress, 183), (LegCommand::Ring, 180)] {
        let mut bench = Bench::new();
        let (tx, leg) = bench.incoming(required().sdp(OFFER));
        bench.leg(leg, LegCommand::Ring);
        let first = rseq(&bench.last_answer());
        bench.leg(leg, wish);
        prack(&mut bench, first, 2, None);
        assert_eq!(statuses(&bench, tx), [180, sent]);
        prack(&mut bench, first + 1, 3, None);
        assert_eq!(statuses(&bench, tx), [180, sent], "and nothing else");
    }
}

#[test]
fn the_policy_decides_what_is_reliable() {
    let is_reliable = |reliability, call: Theirs| {
        let mut bench = Bench::with(DialogConfig { reliability, ..Default::default() });
        let (_, leg) = bench.incoming(call.sdp(OFFER));
        bench.leg(leg, LegCommand::Ring);
        bench.last_answer().rseq().is_some()
    };
    let supported = || call().header(HeaderId::Supported, "100rel");
    assert!(!is_reliable(Reliability::WhenRequired, call()));
    assert!(!is_reliable(Reliability::WhenRequired, supported()));
    assert!(is_reliable(Reliability::WhenRequired, required()));
    assert!(is_reliable(Reliability::WhenSupported, supported()));
    assert!(!is_reliable(Reliability::WhenSupported, call()));
    assert!(!is_reliable(Reliability::Never, supported()));
    let mut bench = Bench::with(DialogConfig { reliability: Reliability::Never, ..Default::default() });
    bench.request(required().sdp(OFFER));
    assert_eq!(bench.last_status(), 420);
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("100rel"));
}

#[test]
fn an_answer_in_a_reliable_183_makes_the_2xx_wait_and_stand_without_one() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Progress);
    let progress = bench.last_answer();
    assert_eq!(progress.body(), ANSWER.as_bytes());
    accept(&mut bench, leg);
    assert_eq!(statuses(&bench, tx), [183]);
    prack(&mut bench, rseq(&progress), 2, None);
    assert_eq!(statuses(&bench, tx), [183, 200]);
    let ok = bench.answered.iter().rev().find(|it| it.tx == tx).expect("sent").message.clone();
    assert!(ok.body().is_empty());
    assert!(bench.has_up(leg));
    let asked = bench.order.iter().filter(|word| *word == "NeedDescription").count();
    assert_eq!(asked, 1, "the answer is not made twice");
    bench.ack(&ok, None);
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_2xx_does_not_wait_for_a_response_without_a_description() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let number = rseq(&bench.last_answer());
    accept(&mut bench, leg);
    assert_eq!(statuses(&bench, tx), [180, 200]);
    bench.advance(Duration::from_secs(3));
    assert_eq!(statuses(&bench, tx), [180, 200], "the 180 is not repeated any more");
    assert_eq!(prack(&mut bench, number, 2, None), 200);
}

#[test]
fn our_offer_in_a_reliable_183_is_answered_by_the_prack() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required());
    bench.leg(leg, LegCommand::Progress);
    let progress = bench.last_answer();
    assert_eq!(progress.body(), OFFER.as_bytes());
    accept(&mut bench, leg);
    assert_eq!(prack(&mut bench, rseq(&progress), 2, Some(ANSWER)), 200);
    assert_eq!(statuses(&bench, tx), [183, 200]);
    let described = bench.leg_events(leg).into_iter().any(
        |event| matches!(event, LegEvent::Described { turn: Turn::Answer, body } if body == ANSWER.as_bytes()),
    );
    assert!(described && bench.has_up(leg));
}

#[test]
fn a_prack_without_the_answer_to_our_offer_ends_the_call() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required());
    bench.leg(leg, LegCommand::Progress);
    let number = rseq(&bench.last_answer());
    prack(&mut bench, number, 2, None);
    assert_eq!(statuses(&bench, tx), [183, 488]);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    bench.assert_clean();
}

#[test]
fn a_new_offer_in_the_prack_is_answered_in_its_200() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Progress);
    let number = rseq(&bench.last_answer());
    assert_eq!(prack(&mut bench, number, 2, Some("v=0 second")), 200);
    assert_eq!(bench.last_answer().body(), ANSWER.as_bytes());
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Changed)));
    accept(&mut bench, leg);
    assert_eq!(statuses(&bench, tx), [183, 200]);
}

#[test]
fn an_offer_in_a_prack_before_the_first_is_answered_is_500() {
    // covers: TR-232
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let number = rseq(&bench.last_answer());
    assert_eq!(prack(&mut bench, number, 2, Some("v=0 second")), 500);
    assert!(bench.last_answer().retry_after().expect("readable").is_some_and(|it| it.seconds <= 10));
}

#[test]
fn an_unreliable_183_shows_the_answer_and_the_2xx_repeats_it() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(call().sdp(OFFER));
    bench.leg(leg, LegCommand::Progress);
    assert_eq!(bench.last_answer().body(), ANSWER.as_bytes());
    assert!(bench.last_answer().rseq().is_none());
    bench.description = Some("v=0 another");
    accept(&mut bench, leg);
    assert_eq!(statuses(&bench, tx), [183, 200]);
    assert_eq!(bench.last_answer().body(), ANSWER.as_bytes());
}

#[test]
fn an_unreliable_183_never_holds_our_offer() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Progress);
    assert_eq!(bench.last_status(), 183);
    assert!(bench.last_answer().body().is_empty());
    accept(&mut bench, leg);
    assert_eq!(bench.last_answer().body(), OFFER.as_bytes());
}

#[test]
fn what_was_sent_last_is_repeated_every_minute() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(call().sdp(OFFER));
    bench.leg(leg, LegCommand::Progress);
    bench.advance(Duration::from_secs(61));
    assert_eq!(statuses(&bench, tx), [183, 183]);
}

#[test]
fn a_call_that_is_accepted_neither_rings_nor_is_accepted_again() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required().sdp(OFFER));
    bench.leg(leg, LegCommand::Progress);
    accept(&mut bench, leg);
    for command in [
        LegCommand::Ring,
        LegCommand::Progress,
        LegCommand::Accept { contact_user: None },
        LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) },
    ] {
        bench.leg(leg, command);
        assert_eq!(bench.order.last().map(String::as_str), Some("Misused"));
    }
    assert_eq!(statuses(&bench, tx), [183]);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(statuses(&bench, tx), [183, 603]);
    bench.assert_clean();
}

#[test]
fn the_first_reliable_response_to_an_invite_without_an_offer_holds_ours_though_it_is_180() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(required());
    bench.leg(leg, LegCommand::Ring);
    let ringing = bench.last_answer();
    assert_eq!((ringing.status(), ringing.body()), (Some(StatusCode::RINGING), OFFER.as_bytes()));
    // The 2xx waits for the answer, and holds nothing then.
    accept(&mut bench, leg);
    assert_eq!(statuses(&bench, tx), [180]);
    assert_eq!(prack(&mut bench, rseq(&ringing), 2, Some(ANSWER)), 200);
    assert!(
        bench
            .leg_events(leg)
            .iter()
            .any(|event| matches!(event, LegEvent::Described { turn: Turn::Answer, .. }))
    );
    assert_eq!(statuses(&bench, tx), [180, 200]);
    let ok = bench.answered.iter().rev().find(|it| it.tx == tx).expect("sent").message.clone();
    assert!(ok.body().is_empty());

    // An unreliable one has no offer.
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Ring);
    assert!(bench.last_answer().body().is_empty());
}

#[test]
fn while_the_offer_of_the_first_180_is_made_none_is_repeated_and_without_one_the_call_is_refused() {
    let mut bench = Bench::new();
    bench.describe_at_once = false;
    let (tx, leg) = bench.incoming(required());
    bench.leg(leg, LegCommand::Ring);
    bench.advance(Duration::from_secs(61));
    assert!(statuses(&bench, tx).is_empty());
    bench.leg(leg, LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) });
    assert_eq!(statuses(&bench, tx), [488]);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    bench.assert_clean();
}
