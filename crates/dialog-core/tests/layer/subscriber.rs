use std::time::Duration;

use dialog_core::{
    DialogConfig, LegCommand, LegEvent, LegId, Misuse, NotifiedState, Refer, ReferAnswer,
    SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, StatusCode, SubReason};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, PEER_TAG, Sent, address_of, code, uri},
    theirs::Theirs,
};

fn refer(bench: &mut Bench, leg: LegId) -> (SubscriptionId, Sent) {
    let subscription = bench.ids.mint();
    bench.leg(
        leg,
        LegCommand::Refer {
            subscription,
            refer: Refer {
                referred_by: Some(address_of("<sip:alice@example.com>")),
                ..Refer::to(uri("sip:carol@example.com?Replaces=a%40h%3Bto-tag%3D1%3Bfrom-tag%3D2"))
            }
            .into(),
        },
    );
    (subscription, bench.last_of(Method::Refer))
}

fn accept(bench: &mut Bench, sent: &Sent, status: u16) {
    bench.reply(sent, status, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
}

fn notify(bench: &mut Bench, leg: LegId, event: &str, state: &str, frag: &str) -> u16 {
    let up = bench.established(leg);
    let mut request = bench.theirs(Method::Notify, &up).header(HeaderId::Event, event);
    if !state.is_empty() {
        request = request.header(HeaderId::SubscriptionState, state);
    }
    if !frag.is_empty() {
        request = request.body("message/sipfrag;version=2.0", frag);
    }
    bench.request(request);
    bench.last_status()
}

fn notified(bench: &Bench, id: SubscriptionId) -> Vec<(NotifiedState, Option<u16>, Option<SubReason>)> {
    bench
        .subscription_events(id)
        .into_iter()
        .filter_map(|event| match event {
            SubscriptionEvent::Notified(it) => Some((it.state, it.status.map(StatusCode::as_u16), it.reason)),
            _ => None,
        })
        .collect()
}

fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

#[test]
fn a_refer_is_sent_in_the_dialog_with_one_refer_to_in_brackets_and_a_contact() {
    // covers: TR-001, TR-006, TR-190
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (_, sent) = refer(&mut bench, leg);
    let message = &sent.message;
    assert_eq!(message.count(HeaderId::ReferTo), 1);
    let refer_to = message.first(HeaderId::ReferTo).expect("Refer-To");
    assert_eq!(refer_to, "<sip:carol@example.com?Replaces=a%40h%3Bto-tag%3D1%3Bfrom-tag%3D2>");
    assert_eq!(message.first(HeaderId::ReferredBy), Some("<sip:alice@example.com>"));
    assert_eq!(message.contact_count(), 1);
    assert_eq!(message.request_uri(), Some("sip:bob@192.0.2.20"));
    let up = bench.established(leg);
    assert_eq!(message.call_id(), Ok(&*up.dialog.call_id));
    assert_eq!((message.from_tag(), message.to_tag()), (Some(&*up.dialog.local_tag), Some(PEER_TAG)));
    assert!(!message.has(HeaderId::ReferSub));
}

#[test]
fn the_usual_course_is_accepted_trying_done() {
    // covers: TR-060, EC-18
    for status in [200, 202] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, status);
        assert_eq!(notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 100 Trying\r\n"), 200);
        assert_eq!(notify(&mut bench, leg, "refer", "active;expires=59", "SIP/2.0 180 Ringing\r\n"), 200);
        assert_eq!(
            notify(&mut bench, leg, "refer", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"),
            200
        );
        assert!(matches!(
            bench.subscription_events(id)[0],
            SubscriptionEvent::Answered(ReferAnswer::Accepted(answer)) if answer == code(status)
        ));
        assert_eq!(
            notified(&bench, id),
            [
                (NotifiedState::Active, Some(100), None),
                (NotifiedState::Active, Some(180), None),
                (NotifiedState::Terminated, Some(200), Some(SubReason::Noresource)),
            ]
        );
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
        // covers: EC-15
        assert_eq!(notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 100 Trying\r\n"), 481);
        assert!(bench.ended(leg).is_none(), "the end of the subscription is not the end of the call");
    }
}

#[test]
fn a_notify_may_come_before_the_response() {
    // covers: TR-011
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    assert_eq!(notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 100 Trying\r\n"), 200);
    accept(&mut bench, &sent, 202);
    assert_eq!(notify(&mut bench, leg, "refer", "terminated", "SIP/2.0 200 OK\r\n"), 200);
    let words: Vec<String> = bench
        .subscription_events(id)
        .iter()
        .map(|event| format!("{event:?}").split('(').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(words, ["Notified", "Answered", "Notified", "Ended"]);
}

#[test]
fn also_the_last_notify_may_come_before_the_response() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    assert_eq!(notify(&mut bench, leg, "refer", "terminated", "SIP/2.0 200 OK\r\n"), 200);
    assert_eq!(end(&bench, id), None);
    accept(&mut bench, &sent, 202);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
}

#[test]
fn without_a_notify_the_subscription_ends_after_64_t1() {
    // covers: TR-046
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    bench.advance(Duration::from_millis(31_900));
    assert_eq!(end(&bench, id), None);
    bench.advance(Duration::from_millis(200));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NoNotify));
    assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 100 Trying\r\n"), 481);
}

#[test]
fn no_failure_of_a_refer_ends_the_call() {
    // covers: TR-029, TR-241, TR-267
    for status in
        [302, 400, 403, 404, 405, 408, 410, 416, 480, 481, 482, 489, 500, 501, 502, 503, 600, 603, 604]
    {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        bench.reply(&sent, status, PEER_TAG, |response| response.header(HeaderId::RetryAfter, "5 (busy)"));
        assert!(matches!(
            bench.subscription_events(id)[0],
            SubscriptionEvent::Answered(ReferAnswer::Refused { status: seen, retry_after: Some(5) }) if seen == code(status)
        ));
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
        assert!(bench.ended(leg).is_none(), "{status}");
        assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 100 Trying\r\n"), 481);
    }
    for (failure, answer) in
        [(TxFailure::Timeout, ReferAnswer::TimedOut), (TxFailure::Flow, ReferAnswer::Unreachable)]
    {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        bench.fail(&sent, failure);
        assert!(
            matches!(bench.subscription_events(id)[0], SubscriptionEvent::Answered(seen) if seen == answer)
        );
        assert!(bench.ended(leg).is_none() && bench.cancelled.is_empty());
    }
}

#[test]
fn a_refusal_after_a_notify_is_trusted() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 100 Trying\r\n");
    bench.reply(&sent, 603, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
}

#[test]
fn the_subscription_outlives_the_call() {
    // covers: TR-240, EC-10
    for ours in [true, false] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let up = bench.established(leg);
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, 202);
        if ours {
            bench.leg(leg, LegCommand::HangUp { reason: None });
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
        } else {
            let bye = bench.theirs(Method::Bye, &up);
            bench.request(bye);
        }
        assert!(bench.ended(leg).is_some());
        assert_eq!(bench.dialogs.tombstones(), 0);
        let notify = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "terminated;reason=noresource")
            .body("message/sipfrag", "SIP/2.0 200 OK\r\n");
        bench.request(notify);
        assert_eq!(bench.last_status(), 200);
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
        bench.assert_clean();
    }
}

