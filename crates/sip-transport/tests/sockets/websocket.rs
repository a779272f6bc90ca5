//! WebSocket and WebSocket over TLS: both roles, both families.

use futures_util::{SinkExt, StreamExt};
use sip_transport::{CloseCause, Transport, TransportInput, io::SocketConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    accept_async, client_async,
    tungstenite::{
        ClientRequestBuilder, Error, Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use crate::bench::{LOOPBACK, PATIENCE, Pair, Side, message, soon};

fn plain() -> (SocketConfig, SocketConfig) {
    (SocketConfig::default(), SocketConfig::default())
}

/// A client that is not ours, with this sub-protocol and origin.
async fn client(
    remote: std::net::SocketAddr,
    protocol: Option<&str>,
    origin: Option<&str>,
) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(remote).await.expect("it listens");
    let uri = format!("ws://{remote}/any/path").parse().expect("a URI");
    let mut request = ClientRequestBuilder::new(uri);
    if let Some(protocol) = protocol {
        request = request.with_sub_protocol(protocol);
    }
    if let Some(origin) = origin {
        request = request.with_header("Origin", origin);
    }
    soon(client_async(request, stream)).await.map(|(stream, _)| stream)
}

/// A server, and a client that is not ours, connected.
async fn served() -> (Side, sip_transport::FlowId, tokio_tungstenite::WebSocketStream<TcpStream>) {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Ws, LOOPBACK[0])]);
    let peer = client(locals[0], Some("sip"), None).await.expect("agreed");
    let flow = server.accepted().await;
    server.connected(flow).await;
    (server, flow, peer)
}

#[tokio::test]
async fn each_message_is_one_input_both_ways() {
    for at in LOOPBACK {
        let mut pair = Pair::new(Transport::Ws, at, "localhost", plain()).await;
        pair.talk().await;
        for number in 0..1000 {
            pair.client.write(pair.flows.1, message(number));
            pair.server.write(pair.flows.0, message(number));
        }
        for number in 0..1000 {
            assert_eq!(pair.server.piece(pair.flows.0).await, message(number).as_bytes());
            assert_eq!(pair.client.piece(pair.flows.1).await, message(number).as_bytes());
        }
        // Line ends are messages too, and so is what is no text.
        pair.client.write(pair.flows.1, "\r\n\r\n");
        assert_eq!(pair.server.piece(pair.flows.0).await, b"\r\n\r\n");
        pair.server.write(pair.flows.0, vec![0xff, 0x00]);
        assert_eq!(pair.client.piece(pair.flows.1).await, [0xff, 0x00]);
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn over_tls_the_names_are_verified_and_each_message_is_one_input() {
    let authority = crate::authority::Authority::new();
    for at in LOOPBACK {
        let configs = (authority.server(&["dns:localhost"]), authority.client());
        let mut pair = Pair::new(Transport::Wss, at, "localhost", configs).await;
        assert_eq!(pair.peers.1.as_ref().map(sip_transport::PeerIdentity::name), Some("localhost"));
        pair.talk().await;
        for number in 0..1000 {
            pair.client.write(pair.flows.1, message(number));
        }
        for number in 0..1000 {
            assert_eq!(pair.server.piece(pair.flows.0).await, message(number).as_bytes());
        }
        pair.client.close(pair.flows.1);
        assert_eq!(pair.server.closed(pair.flows.0).await, CloseCause::Closed);
    }
    let configs = (authority.server(&["dns:localhost"]), authority.client());
    let (mut server, locals) = Side::listening(configs.0, &[(Transport::Wss, LOOPBACK[0])]);
    let mut client = Side::new(configs.1);
    let flow = client.connect(Transport::Wss, locals[0], "example.com");
    assert_eq!(client.closed(flow).await, CloseCause::WrongName);
    let accepted = server.accepted().await;
    assert_eq!(server.closed(accepted).await, CloseCause::Handshake);
}

#[tokio::test]
async fn a_close_from_either_side_is_in_order() {
    let mut one = Pair::new(Transport::Ws, LOOPBACK[0], "localhost", plain()).await;
    one.client.write(one.flows.1, "last words");
    one.client.close(one.flows.1);
    assert_eq!(one.server.piece(one.flows.0).await, b"last words");
    assert_eq!(one.server.closed(one.flows.0).await, CloseCause::Closed);
    let mut two = Pair::new(Transport::Ws, LOOPBACK[1], "localhost", plain()).await;
    two.server.close(two.flows.0);
    assert_eq!(two.client.closed(two.flows.1).await, CloseCause::Closed);
    let mut three = Pair::new(Transport::Ws, LOOPBACK[0], "localhost", plain()).await;
    drop(three.client);
    assert_eq!(three.server.closed(three.flows.0).await, CloseCause::Lost);
}

#[tokio::test]
async fn a_shutdown_says_farewell_to_clients() {
    let (server, _, mut peer) = served().await;
    server.shutdown(PATIENCE);
    let farewell = soon(peer.next()).await.expect("a message").expect("in order");
    assert_eq!(farewell, Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })));
    assert!(soon(peer.next()).await.is_none());
    assert_eq!(server.rest().await, []);
}

