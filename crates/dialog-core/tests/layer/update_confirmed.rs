//! UPDATEs of ours that meet the 2xx of the call (RFC 3311 §5.1, RFC 6337 §3).

use std::time::Duration;

use dialog_core::{EndReason, LegCommand, LegEvent, LegId, Misuse};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::{
    bench::{ANSWER, Bench, PEER_TAG, Sent},
    challenges::{REALM, challenge, keyed, number},
    update::{agreed, agreed_incoming, settled},
};

fn wish(bench: &mut Bench, leg: LegId) {
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_mins(1) });
}

/// The 2xx of the call, whose ACK has no way yet.
fn pick_up(bench: &mut Bench, sent: &Sent) -> sip_transport::Route {
    bench.route_at_once = false;
    bench.reply(sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    bench.routes.pop().expect("that of the ACK")
}

fn last_is_misuse(bench: &Bench, leg: LegId) -> bool {
    matches!(bench.leg_events(leg).last(), Some(LegEvent::Misused(Misuse::State)))
}

#[test]
fn one_way_is_looked_for_however_often_an_offer_is_wished_for() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    bench.route_at_once = false;
    bench.clear();
    for _ in 0..3 {
        wish(&mut bench, leg);
    }
    assert_eq!(bench.routes.len(), 1);
}

#[test]
fn the_way_of_an_update_does_not_count_once_the_call_is_answered() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    bench.route_at_once = false;
    wish(&mut bench, leg);
    let late = bench.routes.pop().expect("that of the UPDATE");
    let ack = pick_up(&mut bench, &sent);
    bench.route_at_once = true;
    bench.answer_route(&late);
    assert_eq!(bench.count_of(Method::Update), 0, "the ACK comes first");
    bench.answer_route(&ack);
    assert_eq!((bench.acks.len(), bench.count_of(Method::Update), bench.count_of(Method::Invite)), (1, 0, 2));
}

#[test]
fn an_answer_to_an_update_counts_also_before_the_ack_has_its_way() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    wish(&mut bench, leg);
    let update = bench.last_of(Method::Update);
    let ack = pick_up(&mut bench, &sent);
    bench.reply(&update, 200, PEER_TAG, |response| response.body("application/sdp", ANSWER));
    assert_eq!(settled(&bench, leg), [Ok(())]);
    bench.answer_route(&ack);
    assert!(bench.has_up(leg));
}

#[test]
fn a_call_that_is_answered_or_given_up_but_not_acknowledged_takes_no_wish() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    pick_up(&mut bench, &sent);
    wish(&mut bench, leg);
    assert!(last_is_misuse(&bench, leg));

    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    wish(&mut bench, leg);
    assert!(last_is_misuse(&bench, leg));
    assert_eq!(bench.count_of(Method::Update), 0);
}

#[test]
fn an_offerless_re_invite_whose_ack_has_no_answer_leaves_the_session_as_it_was() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>");
    bench.request(reinvite);
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    assert_eq!((bench.count_of(Method::Bye), bench.ended(leg)), (0, None));
    wish(&mut bench, leg);
    assert_eq!(bench.count_of(Method::Invite), 1);
}

#[test]
fn a_day_is_the_longest_session_interval_that_may_be_asked_for() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(
        crate::theirs::Theirs::outside(Method::Invite)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::Supported, "timer")
            .header(HeaderId::SessionExpires, "86400")
            .header(HeaderId::MinSe, "86400")
            .sdp("v=0 offer"),
    );
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    assert_eq!(bench.last_answer().first(HeaderId::SessionExpires), Some("86400;refresher=uac"));
}

#[test]
fn an_update_that_is_lost_before_the_ack_has_its_way_ends_the_call_after_it() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    wish(&mut bench, leg);
    let update = bench.last_of(Method::Update);
    let ack = pick_up(&mut bench, &sent);
    bench.route_at_once = true;
    bench.fail(&update, TxFailure::Timeout);
    bench.answer_route(&ack);
    assert_eq!(bench.acks.len(), 1);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Gone);
}

