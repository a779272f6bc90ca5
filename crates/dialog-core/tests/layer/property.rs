//! Random interleavings: nothing panics, numbers rise, one INVITE at a time, one end each, and nothing is
//! left.

use std::{collections::BTreeMap, time::Duration};

use dialog_core::{
    DialogEvent, LegCommand, LegEvent, LegId, Refer, SubscriptionCommand, SubscriptionEvent, SubscriptionId,
};
use proptest::prelude::*;
use sip_message::{HeaderId, Message, Method, StatusCode, SubReason};
use sip_transport::FlowId;
use transaction_core::{TxEvent, TxFailure, TxId};

use crate::{
    bench::{ANSWER, Bench, OFFER, Sent, code, invite, uri},
    theirs::Theirs,
};

const STATUSES: [u16; 23] = [
    422, 183, 183, 100, 180, 183, 200, 200, 200, 202, 302, 401, 404, 408, 481, 481, 486, 487, 491, 491, 500,
    503, 603,
];
const TAGS: [&str; 3] = ["peer-tag", "peer-tag", "fork"];

/// Plays transactions and peer around a bench.
struct World {
    bench: Bench,
    legs: Vec<LegId>,
    subscriptions: Vec<SubscriptionId>,
    /// Client transactions without a final outcome.
    open: Vec<Sent>,
    /// INVITEs that were accepted: their 2xx may be repeated.
    accepted: Vec<Sent>,
    /// Server transactions of INVITEs that have no final response.
    waiting: Vec<TxId>,
    seen_sent: usize,
    seen_events: usize,
    ups: BTreeMap<LegId, dialog_core::Established>,
    last_cseq: BTreeMap<(String, String), u32>,
    ended: Vec<DialogEvent>,
    calls: u32,
    /// The number of the peer's last request in an early dialog.
    early_cseq: u32,
}

impl World {
    fn new() -> Self {
        Self {
            bench: Bench::new(),
            legs: Vec::new(),
            subscriptions: Vec::new(),
            open: Vec::new(),
            accepted: Vec::new(),
            waiting: Vec::new(),
            seen_sent: 0,
            seen_events: 0,
            ups: BTreeMap::new(),
            last_cseq: BTreeMap::new(),
            ended: Vec::new(),
            calls: 0,
            early_cseq: 1,
        }
    }

    /// Takes note of what came out, and checks what must always hold.
    fn look(&mut self) {
        for sent in &self.bench.sent[self.seen_sent..] {
            let message = &sent.message;
            let cseq = message.cseq().expect("a CSeq").number;
            let call_id = message.call_id().expect("a Call-ID").to_owned();
            if let Some(tag) = message.to_tag() {
                let last = self.last_cseq.entry((call_id.clone(), tag.to_owned())).or_default();
                assert!(cseq > *last, "CSeq {cseq} after {last}");
                *last = cseq;
            }
            if message.method() == Some(Method::Invite) {
                let same = |open: &&Sent| {
                    open.message.method() == Some(Method::Invite) && open.message.call_id() == Ok(&call_id)
                };
                assert_eq!(self.open.iter().filter(same).count(), 0, "two INVITEs in flight");
            }
            self.open.push(sent.clone());
        }
        self.seen_sent = self.bench.sent.len();
        let fresh: Vec<DialogEvent> = self.bench.events[self.seen_events..].to_vec();
        for event in fresh {
            match &event {
                DialogEvent::Leg(leg, LegEvent::Incoming(_)) => self.legs.push(*leg),
                DialogEvent::Leg(leg, LegEvent::Up(up)) => {
                    assert!(self.ups.insert(*leg, (**up).clone()).is_none(), "up twice");
                }
                DialogEvent::Leg(leg, LegEvent::Ended(_)) => {
                    assert!(!self.has_ended(&event), "{leg} ended twice");
                    self.ended.push(event.clone());
                }
                DialogEvent::Subscription(id, SubscriptionEvent::Requested(_)) => {
                    self.subscriptions.push(*id);
                }
                DialogEvent::Subscription(_, SubscriptionEvent::Ended(_)) => {
                    assert!(!self.has_ended(&event), "a subscription ended twice");
                    self.ended.push(event.clone());
                }
                DialogEvent::Leg(_, LegEvent::Misused(_))
                | DialogEvent::Subscription(_, SubscriptionEvent::Misused(_)) => {}
                other => assert!(!self.has_ended(other), "{other:?} after the end"),
            }
        }
        self.seen_events = self.bench.events.len();
    }

