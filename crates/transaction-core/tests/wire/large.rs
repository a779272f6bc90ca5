//! Requests that are too large for UDP (RFC 3261 §18.1.1).

use sip_message::{Draft, HeaderId, Method};
use sip_transport::{FlowEvent, FlowId, Hop, Transport};
use transaction_core::{Config, TxCommand, TxEvent, TxFailure, TxId};

use crate::bench::{Bench, OTHER, PEER, Sent, draft, ended, hop};

const ABOVE: u16 = 1300;

/// The same element by a stream, for large requests only.
fn stream(remote: &str) -> Hop {
    Hop { flow: FlowId::from(2), transport: Transport::Tcp, above: Some(ABOVE), ..hop(remote) }
}

/// A request with as long a subject as makes it so many bytes long by UDP.
fn sized(method: Method, length: usize) -> Draft {
    let with = |subject: usize| draft(method).header(HeaderId::Subject, "x".repeat(subject));
    let branch = format!("z9hG4bK{:032}", 0);
    let shortest = with(1).encode(&hop(PEER).via(&branch), None).expect("test request").len();
    with(length + 1 - shortest)
}

fn transport(sent: &Sent) -> (Transport, usize) {
    (sent.outbound.hop.transport, sent.outbound.wire.len())
}

fn refused(bench: &mut Bench, sent: &Sent) {
    let branch = sent.message.top_via().expect("Via").branch().expect("branch").into();
    let Hop { flow, remote, .. } = sent.outbound.hop;
    bench.receive(FlowEvent::Unreachable { flow, remote, branch: Some(branch) });
}

#[test]
fn a_request_at_the_bound_goes_by_udp_and_one_byte_more_by_the_stream() {
    for method in [Method::Invite, Method::Message] {
        let mut bench = Bench::new();
        bench.request(sized(method, 1300), [stream(PEER), hop(PEER)]);
        assert_eq!(transport(&bench.last()), (Transport::Udp, 1300));
        bench.request(sized(method, 1301), [stream(PEER), hop(PEER)]);
        // The Via's `TCP` is as long as its `UDP`.
        assert_eq!(transport(&bench.last()), (Transport::Tcp, 1301));
        assert!(bench.last().message.first(HeaderId::Via).is_some_and(|via| via.starts_with("SIP/2.0/TCP ")));
        assert_eq!(bench.sent.len(), 2);
    }
}

#[test]
fn what_counts_is_the_length_on_the_next_hop() {
    let mut bench = Bench::new();
    // By the stream its Contact has `;transport=tcp`, 14 bytes.
    let contact = |length| sized(Method::Invite, length).contact_user(Some("alice"));
    let length = "Contact: <sip:alice@192.0.2.10:5060>\r\n".len();
    bench.request(contact(1300 - length), [stream(PEER), hop(PEER)]);
    assert_eq!(transport(&bench.last()), (Transport::Udp, 1300));
    bench.request(contact(1301 - length), [stream(PEER), hop(PEER)]);
    assert_eq!(transport(&bench.last()), (Transport::Tcp, 1315));
}

#[test]
fn a_small_request_never_tries_the_stream() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Options), [stream(PEER), hop(PEER), stream(OTHER), hop(OTHER)]);
    bench.exhaust();
    assert!(bench.sent.iter().all(|sent| sent.outbound.hop.transport == Transport::Udp));
    let remotes = [PEER, OTHER].map(|remote| {
        bench.sent.iter().filter(|sent| sent.outbound.hop.remote.to_string() == remote).count()
    });
    assert_eq!(remotes, [11, 11]);
    assert_eq!(bench.failures(), [(64_000, tx, TxFailure::Timeout)]);
}

