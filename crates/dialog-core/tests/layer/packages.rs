//! Several package subscriptions in one dialog: each is known by both words of its Event (RFC 6665 §4.5.2, RFC 5057 §5.3).

use std::time::Duration;

use dialog_core::{
    Body, DialogConfig, DialogEvent, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, SubReason};

use crate::{bench::Bench, theirs::Theirs};

fn all(bench: &Bench) -> Vec<SubscriptionId> {
    let of = |event: &DialogEvent| match event {
        DialogEvent::Subscription(id, SubscriptionEvent::Subscribed(_)) => Some(*id),
        _ => None,
    };
    bench.events.iter().filter_map(of).collect()
}

#[test]
fn a_subscribe_with_another_package_or_id_begins_a_subscription_of_its_own() {
    // covers: TR-242
    let packages = vec!["dialog".into(), "presence".into()];
    let mut bench = Bench::with(DialogConfig { packages, ..DialogConfig::default() });
    let leg = bench.placed();
    let up = bench.established(leg);
    for (event, known) in [
        ("dialog;id=x", 1),
        ("dialog;id=y", 2),
        ("presence;id=x", 3),
        ("dialog", 4),
        ("Dialog;id=x", 4),
        ("presence;id=x", 4),
        ("dialog", 4),
    ] {
        let before = all(&bench).len();
        let request = bench.theirs(Method::Subscribe, &up).contact("<sip:bob@192.0.2.20>");
        bench.request(request.header(HeaderId::Event, event).header(HeaderId::Expires, "600"));
        assert_eq!(all(&bench).len(), known, "{event}");
        if known > before {
            let body = Some(Body { content_type: "text/plain".into(), content: event.to_owned().into() });
            let grant = SubscriptionCommand::Grant { pending: false, longest: Duration::from_mins(30), body };
            bench.subscription(all(&bench)[known - 1], grant);
        }
        assert_eq!(bench.last_status(), 200, "{event}");
    }
}

#[test]
fn a_part_of_a_second_is_granted_as_a_whole_one() {
    let mut bench = Bench::with(DialogConfig { packages: vec!["dialog".into()], ..DialogConfig::default() });
    bench.request(
        Theirs::outside(Method::Subscribe)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::Event, "dialog")
            .header(HeaderId::Expires, "600"),
    );
    let longest = Duration::from_millis(59_001);
    let id = *all(&bench).last().expect("a SUBSCRIBE came in");
    bench.subscription(id, SubscriptionCommand::Grant { pending: false, longest, body: None });
    assert_eq!(bench.last_answer().first(HeaderId::Expires), Some("60"));
}

#[test]
fn a_subscription_that_was_refreshed_and_is_ended_here_has_ended_here() {
    let mut bench = Bench::with(DialogConfig { packages: vec!["dialog".into()], ..DialogConfig::default() });
    let leg = bench.placed();
    let up = bench.established(leg);
    for expires in ["600", "300"] {
        let request = bench.theirs(Method::Subscribe, &up).contact("<sip:bob@192.0.2.20>");
        bench.request(request.header(HeaderId::Event, "dialog").header(HeaderId::Expires, expires));
        if expires == "600" {
            let longest = Duration::from_mins(30);
            bench.subscription(
                all(&bench)[0],
                SubscriptionCommand::Grant { pending: false, longest, body: None },
            );
        }
        assert_eq!(bench.last_answer().first(HeaderId::Expires), Some(expires));
        let notify = bench.last_of(Method::Notify);
        bench.ok(&notify);
        bench.advance(Duration::from_secs(1));
    }
    let id = all(&bench)[0];
    let over =
        SubscriptionCommand::Terminate { reason: SubReason::Noresource, retry_after: None, body: None };
    bench.subscription(id, over);
    let last = bench.last_of(Method::Notify);
    bench.ok(&last);
    assert!(matches!(
        bench.subscription_events(id).last(),
        Some(SubscriptionEvent::Ended(SubscriptionEnd::Terminated))
    ));
}