    fn has_ended(&self, event: &DialogEvent) -> bool {
        self.ended.iter().any(|ended| match (ended, event) {
            (DialogEvent::Leg(a, _), DialogEvent::Leg(b, _)) => a == b,
            (DialogEvent::Subscription(a, _), DialogEvent::Subscription(b, _)) => a == b,
            _ => false,
        })
    }

    fn act(&mut self, kind: u8, a: u8, b: u8) {
        match kind % 16 {
            0 => {
                let mut call = invite();
                call.ring_limit = Duration::from_secs(u64::from(a % 40) + 1);
                call.offerless = b.is_multiple_of(4);
                let leg = self.bench.place_with(call);
                self.legs.push(leg);
            }
            1 => self.call_in(a, b),
            2..=4 => self.leg_command(a, b),
            5..=8 => self.answer(a, b),
            9 => self.fail(a, b),
            10 => self.their_request(a, b),
            11 => self.their_early_request(a, b),
            12 => self.acknowledge(a, b),
            13 => self.subscription_command(a, b),
            14 => self.bench.advance(Duration::from_millis(u64::from(a) * u64::from(b))),
            _ => self.turn(a, b),
        }
        self.look();
    }

    fn call_in(&mut self, a: u8, b: u8) {
        self.calls += 1;
        let mut call = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>");
        call.call_id = format!("in-{}", self.calls);
        if !a.is_multiple_of(3) {
            call = call.sdp(OFFER);
        }
        if b.is_multiple_of(2) {
            call = call.header(HeaderId::Require, "100rel").header(HeaderId::Allow, "INVITE, UPDATE, PRACK");
        }
        // Some are to replace a call that is up, or was.
        let ups: Vec<_> = self.ups.values().map(|up| up.dialog.clone()).collect();
        if let Some(old) = pick(&ups, a).filter(|_| b.is_multiple_of(3)) {
            let value = format!("{};to-tag={};from-tag={}", old.call_id, old.local_tag, old.remote_tag);
            call.from_tag = "third".into();
            call = call.header(HeaderId::Replaces, &value);
        }
        let tx = self.bench.request(call);
        self.waiting.push(tx);
    }

