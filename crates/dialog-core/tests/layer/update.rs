//! UPDATE in early and confirmed dialogs (RFC 3311), and re-INVITEs beside it (RFC 6141).

use std::time::Duration;

use dialog_core::{EndReason, Established, LegCommand, LegEvent, LegId, ReofferError, Turn};
use sip_message::{HeaderId, Method, StatusCode};

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent},
    theirs::Theirs,
};

const SDP: &str = "application/sdp";
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE";
const LIMIT: Duration = Duration::from_secs(9);

/// A call of ours that rings, with offer and answer complete.
pub(crate) fn agreed(bench: &mut Bench) -> (LegId, Sent) {
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 183, PEER_TAG, |response| {
        response
            .header(HeaderId::Require, "100rel")
            .header(HeaderId::RSeq, 1)
            .header(HeaderId::Allow, ALLOW)
            .contact("<sip:bob@192.0.2.20>")
            .body(SDP, ANSWER)
    });
    let prack = bench.last_of(Method::Prack);
    bench.ok(&prack);
    (leg, sent)
}

/// The peer's UPDATE in the early dialog of a call of ours.
fn early_update(sent: &Sent, tag: &str, cseq: u32) -> Theirs {
    Theirs {
        call_id: sent.message.call_id().expect("a Call-ID").into(),
        from_tag: tag.into(),
        to_tag: sent.message.from_tag().map(Into::into),
        ..Theirs::outside(Method::Update).cseq(cseq).contact("<sip:bob@192.0.2.21>")
    }
}

/// A call of theirs whose answer was acknowledged early.
pub(crate) fn agreed_incoming(bench: &mut Bench) -> (LegId, Theirs) {
    let call = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let call = call.header(HeaderId::Require, "100rel").header(HeaderId::Allow, ALLOW);
    let (_, leg) = bench.incoming(call);
    bench.leg(leg, LegCommand::Progress);
    let progress = bench.last_answer();
    let rack = format!("{} 1 INVITE", progress.rseq().expect("reliable"));
    let to_tag = progress.to_tag().map(Into::into);
    let inside = Theirs { to_tag, ..Theirs::outside(Method::Prack) };
    bench.request(inside.clone().cseq(2).header(HeaderId::RAck, &rack));
    assert_eq!(bench.last_status(), 200);
    (leg, Theirs { method: Method::Update, ..inside }.contact("<sip:bob@192.0.2.21>"))
}

/// A call of ours that is up with a peer that takes UPDATE.
fn up(bench: &mut Bench) -> (LegId, Established) {
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::Allow, ALLOW).body(SDP, ANSWER)
    });
    let established = bench.established(leg);
    bench.clear();
    (leg, established)
}

fn update(bench: &mut Bench, up: &Established) -> Theirs {
    bench.theirs(Method::Update, up).contact("<sip:bob@192.0.2.21>")
}

pub(crate) fn settled(bench: &Bench, leg: LegId) -> Vec<Result<(), ReofferError>> {
    let events = bench.leg_events(leg).into_iter();
    let results = events.filter_map(|event| match event {
        LegEvent::Reoffered(result) => Some(result),
        _ => None,
    });
    results.collect()
}

#[test]
fn allow_names_prack_and_update() {
    let mut bench = Bench::new();
    bench.place();
    let invite = bench.last_sent().message;
    for method in [Method::Prack, Method::Update] {
        assert!(invite.allow().any(|allowed| allowed == method), "{method}");
    }
}

#[test]
fn a_wish_in_an_early_dialog_goes_by_update() {
    // covers: TR-233
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Update);
    assert_eq!(ours.message.body(), OFFER.as_bytes());
    assert_eq!(ours.message.request_uri(), Some("sip:bob@192.0.2.20"));
    assert!(ours.message.has(HeaderId::Contact));
    bench.reply(&ours, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.30>").body(SDP, "v=0 second answer")
    });
    assert_eq!(settled(&bench, leg), [Ok(())]);
    assert!(matches!(
        bench.leg_events(leg).as_slice(),
        [.., LegEvent::Described { turn: Turn::Answer, .. }, LegEvent::Reoffered(Ok(()))]
    ));
    bench.reply(&sent, 200, PEER_TAG, |response| response);
    assert!(bench.has_up(leg));
    assert_eq!(bench.acks[0].message.request_uri(), Some("sip:bob@192.0.2.30"), "the target has moved");
    assert_eq!(bench.count_of(Method::Invite), 1);
}

