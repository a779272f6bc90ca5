//! SUBSCRIBE of theirs to a package that goes up (RFC 6665 §4.2).

use std::time::Duration;

use dialog_core::{
    Body, DialogConfig, DialogEvent, IncomingSubscribe, SubscriptionCommand, SubscriptionEnd,
    SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Message, Method, SubReason};

use crate::{
    bench::{Bench, PEER_TAG, Sent, code},
    theirs::Theirs,
};

fn bench() -> Bench {
    Bench::with(config())
}

fn config() -> DialogConfig {
    DialogConfig { packages: vec!["dialog".into(), "presence".into()], ..DialogConfig::default() }
}

fn request(expires: &str) -> Theirs {
    let request = Theirs::outside(Method::Subscribe)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::Event, "dialog;id=x")
        .header(HeaderId::Accept, "application/dialog-info+xml, text/plain")
        .header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>");
    if expires.is_empty() { request } else { request.header(HeaderId::Expires, expires) }
}

fn incoming(bench: &Bench) -> Option<(SubscriptionId, IncomingSubscribe)> {
    bench.events.iter().rev().find_map(|event| match event {
        DialogEvent::Subscription(id, SubscriptionEvent::Subscribed(asked)) => Some((*id, (**asked).clone())),
        _ => None,
    })
}

fn subscribed(bench: &mut Bench, expires: &str) -> SubscriptionId {
    bench.request(request(expires));
    incoming(bench).expect("a SUBSCRIBE came in").0
}

fn text(text: &str) -> Body {
    Body { content_type: "text/plain".into(), content: text.to_owned().into() }
}

fn grant(bench: &mut Bench, id: SubscriptionId, body: &str) {
    let command = SubscriptionCommand::Grant {
        pending: false,
        longest: Duration::from_mins(30),
        body: Some(text(body)),
    };
    bench.subscription(id, command);
}

fn notify(bench: &mut Bench, id: SubscriptionId, body: &str) {
    bench.subscription(id, SubscriptionCommand::Notify { body: Some(text(body)) });
}

fn active(bench: &mut Bench) -> SubscriptionId {
    let id = subscribed(bench, "600");
    grant(bench, id, "free");
    let first = bench.last_of(Method::Notify);
    bench.ok(&first);
    bench.advance(Duration::from_secs(1));
    id
}

fn said(message: &Message) -> (&str, &str) {
    let state = message.first(HeaderId::SubscriptionState).expect("a state");
    (state, std::str::from_utf8(message.body()).expect("text"))
}

fn bodies(bench: &Bench) -> Vec<String> {
    let notifies = bench.sent.iter().filter(|sent| sent.message.method() == Some(Method::Notify));
    notifies.map(|sent| said(&sent.message).1.to_owned()).collect()
}

fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

/// A SUBSCRIBE in the dialog that the first one has made.
fn again(bench: &Bench, cseq: u32, expires: &str) -> Theirs {
    let tag = bench.last_of(Method::Notify).message.from_tag().map(Into::into);
    Theirs { to_tag: tag, ..request(expires) }.cseq(cseq)
}

