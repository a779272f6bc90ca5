//! Drives subscriptions in both roles, REFERs outside of calls and requests of other methods, with messages that are built
//! around the input and parsed; nothing may panic, and once the net is silent and every timer has run out nothing is left.

#![no_main]

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use dialog_core::{
    Body, DialogCommand, DialogConfig, DialogEvent, DialogOutput, DialogTimer, Dialogs,
    ExplicitSubscriptions, Place, ReferSubscription, ReferTo, Request, RequestCommand, RequestEvent,
    RequestId, Subscribe, SubscriptionCommand, SubscriptionEvent, SubscriptionId,
};
use libfuzzer_sys::fuzz_target;
use sip_message::{Draft, HeaderId, Message, Method, Response, StatusCode, SubReason};
use sip_transport::{
    Cx, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbox, Random, RouteError, RouteId, Tick,
    TimerOp, Transport, UnixTime,
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

    /// A line of text: a length and so many bytes.
    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(String::from_utf8_lossy(text).replace(['\r', '\n'], " "))
    }
}

/// The ids of a dialog as its peer writes them: Call-ID, its tag, our tag.
type Ids = (String, String, String);

struct World {
    dialogs: Dialogs,
    guard: Guard,
    ids: IdMint,
    random: Seeded,
    now: Tick,
    outbox: Outbox<DialogOutput>,
    routes: Vec<RouteId>,
    sent: Vec<(TxId, Message)>,
    subscriptions: Vec<SubscriptionId>,
    requests: Vec<RequestId>,
    timers: BTreeMap<DialogTimer, Tick>,
    dialog_ids: Vec<Ids>,
    /// Where the states of REFERs can be had, as our responses have said.
    addresses: Vec<String>,
    cseq: u32,
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

const EVENTS: [&str; 5] = ["dialog", "presence;id=1", "refer", "refer;id=1", "other"];

fn body(b: u8) -> Option<Body> {
    (b % 2 == 0).then(|| Body { content_type: "text/plain".into(), content: Bytes::from_static(b"state") })
}

impl World {
    fn new() -> Self {
        let mut random = Seeded(1);
        let config = DialogConfig {
            legs: 8,
            subscriptions: 8,
            open_requests: 8,
            packages: vec!["dialog".into()],
            strangers: true,
            subscription_forks: 2,
            explicit: Some(ExplicitSubscriptions {
                referrals: 2,
                subscribers: 2,
                per_source: 3,
                ..ExplicitSubscriptions::default()
            }),
            requests: vec![Method::Message, Method::Options],
            ..DialogConfig::default()
        };
        Self {
            dialogs: Dialogs::new(config),
            guard: Guard::new(&mut random),
            ids: IdMint::default(),
            random,
            now: Tick::default(),
            outbox: Outbox::default(),
            routes: Vec::new(),
            sent: Vec::new(),
            subscriptions: Vec::new(),
            requests: Vec::new(),
            timers: BTreeMap::new(),
            dialog_ids: Vec::new(),
            addresses: Vec::new(),
            cseq: 0,
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
        while let Some(output) = self.outbox.pop() {
            self.take(output);
        }
        let load = self.dialogs.load();
        assert!(load.subscriptions <= 8 && load.dialogs <= 8 && load.referrals <= 2, "{load:?}");
    }

    fn command(&mut self, command: DialogCommand) {
        self.step(|dialogs, cx, out| dialogs.command(cx, command, out));
    }

    fn receive(&mut self, event: TxEvent) {
        self.step(|dialogs, cx, out| dialogs.receive(cx, event, out));
    }

    fn take(&mut self, output: DialogOutput) {
        match output {
            DialogOutput::Transaction(TxCommand::Route(route)) => self.routes.push(route.route),
            DialogOutput::Transaction(TxCommand::Request { tx, draft, .. }) => {
                let message = encode(&draft).expect("a request of ours can be written");
                let ids = (
                    message.call_id().unwrap_or_default().to_owned(),
                    message.to_tag().unwrap_or("one").to_owned(),
                    message.from_tag().unwrap_or_default().to_owned(),
                );
                if !self.dialog_ids.contains(&ids) {
                    self.dialog_ids.push(ids);
                }
                self.sent.push((tx, message));
            }
            DialogOutput::Transaction(TxCommand::Respond { wire, status, .. }) => {
                let message = Message::parse(wire).expect("a response of ours can be read");
                assert_eq!(message.status(), Some(status));
                if let Some(at) = message.refer_events_at().expect("an address of ours can be read") {
                    assert_eq!(status, StatusCode::OK);
                    self.addresses.push(at.uri.as_str().to_owned());
                }
            }
            DialogOutput::Transaction(_) => {}
            DialogOutput::Event(DialogEvent::Subscription(id, event)) => match event {
                SubscriptionEvent::Requested(_)
                | SubscriptionEvent::Subscribed(_)
                | SubscriptionEvent::Forked { .. } => self.subscriptions.push(id),
                SubscriptionEvent::Ended(_) => self.subscriptions.retain(|known| *known != id),
                _ => {}
            },
            DialogOutput::Event(DialogEvent::Request(id, RequestEvent::Incoming(_))) => {
                self.requests.push(id)
            }
            DialogOutput::Event(_) => {}
            DialogOutput::Timer(TimerOp::Arm(key, after)) => {
                let micros = u64::try_from(after.as_micros()).expect("a time that fits");
                self.timers.insert(key, Tick::from_micros(self.now.as_micros() + micros));
            }
            DialogOutput::Timer(TimerOp::Disarm(key)) => drop(self.timers.remove(&key)),
        }
    }

    fn act(&mut self, script: &mut Script<'_>) -> Option<()> {
        let (kind, a, b) = (script.byte()?, script.byte()?, script.byte()?);
        match kind % 9 {
            0 => self.begin(a, b),
            1 | 2 => self.message(a, b, &script.text()?),
            3 => self.respond(a, b, &script.text()?),
            4 => {
                if let Some(id) = pick(&self.subscriptions, a) {
                    self.command(DialogCommand::Subscription(id, subscription_command(b)));
                }
            }
            5 => self.request(a, b),
            6 => {
                for route in std::mem::take(&mut self.routes) {
                    let result =
                        if b % 16 == 0 { Err(RouteError::Unresolved) } else { Ok(Hops::from_elem(hop(), 1)) };
                    self.receive(TxEvent::Routed { route, result });
                }
            }
            7 => {
                if let Some((tx, _)) = pick(&self.sent, a) {
                    self.sent.retain(|(open, _)| *open != tx);
                    let failure = if b % 2 == 0 { TxFailure::Timeout } else { TxFailure::Flow };
                    self.receive(TxEvent::Failed { tx, failure });
                }
            }
            _ => self.wait(Duration::from_millis(u64::from(a) * u64::from(b) * 4)),
        }
        Some(())
    }

    fn wait(&mut self, time: Duration) {
        let until = Tick::from_micros(
            self.now.as_micros() + u64::try_from(time.as_micros()).expect("a time that fits"),
        );
        while let Some((key, at)) = self.timers.iter().min_by_key(|(_, at)| **at).map(|(key, at)| (*key, *at))
        {
            if at > until {
                break;
            }
            self.timers.remove(&key);
            self.now = at;
            self.step(|dialogs, cx, out| dialogs.expire(cx, key, out));
        }
        self.now = until;
    }

    fn begin(&mut self, a: u8, b: u8) {
        let id = self.ids.mint();
        self.subscriptions.push(id);
        let target = "sip:bob@192.0.2.20".parse().expect("a URI");
        let to = "<sip:bob@example.com>".parse().expect("an address");
        let from = "<sip:alice@example.com>".parse().expect("an address");
        let command = if a % 3 == 0 {
            SubscriptionCommand::ReferTo(Box::new(ReferTo {
                target,
                to,
                from,
                contact_user: None,
                registration: None,
                refer_to: "sip:carol@example.com".parse().expect("a URI"),
                referred_by: None,
                about: None,
                subscription: match b % 4 {
                    0 => ReferSubscription::Implicit,
                    1 => ReferSubscription::Suppress,
                    2 => ReferSubscription::None,
                    _ => ReferSubscription::Explicit,
                },
                headers: Vec::new(),
            }))
        } else {
            SubscriptionCommand::Subscribe(Box::new(Subscribe {
                target,
                to,
                from,
                contact_user: None,
                registration: None,
                package: if a % 3 == 1 { "dialog".into() } else { "presence".into() },
                id: (a % 3 == 2).then(|| "1".into()),
                accept: Vec::new(),
                expires: u32::from(b) * 8,
                headers: Vec::new(),
                body: body(b),
            }))
        };
        self.command(DialogCommand::Subscription(id, command));
    }

    fn request(&mut self, a: u8, b: u8) {
        if let (Some(id), true) = (pick(&self.requests, a), b % 2 == 0) {
            self.requests.retain(|known| *known != id);
            let status = StatusCode::new(u16::from(b) * 4).unwrap_or(StatusCode::OK);
            let answer = RequestCommand::Answer { status, headers: Vec::new(), body: body(b / 2) };
            return self.command(DialogCommand::Request(id, answer));
        }
        let id = self.ids.mint();
        let request = Request {
            place: Place::Outside {
                target: "sip:bob@192.0.2.20".parse().expect("a URI"),
                to: "<sip:bob@example.com>".parse().expect("an address"),
                from: "<sip:alice@example.com>".parse().expect("an address"),
                registration: None,
            },
            method: [Method::Message, Method::Options, Method::Info, Method::Bye][usize::from(a) % 4],
            headers: Vec::new(),
            extensions: Vec::new(),
            body: body(b),
        };
        self.command(DialogCommand::Request(id, RequestCommand::Send(Box::new(request))));
    }

    /// A request of the peer. Its last line is the input's.
    fn message(&mut self, a: u8, b: u8, line: &str) {
        self.cseq += u32::from(b % 8 != 7);
        let method = [Method::Notify, Method::Notify, Method::Subscribe, Method::Refer, Method::Message]
            [usize::from(b) % 5];
        let (call_id, from_tag, to_tag) = match pick(&self.dialog_ids, a / 4) {
            Some((call_id, from, to)) if a % 4 != 3 => {
                (call_id, if a % 4 == 2 { "two".into() } else { from }, format!(";tag={to}"))
            }
            _ => (format!("their-{a}"), "three".into(), String::new()),
        };
        // A SUBSCRIBE to what becomes of a REFER, or a REFER of which that can be had.
        let at = pick(&self.addresses, a).filter(|_| method == Method::Subscribe && to_tag.is_empty());
        let event = if at.is_some() { "refer" } else { EVENTS[usize::from(b / 5) % EVENTS.len()] };
        let uri = at.unwrap_or_else(|| "sip:alice@192.0.2.1".to_owned());
        let require = if method == Method::Refer && b / 5 % 2 == 0 { "Require: explicitsub\r\n" } else { "" };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK{}\r\n\
             From: <sip:bob@example.com>;tag={from_tag}\r\nTo: <sip:alice@example.com>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {} {method}\r\nContact: <sip:bob@192.0.2.20>\r\nEvent: {event}\r\n\
             {require}Refer-To: <sip:carol@example.com>\r\n{line}\r\nContent-Length: 0\r\n\r\n",
            self.cseq, self.cseq,
        );
        let Ok(message) = Message::parse(Bytes::from(text)) else { return };
        let tx: TxId = self.ids.mint();
        let via = message.vias().next().map(Into::into);
        self.receive(TxEvent::Request {
            tx,
            inbound: Inbound { origin: origin(), message: message.into(), via, reply: hop() },
        });
    }

