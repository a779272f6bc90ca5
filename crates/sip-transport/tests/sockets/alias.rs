//! One connection for requests both ways (RFC 5923), by TLS.

use sip_transport::{
    Transport,
    io::tls::{ClientCertificates, TlsConfig},
};

use crate::{
    authority::{Authority, with},
    bench::LOOPBACK,
    stack::Stack,
};

/// Both sides listen; one asks the other, which then asks back. Whether it did so over the same connection.
async fn asked_back_over_the_same(asked_for: ClientCertificates) -> bool {
    let authority = Authority::new();
    let config = |name: &str| {
        let tls = TlsConfig::builder(authority.roots()).identity(authority.identity(&[name]));
        with(tls.client_certificates(asked_for))
    };
    let (mut alice, at_alice) =
        Stack::listening(config("dns:alice.example"), Transport::Tls, LOOPBACK[0]).await;
    let (mut bob, at_bob) = Stack::listening(config("dns:bob.example"), Transport::Tls, LOOPBACK[0]).await;
    let there = alice.route(&format!("sips:bob.example:{}", at_bob.port())).await;
    alice.send(there);
    let asked = tokio::select! {
        asked = bob.message() => asked,
        never = alice.message() => panic!("nobody asks alice yet: {never:?}"),
    };
    let via = asked.message.top_via().expect("a Via");
    assert_eq!((via.port, via.params.has("alias")), (Some(at_alice.port()), true));
    let back = bob.route(&format!("sips:alice.example:{}", at_alice.port())).await;
    bob.send(back);
    let answered = tokio::select! {
        answered = alice.message() => answered,
        never = bob.message() => panic!("nobody asks bob again: {never:?}"),
    };
    let via = answered.message.top_via().expect("a Via");
    // Of the connection that bob made himself he says the same; of the one that alice made there is nothing to say.
    let same = answered.origin.flow == there.flow;
    assert_eq!((back.flow == asked.origin.flow, via.params.has("alias")), (same, !same));
    same
}

#[tokio::test]
async fn requests_go_back_over_the_connection_whose_both_ends_are_verified() {
    assert!(asked_back_over_the_same(ClientCertificates::Required).await);
}

#[tokio::test]
async fn a_client_that_was_not_asked_who_it_is_gets_a_connection_of_its_own() {
    assert!(!asked_back_over_the_same(ClientCertificates::Ignored).await);
}
