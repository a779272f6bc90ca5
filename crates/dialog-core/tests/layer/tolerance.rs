use dialog_core::{
    DialogConfig, LegCommand, LegId, NotifiedState, Refer, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, StatusCode, SubReason};

use crate::bench::{Bench, PEER_TAG, Sent, address_of, uri};

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
fn terminated_beside_a_provisional_status_is_not_the_end() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    for frag in ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 Ok"] {
        assert_eq!(notify(&mut bench, leg, "refer", "terminated", frag), 200);
    }
    let states: Vec<NotifiedState> = notified(&bench, id).into_iter().map(|(state, _, _)| state).collect();
    assert_eq!(states, [NotifiedState::Active, NotifiedState::Active, NotifiedState::Terminated]);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
}

#[test]
fn what_peers_get_wrong_is_understood() {
    // covers: TR-040, TR-042, TR-092
    let table = [
        ("terminated;reason=reason=noresource", "SIP/2.0 200 OK", NotifiedState::Terminated, Some(200)),
        ("", "SIP/2.0 200 OK\r\n", NotifiedState::Terminated, Some(200)),
        ("", "SIP/2.0 100 Trying\r\n", NotifiedState::Active, Some(100)),
        ("terminated;expires=60;reason=foo", "", NotifiedState::Terminated, None),
        ("TERMINATED;Reason=NoResource", "SIP/2.0 486 Busy\n", NotifiedState::Terminated, Some(486)),
        ("active", "sip/2.0 200", NotifiedState::Active, Some(200)),
        ("foo;expires=1", "SIP/2.0 180 Ringing\r\n", NotifiedState::Active, Some(180)),
        ("active;expires=0", "SIP/2.0 180 Ringing\r\n", NotifiedState::Active, Some(180)),
        ("pending;expires=60", "SIP/2.0 100 Trying\r\n", NotifiedState::Pending, Some(100)),
        ("active", "SIP/2.0 486 Busy Here", NotifiedState::Active, Some(486)),
    ];
    for (state, frag, expected, status) in table {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, 202);
        assert_eq!(notify(&mut bench, leg, "Refer", state, frag), 200, "{state}");
        let seen = notified(&bench, id);
        assert_eq!((seen[0].0, seen[0].1), (expected, status), "{state} {frag}");
    }
}

#[test]
fn a_body_that_says_nothing_is_no_error() {
    // covers: TR-093, TR-095
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    let up = bench.established(leg);
    for (kind, coding, body) in [
        ("text/plain", None, "SIP/2.0 200 OK"),
        ("message/sipfrag", Some("gzip"), "SIP/2.0 200 OK"),
        ("message/sipfrag", None, "garbage"),
        ("multipart/mixed;boundary=x", None, "--x--"),
    ] {
        let mut request = bench.theirs(Method::Notify, &up).header(HeaderId::Event, "refer").body(kind, body);
        request = request.header(HeaderId::SubscriptionState, "active");
        if let Some(coding) = coding {
            request = request.header(HeaderId::ContentEncoding, coding);
        }
        bench.request(request);
        assert_eq!(bench.last_status(), 200);
    }
    assert_eq!(notify(&mut bench, leg, "refer", "terminated", ""), 200);
    assert!(notified(&bench, id).iter().all(|(_, status, _)| status.is_none()));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
}

