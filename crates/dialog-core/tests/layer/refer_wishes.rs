//! REFERs of ours beside the usual: in a dialog of their own about a call, without a subscription, with an explicit one; and
//! theirs that forbid one.

use std::time::Duration;

use dialog_core::{
    LegCommand, LegId, NotifiedState, Refer, ReferAnswer, ReferSubscription, SubscriptionCommand,
    SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, StatusCode};

use crate::{
    bench::{Bench, PEER_TAG, Sent, uri},
    subscribing::notify,
};

fn refer(bench: &mut Bench, leg: LegId, refer: Refer) -> (SubscriptionId, Sent) {
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: refer.into() });
    (subscription, bench.last_of(Method::Refer))
}

fn asking(subscription: ReferSubscription) -> Refer {
    Refer { subscription, ..Refer::to(uri("sip:carol@example.com")) }
}

fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

#[test]
fn a_refer_beside_its_call_names_it_and_has_a_dialog_of_its_own() {
    // covers: TR-061
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let outside = Refer { outside: true, ..asking(ReferSubscription::Implicit) };
    let (_, sent) = refer(&mut bench, leg, outside);
    assert_eq!(sent.message.request_uri(), Some(up.remote_target.as_str()));
    assert_ne!(sent.message.call_id(), Ok(&*up.dialog.call_id));
    assert_eq!(sent.message.to_tag(), None);
    let named = sent.message.target_dialog().expect("readable").expect("a Target-Dialog");
    // From the peer's side: its own tag is the local one.
    assert_eq!(
        (named.call_id(), named.local_tag(), named.remote_tag()),
        (&*up.dialog.call_id, &*up.dialog.remote_tag, &*up.dialog.local_tag)
    );
    let sending = bench.count_of(Method::Refer);
    let unknown: LegId = bench.ids.mint();
    let subscription = bench.ids.mint();
    let about_nothing = Refer { outside: true, ..asking(ReferSubscription::Implicit) };
    bench.leg(unknown, LegCommand::Refer { subscription, refer: about_nothing.into() });
    assert!(matches!(bench.subscription_events(subscription)[..], [SubscriptionEvent::Misused(_)]));
    assert_eq!(bench.count_of(Method::Refer), sending);
}

#[test]
fn a_refer_that_requires_no_subscription_waits_for_nothing() {
    // covers: TR-084, TR-085
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg, asking(ReferSubscription::None));
    assert_eq!(sent.message.first(HeaderId::Require), Some("nosub"));
    assert!(!sent.message.supported().any(|tag| tag == "nosub" || tag == "explicitsub"));
    assert!(!sent.message.has(HeaderId::ReferSub));
    let timers = bench.timers.len();
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Suppressed));
    assert_eq!(bench.timers.len(), timers, "no timer N");
}

#[test]
fn a_peer_without_the_extension_is_asked_once_more_without_it() {
    // covers: TR-080, TR-152
    for (wish, tag) in [
        (asking(ReferSubscription::None), "nosub"),
        (asking(ReferSubscription::Explicit), "explicitsub"),
        (asking(ReferSubscription::Suppress), "norefersub"),
    ] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, sent) = refer(&mut bench, leg, wish);
        bench.reply(&sent, 420, PEER_TAG, |response| response.header(HeaderId::Unsupported, tag));
        assert_eq!(bench.count_of(Method::Refer), 2, "{tag}");
        let again = bench.last_of(Method::Refer);
        let number = |sent: &Sent| sent.message.cseq().expect("a CSeq").number;
        assert_eq!(number(&again), number(&sent) + 1, "{tag}");
        assert!(!again.message.has(HeaderId::Require) && !again.message.has(HeaderId::ReferSub), "{tag}");
        // It is a REFER as any other now.
        bench.reply(&again, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
        assert!(
            matches!(
                bench.subscription_events(id)[..],
                [SubscriptionEvent::Answered(ReferAnswer::Accepted(_))]
            ),
            "{tag}"
        );
    }
}

