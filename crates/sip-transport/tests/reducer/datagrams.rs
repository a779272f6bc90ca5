//! What arrives, and what is made of it.

use bytes::Bytes;
use sip_transport::{
    CloseCause, FlowEvent, FlowId, Hop, MAX_DATAGRAM, Outbound, Transport, TransportCommand, TransportInput,
    TransportOutput,
};

use crate::bench::{Bench, address};

const LOCAL: &str = "192.0.2.10:5060";

fn request(via: &str) -> String {
    format!(
        "OPTIONS sip:alice@192.0.2.10 SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@192.0.2.20>;tag=b\r\nTo: <sip:alice@192.0.2.10>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn response(via: &str) -> String {
    request(via).replacen("OPTIONS sip:alice@192.0.2.10 SIP/2.0", "SIP/2.0 200 OK", 1)
}

#[test]
fn a_request_carries_its_origin_its_via_and_its_way_back() {
    let mut bench = Bench::on(&[LOCAL]);
    for (via, source, stamped, back) in [
        (
            "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bKa;rport",
            "192.0.2.77:40000",
            "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bKa;received=192.0.2.77;rport=40000",
            "192.0.2.77:40000",
        ),
        (
            "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bKa",
            "192.0.2.20:40000",
            "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bKa",
            "192.0.2.20:5070",
        ),
        (
            "SIP/2.0/UDP pc.example.com;branch=z9hG4bKa",
            "192.0.2.20:40000",
            "SIP/2.0/UDP pc.example.com;branch=z9hG4bKa;received=192.0.2.20",
            "192.0.2.20:5060",
        ),
        (
            "SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa;received=203.0.113.1",
            "192.0.2.20:40000",
            "SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa",
            "192.0.2.20:5060",
        ),
    ] {
        let inbound = bench.arrive(source, request(via)).expect("passed up");
        assert_eq!(inbound.via.as_deref(), Some(stamped));
        assert_eq!(inbound.reply.remote, address(back));
        assert_eq!((inbound.reply.flow, inbound.reply.local), (FlowId::from(1), address(LOCAL)));
        assert_eq!(inbound.origin.source, address(source));
    }
}

#[test]
fn a_maddr_in_the_via_does_not_send_the_response_elsewhere() {
    let mut bench = Bench::on(&[LOCAL]);
    let via = "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bKa;maddr=203.0.113.1";
    let inbound = bench.arrive("192.0.2.20:40000", request(via)).expect("passed up");
    assert_eq!(inbound.reply.remote, address("192.0.2.20:5070"));
}

#[test]
fn a_response_is_taken_only_if_its_top_via_is_ours() {
    let mut bench = Bench::on(&[LOCAL, "[2001:db8::a]:5060"]);
    for via in
        ["SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa", "SIP/2.0/UDP 192.0.2.10", "SIP/2.0/UDP [2001:db8::a]"]
    {
        assert!(bench.arrive("192.0.2.20:5060", response(via)).is_some(), "{via}");
    }
    for via in ["SIP/2.0/UDP 192.0.2.11", "SIP/2.0/UDP 192.0.2.10:5061", "SIP/2.0/UDP example.com"] {
        assert!(bench.arrive("192.0.2.20:5060", response(via)).is_none(), "{via}");
    }
    assert_eq!(bench.transports.counters().foreign_response, 3);
    assert_eq!(bench.transports.counters().passed, 3);
}

#[test]
fn every_drop_is_counted_by_its_reason_and_stops_nothing() {
    let mut bench = Bench::on(&[LOCAL]);
    let good = request("SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa");
    let bad: Vec<Vec<u8>> = vec![
        b"hello".to_vec(),
        b"\xff\xfe\x00\x01".to_vec(),
        good.replace("Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa\r\n", "").into_bytes(),
        good.replace("UDP 192.0.2.20", "UDP ???").into_bytes(),
        good.replace("192.0.2.20;branch", "192.0.2.20:0;branch").into_bytes(),
        // No room for `rport` and `received`.
        good.replace(";branch", &format!(";rport{};branch", ";a".repeat(62))).into_bytes(),
        response("SIP/2.0/UDP 192.0.2.10").replace("Content-Length: 0", "Content-Length: 10").into_bytes(),
    ];
    let count = bad.len() as u64;
    for datagram in bad {
        assert!(bench.arrive("192.0.2.20:5060", datagram).is_none());
    }
    for datagram in [&b""[..], b"\r\n\r\n", b"\0\0\0\0"] {
        assert!(bench.arrive("192.0.2.20:5060", datagram).is_none());
    }
    assert!(bench.arrive("192.0.2.20:5060", good).is_some());
    let counters = bench.transports.counters();
    assert_eq!((counters.malformed, counters.keep_alive, counters.passed), (count, 3, 1));
}

#[test]
fn a_request_with_a_fault_goes_up_to_be_answered() {
    let mut bench = Bench::on(&[LOCAL]);
    let good = request("SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa");
    for (from, to) in [
        ("Content-Length: 0", "Content-Length: 10"),
        ("Content-Length: 0", "Content-Length: -1"),
        ("Call-ID: c", "Call-ID: c\r\nCall-ID: d"),
        ("sip:alice@192.0.2.10 ", "sip:alice@192.0.2.10; lr "),
    ] {
        let inbound = bench.arrive("192.0.2.20:5060", good.replacen(from, to, 1)).expect(to);
        assert_eq!(inbound.message.check().err(), inbound.message.fault(), "{to}");
        assert_ne!(inbound.message.fault(), None, "{to}");
    }
}

#[test]
fn the_longest_datagram_is_read_and_a_longer_one_is_not() {
    let mut bench = Bench::on(&[LOCAL]);
    let head = request("SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa");
    let body = MAX_DATAGRAM - (head.len() + 4);
    let mut longest = head.replace("Content-Length: 0", &format!("Content-Length: {body}")).into_bytes();
    longest.resize(longest.len() + body, b'x');
    assert_eq!(longest.len(), MAX_DATAGRAM);
    assert!(bench.arrive("192.0.2.20:5060", longest.clone()).is_some());
    longest.push(b'x');
    assert!(bench.arrive("192.0.2.20:5060", longest).is_none());
    assert_eq!(bench.transports.counters().too_large, 1);
}

fn send(flow: u64, wire: impl Into<Bytes>) -> TransportCommand {
    let hop = Hop {
        flow: FlowId::from(flow),
        transport: Transport::Udp,
        remote: address("192.0.2.20:5060"),
        local: address(LOCAL),
        above: None,
        alias: false,
    };
    TransportCommand::Send(Outbound { hop, wire: wire.into() })
}

/// The message with so many header lines of some length that it is `length` bytes long.
fn padded(message: &str, length: usize) -> Vec<u8> {
    let pad = format!("X: {}\r\n", "y".repeat(995));
    let (head, tail) = message.split_at(message.find("Content-Length").expect("test message"));
    let room = length - message.len();
    let lines = room / pad.len() - 1;
    let last = format!("X: {}\r\n", "y".repeat(room - lines * pad.len() - "X: \r\n".len()));
    let text = format!("{head}{}{last}{tail}", pad.repeat(lines));
    assert_eq!(text.len(), length);
    text.into_bytes()
}

#[test]
fn a_request_that_cannot_be_written_is_named_by_its_branch() {
    let mut bench = Bench::on(&[LOCAL]);
    let small = request("SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKours;rport");
    let longest = padded(&small, MAX_DATAGRAM);
    assert!(matches!(&bench.command(send(1, longest))[..], [TransportOutput::Write(_)]));
    let too_long = padded(&small, MAX_DATAGRAM + 1);
    for (flow, wire) in [(1, too_long), (9, small.into_bytes())] {
        let outputs = bench.command(send(flow, wire));
        let [TransportOutput::Flow(FlowEvent::Unreachable { flow: told, remote, branch })] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!((*told, *remote), (FlowId::from(flow), address("192.0.2.20:5060")));
        assert_eq!(branch.as_deref(), Some("z9hG4bKours"));
    }
    assert_eq!((bench.transports.counters().too_large, bench.transports.counters().unknown_flow), (1, 1));
}

#[test]
fn a_response_that_cannot_be_written_is_counted_and_fails_nothing() {
    let mut bench = Bench::on(&[LOCAL]);
    let small = response("SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKtheirs");
    assert!(bench.command(send(1, padded(&small, MAX_DATAGRAM + 1))).is_empty());
    assert!(bench.command(send(9, small)).is_empty());
    assert!(bench.command(send(1, vec![b'x'; MAX_DATAGRAM + 1])).is_empty(), "no message at all");
    assert_eq!((bench.transports.counters().too_large, bench.transports.counters().unknown_flow), (2, 1));
}

#[test]
fn flows_come_and_go() {
    let mut bench = Bench::on(&[LOCAL]);
    let flow = FlowId::from(1);
    let remote = address("192.0.2.20:5060");
    let failed = bench.receive(TransportInput::SendFailed { flow, remote });
    assert!(matches!(failed[..], [TransportOutput::Flow(FlowEvent::Unreachable { branch: None, .. })]));
    let closed = bench.receive(TransportInput::Closed { flow, cause: CloseCause::Lost });
    assert!(
        matches!(closed[..], [TransportOutput::Flow(FlowEvent::Ended { flow: ended, .. })] if ended == flow)
    );
    assert!(bench.receive(TransportInput::Closed { flow, cause: CloseCause::Lost }).is_empty());
    assert!(bench.receive(TransportInput::SendFailed { flow, remote }).is_empty());
    assert!(bench.arrive("192.0.2.20:5060", request("SIP/2.0/UDP 192.0.2.20")).is_none());
    assert_eq!(bench.transports.counters().unknown_flow, 3);
    assert_eq!(bench.transports.local(flow), None);
}
