//! Drives the dialog layer with commands, timers, transaction events and raw messages; nothing may panic.

#![no_main]

#[path = "../inputs/dialog_families.rs"]
mod families;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use dialog_core::{
    DialogCommand, DialogEvent, DialogOutput, DialogTimer, Dialogs, Invite, LegCommand, LegEvent, LegId,
    Refer, ReferSubscription, RegistrationId, RequestCommand, RequestEvent, RequestId, SubscriptionCommand,
    SubscriptionEvent, SubscriptionId,
};
use libfuzzer_sys::fuzz_target;
use sip_message::{Draft, Message, Response, StatusCode, SubReason};
use sip_transport::{
    CloseCause, Cx, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbound, Outbox, Random, RouteError,
    RouteId, Tick, TimerOp, Transport, UnixTime,
};
use transaction_core::{TxCommand, TxEvent, TxFailure, TxId};

struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

/// Takes the input apart.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.byte()?) * 4;
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(text)
    }
}

struct World {
    dialogs: Dialogs,
    guard: Guard,
    ids: IdMint,
    random: Seeded,
    now: Tick,
    outbox: Outbox<DialogOutput>,
    inputs: VecDeque<TxEvent>,
    routes: Vec<RouteId>,
    sent: Vec<(TxId, Message)>,
    servers: Vec<TxId>,
    legs: Vec<LegId>,
    subscriptions: Vec<SubscriptionId>,
    registrations: Vec<RegistrationId>,
    /// Requests of theirs that wait for an answer.
    asked: Vec<RequestId>,
    timers: Vec<DialogTimer>,
    tags: Vec<(String, String, String)>,
}

fn hop() -> Hop {
    Hop {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        remote: ([192, 0, 2, 20], 5060).into(),
        local: ([192, 0, 2, 1], 5060).into(),
        above: None,
        alias: false,
    }
}

fn origin() -> Origin {
    Origin {
        flow: FlowId::from(1),
        transport: Transport::Udp,
        source: hop().remote,
        local: hop().local,
        peer: None,
    }
}

fn pick<T: Clone>(from: &[T], at: u8) -> Option<T> {
    if from.is_empty() { None } else { Some(from[usize::from(at) % from.len()].clone()) }
}

impl World {
    fn new() -> Self {
        let mut random = Seeded(1);
        Self {
            dialogs: Dialogs::new(families::config()),
            guard: Guard::new(&mut random),
            ids: IdMint::default(),
            random,
            now: Tick::default(),
            outbox: Outbox::default(),
            inputs: VecDeque::new(),
            routes: Vec::new(),
            sent: Vec::new(),
            servers: Vec::new(),
            legs: Vec::new(),
            subscriptions: Vec::new(),
            registrations: Vec::new(),
            asked: Vec::new(),
            timers: Vec::new(),
            tags: Vec::new(),
        }
    }