#[test]
fn unsubscribing_sends_a_subscribe_with_zero_and_serves_notifies_until_the_last() {
    // covers: TR-052
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 100 Trying");
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let subscribe = bench.last_of(Method::Subscribe);
    assert_eq!(subscribe.message.first(HeaderId::Expires), Some("0"));
    assert_eq!(subscribe.message.first(HeaderId::Event), Some("refer"));
    assert_eq!(subscribe.message.contact_count(), 1);
    bench.ok(&subscribe);
    assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 180 Ringing"), 200);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(Misuse::State))));
    assert_eq!(notify(&mut bench, leg, "refer", "terminated;reason=timeout", "SIP/2.0 180 Ringing"), 200);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    assert!(bench.cancelled.is_empty());
}

#[test]
fn unsubscribing_before_the_response_waits_for_it_and_cancels_nothing() {
    // covers: TR-052
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    assert!(bench.cancelled.is_empty());
    assert_eq!(bench.count_of(Method::Subscribe), 0);
    accept(&mut bench, &sent, 202);
    assert_eq!(bench.count_of(Method::Subscribe), 1);
    let subscribe = bench.last_of(Method::Subscribe);
    bench.reply(&subscribe, 481, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
}

#[test]
fn the_duration_is_refreshed_and_a_failed_refresh_ends_only_by_the_fatal_codes() {
    // covers: TR-048, TR-041, EC-17
    for (status, fatal) in [(500, false), (481, true), (405, true), (403, false)] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, 202);
        notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
        bench.advance(Duration::from_secs(44));
        assert_eq!(bench.count_of(Method::Subscribe), 0);
        bench.advance(Duration::from_secs(2));
        let refresh = bench.last_of(Method::Subscribe);
        assert_eq!(bench.count_of(Method::Refer), 1);
        bench.reply(&refresh, status, PEER_TAG, |response| response);
        assert_eq!(end(&bench, id), fatal.then_some(SubscriptionEnd::Terminated), "{status}");
        if !fatal {
            assert_eq!(notify(&mut bench, leg, "refer", "terminated", "SIP/2.0 200 OK"), 200);
        }
    }
}

