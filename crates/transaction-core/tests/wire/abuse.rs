//! What somebody may send without end.

use sip_message::{Message, Method};
use sip_transport::{FlowEvent, Inbound, Origin, Transport};
use transaction_core::TxEvent;

use crate::bench::{Bench, LOCAL, OTHER, PEER, address, draft, flow, hop, request, response};

const MANY: u64 = 100_000;

/// A message as it comes from transport.
fn inbound(text: impl Into<bytes::Bytes>) -> Inbound {
    let message = Message::parse(text.into()).expect("test message");
    let (source, local) = (address(OTHER), address(LOCAL));
    let origin = Origin { flow: flow(), transport: Transport::Udp, source, local, peer: None };
    let reply = origin.hop();
    Inbound { origin, message: message.into(), via: None, reply }
}

#[test]
fn a_hundred_thousand_stray_responses_leave_nothing() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let sent = bench.last().message;
    let own = String::from_utf8(response(&sent, 200, "peer").to_vec()).expect("text");
    // Another number, another check, no token, no branch, another method.
    let strays = [
        own.replace("branch=z9hG4bK000", "branch=z9hG4bK001"),
        own.replace("branch=z9hG4bK000", "branch=z9hG4bK"),
        own.replace("branch=z9hG4bK", "branch=z9hG4bKx"),
        own.replace("branch=", "x="),
        own.replace("1 INVITE", "1 BYE"),
    ]
    .map(inbound);
    for stray in strays.iter().cycle().take(MANY as usize) {
        bench.receive(FlowEvent::Inbound(stray.clone()));
    }
    assert_eq!(bench.transactions.counters().stray_responses, MANY);
    assert_eq!((bench.events.len(), bench.transactions.len(), bench.timers().len()), (0, 1, 2));
    bench.receive(FlowEvent::Inbound(inbound(own)));
    assert_eq!(bench.responses(tx), [(0, 200)]);
}

#[test]
fn a_hundred_thousand_stray_acks_are_passed_up_counted_and_leave_nothing() {
    let mut bench = Bench::new();
    let strays = [
        request("ACK", "z9hG4bKa"),
        request("ACK", "z9hG4bKb").replace(";branch=z9hG4bKb", ""),
        request("ACK", "z9hG4bKc").replace("To: <sip:alice@192.0.2.10>", "To: <sip:alice@192.0.2.10>;tag=x"),
    ]
    .map(inbound);
    for stray in strays.iter().cycle().take(MANY as usize) {
        bench.receive(FlowEvent::Inbound(stray.clone()));
        assert!(matches!(bench.events.pop(), Some((_, TxEvent::StrayAck(_)))));
    }
    assert_eq!(bench.transactions.counters().stray_acks, MANY);
    assert_eq!((bench.events.len(), bench.sent.len()), (0, 0));
    bench.assert_idle();
}

#[test]
fn a_thousand_copies_of_an_invite_are_one_event() {
    let mut bench = Bench::new();
    let invite = inbound(request("INVITE", "z9hG4bKin"));
    let copies = |bench: &mut Bench| {
        bench.sent.clear();
        for _ in 0..1000 {
            bench.receive(FlowEvent::Inbound(invite.clone()));
        }
        assert_eq!((bench.requests().len(), bench.transactions.len(), bench.events.len()), (1, 1, 1));
        bench.statuses().len()
    };
    assert_eq!(copies(&mut bench), 0, "there is nothing to say yet");
    assert_eq!(bench.timers().len(), 2);
    let tx = bench.requested();
    bench.respond(tx, 180);
    assert_eq!(copies(&mut bench), 1000);
    bench.respond(tx, 486);
    assert_eq!(copies(&mut bench), 1000);
    assert!(bench.sent.iter().all(|sent| sent.outbound == bench.sent[0].outbound), "the same bytes");
    bench.arrive(PEER, request("ACK", "z9hG4bKin"));
    assert_eq!(copies(&mut bench), 0, "after the ACK there is nothing to say any more");
    bench.exhaust();
    bench.assert_idle();
}
