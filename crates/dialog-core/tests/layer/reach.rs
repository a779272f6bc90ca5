//! How far a refusal within a call reaches, over all codes and methods (RFC 5057 §5.1).

use std::time::Duration;

use dialog_core::{
    DialogCommand, EndReason, LegCommand, LegEvent, LegId, Place, Refer, Request, RequestCommand,
    SubscriptionCommand,
};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::{
    bench::{ANSWER, Bench, PEER_TAG, Sent, uri},
    notifier::{accepted, end},
};

/// Codes after which the INVITE usage is gone when they answer an INVITE: table 1, columns 2 and 3.
const USAGE: [u16; 5] = [405, 480, 481, 489, 501];
const DIALOG: [u16; 9] = [404, 410, 416, 482, 483, 484, 485, 502, 604];

fn all() -> impl Iterator<Item = u16> {
    300..700
}

/// Whether the call is up still: neither over nor being ended.
fn lives(bench: &Bench, leg: LegId) -> bool {
    bench.ended(leg).is_none() && bench.count_of(Method::Bye) == 0
}

fn info(bench: &mut Bench, leg: LegId, method: Method) -> Sent {
    let id = bench.ids.mint();
    let request =
        Request { place: Place::Leg(leg), method, headers: Vec::new(), extensions: Vec::new(), body: None };
    bench.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    bench.last_of(method)
}

#[test]
fn a_refused_re_invite_ends_the_call_by_the_table() {
    // covers: TR-241
    for code in all() {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
        let sent = bench.last_of(Method::Invite);
        bench.reply(&sent, code, PEER_TAG, |response| response);
        // Without an answer in time the call is lost (note 4); 489 is about the event of a request that has none.
        let ends = USAGE.contains(&code) || DIALOG.contains(&code) || code == 408;
        assert_eq!(lives(&bench, leg), !ends, "{code}");
    }
}

#[test]
fn a_refused_request_of_another_method_ends_the_call_by_the_table_and_its_notes() {
    // covers: TR-241
    for method in [Method::Info, Method::Message, Method::Options, Method::parse("FROB").expect("a token")] {
        for code in all() {
            let mut bench = Bench::new();
            let leg = bench.placed();
            let sent = info(&mut bench, leg, method);
            bench.reply(&sent, code, PEER_TAG, |response| response);
            // The call does not live by such a method (note 3), and has no event (note 12).
            let ends = DIALOG.contains(&code) || matches!(code, 408 | 480 | 481);
            assert_eq!(lives(&bench, leg), !ends, "{method} {code}");
            if code == 481 {
                assert_eq!(bench.count_of(Method::Bye), 0, "a BYE would find nothing");
                assert_eq!(bench.ended(leg).map(|cause| cause.reason), Some(EndReason::Gone));
            }
        }
    }
}

/// A call of ours with a fork whose reliable response holds the answer; gives its PRACK.
fn pracked(bench: &mut Bench) -> (LegId, Sent) {
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 183, "fork", |response| {
        response
            .header(HeaderId::Require, "100rel")
            .header(HeaderId::RSeq, 1)
            .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
            .contact("<sip:fork@192.0.2.20>")
            .body("application/sdp", ANSWER)
    });
    (leg, bench.last_of(Method::Prack))
}

/// Whether the fork is given up, while its INVITE goes on.
fn is_fork_lost(bench: &Bench, leg: LegId) -> bool {
    assert!(bench.ended(leg).is_none() && bench.cancelled.is_empty());
    bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Reopened))
}

#[test]
fn a_refused_prack_ends_its_fork_by_the_table() {
    // covers: TR-241
    for code in all() {
        let mut bench = Bench::new();
        let (leg, prack) = pracked(&mut bench);
        bench.reply(&prack, code, "fork", |response| response);
        // A 481 is about the response that it names (RFC 3262 §3), and 489 about an event that it has not.
        let ends = DIALOG.contains(&code) || matches!(code, 405 | 408 | 480 | 501);
        assert_eq!(is_fork_lost(&bench, leg), ends, "{code}");
        assert_eq!(bench.count_of(Method::Bye), usize::from(ends), "{code}");
    }
}