    fn respond(&mut self, a: u8, b: u8, line: &str) {
        let Some((tx, sent)) = pick(&self.sent, a) else { return };
        let code = [200, 200, 202, 180, 302, 423, 408, 481, 489, 500, 503, 603][usize::from(b) % 12];
        let Some(status) = StatusCode::new(code) else { return };
        let mut response = Response::to(&sent, status)
            .to_tag(if b > 128 { "two" } else { "one" })
            .contact("<sip:bob@192.0.2.20>");
        let header = [HeaderId::Expires, HeaderId::MinExpires, HeaderId::ReferSub, HeaderId::RetryAfter];
        response.push(header[usize::from(b) / 12 % 4], line);
        let Ok(wire) = response.encode() else { return };
        let Ok(message) = Message::parse(wire) else { return };
        if code >= 200 {
            self.sent.retain(|(open, _)| *open != tx);
        }
        self.receive(TxEvent::Response { tx, origin: origin(), message: message.into() });
    }

    /// Nobody answers any more: what goes out fails, until nothing is left.
    fn silence(&mut self) {
        for _ in 0..2_000 {
            for route in std::mem::take(&mut self.routes) {
                self.receive(TxEvent::Routed { route, result: Ok(Hops::from_elem(hop(), 1)) });
            }
            for (tx, _) in std::mem::take(&mut self.sent) {
                self.receive(TxEvent::Failed { tx, failure: TxFailure::Timeout });
            }
            self.wait(Duration::from_secs(600));
            if self.dialogs.is_empty() && self.timers.is_empty() {
                assert_eq!(self.dialogs.load().referrals, 0);
                return;
            }
        }
        panic!("something is left: {:#?}", self.dialogs);
    }
}

fn subscription_command(b: u8) -> SubscriptionCommand {
    let longest = Duration::from_secs(u64::from(b) * 8);
    match b % 9 {
        0 => SubscriptionCommand::Unsubscribe,
        1 => SubscriptionCommand::Accept { pending: b > 100, lifetime: longest },
        2 => SubscriptionCommand::AcceptUnreported,
        3 => SubscriptionCommand::Grant { pending: b > 100, longest, body: body(b / 9) },
        4 => SubscriptionCommand::Notify { body: body(b / 9) },
        5 => SubscriptionCommand::Terminate {
            reason: SubReason::Giveup,
            retry_after: Some(5),
            body: body(b / 9),
        },
        6 => SubscriptionCommand::Refuse {
            status: if b > 100 { StatusCode::DECLINE } else { StatusCode::NOT_FOUND },
        },
        7 => SubscriptionCommand::Approve,
        _ => SubscriptionCommand::Report {
            status: StatusCode::OK,
            headers: Vec::new(),
            last: (b > 100).then_some(SubReason::Noresource),
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
    world.silence();
});