#[tokio::test]
async fn a_client_that_does_not_offer_sip_is_refused() {
    for protocol in [None, Some("xmpp"), Some("sips"), Some("")] {
        let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Ws, LOOPBACK[0])]);
        match client(locals[0], protocol, None).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400, "{protocol:?}"),
            other => panic!("{protocol:?}: {other:?}"),
        }
        let flow = server.accepted().await;
        assert_eq!(server.closed(flow).await, CloseCause::WebSocket);
    }
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Ws, LOOPBACK[0])]);
    client(locals[0], Some("sip"), Some("https://anywhere.example")).await.expect("agreed");
    let flow = server.accepted().await;
    server.connected(flow).await;
}

#[tokio::test]
async fn a_browser_from_another_origin_is_refused() {
    let mut config = SocketConfig::default();
    config.websocket_origins = Some(vec!["https://phone.example.com".into()]);
    let (_server, locals) = Side::listening(config, &[(Transport::Ws, LOOPBACK[0])]);
    match client(locals[0], Some("sip"), Some("https://evil.example")).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
    client(locals[0], Some("sip"), Some("https://phone.example.com")).await.expect("allowed");
    client(locals[0], Some("sip"), None).await.expect("no browser");
}

#[tokio::test]
async fn a_server_that_does_not_agree_on_sip_is_left() {
    let listener = TcpListener::bind(LOOPBACK[0]).await.expect("loopback is there");
    let mut client = Side::new(SocketConfig::default());
    let flow = client.connect(Transport::Ws, listener.local_addr().expect("bound"), "localhost");
    let (stream, _) = soon(listener.accept()).await.expect("it comes");
    // It answers without a sub-protocol.
    let server = soon(accept_async(stream)).await.expect("agreed");
    assert_eq!(client.closed(flow).await, CloseCause::WebSocket);
    drop(server);
}

#[tokio::test]
async fn one_message_in_one_byte_writes_and_in_two_frames_arrives_whole() {
    let (mut server, flow, peer) = served().await;
    let mut stream = peer.into_inner();
    stream.set_nodelay(true).expect("connected");
    // A masked text frame (RFC 6455 §5.2), the mask being zero.
    let text = message(1);
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    frame.extend(text.bytes());
    for byte in frame {
        stream.write_all(&[byte]).await.expect("connected");
    }
    assert_eq!(server.piece(flow).await, text.as_bytes());
    let mut frames = vec![0x01, 0x83, 0, 0, 0, 0, b'o', b'n', b'e'];
    frames.extend([0x80, 0x83, 0, 0, 0, 0, b't', b'w', b'o']);
    stream.write_all(&frames).await.expect("connected");
    assert_eq!(server.piece(flow).await, b"onetwo");
}

#[tokio::test]
async fn a_ping_is_answered_and_is_no_input() {
    let (mut server, flow, mut peer) = served().await;
    peer.send(Message::Ping("are you there".into())).await.expect("connected");
    assert_eq!(
        soon(peer.next()).await.expect("an answer").expect("in order"),
        Message::Pong("are you there".into())
    );
    peer.send(Message::binary(&b"INVITE"[..])).await.expect("connected");
    assert_eq!(server.piece(flow).await, b"INVITE");
}

#[tokio::test]
async fn the_longest_message_passes_and_a_longer_one_ends_the_connection() {
    let (mut server, flow, mut peer) = served().await;
    let longest = "x".repeat(64 << 10);
    peer.send(Message::text(&longest)).await.expect("connected");
    assert_eq!(server.piece(flow).await.len(), longest.len());
    peer.send(Message::text(longest + "x")).await.expect("connected");
    assert_eq!(server.closed(flow).await, CloseCause::Lost);
    match soon(peer.next()).await {
        Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => assert_eq!(code, CloseCode::Size),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn frames_against_the_protocol_end_the_connection() {
    let (mut server, flow, peer) = served().await;
    let mut stream = peer.into_inner();
    // Not masked, which a client must not do (RFC 6455 §5.1).
    stream.write_all(&[0x81, 0x01, b'x']).await.expect("connected");
    assert_eq!(server.closed(flow).await, CloseCause::Lost);
    let mut peer = tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    match soon(peer.next()).await {
        Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => assert_eq!(code, CloseCode::Protocol),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_by_its_length_and_by_its_time() {
    let (mut server, locals) = Side::listening(SocketConfig::default(), &[(Transport::Ws, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    let mut request = b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
    request.extend(vec![b'x'; 70_000]);
    // It may be cut while this is written.
    let _ = peer.write_all(&request).await;
    assert_eq!(server.closed(flow).await, CloseCause::WebSocket);
    let mut config = SocketConfig::default();
    config.handshake_timeout = std::time::Duration::from_millis(50);
    let (mut server, locals) = Side::listening(config, &[(Transport::Ws, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    peer.write_all(b"GET /").await.expect("connected");
    let flow = server.accepted().await;
    assert_eq!(server.closed(flow).await, CloseCause::TimedOut);
    let mut rest = Vec::new();
    assert_eq!(soon(peer.read_to_end(&mut rest)).await.expect("ended"), 0);
}

#[tokio::test]
async fn a_client_that_never_reads_ends_by_a_full_write_queue() {
    let (mut server, flow, peer) = served().await;
    for _ in 0..4096 {
        server.write(flow, vec![b'x'; 16 << 10]);
    }
    match server.told().await {
        TransportInput::Closed { flow: closed, cause } => {
            assert_eq!((closed, cause), (flow, CloseCause::WriteQueue));
        }
        other => panic!("{other:?}"),
    }
    drop(peer);
}
