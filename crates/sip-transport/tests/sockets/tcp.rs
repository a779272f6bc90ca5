//! TCP: both roles, both families.

use sip_transport::{
    CloseCause, FlowId, MAX_PIECE, Transport, TransportInput,
    io::{ListenError, SocketConfig, Sockets},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::bench::{LOOPBACK, Pair, Side, address, message, soon};

fn plain() -> (SocketConfig, SocketConfig) {
    (SocketConfig::default(), SocketConfig::default())
}

#[tokio::test]
async fn each_end_is_told_once_and_messages_go_both_ways() {
    for at in LOOPBACK {
        let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, at)]);
        let listener = match server.next().await {
            TransportInput::Opened { flow, transport: Transport::Tcp, local } if local == locals[0] => flow,
            other => panic!("not opened: {other:?}"),
        };
        let mut client = Side::new(SocketConfig::default());
        let flow = client.connect_from(Transport::Tcp, locals[0], "localhost", Some(locals[0].ip()));
        let TransportInput::Connected { flow: ready, local, peer: None } = client.next().await else {
            panic!("not connected")
        };
        assert_eq!((ready, local.ip()), (flow, locals[0].ip()));
        let TransportInput::Accepted { flow: accepted, listener: by, remote } = server.next().await else {
            panic!("not accepted")
        };
        assert_eq!((by, remote), (listener, local));
        let TransportInput::Connected { flow: ready, local: own, peer: None } = server.next().await else {
            panic!("not connected")
        };
        assert_eq!((ready, own), (accepted, locals[0]));
        assert!(listener.number() > 1 << 48 && accepted.number() > 1 << 48, "{listener} {accepted}");
        client.write(flow, "hello");
        let expected = TransportInput::Bytes { flow: accepted, source: local, bytes: "hello".into() };
        assert_eq!(server.next().await, expected);
        server.write(accepted, "hello too");
        let expected = TransportInput::Bytes { flow, source: locals[0], bytes: "hello too".into() };
        assert_eq!(client.next().await, expected);
    }
}

#[tokio::test]
async fn one_message_in_one_byte_writes_arrives_whole() {
    for at in LOOPBACK {
        let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, at)]);
        let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
        peer.set_nodelay(true).expect("connected");
        let flow = server.accepted().await;
        server.connected(flow).await;
        for byte in message(1).bytes() {
            peer.write_all(&[byte]).await.expect("connected");
        }
        assert_eq!(server.bytes(flow, message(1).len()).await.0, message(1).as_bytes());
    }
}

#[tokio::test]
async fn a_thousand_pipelined_messages_arrive_in_order_both_ways() {
    for at in LOOPBACK {
        let mut pair = Pair::new(Transport::Tcp, at, "localhost", plain()).await;
        let all: String = (0..1000).map(message).collect();
        for number in 0..1000 {
            pair.client.write(pair.flows.1, message(number));
            pair.server.write(pair.flows.0, message(number));
        }
        assert_eq!(pair.server.bytes(pair.flows.0, all.len()).await.0, all.as_bytes());
        assert_eq!(pair.client.bytes(pair.flows.1, all.len()).await.0, all.as_bytes());
    }
}

#[tokio::test]
async fn a_piece_is_never_longer_than_the_limit() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    server.connected(flow).await;
    let text = vec![b'x'; 10 * MAX_PIECE];
    peer.write_all(&text).await.expect("connected");
    let mut got = 0;
    while got < text.len() {
        let piece = server.piece(flow).await;
        assert!(piece.len() <= MAX_PIECE, "{}", piece.len());
        got += piece.len();
    }
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_refused() {
    for at in LOOPBACK {
        let free = TcpListener::bind(at).await.expect("loopback is there").local_addr().expect("bound");
        let mut client = Side::new(SocketConfig::default());
        let flow = client.connect(Transport::Tcp, free, "localhost");
        assert_eq!(client.closed(flow).await, CloseCause::Refused);
        // Nothing else is told of it: the next thing is of the next connection.
        let flow = client.connect(Transport::Tcp, free, "localhost");
        assert_eq!(client.closed(flow).await, CloseCause::Refused);
    }
}

#[tokio::test]
async fn a_connection_from_an_address_that_is_not_ours_has_no_way() {
    let mut client = Side::new(SocketConfig::default());
    let ours = "192.0.2.1".parse().expect("test address");
    let flow = client.connect_from(Transport::Tcp, address("127.0.0.1:9"), "localhost", Some(ours));
    assert_eq!(client.closed(flow).await, CloseCause::NoRoute);
}

#[tokio::test]
async fn a_peer_that_sends_nothing_is_connected_and_one_that_resets_is_lost() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Tcp, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    server.connected(flow).await;
    server.write(flow, "unread");
    let mut first = [0];
    soon(peer.read_exact(&mut first)).await.expect("connected");
    // With something unread the system resets the connection.
    drop(peer);
    assert_eq!(server.closed(flow).await, CloseCause::Lost);
}

#[tokio::test]
async fn a_wildcard_listens_on_each_address_with_one_port() {
    let mut sockets = Sockets::new(SocketConfig::default());
    let locals = sockets.listen(Transport::Tcp, address("0.0.0.0:0")).expect("the host has addresses");
    assert!(locals.iter().any(|local| local.ip().is_loopback()));
    assert!(locals.iter().all(|local| !local.ip().is_unspecified() && local.port() == locals[0].port()));
    let mut inputs = Vec::new();
    sockets.next(&mut inputs).await;
    let opened = inputs.iter().filter_map(|input| match input {
        TransportInput::Opened { flow, local, .. } => Some((*flow, *local)),
        _ => None,
    });
    let opened: Vec<_> = opened.collect();
    assert_eq!(opened.iter().map(|(_, local)| *local).collect::<Vec<_>>(), locals);
    assert!(opened.iter().all(|(flow, local)| sockets.local(*flow) == Some(*local)));
}

#[tokio::test]
async fn what_is_only_offered_is_told_with_port_0_and_what_cannot_be_made_is_not() {
    let mut sockets = Sockets::new(SocketConfig::default());
    let local = address("127.0.0.1:0");
    // There are no connections by UDP, and none by TLS without settings.
    for transport in [Transport::Udp, Transport::Tls, Transport::Wss, Transport::Tcp] {
        sockets.offer(transport, local.ip());
    }
    let mut inputs = Vec::new();
    sockets.next(&mut inputs).await;
    let [TransportInput::Opened { flow, transport: Transport::Tcp, local: told }] = inputs[..] else {
        panic!("{inputs:?}")
    };
    assert_eq!((told, sockets.local(flow)), (local, None));
}

#[tokio::test]
async fn a_taken_port_is_a_typed_error() {
    let mut sockets = Sockets::new(SocketConfig::default());
    let locals = sockets.listen(Transport::Tcp, address(LOOPBACK[0])).expect("loopback is there");
    let taken = sockets.listen(Transport::Tcp, locals[0]);
    assert!(matches!(taken, Err(ListenError::Bind { address, .. }) if address == locals[0]));
}

#[tokio::test]
async fn writing_to_a_flow_that_is_not_there_is_nothing() {
    let mut pair = Pair::new(Transport::Tcp, LOOPBACK[0], "localhost", plain()).await;
    pair.client.write(FlowId::from(99), "nobody");
    pair.talk().await;
}