#[test]
fn a_granted_refresh_extends_and_silence_expires() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
    bench.advance(Duration::from_secs(46));
    let refresh = bench.last_of(Method::Subscribe);
    bench.reply(&refresh, 200, PEER_TAG, |response| response.header(HeaderId::Expires, 100));
    notify(&mut bench, leg, "refer", "active", "SIP/2.0 180 Ringing");
    bench.advance(Duration::from_mins(1));
    assert_eq!(end(&bench, id), None);
    let mut quiet = Bench::with(DialogConfig { refresh: false, ..DialogConfig::default() });
    let leg = quiet.placed();
    let (id, sent) = refer(&mut quiet, leg);
    accept(&mut quiet, &sent, 202);
    notify(&mut quiet, leg, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
    quiet.advance(Duration::from_secs(93));
    assert_eq!(quiet.count_of(Method::Subscribe), 0);
    assert_eq!(end(&quiet, id), Some(SubscriptionEnd::Expired));
}

#[test]
fn a_subscription_that_has_told_its_end_is_not_refreshed() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 486 Busy Here");
    bench.advance(Duration::from_secs(80));
    assert_eq!(bench.count_of(Method::Subscribe), 0, "a peer was seen that ends the call on a SUBSCRIBE");
    assert_eq!(notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 486 Busy Here"), 200);
    bench.advance(Duration::from_secs(100));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
}

#[test]
fn a_peer_that_never_ends_is_refreshed_a_limited_number_of_times() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
    let mut refreshed = 0;
    for _ in 0..200 {
        bench.advance(Duration::from_secs(10));
        if bench.count_of(Method::Subscribe) > refreshed {
            refreshed += 1;
            let refresh = bench.last_of(Method::Subscribe);
            bench.reply(&refresh, 200, PEER_TAG, |response| response.header(HeaderId::Expires, 60));
            notify(&mut bench, leg, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
        }
    }
    assert_eq!(refreshed, 16);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
}

#[test]
fn a_refer_that_was_not_sent_yet_fails_with_the_call() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    let subscription: SubscriptionId = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    assert_eq!(bench.count_of(Method::Refer), 0);
    assert!(matches!(
        bench.subscription_events(subscription).as_slice(),
        [
            SubscriptionEvent::Answered(ReferAnswer::Unreachable),
            SubscriptionEvent::Ended(SubscriptionEnd::Refused)
        ]
    ));
}

#[test]
fn a_refer_that_crosses_their_bye_ends_both_cleanly() {
    // covers: TR-244
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let (id, sent) = refer(&mut bench, leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    bench.reply(&sent, 481, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    assert!(bench.ended(leg).is_some());
    bench.assert_clean();
}

#[test]
fn a_call_takes_a_limited_number_of_refers() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    for _ in 0..8 {
        let (id, _) = refer(&mut bench, leg);
        assert!(bench.subscription_events(id).is_empty());
    }
    refer(&mut bench, leg);
    assert_eq!(bench.count_of(Method::Refer), 8);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Misused(Misuse::Full))));
}

#[test]
fn a_notify_for_nothing_is_481_and_for_an_unknown_package_489() {
    // covers: TR-044
    let mut bench = Bench::new();
    let leg = bench.placed();
    assert_eq!(notify(&mut bench, leg, "refer", "active", ""), 481);
    assert_eq!(notify(&mut bench, leg, "presence", "active", ""), 489);
    assert_eq!(bench.last_answer().first(HeaderId::AllowEvents), Some("refer"));
    assert!(bench.ended(leg).is_none());
    for (event, status) in [("refer", 481), ("presence", 489)] {
        bench.request(Theirs::outside(Method::Notify).header(HeaderId::Event, event));
        assert_eq!(bench.last_status(), status);
    }
    bench.request(Theirs::outside(Method::Notify));
    assert_eq!(bench.last_status(), 489);
}

#[test]
fn after_the_call_a_subscription_lives_for_64_t1_and_is_not_refreshed() {
    // covers: TR-165, TR-240, TR-258
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=86400", "SIP/2.0 100 Trying");
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    bench.clear();
    for _ in 0..3 {
        bench.advance(Duration::from_secs(10));
        assert_eq!(end(&bench, id), None);
        let ringing = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "active;expires=86400")
            .body("message/sipfrag", "SIP/2.0 180 Ringing");
        bench.request(ringing);
        assert_eq!(bench.last_status(), 200);
    }
    bench.advance(Duration::from_secs(3));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
    assert_eq!(bench.count_of(Method::Subscribe), 0);
    bench.assert_clean();
}

#[test]
fn the_end_of_the_call_lengthens_no_subscription() {
    let mut bench = Bench::with(DialogConfig { refresh: false, ..DialogConfig::default() });
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=10", "SIP/2.0 100 Trying");
    bench.advance(Duration::from_secs(40));
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    assert_eq!(end(&bench, id), None);
    bench.advance(Duration::from_secs(3));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
}

#[test]
fn a_peer_grants_no_more_than_an_hour() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active;expires=4000000000", "SIP/2.0 100 Trying");
    bench.advance(Duration::from_secs(3_560));
    assert_eq!(bench.count_of(Method::Subscribe), 0);
    bench.advance(Duration::from_secs(10));
    assert_eq!(bench.count_of(Method::Subscribe), 1);
    bench.advance(Duration::from_secs(32));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NoNotify));
}