#[test]
fn before_the_first_answer_and_without_update_in_allow_a_wish_does_not_fit() {
    let mut bench = Bench::new();
    let leg = bench.place();
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(bench.order.last().map(String::as_str), Some("Misused"));
    let sent = bench.last_sent();
    bench.reply(&sent, 183, PEER_TAG, |response| {
        let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1);
        response.contact("<sip:bob@192.0.2.20>").body(SDP, ANSWER)
    });
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(bench.order.last().map(String::as_str), Some("Misused"));
    assert_eq!(bench.count_of(Method::Update), 0);
}

#[test]
fn wishes_while_an_update_is_in_flight_are_one_and_follow_it() {
    // covers: TR-225
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    for _ in 0..4 {
        bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    }
    assert_eq!(bench.count_of(Method::Update), 1);
    for expected in [2, 2] {
        let ours = bench.last_of(Method::Update);
        bench.reply(&ours, 200, PEER_TAG, |response| response.body(SDP, ANSWER));
        assert_eq!(bench.count_of(Method::Update), expected);
    }
    assert_eq!(settled(&bench, leg), [Ok(()), Ok(())]);
}

#[test]
fn an_update_that_meets_glare_goes_again_after_the_delay_of_the_owner() {
    // covers: TR-233
    for seed in 1..40 {
        let mut bench = Bench::new();
        bench.random = crate::bench::Seeded(seed);
        let (leg, _) = agreed(&mut bench);
        bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
        let ours = bench.last_of(Method::Update);
        bench.reply(&ours, 491, PEER_TAG, |response| response);
        bench.advance(Duration::from_millis(2_090));
        assert_eq!(bench.count_of(Method::Update), 1);
        bench.advance(Duration::from_millis(1_910));
        assert_eq!(bench.count_of(Method::Update), 2);
        assert!(settled(&bench, leg).is_empty());
    }
}

#[test]
fn a_refused_update_is_rolled_back_and_the_call_goes_on() {
    // covers: TR-196
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Update);
    bench.reply(&ours, 488, PEER_TAG, |response| response);
    let events = bench.leg_events(leg);
    assert!(matches!(events.as_slice(), [.., LegEvent::RolledBack, LegEvent::Reoffered(Err(_))]));
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert!(bench.has_up(leg));
}

#[test]
fn a_wish_whose_time_is_up_is_answered_once() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(3) });
    bench.advance(Duration::from_secs(4));
    assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut)]);
    let ours = bench.last_of(Method::Update);
    bench.reply(&ours, 200, PEER_TAG, |response| response.body(SDP, ANSWER));
    assert_eq!(settled(&bench, leg).len(), 1);
}

#[test]
fn a_wish_that_was_not_sent_when_the_call_comes_up_goes_by_re_invite() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Update);
    bench.reply(&ours, 491, PEER_TAG, |response| response);
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    let again = bench.last_of(Method::Invite);
    assert_ne!(again.tx, sent.tx);
    bench.pick_up(&again, PEER_TAG);
    assert_eq!(settled(&bench, leg), [Ok(())]);
    bench.advance(Duration::from_secs(9));
    assert_eq!(bench.count_of(Method::Update), 1);
}

#[test]
fn a_hold_of_the_callee_before_it_answers_is_taken() {
    // covers: TR-233, TR-235
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.request(early_update(&sent, PEER_TAG, 50).sdp("v=0 hold"));
    assert_eq!(bench.last_status(), 200);
    assert_eq!(bench.last_answer().body(), ANSWER.as_bytes());
    assert!(bench.last_answer().has(HeaderId::Contact));
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Changed)));
    // Their number is remembered, and the target has moved.
    bench.request(early_update(&sent, PEER_TAG, 50));
    assert_eq!(bench.last_status(), 500);
    bench.reply(&sent, 200, PEER_TAG, |response| response);
    assert_eq!(bench.acks[0].message.request_uri(), Some("sip:bob@192.0.2.21"));
}