#[test]
fn an_explicit_subscription_is_made_in_a_dialog_of_its_own() {
    // covers: TR-080, TR-082
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, sent) = refer(&mut bench, leg, asking(ReferSubscription::Explicit));
    assert_eq!(sent.message.first(HeaderId::Require), Some("explicitsub"));
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferEventsAt, "<sip:17af@192.0.2.20>")
    });
    let events = bench.subscription_events(id);
    let [SubscriptionEvent::Answered(_), SubscriptionEvent::EventsAt(at), SubscriptionEvent::Ended(over)] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((at.as_str(), *over), ("sip:17af@192.0.2.20", SubscriptionEnd::Suppressed));
    let subscription: SubscriptionId = bench.ids.mint();
    bench.leg(leg, LegCommand::FollowRefer { subscription, at: at.clone() });
    let subscribe = bench.last_of(Method::Subscribe);
    assert_eq!(subscribe.message.request_uri(), Some("sip:17af@192.0.2.20"));
    assert_eq!(subscribe.message.first(HeaderId::Event), Some("refer"));
    assert_ne!(subscribe.message.call_id(), sent.message.call_id());
    bench.reply(&subscribe, 200, "events", |response| {
        response.contact("<sip:17af@192.0.2.20>").header(HeaderId::Expires, 60)
    });
    let state = "terminated;reason=noresource";
    let notify = notify(&subscribe.message, "events", 1, "refer;id=93809823", state)
        .body("message/sipfrag;version=2.0", "SIP/2.0 200 OK\r\n");
    bench.request(notify);
    assert_eq!(bench.last_status(), 200);
    let told: Vec<_> = bench
        .subscription_events(subscription)
        .into_iter()
        .filter_map(|event| match event {
            SubscriptionEvent::Notified(told) => Some((told.state, told.status)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(NotifiedState::Terminated, Some(StatusCode::OK))]);
    assert_eq!(end(&bench, subscription), Some(SubscriptionEnd::Terminated));
}

#[test]
fn a_subscription_that_is_kept_outlives_its_call_by_what_was_granted() {
    // covers: TR-165, TR-180
    for kept in [false, true] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let up = bench.established(leg);
        let (id, sent) = refer(&mut bench, leg, asking(ReferSubscription::Implicit));
        bench.reply(&sent, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
        if kept {
            bench.subscription(id, SubscriptionCommand::Keep);
        }
        bench.leg(leg, LegCommand::HangUp { reason: None });
        let bye = bench.last_of(Method::Bye);
        bench.reply(&bye, 200, PEER_TAG, |response| response);
        let ringing = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "active;expires=180")
            .body("message/sipfrag", "SIP/2.0 180 Ringing\r\n");
        bench.request(ringing);
        assert_eq!(bench.last_status(), 200);
        bench.advance(Duration::from_secs(100));
        assert_eq!(end(&bench, id).is_none(), kept, "{:?}", bench.subscription_events(id));
    }
}

#[test]
fn a_refer_that_forbids_a_subscription_is_followed_and_not_reported_on() {
    // covers: TR-084, TR-085
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let theirs = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .header(HeaderId::Require, "nosub");
    bench.request(theirs);
    let id = bench.requested();
    assert!(matches!(
        bench.subscription_events(id).first(),
        Some(SubscriptionEvent::Requested(refer)) if refer.suppress
    ));
    let lifetime = Duration::from_mins(1);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime });
    assert!(bench.last_answer().status().is_some_and(StatusCode::is_success));
    assert!(!bench.last_answer().has(HeaderId::ReferSub));
    bench.subscription(
        id,
        SubscriptionCommand::Report { status: StatusCode::RINGING, headers: Vec::new(), last: None },
    );
    let last = Some(sip_message::SubReason::Noresource);
    bench.subscription(id, SubscriptionCommand::Report { status: StatusCode::OK, headers: Vec::new(), last });
    assert_eq!(bench.count_of(Method::Notify), 0);
    let events = bench.subscription_events(id);
    assert!(
        matches!(events[..], [.., SubscriptionEvent::Delivered, SubscriptionEvent::Ended(_)]),
        "who reports hears the same: {events:?}"
    );
    // In another request neither is known.
    for tag in ["explicitsub", "nosub"] {
        let theirs = bench
            .theirs(Method::Options, &up)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::ReferTo, "<sip:carol@example.com>")
            .header(HeaderId::Require, tag);
        bench.request(theirs);
        assert_eq!(bench.last_status(), 420, "{tag}");
    }
}
