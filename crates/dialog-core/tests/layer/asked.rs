use std::time::Duration;

use dialog_core::{
    DialogConfig, LegCommand, LegId, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, StatusCode};
use transaction_core::{TxEvent, TxFailure, TxId};

use crate::{
    bench::{Bench, OFFER, code},
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

fn accepted(bench: &mut Bench, leg: LegId) -> SubscriptionId {
    let (id, _) = referred(bench, leg);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    id
}

fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

#[test]
fn a_refer_is_refused_only_with_codes_that_leave_the_call() {
    // covers: TR-243, TR-265
    for number in 100..700 {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let (id, tx) = referred(&mut bench, leg);
        bench.subscription(id, SubscriptionCommand::Refuse { status: code(number) });
        let allowed = [400, 401, 403, 420, 429, 488, 491, 500, 503, 603].contains(&number);
        if allowed {
            assert_eq!((bench.answered[0].tx, bench.last_status()), (tx, number));
            assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
        } else {
            assert!(bench.answered.is_empty(), "{number}");
            assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(_))));
        }
        assert_eq!(bench.count_of(Method::Notify), 0);
        assert!(bench.ended(leg).is_none());
    }
}

#[test]
fn a_refer_that_nobody_decides_on_is_declined_before_t1() {
    // covers: TR-007
    let mut bench = Bench::new();
    let leg = bench.placed();
    let (id, tx) = referred(&mut bench, leg);
    bench.advance(Duration::from_millis(499));
    assert_eq!((bench.answered[0].tx, bench.last_status()), (tx, 603));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    // The transaction below may be quicker.
    let (id, tx) = referred(&mut bench, leg);
    bench.receive(TxEvent::Failed { tx, failure: TxFailure::TuSilent });
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
}

type Make = fn(Theirs) -> Theirs;

#[test]
fn malformed_refers_are_400_and_make_nothing() {
    // covers: TR-002, TR-006, TR-138
    let long = |bench: &mut Bench, leg| {
        let up = bench.established(leg);
        bench.theirs(Method::Refer, &up)
    };
    let makes: [Make; 9] = [
        |refer| refer.contact("<sip:bob@192.0.2.20>"),
        |refer| {
            refer
                .contact("<sip:bob@192.0.2.20>")
                .header(HeaderId::ReferTo, "<sip:a@example.com>")
                .header(HeaderId::ReferTo, "<sip:b@example.com>")
        },
        |refer| refer.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "<sip:a@h>, <sip:b@h>"),
        |refer| refer.header(HeaderId::ReferTo, "<sip:a@example.com>"),
        |refer| {
            refer
                .contact("<sip:b@192.0.2.20>, <sip:c@192.0.2.20>")
                .header(HeaderId::ReferTo, "<sip:a@example.com>")
        },
        |refer| {
            refer
                .contact("<sip:bob@192.0.2.20>")
                .header(HeaderId::ReferTo, "<sip:a@example.com?Subject=x%0D%0AEvil:%20y>")
        },
        |refer| refer.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "<sip:a@example.com?X=%00>"),
        |refer| refer.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "<sip:>"),
        |refer| {
            refer.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "sip:a@example.com?Replaces=x")
        },
    ];
    let mut bench = Bench::new();
    let leg = bench.placed();
    for (number, make) in makes.into_iter().enumerate() {
        let refer = make(long(&mut bench, leg));
        bench.request(refer);
        assert_eq!(bench.last_status(), 400, "{number}");
        assert_eq!(bench.dialogs.load().subscriptions, 0);
    }
    assert_eq!(bench.count_of(Method::Notify), 0);
}

