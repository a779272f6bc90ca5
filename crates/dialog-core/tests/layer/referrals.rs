//! REFERs and reports that are meant to do more than they say.

use std::time::Duration;

use dialog_core::{
    DialogEvent, IncomingRefer, Invite, LegEvent, LegId, SubscriptionCommand, SubscriptionEvent,
    SubscriptionId,
};
use sip_message::{HeaderId, Method, SubReason};
use sip_transport::{Inbound, Origin, Transport};
use transaction_core::{TxEvent, TxId};

use crate::{
    bench::{Bench, PEER_TAG, code, inbound, invite, origin},
    challenges::{REALM, challenge, keyed},
    replacing::{accept as answer, call, refused, replacing},
    theirs::Theirs,
};

const ACCEPT: SubscriptionCommand =
    SubscriptionCommand::Accept { pending: false, lifetime: Duration::from_mins(2) };

fn refer(bench: &mut Bench, leg: LegId) -> Theirs {
    let up = bench.established(leg);
    bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>")
}

fn accepted(bench: &mut Bench, leg: LegId) -> SubscriptionId {
    let refer = refer(bench, leg).header(HeaderId::ReferTo, "<sip:carol@example.com>");
    bench.request(refer);
    let id = bench.requested();
    bench.subscription(id, ACCEPT);
    id
}

fn asked(bench: &Bench) -> IncomingRefer {
    let id = bench.requested();
    let refer = bench.subscription_events(id).into_iter().find_map(|event| match event {
        SubscriptionEvent::Requested(refer) => Some(*refer),
        _ => None,
    });
    refer.expect("a REFER")
}

fn last_body(bench: &Bench) -> String {
    String::from_utf8_lossy(bench.last_of(Method::Notify).message.body()).into_owned()
}

#[test]
fn the_reason_of_a_report_is_that_of_its_status() {
    // covers: EC-29
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    for (status, line) in [
        (180, "SIP/2.0 180 Ringing\r\n"),
        (183, "SIP/2.0 183 Session Progress\r\n"),
        (486, "SIP/2.0 486 Busy Here\r\n"),
    ] {
        let notify = bench.last_of(Method::Notify);
        bench.ok(&notify);
        let last = (status == 486).then_some(SubReason::Noresource);
        bench.advance(Duration::from_secs(2));
        bench.subscription(
            id,
            SubscriptionCommand::Report { status: code(status), headers: Vec::new(), last },
        );
        assert_eq!(last_body(&bench), line);
    }
}

#[test]
fn headers_that_are_to_be_reported_follow_the_status_line_and_fit() {
    // covers: TR-094
    let mut bench = Bench::new();
    let leg = bench.placed();
    let id = accepted(&mut bench, leg);
    let notify = bench.last_of(Method::Notify);
    bench.ok(&notify);
    let headers = vec![
        (HeaderId::Warning, "x".repeat(4 * 1024).into()),
        (HeaderId::RetryAfter, "30\r\nVia: evil".into()),
    ];
    let last = Some(SubReason::Noresource);
    bench.subscription(id, SubscriptionCommand::Report { status: code(486), headers, last });
    assert_eq!(last_body(&bench), "SIP/2.0 486 Busy Here\r\nRetry-After: 30  Via: evil\r\n");
}

#[test]
fn a_fragment_that_looks_like_a_message_is_data() {
    // covers: SEC-09
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let ids = format!(
        "To: <sip:alice@example.com>;tag={}\r\nFrom: <sip:bob@example.com>;tag={PEER_TAG}\r\nCall-ID: {}\r\nCSeq: 99 BYE\r\n\r\n",
        up.dialog.local_tag, up.dialog.call_id
    );
    let subscription = bench.ids.mint();
    bench.leg(
        leg,
        dialog_core::LegCommand::Refer {
            subscription,
            refer: dialog_core::Refer::to(crate::bench::uri("sip:carol@example.com")).into(),
        },
    );
    let sent = bench.last_of(Method::Refer);
    bench.reply(&sent, 202, PEER_TAG, |response| response);
    let before = bench.sent.len();
    let too_long = format!("SIP/2.0 200 OK\r\nX: {}\r\n", "y".repeat(sip_message::Limits::SIPFRAG));
    for (fragment, status) in [
        (format!("BYE sip:alice@192.0.2.1 SIP/2.0\r\n{ids}"), None),
        (format!("INVITE sip:alice@192.0.2.1 SIP/2.0\r\n{ids}"), None),
        (format!("SIP/2.0 180 Ringing\r\nContact: <sip:evil@198.51.100.66>\r\n{ids}"), Some(180)),
        (too_long, None),
    ] {
        let notify = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "active;expires=60")
            .body("message/sipfrag", &fragment);
        bench.request(notify);
        assert_eq!(bench.last_status(), 200);
        let told = match bench.subscription_events(subscription).last() {
            Some(SubscriptionEvent::Notified(told)) => told.status.map(sip_message::StatusCode::as_u16),
            other => panic!("{other:?}"),
        };
        assert_eq!(told, status);
    }
    assert_eq!(bench.sent.len(), before, "nothing was sent on its word");
    assert!(bench.ended(leg).is_none());
    assert_eq!(bench.established(leg).remote_target, up.remote_target);
}

