//! Connections: what arrives on them, and when they are given up.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use sip_transport::{
    CloseCause, Config, FlowEvent, FlowId, MESSAGES_PER_TURN, Transport, TransportInput, TransportOutput,
};

use crate::bench::{Bench, address, closes, connects, ended, inbound, written};

const LOCAL: &str = "192.0.2.10:5060";
const PEER: &str = "192.0.2.20:40000";

fn request(transport: &str, more: &str, body: &str) -> String {
    format!(
        "OPTIONS sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.20:5070;branch=z9hG4bKa{more}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@192.0.2.20>;tag=b\r\nTo: <sip:alice@192.0.2.10>\r\nCall-ID: c\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn tcp() -> Bench {
    Bench::with(Config::default(), &[(Transport::Tcp, LOCAL)])
}

#[test]
fn a_message_by_single_bytes_is_one_message() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let text = request("TCP", ";rport", "hello");
    let mut outputs = Vec::new();
    for byte in text.bytes() {
        assert!(inbound(&outputs).is_empty());
        outputs.extend(bench.piece(flow, vec![byte]));
    }
    let messages = inbound(&outputs);
    assert_eq!(messages.len(), 1);
    assert_eq!(&messages[0].message.bytes()[..], text.as_bytes());
    assert_eq!((messages[0].origin.flow, messages[0].origin.source), (flow, address(PEER)));
    assert_eq!((messages[0].origin.local, messages[0].origin.transport), (address(LOCAL), Transport::Tcp));
    // Over a stream the response takes the same connection, whatever Via says (RFC 3261 §18.2.2).
    assert_eq!(messages[0].reply, messages[0].origin.hop());
}

#[test]
fn messages_in_one_piece_come_up_in_order() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let texts: Vec<String> = (0..MESSAGES_PER_TURN).map(|n| request("TCP", "", &format!("{n}"))).collect();
    let outputs = bench.piece(flow, texts.concat());
    let bodies: Vec<_> = inbound(&outputs).iter().map(|up| up.message.body().to_vec()).collect();
    assert_eq!(bodies, (0..MESSAGES_PER_TURN).map(|n| format!("{n}").into_bytes()).collect::<Vec<_>>());
}

#[test]
fn pings_are_answered_once_a_piece_and_twenty_thousand_of_them_make_no_work() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let pongs = |outputs: &[TransportOutput]| {
        let pong = |output: &&TransportOutput| matches!(output, TransportOutput::KeepAlive { hop, wire } if hop.flow == flow && wire[..] == *b"\r\n");
        outputs.iter().filter(pong).count()
    };
    assert_eq!(pongs(&bench.piece(flow, &b"\r\n\r\n"[..])), 1);
    assert_eq!(pongs(&bench.piece(flow, &b"\r\n"[..])), 0, "half a ping");
    assert_eq!(pongs(&bench.piece(flow, &b"\r\n"[..])), 1);
    for _ in 0..5 {
        let outputs = bench.piece(flow, b"\r\n\r\n".repeat(4_000));
        assert_eq!((outputs.len(), pongs(&outputs)), (1, 1));
    }
    assert_eq!(bench.transports.counters().keep_alive, 20_002);
    assert_eq!(inbound(&bench.piece(flow, request("TCP", "", ""))).len(), 1);
}

/// So many short requests in one piece.
fn short(number: usize) -> String {
    let one = |n| format!("A sip:{n} SIP/2.0\r\nv:SIP/2.0/TCP a;branch=z9hG4bK{n}\r\nl:0\r\n\r\n");
    (0..number).map(one).collect::<Vec<_>>().concat()
}

fn again(outputs: &[TransportOutput], flow: FlowId) -> bool {
    outputs.iter().any(|output| matches!(output, TransportOutput::Again(which) if *which == flow))
}

#[test]
fn one_piece_gives_so_many_messages_a_turn_and_the_rest_without_more_bytes() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let outputs = bench.piece(flow, short(MESSAGES_PER_TURN));
    assert_eq!((inbound(&outputs).len(), again(&outputs, flow)), (MESSAGES_PER_TURN, false));
    let outputs = bench.piece(flow, short(2 * MESSAGES_PER_TURN + 1));
    assert_eq!((inbound(&outputs).len(), again(&outputs, flow)), (MESSAGES_PER_TURN, true));
    let outputs = bench.receive(TransportInput::Again(flow));
    assert_eq!((inbound(&outputs).len(), again(&outputs, flow)), (MESSAGES_PER_TURN, true));
    let outputs = bench.receive(TransportInput::Again(flow));
    assert_eq!((inbound(&outputs).len(), again(&outputs, flow)), (1, false));
    assert!(bench.receive(TransportInput::Again(flow)).is_empty());
    assert!(bench.receive(TransportInput::Again(FlowId::from(999))).is_empty());
}

