use std::time::Duration;

use dialog_core::{
    DialogCommand, DialogConfig, LegCommand, LegId, Misuse, ReferAcceptance, SubscriptionCommand,
    SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, SubReason};
use transaction_core::{TxFailure, TxId};

use crate::{
    bench::{Bench, OFFER, PEER_TAG, Sent, code},
    theirs::Theirs,
};

const LIFETIME: Duration = Duration::from_mins(2);

fn request(bench: &mut Bench, leg: LegId) -> Theirs {
    let up = bench.established(leg);
    bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
}

fn referred(bench: &mut Bench, leg: LegId) -> (SubscriptionId, TxId) {
    let refer = request(bench, leg);
    let tx = bench.request(refer);
    (bench.requested(), tx)
}

pub(crate) fn accepted(bench: &mut Bench, leg: LegId) -> SubscriptionId {
    let (id, _) = referred(bench, leg);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    id
}

pub(crate) fn report(bench: &mut Bench, id: SubscriptionId, status: u16, last: Option<SubReason>) {
    bench.subscription(id, SubscriptionCommand::Report { status: code(status), headers: Vec::new(), last });
}

pub(crate) fn notifies(bench: &Bench) -> Vec<(String, String)> {
    bench
        .sent
        .iter()
        .filter(|sent| sent.message.method() == Some(Method::Notify))
        .map(|sent| {
            let state = sent.message.first(HeaderId::SubscriptionState).expect("a state").to_owned();
            (state, String::from_utf8_lossy(sent.message.body()).into_owned())
        })
        .collect()
}

pub(crate) fn last_notify(bench: &Bench) -> Sent {
    bench.last_of(Method::Notify)
}

pub(crate) fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

#[test]
fn an_accepted_refer_is_answered_202_with_contact_and_notified_at_once() {
    // covers: TR-007, TR-010, TR-012
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, tx) = referred(&mut bench, leg);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    let answer = &bench.answered[0];
    assert_eq!((answer.tx, answer.status), (tx, 202));
    assert_eq!(answer.message.contact_count(), 1);
    assert_eq!(bench.order, ["Requested", "202", "route", "NOTIFY"]);
    let notify = last_notify(&bench).message;
    let up = bench.established(leg);
    assert_eq!(notify.call_id(), Ok(&*up.dialog.call_id));
    assert_eq!((notify.from_tag(), notify.to_tag()), (Some(&*up.dialog.local_tag), Some(PEER_TAG)));
    assert_eq!(notify.first(HeaderId::Event), Some("refer"));
    assert_eq!(notify.contact_count(), 1);
    assert_eq!(bench.now.as_micros(), 0);
}

#[test]
fn before_we_stop_every_accepted_subscription_of_theirs_ends() {
    // covers: TR-257
    let mut bench = Bench::new();
    let leg = bench.placed();
    let active = accepted(&mut bench, leg);
    report(&mut bench, active, 180, None);
    let (pending, _) = referred(&mut bench, leg);
    bench.subscription(pending, SubscriptionCommand::Accept { pending: true, lifetime: LIFETIME });
    for notify in bench.sent.clone() {
        bench.ok(&notify);
    }
    bench.clear();
    bench.command(DialogCommand::Deactivate);
    let said = |state: &str, body: &str| (state.to_owned(), body.to_owned());
    assert_eq!(
        notifies(&bench),
        [
            said("terminated;reason=deactivated", "SIP/2.0 180 Ringing\r\n"),
            said("terminated;reason=giveup", "SIP/2.0 100 Trying\r\n"),
        ]
    );
    for notify in bench.sent.clone() {
        bench.ok(&notify);
    }
    for id in [active, pending] {
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    }
    assert!(bench.ended(leg).is_none());
    report(&mut bench, active, 200, Some(SubReason::Noresource));
    assert!(matches!(
        bench.subscription_events(active).last(),
        Some(SubscriptionEvent::Misused(Misuse::Unknown))
    ));
}

#[test]
fn the_body_is_a_whole_status_line_and_the_state_has_a_duration() {
    // covers: TR-013, TR-016, TR-017
    let mut bench = Bench::new();
    let leg = bench.placed();
    accepted(&mut bench, leg);
    let notify = last_notify(&bench).message;
    assert!(notify.content_type().expect("a type").starts_with("message/sipfrag"));
    assert_eq!(notify.body(), b"SIP/2.0 100 Trying\r\n");
    // 120 s ring limit and 64*T1 make 152 s, rounded up to whole minutes.
    assert_eq!(notify.first(HeaderId::SubscriptionState), Some("active;expires=180"));
}

#[test]
fn the_sipfrag_holds_nothing_but_its_status_line_with_crlf() {
    // covers: TR-091, TR-094
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 486, Some(SubReason::Noresource));
    assert_eq!(last_notify(&bench).message.body(), b"SIP/2.0 486 Busy Here\r\n");
}

