//! REFERs that require explicit subscriptions, and SUBSCRIBEs to what becomes of them (RFC 7614 §4).

use std::time::Duration;

use dialog_core::{
    DialogConfig, ExplicitSubscriptions, LegId, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent,
    SubscriptionId,
};
use sip_message::{HeaderId, Message, Method, SubReason};
use sip_transport::Transport;
use transaction_core::{TxEvent, TxId};

use crate::{
    bench::{Bench, Sent, code, inbound},
    theirs::Theirs,
};

const LIFETIME: Duration = Duration::from_mins(2);

fn offering(explicit: ExplicitSubscriptions) -> Bench {
    Bench::with(DialogConfig { explicit: Some(explicit), ..DialogConfig::default() })
}

fn refer(bench: &mut Bench, leg: LegId) -> Theirs {
    let up = bench.established(leg);
    bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .header(HeaderId::Require, "explicitsub")
}

/// A REFER that came, with the address that its 200 gave.
fn accepted_as(bench: &mut Bench, leg: LegId, pending: bool) -> (SubscriptionId, String) {
    let refer = refer(bench, leg);
    bench.request(refer);
    let id = bench.requested();
    bench.subscription(id, SubscriptionCommand::Accept { pending, lifetime: LIFETIME });
    assert_eq!(bench.last_status(), 200);
    let answer = bench.last_answer();
    let at = answer.refer_events_at().expect("an address that can be read").expect("an address");
    (id, at.uri.as_str().to_owned())
}

fn accepted(bench: &mut Bench) -> (SubscriptionId, String) {
    let leg = bench.placed();
    accepted_as(bench, leg, false)
}

fn report(bench: &mut Bench, id: SubscriptionId, status: u16, last: Option<SubReason>) {
    bench.subscription(id, SubscriptionCommand::Report { status: code(status), headers: Vec::new(), last });
}

/// A SUBSCRIBE to an address; each call is a dialog of its own.
fn subscribe(call: &str, at: &str) -> Theirs {
    let subscribe = Theirs { uri: at.into(), call_id: call.into(), ..Theirs::outside(Method::Subscribe) };
    subscribe.contact("<sip:bob@192.0.2.20>").header(HeaderId::Event, "refer")
}

fn expiring(call: &str, at: &str, seconds: &str) -> Theirs {
    subscribe(call, at).header(HeaderId::Expires, seconds)
}

/// The same in the dialog that the last NOTIFY belongs to.
fn again(bench: &Bench, call: &str, at: &str, seconds: &str) -> Theirs {
    let tag = bench.last_of(Method::Notify).message.from_tag().map(Into::into);
    Theirs { to_tag: tag, ..expiring(call, at, seconds) }.cseq(2)
}

fn said(message: &Message) -> (&str, &str) {
    let state = message.first(HeaderId::SubscriptionState).expect("a state");
    (state, std::str::from_utf8(message.body()).expect("text"))
}

fn last_said(bench: &Bench) -> (String, String) {
    let notify = bench.last_of(Method::Notify).message;
    let (state, body) = said(&notify);
    (state.to_owned(), body.to_owned())
}

fn told(state: &str, line: &str) -> (String, String) {
    (state.to_owned(), format!("SIP/2.0 {line}\r\n"))
}

fn answer_last(bench: &mut Bench) -> Sent {
    let notify = bench.last_of(Method::Notify);
    bench.ok(&notify);
    notify
}

