//! Who sends a REFER outside of the call that it is about, and what its 2xx makes (RFC 4538 §4, RFC 6665 §4.4.1).

use std::time::Duration;

use dialog_core::{LegCommand, LegEvent, SubscriptionCommand, SubscriptionEvent};
use sip_message::{HeaderId, Method};
use sip_transport::{PeerIdentity, Transport};
use transaction_core::{TxEvent, TxId};

use crate::{
    bench::{Bench, OFFER, PEER_TAG, code, inbound},
    theirs::Theirs,
};

/// Delivers a request over TLS, from whom TLS has verified.
fn over_tls(bench: &mut Bench, request: &Theirs, name: Option<&str>) {
    let tx: TxId = bench.ids.mint();
    let mut inbound = inbound(request.message(tx.number()));
    inbound.origin.transport = Transport::Tls;
    inbound.origin.peer = name.and_then(|name| PeerIdentity::new([name.into()]));
    bench.receive(TxEvent::Request { tx, inbound });
}

#[test]
fn a_call_whose_peer_tls_has_verified_is_referred_by_nobody_else() {
    // covers: TR-153
    for (name, found) in [(Some("example.com"), true), (Some("example.net"), false), (None, false)] {
        let mut bench = Bench::new();
        let call = Theirs::outside(Method::Invite).contact("<sips:bob@192.0.2.20>").sdp(OFFER);
        over_tls(&mut bench, &call, Some("example.com"));
        let leg = bench.events.iter().find_map(|event| match event {
            dialog_core::DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
            _ => None,
        });
        let leg = leg.expect("a call came in");
        bench.leg(leg, LegCommand::Accept { contact_user: None });
        let ok = bench.last_answer();
        let named = format!(
            "{};local-tag={};remote-tag={PEER_TAG}",
            ok.call_id().expect("a Call-ID"),
            ok.to_tag().expect("a tag")
        );
        let refer = Theirs { call_id: "their-refer".into(), ..Theirs::outside(Method::Refer) };
        let refer = refer.contact("<sips:bob@192.0.2.20>").header(HeaderId::TargetDialog, &named);
        over_tls(&mut bench, &refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"), name);
        if found {
            let id = bench.requested();
            assert!(matches!(
                bench.subscription_events(id).first(),
                Some(SubscriptionEvent::Requested(refer)) if refer.leg == Some(leg)
            ));
        } else {
            assert_eq!(bench.last_status(), 403, "{name:?}");
        }
    }
}

#[test]
fn a_refer_in_a_call_makes_no_dialog() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let refer = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
    let refer = refer.header(HeaderId::RecordRoute, "<sip:p1.example.com;lr>");
    bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    let lifetime = Duration::from_mins(2);
    bench.subscription(bench.requested(), SubscriptionCommand::Accept { pending: false, lifetime });
    let answer = bench.last_answer();
    assert_eq!((bench.last_status(), answer.contact_count()), (202, 1));
    assert!(!answer.has(HeaderId::RecordRoute));
}

#[test]
fn what_was_reported_counts_as_heard_once_the_newest_is_answered() {
    // covers: TR-019
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let refer = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
    bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    let id = bench.requested();
    let lifetime = Duration::from_mins(2);
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime });
    let ringing = SubscriptionCommand::Report { status: code(180), headers: Vec::new(), last: None };
    bench.subscription(id, ringing);
    let heard = |bench: &Bench| {
        let events = bench.subscription_events(id);
        events.iter().filter(|event| matches!(event, SubscriptionEvent::Reported)).count()
    };
    let first = bench.last_of(Method::Notify);
    bench.ok(&first);
    assert_eq!((bench.count_of(Method::Notify), heard(&bench)), (1, 0), "the newest waits for its second");
    bench.advance(Duration::from_secs(1));
    let second = bench.last_of(Method::Notify);
    bench.ok(&second);
    assert_eq!((bench.count_of(Method::Notify), heard(&bench)), (2, 1));
}