#[test]
fn a_strict_setting_accepts_with_200() {
    // covers: TR-060
    let mut bench =
        Bench::with(DialogConfig { refer_acceptance: ReferAcceptance::Ok, ..DialogConfig::default() });
    let leg = bench.placed();
    accepted(&mut bench, leg);
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn the_last_notify_is_terminated_and_nothing_follows() {
    // covers: TR-018
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    let last = last_notify(&bench);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(Misuse::State))));
    bench.ok(&last);
    assert!(matches!(
        bench.subscription_events(id).as_slice(),
        [.., SubscriptionEvent::Delivered, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)]
    ));
    report(&mut bench, id, 486, None);
    bench.advance(Duration::from_mins(5));
    let states: Vec<String> = notifies(&bench).into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, ["active;expires=180", "terminated;reason=noresource"]);
}

#[test]
fn many_provisional_statuses_in_a_second_are_two_notifies_and_the_last_is_never_dropped() {
    // covers: TR-019, EC-04
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    for number in 0..20 {
        report(&mut bench, id, 180 + number % 4, None);
        bench.advance(Duration::from_millis(50));
    }
    assert!(bench.count_of(Method::Notify) <= 2);
    bench.advance(Duration::from_millis(10));
    assert_eq!(notifies(&bench)[1].1, "SIP/2.0 183 Session Progress\r\n", "the newest");
    let second = last_notify(&bench);
    // The last one waits for the one in flight and for nothing else.
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    assert_eq!(bench.count_of(Method::Notify), 2);
    bench.ok(&second);
    assert_eq!(bench.count_of(Method::Notify), 3);
    assert_eq!(notifies(&bench)[2].1, "SIP/2.0 200 OK\r\n");
}

#[test]
fn a_pending_subscription_says_only_100_until_it_is_approved() {
    // covers: TR-014
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, _) = referred(&mut bench, leg);
    bench.subscription(id, SubscriptionCommand::Accept { pending: true, lifetime: LIFETIME });
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 180, None);
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(Misuse::State))));
    bench.subscription(id, SubscriptionCommand::Approve);
    bench.advance(Duration::from_secs(1));
    assert_eq!(
        notifies(&bench),
        [
            ("pending;expires=180".to_owned(), "SIP/2.0 100 Trying\r\n".to_owned()),
            ("active;expires=179".to_owned(), "SIP/2.0 100 Trying\r\n".to_owned()),
        ]
    );
}

#[test]
fn a_refusal_after_acceptance_is_told_as_rejected() {
    // covers: TR-026
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, _) = referred(&mut bench, leg);
    bench.subscription(id, SubscriptionCommand::Accept { pending: true, lifetime: LIFETIME });
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 603, Some(SubReason::Rejected));
    assert_eq!(
        notifies(&bench)[1],
        ("terminated;reason=rejected".to_owned(), "SIP/2.0 603 Decline\r\n".to_owned())
    );
}

#[test]
fn the_second_refer_has_its_number_in_every_notify() {
    // covers: TR-020
    let mut bench = Bench::new();
    let leg = bench.placed();
    let first = accepted(&mut bench, leg);
    let sent = last_notify(&bench);
    bench.ok(&sent);
    let refer = request(&mut bench, leg);
    let number = refer.cseq;
    bench.request(refer);
    let second = bench.requested();
    bench.subscription(second, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    let with_id = format!("refer;id={number}");
    assert_eq!(last_notify(&bench).message.first(HeaderId::Event), Some(&*with_id));
    let sent = last_notify(&bench);
    bench.ok(&sent);
    report(&mut bench, second, 200, Some(SubReason::Noresource));
    assert_eq!(last_notify(&bench).message.first(HeaderId::Event), Some(&*with_id));
    report(&mut bench, first, 486, Some(SubReason::Noresource));
    assert_eq!(last_notify(&bench).message.first(HeaderId::Event), Some("refer"));
}

#[test]
fn a_failed_notify_ends_the_subscription_by_the_list_and_never_the_call() {
    // covers: TR-047
    for status in [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = last_notify(&bench);
        bench.reply(&first, status, PEER_TAG, |response| response);
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::NotifyFailed), "{status}");
        assert!(bench.ended(leg).is_none());
        bench.advance(Duration::from_secs(200));
        assert_eq!(bench.count_of(Method::Notify), 1);
    }
    for status in [400, 403, 486, 500, 503, 603] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = last_notify(&bench);
        bench.reply(&first, status, PEER_TAG, |response| response);
        assert_eq!(end(&bench, id), None, "{status}");
        report(&mut bench, id, 200, Some(SubReason::Noresource));
        assert_eq!(bench.count_of(Method::Notify), 2);
    }
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    bench.fail(&first, TxFailure::Timeout);
    assert!(matches!(
        bench.subscription_events(id).as_slice(),
        [.., SubscriptionEvent::Delivered, SubscriptionEvent::Ended(SubscriptionEnd::NotifyFailed)]
    ));
}