#[test]
fn the_200_gives_one_address_that_nobody_guesses_and_no_notify_follows() {
    // covers: TR-081
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (first, at) = accepted_as(&mut bench, leg, false);
    let answer = bench.last_answer();
    assert_eq!((answer.count(HeaderId::ReferEventsAt), answer.contact_count()), (1, 1));
    assert!(!answer.has(HeaderId::ReferSub));
    let value = answer.first(HeaderId::ReferEventsAt).expect("a value");
    assert!(value.starts_with("<sip:") && value.ends_with('>'), "{value}");
    report(&mut bench, first, 180, None);
    report(&mut bench, first, 200, Some(SubReason::Noresource));
    let (_, other) = accepted_as(&mut bench, leg, false);
    assert_eq!(bench.count_of(Method::Notify), 0, "none is implicit");
    let user = |uri: &str| uri.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
    for uri in [&at, &other] {
        let user = user(uri);
        assert!(user.len() == 32 && user.chars().all(|digit| digit.is_ascii_hexdigit()), "128 bits: {user}");
        assert!(uri.ends_with("@192.0.2.1:5060"), "{uri}");
    }
    let alike = user(&at).chars().zip(user(&other).chars()).filter(|(a, b)| a == b).count();
    assert!(alike < 16, "{at} {other}");
    // Who reports hears what it would hear of an implicit one.
    assert!(matches!(
        bench.subscription_events(first)[..],
        [
            SubscriptionEvent::Requested(ref refer),
            SubscriptionEvent::Reported,
            SubscriptionEvent::Reported,
            SubscriptionEvent::Delivered,
            SubscriptionEvent::Ended(SubscriptionEnd::Terminated)
        ] if !refer.suppress
    ));
}

#[test]
fn who_subscribes_at_the_address_hears_how_the_referral_goes_on_and_how_it_ends() {
    let mut bench = Bench::new();
    let (id, at) = accepted(&mut bench);
    report(&mut bench, id, 180, None);
    bench.request(subscribe("watching", &at));
    let answer = bench.last_answer();
    // As long as the referred request may take; longer is not granted.
    assert_eq!((bench.last_status(), answer.first(HeaderId::Expires)), (200, Some("180")));
    let notify = bench.last_of(Method::Notify).message;
    assert_eq!((notify.call_id(), notify.first(HeaderId::Event)), (Ok("watching"), Some("refer")));
    assert_eq!((notify.from_tag(), notify.request_uri()), (answer.to_tag(), Some("sip:bob@192.0.2.20")));
    assert_eq!(notify.content_type().map(|kind| kind.starts_with("message/sipfrag")), Some(true));
    assert_eq!(last_said(&bench), told("active;expires=180", "180 Ringing"));
    answer_last(&mut bench);
    report(&mut bench, id, 183, None);
    assert_eq!(bench.count_of(Method::Notify), 1, "the second is not over");
    bench.advance(Duration::from_secs(1));
    assert_eq!(last_said(&bench), told("active;expires=179", "183 Session Progress"));
    answer_last(&mut bench);
    report(&mut bench, id, 486, Some(SubReason::Noresource));
    assert_eq!(last_said(&bench), told("terminated;reason=noresource", "486 Busy Here"));
    answer_last(&mut bench);
    assert_eq!(bench.count_of(Method::Notify), 3);
    assert_eq!(bench.dialogs.load().subscriptions, 0);
    // The layer above knows of the REFER and of nothing else.
    let others = bench.events.iter().filter(|event| match event {
        dialog_core::DialogEvent::Subscription(of, _) => *of != id,
        _ => false,
    });
    assert_eq!(others.count(), 0);
}

#[test]
fn the_last_state_can_be_had_for_64_seconds_after_the_end() {
    // covers: TR-083
    for (after, found) in [(0, true), (60, true), (63, true), (64, false)] {
        let mut bench = Bench::new();
        let (id, at) = accepted(&mut bench);
        report(&mut bench, id, 200, Some(SubReason::Noresource));
        bench.advance(Duration::from_secs(after));
        bench.request(subscribe("late", &at));
        if found {
            assert_eq!(bench.last_status(), 200, "after {after} s");
            assert_eq!(bench.count_of(Method::Notify), 1, "the first is the last");
            assert_eq!(last_said(&bench), told("terminated;reason=noresource", "200 OK"));
            answer_last(&mut bench);
        } else {
            assert_eq!((bench.last_status(), bench.count_of(Method::Notify)), (404, 0), "after {after} s");
        }
        assert_eq!(bench.dialogs.load().referrals, usize::from(found));
        assert_eq!(bench.dialogs.load().subscriptions, 0);
    }
}