#[test]
fn a_prack_without_an_answer_ends_its_fork_and_one_that_could_not_go_does_not() {
    for (failure, ends) in [(TxFailure::Timeout, true), (TxFailure::Flow, false)] {
        let mut bench = Bench::new();
        let (leg, prack) = pracked(&mut bench);
        bench.fail(&prack, failure);
        assert_eq!((is_fork_lost(&bench, leg), bench.count_of(Method::Bye)), (ends, usize::from(ends)));
    }
}

#[test]
fn a_prack_that_is_refused_behind_the_2xx_leaves_the_call_and_its_subscriptions() {
    let mut bench = Bench::new();
    let (leg, prack) = pracked(&mut bench);
    let invite = bench.last_of(Method::Invite);
    bench.pick_up(&invite, "fork");
    let theirs = accepted(&mut bench, leg);
    bench.reply(&prack, 404, "fork", |response| response);
    assert!(bench.has_up(leg) && lives(&bench, leg));
    assert_eq!(end(&bench, theirs), None);
}

#[test]
fn a_refused_update_ends_its_fork_by_the_table() {
    // covers: TR-241
    for code in all() {
        let mut bench = Bench::new();
        let (leg, prack) = pracked(&mut bench);
        bench.reply(&prack, 200, "fork", |response| response);
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_mins(1) });
        let update = bench.last_of(Method::Update);
        bench.reply(&update, code, "fork", |response| response);
        // What it would do can be done by re-INVITE, so that 405 and 501 are about the UPDATE alone.
        let ends = DIALOG.contains(&code) || matches!(code, 408 | 480 | 481);
        assert_eq!(is_fork_lost(&bench, leg), ends, "{code}");
        assert_eq!(bench.count_of(Method::Bye), usize::from(ends && code != 481), "{code}");
    }
}

#[test]
fn a_request_without_an_answer_ends_the_call_and_one_that_could_not_go_does_not() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = info(&mut bench, leg, Method::Info);
    bench.fail(&sent, TxFailure::Flow);
    assert!(lives(&bench, leg));
    let sent = info(&mut bench, leg, Method::Info);
    bench.fail(&sent, TxFailure::Timeout);
    assert_eq!(bench.count_of(Method::Bye), 1);
}

#[test]
fn a_refused_refer_notify_or_refresh_ends_its_own_usage_at_most() {
    // covers: TR-047, TR-048, TR-241
    let list = |code| DIALOG.contains(&code) && code != 502 || USAGE.contains(&code);
    for code in all() {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let subscription = bench.ids.mint();
        let refer_to = uri("sip:carol@example.com");
        bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(refer_to).into() });
        let refer = bench.last_of(Method::Refer);
        bench.reply(&refer, code, PEER_TAG, |response| response);
        assert_eq!(bench.dialogs.load().subscriptions, 0, "REFER {code}");
        assert!(lives(&bench, leg), "REFER {code}");

        let up = bench.established(leg);
        let theirs = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
        bench.request(theirs.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
        let id = bench.requested();
        let lifetime = Duration::from_mins(1);
        bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime });
        let notify = bench.last_of(Method::Notify);
        bench.reply(&notify, code, PEER_TAG, |response| response);
        assert_eq!(bench.dialogs.load().subscriptions, usize::from(!list(code)), "NOTIFY {code}");
        assert!(lives(&bench, leg), "NOTIFY {code}");

        let mut bench = Bench::new();
        let leg = bench.placed();
        let subscription = bench.ids.mint();
        let refer_to = uri("sip:carol@example.com");
        bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(refer_to).into() });
        let refer = bench.last_of(Method::Refer);
        bench.reply(&refer, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
        let up = bench.established(leg);
        let notify = bench
            .theirs(Method::Notify, &up)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "active;expires=60");
        bench.request(notify);
        bench.advance(Duration::from_secs(45));
        let refresh = bench.last_of(Method::Subscribe);
        bench.reply(&refresh, code, PEER_TAG, |response| response);
        assert_eq!(bench.dialogs.load().subscriptions, usize::from(!list(code)), "SUBSCRIBE {code}");
        assert!(lives(&bench, leg), "SUBSCRIBE {code}");
    }
}