/// A REFER about a call, by a way of its own.
fn outside(bench: &mut Bench, leg: LegId, origin: Origin) -> u16 {
    let dialog = bench.established(leg).dialog;
    let named = format!("{};local-tag={};remote-tag={}", dialog.call_id, dialog.local_tag, dialog.remote_tag);
    let refer = Theirs { call_id: "another-call".into(), ..Theirs::outside(Method::Refer) }
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .header(HeaderId::TargetDialog, &named);
    let tx: TxId = bench.ids.mint();
    let inbound = Inbound { origin, ..inbound(refer.message(tx.number())) };
    bench.receive(TxEvent::Request { tx, inbound });
    let requested = bench.events.iter().any(|event| {
        matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Requested(refer)) if refer.leg == Some(leg))
    });
    if requested { 0 } else { bench.last_status() }
}

#[test]
fn a_target_dialog_that_comes_by_a_weaker_way_names_nothing() {
    // covers: SEC-14
    let mut bench = Bench::new();
    bench.transport = Transport::Tls;
    let leg = bench.placed();
    assert_eq!(outside(&mut bench, leg, origin()), 403, "the call is by TLS, and this is UDP");
    let tls = Origin { transport: Transport::Tls, ..origin() };
    assert_eq!(outside(&mut bench, leg, tls), 0);
    let mut bench = Bench::new();
    let leg = bench.placed();
    assert_eq!(outside(&mut bench, leg, origin()), 0);
}

#[test]
fn what_the_new_call_is_to_carry_stands_once_when_it_is_sent_again() {
    // covers: EC-36
    let mut bench = Bench::with(keyed());
    let headers = vec![
        (HeaderId::ReferredBy, "<sip:bob@example.com>;cid=\"1@h\"".into()),
        (HeaderId::Replaces, "a@h;to-tag=1;from-tag=2".into()),
        (HeaderId::Require, "replaces".into()),
    ];
    let extensions = vec![("X-Account".into(), "4711".into()), ("From".into(), "<sip:evil@h>".into())];
    bench.place_with(Invite { headers, extensions, ..invite() });
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    assert_ne!(first.tx, second.tx);
    for sent in [first, second] {
        for id in [HeaderId::ReferredBy, HeaderId::Replaces, HeaderId::Require, HeaderId::From] {
            assert_eq!(sent.message.count(id), 1, "{id:?}");
        }
        assert_eq!(sent.message.first(HeaderId::ReferredBy), Some("<sip:bob@example.com>;cid=\"1@h\""));
        assert_eq!(sent.message.first(HeaderId::Replaces), Some("a@h;to-tag=1;from-tag=2"));
        assert_eq!(sent.message.extension("X-Account").collect::<Vec<_>>(), [b"4711"]);
    }
}

#[test]
fn a_refer_to_without_a_host_or_without_end_is_400_and_one_without_a_user_is_taken() {
    // covers: EC-38, EC-39
    let mut bench = Bench::new();
    let leg = bench.placed();
    for broken in
        ["<sip:carol@>", "sip:", "<sip:@example.com>", "<sip:carol@:5060>", "<sip:carol@example.com", "<>"]
    {
        let refer = refer(&mut bench, leg).header(HeaderId::ReferTo, broken);
        bench.request(refer);
        assert_eq!(bench.last_status(), 400, "{broken}");
    }
    // However long it is, it is read or refused.
    for length in [100, 1_000, 3_900] {
        let long = format!("<sip:{}@example.com;x={}>", "c".repeat(length), "y".repeat(length));
        let refer = refer(&mut bench, leg).header(HeaderId::ReferTo, &long);
        bench.request(refer);
        let taken = bench.events.iter().any(|event| {
            matches!(event, DialogEvent::Subscription(_, SubscriptionEvent::Requested(refer))
                if refer.target.as_str() == &long[1..long.len() - 1])
        });
        assert!(taken || bench.last_status() == 400, "{length}");
    }
    let refer = refer(&mut bench, leg).header(HeaderId::ReferTo, "<sip:example.com>");
    bench.request(refer);
    assert_eq!(asked(&bench).target.as_str(), "sip:example.com");
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refer_without_a_contact_is_400_and_a_useless_one_does_not_stop_the_reports() {
    // covers: EC-51
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let without = bench.theirs(Method::Refer, &up).header(HeaderId::ReferTo, "<sip:carol@example.com>");
    bench.request(without);
    assert_eq!(bench.last_status(), 400);
    let useless = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@localhost>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>");
    bench.request(useless);
    let id = bench.requested();
    bench.subscription(id, ACCEPT);
    assert_eq!(bench.last_status(), 202);
    let notify = bench.last_of(Method::Notify);
    assert_eq!(notify.message.request_uri(), Some(up.remote_target.as_str()), "the dialog's own target");
}

#[test]
fn headers_of_the_refer_are_not_those_of_its_uri() {
    // covers: EC-54
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = refer(&mut bench, leg)
        .header(HeaderId::ReferTo, "<sip:carol@example.com?X-Account=4711>")
        .header(HeaderId::UserToUser, "00;encoding=hex")
        .header(HeaderId::Subject, "for bob only");
    bench.request(refer);
    assert_eq!(asked(&bench).headers, [("X-Account".into(), "4711".into())]);
}

#[test]
fn a_refer_is_answered_here_once_and_never_sent_on() {
    // covers: EC-60
    let mut bench = Bench::new();
    let leg = bench.placed();
    let before = (bench.sent.len(), bench.answered.len());
    let elsewhere = Theirs { uri: "sip:carol@198.51.100.7".into(), ..Theirs::outside(Method::Refer) };
    let outside = |request: Theirs| {
        request.contact("<sip:bob@192.0.2.20>").header(HeaderId::ReferTo, "<sip:carol@example.com>")
    };
    bench.request(outside(elsewhere));
    bench.request(outside(Theirs::outside(Method::Refer)).header(HeaderId::MaxForwards, "0"));
    let within = refer(&mut bench, leg)
        .header(HeaderId::ReferTo, "<sip:carol@example.com>")
        .header(HeaderId::MaxForwards, "0");
    bench.request(within);
    bench.subscription(bench.requested(), SubscriptionCommand::Refuse { status: code(603) });
    let statuses: Vec<u16> = bench.answered[before.1..].iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [403, 403, 603]);
    assert_eq!(bench.sent.len(), before.0, "no request was sent");
}