#[test]
fn the_last_state_is_never_forgotten_sooner_and_by_a_setting_later() {
    for (kept, until) in [(1, 64), (100, 100)] {
        let kept = Duration::from_secs(kept);
        let mut bench = offering(ExplicitSubscriptions { kept, ..ExplicitSubscriptions::default() });
        let (id, _) = accepted(&mut bench);
        report(&mut bench, id, 200, Some(SubReason::Noresource));
        bench.advance(Duration::from_secs(until - 1));
        assert_eq!(bench.dialogs.load().referrals, 1);
        bench.advance(Duration::from_secs(1));
        assert_eq!(bench.dialogs.load().referrals, 0);
    }
}

#[test]
fn subscriptions_to_one_refer_have_a_bound() {
    // covers: TR-086
    let mut bench = offering(ExplicitSubscriptions { subscribers: 2, ..ExplicitSubscriptions::default() });
    let (_, at) = accepted(&mut bench);
    for (call, status) in [("one", 200), ("two", 200), ("three", 503)] {
        bench.request(subscribe(call, &at));
        assert_eq!(bench.last_status(), status, "{call}");
    }
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    assert_eq!((bench.count_of(Method::Notify), bench.dialogs.counters().refused_overloaded), (2, 1));
    // One that goes makes room.
    let leaving = again(&bench, "two", &at, "0");
    bench.request(leaving);
    let notifies: Vec<Sent> =
        bench.sent.iter().filter(|sent| sent.message.method() == Some(Method::Notify)).cloned().collect();
    for notify in &notifies {
        bench.ok(notify);
    }
    answer_last(&mut bench);
    bench.request(subscribe("three", &at));
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn subscriptions_of_one_address_have_a_bound() {
    // covers: TR-086
    let mut bench = offering(ExplicitSubscriptions { per_source: 2, ..ExplicitSubscriptions::default() });
    let leg = bench.placed();
    let (_, one) = accepted_as(&mut bench, leg, false);
    let (_, other) = accepted_as(&mut bench, leg, false);
    for (call, at, status) in [("a", &one, 200), ("b", &other, 200), ("c", &one, 503), ("d", &other, 503)] {
        bench.request(subscribe(call, at));
        assert_eq!(bench.last_status(), status, "{call}");
    }
    let elsewhere = subscribe("e", &one).message(77);
    let mut inbound = inbound(elsewhere);
    inbound.origin.source = ([192, 0, 2, 99], 5060).into();
    bench.receive(TxEvent::Request { tx: TxId::from(7_777), inbound });
    assert_eq!(bench.last_status(), 200, "another address has its own");
}

#[test]
fn the_states_that_are_kept_have_a_bound_and_those_that_are_over_count() {
    let mut bench = offering(ExplicitSubscriptions { referrals: 2, ..ExplicitSubscriptions::default() });
    let leg = bench.placed();
    let (first, _) = accepted_as(&mut bench, leg, false);
    report(&mut bench, first, 200, Some(SubReason::Noresource));
    accepted_as(&mut bench, leg, false);
    let third = refer(&mut bench, leg);
    bench.request(third);
    assert_eq!(bench.last_status(), 503);
    // One that is refused takes none of the room, once the first is forgotten.
    bench.advance(Duration::from_secs(64));
    let refused = refer(&mut bench, leg);
    bench.request(refused);
    let id = bench.requested();
    bench.subscription(id, SubscriptionCommand::Refuse { status: code(603) });
    assert!(!bench.last_answer().has(HeaderId::ReferEventsAt));
    assert_eq!(bench.dialogs.load().referrals, 1);
    accepted_as(&mut bench, leg, false);
}

#[test]
fn while_somebody_has_to_approve_it_is_pending_for_subscribers_too() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, at) = accepted_as(&mut bench, leg, true);
    bench.request(subscribe("watching", &at));
    assert_eq!(last_said(&bench), told("pending;expires=180", "100 Trying"));
    answer_last(&mut bench);
    bench.advance(Duration::from_secs(1));
    bench.subscription(id, SubscriptionCommand::Approve);
    assert_eq!(last_said(&bench), told("active;expires=179", "100 Trying"));
    answer_last(&mut bench);
    report(&mut bench, id, 603, Some(SubReason::Rejected));
    assert_eq!(last_said(&bench), told("terminated;reason=rejected", "603 Decline"));
}

