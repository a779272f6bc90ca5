//! TLS: both roles, both families, whom it lets in, and what it says of them.

use std::time::Duration;

use sip_transport::{
    CloseCause, PeerIdentity, Transport, TransportInput,
    io::{
        ListenError, SocketConfig, Sockets,
        tls::{ClientCertificates, Roots, TlsConfig, TlsIdentity},
    },
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    authority::{Authority, with},
    bench::{LOOPBACK, PATIENCE, Pair, Side, address, message, soon},
};

fn names(peer: Option<&PeerIdentity>) -> Vec<&str> {
    peer.map(|peer| peer.domains().collect()).unwrap_or_default()
}

/// The cause at the client and at the server of a connection that cannot be made.
async fn refused(server: SocketConfig, client: SocketConfig, name: &str) -> (CloseCause, CloseCause) {
    let (mut server, locals) = Side::listening(server, &[(Transport::Tls, LOOPBACK[0])]);
    let mut client = Side::new(client);
    let flow = client.connect(Transport::Tls, locals[0], name);
    let accepted = server.accepted().await;
    (client.closed(flow).await, server.closed(accepted).await)
}

#[tokio::test]
async fn both_sides_see_each_others_verified_names() {
    let authority = Authority::new();
    for at in LOOPBACK {
        let identity = authority.identity(&["uri:sip:example.com", "dns:pc.example.com"]);
        let server = TlsConfig::builder(authority.roots())
            .identity(identity)
            .client_certificates(ClientCertificates::Required);
        let client = TlsConfig::builder(authority.roots()).identity(authority.identity(&["dns:Example.ORG"]));
        let mut pair = Pair::new(Transport::Tls, at, "example.com", (with(server), with(client))).await;
        assert_eq!(names(pair.peers.0.as_ref()), ["example.org"]);
        assert_eq!(names(pair.peers.1.as_ref()), ["example.com"]);
        pair.talk().await;
    }
}

