//! A bench for the reducer.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use sip_message::UriBuf;
use sip_transport::{
    Addresses, Answer, Config, Connect, Cx, FlowEvent, FlowId, Guard, Hop, Hops, IdMint, Inbound,
    LookupError, Outbound, Outbox, PeerIdentity, Question, Random, Records, Route, RouteError, RouteId, Tick,
    TimerOp, Transport, TransportCommand, TransportInput, TransportOutput, TransportTimer, Transports,
    UnixTime,
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
    /// The timers that are armed, with their time.
    pub(crate) timers: BTreeMap<TransportTimer, Duration>,
    now: Duration,
    random: Counting,
    ids: IdMint,
    guard: Guard,
}

impl Bench {
    /// Flows 1, 2, ... on these addresses.
    pub(crate) fn on(addresses: &[&str]) -> Self {
        let sockets: Vec<_> = addresses.iter().map(|local| (Transport::Udp, *local)).collect();
        Self::with(Config::default(), &sockets)
    }

    /// Sockets 1, 2, ... of these transports.
    pub(crate) fn with(config: Config, sockets: &[(Transport, &str)]) -> Self {
        let mut random = Counting(0);
        let guard = Guard::new(&mut random);
        let transports = Transports::new(config);
        let (timers, now) = (BTreeMap::new(), Duration::ZERO);
        let mut bench = Self { transports, timers, now, random, ids: IdMint::default(), guard };
        for (transport, local) in sockets {
            let flow = bench.mint();
            let opened = TransportInput::Opened { flow, transport: *transport, local: address(local) };
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
            now: Tick::from_micros(self.now.as_micros() as u64),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        run(&mut self.transports, &mut cx, &mut outbox.out());
        let outputs: Vec<_> = std::iter::from_fn(|| outbox.pop()).collect();
        for output in &outputs {
            match output {
                TransportOutput::Timer(TimerOp::Arm(timer, after)) => {
                    self.timers.insert(*timer, self.now + *after);
                }
                TransportOutput::Timer(TimerOp::Disarm(timer)) => {
                    self.timers.remove(timer);
                }
                _ => {}
            }
        }
        outputs
    }

    /// Lets time pass; what the timers that end meanwhile lead to.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<TransportOutput> {
        let end = self.now + time;
        let mut outputs = Vec::new();
        while let Some((timer, at)) =
            self.timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(_, at)| *at)
            && at <= end
        {
            self.now = at;
            self.timers.remove(&timer);
            outputs.extend(self.expire(timer));
        }
        self.now = end;
        outputs
    }

    /// A connection that came in at socket `listener` and is ready.
    pub(crate) fn accept(&mut self, listener: u64, remote: &str) -> FlowId {
        self.accept_peer(listener, remote, None)
    }

    pub(crate) fn accept_peer(&mut self, listener: u64, remote: &str, peer: Option<&str>) -> FlowId {
        let flow = self.mint();
        let accepted =
            TransportInput::Accepted { flow, listener: FlowId::from(listener), remote: address(remote) };
        assert!(self.receive(accepted).iter().all(|output| matches!(output, TransportOutput::Timer(_))));
        let local = self.transports.local(flow).expect("taken");
        let peer = peer.and_then(|name| PeerIdentity::new([Box::from(name)]));
        self.receive(TransportInput::Connected { flow, local, peer });
        flow
    }

    /// Opens the connection that is asked for, from that address of ours.
    pub(crate) fn connect(&mut self, flow: FlowId, local: &str, peer: Option<&str>) -> Vec<TransportOutput> {
        let peer = peer.and_then(|name| PeerIdentity::new([Box::from(name)]));
        self.receive(TransportInput::Connected { flow, local: address(local), peer })
    }

    /// Bytes on a connection.
    pub(crate) fn piece(&mut self, flow: FlowId, bytes: impl Into<Bytes>) -> Vec<TransportOutput> {
        let source = address("192.0.2.20:40000");
        self.receive(TransportInput::Bytes { flow, source, bytes: bytes.into() })
    }

    pub(crate) fn send(&mut self, hop: Hop, wire: impl Into<Bytes>) -> Vec<TransportOutput> {
        self.command(TransportCommand::Send(Outbound { hop, wire: wire.into() }))
    }

    /// The resolver's answer.
    pub(crate) fn resolve(
        &mut self,
        route: RouteId,
        question: Question,
        result: Result<Records, LookupError>,
    ) -> Vec<TransportOutput> {
        let result = result.map(|records| Answer { records, ttl: Duration::from_mins(1) });
        self.receive(TransportInput::Resolved { route, question, result })
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
        (route, self.command(TransportCommand::Route(Route { route, uri, secure: false, flow })))
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

/// The messages that are passed up.
pub(crate) fn inbound(outputs: &[TransportOutput]) -> Vec<&Inbound> {
    let up = |output| match output {
        &TransportOutput::Flow(FlowEvent::Inbound(ref inbound)) => Some(inbound),
        _ => None,
    };
    outputs.iter().filter_map(up).collect()
}

/// The connections that are to be made.
pub(crate) fn connects(outputs: &[TransportOutput]) -> Vec<Connect> {
    let connect = |output: &TransportOutput| match output {
        TransportOutput::Connect(connect) => Some(connect.clone()),
        _ => None,
    };
    outputs.iter().filter_map(connect).collect()
}

/// What is written.
pub(crate) fn written(outputs: &[TransportOutput]) -> Vec<Outbound> {
    let write = |output: &TransportOutput| match output {
        TransportOutput::Write(outbound) => Some(outbound.clone()),
        _ => None,
    };
    outputs.iter().filter_map(write).collect()
}

/// The flows that are told as ended.
pub(crate) fn ended(outputs: &[TransportOutput]) -> Vec<FlowId> {
    let end = |output: &TransportOutput| match output {
        TransportOutput::Flow(FlowEvent::Ended { flow, .. }) => Some(*flow),
        _ => None,
    };
    outputs.iter().filter_map(end).collect()
}

/// The connections that are to be closed.
pub(crate) fn closes(outputs: &[TransportOutput]) -> Vec<FlowId> {
    let close = |output: &TransportOutput| match output {
        TransportOutput::Close(flow) => Some(*flow),
        _ => None,
    };
    outputs.iter().filter_map(close).collect()
}

/// The questions to the resolver.
pub(crate) fn questions(outputs: &[TransportOutput]) -> Vec<Question> {
    let question = |output: &TransportOutput| match output {
        TransportOutput::Resolve { question, .. } => Some(question.clone()),
        _ => None,
    };
    outputs.iter().filter_map(question).collect()
}

pub(crate) fn records(texts: &[&str]) -> Records {
    let addresses: Addresses = texts.iter().map(|text| text.parse().expect("test address")).collect();
    Records::Addresses(addresses)
}
