//! SUBSCRIBE of ours to any event package (RFC 6665 §4.1).

use std::time::Duration;

use dialog_core::{
    Body, DialogConfig, Misuse, NotifiedState, PackageNotification, ReferAnswer, Resubscription, Subscribe,
    SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Message, Method, SubReason};
use transaction_core::TxFailure;

use crate::{
    bench::{Bench, Sent, address_of, uri},
    theirs::Theirs,
};

pub(crate) fn wish(expires: u32) -> Subscribe {
    Subscribe {
        target: uri("sip:bob@example.com"),
        to: address_of("<sip:bob@example.com>"),
        from: address_of("<sip:alice@example.com>"),
        contact_user: Some("alice".into()),
        registration: None,
        package: "presence".into(),
        id: Some("7".into()),
        accept: vec!["application/pidf+xml".into(), "text/plain".into()],
        expires,
        headers: vec![
            (HeaderId::Route, "<sip:proxy.example.com;lr>".into()),
            (HeaderId::Subject, "who is free".into()),
        ],
        body: None,
    }
}

pub(crate) fn subscribe_with(bench: &mut Bench, wish: Subscribe) -> (SubscriptionId, Sent) {
    let id = bench.ids.mint();
    bench.subscription(id, SubscriptionCommand::Subscribe(Box::new(wish)));
    (id, bench.last_of(Method::Subscribe))
}

pub(crate) fn subscribe(bench: &mut Bench) -> (SubscriptionId, Sent) {
    subscribe_with(bench, wish(600))
}

/// A NOTIFY to the SUBSCRIBE, by the notifier with this tag.
pub(crate) fn notify(subscribe: &Message, tag: &str, cseq: u32, event: &str, state: &str) -> Theirs {
    let request = Theirs {
        call_id: subscribe.call_id().expect("a Call-ID").into(),
        from_tag: tag.into(),
        to_tag: subscribe.from_tag().map(Into::into),
        ..Theirs::outside(Method::Notify)
    };
    let request =
        request.cseq(cseq).contact(&format!("<sip:{tag}@192.0.2.20>")).header(HeaderId::Event, event);
    if state.is_empty() { request } else { request.header(HeaderId::SubscriptionState, state) }
}

pub(crate) const EVENT: &str = "presence;id=7";

pub(crate) fn packages(bench: &Bench, id: SubscriptionId) -> Vec<PackageNotification> {
    let of = |event| match event {
        SubscriptionEvent::Package(notification) => Some(*notification),
        _ => None,
    };
    bench.subscription_events(id).into_iter().filter_map(of).collect()
}

pub(crate) fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

pub(crate) fn forked(bench: &Bench) -> Vec<SubscriptionId> {
    let of = |event: &dialog_core::DialogEvent| match event {
        dialog_core::DialogEvent::Subscription(id, SubscriptionEvent::Forked { .. }) => Some(*id),
        _ => None,
    };
    bench.events.iter().filter_map(of).collect()
}

pub(crate) fn accept(bench: &mut Bench, sent: &Sent, tag: &str, expires: &str) {
    bench.reply(sent, 200, tag, |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::Expires, expires)
    });
}

/// A subscription that is active.
pub(crate) fn active(bench: &mut Bench) -> (SubscriptionId, Sent) {
    let (id, sent) = subscribe(bench);
    accept(bench, &sent, "bob", "600");
    bench.request(notify(&sent.message, "bob", 1, EVENT, "active;expires=600"));
    assert_eq!(bench.last_status(), 200);
    (id, sent)
}