#[tokio::test]
async fn one_message_in_one_byte_writes_and_a_thousand_at_once_arrive_both_ways() {
    let authority = Authority::new();
    for at in LOOPBACK {
        let configs = (authority.server(&["dns:localhost"]), authority.client());
        let mut pair = Pair::new(Transport::Tls, at, "localhost", configs).await;
        for byte in message(1).bytes() {
            pair.client.write(pair.flows.1, vec![byte]);
        }
        assert_eq!(pair.server.bytes(pair.flows.0, message(1).len()).await.0, message(1).as_bytes());
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
async fn a_close_from_either_side_is_in_order_and_a_cut_is_not() {
    let authority = Authority::new();
    let pair = || {
        let configs = (authority.server(&["dns:localhost"]), authority.client());
        Pair::new(Transport::Tls, LOOPBACK[0], "localhost", configs)
    };
    let mut one = pair().await;
    one.client.write(one.flows.1, "last words");
    one.client.close(one.flows.1);
    assert_eq!(one.server.bytes(one.flows.0, 10).await.0, b"last words");
    assert_eq!(one.server.closed(one.flows.0).await, CloseCause::Closed);
    let mut two = pair().await;
    two.server.close(two.flows.0);
    assert_eq!(two.client.closed(two.flows.1).await, CloseCause::Closed);
    let mut three = pair().await;
    three.server.shutdown(PATIENCE);
    assert_eq!(three.client.closed(three.flows.1).await, CloseCause::Closed);
    let mut four = pair().await;
    // Without the farewell of TLS nobody knows whether something is missing.
    drop(four.client);
    assert_eq!(four.server.closed(four.flows.0).await, CloseCause::Lost);
}

#[tokio::test]
async fn a_server_with_another_name_is_refused() {
    let authority = Authority::new();
    for (shown, wanted) in [
        (&["dns:example.org"][..], "example.com"),
        (&["dns:*.example.com"], "sip.example.com"),
        (&["dns:example.com"], "sip.example.com"),
        // The URI is the identity; the DNS name beside it is none (RFC 5922 §7.1).
        (&["uri:sip:example.org", "dns:example.com"], "example.com"),
        (&["dns:example.com"], "127.0.0.1"),
        (&["dns:example.com"], "not a name"),
    ] {
        let causes = refused(authority.server(shown), authority.client(), wanted).await;
        assert_eq!(causes, (CloseCause::WrongName, CloseCause::Handshake), "{shown:?} {wanted}");
    }
}

#[tokio::test]
async fn an_address_is_found_among_the_addresses_of_the_certificate() {
    let authority = Authority::new();
    for (at, name) in [(LOOPBACK[0], "127.0.0.1"), (LOOPBACK[1], "::1")] {
        let configs = (authority.server(&["ip:127.0.0.1", "ip:::1"]), authority.client());
        let pair = Pair::new(Transport::Tls, at, name, configs).await;
        assert_eq!(names(pair.peers.1.as_ref()), [name]);
        assert_eq!(pair.peers.0, None, "a client without a certificate is nobody in particular");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_or_past_its_time_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let causes = refused(other.server(&["dns:localhost"]), authority.client(), "localhost").await;
    assert_eq!(causes, (CloseCause::Untrusted, CloseCause::Handshake));
    let (chain, key) = authority.issue_until(&["dns:localhost"], 2020);
    let expired = TlsIdentity::new(chain, key).expect("they belong together");
    let server = with(TlsConfig::builder(authority.roots()).identity(expired));
    let causes = refused(server, authority.client(), "localhost").await;
    assert_eq!(causes, (CloseCause::Untrusted, CloseCause::Handshake));
}

#[tokio::test]
async fn who_accepts_anybody_verifies_nobody() {
    let authority = Authority::new();
    let (chain, key) = authority.issue_until(&["dns:example.org"], 2020);
    let expired = TlsIdentity::new(chain, key).expect("they belong together");
    let server = with(TlsConfig::builder(authority.roots()).identity(expired));
    let client = with(TlsConfig::builder(Roots::AcceptAny));
    let mut pair = Pair::new(Transport::Tls, LOOPBACK[0], "example.com", (server, client)).await;
    assert_eq!(pair.peers, (None, None));
    pair.talk().await;
}

#[tokio::test]
async fn a_client_certificate_is_required_or_optional_and_never_a_wrong_one() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = |asked| {
        let identity = authority.identity(&["dns:localhost"]);
        with(TlsConfig::builder(authority.roots()).identity(identity).client_certificates(asked))
    };
    let stranger =
        || with(TlsConfig::builder(authority.roots()).identity(other.identity(&["dns:a.example"])));
    for (asked, client, cause) in [
        (ClientCertificates::Required, authority.client(), CloseCause::Handshake),
        (ClientCertificates::Required, stranger(), CloseCause::Untrusted),
        (ClientCertificates::Optional, stranger(), CloseCause::Untrusted),
    ] {
        let (mut server, locals) = Side::listening(server(asked), &[(Transport::Tls, LOOPBACK[0])]);
        let mut client = Side::new(client);
        let flow = client.connect(Transport::Tls, locals[0], "localhost");
        let accepted = server.accepted().await;
        assert_eq!(server.closed(accepted).await, cause, "{asked:?}");
        // TLS 1.3 tells a client that it is refused when it takes itself for connected already.
        let told = client.told().await;
        let refused =
            if matches!(told, TransportInput::Connected { .. }) { client.told().await } else { told };
        assert_eq!(refused, TransportInput::Closed { flow, cause: CloseCause::Handshake });
    }
    let configs = (server(ClientCertificates::Optional), authority.client());
    let mut pair = Pair::new(Transport::Tls, LOOPBACK[0], "localhost", configs).await;
    assert_eq!(pair.peers.0, None);
    pair.talk().await;
}

#[tokio::test]
async fn a_reload_keeps_old_connections_and_new_ones_see_the_new_certificate() {
    let authority = Authority::new();
    let identity = authority.identity(&["dns:localhost", "dns:old.example"]);
    let server = with(TlsConfig::builder(authority.roots()).identity(identity.clone()));
    let mut pair = Pair::new(Transport::Tls, LOOPBACK[0], "localhost", (server, authority.client())).await;
    assert_eq!(names(pair.peers.1.as_ref()), ["localhost", "old.example"]);
    let (chain, key) = authority.issue(&["dns:localhost", "dns:new.example"]);
    identity.replace(&chain, &key).expect("they belong together");
    pair.talk().await;
    let (_, flow) = pair.flows;
    let TransportInput::Bytes { source, .. } = ({
        pair.server.write(pair.flows.0, "where?");
        pair.client.told().await
    }) else {
        panic!("not bytes")
    };
    let mut client = Side::new(authority.client());
    let new = client.connect(Transport::Tls, source, "localhost");
    assert_eq!(names(client.connected(new).await.as_ref()), ["localhost", "new.example"]);
    let accepted = pair.server.accepted().await;
    pair.server.connected(accepted).await;
    pair.client.write(flow, "still here");
    assert_eq!(pair.server.bytes(pair.flows.0, 10).await.0, b"still here");
}

#[tokio::test]
async fn a_certificate_is_read_again_from_its_files() {
    let authority = Authority::new();
    let folder = std::env::temp_dir().join(format!("patchcord-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let lay = |names: &[&str]| {
        use sip_transport::io::tls::Pem;
        let (Pem::Bytes(new_chain), Pem::Bytes(new_key)) = authority.issue(names) else {
            panic!("in memory")
        };
        std::fs::write(&chain, new_chain).expect("written");
        std::fs::write(&key, new_key).expect("written");
    };
    let file = |path: &std::path::Path| sip_transport::io::tls::Pem::file(path);
    lay(&["dns:localhost"]);
    let identity = TlsIdentity::new(file(&chain), file(&key)).expect("they are there");
    lay(&["dns:localhost", "dns:new.example"]);
    identity.reload().expect("they are there");
    let server = with(TlsConfig::builder(authority.roots()).identity(identity.clone()));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(identity.reload().is_err());
    let pair = Pair::new(Transport::Tls, LOOPBACK[0], "localhost", (server, authority.client())).await;
    assert_eq!(names(pair.peers.1.as_ref()), ["localhost", "new.example"]);
}

#[tokio::test]
async fn a_silent_client_ends_by_the_time_limit_of_handshakes() {
    let mut config = Authority::new().server(&["dns:localhost"]);
    config.handshake_timeout = Duration::from_millis(50);
    let (mut server, locals) = Side::listening(config, &[(Transport::Tls, LOOPBACK[0])]);
    let silent = TcpStream::connect(locals[0]).await.expect("it listens");
    let flow = server.accepted().await;
    assert_eq!(server.closed(flow).await, CloseCause::TimedOut);
    drop(silent);
}

#[tokio::test]
async fn what_is_no_tls_is_refused() {
    let (mut server, locals) =
        Side::listening(Authority::new().server(&["dns:localhost"]), &[(Transport::Tls, LOOPBACK[0])]);
    let mut peer = TcpStream::connect(locals[0]).await.expect("it listens");
    peer.write_all(message(1).as_bytes()).await.expect("connected");
    let flow = server.accepted().await;
    assert_eq!(server.closed(flow).await, CloseCause::Handshake);
}

#[tokio::test]
async fn handshakes_beyond_the_limit_wait_and_plain_connections_do_not() {
    let mut config = Authority::new().server(&["dns:localhost"]);
    config.handshakes = 2;
    let on = [(Transport::Tls, LOOPBACK[0]), (Transport::Tcp, LOOPBACK[0])];
    let (mut server, locals) = Side::listening(config, &on);
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(locals[0]).await.expect("the system holds it"));
    }
    let first = server.accepted().await;
    server.accepted().await;
    let _plain = TcpStream::connect(locals[1]).await.expect("it listens");
    let plain = server.accepted().await;
    server.connected(plain).await;
    // Only now there is room for the third.
    server.close(first);
    match server.told().await {
        TransportInput::Accepted { remote, .. } => {
            assert_eq!(remote, silent[2].local_addr().expect("connected"));
        }
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn without_a_certificate_nothing_listens_and_without_settings_nothing_connects() {
    for config in [SocketConfig::default(), Authority::new().client()] {
        let mut sockets = Sockets::new(config);
        let result = sockets.listen(Transport::Tls, address(LOOPBACK[0]));
        assert!(matches!(result, Err(ListenError::NoIdentity(Transport::Tls))), "{result:?}");
    }
    let (_server, locals) =
        Side::listening(Authority::new().server(&["dns:localhost"]), &[(Transport::Tls, LOOPBACK[0])]);
    let mut client = Side::new(SocketConfig::default());
    let flow = client.connect(Transport::Tls, locals[0], "localhost");
    assert_eq!(soon(client.closed(flow)).await, CloseCause::Handshake);
}
