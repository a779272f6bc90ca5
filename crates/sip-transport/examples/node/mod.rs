//! The smallest driver there is: the sockets, the reducer and its timers in one loop. It asks and answers OPTIONS.

use std::{
    collections::VecDeque,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use sip_message::{Draft, HeaderId, Method, Response, StatusCode, UriBuf};
use sip_transport::{
    Config, Cx, FlowEvent, Guard, IdMint, Inbound, Outbound, Outbox, Route, Tick, TimerOp, Transport,
    TransportCommand, TransportInput, TransportOutput, TransportTimer, Transports, UnixTime,
    io::{Resolver, SocketConfig, Sockets, SystemRandom, SystemResolver, local_addresses},
    wheel::Wheel,
};
use tokio::time::{Instant, sleep_until};

pub(crate) struct Node {
    sockets: Sockets,
    transports: Transports,
    timers: Wheel<TransportTimer>,
    ids: IdMint,
    random: SystemRandom,
    guard: Guard,
    started: Instant,
    inputs: Vec<TransportInput>,
    outbox: Outbox<TransportOutput>,
    events: VecDeque<FlowEvent>,
}

impl Node {
    pub(crate) fn new(config: SocketConfig) -> Self {
        let mut random = SystemRandom::default();
        let guard = Guard::new(&mut random);
        Self {
            sockets: Sockets::new(config),
            transports: Transports::new(Config::default()),
            timers: Wheel::new(),
            ids: IdMint::default(),
            random,
            guard,
            started: Instant::now(),
            inputs: Vec::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
        }
    }

    /// Listens on an address; tells the first that it stands for.
    pub(crate) fn listen(
        &mut self,
        transport: Transport,
        address: &str,
    ) -> Result<SocketAddr, Box<dyn Error>> {
        Ok(self.sockets.listen(transport, address.parse()?)?[0])
    }

    /// A node that sends by a transport; by connections it does so without listening.
    pub(crate) fn client(config: SocketConfig, transport: Transport) -> Result<Self, Box<dyn Error>> {
        let mut client = Self::new(config);
        if transport == Transport::Udp {
            client.listen(transport, "0.0.0.0:0")?;
        } else {
            for ip in local_addresses(Ipv4Addr::UNSPECIFIED.into())? {
                client.sockets.offer(transport, ip);
            }
        }
        Ok(client)
    }

    /// Answers OPTIONS with 200, for ever.
    pub(crate) async fn serve(&mut self) -> Result<(), Box<dyn Error>> {
        loop {
            if let FlowEvent::Inbound(inbound) = self.event().await
                && inbound.message.is_request()
            {
                println!("asked by {} {}", inbound.origin.transport, inbound.origin.source);
                let response = Response::to(&inbound.message, StatusCode::OK)
                    .to_tag("1")
                    .top_via(inbound.via.as_deref().unwrap_or_default());
                let outbound = Outbound { hop: inbound.reply, wire: response.encode()? };
                self.command(TransportCommand::Send(outbound));
            }
        }
    }

    /// Sends OPTIONS to a URI and waits for the answer.
    pub(crate) async fn ask(&mut self, uri: &str) -> Result<Inbound, Box<dyn Error>> {
        // What is open is told at once.
        self.sockets.next(&mut self.inputs).await;
        self.perform().await;
        let route = self.ids.mint();
        self.command(TransportCommand::Route(Route {
            route,
            uri: UriBuf::parse(uri)?,
            secure: false,
            flow: None,
        }));
        loop {
            match self.event().await {
                FlowEvent::Routed { result, .. } => {
                    let hop = result?[0];
                    let draft = Draft::request(Method::Options, uri)
                        .header(HeaderId::From, "<sip:me@example.com>;tag=1")
                        .header(HeaderId::To, format_args!("<{uri}>"))
                        .header(HeaderId::CallId, "1")
                        .header(HeaderId::CSeq, "1 OPTIONS");
                    let wire = draft
                        .encode(&hop.via("z9hG4bK1"), Some(&hop.contact(None, uri.starts_with("sips:"))))?;
                    self.command(TransportCommand::Send(Outbound { hop, wire }));
                }
                FlowEvent::Inbound(inbound) if inbound.message.is_response() => return Ok(inbound),
                FlowEvent::Ended { cause, .. } => return Err(cause.into()),
                FlowEvent::Unreachable { .. } => return Err("the request could not be sent".into()),
                FlowEvent::Inbound(_) | FlowEvent::Failed { .. } | FlowEvent::Recovered { .. } => {}
            }
        }
    }

    /// Closes everything in order.
    pub(crate) async fn shutdown(self) {
        self.sockets.shutdown(Duration::from_secs(1)).await;
    }

    async fn event(&mut self) -> FlowEvent {
        loop {
            self.perform().await;
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let due = self.timers.next().map_or(Duration::from_hours(1), |due| due.since(Tick::default()));
            tokio::select! {
                () = self.sockets.next(&mut self.inputs) => {}
                () = sleep_until(self.started + due) => {}
            }
            let now = self.now();
            while let Some(timer) = self.timers.pop(now) {
                self.step(|transports, cx, outbox| transports.expire(cx, timer, &mut outbox.out()));
            }
        }
    }

    fn now(&self) -> Tick {
        Tick::from_micros(self.started.elapsed().as_micros() as u64)
    }

    fn command(&mut self, command: TransportCommand) {
        self.step(|transports, cx, outbox| transports.command(cx, command, &mut outbox.out()));
    }

    fn step(&mut self, step: impl FnOnce(&mut Transports, &mut Cx<'_>, &mut Outbox<TransportOutput>)) {
        let mut cx = Cx {
            now: self.now(),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        step(&mut self.transports, &mut cx, &mut self.outbox);
    }

    /// Feeds what has come in and does what is wanted, until nothing is left of both.
    async fn perform(&mut self) {
        loop {
            for input in std::mem::take(&mut self.inputs) {
                self.step(|transports, cx, outbox| transports.receive(cx, input, &mut outbox.out()));
            }
            let Some(output) = self.outbox.pop() else { return };
            match output {
                TransportOutput::Flow(event) => self.events.push_back(event),
                // An engine does not wait for it here.
                TransportOutput::Resolve { route, question } => {
                    let result = SystemResolver.look_up(question.clone()).await;
                    self.inputs.push(TransportInput::Resolved { route, question, result });
                }
                TransportOutput::Timer(TimerOp::Arm(timer, after)) => {
                    self.timers.arm(self.now(), timer, after);
                }
                TransportOutput::Timer(TimerOp::Disarm(timer)) => self.timers.disarm(&timer),
                output => self.inputs.extend(self.sockets.perform(output)),
            }
        }
    }
}
