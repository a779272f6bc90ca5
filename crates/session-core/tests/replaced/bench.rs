//! One engine with media, and peers that are played by hand, in virtual time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media_core::{StreamCommand, StreamEvent};
use session_core::{
    EventKind, SessionEvent, SessionId,
    engine::{
        Command, CommandId, Delivery, Engine, EngineConfig, Input, Output, Reply, Seen, StreamAnswer,
        StreamRequest, Tap,
    },
};
use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode};
use sip_transport::{FlowId, Random, Tick, Transport, TransportInput};

struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

#[derive(Default)]
pub(crate) struct Record(pub(crate) Vec<SessionEvent>);

impl Tap for Record {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        if let Seen::Event(event) = seen {
            self.0.push(event.clone());
        }
    }
}

/// A party with one dialog with the engine.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) call_id: String,
    pub(crate) tag: String,
    /// The engine's tag, once it is known.
    pub(crate) theirs: Option<String>,
    cseq: u32,
    branch: u32,
}

/// A session description of a party.
pub(crate) fn sdp(address: SocketAddr, direction: &str) -> String {
    let ip = address.ip();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na={direction}\r\n"
    )
}

impl Peer {
    pub(crate) fn new(name: &'static str, number: u8) -> Self {
        Self {
            name,
            address: ([192, 0, 2, number], 5060).into(),
            call_id: format!("{name}-call"),
            tag: format!("{name}-tag"),
            theirs: None,
            cseq: 0,
            branch: 0,
        }
    }

    /// The same party with another call; its branches are others, too.
    pub(crate) fn calling(name: &'static str, number: u8, call_id: &str) -> Self {
        Self { call_id: call_id.into(), branch: 1000, ..Self::new(name, number) }
    }

    /// A request in its dialog, or one that begins it; an ACK has the number of what it acknowledges.
    pub(crate) fn request(
        &mut self,
        method: Method,
        headers: &[(HeaderId, &str)],
        body: Option<String>,
    ) -> Message {
        if method != Method::Ack {
            self.cseq += 1;
        }
        self.branch += 1;
        let to_tag = self.theirs.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let mut draft = Draft::request(method, "sip:us@192.0.2.1")
            .header(HeaderId::From, format_args!("<sip:{}@example.com>;tag={}", self.name, self.tag))
            .header(HeaderId::To, format_args!("<sip:us@example.com>{to_tag}"))
            .header(HeaderId::CallId, &self.call_id)
            .header(HeaderId::CSeq, format_args!("{} {method}", self.cseq))
            .header(HeaderId::MaxForwards, 70);
        for (id, value) in headers {
            draft = draft.header(*id, value);
        }
        if let Some(body) = body {
            let kind = if method == Method::Notify { "message/sipfrag" } else { "application/sdp" };
            draft = draft.body(kind, body);
        }
        let via = format!("SIP/2.0/UDP {};branch=z9hG4bK{}{}", self.address, self.name, self.branch);
        let contact = format!("<sip:{}@{}>", self.name, self.address);
        let wire = draft.contact_user(Some(self.name)).encode(&via, Some(&contact)).expect("a request");
        Message::parse(wire).expect("a message")
    }

    pub(crate) fn invite(&mut self, headers: &[(HeaderId, &str)], direction: &str) -> Message {
        let body = sdp(self.address, direction);
        self.request(Method::Invite, headers, Some(body))
    }
}

