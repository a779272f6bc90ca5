//! REFER outside of calls, ours and theirs (RFC 3515, RFC 4538, RFC 7647 §4).

use std::time::Duration;

use dialog_core::{
    DialogConfig, IncomingRefer, LegCommand, LegId, Misuse, NotifiedState, Refer, ReferAnswer,
    ReferSubscription, ReferTo, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, Method, StatusCode, SubReason};

use crate::{
    bench::{Bench, PEER_TAG, Sent, address_of, code, uri},
    subscribing::notify,
    theirs::Theirs,
};

fn wish(about: Option<LegId>) -> ReferTo {
    ReferTo {
        target: uri("sip:bob@192.0.2.20"),
        to: address_of("<sip:bob@example.com>"),
        from: address_of("<sip:alice@example.com>"),
        contact_user: Some("alice".into()),
        registration: None,
        refer_to: uri("sip:carol@example.com"),
        referred_by: Some(address_of("<sip:alice@example.com>")),
        about,
        subscription: ReferSubscription::Implicit,
        headers: Vec::new(),
    }
}

fn refer(bench: &mut Bench, wish: ReferTo) -> (SubscriptionId, Sent) {
    let id = bench.ids.mint();
    bench.subscription(id, SubscriptionCommand::ReferTo(Box::new(wish)));
    (id, bench.last_of(Method::Refer))
}

fn end(bench: &Bench, id: SubscriptionId) -> Option<SubscriptionEnd> {
    match bench.subscription_events(id).last() {
        Some(SubscriptionEvent::Ended(end)) => Some(*end),
        _ => None,
    }
}

fn told(bench: &Bench, id: SubscriptionId) -> Vec<(NotifiedState, Option<u16>)> {
    let of = |event| match event {
        SubscriptionEvent::Notified(it) => Some((it.state, it.status.map(StatusCode::as_u16))),
        _ => None,
    };
    bench.subscription_events(id).into_iter().filter_map(of).collect()
}

#[test]
fn target_dialog_names_the_call_from_the_recipients_side() {
    // covers: TR-151
    for placed in [true, false] {
        let mut bench = Bench::new();
        let leg = if placed { bench.placed() } else { bench.answered_call() };
        let dialog = bench.established(leg).dialog;
        let (_, sent) = refer(&mut bench, wish(Some(leg)));
        let message = &sent.message;
        let target = message.target_dialog().expect("readable").expect("Target-Dialog");
        assert_eq!(target.call_id(), &*dialog.call_id);
        assert_eq!((target.local_tag(), target.remote_tag()), (&*dialog.remote_tag, &*dialog.local_tag));
        assert_ne!(message.call_id(), Ok(&*dialog.call_id));
        assert_eq!((message.to_tag(), message.has(HeaderId::Require)), (None, false));
        assert_eq!(message.first(HeaderId::ReferTo), Some("<sip:carol@example.com>"));
        assert_eq!(message.first(HeaderId::ReferredBy), Some("<sip:alice@example.com>"));
        assert_eq!(message.contact_count(), 1);
    }
}

#[test]
fn a_peer_that_knows_target_dialog_is_required_to_look_at_it() {
    // covers: TR-152
    let mut bench = Bench::new();
    let leg = bench.place();
    let invite = bench.last_of(Method::Invite);
    bench.reply(&invite, 200, PEER_TAG, |response| {
        response
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::Supported, "tdialog")
            .body("application/sdp", crate::bench::ANSWER)
    });
    let (_, sent) = refer(&mut bench, wish(Some(leg)));
    assert_eq!(sent.message.first(HeaderId::Require), Some("tdialog"));
}

#[test]
fn a_call_that_is_not_up_is_not_named() {
    let mut bench = Bench::new();
    let early = bench.place();
    let gone = bench.ids.mint();
    for leg in [early, gone] {
        let id = bench.ids.mint();
        bench.subscription(id, SubscriptionCommand::ReferTo(Box::new(wish(Some(leg)))));
        assert!(matches!(bench.subscription_events(id)[..], [SubscriptionEvent::Misused(Misuse::Unknown)]));
    }
    assert_eq!(bench.count_of(Method::Refer), 0);
}