#[test]
fn what_came_whole_before_the_end_of_a_connection_comes_up() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    bench.piece(flow, short(3 * MESSAGES_PER_TURN) + "OPTIONS");
    let outputs = bench.receive(TransportInput::Closed { flow, cause: CloseCause::Closed });
    assert_eq!((inbound(&outputs).len(), ended(&outputs)), (2 * MESSAGES_PER_TURN, vec![flow]));
    assert!(bench.receive(TransportInput::Again(flow)).is_empty());
    assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));
}

#[test]
fn a_header_that_never_ends_is_given_up_by_size_and_by_time() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let mut outputs = bench.piece(flow, &b"OPTIONS sip:a@192.0.2.10 SIP/2.0\r\nSubject: "[..]);
    let mut pieces = 0;
    while closes(&outputs).is_empty() {
        outputs = bench.piece(flow, vec![b'x'; 1_000]);
        pieces += 1;
    }
    assert_eq!((pieces, bench.transports.counters().broken_streams), (66, 1));
    assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));

    let flow = bench.accept(1, PEER);
    bench.piece(flow, &b"OPTIONS sip:a@192.0.2.10 SIP/2.0\r\nSubject: "[..]);
    for _ in 0..9 {
        bench.pass(Duration::from_secs(1));
        assert!(closes(&bench.piece(flow, &b"x"[..])).is_empty(), "a byte a second");
    }
    assert_eq!(closes(&bench.pass(Duration::from_secs(1))), [flow], "ten seconds from its first byte");
    assert_eq!(bench.transports.counters().slow_messages, 1);
}

#[test]
fn each_message_has_its_own_time() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let text = request("TCP", "", "");
    let (head, tail) = text.split_at(40);
    bench.piece(flow, head.to_owned());
    for _ in 0..20 {
        bench.pass(Duration::from_secs(6));
        let outputs = bench.piece(flow, format!("{tail}{head}"));
        assert_eq!((inbound(&outputs).len(), closes(&outputs).len()), (1, 0));
    }
    assert_eq!(closes(&bench.pass(Duration::from_secs(10))), [flow]);
}

#[test]
fn whatever_content_length_lies_the_stream_ends_or_the_message_is_whole() {
    let head = |length: &str| {
        request("TCP", "", "").replacen("Content-Length: 0\r\n\r\n", &format!("{length}\r\n\r\n"), 1)
    };
    for length in [
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: five",
        "Content-Length:",
        "Content-Length: 4294967296",
        "Content-Length: 18446744073709551616",
        "Content-Length: 5\r\nContent-Length: 0",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nl: 5",
        "Content-Length: 5, 5",
        "Content-Length: 5 x",
        "Content-Length: 5;a=b",
        "Content-Length: 65536",
        "Subject: none",
    ] {
        let mut bench = tcp();
        let flow = bench.accept(1, PEER);
        let outputs = bench.piece(flow, format!("{}hello", head(length)));
        assert_eq!((inbound(&outputs).len(), closes(&outputs)), (0, vec![flow]), "{length}");
        assert_eq!(bench.transports.counters().broken_streams, 1, "{length}");
        assert!(
            inbound(&bench.piece(flow, request("TCP", "", ""))).is_empty(),
            "{length}: nothing more is read"
        );
    }
    // Smaller than what follows: the rest is the next message, and no SIP; it is counted and the stream goes on.
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let outputs = bench.piece(flow, format!("{}hello", head("Content-Length: 2")));
    assert_eq!((inbound(&outputs)[0].message.body(), closes(&outputs).len()), (&b"he"[..], 0));
    // Larger: the message waits for the rest, and what comes is its body, whatever it looks like.
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let hidden = request("TCP", "", "");
    let length = format!("Content-Length: {}", hidden.len() + 5);
    assert!(inbound(&bench.piece(flow, format!("{}hello", head(&length)))).is_empty());
    let outputs = bench.piece(flow, hidden.clone());
    assert_eq!(inbound(&outputs).len(), 1, "a request in a body is no request");
    assert!(inbound(&outputs)[0].message.body().ends_with(hidden.as_bytes()));
}

#[test]
fn sixteen_unreadable_messages_in_a_row_end_a_connection() {
    let bad = "OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    for _ in 0..3 {
        assert!(closes(&bench.piece(flow, bad.repeat(15))).is_empty());
        assert_eq!(
            inbound(&bench.piece(flow, request("TCP", "", ""))).len(),
            1,
            "one that is readable starts anew"
        );
    }
    let outputs = bench.piece(flow, bad.repeat(20));
    assert_eq!((closes(&outputs), ended(&outputs)), (vec![flow], vec![flow]));
    let counters = bench.transports.counters();
    assert_eq!((counters.malformed_streams, counters.malformed), (1, 3 * 15 + 16));
}

