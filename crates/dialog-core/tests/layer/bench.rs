//! A bench for the layer alone: answers routes and descriptions, keeps time, and plays the peer by hand.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use dialog_core::{
    DialogCommand, DialogConfig, DialogEvent, DialogOutput, DialogTimer, Dialogs, Established, Invite,
    LegCommand, LegEvent, LegId, SubscriptionCommand, SubscriptionEvent, SubscriptionId, Turn,
};
use sip_message::{Draft, Message, Method, Response, StatusCode};
use sip_transport::{
    Cx, FlowId, Guard, Hop, Hops, IdMint, Inbound, Origin, Outbound, Outbox, Random, Route, RouteError, Tick,
    TimerOp, Transport, UnixTime,
};
use transaction_core::{TxCommand, TxEvent, TxFailure, TxId};

pub(crate) use crate::values::{address_of, code, hop, invite, origin, remote, uri};

use crate::theirs::Theirs;

pub(crate) const OFFER: &str = "v=0 offer";
pub(crate) const ANSWER: &str = "v=0 answer";
pub(crate) const PEER_TAG: &str = "peer-tag";

/// xorshift: the same numbers in every run.
pub(crate) struct Seeded(pub u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A request that left the layer.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) tx: TxId,
    pub(crate) message: Message,
}

/// A response that left the layer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) tx: TxId,
    pub(crate) status: u16,
    pub(crate) message: Message,
}

