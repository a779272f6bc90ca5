//! Connections that carry requests both ways, whoever made them (RFC 5923).

use sip_transport::{AliasPolicy, Config, Transport};

use crate::bench::{Bench, answer, questions, records};

const PEER: &str = "192.0.2.20:40000";
const NAME: Option<&str> = Some("bob.example.com");

/// A request with an alias, by the peer.
fn request(transport: &str) -> String {
    format!(
        "OPTIONS sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/{transport} 192.0.2.20:5070;branch=z9hG4bKa;alias\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@192.0.2.20>;tag=b\r\nTo: <sip:alice@192.0.2.10>\r\nCall-ID: c\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

#[test]
fn an_alias_is_believed_as_the_policy_says() {
    for (policy, transport, peer, believed) in [
        (AliasPolicy::Verified, Transport::Tls, NAME, true),
        (AliasPolicy::Verified, Transport::Tls, None, false),
        (AliasPolicy::Verified, Transport::Tcp, None, false),
        (AliasPolicy::Always, Transport::Tcp, None, true),
        (AliasPolicy::Never, Transport::Tls, NAME, false),
    ] {
        let config = Config { alias: policy, ..Config::default() };
        let mut bench = Bench::with(config, &[(transport, "192.0.2.10:5061")]);
        let flow = bench.accept_peer(1, PEER, peer);
        let name = transport.via_name();
        bench.piece(flow, request(name));
        let uri = format!("sip:bob@192.0.2.20:5070;transport={name}");
        let hops = bench.route(&uri, None).expect("a hop");
        // Over TLS only for who is verified to be meant; the address is not.
        assert_eq!(hops[0].flow == flow, believed && transport == Transport::Tcp, "{policy:?} {transport}");
        if believed && transport == Transport::Tls {
            let (route, outputs) = bench.ask("sip:bob@bob.example.com:5070;transport=tls", None);
            let question = questions(&outputs).remove(0);
            let outputs = bench.resolve(route, question, Ok(records(&["192.0.2.20"])));
            assert_eq!(answer(route, outputs).expect("a hop")[0].flow, flow);
        }
    }
}

#[test]
fn an_alias_is_offered_as_the_policy_says() {
    for (policy, transport, peer, before, after) in [
        (AliasPolicy::Verified, Transport::Tls, NAME, true, true),
        // Somebody answers whom nothing verifies, where any certificate is accepted.
        (AliasPolicy::Verified, Transport::Tls, None, true, false),
        (AliasPolicy::Verified, Transport::Tcp, None, false, false),
        (AliasPolicy::Always, Transport::Tcp, None, true, true),
        (AliasPolicy::Always, Transport::Tls, None, true, true),
        (AliasPolicy::Never, Transport::Tls, NAME, false, false),
    ] {
        let config = Config { alias: policy, ..Config::default() };
        let mut bench = Bench::with(config, &[(transport, "192.0.2.10:5061")]);
        let uri = format!("sip:192.0.2.20:5070;transport={transport}");
        let expected = |alias: bool| {
            let alias = if alias { ";alias" } else { "" };
            format!("SIP/2.0/{transport} 192.0.2.10:5061;branch=z9hG4bKa;rport{alias}")
        };
        let hop = bench.route(&uri, None).expect("a hop")[0];
        assert_eq!(hop.via("z9hG4bKa"), expected(before), "{policy:?} {transport}");
        bench.send(hop, request(transport.via_name()));
        bench.connect(hop.flow, "192.0.2.10:40000", peer);
        let again = bench.route(&uri, Some(hop.flow)).expect("a hop")[0];
        assert_eq!(again.via("z9hG4bKa"), expected(after), "{policy:?} {transport}");
    }
}

#[test]
fn where_nothing_listens_or_the_other_side_made_the_connection_no_alias_is_offered() {
    let config = Config { alias: AliasPolicy::Always, ..Config::default() };
    let mut bench = Bench::with(config, &[(Transport::Tcp, "192.0.2.10:0")]);
    let (route, outputs) = bench.ask("sip:192.0.2.20;transport=tcp", None);
    let flow = crate::bench::connects(&outputs)[0].flow;
    let outputs = bench.connect(flow, "192.0.2.10:40000", None);
    let hop = answer(route, outputs).expect("a hop")[0];
    assert_eq!(hop.via("z9hG4bKa"), "SIP/2.0/TCP 192.0.2.10:40000;branch=z9hG4bKa;rport");
    let mut bench = Bench::with(config, &[(Transport::Tcp, "192.0.2.10:5060")]);
    let flow = bench.accept(1, PEER);
    let hop = bench.route("sip:192.0.2.20;transport=tcp", Some(flow)).expect("a hop")[0];
    assert!(!hop.alias);
    let mut bench = Bench::with(config, &[(Transport::Udp, "192.0.2.10:5060")]);
    assert!(!bench.route("sip:192.0.2.20", None).expect("a hop")[0].alias, "a datagram has no connection");
}