#[test]
fn a_connection_without_any_word_is_closed_and_pings_keep_it() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    for _ in 0..20 {
        assert!(closes(&bench.pass(Duration::from_secs(119))).is_empty());
        bench.piece(flow, &b"\r\n\r\n"[..]);
    }
    assert!(closes(&bench.pass(Duration::from_secs(599))).is_empty());
    let outputs = bench.pass(Duration::from_secs(1));
    assert_eq!(closes(&outputs), [flow]);
    assert!(ended(&outputs).is_empty(), "nobody knew it");
    assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));
}

#[test]
fn a_websocket_message_is_a_sip_message_with_or_without_content_length() {
    let mut bench = Bench::with(Config::default(), &[(Transport::Ws, "192.0.2.10:80")]);
    let flow = bench.accept(1, PEER);
    let text = request("WS", ";rport", "");
    let without = text.replacen("Content-Length: 0\r\n", "", 1);
    for text in [text, without] {
        let outputs = bench.piece(flow, text);
        assert_eq!(inbound(&outputs)[0].origin.transport, Transport::Ws);
    }
    let outputs = bench.piece(flow, &b"\r\n\r\n"[..]);
    assert!(matches!(&outputs[..], [TransportOutput::KeepAlive { wire, .. }] if wire[..] == *b"\r\n"));
    assert!(bench.piece(flow, &b"no SIP"[..]).is_empty());
    assert_eq!(bench.transports.counters().malformed, 1);
}

#[test]
fn connections_are_bounded_by_source_and_in_all() {
    let config = Config { connections: 5, per_source: 2, ..Config::default() };
    let mut bench = Bench::with(config, &[(Transport::Tcp, LOCAL)]);
    let try_one = |bench: &mut Bench, remote: &str| {
        let flow: FlowId = bench.mint();
        let listener = FlowId::from(1);
        let outputs = bench.receive(TransportInput::Accepted { flow, listener, remote: address(remote) });
        closes(&outputs).is_empty().then_some(flow)
    };
    let first = try_one(&mut bench, "192.0.2.20:1").expect("taken");
    try_one(&mut bench, "192.0.2.20:2").expect("taken");
    assert_eq!(try_one(&mut bench, "192.0.2.20:3"), None);
    // All of one /64 are one source.
    try_one(&mut bench, "[2001:db8::1]:1").expect("taken");
    try_one(&mut bench, "[2001:db8::2]:1").expect("taken");
    assert_eq!(try_one(&mut bench, "[2001:db8::ffff:0:0:3]:1"), None);
    try_one(&mut bench, "[2001:db8:0:1::1]:1").expect("taken");
    assert_eq!(try_one(&mut bench, "192.0.2.30:1"), None, "full");
    bench.receive(TransportInput::Closed { flow: first, cause: CloseCause::Closed });
    try_one(&mut bench, "192.0.2.20:4").expect("there is room again");
    assert_eq!(bench.transports.counters().refused_connections, 3);
    // None of them said a word.
    bench.pass(Duration::from_secs(5));
    assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));
    assert_eq!(bench.transports.counters().failed_connections, 6);
}

#[test]
fn handshakes_are_bounded_by_source() {
    let config = Config { opening_per_source: 2, ..Config::default() };
    for (transport, taken) in [(Transport::Tls, 2), (Transport::Wss, 2), (Transport::Tcp, 4)] {
        let mut bench = Bench::with(config, &[(transport, "192.0.2.10:5061")]);
        let mut arrive = |remote: &str| {
            let flow: FlowId = bench.mint();
            let accepted =
                TransportInput::Accepted { flow, listener: FlowId::from(1), remote: address(remote) };
            (flow, closes(&bench.receive(accepted)).is_empty())
        };
        let flows: Vec<_> = (1..=4).map(|port| arrive(&format!("192.0.2.20:{port}"))).collect();
        assert_eq!(flows.iter().filter(|(_, taken)| *taken).count(), taken, "{transport}");
        assert!(arrive("192.0.2.30:1").1, "another source");
        // One that is ready, or gone, makes room for another.
        let (first, second) = (flows[0].0, flows[1].0);
        bench.connect(first, "192.0.2.10:5061", None);
        bench.receive(TransportInput::Closed { flow: second, cause: CloseCause::Handshake });
        bench.receive(TransportInput::Closed { flow: first, cause: CloseCause::Closed });
        let mut arrive = |port: u16| {
            let flow: FlowId = bench.mint();
            let remote = address(&format!("192.0.2.20:{port}"));
            closes(&bench.receive(TransportInput::Accepted { flow, listener: FlowId::from(1), remote }))
                .is_empty()
        };
        assert_eq!([arrive(5), arrive(6), arrive(7)], [true, true, transport == Transport::Tcp]);
    }
}