    fn step(
        &mut self,
        act: impl FnOnce(&mut Dialogs, &mut Cx<'_>, &mut sip_transport::Out<'_, DialogOutput>),
    ) {
        let mut cx = Cx {
            now: self.now,
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        act(&mut self.dialogs, &mut cx, &mut self.outbox.out());
    }

    fn command(&mut self, command: DialogCommand) {
        self.step(|dialogs, cx, out| dialogs.command(cx, command, out));
        self.drain();
    }

    fn receive(&mut self, event: TxEvent) {
        self.step(|dialogs, cx, out| dialogs.receive(cx, event, out));
        self.drain();
        while let Some(next) = self.inputs.pop_front() {
            self.step(|dialogs, cx, out| dialogs.receive(cx, next, out));
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.outbox.pop() {
            match output {
                DialogOutput::Transaction(TxCommand::Route(route)) => self.routes.push(route.route),
                DialogOutput::Transaction(TxCommand::Request { tx, draft, .. }) => {
                    if let Some(message) = encode(&draft) {
                        self.sent.push((tx, message));
                    }
                }
                DialogOutput::Transaction(TxCommand::Ack { tx, draft, .. }) => {
                    if let Some(message) = encode(&draft) {
                        let outbound = Outbound { hop: hop(), wire: message.bytes().clone() };
                        self.inputs.push_back(TxEvent::Acked { tx, outbound });
                    }
                }
                DialogOutput::Transaction(TxCommand::Respond { wire, status, .. }) => {
                    let message = Message::parse(wire).expect("a response of ours can be read");
                    assert_eq!(message.status(), Some(status));
                }
                DialogOutput::Transaction(_) => {}
                DialogOutput::Event(DialogEvent::Leg(leg, LegEvent::Incoming(_))) => self.legs.push(leg),
                DialogOutput::Event(DialogEvent::Leg(_, LegEvent::Up(up))) => self.tags.push((
                    up.dialog.call_id.to_string(),
                    up.dialog.remote_tag.to_string(),
                    up.dialog.local_tag.to_string(),
                )),
                DialogOutput::Event(DialogEvent::Leg(leg, LegEvent::NeedDescription { .. })) => {
                    let body = match self.random.next_u64() % 8 {
                        0 => Err(StatusCode::NOT_ACCEPTABLE_HERE),
                        _ => Ok(Bytes::from_static(b"v=0")),
                    };
                    let describe = LegCommand::Describe { body };
                    self.step(|dialogs, cx, out| dialogs.command(cx, DialogCommand::Leg(leg, describe), out));
                }
                DialogOutput::Event(DialogEvent::Subscription(id, SubscriptionEvent::Requested(_))) => {
                    self.subscriptions.push(id);
                }
                DialogOutput::Event(DialogEvent::Request(id, RequestEvent::Incoming(_))) => self.asked.push(id),
                DialogOutput::Event(_) => {}
                DialogOutput::Timer(TimerOp::Arm(key, _)) => {
                    if !self.timers.contains(&key) {
                        self.timers.push(key);
                    }
                }
                DialogOutput::Timer(TimerOp::Disarm(key)) => self.timers.retain(|timer| *timer != key),
            }
        }
    }

    fn act(&mut self, script: &mut Script<'_>) -> Option<()> {
        let (kind, a, b) = (script.byte()?, script.byte()?, script.byte()?);
        match kind % 17 {
            0 => {
                let leg = self.ids.mint();
                self.legs.push(leg);
                let invite = Invite {
                    target: "sip:bob@192.0.2.20".parse().ok()?,
                    to: "<sip:bob@example.com>".parse().ok()?,
                    from: "<sip:alice@example.com>".parse().ok()?,
                    contact_user: None,
                    registration: None,
                    headers: Vec::new(),
                    extensions: Vec::new(),
                    ring_limit: Duration::from_secs(9),
                    redirects: a % 4,
                    offerless: false,
                };
                self.command(DialogCommand::Place { leg, invite: Box::new(invite) });
            }
            1 | 2 => self.message(script.text()?, a),
            3 => {
                if let Some(leg) = pick(&self.legs, a) {
                    let command = self.leg_command(b);
                    self.command(DialogCommand::Leg(leg, command));
                }
            }
            4 => {
                if let Some(id) = pick(&self.subscriptions, a) {
                    self.command(DialogCommand::Subscription(id, subscription_command(b)));
                }
            }
            5 => self.respond(script.text()?, a, b),
            6 => {
                if let Some((tx, _)) = pick(&self.sent, a) {
                    self.sent.retain(|(open, _)| *open != tx);
                    let failure = if b % 2 == 0 { TxFailure::Timeout } else { TxFailure::Flow };
                    self.receive(TxEvent::Failed { tx, failure });
                }
            }
            7 => {
                if let Some(timer) = pick(&self.timers, a) {
                    self.now = Tick::from_micros(self.now.as_micros() + u64::from(b) * 100_000);
                    self.timers.retain(|armed| *armed != timer);
                    self.step(|dialogs, cx, out| dialogs.expire(cx, timer, out));
                    self.drain();
                }
            }
            8 => {
                for route in std::mem::take(&mut self.routes) {
                    let result =
                        if b % 16 == 0 { Err(RouteError::Unresolved) } else { Ok(Hops::from_elem(hop(), 1)) };
                    self.receive(TxEvent::Routed { route, result });
                }
            }
            9 => match pick(&self.servers, a) {
                Some(tx) if b % 2 == 0 => self.receive(TxEvent::Cancelled { tx, reason: None }),
                _ => self.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Lost }),
            },
            10 => self.replace(a, b),
            11 => self.send(script.text()?, a, b),
            12 => {
                if let Some(id) = pick(&self.asked, a) {
                    self.asked.retain(|open| *open != id);
                    let status = StatusCode::new(200 + u16::from(b) * 2)?;
                    let answer = RequestCommand::Answer { status, headers: Vec::new(), body: None };
                    self.command(DialogCommand::Request(id, answer));
                }
            }
            13 => self.register(a, b),
            14 => {
                if let Some(leg) = pick(&self.legs, a) {
                    let command = self.further_leg_command(b);
                    self.command(DialogCommand::Leg(leg, command));
                }
            }
            15 => self.respond_with(script.text()?, a, b),
            _ => self.their_request(script.text()?, a, b),
        }
        Some(())
    }

    /// Delivers a message from the input; `@C`, `@F` and `@T` in it stand for the ids of a call that is up.
    fn message(&mut self, text: &[u8], a: u8) {
        let mut text = String::from_utf8_lossy(text).into_owned();
        if let Some((call_id, from, to)) = pick(&self.tags, a) {
            text = text.replace("@C", &call_id).replace("@F", &from).replace("@T", &to);
        }
        let Ok(message) = Message::parse(Bytes::from(text)) else { return };
        if !message.is_request() {
            return;
        }
        let tx: TxId = self.ids.mint();
        let via = message.vias().next().map(Into::into);
        let ack = message.method() == Some(sip_message::Method::Ack);
        let inbound = Inbound { origin: origin(), message: message.into(), via, reply: hop() };
        if ack {
            self.receive(TxEvent::StrayAck(inbound));
        } else {
            self.servers.push(tx);
            self.receive(TxEvent::Request { tx, inbound });
        }
    }

