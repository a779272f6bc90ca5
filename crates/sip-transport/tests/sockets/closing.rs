//! The end of connections, from either side.

use std::time::Duration;

use sip_transport::{CloseCause, Transport, TransportInput, io::SocketConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bench::{LOOPBACK, PATIENCE, Pair, Side, message, soon};

fn plain() -> (SocketConfig, SocketConfig) {
    (SocketConfig::default(), SocketConfig::default())
}

#[tokio::test]
async fn a_close_is_told_once_to_the_other_side_and_not_to_the_own() {
    for at in LOOPBACK {
        let mut pair = Pair::new(Transport::Tcp, at, "localhost", plain()).await;
        pair.client.close(pair.flows.1);
        assert_eq!(pair.server.closed(pair.flows.0).await, CloseCause::Closed);
        pair.client.shutdown(PATIENCE);
        pair.server.shutdown(PATIENCE);
        assert_eq!(pair.client.rest().await, []);
        assert_eq!(pair.server.rest().await, []);
        let mut pair = Pair::new(Transport::Tcp, at, "localhost", plain()).await;
        pair.server.close(pair.flows.0);
        assert_eq!(pair.client.closed(pair.flows.1).await, CloseCause::Closed);
    }
}

#[tokio::test]
async fn what_was_written_before_a_close_arrives() {
    let mut pair = Pair::new(Transport::Tcp, LOOPBACK[0], "localhost", plain()).await;
    let all: String = (0..1000).map(message).collect();
    for number in 0..1000 {
        pair.server.write(pair.flows.0, message(number));
    }
    pair.server.close(pair.flows.0);
    assert_eq!(pair.client.bytes(pair.flows.1, all.len()).await.0, all.as_bytes());
    assert_eq!(pair.client.closed(pair.flows.1).await, CloseCause::Closed);
}

#[tokio::test]
async fn an_answer_reaches_a_peer_that_still_sends_when_it_is_closed() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    server.connected(flow).await;
    peer.write_all(b"not SIP").await.expect("connected");
    server.piece(flow).await;
    peer.write_all(&[b'x'; 4096]).await.expect("connected");
    server.write(flow, "SIP/2.0 400 Bad Request\r\n\r\n");
    server.close(flow);
    let mut answer = String::new();
    soon(peer.read_to_string(&mut answer)).await.expect("not reset");
    assert_eq!(answer, "SIP/2.0 400 Bad Request\r\n\r\n");
}

#[tokio::test]
async fn nothing_is_told_of_a_connection_that_is_closed_before_it_is_made() {
    let mut client = Side::new(SocketConfig::default());
    let (_server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let flow = client.connect(Transport::Tcp, locals[0], "localhost");
    client.close(flow);
    let next = client.connect(Transport::Tcp, locals[0], "localhost");
    client.connected(next).await;
}

#[tokio::test]
async fn a_shutdown_writes_what_waits_and_ends_within_its_limit() {
    let mut pair = Pair::new(Transport::Tcp, LOOPBACK[0], "localhost", plain()).await;
    let all: String = (0..500).map(message).collect();
    for number in 0..500 {
        pair.server.write(pair.flows.0, message(number));
    }
    pair.server.shutdown(PATIENCE);
    assert_eq!(pair.client.bytes(pair.flows.1, all.len()).await.0, all.as_bytes());
    assert_eq!(pair.client.closed(pair.flows.1).await, CloseCause::Closed);
    assert_eq!(pair.server.rest().await, []);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_peer_that_does_not_read() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    server.connected(flow).await;
    server.write(flow, "a farewell");
    let mut farewell = [0; 10];
    soon(peer.read_exact(&mut farewell)).await.expect("connected");
    server.shutdown(Duration::from_millis(1));
    assert_eq!(soon(server.rest()).await, []);
    assert!(peer.peer_addr().is_ok());
}

#[tokio::test]
async fn a_flood_that_nobody_takes_does_not_hold_up_a_shutdown() {
    let mut server = sip_transport::io::Sockets::new(SocketConfig::default());
    let at = server.listen(Transport::Tcp, LOOPBACK[0].parse().expect("test address")).expect("loopback");
    let mut peer = TcpStream::connect(at[0]).await.expect("it listens");
    peer.write_all(&vec![b'x'; 100_000]).await.expect("the system holds it");
    let mut inputs = Vec::new();
    while !inputs.iter().any(|input| matches!(input, TransportInput::Connected { .. })) {
        soon(server.next(&mut inputs)).await;
    }
    soon(server.shutdown(PATIENCE)).await;
    let mut rest = Vec::new();
    // Reset or ended, either way it is over.
    let ended = soon(peer.read_to_end(&mut rest)).await;
    assert!(ended.is_err() || rest.is_empty(), "{rest:?}");
}
