//! SUBSCRIBE and REFER of ours, and SUBSCRIBE of theirs, at their limits in time and number.

use std::time::Duration;

use dialog_core::{
    DialogConfig, LegCommand, LegEvent, LegId, Misuse, Refer, SubscriptionCommand, SubscriptionEnd,
    SubscriptionId,
};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, PEER_TAG, uri},
    subscribing::{EVENT, accept, end, notify, subscribe_with, wish},
};

#[test]
fn a_notifier_gets_what_it_insists_on_if_that_is_longer_and_an_hour_at_most() {
    for (asked, least, again) in
        [(600, 600, false), (600, 601, true), (600, 3_600, true), (600, 3_601, false), (0, 60, false)]
    {
        let mut bench = Bench::new();
        let (_, sent) = subscribe_with(&mut bench, wish(asked));
        bench.reply(&sent, 423, "bob", |response| response.header(HeaderId::MinExpires, least));
        assert_eq!(bench.count_of(Method::Subscribe), if again { 2 } else { 1 }, "{asked} {least}");
    }
}

#[test]
fn a_fetch_is_not_refreshed_whatever_the_notifier_says() {
    let mut bench = Bench::new();
    let (_, sent) = subscribe_with(&mut bench, wish(0));
    accept(&mut bench, &sent, "bob", "600");
    bench.request(notify(&sent.message, "bob", 1, EVENT, "active;expires=600"));
    bench.advance(Duration::from_mins(10));
    assert_eq!(bench.count_of(Method::Subscribe), 1);
}

fn refer(bench: &mut Bench, leg: LegId, subscription: SubscriptionId) {
    let refer = Refer::to(uri("sip:carol@example.com")).into();
    bench.leg(leg, LegCommand::Refer { subscription, refer });
}

#[test]
fn a_subscription_that_is_kept_outlives_the_call_as_long_as_it_was_granted_and_no_other_does() {
    // covers: TR-165, TR-258
    for kept in [false, true] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let up = bench.established(leg);
        let id = bench.ids.mint();
        refer(&mut bench, leg, id);
        let sent = bench.last_of(Method::Refer);
        bench.reply(&sent, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
        let active = bench.theirs(Method::Notify, &up).header(HeaderId::Event, "refer");
        bench.request(active.header(HeaderId::SubscriptionState, "active;expires=600"));
        if kept {
            bench.subscription(id, SubscriptionCommand::Keep);
        }
        let bye = bench.theirs(Method::Bye, &up);
        bench.request(bye);
        bench.advance(Duration::from_secs(32));
        assert_eq!(end(&bench, id), if kept { None } else { Some(SubscriptionEnd::Expired) });
        bench.advance(Duration::from_secs(599));
        assert_eq!(end(&bench, id).is_none(), kept);
        bench.advance(Duration::from_secs(1));
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Expired));
    }
}

#[test]
fn a_refer_with_an_id_that_is_used_or_before_the_call_is_up_is_misuse() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = bench.ids.mint();
    refer(&mut bench, leg, id);
    refer(&mut bench, leg, id);
    let ringing = bench.place();
    let other = bench.ids.mint();
    refer(&mut bench, ringing, other);
    for leg in [leg, ringing] {
        assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Misused(Misuse::State))));
    }
    assert_eq!(bench.count_of(Method::Refer), 1);
}

#[test]
fn one_subscription_of_theirs_beyond_those_of_a_dialog_or_of_all_is_503() {
    for (most, taken) in [(100, 8), (3, 3)] {
        let packages = vec!["dialog".into()];
        let mut bench =
            Bench::with(DialogConfig { packages, subscriptions: most, ..DialogConfig::default() });
        let leg = bench.placed();
        let up = bench.established(leg);
        for number in 0..=taken {
            assert!(bench.answered.is_empty(), "{number} of {taken}");
            let request = bench.theirs(Method::Subscribe, &up).contact("<sip:bob@192.0.2.20>");
            bench.request(request.header(HeaderId::Event, &format!("dialog;id={number}")));
        }
        assert_eq!(bench.last_status(), 503);
    }
}
