//! UDP beside the others.

use bytes::Bytes;
use sip_transport::{
    FlowId, Transport, TransportInput,
    io::{INPUTS_PER_TURN, SocketConfig, Sockets, Written},
};

use crate::bench::{LOOPBACK, address, outbound, soon};

/// Sockets of these transports with their names and addresses.
async fn open(on: &[(Transport, &str)]) -> (Sockets, Vec<(FlowId, std::net::SocketAddr)>) {
    let mut sockets = Sockets::new(SocketConfig::default());
    for (transport, at) in on {
        sockets.listen(*transport, address(at)).expect("loopback is there");
    }
    let mut inputs = Vec::new();
    sockets.next(&mut inputs).await;
    let opened = inputs.into_iter().map(|input| match input {
        TransportInput::Opened { flow, local, .. } => (flow, local),
        other => panic!("not opened: {other:?}"),
    });
    (sockets, opened.collect())
}

#[tokio::test]
async fn datagrams_go_both_ways_with_their_source() {
    for at in LOOPBACK {
        let (mut one, ones) = open(&[(Transport::Udp, at)]).await;
        let (mut two, twos) = open(&[(Transport::Udp, at)]).await;
        let there = outbound(ones[0].0, Transport::Udp, twos[0].1, "there");
        assert_eq!(one.write(&there), Written::Sent);
        let mut inputs = Vec::new();
        soon(two.next(&mut inputs)).await;
        let expected =
            TransportInput::Bytes { flow: twos[0].0, source: ones[0].1, bytes: Bytes::from_static(b"there") };
        assert_eq!(inputs, [expected]);
    }
}

#[tokio::test]
async fn a_datagram_that_cannot_go_is_told() {
    let (mut sockets, opened) = open(&[(Transport::Udp, LOOPBACK[0])]).await;
    let flow = opened[0].0;
    let remote = address("192.0.2.1:5060");
    let failed = TransportInput::SendFailed { flow, remote };
    assert_eq!(sockets.write(&outbound(flow, Transport::Udp, remote, "x")), Written::Failed(failed));
    let long = outbound(flow, Transport::Udp, opened[0].1, vec![b'x'; 70_000]);
    assert_eq!(sockets.write(&long), Written::Lost);
}

#[tokio::test]
async fn a_flood_on_one_socket_leaves_the_others_their_turn() {
    let (mut sockets, opened) = open(&[(Transport::Udp, LOOPBACK[0]); 3]).await;
    let (mut peer, peers) = open(&[(Transport::Udp, LOOPBACK[0])]).await;
    let mut send = |to: usize, count: usize| {
        for _ in 0..count {
            assert_eq!(peer.write(&outbound(peers[0].0, Transport::Udp, opened[to].1, "x")), Written::Sent);
        }
    };
    send(0, 4 * INPUTS_PER_TURN);
    send(1, 1);
    send(2, 1);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut inputs = Vec::new();
        soon(sockets.next(&mut inputs)).await;
        assert!(inputs.len() <= INPUTS_PER_TURN, "{}", inputs.len());
        seen.extend(inputs.into_iter().filter_map(|input| match input {
            TransportInput::Bytes { flow, .. } => Some(flow),
            _ => None,
        }));
    }
    assert!(seen.contains(&opened[1].0) && seen.contains(&opened[2].0), "{seen:?}");
}

#[tokio::test]
async fn a_socket_that_is_closed_is_told_no_more() {
    let (mut sockets, opened) = open(&[(Transport::Udp, LOOPBACK[0]), (Transport::Tcp, LOOPBACK[0])]).await;
    for (flow, _) in &opened {
        sockets.close(*flow);
        assert_eq!(sockets.local(*flow), None);
    }
    assert_eq!(sockets.write(&outbound(opened[0].0, Transport::Udp, opened[0].1, "x")), Written::Lost);
    // The port is free again.
    assert!(sockets.listen(Transport::Tcp, opened[1].1).is_ok());
    assert!(sockets.listen(Transport::Udp, opened[0].1).is_ok());
}