#[test]
fn a_subscription_is_refreshed_ended_and_runs_out_as_any_other() {
    for end in ["unsubscribed", "expired"] {
        let mut bench = Bench::new();
        let (id, at) = accepted(&mut bench);
        bench.request(expiring("watching", &at, "90"));
        assert_eq!(bench.last_answer().first(HeaderId::Expires), Some("90"));
        answer_last(&mut bench);
        bench.advance(Duration::from_secs(80));
        let refresh = again(&bench, "watching", &at, "90");
        bench.request(refresh);
        assert_eq!((bench.last_status(), bench.last_answer().first(HeaderId::Expires)), (200, Some("90")));
        assert_eq!(last_said(&bench), told("active;expires=90", "100 Trying"));
        answer_last(&mut bench);
        bench.advance(Duration::from_secs(1));
        if end == "expired" {
            bench.advance(Duration::from_secs(89));
        } else {
            let leaving = again(&bench, "watching", &at, "0").cseq(3);
            bench.request(leaving);
            assert_eq!(bench.last_status(), 200);
        }
        assert_eq!(last_said(&bench), told("terminated;reason=timeout", "100 Trying"), "{end}");
        answer_last(&mut bench);
        let notifies = bench.count_of(Method::Notify);
        report(&mut bench, id, 180, None);
        bench.advance(Duration::from_secs(2));
        assert_eq!(bench.count_of(Method::Notify), notifies, "nobody listens");
        // The referral goes on, and who comes back hears of it.
        bench.request(subscribe("back", &at));
        assert_eq!(last_said(&bench).1, "SIP/2.0 180 Ringing\r\n");
    }
}

#[test]
fn a_fetch_gets_the_state_once() {
    let mut bench = Bench::new();
    let (id, at) = accepted(&mut bench);
    bench.request(expiring("fetching", &at, "0"));
    assert_eq!(last_said(&bench), told("terminated;reason=timeout", "100 Trying"));
    answer_last(&mut bench);
    report(&mut bench, id, 486, Some(SubReason::Noresource));
    bench.request(expiring("later", &at, "0"));
    assert_eq!(last_said(&bench), told("terminated;reason=noresource", "486 Busy Here"));
    answer_last(&mut bench);
    assert_eq!(bench.count_of(Method::Notify), 2);
}

#[test]
fn a_subscription_that_is_too_brief_is_refused_with_423() {
    let mut bench = Bench::new();
    let (_, at) = accepted(&mut bench);
    bench.request(expiring("brief", &at, "59"));
    assert_eq!((bench.last_status(), bench.last_answer().first(HeaderId::MinExpires)), (423, Some("60")));
    assert_eq!(bench.count_of(Method::Notify), 0);
}

#[test]
fn a_subscriber_that_is_gone_does_not_hinder_the_referral() {
    let mut bench = Bench::new();
    let (id, at) = accepted(&mut bench);
    bench.request(subscribe("gone", &at));
    bench.request(subscribe("here", &at));
    let notifies: Vec<Sent> =
        bench.sent.iter().filter(|sent| sent.message.method() == Some(Method::Notify)).cloned().collect();
    bench.reply(&notifies[0], 481, "x", |response| response);
    bench.ok(&notifies[1]);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    let notify = bench.last_of(Method::Notify).message;
    assert_eq!((notify.call_id(), bench.count_of(Method::Notify)), (Ok("here"), 3));
}