#[test]
fn a_subscribe_says_what_is_wanted_and_goes_by_its_route() {
    let mut bench = Bench::new();
    let body = Some(Body { content_type: "text/filter".into(), content: "all".into() });
    let (_, sent) = subscribe_with(&mut bench, Subscribe { body, ..wish(600) });
    let message = &sent.message;
    assert_eq!(message.request_uri(), Some("sip:bob@example.com"));
    assert_eq!(message.first(HeaderId::Event), Some(EVENT));
    assert_eq!(message.first(HeaderId::Accept), Some("application/pidf+xml, text/plain"));
    assert_eq!(message.first(HeaderId::Route), Some("<sip:proxy.example.com;lr>"));
    assert_eq!(message.first(HeaderId::Subject), Some("who is free"));
    assert_eq!((message.expires(), message.contact_count(), message.to_tag()), (Some(600), 1, None));
    assert_eq!((message.content_type(), message.body()), (Some("text/filter"), &b"all"[..]));
    assert_eq!(bench.routes[0].uri.to_string(), "sip:proxy.example.com;lr");
}

#[test]
fn the_notify_may_come_first_and_makes_the_dialog() {
    // covers: TR-051
    let mut bench = Bench::new();
    let (id, sent) = subscribe(&mut bench);
    let first = notify(&sent.message, "bob", 1, EVENT, "active;expires=600")
        .header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
        .body("text/plain", "free");
    bench.request(first);
    assert_eq!(bench.last_status(), 200);
    let told = packages(&bench, id);
    assert_eq!((told[0].state, told[0].expires), (NotifiedState::Active, Some(600)));
    assert_eq!(told[0].body.as_ref().map(|body| &*body.content), Some(&b"free"[..]));
    // A 2xx of another branch changes nothing.
    bench.reply(&sent, 200, "other", |response| response.contact("<sip:other@192.0.2.30>"));
    assert!(matches!(
        bench.subscription_events(id).last(),
        Some(SubscriptionEvent::Answered(ReferAnswer::Accepted(_)))
    ));
    bench.request(notify(&sent.message, "bob", 2, EVENT, "active;expires=590"));
    assert_eq!(packages(&bench, id).len(), 2);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let last = bench.last_of(Method::Subscribe).message;
    assert_eq!((last.to_tag(), last.expires()), (Some("bob"), Some(0)));
    assert_eq!(last.request_uri(), Some("sip:bob@192.0.2.20"));
    let routes: Vec<&str> = last.all(HeaderId::Route).collect();
    assert_eq!(routes, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
    assert_eq!(last.call_id(), sent.message.call_id());
    assert!(last.cseq().expect("a CSeq").number > sent.message.cseq().expect("a CSeq").number);
}

#[test]
fn the_response_alone_is_enough_to_unsubscribe() {
    let mut bench = Bench::new();
    let (id, sent) = subscribe(&mut bench);
    bench.reply(&sent, 200, "bob", |response| {
        response
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
    });
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let last = bench.last_of(Method::Subscribe);
    assert_eq!((last.message.to_tag(), last.message.expires()), (Some("bob"), Some(0)));
    let routes: Vec<&str> = last.message.all(HeaderId::Route).collect();
    assert_eq!(routes, ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]);
    bench.ok(&last);
    bench.request(notify(&sent.message, "bob", 1, EVENT, "terminated;reason=timeout"));
    assert_eq!(bench.last_status(), 200);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.assert_clean();
}

#[test]
fn a_fetch_brings_the_state_once() {
    let mut bench = Bench::new();
    let (id, sent) = subscribe_with(&mut bench, wish(0));
    assert_eq!(sent.message.expires(), Some(0));
    accept(&mut bench, &sent, "bob", "0");
    let answer =
        notify(&sent.message, "bob", 1, EVENT, "terminated;reason=timeout").body("text/plain", "busy");
    bench.request(answer);
    assert_eq!(packages(&bench, id)[0].state, NotifiedState::Terminated);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    assert_eq!(bench.count_of(Method::Subscribe), 1);
    bench.assert_clean();
}

