//! What a refusal that destroys the dialog does to its subscriptions (RFC 5057 §5.1).

use std::time::Duration;

use dialog_core::{
    DialogCommand, LegCommand, LegId, Place, Refer, Request, RequestCommand, SubscriptionEnd, SubscriptionId,
};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, PEER_TAG, Sent, uri},
    notifier::{self, accepted, end, notifies},
};

/// Table 1, column 3.
const DIALOG: [u16; 9] = [404, 410, 416, 482, 483, 484, 485, 502, 604];

/// A REFER of ours that is reported on.
fn refer(bench: &mut Bench, leg: LegId) -> SubscriptionId {
    let subscription = bench.ids.mint();
    let refer = Refer::to(uri("sip:carol@example.com"));
    bench.leg(leg, LegCommand::Refer { subscription, refer: refer.into() });
    let sent = bench.last_of(Method::Refer);
    bench.reply(&sent, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    let up = bench.established(leg);
    let notify = bench.theirs(Method::Notify, &up).header(HeaderId::Event, "refer");
    bench.request(notify.header(HeaderId::SubscriptionState, "active;expires=60"));
    subscription
}

fn reoffer(bench: &mut Bench, leg: LegId) -> Sent {
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    bench.last_of(Method::Invite)
}

fn info(bench: &mut Bench, leg: LegId) -> Sent {
    let id = bench.ids.mint();
    let (place, method) = (Place::Leg(leg), Method::Info);
    let request = Request { place, method, headers: Vec::new(), extensions: Vec::new(), body: None };
    bench.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    bench.last_of(Method::Info)
}

#[test]
fn a_refusal_that_destroys_the_dialog_ends_its_subscriptions_in_both_roles() {
    // covers: TR-241
    for begin in [reoffer, info] {
        for code in DIALOG {
            let mut bench = Bench::new();
            let leg = bench.placed();
            let ours = refer(&mut bench, leg);
            let theirs = accepted(&mut bench, leg);
            let notify = bench.last_of(Method::Notify);
            bench.ok(&notify);
            let sent = begin(&mut bench, leg);
            bench.reply(&sent, code, PEER_TAG, |response| response);
            assert_eq!(end(&bench, ours), Some(SubscriptionEnd::Terminated), "{code}");
            assert_eq!(end(&bench, theirs), Some(SubscriptionEnd::NotifyFailed), "{code}");
            let before = notifies(&bench).len();
            notifier::report(&mut bench, theirs, 180, None);
            bench.advance(Duration::from_secs(2));
            assert_eq!(notifies(&bench).len(), before, "nothing more is sent in them: {code}");
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
            bench.assert_clean();
        }
    }
}

#[test]
fn a_refusal_that_ends_the_call_alone_leaves_its_subscriptions() {
    // covers: TR-241, TR-240
    for code in [408, 480, 481] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let ours = refer(&mut bench, leg);
        let theirs = accepted(&mut bench, leg);
        let sent = reoffer(&mut bench, leg);
        bench.reply(&sent, code, PEER_TAG, |response| response);
        assert_eq!((end(&bench, ours), end(&bench, theirs)), (None, None), "{code}");
        assert_eq!(bench.dialogs.load().subscriptions, 2, "{code}");
    }
}

#[test]
fn a_refer_under_way_is_ended_by_its_own_response() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = info(&mut bench, leg);
    let id = bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    bench.reply(&sent, 404, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), None);
    bench.reply(&refer, 404, PEER_TAG, |response| response);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Refused));
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    bench.assert_clean();
}