#[test]
fn two_refers_are_told_apart_by_their_numbers() {
    // covers: TR-020, TR-021, TR-242
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (first, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    let first_number = sent.message.cseq().expect("a CSeq").number;
    let (second, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    let second_number = sent.message.cseq().expect("a CSeq").number;
    let by_id = format!("refer;id={second_number}");
    notify(&mut bench, leg, &by_id, "active", "SIP/2.0 180 Ringing");
    notify(&mut bench, leg, "refer", "active", "SIP/2.0 183 Session Progress");
    notify(&mut bench, leg, &format!("refer;id={first_number}"), "active", "SIP/2.0 181 Forwarded");
    assert_eq!(notify(&mut bench, leg, "refer;id=9999", "active", "SIP/2.0 200 OK"), 481);
    assert_eq!(notify(&mut bench, leg, "refer;id=", "active", "SIP/2.0 200 OK"), 400);
    assert_eq!(notify(&mut bench, leg, "dialog", "active", ""), 489);
    let codes = |id| notified(&bench, id).into_iter().filter_map(|(_, status, _)| status).collect::<Vec<_>>();
    assert_eq!((codes(first), codes(second)), (vec![183, 181], vec![180]));
    assert!(bench.ended(leg).is_none());
    // The first ends. The peer has named the other one by its id, so that one without id is late and not meant for it.
    notify(&mut bench, leg, &format!("refer;id={first_number}"), "terminated", "SIP/2.0 200 OK");
    assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 182 Queued"), 481);
    assert_eq!(codes_of(&bench, second), [180]);
    assert_eq!(end(&bench, first), Some(SubscriptionEnd::Terminated));
}

fn codes_of(bench: &Bench, id: SubscriptionId) -> Vec<u16> {
    notified(bench, id).into_iter().filter_map(|(_, status, _)| status).collect()
}

#[test]
fn the_only_refer_is_meant_by_a_peer_that_never_writes_an_id() {
    // covers: TR-021
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (first, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "terminated", "SIP/2.0 486 Busy Here");
    let (second, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 182 Queued"), 200);
    assert_eq!((codes_of(&bench, first), codes_of(&bench, second)), (vec![486], vec![182]));
}

#[test]
fn a_late_success_of_an_abandoned_refer_is_not_that_of_the_second() {
    // covers: TR-020
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (first, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active", "SIP/2.0 100 Trying");
    bench.subscription(first, dialog_core::SubscriptionCommand::Unsubscribe);
    let subscribe = bench.last_of(Method::Subscribe);
    bench.reply(&subscribe, 489, PEER_TAG, |response| response);
    assert_eq!(end(&bench, first), Some(SubscriptionEnd::Terminated));
    let (second, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    let by_id = format!("refer;id={}", sent.message.cseq().expect("a CSeq").number);
    notify(&mut bench, leg, &by_id, "active", "SIP/2.0 180 Ringing");
    assert_eq!(notify(&mut bench, leg, "refer", "terminated;reason=noresource", "SIP/2.0 200 OK"), 481);
    assert_eq!((codes_of(&bench, second), end(&bench, second)), (vec![180], None));
    notify(&mut bench, leg, &by_id, "terminated;reason=noresource", "SIP/2.0 486 Busy Here");
    assert_eq!(codes_of(&bench, second), [180, 486]);
}

#[test]
fn a_late_number_is_500_and_reported_to_nobody() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    notify(&mut bench, leg, "refer", "active", "SIP/2.0 180 Ringing");
    let up = bench.established(leg);
    let late = bench.theirs(Method::Notify, &up).header(HeaderId::Event, "refer").cseq(1);
    bench.request(late);
    assert_eq!(bench.last_status(), 500);
    assert_eq!(notified(&bench, id).len(), 1);
}

#[test]
fn a_notify_without_a_state_is_400_where_that_is_wanted() {
    // covers: TR-040, EC-08
    let mut bench = Bench::with(DialogConfig { lenient: false, ..DialogConfig::default() });
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    accept(&mut bench, &sent, 202);
    assert_eq!(notify(&mut bench, leg, "refer", "", "SIP/2.0 200 OK\r\n"), 400);
    assert!(notified(&bench, id).is_empty() && end(&bench, id).is_none());
    assert_eq!(notify(&mut bench, leg, "refer", "terminated", "SIP/2.0 200 OK\r\n"), 200);
}

#[test]
fn a_peer_of_the_older_framework_is_understood() {
    // covers: TR-054
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg);
    bench.reply(&sent, 202, PEER_TAG, |response| response);
    assert_eq!(notify(&mut bench, leg, "refer", "active", "SIP/2.0 100 Trying"), 200);
    assert_eq!(notify(&mut bench, leg, "refer", "terminated;reason=noresource", "SIP/2.0 200 OK"), 200);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn terminated_with_a_reason_is_the_end_whatever_the_status() {
    // covers: TR-042, TR-257
    for (reason, ends) in [
        ("deactivated", true),
        ("probation", true),
        ("rejected", true),
        ("timeout", true),
        ("giveup", true),
        ("invariant", true),
        ("foo", true),
        ("noresource", false),
    ] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, 202);
        let state = format!("terminated;reason={reason}");
        assert_eq!(notify(&mut bench, leg, "refer", &state, "SIP/2.0 180 Ringing"), 200);
        let expected = if ends { NotifiedState::Terminated } else { NotifiedState::Active };
        assert_eq!(notified(&bench, id)[0].0, expected, "{reason}");
        assert_eq!(end(&bench, id), ends.then_some(SubscriptionEnd::Terminated), "{reason}");
    }
}

#[test]
fn after_unsubscribing_every_terminated_is_the_end() {
    for state in ["terminated", "terminated;reason=noresource"] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg);
        accept(&mut bench, &sent, 202);
        bench.subscription(id, dialog_core::SubscriptionCommand::Unsubscribe);
        assert_eq!(notify(&mut bench, leg, "refer", state, "SIP/2.0 180 Ringing"), 200);
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    }
}