#[test]
fn two_thousand_slow_connections_are_gone_when_their_time_is_over() {
    let config = Config { per_source: 2_000, ..Config::default() };
    let mut bench = Bench::with(config, &[(Transport::Tcp, LOCAL)]);
    for port in 1..=2_000 {
        let flow = bench.accept(1, &format!("192.0.2.20:{port}"));
        assert!(bench.piece(flow, &b"O"[..]).len() == 1);
    }
    let good = bench.accept(1, "192.0.2.30:1");
    assert_eq!(inbound(&bench.piece(good, request("TCP", "", ""))).len(), 1);
    assert_eq!(closes(&bench.pass(Duration::from_secs(10))).len(), 2_000);
    assert_eq!(bench.transports.connections(), 1);
}

#[test]
fn a_response_goes_over_a_new_connection_when_its_own_is_gone() {
    let mut bench = tcp();
    let flow = bench.accept(1, PEER);
    let outputs = bench.piece(flow, request("TCP", ";rport", ""));
    let [up] = inbound(&outputs)[..] else { panic!("a request") };
    let via = up.via.clone().expect("a request has one");
    let reply = up.reply;
    let closed = TransportInput::Closed { flow, cause: CloseCause::Closed };
    assert_eq!(ended(&bench.receive(closed)), [flow]);
    let response = request("TCP", "", "")
        .replacen("OPTIONS sip:alice@192.0.2.10 SIP/2.0", "SIP/2.0 200 OK", 1)
        .replacen("SIP/2.0/TCP 192.0.2.20:5070;branch=z9hG4bKa", &via, 1);
    let outputs = bench.send(reply, response.clone());
    let [connect] = &connects(&outputs)[..] else { panic!("{outputs:?}") };
    // To the address it came from, on the port that its Via says (RFC 3261 §18.2.2).
    assert_eq!((connect.remote, connect.transport), (address("192.0.2.20:5070"), Transport::Tcp));
    let outputs = bench.connect(connect.flow, "192.0.2.10:33333", None);
    assert_eq!(written(&outputs)[0].wire, Bytes::from(response));
}

#[test]
fn who_is_verified_is_told_with_each_message() {
    let mut bench = Bench::with(Config::default(), &[(Transport::Tls, "192.0.2.10:5061")]);
    let flow = bench.accept_peer(1, PEER, Some("bob.example.com"));
    let outputs = bench.piece(flow, request("TLS", "", ""));
    assert_eq!(
        inbound(&outputs)[0].origin.peer.as_ref().map(|peer| peer.name().to_owned()),
        Some("bob.example.com".into())
    );
}

#[test]
fn a_connection_cut_at_any_byte_leaves_nothing() {
    let text = request("TCP", "", "hello");
    for cut in 0..=text.len() {
        let mut bench = tcp();
        let flow = bench.accept(1, PEER);
        let outputs = bench.piece(flow, text[..cut].to_owned());
        assert_eq!(inbound(&outputs).len(), usize::from(cut == text.len()));
        let outputs = bench.receive(TransportInput::Closed { flow, cause: CloseCause::Lost });
        assert_eq!(ended(&outputs).len(), usize::from(cut == text.len()), "told if anybody knew it");
        assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same bytes give the same messages, however they are cut, and nothing panics whatever they are.
    #[test]
    fn the_cuts_make_no_difference(
        edits in proptest::collection::vec((0_usize..900, any::<u8>()), 0..4),
        cuts in proptest::collection::vec(1_usize..200, 1..40),
    ) {
        let mut bytes = [request("TCP", "", "hello"), "\r\n\r\n".into(), request("TCP", "", "")].concat().into_bytes();
        for (at, byte) in edits {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let whole = {
            let mut bench = tcp();
            let flow = bench.accept(1, PEER);
            let outputs = bench.piece(flow, bytes.clone());
            (texts(&outputs), closes(&outputs).len())
        };
        let mut bench = tcp();
        let flow = bench.accept(1, PEER);
        let mut rest = &bytes[..];
        let mut outputs = Vec::new();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            outputs.extend(bench.piece(flow, piece.to_vec()));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!((texts(&outputs), closes(&outputs).len()), whole);
    }
}

fn texts(outputs: &[TransportOutput]) -> Vec<Bytes> {
    let text = |output: &TransportOutput| match output {
        TransportOutput::Flow(FlowEvent::Inbound(up)) => Some(up.message.bytes().clone()),
        _ => None,
    };
    outputs.iter().filter_map(text).collect()
}