#[test]
fn an_offer_before_ours_is_answered_is_491_and_a_stranger_finds_no_dialog() {
    // covers: TR-232
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 180, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    bench.request(early_update(&sent, PEER_TAG, 1).sdp("v=0 hold"));
    assert_eq!(bench.last_status(), 491);
    bench.request(early_update(&sent, PEER_TAG, 2));
    assert_eq!(bench.last_status(), 200, "without an offer it only moves the target");
    bench.request(early_update(&sent, "stranger", 1).sdp("v=0 hold"));
    assert_eq!(bench.last_status(), 481);
    assert!(!bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Described { .. })));
}

#[test]
fn an_offer_of_a_fork_that_is_not_followed_is_488() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.reply(&sent, 183, "other", |response| {
        let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1);
        response.contact("<sip:other@192.0.2.20>").body(SDP, "v=0 other")
    });
    bench.request(early_update(&sent, "other", 1).sdp("v=0 hold"));
    assert_eq!(bench.last_status(), 488);
    assert!(!bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Changed)));
}

#[test]
fn the_caller_may_offer_again_once_its_first_offer_is_answered() {
    // covers: TR-232, TR-233
    let mut bench = Bench::new();
    let call = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let (_, leg) = bench.incoming(call);
    bench.leg(leg, LegCommand::Ring);
    let to_tag = bench.last_answer().to_tag().map(Into::into);
    let early = Theirs { to_tag, ..Theirs::outside(Method::Update).contact("<sip:bob@192.0.2.20>") };
    bench.request(early.cseq(2).sdp("v=0 second"));
    assert_eq!(bench.last_status(), 500, "the first offer has no answer");
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    let mut bench = Bench::new();
    let (leg, update) = agreed_incoming(&mut bench);
    bench.request(update.clone().cseq(3).sdp("v=0 second"));
    assert_eq!(bench.last_status(), 200);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Changed)));
    // And the callee may, too.
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Update);
    bench.request(update.clone().cseq(4).sdp("v=0 third"));
    assert_eq!(bench.last_status(), 491);
    bench.reply(&ours, 200, PEER_TAG, |response| response.body(SDP, ANSWER));
    assert_eq!(settled(&bench, leg), [Ok(())]);
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    assert!(bench.has_up(leg));
}

#[test]
fn an_answer_that_does_not_come_at_once_is_504_and_one_before_it_500() {
    // covers: TR-232, TR-233
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.describe_at_once = false;
    let first = update(&mut bench, &up).sdp("v=0 hold");
    let first = bench.request(first);
    let second = update(&mut bench, &up).sdp("v=0 resume");
    bench.request(second);
    assert_eq!(bench.last_status(), 500);
    assert!(bench.last_answer().retry_after().expect("readable").is_some_and(|it| it.seconds <= 10));
    bench.advance(Duration::from_secs(2));
    let undecided = bench.answered.iter().find(|it| it.tx == first).expect("answered");
    assert_eq!(undecided.status, 504);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    bench.describe_at_once = true;
    let third = update(&mut bench, &up).sdp("v=0 resume");
    bench.request(third);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn an_unusable_offer_is_488_and_changes_neither_session_nor_target() {
    // covers: TR-196, TR-235
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.description = Some("");
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(hold);
    assert_eq!(bench.last_status(), 488);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.last_of(Method::Bye).message.request_uri(), Some("sip:bob@192.0.2.20"));
}

#[test]
fn an_update_moves_the_target_of_what_follows() {
    // covers: TR-236
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    let moved = update(&mut bench, &up);
    bench.request(moved);
    assert_eq!(bench.last_status(), 200);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.last_of(Method::Bye).message.request_uri(), Some("sip:bob@192.0.2.21"));
}

#[test]
fn an_update_and_a_re_invite_with_offers_meet_as_two_re_invites_do() {
    // covers: TR-195, TR-232
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Invite);
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(hold);
    assert_eq!(bench.last_status(), 491);
    bench.pick_up(&ours, PEER_TAG);
    bench.describe_at_once = false;
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(hold);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(reinvite);
    assert_eq!(bench.last_status(), 500);
    // Our own wish waits for the UPDATE.
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(bench.count_of(Method::Invite), 1);
    bench.describe_at_once = true;
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    assert_eq!(bench.count_of(Method::Invite), 2);
}