#[test]
fn its_notifies_come_in_the_dialog_that_the_first_one_makes() {
    // covers: TR-011, TR-051, EC-46
    let mut bench = Bench::new();
    let (id, sent) = refer(&mut bench, wish(None));
    let event = "refer";
    let first = notify(&sent.message, "bob", 1, event, "active;expires=60");
    bench.request(first.body("message/sipfrag", "SIP/2.0 100 Trying\r\n"));
    assert_eq!(bench.last_status(), 200);
    bench.reply(&sent, 202, "bob", |response| response.contact("<sip:bob@192.0.2.20>"));
    let last = notify(&sent.message, "bob", 2, event, "terminated;reason=noresource");
    bench.request(last.body("message/sipfrag", "SIP/2.0 200 OK\r\n"));
    assert_eq!(bench.last_status(), 200);
    assert_eq!(
        told(&bench, id),
        [(NotifiedState::Active, Some(100)), (NotifiedState::Terminated, Some(200))]
    );
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.assert_clean();
}

#[test]
fn a_forked_refer_has_a_result_for_each_branch() {
    // covers: TR-031
    let mut bench = Bench::new();
    let (id, sent) = refer(&mut bench, wish(None));
    for (tag, line) in [("one", "SIP/2.0 486 Busy Here\r\n"), ("two", "SIP/2.0 200 OK\r\n")] {
        let end = notify(&sent.message, tag, 1, "refer", "terminated;reason=noresource");
        bench.request(end.body("message/sipfrag", line));
        assert_eq!(bench.last_status(), 200);
    }
    let fork = bench.events.iter().find_map(|event| match event {
        dialog_core::DialogEvent::Subscription(fork, SubscriptionEvent::Forked { of }) if *of == id => {
            Some(*fork)
        }
        _ => None,
    });
    let fork = fork.expect("a second subscription");
    assert_eq!(told(&bench, id), [(NotifiedState::Terminated, Some(486))]);
    assert_eq!(told(&bench, fork), [(NotifiedState::Terminated, Some(200))]);
    assert_eq!(end(&bench, fork), Some(SubscriptionEnd::Terminated));
    bench.reply(&sent, 200, "one", |response| response.contact("<sip:bob@192.0.2.20>"));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.assert_clean();
}

#[test]
fn no_subscription_is_asked_for_and_granted() {
    // covers: TR-070, TR-077
    let mut bench = Bench::new();
    let (id, sent) = refer(&mut bench, ReferTo { subscription: ReferSubscription::Suppress, ..wish(None) });
    assert_eq!(sent.message.first(HeaderId::ReferSub), Some("false"));
    bench.reply(&sent, 202, "bob", |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferSub, "false")
    });
    assert!(matches!(
        bench.subscription_events(id)[..],
        [
            SubscriptionEvent::Answered(ReferAnswer::Accepted(_)),
            SubscriptionEvent::Ended(SubscriptionEnd::Suppressed),
        ]
    ));
    assert!(bench.timers.is_empty(), "nothing is waited for");
    bench.assert_clean();
}

#[test]
fn a_peer_that_ignores_the_wish_for_no_subscription_is_served() {
    // covers: TR-072, EC-47
    for answer in [None, Some("true"), Some("maybe")] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let subscription = bench.ids.mint();
        let refer_to = uri("sip:carol@example.com");
        bench.leg(
            leg,
            LegCommand::Refer {
                subscription,
                refer: Refer { subscription: ReferSubscription::Suppress, ..Refer::to(refer_to) }.into(),
            },
        );
        let sent = bench.last_of(Method::Refer);
        assert_eq!(sent.message.first(HeaderId::ReferSub), Some("false"));
        bench.reply(&sent, 202, PEER_TAG, |response| {
            let response = response.contact("<sip:bob@192.0.2.20>");
            match answer {
                Some(value) => response.header(HeaderId::ReferSub, value),
                None => response,
            }
        });
        let up = bench.established(leg);
        let report = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "terminated;reason=noresource")
            .body("message/sipfrag", "SIP/2.0 200 OK\r\n");
        bench.request(report);
        assert_eq!(bench.last_status(), 200);
        assert_eq!(told(&bench, subscription), [(NotifiedState::Terminated, Some(200))]);
        assert_eq!(end(&bench, subscription), Some(SubscriptionEnd::Terminated));
    }
}

