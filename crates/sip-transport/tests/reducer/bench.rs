//! A bench for the reducer.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::UriBuf;
use sip_transport::{
    Config, Cx, FlowEvent, FlowId, Guard, Hops, IdMint, Inbound, Outbox, Random, Route, RouteError, RouteId,
    Tick, Transport, TransportCommand, TransportInput, TransportOutput, TransportTimer, Transports, UnixTime,
};

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("test address")
}

pub(crate) struct Bench {
    pub(crate) transports: Transports,
    random: Counting,
    ids: IdMint,
    guard: Guard,
}

impl Bench {
    /// Flows 1, 2, ... on these addresses.
    pub(crate) fn on(addresses: &[&str]) -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        let transports = Transports::new(Config::default());
        let mut bench = Self { transports, random, ids: IdMint::default(), guard };
        for local in addresses {
            let flow = bench.mint();
            let opened = TransportInput::Opened { flow, transport: Transport::Udp, local: address(local) };
            assert!(bench.receive(opened).is_empty());
        }
        bench
    }

    fn step(
        &mut self,
        run: impl FnOnce(&mut Transports, &mut Cx<'_>, &mut sip_transport::Out<'_, TransportOutput>),
    ) -> Vec<TransportOutput> {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::default(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transports, &mut cx, &mut outbox.out());
        std::iter::from_fn(|| outbox.pop()).collect()
    }

    pub(crate) fn mint<I: From<u64>>(&mut self) -> I {
        self.ids.mint()
    }

    pub(crate) fn command(&mut self, command: TransportCommand) -> Vec<TransportOutput> {
        self.step(|transports, cx, out| transports.command(cx, command, out))
    }

    pub(crate) fn receive(&mut self, input: TransportInput) -> Vec<TransportOutput> {
        self.step(|transports, cx, out| transports.receive(cx, input, out))
    }

    pub(crate) fn expire(&mut self, timer: TransportTimer) -> Vec<TransportOutput> {
        self.step(|transports, cx, out| transports.expire(cx, timer, out))
    }

    /// A datagram on the first flow; the message that is passed up, if one is.
    pub(crate) fn arrive(&mut self, source: &str, bytes: impl Into<Bytes>) -> Option<Inbound> {
        let input =
            TransportInput::Bytes { flow: FlowId::from(1), source: address(source), bytes: bytes.into() };
        let mut outputs = self.receive(input);
        assert!(outputs.len() <= 1);
        match outputs.pop() {
            Some(TransportOutput::Flow(FlowEvent::Inbound(inbound))) => Some(inbound),
            None => None,
            Some(other) => panic!("a datagram leads to a message or nothing, not {other:?}"),
        }
    }

    pub(crate) fn ask(&mut self, uri: &str, flow: Option<FlowId>) -> (RouteId, Vec<TransportOutput>) {
        let route = self.mint();
        let uri = UriBuf::parse(uri).expect("test URI");
        (route, self.command(TransportCommand::Route(Route { route, uri, flow })))
    }

    /// The answer to a route that is known at once.
    pub(crate) fn route(&mut self, uri: &str, flow: Option<FlowId>) -> Result<Hops, RouteError> {
        let (asked, outputs) = self.ask(uri, flow);
        answer(asked, outputs)
    }
}

/// The one answer to a route.
pub(crate) fn answer(asked: RouteId, outputs: Vec<TransportOutput>) -> Result<Hops, RouteError> {
    let mut answers = outputs.into_iter().filter_map(|output| match output {
        TransportOutput::Flow(FlowEvent::Routed { route, result }) => Some((route, result)),
        _ => None,
    });
    let (route, result) = answers.next().expect("an answer");
    assert_eq!(route, asked);
    assert!(answers.next().is_none(), "exactly one answer");
    result
}