    fn leg_command(&mut self, a: u8, b: u8) {
        let Some(leg) = pick(&self.legs, a) else { return };
        let command = match b % 15 {
            0 => LegCommand::Ring,
            1..=3 => LegCommand::Accept { contact_user: None },
            4 => LegCommand::Reject { status: code(486), retry_after: None },
            5 | 6 => LegCommand::Reoffer { limit: Duration::from_secs(u64::from(b)) },
            7 | 8 => {
                let subscription = self.bench.ids.mint();
                self.subscriptions.push(subscription);
                LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() }
            }
            9 => {
                LegCommand::Describe { body: (b > 100).then(|| OFFER.into()).ok_or(StatusCode::BAD_REQUEST) }
            }
            10 => LegCommand::Describe { body: Err(StatusCode::NOT_ACCEPTABLE_HERE) },
            11 => LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE },
            12 | 13 => LegCommand::Progress,
            _ => LegCommand::HangUp { reason: None },
        };
        self.bench.leg(leg, command);
    }

    fn answer(&mut self, a: u8, b: u8) {
        if b.is_multiple_of(11)
            && let Some(sent) = pick(&self.accepted, a)
        {
            return self.bench.reply(&sent, 200, TAGS[usize::from(a) % 3], |response| {
                response.contact("<sip:bob@192.0.2.20>").body("application/sdp", ANSWER)
            });
        }
        let Some(sent) = pick(&self.open, a) else { return };
        let status = STATUSES[usize::from(b) % STATUSES.len()];
        if status >= 200 {
            self.open.retain(|open| open.tx != sent.tx);
            if status < 300 && sent.message.method() == Some(Method::Invite) {
                self.accepted.push(sent.clone());
            }
        }
        let body = (!b.is_multiple_of(5)).then_some(ANSWER);
        self.bench.reply(&sent, status, TAGS[usize::from(a) % 3], |response| {
            let response = response.contact("<sip:bob@192.0.2.20>").header(HeaderId::Allow, "INVITE, UPDATE");
            let response = match status {
                100..200 if b.is_multiple_of(2) => {
                    response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1 + u32::from(a % 4))
                }
                200 if b.is_multiple_of(4) => response.header(
                    HeaderId::SessionExpires,
                    ["90;refresher=uac", "90;refresher=uas"][usize::from(a) % 2],
                ),
                422 => response.header(HeaderId::MinSe, u32::from(a) * 10),
                _ => response,
            };
            match body {
                Some(body) => response.body("application/sdp", body),
                None => response,
            }
        });
    }

    fn fail(&mut self, a: u8, b: u8) {
        let Some(sent) = pick(&self.open, a) else { return };
        self.open.retain(|open| open.tx != sent.tx);
        let failure = [TxFailure::Timeout, TxFailure::Flow, TxFailure::Overload][usize::from(b) % 3];
        self.bench.fail(&sent, failure);
    }

    fn their_request(&mut self, a: u8, b: u8) {
        let ups: Vec<_> = self.ups.values().cloned().collect();
        let Some(up) = pick(&ups, a) else { return };
        let method = [
            Method::Bye,
            Method::Invite,
            Method::Refer,
            Method::Notify,
            Method::Subscribe,
            Method::Options,
            Method::Notify,
            Method::Update,
        ][usize::from(b) % 8];
        let mut request = self.bench.theirs(method, &up).contact("<sip:bob@192.0.2.21>");
        match method {
            Method::Invite | Method::Update if a.is_multiple_of(2) => request = request.sdp(OFFER),
            Method::Refer => request = request.header(HeaderId::ReferTo, "<sip:carol@example.com>"),
            Method::Subscribe => {
                let expires = if b > 128 { "0" } else { "50" };
                request = request.header(HeaderId::Event, "refer").header(HeaderId::Expires, expires);
            }
            Method::Notify => {
                let state =
                    ["active;expires=30", "pending", "terminated;reason=noresource"][usize::from(b) / 7 % 3];
                request = request
                    .header(HeaderId::Event, "refer")
                    .header(HeaderId::SubscriptionState, state)
                    .body("message/sipfrag", ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"][usize::from(a) % 2]);
            }
            _ => {}
        }
        let tx = self.bench.request(request);
        if method == Method::Invite {
            self.waiting.push(tx);
        }
    }

    /// A PRACK, or an UPDATE in an early dialog of either side.
    fn their_early_request(&mut self, a: u8, b: u8) {
        let (call_id, from_tag, to_tag, rseq) = if a.is_multiple_of(3) {
            let Some(sent) = pick(&self.open, a) else { return };
            let (call_id, tag) = (sent.message.call_id(), sent.message.from_tag());
            let tag = tag.unwrap_or_default().to_owned();
            (call_id.unwrap_or_default().to_owned(), TAGS[usize::from(b) % 3].to_owned(), tag, 0)
        } else {
            let answered = self.bench.answered.iter().map(|it| it.message.clone());
            let early: Vec<Message> = answered.filter(|it| it.rseq().is_some()).collect();
            let Some(response) = early.last() else { return };
            let tag = |tag: Option<&str>| tag.unwrap_or_default().to_owned();
            let call_id = response.call_id().unwrap_or_default().to_owned();
            (call_id, tag(response.from_tag()), tag(response.to_tag()), response.rseq().unwrap_or_default())
        };
        self.early_cseq += 1;
        let method = if b.is_multiple_of(2) { Method::Prack } else { Method::Update };
        let mut request = Theirs { call_id, from_tag, to_tag: Some(to_tag), ..Theirs::outside(method) };
        request = request.cseq(self.early_cseq).contact("<sip:bob@192.0.2.21>");
        if method == Method::Prack {
            request = request.header(HeaderId::RAck, &format!("{rseq} 1 INVITE"));
        }
        if !b.is_multiple_of(3) {
            request = request.sdp(OFFER);
        }
        self.bench.request(request);
    }

    fn acknowledge(&mut self, a: u8, b: u8) {
        let oks: Vec<Message> = self
            .bench
            .answered
            .iter()
            .filter(|answer| {
                answer.status == 200 && answer.message.cseq().is_ok_and(|it| it.method == Method::Invite)
            })
            .map(|answer| answer.message.clone())
            .collect();
        if let Some(ok) = pick(&oks, a) {
            self.bench.ack(&ok, (!b.is_multiple_of(3)).then_some(ANSWER));
        }
    }

    fn subscription_command(&mut self, a: u8, b: u8) {
        let Some(id) = pick(&self.subscriptions, a) else { return };
        let command = match b % 8 {
            0 => SubscriptionCommand::Unsubscribe,
            1 | 2 => SubscriptionCommand::Accept { pending: b > 128, lifetime: Duration::from_mins(1) },
            3 => SubscriptionCommand::Refuse { status: code(603) },
            4 => SubscriptionCommand::Approve,
            5 | 6 => {
                SubscriptionCommand::Report { status: StatusCode::RINGING, headers: Vec::new(), last: None }
            }
            _ => SubscriptionCommand::Report {
                status: StatusCode::OK,
                headers: Vec::new(),
                last: Some(SubReason::Noresource),
            },
        };
        self.bench.subscription(id, command);
    }

    /// What else may change.
    fn turn(&mut self, a: u8, b: u8) {
        match a % 5 {
            0 => self.bench.route_at_once = b.is_multiple_of(2),
            1 => self.bench.describe_at_once = !b.is_multiple_of(4),
            2 => self.answer_routes(),
            3 => self.bench.receive(TxEvent::FlowEnded {
                flow: FlowId::from(1),
                cause: sip_transport::CloseCause::Lost,
            }),
            _ => {
                let answered: Vec<TxId> =
                    self.bench.answered.iter().filter(|it| it.status >= 200).map(|it| it.tx).collect();
                self.waiting.retain(|tx| !answered.contains(tx));
                if let Some(tx) = pick(&self.waiting, b) {
                    self.bench.receive(TxEvent::Cancelled { tx, reason: None });
                }
            }
        }
    }

    fn answer_routes(&mut self) {
        for route in std::mem::take(&mut self.bench.routes) {
            self.bench.answer_route(&route);
        }
    }

    /// Lets everything come to its end: all hang up, nobody answers any more.
    fn finish(&mut self) {
        self.bench.route_at_once = true;
        self.bench.describe_at_once = true;
        for _ in 0..4 {
            self.answer_routes();
            self.look();
            for leg in self.legs.clone() {
                self.bench.leg(leg, LegCommand::HangUp { reason: None });
            }
            for id in self.subscriptions.clone() {
                self.bench.subscription(id, SubscriptionCommand::Unsubscribe);
            }
            self.look();
            for sent in std::mem::take(&mut self.open) {
                self.bench.fail(&sent, TxFailure::Timeout);
            }
            self.look();
            self.bench.advance(Duration::from_hours(1));
            self.look();
        }
    }
}