#[test]
fn an_update_within_a_re_invite_of_theirs_waits_so_that_the_re_invite_may_fail() {
    // covers: TR-237
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.describe_at_once = false;
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let reinvite = bench.request(reinvite);
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(hold);
    assert_eq!(bench.last_status(), 500);
    bench.leg(leg, LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) });
    let refused = bench.answered.iter().find(|it| it.tx == reinvite).expect("answered");
    assert_eq!(refused.status, 488);
    assert!(!bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Changed)));
}

#[test]
fn a_re_invite_that_is_refused_after_its_answer_is_followed_by_another_offer() {
    // covers: TR-235, TR-237
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Invite);
    bench.reply(&ours, 183, PEER_TAG, |response| {
        let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 5);
        response.contact("<sip:bob@192.0.2.40>").body(SDP, ANSWER)
    });
    let prack = bench.last_of(Method::Prack).message;
    assert_eq!(prack.request_uri(), Some("sip:bob@192.0.2.40"));
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(hold);
    assert_eq!(bench.last_status(), 200, "offer and answer of the re-INVITE are complete");
    bench.reply(&ours, 488, PEER_TAG, |response| response);
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Refused(crate::bench::code(488)))]);
    assert!(!bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::RolledBack)));
    let again = bench.last_of(Method::Invite);
    assert_ne!(again.tx, ours.tx);
    bench.pick_up(&again, PEER_TAG);
    assert_eq!(settled(&bench, leg).len(), 1, "nobody has wished for it");
    assert_eq!(bench.count_of(Method::Invite), 2);
}

#[test]
fn a_re_invite_with_its_answer_in_a_reliable_response_takes_none_from_the_2xx() {
    let mut bench = Bench::new();
    let (leg, _) = up(&mut bench);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let ours = bench.last_of(Method::Invite);
    for rseq in [5, 5, 7] {
        bench.reply(&ours, 183, PEER_TAG, |response| {
            let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, rseq);
            response.contact("<sip:bob@192.0.2.20>").body(SDP, ANSWER)
        });
    }
    assert_eq!(bench.count_of(Method::Prack), 1);
    bench.reply(&ours, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert_eq!(settled(&bench, leg), [Ok(())]);
    let described = bench.order.iter().filter(|word| *word == "Described").count();
    assert_eq!(described, 1);
}

#[test]
fn a_bye_while_their_offer_waits_answers_it_487() {
    // covers: TR-197
    let mut bench = Bench::new();
    let (leg, up) = up(&mut bench);
    bench.describe_at_once = false;
    let hold = update(&mut bench, &up).sdp("v=0 hold");
    let hold = bench.request(hold);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    let answer = bench.answered.iter().find(|it| it.tx == hold).expect("answered");
    assert_eq!(answer.status, 487);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
    let late = update(&mut bench, &up).sdp("v=0 hold");
    bench.request(late);
    assert_eq!(bench.last_status(), 481);
    bench.assert_clean();
}

#[test]
fn another_body_type_is_415() {
    let mut bench = Bench::new();
    let (_, up) = up(&mut bench);
    let odd = update(&mut bench, &up).body("text/plain", "hold me");
    bench.request(odd);
    assert_eq!(bench.last_status(), 415);
}

#[test]
fn both_sides_agree_again_also_where_the_wish_of_the_refused_re_invite_was_over() {
    // covers: TR-237
    for status in [487, 491] {
        let mut bench = Bench::new();
        let (leg, _) = up(&mut bench);
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(3) });
        let ours = bench.last_of(Method::Invite);
        bench.reply(&ours, 183, PEER_TAG, |response| {
            let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 5);
            response.contact("<sip:bob@192.0.2.40>").body(SDP, ANSWER)
        });
        bench.advance(Duration::from_secs(4));
        assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut)]);
        bench.reply(&ours, status, PEER_TAG, |response| response);
        bench.advance(Duration::from_secs(4));
        let again = bench.last_of(Method::Invite);
        assert_ne!(again.tx, ours.tx, "{status}");
        bench.pick_up(&again, PEER_TAG);
        assert_eq!(settled(&bench, leg).len(), 1, "nobody has wished for it");
        assert_eq!(bench.count_of(Method::Invite), 2);
    }
}