#[test]
fn a_subscribe_is_passed_up_and_granted_no_longer_than_asked() {
    // covers: TR-053
    for (asked, granted) in [("600", "600"), ("9000", "1800"), ("", "1800")] {
        let mut bench = bench();
        let id = subscribed(&mut bench, asked);
        let (_, about) = incoming(&bench).expect("a SUBSCRIBE");
        assert_eq!((&*about.package, about.id.as_deref(), about.leg), ("dialog", Some("x"), None));
        assert_eq!(about.accept, ["application/dialog-info+xml".into(), "text/plain".into()]);
        assert_eq!(about.expires, asked.parse().ok());
        assert_eq!(about.request_uri.as_str(), "sip:alice@192.0.2.1");
        grant(&mut bench, id, "free");
        let answer = bench.last_answer();
        assert_eq!((bench.last_status(), answer.first(HeaderId::Expires)), (200, Some(granted)));
        assert_eq!((answer.contact_count(), answer.count(HeaderId::RecordRoute)), (1, 1));
        assert!(answer.to_tag().is_some());
        let notify = bench.last_of(Method::Notify).message;
        assert_eq!(said(&notify), (&*format!("active;expires={granted}"), "free"));
        assert_eq!(notify.first(HeaderId::Event), Some("dialog;id=x"));
        assert_eq!((notify.from_tag(), notify.to_tag()), (answer.to_tag(), Some(PEER_TAG)));
        assert_eq!((notify.request_uri(), notify.contact_count()), (Some("sip:bob@192.0.2.20"), 1));
        let routes: Vec<&str> = notify.all(HeaderId::Route).collect();
        assert_eq!(routes, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
    }
}

#[test]
fn a_fetch_gets_the_state_in_the_one_and_last_notify() {
    let mut bench = bench();
    let id = subscribed(&mut bench, "0");
    grant(&mut bench, id, "free");
    assert_eq!(bench.last_answer().first(HeaderId::Expires), Some("0"));
    let only = bench.last_of(Method::Notify);
    assert_eq!(said(&only.message), ("terminated;reason=timeout", "free"));
    bench.ok(&only);
    assert_eq!(bench.count_of(Method::Notify), 1);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
    bench.assert_clean();
}

#[test]
fn states_within_a_second_become_one_notify_with_the_last() {
    let mut bench = bench();
    let id = active(&mut bench);
    for number in 0..20 {
        notify(&mut bench, id, &format!("state {number}"));
    }
    assert_eq!(bodies(&bench), ["free", "state 0"]);
    let sent = bench.last_of(Method::Notify);
    bench.ok(&sent);
    assert_eq!(bodies(&bench).len(), 2, "the second is not over");
    bench.advance(Duration::from_secs(1));
    assert_eq!(bodies(&bench), ["free", "state 0", "state 19"]);
    bench.advance(Duration::from_secs(5));
    assert_eq!(bodies(&bench).len(), 3, "the answer is missing");
}

#[test]
fn a_pending_subscription_waits_for_approval() {
    let mut bench = bench();
    let id = subscribed(&mut bench, "600");
    let pending = SubscriptionCommand::Grant { pending: true, longest: Duration::from_mins(30), body: None };
    bench.subscription(id, pending);
    let first = bench.last_of(Method::Notify);
    assert_eq!(said(&first.message), ("pending;expires=600", ""));
    bench.ok(&first);
    bench.advance(Duration::from_secs(2));
    notify(&mut bench, id, "free");
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
    bench.subscription(id, SubscriptionCommand::Approve);
    assert_eq!(said(&bench.last_of(Method::Notify).message).0, "active;expires=598");
}

#[test]
fn the_last_notify_says_why_and_when_to_come_again() {
    let mut bench = bench();
    let id = active(&mut bench);
    let over = SubscriptionCommand::Terminate {
        reason: SubReason::Probation,
        retry_after: Some(30),
        body: Some(text("closing")),
    };
    bench.subscription(id, over);
    let last = bench.last_of(Method::Notify);
    assert_eq!(said(&last.message), ("terminated;reason=probation;retry-after=30", "closing"));
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.request(again(&bench, 2, "600"));
    assert_eq!(bench.last_status(), 481);
    bench.assert_clean();
}

#[test]
fn a_refresh_is_answered_and_followed_by_the_state_and_none_ends_it() {
    // covers: TR-049
    let mut bench = bench();
    let id = active(&mut bench);
    bench.request(again(&bench, 2, "300"));
    assert_eq!((bench.last_status(), bench.last_answer().first(HeaderId::Expires)), (200, Some("300")));
    let notify = bench.last_of(Method::Notify);
    assert_eq!(said(&notify.message), ("active;expires=300", "free"));
    bench.ok(&notify);
    bench.advance(Duration::from_mins(5));
    let last = bench.last_of(Method::Notify);
    assert_eq!(said(&last.message), ("terminated;reason=timeout", "free"));
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
    let id = active(&mut bench);
    bench.request(again(&bench, 2, "0"));
    assert_eq!(bench.last_status(), 200);
    let last = bench.last_of(Method::Notify);
    assert_eq!(said(&last.message).0, "terminated;reason=timeout");
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Unsubscribed));
    bench.assert_clean();
}

#[test]
fn a_duration_that_is_too_brief_is_423() {
    let mut bench = bench();
    bench.request(request("59"));
    assert_eq!((bench.last_status(), bench.last_answer().min_expires()), (423, Some(60)));
    assert!(incoming(&bench).is_none());
    assert!(bench.dialogs.is_empty());
    let id = active(&mut bench);
    bench.request(again(&bench, 2, "59"));
    assert_eq!((bench.last_status(), bench.last_answer().min_expires()), (423, Some(60)));
    bench.request(again(&bench, 3, "60"));
    assert_eq!(bench.last_status(), 200);
    assert!(end(&bench, id).is_none());
    // An hour is never too brief, whatever the setting.
    let mut strict = Bench::with(DialogConfig { min_expires: 7_200, ..config() });
    strict.request(request("3599"));
    assert_eq!(strict.last_status(), 423);
    subscribed(&mut strict, "3600");
}

#[test]
fn a_package_that_is_not_served_is_489_with_those_that_are() {
    // covers: TR-044
    let mut bench = bench();
    let other = |event: &str| {
        Theirs::outside(Method::Subscribe).contact("<sip:bob@192.0.2.20>").header(HeaderId::Event, event)
    };
    bench.request(other("conference"));
    assert_eq!(bench.last_status(), 489);
    assert_eq!(bench.last_answer().first(HeaderId::AllowEvents), Some("refer, dialog, presence"));
    bench.request(other("refer"));
    assert_eq!(bench.last_status(), 403);
    bench.request(other("Dialog"));
    assert_eq!(incoming(&bench).map(|(_, about)| about.package), Some("Dialog".into()));
    assert!(bench.answered.len() == 2);
}