#[test]
fn each_notifier_of_a_fork_has_a_subscription_of_its_own_up_to_the_limit() {
    // covers: TR-031
    let mut bench = Bench::with(DialogConfig { subscription_forks: 2, ..DialogConfig::default() });
    let (id, sent) = subscribe(&mut bench);
    for (tag, status) in [("one", 200), ("two", 200), ("three", 200), ("four", 481)] {
        let body = format!("I am {tag}");
        bench.request(notify(&sent.message, tag, 1, EVENT, "active;expires=600").body("text/plain", &body));
        assert_eq!(bench.last_status(), status, "{tag}");
    }
    let all = [&[id][..], &forked(&bench)].concat();
    assert_eq!(all.len(), 3);
    assert_eq!(bench.dialogs.load().subscriptions, 3);
    for (id, said) in all.iter().zip(["I am one", "I am two", "I am three"]) {
        let told = packages(&bench, *id);
        assert_eq!(told.len(), 1, "results are not merged");
        assert_eq!(told[0].body.as_ref().map(|body| &*body.content), Some(said.as_bytes()));
    }
    // Each is refreshed and ended by itself.
    bench.subscription(all[1], SubscriptionCommand::Unsubscribe);
    let unsubscribe = bench.last_of(Method::Subscribe);
    assert_eq!(unsubscribe.message.to_tag(), Some("two"));
    bench.ok(&unsubscribe);
    bench.request(notify(&sent.message, "two", 2, EVENT, "terminated"));
    assert_eq!(end(&bench, all[1]), Some(SubscriptionEnd::Terminated));
    bench.request(notify(&sent.message, "three", 2, EVENT, "active;expires=600"));
    assert_eq!(packages(&bench, all[2]).len(), 2);
    // The first one ends, and the others go on.
    bench.ok(&sent);
    bench.request(notify(&sent.message, "one", 2, EVENT, "terminated"));
    bench.request(notify(&sent.message, "three", 3, EVENT, "terminated"));
    assert_eq!(bench.last_status(), 200);
    bench.assert_clean();
}

#[test]
fn a_single_subscription_refuses_the_other_notifiers() {
    // covers: TR-031
    let mut bench = Bench::with(DialogConfig { subscription_forks: 0, ..DialogConfig::default() });
    let (_, sent) = subscribe(&mut bench);
    bench.request(notify(&sent.message, "one", 1, EVENT, "active"));
    bench.request(notify(&sent.message, "two", 1, EVENT, "active"));
    assert_eq!(bench.last_status(), 481);
    assert_eq!((forked(&bench), bench.dialogs.counters().notifiers_refused), (vec![], 1));
}

