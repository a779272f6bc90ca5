//! Both layers as one: what goes in at one end and comes out at the other.

use std::{net::SocketAddr, time::Duration};

use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode, UriBuf};
use sip_transport::{
    FlowId, Hop, Outbound, Random, Route, Tick, Transport, TransportInput, TransportOutput, UnixTime,
};
use transaction_core::{Config, Layers, LayersOutput, TxCommand, TxEvent, TxFailure, TxId};

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

const LOCAL: &str = "192.0.2.10:5060";
const PEER: &str = "192.0.2.20:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("test address")
}

fn listening(transport: Transport) -> Layers {
    let config = sip_transport::Config::default();
    let mut layers = Layers::new(config, Config::default(), Box::new(Counting(0)));
    let flow = layers.mint();
    layers.receive(TransportInput::Opened { flow, transport, local: address(LOCAL) });
    assert!(layers.poll().is_none());
    layers
}

/// The one hop to the peer.
fn hop(layers: &mut Layers, uri: &str) -> Hop {
    let (route, uri) = (layers.mint(), UriBuf::parse(uri).expect("test URI"));
    layers.command(TxCommand::Route(Route { route, uri, secure: false, flow: None }));
    match layers.poll() {
        Some(LayersOutput::Event(TxEvent::Routed { result, .. })) => result.expect("a hop")[0],
        other => panic!("no answer: {other:?}"),
    }
}

fn request(layers: &mut Layers, method: Method, hop: Hop) -> TxId {
    let draft = Draft::request(method, "sip:bob@192.0.2.20")
        .header(HeaderId::From, "<sip:alice@192.0.2.10>;tag=a")
        .header(HeaderId::To, "<sip:bob@192.0.2.20>")
        .header(HeaderId::CallId, "c")
        .header(HeaderId::CSeq, format_args!("1 {method}"));
    let tx = layers.mint();
    layers.command(TxCommand::Request { tx, hops: [hop].into_iter().collect(), draft });
    tx
}

fn written(layers: &mut Layers) -> Option<Outbound> {
    match layers.poll() {
        Some(LayersOutput::Transport(TransportOutput::Write(outbound))) => Some(outbound),
        None => None,
        Some(other) => panic!("not written: {other:?}"),
    }
}

fn failures(layers: &mut Layers) -> Vec<(TxId, TxFailure)> {
    let failed = |output| match output {
        LayersOutput::Event(TxEvent::Failed { tx, failure }) => Some((tx, failure)),
        _ => None,
    };
    std::iter::from_fn(|| layers.poll()).filter_map(failed).collect()
}

#[test]
fn a_request_goes_down_and_its_answer_up() {
    let mut layers = listening(Transport::Udp);
    let hop = hop(&mut layers, "sip:192.0.2.20");
    let tx = request(&mut layers, Method::Options, hop);
    let sent = written(&mut layers).expect("sent");
    let message = Message::parse(sent.wire).expect("a request");
    let bytes = Response::to(&message, StatusCode::OK).to_tag("b").encode().expect("a response");
    layers.receive(TransportInput::Bytes { flow: sent.hop.flow, source: address(PEER), bytes });
    assert!(matches!(layers.poll(), Some(LayersOutput::Event(TxEvent::Response { tx: of, .. })) if of == tx));
    assert!(layers.poll().is_none());
}

#[test]
fn what_is_asked_goes_up_and_the_answer_down() {
    let mut layers = listening(Transport::Udp);
    let text = "OPTIONS sip:a@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n\
                From: <sip:b@example.com>;tag=b\r\nTo: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    layers.receive(TransportInput::Bytes {
        flow: FlowId::from(1),
        source: address(PEER),
        bytes: text.into(),
    });
    let Some(LayersOutput::Event(TxEvent::Request { tx, inbound })) = layers.poll() else { panic!("asked") };
    let wire = Response::to(&inbound.message, StatusCode::OK).to_tag("a").encode().expect("a response");
    layers.command(TxCommand::Respond { tx, status: StatusCode::OK, wire: wire.clone() });
    assert_eq!(written(&mut layers).expect("answered").wire, wire);
}

#[test]
fn time_fires_the_timers_of_both() {
    let mut layers = listening(Transport::Udp);
    let hop = hop(&mut layers, "sip:192.0.2.20");
    let tx = request(&mut layers, Method::Invite, hop);
    assert!(written(&mut layers).is_some());
    while let Some(next) = layers.next().filter(|next| next.as_micros() <= 31_500_000) {
        layers.advance(next, UnixTime::default());
    }
    assert_eq!(std::iter::from_fn(|| written(&mut layers)).count(), 6);
    layers.advance(Tick::from_micros(32_000_000), UnixTime::default());
    assert_eq!(failures(&mut layers), [(tx, TxFailure::Timeout)]);
    assert!(layers.transactions().is_empty());
    let (route, uri) = (layers.mint(), UriBuf::parse("sip:example.com").expect("test URI"));
    layers.command(TxCommand::Route(Route { route, uri, secure: false, flow: None }));
    assert!(matches!(layers.poll(), Some(LayersOutput::Transport(TransportOutput::Resolve { .. }))));
    layers.advance(Tick::default().after(Duration::from_secs(38)), UnixTime::default());
    assert!(
        matches!(layers.poll(), Some(LayersOutput::Transport(TransportOutput::Resolve { .. }))),
        "the next"
    );
}

#[test]
fn an_invite_that_is_cancelled_while_its_connection_is_made_is_never_written() {
    let mut layers = listening(Transport::Tcp);
    let hop = hop(&mut layers, "sip:192.0.2.20;transport=tcp");
    let tx = request(&mut layers, Method::Invite, hop);
    let Some(LayersOutput::Transport(TransportOutput::Connect(connect))) = layers.poll() else {
        panic!("a connection")
    };
    layers.command(TxCommand::Cancel { tx, reason: None });
    assert_eq!(failures(&mut layers), [(tx, TxFailure::Flow)]);
    layers.receive(TransportInput::Connected {
        flow: connect.flow,
        local: address("192.0.2.10:40000"),
        peer: None,
    });
    layers.advance(Tick::default().after(Duration::from_secs(33)), UnixTime::default());
    assert!(written(&mut layers).is_none());
    assert_eq!(layers.transports().connections(), 1, "it is there for the next");
}