fn pick<T: Clone>(from: &[T], at: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(at) % from.len()].clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_left_after_any_interleaving(acts in proptest::collection::vec(any::<(u8, u8, u8)>(), 1..120)) {
        let mut world = World::new();
        // Most interesting things happen in calls that are up; every other run begins with two.
        if acts[0].0 % 2 == 0 {
            let placed = world.bench.placed();
            let answered = world.bench.answered_call();
            world.legs.extend([placed, answered]);
            world.look();
        }
        for (kind, a, b) in acts {
            world.act(kind, a, b);
        }
        world.finish();
        prop_assert!(world.bench.is_clean(), "{:?} {:#?}", world.bench.timers, world.bench.dialogs);
        for leg in &world.legs {
            let ended = world.ended.iter().filter(|event| matches!(event, DialogEvent::Leg(id, _) if id == leg)).count();
            prop_assert_eq!(ended, 1);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(acts in proptest::collection::vec(any::<(u8, u8, u8)>(), 1..60)) {
        let run = || {
            let mut world = World::new();
            for (kind, a, b) in &acts {
                world.act(*kind, *a, *b);
            }
            let wires: Vec<_> = world.bench.sent.iter().map(|sent| sent.message.bytes().clone()).collect();
            (world.bench.order, wires)
        };
        prop_assert_eq!(run(), run());
    }
}