#[test]
fn an_address_that_nobody_gave_leads_to_nothing_and_another_is_no_resource() {
    // covers: TR-023
    let mut bench = Bench::new();
    let (_, at) = accepted(&mut bench);
    let guessed = format!("sip:{}@192.0.2.1", "0123456789abcdef".repeat(2));
    let shouted = at.to_ascii_uppercase().replace("SIP:", "sip:");
    for (uri, status) in [
        (guessed.as_str(), 404),
        ("sip:alice@192.0.2.1", 403),
        ("sip:+123456789abcdef0123456789abcdef@192.0.2.1", 403),
        (shouted.as_str(), 403),
    ] {
        bench.request(subscribe("guessing", uri));
        assert_eq!(bench.last_status(), status, "{uri}");
    }
    let elsewhere = Theirs { headers: Vec::new(), ..subscribe("guessing", &at) };
    bench.request(elsewhere.contact("<sip:bob@192.0.2.20>").header(HeaderId::Event, "dialog"));
    assert_eq!(bench.last_status(), 489, "only `refer` is had there");
    assert_eq!((bench.count_of(Method::Notify), bench.dialogs.load().subscriptions), (0, 1));
}

#[test]
fn what_came_over_tls_is_not_told_in_clear() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = refer(&mut bench, leg);
    let over_tls = |message: Message, tx: u64| {
        let mut inbound = inbound(message);
        inbound.origin.transport = Transport::Tls;
        TxEvent::Request { tx: TxId::from(tx), inbound }
    };
    bench.receive(over_tls(refer.message(90), 9_000));
    let id = bench.requested();
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    let answer = bench.last_answer();
    let at = answer.refer_events_at().expect("readable").expect("an address").uri.as_str().to_owned();
    bench.request(subscribe("clear", &at));
    assert_eq!(bench.last_status(), 403);
    bench.receive(over_tls(subscribe("secured", &at).message(91), 9_001));
    assert_eq!(bench.last_status(), 200);
}

#[test]
fn a_refer_that_requires_both_tags_is_malformed_and_one_that_wishes_for_silence_is_not_silenced() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let both = refer(&mut bench, leg).header(HeaderId::Require, "nosub");
    bench.request(both);
    assert_eq!(bench.last_status(), 400);
    let wishing = refer(&mut bench, leg).header(HeaderId::ReferSub, "false");
    bench.request(wishing);
    let id = bench.requested();
    assert!(matches!(
        bench.subscription_events(id).first(),
        Some(SubscriptionEvent::Requested(refer)) if !refer.suppress
    ));
    bench.subscription(id, SubscriptionCommand::AcceptUnreported);
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    assert!(bench.last_answer().has(HeaderId::ReferEventsAt));
}

#[test]
fn what_is_not_offered_is_refused_by_420() {
    // covers: TR-075
    let mut bench = Bench::with(DialogConfig { explicit: None, ..DialogConfig::default() });
    let leg = bench.placed();
    let refer = refer(&mut bench, leg);
    bench.request(refer);
    assert_eq!(
        (bench.last_status(), bench.last_answer().first(HeaderId::Unsupported)),
        (420, Some("explicitsub"))
    );
}

#[test]
fn after_the_call_the_state_is_still_told_and_in_the_end_nothing_is_left() {
    let mut bench = Bench::new();
    let (id, at) = accepted(&mut bench);
    bench.request(subscribe("watching", &at));
    answer_last(&mut bench);
    let leg = bench.events.iter().find_map(|event| match event {
        dialog_core::DialogEvent::Leg(leg, _) => Some(*leg),
        _ => None,
    });
    let up = bench.established(leg.expect("a call"));
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    report(&mut bench, id, 200, Some(SubReason::Noresource));
    assert_eq!(last_said(&bench), told("terminated;reason=noresource", "200 OK"));
    answer_last(&mut bench);
    bench.assert_clean();
    assert_eq!(bench.dialogs.load().referrals, 0);
}