#[test]
fn without_the_wish_every_answer_makes_a_subscription() {
    // covers: TR-070
    let mut bench = Bench::new();
    let (id, sent) = refer(&mut bench, wish(None));
    assert!(!sent.message.has(HeaderId::ReferSub));
    bench.reply(&sent, 202, "bob", |response| {
        response.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferSub, "false")
    });
    assert_eq!(end(&bench, id), None);
    bench.advance(Duration::from_secs(32));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::NoNotify));
    assert!(bench.sent.iter().all(|sent| !sent.message.has(HeaderId::ReferSub)));
}

fn request() -> Theirs {
    Theirs::outside(Method::Refer)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>")
}

/// A REFER about a call, as its peer names it.
fn about(bench: &Bench, leg: LegId) -> Theirs {
    let dialog = bench.established(leg).dialog;
    let target =
        format!("{};local-tag={};remote-tag={}", dialog.call_id, dialog.local_tag, dialog.remote_tag);
    request().header(HeaderId::TargetDialog, &target)
}

fn asked(bench: &Bench) -> (SubscriptionId, IncomingRefer) {
    let id = bench.requested();
    let refer = bench.subscription_events(id).into_iter().find_map(|event| match event {
        SubscriptionEvent::Requested(refer) => Some(*refer),
        _ => None,
    });
    (id, refer.expect("a REFER"))
}

const ACCEPT: SubscriptionCommand =
    SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_mins(2) };