#[test]
fn an_update_that_was_sent_before_the_call_was_up_does_not_touch_its_session_timer() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    wish(&mut bench, leg);
    let update = bench.last_of(Method::Update);
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::SessionExpires, "90;refresher=uas")
    });
    bench.reply(&update, 200, PEER_TAG, |response| response.body("application/sdp", ANSWER));
    assert_eq!(settled(&bench, leg), [Ok(())]);
    bench.advance(Duration::from_mins(1));
    assert_eq!(bench.count_of(Method::Bye), 1, "nobody has refreshed it");
}

#[test]
fn a_wish_waits_for_our_answer_to_an_offer_of_theirs() {
    let mut bench = Bench::new();
    let (leg, update) = agreed_incoming(&mut bench);
    bench.describe_at_once = false;
    bench.request(update.cseq(3).sdp("v=0 theirs"));
    bench.clear();
    wish(&mut bench, leg);
    assert!(bench.routes.is_empty());
    bench.describe_at_once = true;
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    assert_eq!((bench.routes.len(), bench.count_of(Method::Update)), (1, 1));
}

#[test]
fn an_answer_to_an_update_of_a_fork_that_has_ended_is_none_to_that_of_the_next() {
    let mut bench = Bench::new();
    let (leg, sent) = agreed(&mut bench);
    wish(&mut bench, leg);
    let first = bench.last_of(Method::Update);
    bench.reply(&sent, 199, PEER_TAG, |response| response);
    bench.reply(&sent, 183, "next", |response| {
        let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1);
        let response = response.header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE");
        response.contact("<sip:next@192.0.2.30>").body("application/sdp", ANSWER)
    });
    let second = bench.last_of(Method::Update);
    assert_ne!(first.tx, second.tx);
    bench.reply(&first, 200, PEER_TAG, |response| response.body("application/sdp", ANSWER));
    assert!(settled(&bench, leg).is_empty());
    bench.reply(&second, 200, "next", |response| response.body("application/sdp", ANSWER));
    assert_eq!(settled(&bench, leg), [Ok(())]);
}

#[test]
fn an_update_that_is_challenged_goes_again_with_its_offer_as_long_as_that_is_wished_for() {
    // covers: TR-192
    for wanted in [true, false] {
        let mut bench = Bench::with(keyed());
        let (leg, _) = agreed(&mut bench);
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(3) });
        let first = bench.last_of(Method::Update);
        if !wanted {
            bench.advance(Duration::from_secs(3));
        }
        bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
        assert_eq!(bench.count_of(Method::Update), if wanted { 2 } else { 1 });
        if wanted {
            let again = bench.last_of(Method::Update);
            assert!(again.message.has(HeaderId::Authorization));
            assert_eq!(again.message.body(), first.message.body());
            assert_eq!(number(&again), number(&first) + 1);
            bench.reply(&again, 200, PEER_TAG, |response| response.body("application/sdp", ANSWER));
            assert_eq!(settled(&bench, leg), [Ok(())]);
        }
    }
}

#[test]
fn a_refresh_that_is_challenged_goes_again_though_nobody_wishes_for_it() {
    // covers: TR-192
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, UPDATE")
            .header(HeaderId::SessionExpires, "1800;refresher=uac")
            .body("application/sdp", ANSWER)
    });
    bench.advance(Duration::from_mins(15));
    let first = bench.last_of(Method::Update);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let again = bench.last_of(Method::Update);
    assert_ne!(first.tx, again.tx);
    // What comes late to the first try is nobody's.
    bench.reply(&first, 481, PEER_TAG, |response| response);
    bench.reply(&again, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert!(bench.ended(leg).is_none());
    let events = bench.leg_events(leg);
    assert!(!events.iter().any(|event| matches!(event, LegEvent::RolledBack | LegEvent::Reoffered(_))));
}
