//! SUBSCRIBE of ours: further notifiers of a fork, route sets that cannot be used, and what crosses our last one.

use std::time::Duration;

use dialog_core::{SubscriptionCommand, SubscriptionEnd};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::{
    bench::Bench,
    subscribing::{EVENT, accept, active, end, forked, notify, packages, subscribe, subscribe_with, wish},
};

#[test]
fn a_notifier_beyond_the_first_is_refused_once_nobody_wants_the_subscription() {
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    bench.request(notify(&sent.message, "carol", 1, EVENT, "active;expires=600"));
    assert_eq!(bench.last_status(), 481);
    assert_eq!(forked(&bench), []);
}

#[test]
fn a_fetch_hears_of_each_notifier_for_64_t1_although_the_first_has_ended_it() {
    let mut bench = Bench::new();
    let (id, sent) = subscribe_with(&mut bench, wish(0));
    accept(&mut bench, &sent, "bob", "0");
    bench.request(notify(&sent.message, "bob", 1, EVENT, "terminated;reason=timeout"));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.request(notify(&sent.message, "bob", 2, EVENT, "terminated;reason=timeout"));
    assert_ne!(bench.last_status(), 200, "the first has no more to say");
    bench.advance(Duration::from_secs(31));
    bench.request(notify(&sent.message, "carol", 1, EVENT, "terminated;reason=timeout"));
    assert_eq!(bench.last_status(), 200);
    let [fork] = forked(&bench)[..] else { panic!("a fork") };
    assert_eq!(packages(&bench, fork).len(), 1);
    assert_eq!(end(&bench, fork), Some(SubscriptionEnd::Terminated));
    bench.advance(Duration::from_secs(1));
    bench.request(notify(&sent.message, "dave", 1, EVENT, "terminated;reason=timeout"));
    assert_ne!(bench.last_status(), 200);
    assert_eq!(forked(&bench), [fork]);
    bench.assert_clean();
}

#[test]
fn a_fetch_beyond_the_limit_does_not_wait_for_further_notifiers_and_is_counted() {
    let mut bench = Bench::with(dialog_core::DialogConfig { subscriptions: 1, ..Default::default() });
    for forgotten in [0, 1] {
        let (id, sent) = subscribe_with(&mut bench, wish(0));
        accept(&mut bench, &sent, "bob", "0");
        bench.request(notify(&sent.message, "bob", 1, EVENT, "terminated;reason=timeout"));
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
        assert_eq!(bench.dialogs.counters().fetches_forgotten, forgotten);
        bench.request(notify(&sent.message, "carol", 1, EVENT, "terminated;reason=timeout"));
        assert_eq!((forked(&bench).len(), bench.last_status() == 200), (1, forgotten == 0));
    }
}

#[test]
fn a_refresh_that_fails_after_we_have_unsubscribed_decides_nothing() {
    for failure in [Some(TxFailure::Timeout), None] {
        let mut bench = Bench::new();
        let (id, sent) = active(&mut bench);
        bench.advance(Duration::from_secs(568));
        let refresh = bench.last_of(Method::Subscribe);
        bench.subscription(id, SubscriptionCommand::Unsubscribe);
        let last = bench.last_of(Method::Subscribe);
        assert_eq!(last.message.expires(), Some(0));
        match failure {
            Some(failure) => bench.fail(&refresh, failure),
            None => bench.reply(&refresh, 500, "bob", |response| response),
        }
        assert_eq!(end(&bench, id), None, "the last SUBSCRIBE is on its way");
        accept(&mut bench, &last, "bob", "0");
        bench.request(notify(&sent.message, "bob", 2, EVENT, "terminated;reason=timeout"));
        assert_eq!((bench.last_status(), end(&bench, id)), (200, Some(SubscriptionEnd::Terminated)));
        bench.assert_clean();
    }
}

#[test]
fn a_notify_with_a_route_set_that_cannot_be_used_makes_no_dialog() {
    let mut bench = Bench::new();
    let (id, sent) = subscribe(&mut bench);
    let long = vec!["<sip:192.0.2.9;lr>"; 17].join(", ");
    let request = notify(&sent.message, "bob", 1, EVENT, "active;expires=600");
    bench.request(request.header(HeaderId::RecordRoute, &long));
    assert_eq!((bench.last_status(), bench.dialogs.counters().long_route_sets), (400, 1));
    assert!(packages(&bench, id).is_empty());
    // Its 2xx makes none either, and another notifier may.
    bench.reply(&sent, 200, "bob", |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::RecordRoute, &long)
    });
    assert_eq!(bench.dialogs.counters().long_route_sets, 2);
    bench.request(notify(&sent.message, "carol", 1, EVENT, "active;expires=600"));
    assert_eq!((bench.last_status(), packages(&bench, id).len()), (200, 1));
}