#[test]
fn a_stream_that_is_refused_is_followed_by_udp() {
    let mut bench = Bench::new();
    let tx = bench.request(sized(Method::Invite, 2000), [stream(PEER), hop(PEER)]);
    let first = bench.last();
    assert_eq!(first.outbound.hop.transport, Transport::Tcp);
    refused(&mut bench, &first);
    let second = bench.last();
    assert_eq!(transport(&second), (Transport::Udp, 2000));
    bench.answer(&second, 200);
    assert_eq!(bench.responses(tx), [(0, 200)]);
    let tx = bench.request(sized(Method::Message, 2000), [stream(PEER), hop(PEER)]);
    bench.receive(ended(FlowId::from(2)));
    assert_eq!(transport(&bench.last()), (Transport::Udp, 2000));
    let last = bench.last();
    refused(&mut bench, &last);
    assert_eq!(bench.failures(), [(0, tx, TxFailure::Flow)]);
}

#[test]
fn a_stream_without_its_sibling_is_used_for_what_there_is() {
    let mut bench = Bench::new();
    bench.request(draft(Method::Options), [stream(PEER)]);
    assert_eq!(bench.last().outbound.hop.transport, Transport::Tcp);
}

#[test]
fn the_ack_to_a_2xx_is_sent_by_its_own_length() {
    let mut bench = Bench::new();
    for (length, transport) in [(1300, Transport::Udp), (1301, Transport::Tcp)] {
        let (tx, hops) = (TxId::from(7), [stream(PEER), hop(PEER)].into_iter().collect());
        bench.command(TxCommand::Ack { tx, hops, draft: sized(Method::Ack, length) });
        assert_eq!(self::transport(&bench.last()), (transport, length));
        let Some((_, TxEvent::Acked { outbound, .. })) = bench.events.last() else { panic!("Acked") };
        assert_eq!(*outbound, bench.last().outbound);
    }
}

/// A long ACK is sent by the stream.
fn acknowledge(bench: &mut Bench) -> (TxId, Sent) {
    let (tx, hops) = (TxId::from(7), [stream(PEER), hop(PEER)].into_iter().collect());
    bench.command(TxCommand::Ack { tx, hops, draft: sized(Method::Ack, 1301) });
    let sent = bench.last();
    assert_eq!(transport(&sent), (Transport::Tcp, 1301));
    (tx, sent)
}

#[test]
fn an_ack_whose_stream_is_refused_is_followed_by_udp() {
    for by_branch in [true, false] {
        let mut bench = Bench::new();
        let (tx, first) = acknowledge(&mut bench);
        if by_branch {
            refused(&mut bench, &first);
        } else {
            bench.receive(ended(FlowId::from(2)));
        }
        let second = bench.last();
        assert_eq!(transport(&second), (Transport::Udp, 1301));
        let acked = bench.events.iter().filter_map(|(_, event)| match event {
            TxEvent::Acked { tx: of, outbound } if *of == tx => Some(outbound.clone()),
            _ => None,
        });
        assert_eq!(acked.collect::<Vec<_>>(), [first.outbound, second.outbound.clone()], "to be sent again");
        refused(&mut bench, &second);
        bench.receive(ended(FlowId::from(1)));
        assert_eq!((bench.sent.len(), bench.failures()), (2, vec![]));
        bench.assert_idle();
    }
}

#[test]
fn an_ack_by_a_stream_is_remembered_as_long_as_its_2xx_may_come_again() {
    let mut bench = Bench::new();
    acknowledge(&mut bench);
    bench.advance_ms(31_900);
    assert_eq!(bench.transactions.len(), 1);
    bench.advance_ms(200);
    bench.assert_idle();
    bench.receive(ended(FlowId::from(2)));
    assert_eq!(bench.sent.len(), 1);
}

#[test]
fn a_full_table_sends_an_ack_and_remembers_nothing() {
    let mut bench = Bench::with(Config { capacity: 1, ..Config::default() });
    acknowledge(&mut bench);
    let (_, second) = acknowledge(&mut bench);
    assert_eq!((bench.transactions.len(), bench.transactions.counters().not_remembered), (1, 1));
    refused(&mut bench, &second);
    assert_eq!(bench.sent.len(), 2);
}