pub(crate) struct Bench {
    pub(crate) dialogs: Dialogs,
    pub(crate) guard: Guard,
    pub(crate) ids: IdMint,
    pub(crate) random: Seeded,
    pub(crate) now: Tick,
    pub(crate) timers: BTreeMap<DialogTimer, Tick>,
    outbox: Outbox<DialogOutput>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) acks: Vec<Sent>,
    pub(crate) resent: Vec<Outbound>,
    pub(crate) answered: Vec<Answered>,
    pub(crate) cancelled: Vec<(TxId, Option<Box<str>>)>,
    pub(crate) events: Vec<DialogEvent>,
    /// What happened, in order, in one word each.
    pub(crate) order: Vec<String>,
    pub(crate) routes: Vec<Route>,
    /// Whether routes are answered at once.
    pub(crate) route_at_once: bool,
    /// What routes are answered with.
    pub(crate) no_route: Option<RouteError>,
    /// Whether descriptions are given at once.
    pub(crate) describe_at_once: bool,
    /// What is given.
    pub(crate) description: Option<&'static str>,
    /// What refuses an offer where the description is empty.
    pub(crate) refusal: StatusCode,
    peer_cseq: u32,
    /// The flow by which the peer is heard and reached.
    pub(crate) flow: u64,
    /// Its transport.
    pub(crate) transport: Transport,
    /// Flows that are kept, and how often they are to be pinged.
    pub(crate) kept: BTreeMap<(FlowId, SocketAddr), Option<Duration>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(DialogConfig::default())
    }

    pub(crate) fn with(config: DialogConfig) -> Self {
        let mut random = Seeded(0x9e37_79b9_7f4a_7c15);
        Self {
            dialogs: Dialogs::new(config),
            guard: Guard::new(&mut random),
            ids: IdMint::default(),
            random,
            now: Tick::default(),
            timers: BTreeMap::new(),
            outbox: Outbox::default(),
            sent: Vec::new(),
            acks: Vec::new(),
            resent: Vec::new(),
            answered: Vec::new(),
            cancelled: Vec::new(),
            events: Vec::new(),
            order: Vec::new(),
            routes: Vec::new(),
            route_at_once: true,
            no_route: None,
            describe_at_once: true,
            description: None,
            refusal: StatusCode::NOT_ACCEPTABLE_HERE,
            peer_cseq: 100,
            flow: 1,
            transport: Transport::Udp,
            kept: BTreeMap::new(),
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

    pub(crate) fn command(&mut self, command: DialogCommand) {
        self.step(|dialogs, cx, out| dialogs.command(cx, command, out));
        self.drain();
    }

    pub(crate) fn receive(&mut self, event: TxEvent) {
        self.step(|dialogs, cx, out| dialogs.receive(cx, event, out));
        self.drain();
    }

    pub(crate) fn leg(&mut self, leg: LegId, command: LegCommand) {
        self.command(DialogCommand::Leg(leg, command));
    }

    pub(crate) fn subscription(&mut self, id: SubscriptionId, command: SubscriptionCommand) {
        self.command(DialogCommand::Subscription(id, command));
    }

    fn drain(&mut self) {
        while let Some(output) = self.outbox.pop() {
            match output {
                DialogOutput::Transaction(command) => self.transaction(command),
                DialogOutput::Event(event) => self.event(event),
                DialogOutput::Timer(TimerOp::Arm(key, after)) => {
                    let micros = u64::try_from(after.as_micros()).expect("a time that fits");
                    self.timers.insert(key, Tick::from_micros(self.now.as_micros() + micros));
                }
                DialogOutput::Timer(TimerOp::Disarm(key)) => {
                    self.timers.remove(&key);
                }
            }
        }
    }

    fn transaction(&mut self, command: TxCommand) {
        match command {
            TxCommand::Route(route) => {
                self.order.push("route".into());
                if self.route_at_once {
                    self.answer_route(&route);
                }
                self.routes.push(route);
            }
            TxCommand::Request { tx, hops, draft } => {
                let message = encode(&draft, &hops);
                self.order.push(draft.method().to_string());
                self.sent.push(Sent { tx, message });
            }
            TxCommand::Respond { tx, status, wire } => {
                let message = Message::parse(wire).expect("a response");
                assert_eq!(message.status(), Some(status));
                self.order.push(status.as_u16().to_string());
                self.answered.push(Answered { tx, status: status.as_u16(), message });
            }
            TxCommand::Resend(outbound) => {
                self.order.push("resend".into());
                self.resent.push(outbound);
            }
            TxCommand::Ack { tx, hops, draft } => {
                let message = encode(&draft, &hops);
                self.order.push("ACK".into());
                let outbound = Outbound { hop: hops[0], wire: message.bytes().clone() };
                self.acks.push(Sent { tx, message });
                self.step(|dialogs, cx, out| dialogs.receive(cx, TxEvent::Acked { tx, outbound }, out));
            }
            TxCommand::Cancel { tx, reason } => {
                self.order.push("CANCEL".into());
                self.cancelled.push((tx, reason));
            }
            TxCommand::Keep { flow, remote, every } => drop(self.kept.insert((flow, remote), every)),
            TxCommand::LetGo { flow, remote } => drop(self.kept.remove(&(flow, remote)).expect("was kept")),
        }
    }

    pub(crate) fn answer_route(&mut self, route: &Route) {
        let flow = route.flow.unwrap_or(FlowId::from(self.flow));
        let result = match self.no_route {
            Some(error) => Err(error),
            None => Ok(Hops::from_elem(Hop { flow, transport: self.transport, ..hop() }, 1)),
        };
        let route = route.route;
        self.step(|dialogs, cx, out| dialogs.receive(cx, TxEvent::Routed { route, result }, out));
        self.drain();
    }

    fn event(&mut self, event: DialogEvent) {
        self.order.push(word(&event));
        self.events.push(event.clone());
        if let (DialogEvent::Leg(leg, LegEvent::NeedDescription { turn, .. }), true) =
            (event, self.describe_at_once)
        {
            let usual = match turn {
                Turn::Offer => OFFER,
                Turn::Answer => ANSWER,
            };
            let text = Some(self.description.unwrap_or(usual)).filter(|text| !text.is_empty());
            let body = text.map(Bytes::from).ok_or(self.refusal);
            self.step(|dialogs, cx, out| {
                dialogs.command(cx, DialogCommand::Leg(leg, LegCommand::Describe { body }), out);
            });
            self.drain();
        }
    }

    /// Lets time pass; every timer that is due runs out at its moment.
    pub(crate) fn advance(&mut self, by: Duration) {
        let target = self.now.as_micros() + u64::try_from(by.as_micros()).expect("a time that fits");
        for expired in 0.. {
            let Some((key, at)) = self.next_timer().filter(|it| it.1.as_micros() <= target) else { break };
            self.now = at;
            assert!(self.timers.remove(&key).is_some() && expired < 100_000, "{key:?} without end");
            self.step(|dialogs, cx, out| dialogs.expire(cx, key, out));
            self.drain();
        }
        self.now = Tick::from_micros(target);
    }

    pub(crate) fn next_timer(&self) -> Option<(DialogTimer, Tick)> {
        self.timers.iter().min_by_key(|(key, at)| (**at, **key)).map(|(key, at)| (*key, *at))
    }

    pub(crate) fn place(&mut self) -> LegId {
        self.place_with(invite())
    }

    pub(crate) fn place_with(&mut self, invite: Invite) -> LegId {
        let leg = self.ids.mint();
        self.command(DialogCommand::Place { leg, invite: Box::new(invite) });
        leg
    }

    pub(crate) fn last_sent(&self) -> Sent {
        self.sent.last().expect("a request was sent").clone()
    }

    pub(crate) fn last_of(&self, method: Method) -> Sent {
        let found = self.sent.iter().rev().find(|sent| sent.message.method() == Some(method));
        found.unwrap_or_else(|| panic!("no {method} was sent")).clone()
    }

    pub(crate) fn count_of(&self, method: Method) -> usize {
        self.sent.iter().filter(|sent| sent.message.method() == Some(method)).count()
    }

    pub(crate) fn last_status(&self) -> u16 {
        self.answered.last().expect("a response was sent").status
    }

    pub(crate) fn last_answer(&self) -> Message {
        self.answered.last().expect("a response was sent").message.clone()
    }

    /// Answers a request of ours.
    pub(crate) fn reply(
        &mut self,
        sent: &Sent,
        status: u16,
        tag: &str,
        dress: impl FnOnce(Response<'_>) -> Response<'_>,
    ) {
        let response = dress(Response::to(&sent.message, code(status)).to_tag(tag));
        let message = Message::parse(response.encode().expect("a response")).expect("a message");
        let origin = Origin { flow: FlowId::from(self.flow), transport: self.transport, ..origin() };
        self.receive(TxEvent::Response { tx: sent.tx, origin, message: message.into() });
    }

    /// Answers an INVITE of ours as an RFC 2543 peer does: without a tag.
    pub(crate) fn reply_without_tag(&mut self, sent: &Sent, status: u16) {
        let response = Response::to(&sent.message, code(status)).contact("<sip:bob@192.0.2.20>");
        let wire = response.body("application/sdp", ANSWER).encode().expect("a response");
        let message = Message::parse(wire).expect("a message");
        self.receive(TxEvent::Response { tx: sent.tx, origin: origin(), message: message.into() });
    }

    pub(crate) fn ok(&mut self, sent: &Sent) {
        self.reply(sent, 200, PEER_TAG, |response| response);
    }

    /// Answers an INVITE of ours.
    pub(crate) fn pick_up(&mut self, sent: &Sent, tag: &str) {
        self.reply(sent, 200, tag, |response| {
            response.contact("<sip:bob@192.0.2.20>").body("application/sdp", ANSWER)
        });
    }

    pub(crate) fn fail(&mut self, sent: &Sent, failure: TxFailure) {
        self.receive(TxEvent::Failed { tx: sent.tx, failure });
    }

    /// A call of ours that is up.
    pub(crate) fn placed(&mut self) -> LegId {
        let leg = self.place();
        let invite = self.last_of(Method::Invite);
        self.pick_up(&invite, PEER_TAG);
        assert!(self.has_up(leg), "{:?}", self.order);
        self.clear();
        leg
    }

    /// A call of theirs that is up and acknowledged.
    pub(crate) fn answered_call(&mut self) -> LegId {
        let leg = self.incoming(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)).1;
        self.leg(leg, LegCommand::Accept { contact_user: Some("alice".into()) });
        let answer = self.last_answer();
        self.ack(&answer, None);
        assert!(self.has_up(leg), "{:?}", self.order);
        self.clear();
        leg
    }

    /// A new call of theirs.
    pub(crate) fn incoming(&mut self, request: Theirs) -> (TxId, LegId) {
        let tx = self.request(request);
        let leg = self
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                DialogEvent::Leg(leg, LegEvent::Incoming(_)) => Some(*leg),
                _ => None,
            })
            .expect("a call came in");
        (tx, leg)
    }

    /// Delivers a request of the peer.
    #[expect(clippy::needless_pass_by_value, reason = "requests are made where they are delivered")]
    pub(crate) fn request(&mut self, request: Theirs) -> TxId {
        let tx: TxId = self.ids.mint();
        let inbound = inbound(request.message(tx.number()));
        self.receive(TxEvent::Request { tx, inbound });
        tx
    }

    /// A request of the peer in the dialog of a leg that is or was up.
    pub(crate) fn theirs(&mut self, method: Method, established: &Established) -> Theirs {
        self.peer_cseq += 1;
        Theirs {
            method,
            uri: "sip:alice@192.0.2.1".into(),
            call_id: established.dialog.call_id.to_string(),
            from_tag: established.dialog.remote_tag.to_string(),
            to_tag: Some(established.dialog.local_tag.to_string()),
            cseq: self.peer_cseq,
            headers: Vec::new(),
            body: None,
        }
    }

    /// The peer's ACK to a 2xx of ours.
    pub(crate) fn ack(&mut self, ok: &Message, body: Option<&str>) {
        let theirs = Theirs {
            method: Method::Ack,
            uri: "sip:alice@192.0.2.1".into(),
            call_id: ok.call_id().expect("a Call-ID").into(),
            from_tag: ok.from_tag().expect("a tag").into(),
            to_tag: ok.to_tag().map(Into::into),
            cseq: ok.cseq().expect("a CSeq").number,
            headers: Vec::new(),
            body: body.map(|body| ("application/sdp".into(), body.into())),
        };
        let number = self.ids.mint::<TxId>().number();
        self.receive(TxEvent::StrayAck(inbound(theirs.message(number))));
    }

    /// Forgets what was recorded so far, apart from who is up.
    pub(crate) fn clear(&mut self) {
        self.sent.clear();
        self.acks.clear();
        self.resent.clear();
        self.answered.clear();
        self.cancelled.clear();
        self.order.clear();
        self.routes.clear();
        self.events.retain(|event| matches!(event, DialogEvent::Leg(_, LegEvent::Up(_))));
    }

    pub(crate) fn has_up(&self, leg: LegId) -> bool {
        self.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Up(_)))
    }

    pub(crate) fn established(&self, leg: LegId) -> Established {
        self.leg_events(leg)
            .into_iter()
            .find_map(|event| match event {
                LegEvent::Up(established) => Some(*established),
                _ => None,
            })
            .expect("the leg is up")
    }

    pub(crate) fn leg_events(&self, leg: LegId) -> Vec<LegEvent> {
        self.events
            .iter()
            .filter_map(|event| match event {
                DialogEvent::Leg(id, event) if *id == leg => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn subscription_events(&self, id: SubscriptionId) -> Vec<SubscriptionEvent> {
        self.events
            .iter()
            .filter_map(|event| match event {
                DialogEvent::Subscription(of, event) if *of == id => Some(event.clone()),
                _ => None,
            })
            .collect()
    }

    /// The REFER that came in last.
    pub(crate) fn requested(&self) -> SubscriptionId {
        self.events
            .iter()
            .rev()
            .find_map(|event| match event {
                DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => Some(*id),
                _ => None,
            })
            .expect("a REFER came in")
    }

    pub(crate) fn ended(&self, leg: LegId) -> Option<dialog_core::EndCause> {
        self.leg_events(leg).into_iter().find_map(|event| match event {
            LegEvent::Ended(cause) => Some(cause),
            _ => None,
        })
    }

    /// Whether nothing is left, not even a memory.
    pub(crate) fn is_clean(&self) -> bool {
        self.dialogs.is_empty() && self.dialogs.tombstones() == 0 && self.timers.is_empty()
    }

    /// Checks that after the time of every timer nothing is left.
    #[track_caller]
    pub(crate) fn assert_clean(&mut self) {
        self.advance(Duration::from_secs(90));
        assert!(self.is_clean(), "{:?} {:?} {:#?}", self.dialogs.load(), self.timers, self.dialogs);
    }
}

pub(crate) fn inbound(message: Message) -> Inbound {
    let via = message.vias().next().map(|via| format!("{via};received=192.0.2.20").into());
    Inbound { origin: origin(), via, message: message.into(), reply: hop() }
}

fn encode(draft: &Draft, hops: &Hops) -> Message {
    let hop = hops[0];
    let contact = draft.contact_user_wanted().map(|user| hop.contact(user, false));
    let wire = draft.encode(&hop.via("z9hG4bKx"), contact.as_deref()).expect("a request that can be encoded");
    Message::parse(wire).expect("a request that can be read")
}

fn word(event: &DialogEvent) -> String {
    let text = match event {
        DialogEvent::Leg(_, event) => format!("{event:?}"),
        DialogEvent::Subscription(_, event) => format!("{event:?}"),
        DialogEvent::Registration(_, event) => format!("{event:?}"),
        DialogEvent::Request(_, event) => format!("{event:?}"),
    };
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