pub(crate) struct Bench {
    pub(crate) engine: Engine<Record>,
    now: Instant,
    /// What the engine sent.
    pub(crate) sent: Vec<(SocketAddr, Message)>,
    /// What it did, in order: messages by method or status with the receiver's last number, stream commands by name.
    pub(crate) order: Vec<String>,
    pub(crate) delivered: usize,
    pub(crate) replies: Vec<(CommandId, bool)>,
    /// What the streams were asked, in order.
    pub(crate) asked: Vec<StreamCommand>,
    commands: u64,
    /// The socket that what comes arrives at.
    pub(crate) flow: u64,
    /// The call that was placed or delivered last.
    pub(crate) session: Option<SessionId>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, 40)
    }

    pub(crate) fn with(set: impl FnOnce(&mut EngineConfig), ports: u16) -> Self {
        let now = Instant::now();
        let mut config = EngineConfig::new("<sip:us@192.0.2.1>".parse().expect("an identity"));
        set(&mut config);
        let engine = Engine::new(
            config,
            now,
            Duration::from_secs(1_700_000_000),
            Box::new(Seeded(7)),
            Record::default(),
        );
        let mut bench = Self {
            engine,
            now,
            sent: Vec::new(),
            order: Vec::new(),
            delivered: 0,
            replies: Vec::new(),
            asked: Vec::new(),
            commands: 0,
            flow: 1,
            session: None,
        };
        bench.listen(1, [192, 0, 2, 1]);
        bench.engine.handle(now, Input::Ports((0..ports).map(|port| 50_000 + 2 * port).collect()));
        bench.drain();
        bench
    }

    /// Opens a socket of ours.
    pub(crate) fn listen(&mut self, flow: u64, local: [u8; 4]) {
        let local = (local, 5060).into();
        let opened = TransportInput::Opened { flow: FlowId::from(flow), transport: Transport::Udp, local };
        self.engine.handle(self.now, Input::Transport(opened));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Write(outbound) => {
                    let message = Message::parse(outbound.wire).expect("what is sent can be read");
                    let to = outbound.hop.remote;
                    let what = match (message.method(), message.status()) {
                        (Some(method), _) => method.to_string(),
                        (None, status) => status.map(|status| status.to_string()).unwrap_or_default(),
                    };
                    let number = to.ip().to_string().rsplit('.').next().unwrap_or_default().to_owned();
                    self.order.push(format!("{what} {number}"));
                    self.sent.push((to, message));
                }
                Output::Stream(StreamRequest::Command(command)) => {
                    let text = format!("{command:?}");
                    let name = text.split([' ', '{']).next().unwrap_or_default().to_owned();
                    self.order.push(name);
                    self.asked.push(command);
                }
                Output::Stream(StreamRequest::OpenPort { .. }) | Output::MorePorts { .. } => {}
                Output::ReleasePort(_) => self.order.push("release".into()),
                Output::Reply { id, result } => {
                    if let Ok(Reply::Session(session)) = &result {
                        self.session = Some(*session);
                    }
                    self.replies.push((id, result.is_ok()));
                }
                Output::Deliver(Delivery::Call { session, .. }) => {
                    self.session = Some(session);
                    self.delivered += 1;
                }
                other => panic!("not expected: {other:?}"),
            }
        }
    }

    pub(crate) fn ask(&mut self, command: Command) {
        self.commands += 1;
        let id = CommandId::from(self.commands);
        self.engine.handle(self.now, Input::Command { id, command });
        self.drain();
    }

    /// The streams answer.
    pub(crate) fn answered(&mut self, answer: StreamAnswer) {
        self.engine.handle(self.now, Input::Stream(answer));
        self.drain();
    }

    /// The streams tell something.
    pub(crate) fn hear(&mut self, event: StreamEvent) {
        self.answered(StreamAnswer::Event(event));
    }

    pub(crate) fn receive(&mut self, source: SocketAddr, bytes: Bytes) {
        let input = TransportInput::Bytes { flow: FlowId::from(self.flow), source, bytes };
        self.engine.handle(self.now, Input::Transport(input));
        self.drain();
    }

    /// Delivers a request of a peer and gives the status of the last response to it.
    pub(crate) fn deliver(&mut self, peer: &mut Peer, request: &Message) -> u16 {
        let before = self.sent.len();
        self.receive(peer.address, request.bytes().clone());
        let answer = self.sent[before..].iter().rev().find(|(to, message)| {
            *to == peer.address && message.status().is_some() && message.cseq() == request.cseq()
        });
        let Some((_, answer)) = answer else { return 0 };
        if answer.status() == Some(StatusCode::OK) && request.method() == Some(Method::Invite) {
            peer.theirs = answer.to_tag().map(str::to_owned);
        }
        answer.status().expect("a response").as_u16()
    }

    /// A peer answers a request of the engine.
    pub(crate) fn answer(&mut self, peer: &Peer, request: &Message, status: u16, direction: Option<&str>) {
        let code = StatusCode::new(status).expect("a status");
        let mut response = Response::to(request, code).to_tag(&peer.tag);
        if request.method() == Some(Method::Invite) || request.method() == Some(Method::Refer) {
            response = response.contact(&format!("<sip:{}@{}>", peer.name, peer.address));
        }
        if let Some(direction) = direction {
            response = response.body("application/sdp", sdp(peer.address, direction));
        }
        let wire = response.encode().expect("a response");
        self.receive(peer.address, wire);
    }

    /// The last request of a kind that the engine sent to a peer.
    #[track_caller]
    pub(crate) fn last(&self, peer: &Peer, method: Method) -> Message {
        let found = self
            .sent
            .iter()
            .rev()
            .find(|(to, message)| *to == peer.address && message.method() == Some(method));
        found.unwrap_or_else(|| panic!("no {method}: {:?}", self.order)).1.clone()
    }

    pub(crate) fn last_response(&self, peer: &Peer) -> Message {
        let found =
            self.sent.iter().rev().find(|(to, message)| *to == peer.address && message.status().is_some());
        found.expect("a response").1.clone()
    }

    /// Where something stands in the order.
    #[track_caller]
    pub(crate) fn at(&self, what: &str) -> usize {
        self.order.iter().position(|it| it == what).unwrap_or_else(|| panic!("no {what}: {:?}", self.order))
    }

    pub(crate) fn events(&mut self) -> Vec<SessionEvent> {
        self.engine.tap().0.clone()
    }

    pub(crate) fn count(&mut self, wanted: impl Fn(&EventKind) -> bool) -> usize {
        self.engine.tap().0.iter().filter(|event| wanted(&event.kind)).count()
    }

    pub(crate) fn run(&mut self, limit: Duration) {
        let end = self.now + limit;
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// A call of a peer that is up.
    pub(crate) fn up(&mut self, peer: &mut Peer) -> SessionId {
        let invite = peer.invite(&[], "sendrecv");
        self.deliver(peer, &invite);
        let session = self.session.take().expect("delivered");
        self.ask(Command::Answer { session, source: None });
        let ok = self.last_response(peer);
        assert_eq!(ok.status(), Some(StatusCode::OK));
        peer.theirs = ok.to_tag().map(str::to_owned);
        self.ack(peer, None);
        self.order.clear();
        self.delivered = 0;
        self.engine.tap().0.clear();
        session
    }

    pub(crate) fn ack(&mut self, peer: &mut Peer, body: Option<String>) {
        let ack = peer.request(Method::Ack, &[], body);
        self.receive(peer.address, ack.bytes().clone());
    }

    #[track_caller]
    pub(crate) fn nothing_is_left(&mut self) {
        self.run(Duration::from_mins(5));
        let left = self.engine.leftovers();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The value of Replaces that names the dialog of a peer.
pub(crate) fn names(peer: &Peer) -> String {
    let theirs = peer.theirs.as_deref().expect("known");
    format!("{};to-tag={theirs};from-tag={}", peer.call_id, peer.tag)
}