    /// All that the layer holds, but for what it has counted.
    fn held(&self) -> String {
        let counted = format!("{:?}", self.dialogs.counters());
        format!("{:?}", self.dialogs).replace(&counted, "")
    }

    /// A third party's INVITE that is to replace a call that is up, or was, or one of ours that rings.
    fn replace(&mut self, a: u8, b: u8) {
        let ringing = pick(&self.sent, a).and_then(|(_, sent)| {
            Some((sent.call_id().ok()?.to_owned(), "peer".to_owned(), sent.from_tag()?.to_owned()))
        });
        let named = if b % 4 == 0 { ringing } else { pick(&self.tags, a) };
        let Some((call_id, from_tag, to_tag)) = named else { return };
        let flag = if b % 8 == 7 { ";early-only" } else { "" };
        let before = self.held();
        let legs = self.legs.len();
        let text = format!(
            "INVITE sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKr{a}{b}\r\n\
             From: <sip:carol@example.com>;tag=c\r\nTo: <sip:us@example.com>\r\nCall-ID: third-{a}-{b}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:carol@192.0.2.30>\r\n\
             Replaces: {call_id};to-tag={to_tag};from-tag={from_tag}{flag}\r\nContent-Length: 0\r\n\r\n"
        );
        self.message(text.as_bytes(), a);
        if self.legs.len() == legs {
            assert_eq!(self.held(), before, "what is refused touches nothing");
        }
    }

    fn respond(&mut self, text: &[u8], a: u8, b: u8) {
        let Some((tx, sent)) = pick(&self.sent, a) else { return };
        let code = [100, 180, 200, 200, 202, 302, 408, 481, 487, 491, 500, 603][usize::from(b) % 12];
        let Some(status) = StatusCode::new(code) else { return };
        let text = String::from_utf8_lossy(text);
        let response = Response::to(&sent, status).to_tag("peer");
        let response =
            if b > 100 { response.contact(&text) } else { response.contact("<sip:bob@192.0.2.20>") };
        let Ok(wire) = response.body("application/sdp", text.as_bytes()).encode() else { return };
        let Ok(message) = Message::parse(wire) else { return };
        if code >= 200 && sent.method() != Some(sip_message::Method::Invite) {
            self.sent.retain(|(open, _)| *open != tx);
        }
        self.receive(TxEvent::Response { tx, origin: origin(), message: message.into() });
    }

    fn leg_command(&mut self, b: u8) -> LegCommand {
        match b % 8 {
            0 => LegCommand::Ring,
            1 | 2 => LegCommand::Accept { contact_user: None },
            3 => LegCommand::Reject { status: StatusCode::BUSY_HERE, retry_after: Some(1) },
            4 => LegCommand::Reoffer { limit: Duration::from_secs(u64::from(b)) },
            5 => {
                let subscription = self.ids.mint();
                self.subscriptions.push(subscription);
                let target = "sip:carol@example.com".parse().expect("a URI");
                let refer = Refer {
                    subscription: match b % 4 {
                        0 => ReferSubscription::Implicit,
                        1 => ReferSubscription::Suppress,
                        2 => ReferSubscription::None,
                        _ => ReferSubscription::Explicit,
                    },
                    outside: b > 200,
                    ..Refer::to(target)
                };
                LegCommand::Refer { subscription, refer: refer.into() }
            }
            6 => LegCommand::Describe { body: Err(StatusCode::BAD_REQUEST) },
            _ => LegCommand::HangUp { reason: None },
        }
    }
}

fn subscription_command(b: u8) -> SubscriptionCommand {
    match b % 6 {
        0 => SubscriptionCommand::Unsubscribe,
        1 => SubscriptionCommand::Accept { pending: b > 100, lifetime: Duration::from_secs(u64::from(b)) },
        2 => SubscriptionCommand::Refuse { status: StatusCode::DECLINE },
        3 => SubscriptionCommand::Approve,
        4 => SubscriptionCommand::Report { status: StatusCode::RINGING, headers: Vec::new(), last: None },
        _ => SubscriptionCommand::Report {
            status: StatusCode::OK,
            headers: Vec::new(),
            last: Some(SubReason::Noresource),
        },
    }
}

fn encode(draft: &Draft) -> Option<Message> {
    let contact = draft.contact_user_wanted().map(|user| hop().contact(user, false));
    let wire = draft.encode(&hop().via("z9hG4bKf"), contact.as_deref()).ok()?;
    Message::parse(wire).ok()
}

fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    let mut script = Script(data);
    while world.act(&mut script).is_some() {}
});