#[test]
fn a_subscribe_is_refused_with_any_final_status_and_leaves_nothing() {
    let mut bench = bench();
    for status in [302, 403, 404, 480, 603] {
        let id = subscribed(&mut bench, "600");
        bench.subscription(id, SubscriptionCommand::Refuse { status: code(status) });
        assert_eq!(bench.last_status(), status);
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
        assert!(bench.dialogs.is_empty());
    }
    let id = subscribed(&mut bench, "600");
    bench.subscription(id, SubscriptionCommand::Refuse { status: code(200) });
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
}

#[test]
fn a_subscribe_that_nobody_decides_on_is_500() {
    let mut bench = bench();
    let id = subscribed(&mut bench, "600");
    bench.advance(DialogConfig::ANSWER_LIMIT.saturating_sub(Duration::from_millis(1)));
    assert!(bench.answered.is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.last_status(), 500);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    bench.assert_clean();
}

#[test]
fn a_subscribe_without_a_contact_is_400_and_one_beyond_the_limits_503() {
    let mut bench = Bench::with(DialogConfig { subscriptions: 1, ..config() });
    bench.request(Theirs::outside(Method::Subscribe).header(HeaderId::Event, "dialog"));
    assert_eq!(bench.last_status(), 400);
    subscribed(&mut bench, "600");
    bench.request(request("600"));
    assert_eq!(bench.last_status(), 503);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    let mut bench = Bench::with(DialogConfig { legs: 1, ..config() });
    subscribed(&mut bench, "600");
    bench.request(request("600"));
    assert_eq!(bench.last_status(), 503);
}

#[test]
fn an_older_peer_subscribes_within_a_call_and_neither_ends_the_other() {
    // covers: TR-054, TR-240, TR-242
    let mut bench = bench();
    let leg = bench.placed();
    let up = bench.established(leg);
    let inside = bench.theirs(Method::Subscribe, &up);
    bench.request(inside.contact("<sip:bob@192.0.2.20>").header(HeaderId::Event, "dialog"));
    let (id, about) = incoming(&bench).expect("a SUBSCRIBE");
    assert_eq!(about.leg, Some(leg));
    grant(&mut bench, id, "free");
    let first = bench.last_of(Method::Notify);
    assert_eq!(first.message.call_id(), Ok(&*up.dialog.call_id));
    bench.ok(&first);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    assert!(bench.ended(leg).is_some());
    bench.advance(Duration::from_secs(1));
    notify(&mut bench, id, "still here");
    let second: Sent = bench.last_of(Method::Notify);
    assert_eq!(said(&second.message).1, "still here");
    bench.reply(&second, 481, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NotifyFailed));
    bench.assert_clean();
}

#[test]
fn commands_of_a_refer_do_not_fit_a_package_and_the_other_way_round() {
    let mut bench = bench();
    let id = subscribed(&mut bench, "600");
    for command in [
        SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_secs(9) },
        SubscriptionCommand::AcceptUnreported,
        SubscriptionCommand::Report {
            status: code(200),
            headers: Vec::new(),
            last: Some(SubReason::Noresource),
        },
    ] {
        bench.subscription(id, command);
        assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
    }
    assert!(bench.answered.is_empty());
    let leg = bench.placed();
    let up = bench.established(leg);
    let refer = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
    bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    let id = bench.requested();
    for command in [
        SubscriptionCommand::Grant { pending: false, longest: Duration::from_secs(9), body: None },
        SubscriptionCommand::Notify { body: None },
        SubscriptionCommand::Terminate { reason: SubReason::Noresource, retry_after: None, body: None },
    ] {
        bench.subscription(id, command);
        assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
    }
    assert!(bench.answered.is_empty());
}

#[test]
fn a_subscribe_again_before_the_decision_is_to_come_later() {
    let mut bench = bench();
    let leg = bench.placed();
    let up = bench.established(leg);
    for _ in 0..2 {
        let inside = bench.theirs(Method::Subscribe, &up);
        bench.request(inside.contact("<sip:bob@192.0.2.20>").header(HeaderId::Event, "dialog"));
    }
    assert_eq!(bench.last_status(), 500);
    assert!(bench.last_answer().retry_after().expect("readable").is_some_and(|it| it.seconds <= 10));
    let (id, _) = incoming(&bench).expect("a SUBSCRIBE");
    grant(&mut bench, id, "free");
    assert_eq!((bench.last_status(), end(&bench, id)), (200, None));
}
