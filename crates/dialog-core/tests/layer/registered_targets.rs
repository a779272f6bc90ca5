//! For which account a call comes in: by its Request-URI, and by the way that it took.

use std::net::SocketAddr;

use dialog_core::{Account, DialogEvent, LegCommand, LegEvent, LegId, RegistrationId};
use sip_message::{HeaderId, Method};
use sip_transport::FlowId;
use transaction_core::{TxEvent, TxId};

use crate::{
    bench::{Bench, OFFER, address_of, inbound},
    registrar::{registered, registered_outbound},
    theirs::Theirs,
};

/// A call to `target` that comes by a flow, from an address.
fn call(bench: &mut Bench, target: &str, flow: u64, source: SocketAddr) -> Option<RegistrationId> {
    let tx: TxId = bench.ids.mint();
    let call_id = format!("call-{}", tx.number());
    let request = Theirs { uri: target.into(), call_id, ..Theirs::outside(Method::Invite) };
    let request = request.contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let mut inbound = inbound(request.message(tx.number()));
    (inbound.origin.flow, inbound.origin.source) = (FlowId::from(flow), source);
    bench.receive(TxEvent::Request { tx, inbound });
    let found = bench.events.iter().rev().find_map(|event| match event {
        DialogEvent::Leg(_, LegEvent::Incoming(call)) => Some(call.registration),
        _ => None,
    });
    found.expect("a call came in")
}

fn elsewhere() -> SocketAddr {
    ([203, 0, 113, 5], 5060).into()
}

fn named(aor: &str, user: &str) -> Account {
    let mut account = Account::new(address_of(aor)).expect("an account");
    account.contact_user = Some(user.into());
    account
}

#[test]
fn an_address_of_record_is_user_and_host_together() {
    let mut bench = Bench::new();
    let id = registered(&mut bench, named("<sip:bob@example.org>", "b0b"));
    for (target, found) in [
        ("sip:bob@example.org", Some(id)),
        ("sip:bob@example.net", None),
        ("sip:carol@example.org", None),
        ("sip:b0b@192.0.2.1", Some(id)),
    ] {
        assert_eq!(call(&mut bench, target, 9, elsewhere()), found, "{target}");
    }
}

#[test]
fn of_two_accounts_with_one_user_a_call_is_for_the_one_whose_flow_it_came_by() {
    let mut bench = Bench::new();
    let first = registered(&mut bench, named("<sip:bob@example.org>", "me"));
    bench.flow = 2;
    let second = registered(&mut bench, named("<sip:bob@example.com>", "me"));
    for (flow, found) in [(1, first), (2, second)] {
        assert_eq!(call(&mut bench, "sip:me@192.0.2.1", flow, elsewhere()), Some(found), "by flow {flow}");
    }
}

#[test]
fn our_contact_fits_better_than_an_address_of_record_and_that_better_than_the_flow() {
    let mut bench = Bench::new();
    let by_flow = registered_outbound(&mut bench);
    bench.flow = 2;
    let contact = registered(&mut bench, named("<sip:bob@example.org>", "me"));
    let record = registered(&mut bench, named("<sip:me@example.net>", "other"));
    let kept = crate::bench::remote();
    assert_eq!(call(&mut bench, "sip:me@example.net", 9, elsewhere()), Some(contact));
    assert_eq!(call(&mut bench, "sip:me@example.net", 2, elsewhere()), Some(contact));
    assert_eq!(call(&mut bench, "sip:bob@example.org", 1, kept), Some(contact), "by its address of record");
    assert_eq!(call(&mut bench, "sip:nobody@example.net", 1, kept), Some(by_flow));
    assert_eq!(call(&mut bench, "sip:nobody@example.net", 1, elsewhere()), None, "of another remote");
    assert_eq!(call(&mut bench, "sip:other@192.0.2.1", 9, elsewhere()), Some(record));
}

#[test]
fn without_a_gruu_a_call_rings_with_the_user_that_was_called_as_its_contact() {
    let mut bench = Bench::new();
    registered(&mut bench, named("<sip:bob@example.org>", "b0b"));
    call(&mut bench, "sip:bob@example.org", 1, elsewhere());
    let leg: Option<LegId> = bench.events.iter().rev().find_map(|event| match event {
        DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
        _ => None,
    });
    bench.leg(leg.expect("a call"), LegCommand::Ring);
    assert_eq!(bench.last_answer().first(HeaderId::Contact), Some("<sip:bob@192.0.2.1:5060>"));
}