#[test]
fn after_timer_n_no_other_notifier_can_have_been_reached() {
    let mut bench = Bench::new();
    let (_, sent) = active(&mut bench);
    bench.advance(Duration::from_secs(32));
    bench.request(notify(&sent.message, "late", 1, EVENT, "active"));
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn a_notify_for_another_event_or_call_is_nobodys() {
    // covers: TR-242
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    let wrong =
        [("presence", 481, 489), ("presence;id=8", 481, 489), ("refer", 481, 481), ("dialog;id=7", 489, 489)];
    for ((event, inside, outside), cseq) in wrong.into_iter().zip(2..) {
        bench.request(notify(&sent.message, "bob", cseq, event, "active"));
        assert_eq!(bench.last_status(), inside, "{event}");
        bench.request(notify(&sent.message, "other", cseq, event, "active"));
        assert_eq!(bench.last_status(), outside, "{event}");
    }
    let elsewhere =
        Theirs { call_id: "elsewhere".into(), ..notify(&sent.message, "bob", 9, EVENT, "active") };
    bench.request(elsewhere);
    assert_eq!(packages(&bench, id).len(), 1);
}

#[test]
fn a_notify_without_a_state_is_malformed() {
    // covers: TR-040
    let mut bench = Bench::new();
    let (id, sent) = subscribe(&mut bench);
    bench.request(notify(&sent.message, "bob", 1, EVENT, ""));
    assert_eq!(bench.last_status(), 400);
    bench.request(notify(&sent.message, "carol", 1, EVENT, "active"));
    assert_eq!(bench.last_status(), 200, "it has made no dialog");
    assert_eq!(packages(&bench, id).len(), 1);
}

#[test]
fn each_reason_says_whether_to_subscribe_again() {
    // covers: TR-043
    let after = |seconds| Resubscription::After(Duration::from_secs(seconds));
    for (state, reason, again) in [
        ("terminated;reason=deactivated;retry-after=9", Some(SubReason::Deactivated), Resubscription::Now),
        ("terminated;reason=probation;retry-after=9", Some(SubReason::Probation), after(9)),
        ("terminated;reason=probation", Some(SubReason::Probation), Resubscription::Later),
        ("terminated;reason=rejected;retry-after=9", Some(SubReason::Rejected), Resubscription::Never),
        ("terminated;reason=timeout", Some(SubReason::Timeout), Resubscription::Now),
        ("terminated;reason=giveup;retry-after=60", Some(SubReason::Giveup), after(60)),
        ("terminated;reason=noresource", Some(SubReason::Noresource), Resubscription::Never),
        ("terminated;reason=invariant", Some(SubReason::Invariant), Resubscription::Never),
        ("terminated;reason=tired;retry-after=5", Some(SubReason::Other), after(5)),
        ("terminated", None, Resubscription::Now),
    ] {
        let mut bench = Bench::new();
        let (id, sent) = active(&mut bench);
        bench.request(notify(&sent.message, "bob", 2, EVENT, state));
        let last = packages(&bench, id).pop().expect("a NOTIFY");
        assert_eq!((last.reason, last.again), (reason, again), "{state}");
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
        let sent = bench.count_of(Method::Subscribe);
        bench.assert_clean();
        assert_eq!(bench.count_of(Method::Subscribe), sent, "never by itself");
    }
}

#[test]
fn it_is_refreshed_before_its_time_runs_out_as_long_as_it_is_wanted() {
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    for round in 1..40 {
        bench.advance(Duration::from_secs(568));
        assert_eq!(bench.count_of(Method::Subscribe), round + 1);
        let refresh = bench.last_of(Method::Subscribe);
        assert_eq!(refresh.message.expires(), Some(600));
        assert_eq!(refresh.message.first(HeaderId::Event), Some(EVENT));
        assert_eq!(refresh.message.first(HeaderId::Accept), Some("application/pidf+xml, text/plain"));
        assert_eq!(refresh.message.to_tag(), Some("bob"));
        accept(&mut bench, &refresh, "bob", "600");
        let cseq = 1 + u32::try_from(round).expect("small");
        bench.request(notify(&sent.message, "bob", cseq, EVENT, "active;expires=600"));
    }
    bench.advance(Duration::from_secs(568));
    let refresh = bench.last_of(Method::Subscribe);
    bench.reply(&refresh, 481, "bob", |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.request(notify(&sent.message, "bob", 2, EVENT, "active"));
    assert_eq!(bench.last_status(), 489, "nobody knows the package any more");
    bench.assert_clean();
}

#[test]
fn a_failed_refresh_is_tried_again_while_there_is_time_and_then_it_expires() {
    // covers: TR-048
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    // The first SUBSCRIBE counts.
    let mut tries = 1;
    while end(&bench, id).is_none() {
        if bench.count_of(Method::Subscribe) > tries {
            tries = bench.count_of(Method::Subscribe);
            let refresh = bench.last_of(Method::Subscribe);
            match tries % 2 {
                0 => bench.reply(&refresh, 503, "bob", |response| response),
                _ => bench.fail(&refresh, TxFailure::Timeout),
            }
            if tries == 2 {
                bench.request(notify(&sent.message, "bob", 2, EVENT, "active;expires=32"));
                assert_eq!(bench.last_status(), 200, "it lives until its time is over");
            }
        }
        bench.advance(Duration::from_secs(1));
        assert!(bench.now.as_micros() < 3_600_000_000, "it must end");
    }
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
    assert_eq!(tries, 3);
    bench.assert_clean();
}

#[test]
fn a_notifier_that_wants_longer_gets_it_once() {
    let mut bench = Bench::new();
    let (id, sent) = subscribe_with(&mut bench, wish(60));
    let brief = |bench: &mut Bench, sent: &Sent, least: u32| {
        bench.reply(sent, 423, "bob", |response| response.header(HeaderId::MinExpires, least));
    };
    brief(&mut bench, &sent, 900);
    let again = bench.last_of(Method::Subscribe);
    assert_eq!((bench.count_of(Method::Subscribe), again.message.expires()), (2, Some(900)));
    assert!(again.message.cseq().expect("a CSeq").number > sent.message.cseq().expect("a CSeq").number);
    brief(&mut bench, &again, 1_000);
    assert!(matches!(
        bench.subscription_events(id)[0],
        SubscriptionEvent::Answered(ReferAnswer::Refused { status, .. }) if status.as_u16() == 423
    ));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    bench.assert_clean();
}

#[test]
fn a_refused_or_unanswered_subscribe_leaves_nothing() {
    let mut bench = Bench::new();
    let (refused, sent) = subscribe(&mut bench);
    bench.reply(&sent, 489, "bob", |response| response);
    assert_eq!(end(&bench, refused), Some(SubscriptionEnd::Refused));
    let (lost, sent) = subscribe(&mut bench);
    bench.fail(&sent, TxFailure::Timeout);
    assert_eq!(end(&bench, lost), Some(SubscriptionEnd::Refused));
    let (silent, sent) = subscribe(&mut bench);
    accept(&mut bench, &sent, "bob", "600");
    bench.advance(Duration::from_secs(32));
    assert_eq!(end(&bench, silent), Some(SubscriptionEnd::NoNotify));
    bench.no_route = Some(sip_transport::RouteError::Unresolved);
    let id = bench.ids.mint();
    bench.subscription(id, SubscriptionCommand::Subscribe(Box::new(wish(600))));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    bench.assert_clean();
}

#[test]
fn one_subscription_beyond_the_limit_is_misused() {
    for config in [
        DialogConfig { subscriptions: 2, ..DialogConfig::default() },
        DialogConfig { legs: 2, ..DialogConfig::default() },
    ] {
        let mut bench = Bench::with(config);
        subscribe(&mut bench);
        let (_, sent) = subscribe(&mut bench);
        let third = bench.ids.mint();
        bench.subscription(third, SubscriptionCommand::Subscribe(Box::new(wish(600))));
        assert!(matches!(bench.subscription_events(third)[..], [SubscriptionEvent::Misused(Misuse::Full)]));
        // A fork is one more as well.
        bench.request(notify(&sent.message, "one", 1, EVENT, "active"));
        bench.request(notify(&sent.message, "two", 1, EVENT, "active"));
        assert_eq!(bench.last_status(), 481);
    }
}

#[test]
fn the_same_id_is_not_used_twice() {
    let mut bench = Bench::new();
    let (id, _) = subscribe(&mut bench);
    bench.subscription(id, SubscriptionCommand::Subscribe(Box::new(wish(600))));
    assert!(matches!(bench.subscription_events(id)[..], [SubscriptionEvent::Misused(Misuse::State)]));
    assert_eq!(bench.count_of(Method::Subscribe), 1);
}

#[test]
fn a_refresh_without_a_notify_ends_the_subscription_after_64_t1() {
    // covers: TR-048
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    bench.advance(Duration::from_secs(568));
    let refresh = bench.last_of(Method::Subscribe);
    accept(&mut bench, &refresh, "bob", "600");
    bench.request(notify(&sent.message, "bob", 2, EVENT, "active;expires=600"));
    bench.advance(Duration::from_secs(567));
    assert_eq!(end(&bench, id), None, "the NOTIFY has come");
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.count_of(Method::Subscribe), 3);
    let refresh = bench.last_of(Method::Subscribe);
    accept(&mut bench, &refresh, "bob", "600");
    bench.advance(Duration::from_millis(31_999));
    assert_eq!(end(&bench, id), None);
    bench.advance(Duration::from_millis(1));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NoNotify));
    bench.assert_clean();
}