#[test]
fn a_refer_that_names_a_call_is_about_that_call_and_has_a_dialog_of_its_own() {
    // covers: TR-064, TR-154, EC-46
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = about(&bench, leg).header(HeaderId::Event, "refer;id=3");
    bench.request(refer);
    let (id, refer) = asked(&bench);
    assert_eq!((refer.leg, refer.in_dialog), (Some(leg), false));
    assert_eq!(refer.from.uri.to_string(), "sip:bob@example.com");
    bench.subscription(id, ACCEPT);
    let answer = bench.last_answer();
    assert_eq!((bench.last_status(), answer.contact_count()), (202, 1));
    assert_eq!(answer.count(HeaderId::RecordRoute), 1);
    let first = bench.last_of(Method::Notify);
    let own = &first.message;
    assert_eq!((own.call_id(), own.to_tag()), (Ok("their-call"), Some(PEER_TAG)));
    assert_eq!(own.from_tag(), answer.to_tag());
    assert_ne!(own.from_tag(), Some(&*bench.established(leg).dialog.local_tag));
    assert_eq!(own.first(HeaderId::Event), Some("refer"));
    let routes: Vec<&str> = own.all(HeaderId::Route).collect();
    assert_eq!(routes, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
    bench.ok(&first);
    // The call ends, and the report still goes out.
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    let status = code(200);
    bench.subscription(
        id,
        SubscriptionCommand::Report { status, headers: Vec::new(), last: Some(SubReason::Noresource) },
    );
    let last = bench.last_of(Method::Notify);
    assert_eq!(last.message.call_id(), Ok("their-call"));
    bench.ok(&last);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.assert_clean();
}

#[test]
fn who_does_not_name_a_call_rightly_is_a_stranger() {
    // covers: TR-153, EC-63
    let mut bench = Bench::new();
    let leg = bench.placed();
    let dialog = bench.established(leg).dialog;
    let (call_id, local, remote) = (&dialog.call_id, &dialog.local_tag, &dialog.remote_tag);
    for wrong in [
        format!("{call_id};local-tag={remote};remote-tag={local}"),
        format!("x{call_id};local-tag={local};remote-tag={remote}"),
        format!("{call_id};local-tag={local};remote-tag=x{remote}"),
        format!("{call_id};local-tag=x{local};remote-tag={remote}"),
        format!("{call_id};local-tag={local}"),
        ";;;".to_owned(),
    ] {
        bench.request(request().header(HeaderId::TargetDialog, &wrong));
        assert_eq!(bench.last_status(), 403, "{wrong}");
    }
    let twice = about(&bench, leg).header(HeaderId::TargetDialog, "a@h;local-tag=1;remote-tag=2");
    bench.request(twice);
    assert_eq!(bench.last_status(), 400);
    bench.request(Theirs { to_tag: Some("unknown".into()), ..request() });
    assert_eq!(bench.last_status(), 481);
    assert_eq!(bench.dialogs.len(), 1);
}

#[test]
fn a_call_that_rings_or_has_ended_is_not_named() {
    // covers: TR-155
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = about(&bench, leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    bench.request(refer.clone());
    assert_eq!(bench.last_status(), 403, "it is ending");
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    bench.request(refer);
    assert_eq!(bench.last_status(), 403, "it is only remembered");
    let (_, ringing) = bench
        .incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(crate::bench::OFFER));
    bench.leg(ringing, LegCommand::Ring);
    let tag = bench.last_answer().to_tag().map(str::to_owned).expect("a tag");
    let early = format!("their-call;local-tag={tag};remote-tag={PEER_TAG}");
    bench.request(request().header(HeaderId::TargetDialog, &early));
    assert_eq!(bench.last_status(), 403);
}

#[test]
fn a_stranger_is_heard_where_that_is_wanted() {
    let mut bench = Bench::with(DialogConfig { strangers: true, ..DialogConfig::default() });
    bench.request(request());
    let (id, refer) = asked(&bench);
    assert_eq!((refer.leg, refer.in_dialog), (None, false));
    // There is no call to be kept, so that any status will do.
    bench.subscription(id, SubscriptionCommand::Refuse { status: code(404) });
    assert_eq!(bench.last_status(), 404);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    let malformed = Theirs::outside(Method::Refer).contact("<sip:bob@192.0.2.20>");
    bench.request(malformed);
    assert_eq!(bench.last_status(), 400);
    bench.request(Theirs::outside(Method::Refer).header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    assert_eq!(bench.last_status(), 400);
    assert!(bench.dialogs.is_empty());
    bench.request(request());
    let undecided = bench.requested();
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.last_status(), 603);
    assert_eq!(end(&bench, undecided), Some(SubscriptionEnd::Refused));
    bench.assert_clean();
}

#[test]
fn one_refer_beyond_the_limit_is_503() {
    for config in [
        DialogConfig { legs: 2, ..DialogConfig::default() },
        DialogConfig { subscriptions: 1, ..DialogConfig::default() },
    ] {
        let mut bench = Bench::with(config);
        let leg = bench.placed();
        bench.request(about(&bench, leg));
        let (id, _) = asked(&bench);
        bench.subscription(id, ACCEPT);
        bench.request(Theirs { call_id: "another".into(), ..about(&bench, leg) });
        assert_eq!(bench.last_status(), 503);
        assert!(bench.last_answer().has(HeaderId::RetryAfter));
    }
}

#[test]
fn the_wish_for_no_subscription_is_granted_without_any_notify() {
    // covers: TR-070, TR-071
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let inside = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>");
    for refer in
        [inside.header(HeaderId::ReferSub, "false"), about(&bench, leg).header(HeaderId::ReferSub, "false")]
    {
        bench.request(refer);
        let (id, refer) = asked(&bench);
        assert!(refer.suppress);
        bench.subscription(id, SubscriptionCommand::AcceptUnreported);
        assert_eq!(bench.last_status(), 202);
        assert_eq!(bench.last_answer().first(HeaderId::ReferSub), Some("false"));
        assert_eq!(end(&bench, id), Some(SubscriptionEnd::Suppressed));
    }
    bench.advance(Duration::from_secs(200));
    assert_eq!(bench.count_of(Method::Notify), 0);
    assert_eq!(bench.dialogs.load().subscriptions, 0);
    assert!(bench.ended(leg).is_none());
    // Nobody gets it who has not asked.
    bench.request(about(&bench, leg));
    let (id, _) = asked(&bench);
    bench.subscription(id, SubscriptionCommand::AcceptUnreported);
    assert!(matches!(bench.subscription_events(id).last(), Some(SubscriptionEvent::Misused(Misuse::State))));
}

#[test]
fn an_event_in_a_refer_means_nothing() {
    // covers: EC-45
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    for event in ["refer;id=9", "dialog", "not, readable;;"] {
        let refer = bench
            .theirs(Method::Refer, &up)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::ReferTo, "<sip:carol@example.com>")
            .header(HeaderId::Event, event);
        let number = refer.cseq;
        let first = bench.count_of(Method::Notify) == 0;
        bench.request(refer);
        let (id, _) = asked(&bench);
        bench.subscription(id, ACCEPT);
        assert_eq!(bench.last_status(), 202, "{event}");
        let expected = if first { "refer".to_owned() } else { format!("refer;id={number}") };
        assert_eq!(bench.last_of(Method::Notify).message.first(HeaderId::Event), Some(&*expected));
    }
}