#[test]
fn what_is_asked_for_is_passed_up_decoded() {
    // covers: TR-073, EC-47
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let refer = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(
            HeaderId::ReferTo,
            "\"Carol\" <sip:carol@example.com;method=INVITE?Replaces=a%40h%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=hi%20you>",
        )
        .header(HeaderId::ReferredBy, "<sip:bob@example.com>;cid=\"x\"")
        .header(HeaderId::ReferSub, "false");
    bench.request(refer);
    let id = bench.requested();
    let Some(SubscriptionEvent::Requested(refer)) = bench.subscription_events(id).into_iter().next() else {
        panic!("a REFER")
    };
    assert_eq!((refer.leg, refer.in_dialog), (Some(leg), true));
    assert_eq!(refer.target.as_str(), "sip:carol@example.com");
    assert_eq!(refer.method.as_deref(), Some("INVITE"));
    assert_eq!(refer.replaces.expect("Replaces").call_id(), "a@h");
    assert_eq!(&*refer.headers[1].0, "Subject");
    assert_eq!(&*refer.headers[1].1, "hi you");
    assert_eq!(refer.referred_by_text.as_deref(), Some("<sip:bob@example.com>;cid=\"x\""));
    assert!(refer.suppress);
    // Not granted: the 2xx does not say so, and NOTIFYs flow.
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIFETIME });
    assert!(!bench.last_answer().has(HeaderId::ReferSub));
    assert_eq!(bench.count_of(Method::Notify), 1);
    let maybe = request(&mut bench, leg).header(HeaderId::ReferSub, "maybe");
    bench.request(maybe);
    let id = bench.requested();
    assert!(matches!(
        bench.subscription_events(id).first(),
        Some(SubscriptionEvent::Requested(refer)) if !refer.suppress
    ));
}

#[test]
fn an_unsupported_requirement_is_420() {
    // covers: TR-075
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = request(&mut bench, leg).header(HeaderId::Require, "norefersub, gruu");
    bench.request(refer);
    assert_eq!(bench.last_status(), 420);
    assert_eq!(bench.last_answer().first(HeaderId::Unsupported), Some("norefersub, gruu"));
}

#[test]
fn a_refer_needs_a_call_that_is_up() {
    // covers: TR-249
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    bench.leg(leg, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().map(str::to_owned);
    let early = Theirs { to_tag: tag, ..Theirs::outside(Method::Refer).cseq(2) };
    bench.request(early.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "<sip:c@example.com>"));
    assert_eq!(bench.last_status(), 403);
    let leg = bench.placed();
    let refer = request(&mut bench, leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.request(refer);
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn a_refer_that_waits_for_its_decision_gets_603_when_they_hang_up() {
    // covers: TR-265
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let (id, tx) = referred(&mut bench, leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    let answer = bench.answered.iter().find(|answer| answer.tx == tx).expect("an answer");
    assert_eq!(answer.status, 603);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    bench.assert_clean();
}

#[test]
fn refers_beyond_the_limits_are_503() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    for _ in 0..8 {
        accepted(&mut bench, leg);
    }
    let refer = request(&mut bench, leg);
    bench.request(refer);
    assert_eq!(bench.last_status(), 503);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    let mut small = Bench::with(DialogConfig { subscriptions: 1, ..DialogConfig::default() });
    let (one, two) = (small.placed(), small.placed());
    accepted(&mut small, one);
    let refer = request(&mut small, two);
    small.request(refer);
    assert_eq!(small.last_status(), StatusCode::SERVICE_UNAVAILABLE.as_u16());
}

#[test]
fn a_refer_that_fails_a_check_is_refused_only_in_ways_that_leave_the_call() {
    // covers: TR-265
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = request(&mut bench, leg);
    bench.request(Theirs { uri: "mailto:alice@example.com".into(), ..refer });
    assert_eq!(bench.last_status(), 400);
    let refer = request(&mut bench, leg);
    bench.request(refer.header(HeaderId::Require, "nothing-known"));
    assert_eq!(bench.last_status(), 420);
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refer_that_was_refused_counts_as_the_first() {
    // covers: TR-020
    for (header, value, status) in
        [(HeaderId::Require, "nothing-known", 420), (HeaderId::ReferTo, "<sip:two@example.com>", 400)]
    {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let refused = request(&mut bench, leg);
        bench.request(refused.header(header, value));
        assert_eq!(bench.last_status(), status);
        let refer = request(&mut bench, leg);
        let number = refer.cseq;
        bench.request(refer);
        let id = bench.requested();
        bench.subscription(
            id,
            SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_mins(1) },
        );
        let notify = bench.last_of(Method::Notify).message;
        assert_eq!(notify.first(HeaderId::Event), Some(&*format!("refer;id={number}")));
    }
}
