//! Requests that a later one of ours overtook on the way, so that the peer refused them for their number (RFC 3261 §12.2.2;
//! decision 4).

use std::time::Duration;

use dialog_core::{LegCommand, Refer, SubscriptionEnd, SubscriptionEvent};
use sip_message::{Method, SubReason};

use crate::{
    bench::{Bench, PEER_TAG, Sent, uri},
    notifier::{accepted, end, last_notify, notifies, report},
};

#[test]
fn a_last_notify_that_was_overtaken_is_sent_once_more_with_a_new_number() {
    for again in [200, 500] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = last_notify(&bench);
        bench.ok(&first);
        report(&mut bench, id, 200, Some(SubReason::Noresource));
        let last = last_notify(&bench);
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) });
        bench.reply(&last, 500, PEER_TAG, |response| response);
        assert_eq!(end(&bench, id), None);
        let repeated = last_notify(&bench);
        let number = |sent: &Sent| sent.message.cseq().expect("a CSeq").number;
        assert_eq!(number(&repeated), number(&last) + 2);
        assert_eq!(notifies(&bench)[2], notifies(&bench)[1]);
        bench.leg(leg, LegCommand::HangUp { reason: None });
        bench.reply(&repeated, again, PEER_TAG, |response| response);
        assert_eq!(bench.count_of(Method::Notify), 3, "only once more");
        let expected = if again == 200 { SubscriptionEnd::Terminated } else { SubscriptionEnd::NotifyFailed };
        assert!(matches!(
            bench.subscription_events(id).as_slice(),
            [.., SubscriptionEvent::Delivered, SubscriptionEvent::Ended(end)] if *end == expected
        ));
    }
}

#[test]
fn a_first_notify_that_was_overtaken_is_sent_once_more_because_the_subscriber_waits_for_it() {
    // covers: TR-010, TR-046
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) });
    bench.reply(&first, 500, PEER_TAG, |response| response);
    assert_eq!(bench.count_of(Method::Notify), 2);
    assert_eq!(notifies(&bench)[1], notifies(&bench)[0]);
    let again = last_notify(&bench);
    let subscription = bench.ids.mint();
    let refer = Refer::to(uri("sip:carol@example.com")).into();
    bench.leg(leg, LegCommand::Refer { subscription, refer });
    bench.reply(&again, 500, PEER_TAG, |response| response);
    assert_eq!(bench.count_of(Method::Notify), 2, "only once more");
    assert_eq!(end(&bench, id), None);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    assert_eq!(bench.count_of(Method::Notify), 3);
}

#[test]
fn a_report_that_was_overtaken_is_left_to_the_next_one() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    bench.advance(Duration::from_secs(2));
    report(&mut bench, id, 180, None);
    let ringing = last_notify(&bench);
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) });
    bench.reply(&ringing, 500, PEER_TAG, |response| response);
    assert_eq!(bench.count_of(Method::Notify), 2);
}

#[test]
fn a_bye_that_a_notify_overtook_is_sent_once_more() {
    for again in [200, 500] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = last_notify(&bench);
        bench.ok(&first);
        bench.leg(leg, LegCommand::HangUp { reason: None });
        let bye = bench.last_of(Method::Bye);
        report(&mut bench, id, 200, Some(SubReason::Noresource));
        bench.reply(&bye, 500, PEER_TAG, |response| response);
        assert!(bench.ended(leg).is_none(), "the peer has not hung up");
        let repeated = bench.last_of(Method::Bye);
        let number = |sent: &Sent| sent.message.cseq().expect("a CSeq").number;
        assert!(number(&repeated) > number(&last_notify(&bench)));
        bench.reply(&repeated, again, PEER_TAG, |response| response);
        assert!(bench.ended(leg).is_some());
        assert_eq!(bench.count_of(Method::Bye), 2, "only once more");
    }
}

#[test]
fn a_last_notify_that_nothing_overtook_is_not_repeated() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    let last = last_notify(&bench);
    bench.reply(&last, 500, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NotifyFailed));
    assert_eq!(bench.count_of(Method::Notify), 2);
}