#[test]
fn replaces_that_names_nothing_of_use_is_refused_and_touches_nothing() {
    // covers: EC-68
    let mut bench = Bench::new();
    let up = bench.answered_call();
    let dialog = bench.established(up).dialog;
    let (call_id, local) = (&*dialog.call_id, &*dialog.local_tag);
    let mut statuses = Vec::new();
    for (call_id, to_tag, from_tag) in [
        ("nowhere@h", "a", "b"),
        (call_id, "a", PEER_TAG),
        (call_id, local, "b"),
        (call_id, PEER_TAG, local),
        (call_id, local, "0"),
        ("0", "0", "0"),
    ] {
        statuses.push(refused(&mut bench, replacing(call_id, to_tag, from_tag)));
    }
    assert_eq!(statuses, [481; 6]);
    assert!(bench.ended(up).is_none());
    // The call that it names is there, but has not been answered by us.
    let (_, ringing) = bench.incoming(call());
    bench.leg(ringing, dialog_core::LegCommand::Ring);
    let tag = bench.last_answer().to_tag().map(str::to_owned).expect("a tag");
    assert_eq!(refused(&mut bench, replacing("their-call", &tag, PEER_TAG)), 481);
    answer(&mut bench, ringing);
    assert!(bench.ended(ringing).is_none());
}

#[test]
fn a_bye_that_crosses_the_last_report_finds_its_call_and_the_report_its_end() {
    // covers: EC-11
    for answered_first in [false, true] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let id = accepted(&mut bench, leg);
        let first = bench.last_of(Method::Notify);
        bench.ok(&first);
        let last = Some(SubReason::Noresource);
        bench.subscription(id, SubscriptionCommand::Report { status: code(200), headers: Vec::new(), last });
        let notify = bench.last_of(Method::Notify);
        let up = bench.established(leg);
        let bye = bench.theirs(Method::Bye, &up);
        if answered_first {
            bench.ok(&notify);
        }
        bench.request(bye);
        assert_eq!(bench.last_status(), 200);
        if !answered_first {
            bench.ok(&notify);
        }
        let events = bench.subscription_events(id);
        assert!(events.iter().any(|event| matches!(event, SubscriptionEvent::Delivered)), "{events:?}");
        assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Ended(_))));
        bench.assert_clean();
    }
}

#[test]
fn what_names_a_call_is_not_shown_by_debug() {
    // covers: SEC-12
    let mut bench = Bench::new();
    let leg = bench.placed();
    let refer = refer(&mut bench, leg).header(
        HeaderId::ReferTo,
        "<sip:carol@example.com?Replaces=secret%40h%3Bto-tag%3Dtheirs%3Bfrom-tag%3Dours&Subject=x>",
    );
    bench.request(refer);
    let dialog = bench.established(leg).dialog;
    let replaces = sip_message::Replaces::parse("secret@h;to-tag=theirs;from-tag=ours").expect("a Replaces");
    let uri = crate::bench::uri("sip:carol@example.com?replaces=secret%40h%3Bto-tag%3Dtheirs&Subject=x");
    let shown = format!("{:?} {replaces:?} {uri:?} {:?}", bench.established(leg), asked(&bench));
    for secret in ["secret", "theirs", "ours", &*dialog.call_id, &*dialog.local_tag, &*dialog.remote_tag] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(shown.contains("Subject=x"), "{shown}");
}
