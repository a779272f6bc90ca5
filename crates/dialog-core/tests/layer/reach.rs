//! How far a refusal within a call reaches, over all codes and methods (RFC 5057 §5.1).

use std::time::Duration;

use dialog_core::{
    DialogCommand, EndReason, LegCommand, LegId, Place, Refer, Request, RequestCommand, SubscriptionCommand,
};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::bench::{Bench, PEER_TAG, Sent, uri};

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
