//! The reducer on its sockets, without a layer above.

use std::{collections::VecDeque, net::SocketAddr};

use sip_transport::{
    Addresses, Answer, Config, Cx, FlowEvent, Guard, Hop, IdMint, Inbound, LookupError, Outbound, Outbox,
    Question, Records, Route, Tick, Transport, TransportCommand, TransportInput, TransportOutput, Transports,
    UnixTime,
    io::{SocketConfig, Sockets, SystemRandom},
};

use crate::bench::{address, soon};

/// One side. Every name is that of 127.0.0.1, and no timer ends.
pub(crate) struct Stack {
    pub(crate) sockets: Sockets,
    transports: Transports,
    random: SystemRandom,
    ids: IdMint,
    guard: Guard,
    inputs: Vec<TransportInput>,
    outbox: Outbox<TransportOutput>,
    events: VecDeque<FlowEvent>,
}

impl Stack {
    /// A side that listens there.
    pub(crate) async fn listening(
        config: SocketConfig,
        transport: Transport,
        at: &str,
    ) -> (Self, SocketAddr) {
        let mut sockets = Sockets::new(config);
        let local = sockets.listen(transport, address(at)).expect("loopback is there")[0];
        let mut random = SystemRandom::default();
        let guard = Guard::new(&mut random);
        let mut stack = Self {
            sockets,
            transports: Transports::new(Config::default()),
            random,
            ids: IdMint::default(),
            guard,
            inputs: Vec::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
        };
        // What is open is told at once.
        soon(stack.sockets.next(&mut stack.inputs)).await;
        stack.perform();
        (stack, local)
    }

    fn step(&mut self, step: impl FnOnce(&mut Transports, &mut Cx<'_>, &mut Outbox<TransportOutput>)) {
        let (now, unix) = (Tick::default(), UnixTime::default());
        let (random, ids, guard) = (&mut self.random, &mut self.ids, &self.guard);
        step(&mut self.transports, &mut Cx { now, unix, random, ids, guard }, &mut self.outbox);
    }

    fn command(&mut self, command: TransportCommand) {
        self.step(|transports, cx, outbox| transports.command(cx, command, &mut outbox.out()));
        self.perform();
    }

    /// Feeds what has come in and does what is wanted, until nothing is left of both.
    fn perform(&mut self) {
        loop {
            for input in std::mem::take(&mut self.inputs) {
                self.step(|transports, cx, outbox| transports.receive(cx, input, &mut outbox.out()));
            }
            match self.outbox.pop() {
                Some(TransportOutput::Flow(event)) => self.events.push_back(event),
                Some(TransportOutput::Resolve { route, question }) => {
                    let addresses: Addresses = std::iter::once(address("127.0.0.1:0").ip()).collect();
                    let result = match &question {
                        Question::Addresses(_) => Ok(Answer {
                            records: Records::Addresses(addresses),
                            ttl: std::time::Duration::MAX,
                        }),
                        Question::Naptr(_) | Question::Srv(_) => Err(LookupError::Unsupported),
                    };
                    self.inputs.push(TransportInput::Resolved { route, question, result });
                }
                Some(output) => self.inputs.extend(self.sockets.perform(output)),
                None => return,
            }
        }
    }

    async fn event(&mut self) -> FlowEvent {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            soon(self.sockets.next(&mut self.inputs)).await;
            self.perform();
        }
    }

    /// The hop for requests to a URI.
    pub(crate) async fn route(&mut self, uri: &str) -> Hop {
        let uri = sip_message::UriBuf::parse(uri).expect("test URI");
        let route = self.ids.mint();
        self.command(TransportCommand::Route(Route { route, uri, secure: false, flow: None }));
        loop {
            if let FlowEvent::Routed { result, .. } = self.event().await {
                return result.expect("a hop")[0];
            }
        }
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, hop: Hop) {
        let wire = format!(
            "OPTIONS sip:a@example.com SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: <sip:b@example.com>;tag=b\r\n\
             To: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            hop.via("z9hG4bKa")
        );
        self.command(TransportCommand::Send(Outbound { hop, wire: wire.into() }));
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Inbound {
        loop {
            if let FlowEvent::Inbound(inbound) = self.event().await {
                return inbound;
            }
        }
    }
}