#[test]
fn the_granted_time_ends_with_a_timeout_notify() {
    // covers: TR-049
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    report(&mut bench, id, 180, None);
    bench.advance(Duration::from_secs(2));
    let second = last_notify(&bench);
    bench.ok(&second);
    bench.advance(Duration::from_secs(177));
    assert_eq!(bench.count_of(Method::Notify), 2);
    bench.advance(Duration::from_secs(1));
    assert_eq!(
        notifies(&bench)[2],
        ("terminated;reason=timeout".to_owned(), "SIP/2.0 180 Ringing\r\n".to_owned())
    );
    let last = last_notify(&bench);
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
}

fn subscribe(bench: &mut Bench, leg: LegId, event: &str, expires: &str) {
    let up = bench.established(leg);
    let request = bench
        .theirs(Method::Subscribe, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::Event, event)
        .header(HeaderId::Expires, expires);
    bench.request(request);
}

#[test]
fn a_refresh_is_granted_no_longer_than_asked_and_followed_by_a_notify() {
    // covers: TR-024, TR-053
    for (asked, granted) in [("30", "30"), ("180", "180"), ("4000", "180")] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = last_notify(&bench);
        bench.ok(&first);
        bench.advance(Duration::from_secs(5));
        subscribe(&mut bench, leg, "refer", asked);
        assert_eq!(bench.last_status(), 200);
        assert_eq!(bench.last_answer().first(HeaderId::Expires), Some(granted));
        assert_eq!(bench.last_answer().contact_count(), 1);
        assert_eq!(notifies(&bench)[1].0, format!("active;expires={granted}"));
        assert_eq!(end(&bench, id), None);
    }
}

#[test]
fn an_unsubscribe_ends_with_a_last_notify_and_cancels_nothing() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    bench.ok(&first);
    subscribe(&mut bench, leg, "refer", "0");
    assert_eq!(bench.last_status(), 200);
    assert_eq!(bench.last_answer().first(HeaderId::Expires), Some("0"));
    assert_eq!(notifies(&bench)[1].0, "terminated;reason=timeout");
    let last = last_notify(&bench);
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Unsubscribed));
    assert!(bench.cancelled.is_empty() && bench.ended(leg).is_none());
    subscribe(&mut bench, leg, "refer", "60");
    assert_eq!(bench.last_status(), 403);
}

#[test]
fn a_subscribe_that_matches_nothing_is_403_and_another_package_489() {
    // covers: TR-023
    let mut bench = Bench::new();
    let leg = bench.placed();
    subscribe(&mut bench, leg, "refer", "60");
    assert_eq!(bench.last_status(), 403);
    subscribe(&mut bench, leg, "presence", "60");
    assert_eq!(bench.last_status(), 489);
    for (event, status) in [("refer", 403), ("message-summary", 489)] {
        bench.request(Theirs::outside(Method::Subscribe).header(HeaderId::Event, event));
        assert_eq!(bench.last_status(), status);
    }
    assert_eq!(bench.dialogs.load().subscriptions, 0);
}

#[test]
fn notifies_go_on_after_the_call_with_its_route_set() {
    // covers: TR-032, TR-240
    let mut bench = Bench::new();
    let leg = {
        let invite = Theirs::outside(Method::Invite)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>")
            .sdp(OFFER);
        let (_, leg) = bench.incoming(invite);
        bench.leg(leg, LegCommand::Accept { contact_user: None });
        let ok = bench.last_answer();
        bench.ack(&ok, None);
        leg
    };
    let id = accepted(&mut bench, leg);
    let first = last_notify(&bench);
    assert_eq!(first.message.first(HeaderId::Route), Some("<sip:p1.example.com;lr>"));
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    bench.ok(&first);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    let last = last_notify(&bench);
    assert_eq!(last.message.first(HeaderId::Route), Some("<sip:p1.example.com;lr>"));
    assert!(last.message.cseq().expect("a CSeq").number > first.message.cseq().expect("a CSeq").number);
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.assert_clean();
}

#[test]
fn a_notify_that_cannot_be_routed_ends_the_subscription() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, _) = referred(&mut bench, leg);
    bench.no_route = Some(sip_transport::RouteError::Unresolved);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    assert_eq!(bench.last_status(), 202);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NotifyFailed));
}

#[test]
fn commands_for_nothing_are_misused() {
    let mut bench = Bench::new();
    let id: SubscriptionId = bench.ids.mint();
    report(&mut bench, id, 180, None);
    assert!(matches!(
        bench.subscription_events(id).last(),
        Some(SubscriptionEvent::Misused(Misuse::Unknown))
    ));
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(Misuse::State))));
}
