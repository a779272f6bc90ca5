//! Any sequence of commands, dialog events and expiries: each transfer ends exactly once, nothing is said of it
//! afterwards, the tables keep their bounds, and when only time passes nothing is left.

#![no_main]

#[path = "../inputs/transfer_op.rs"]
mod op;
#[path = "../inputs/transfer_options.rs"]
mod options;

use std::collections::BTreeMap;
use std::time::Duration;

use dialog_core::{
    By, DialogCommand, DialogEvent, DialogIdentity, EndCause, EndReason, Established, IncomingCall,
    IncomingRefer, LegCommand, LegEvent, LegId, Misuse, Notification, NotifiedState, Peer, ReferAnswer,
    ReofferError, Replacing, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use libfuzzer_sys::fuzz_target;
use sip_message::{ReferTo, Replaces, StatusCode, Uri, UriBuf};
use sip_transport::{Cx, Guard, IdMint, Outbox, Random, Tick, TimerOp, UnixTime};
use transfer::{
    Completion, Decision, Decline, ManualStep, Purpose, TransferCommand, TransferEventKind, TransferId,
    TransferOutput, TransferTimer, Transfers,
};

use self::op::Op;
use self::options::{hold_of, options_of, policy_of, refer_of, refer_policy};

const LIMIT: usize = 4;

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0
    }
}

struct World {
    transfers: Transfers,
    random: Counting,
    ids: IdMint,
    guard: Guard,
    now: u64,
    legs: Vec<LegId>,
    subs: Vec<SubscriptionId>,
    known: Vec<TransferId>,
    timers: BTreeMap<TransferTimer, u64>,
    over: BTreeMap<TransferId, bool>,
    /// Whether a target may be asked until the application completes the transfer.
    talks: bool,
    /// Calls that are to replace others, and whether it was told what came of them.
    replacing: BTreeMap<LegId, bool>,
    /// Calls that are to be joined.
    joins: Vec<(LegId, LegId)>,
}

fn pick<T: Copy + From<u64>>(of: &[T], index: u8) -> T {
    of.len().checked_sub(1).map_or(T::from(u64::MAX), |last| of[last - usize::from(index) % of.len()])
}

fn status(code: u16, from: u16) -> StatusCode {
    StatusCode::new(from + code % (700 - from)).expect("the range is that of status codes")
}

impl World {
    fn step(&mut self, step: impl FnOnce(&mut Transfers, &mut Cx<'_>, &mut Outbox<TransferOutput>)) {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: Tick::from_micros(self.now),
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        step(&mut self.transfers, &mut cx, &mut outbox);
        while let Some(output) = outbox.pop() {
            self.take(output);
        }
        assert!(self.transfers.len() <= LIMIT);
        if let Some(pair) = self.joins.pop() {
            self.join(pair);
        }
    }

    /// The streams follow or refuse.
    fn join(&mut self, (a, b): (LegId, LegId)) {
        let joined = self.now & 4 == 0;
        self.step(|transfers, cx, outbox| transfers.bridged(cx, a, b, joined, &mut outbox.out()));
    }

    fn take(&mut self, output: TransferOutput) {
        match output {
            TransferOutput::Timer(TimerOp::Arm(timer, after)) => {
                let after = u64::try_from(after.as_micros()).expect("waits are short");
                self.timers.insert(timer, self.now + after);
            }
            TransferOutput::Timer(TimerOp::Disarm(timer)) => assert!(self.timers.remove(&timer).is_some()),
            TransferOutput::Place { leg, purpose, target, headers, extensions, .. } => {
                assert!(target.as_uri().is_sip() && !target.as_uri().has_headers());
                let referred = purpose != Purpose::Consultation;
                if let Some(address) = target.as_uri().host().ip().filter(|_| referred) {
                    assert!(self.transfers.policy().permits(address));
                }
                let extensions = extensions.into_iter().map(|(_, value)| value);
                for value in headers.into_iter().map(|(_, value)| value).chain(extensions) {
                    assert!(!value.contains(['\r', '\n', '\0']));
                }
                self.legs.push(leg);
            }
            TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::Refer { subscription, refer })) => {
                assert!(ReferTo::parse(&format!("<{}>", refer.refer_to)).is_ok());
                self.subs.push(subscription);
            }
            TransferOutput::Dialog(DialogCommand::Leg(_, LegCommand::FollowRefer { subscription, .. })) => {
                self.subs.push(subscription);
            }
            TransferOutput::Bridge { a, b } => self.joins.push((a, b)),
            TransferOutput::Replacement(told) => {
                assert_eq!(self.replacing.insert(told.new, true), Some(false), "told once");
            }
            TransferOutput::Event(event) => match event.kind {
                TransferEventKind::Initiated { .. } | TransferEventKind::Requested { .. } => {
                    assert_eq!(self.over.insert(event.transfer, false), None);
                    self.known.push(event.transfer);
                }
                TransferEventKind::Ended(_) => {
                    assert_eq!(self.over.insert(event.transfer, true), Some(false))
                }
                _ => assert_eq!(self.over.get(&event.transfer), Some(&false)),
            },
            _ => {}
        }
    }

    fn leg(&mut self, leg: LegId, event: LegEvent) {
        self.step(|transfers, cx, outbox| {
            transfers.receive(cx, &DialogEvent::Leg(leg, event), &mut outbox.out())
        });
    }

    fn sub(&mut self, sub: u8, event: SubscriptionEvent) {
        let id = pick(&self.subs, sub);
        self.step(|transfers, cx, outbox| {
            transfers.receive(cx, &DialogEvent::Subscription(id, event), &mut outbox.out());
        });
    }

    fn command(&mut self, command: TransferCommand) {
        self.step(|transfers, cx, outbox| transfers.command(cx, command, &mut outbox.out()));
    }

    fn expire(&mut self) -> bool {
        let Some((timer, at)) =
            self.timers.iter().min_by_key(|(timer, at)| (**at, **timer)).map(|(t, at)| (*t, *at))
        else {
            return false;
        };
        self.timers.remove(&timer);
        self.now = self.now.max(at);
        self.step(|transfers, cx, outbox| transfers.expire(cx, timer, &mut outbox.out()));
        true
    }

    fn run(&mut self, op: Op<'_>) {
        match op {
            Op::Up { leg, source, party } => {
                // Half of them new calls, the others those that are known.
                let id = if leg.is_multiple_of(2) { self.ids.mint() } else { pick(&self.legs, leg) };
                self.legs.push(id);
                let remote: UriBuf = "sip:peer@203.0.113.9".parse().expect("a constant");
                let established = Established {
                    dialog: DialogIdentity {
                        call_id: ["call@h", "a;b", "\"<%>\"@h"][usize::from(party >> 1) % 3].into(),
                        local_tag: "a".into(),
                        remote_tag: ["b", ""][usize::from(party >> 3) % 2].into(),
                    },
                    remote_target: remote.clone(),
                    remote: ["sip:peer@example.com", "tel:+4930123"][usize::from(party >> 4) % 2]
                        .parse()
                        .expect("a constant"),
                    peer: Peer { replaces: party & 1 != 0, ..Peer::default() },
                    placed: source.is_multiple_of(2),
                    source: ([203, 0, 113, source], 5060).into(),
                };
                self.leg(id, LegEvent::Up(Box::new(established)));
            }
            Op::Blind { leg, hold, target, refer } => {
                let Ok(target) = UriBuf::parse(target) else { return };
                let transfer = self.ids.mint();
                let leg = pick(&self.legs, leg);
                let hold = hold_of(hold);
                self.command(TransferCommand::Blind {
                    transfer,
                    leg,
                    target,
                    hold,
                    referred_by: None,
                    options: refer_of(refer),
                });
            }
            Op::Attended { leg, consultation, hold, held, options, refer } => {
                let transfer = self.ids.mint();
                self.command(TransferCommand::Attended {
                    transfer,
                    leg: pick(&self.legs, leg),
                    consultation: pick(&self.legs, consultation),
                    hold: hold_of(hold),
                    consultation_held: held,
                    referred_by: None,
                    options: options_of(options),
                    refer: refer_of(refer),
                });
            }
            Op::Consult { leg, hold, target, options, on_answer, refer } => {
                let Ok(target) = UriBuf::parse(target) else { return };
                let (transfer, consultation) = (self.ids.mint(), self.ids.mint());
                self.talks |= !on_answer;
                self.command(TransferCommand::Consult {
                    transfer,
                    leg: pick(&self.legs, leg),
                    consultation,
                    target,
                    hold: hold_of(hold),
                    referred_by: None,
                    options: options_of(options),
                    refer: refer_of(refer),
                    completion: if on_answer { Completion::OnAnswer } else { Completion::OnCommand },
                });
            }
            Op::Complete { transfer } => {
                self.command(TransferCommand::Complete { transfer: pick(&self.known, transfer), fallback: None });
            }
            Op::Swap { transfer } => {
                self.command(TransferCommand::Swap { transfer: pick(&self.known, transfer) });
            }
            Op::Asked { leg, target, method, replaces, headers, by } => {
                let Ok(target) = Uri::parse(target) else { return };
                let refer = IncomingRefer {
                    leg: Some(pick(&self.legs, leg)),
                    in_dialog: leg % 2 == 0,
                    from: "<sip:bob@example.com>".parse().expect("an address"),
                    verified_name: None,
                    verified_user: None,
                    source: ([192, 0, 2, 9], 5060).into(),
                    target: target.without_headers_and_method(),
                    method: method.map(Into::into),
                    replaces: replaces.and_then(|value| Replaces::parse(value).ok()),
                    headers: headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
                    referred_by: None,
                    referred_by_text: by.map(Into::into),
                    privacy: by.filter(|_| leg % 3 == 0).map(Into::into),
                    reports_to: Some([192, 0, 2, 9].into()),
                    suppress: false,
                };
                self.subs.push(self.ids.mint());
                self.sub(0, SubscriptionEvent::Requested(Box::new(refer)));
            }
            Op::Cancel { transfer } => {
                self.command(TransferCommand::Cancel { transfer: pick(&self.known, transfer) });
            }
            Op::Decline { transfer, reason } => {
                let reason =
                    [Decline::Declined, Decline::TimedOut, Decline::Impossible][usize::from(reason) % 3];
                self.command(TransferCommand::Decline { transfer: pick(&self.known, transfer), reason });
            }
            Op::Detach { transfer } => {
                self.command(TransferCommand::Detach { transfer: pick(&self.known, transfer) });
            }
            Op::Decide { transfer, accept } => {
                let decision = if accept { Decision::Accept } else { Decision::Reject };
                self.command(TransferCommand::Decide { transfer: pick(&self.known, transfer), decision });
            }
            Op::Reoffered { leg, error, code } => {
                let result = match error.map(|error| error % 5) {
                    None => Ok(()),
                    Some(0) => Err(ReofferError::Refused(status(code, 300))),
                    Some(1) => Err(ReofferError::TimedOut),
                    Some(2) => Err(ReofferError::Unreachable),
                    Some(3) => Err(ReofferError::Description),
                    Some(_) => Err(ReofferError::Ended),
                };
                self.leg(pick(&self.legs, leg), LegEvent::Reoffered(result));
            }
            Op::Closing { leg } => self.leg(pick(&self.legs, leg), LegEvent::Closing),
            Op::BeforeHangUp { leg } => {
                let leg = pick(&self.legs, leg);
                self.step(|transfers, cx, outbox| transfers.before_hang_up(cx, leg, &mut outbox.out()));
            }
            Op::Ended { leg, by, reason, code, contact } => {
                let reason = match reason % 8 {
                    0 => EndReason::Bye,
                    1 => EndReason::Cancelled,
                    2 => EndReason::Refused(status(code, 300)),
                    3 => EndReason::Redirected {
                        status: status(code % 100, 300),
                        contacts: contact.split(' ').filter_map(|uri| UriBuf::parse(uri).ok()).collect(),
                    },
                    4 => EndReason::NoAnswer,
                    5 => EndReason::Unreachable,
                    6 => EndReason::Gone,
                    _ => EndReason::Overload,
                };
                let by = [By::Local, By::Remote, By::Network][usize::from(by % 3)];
                self.leg(
                    pick(&self.legs, leg),
                    LegEvent::Ended(EndCause { by, reason, header: None, details: Vec::new() }),
                );
            }
            Op::Provisional { leg, code } => {
                let status = StatusCode::new(101 + u16::from(code) % 99).expect("a provisional status");
                self.leg(pick(&self.legs, leg), LegEvent::Provisional { status, described: false });
            }
            Op::Answered { sub, kind, code, retry_after } => {
                let answer = match kind % 4 {
                    0 => ReferAnswer::Accepted(status(code % 100, 200)),
                    1 => ReferAnswer::Refused { status: status(code, 300), retry_after },
                    2 => ReferAnswer::TimedOut,
                    _ => ReferAnswer::Unreachable,
                };
                self.sub(sub, SubscriptionEvent::Answered(answer));
            }
            Op::Notified { sub, state, code } => {
                let state = [NotifiedState::Pending, NotifiedState::Active, NotifiedState::Terminated]
                    [usize::from(state % 3)];
                let status = code.map(|code| status(code, 100));
                self.sub(
                    sub,
                    SubscriptionEvent::Notified(Notification {
                        state,
                        status,
                        reason: None,
                        sipfrag: Default::default(),
                    }),
                );
            }
            Op::Delivered { sub } => {
                self.sub(sub, SubscriptionEvent::Reported);
                self.sub(sub, SubscriptionEvent::Delivered);
            }
            Op::Step { transfer, step, leg, code } => {
                let transfer = pick(&self.known, transfer);
                let code = status(code, 100);
                let step = match step % 7 {
                    0 => ManualStep::ProcessResponse,
                    1 => ManualStep::TakeNotify,
                    2 => ManualStep::Terminate { leg: pick(&self.legs, leg) },
                    3 => ManualStep::Report { status: code, last: false },
                    4 => ManualStep::Report { status: code, last: true },
                    5 => {
                        return self
                            .command(TransferCommand::Decide { transfer, decision: Decision::HandleMyself });
                    }
                    _ => {
                        let decision = Decision::RejectWith(code);
                        return self.command(TransferCommand::Decide { transfer, decision });
                    }
                };
                self.command(TransferCommand::Step { transfer, step });
            }
            Op::EventsAt { sub, uri } => {
                let Ok(uri) = UriBuf::parse(uri) else { return };
                self.sub(sub, SubscriptionEvent::EventsAt(uri));
            }
            Op::SubEnded { sub, end } => {
                let ends = [
                    SubscriptionEnd::Terminated,
                    SubscriptionEnd::Refused,
                    SubscriptionEnd::NoNotify,
                    SubscriptionEnd::Expired,
                    SubscriptionEnd::NotifyFailed,
                    SubscriptionEnd::Unsubscribed,
                ];
                self.sub(sub, SubscriptionEvent::Ended(ends[usize::from(end) % ends.len()]));
            }
            Op::Misused { sub } => self.sub(sub, SubscriptionEvent::Misused(Misuse::State)),
            Op::Override { leg, refer } => {
                self.transfers.policy_for(pick(&self.legs, leg), refer_policy(refer));
            }
            Op::Expire => {
                self.expire();
            }
            Op::Stale { transfer } => {
                let transfer = pick(&self.known, transfer);
                let name = transfer::TransferTimerName::Guard;
                let timer = TransferTimer { transfer, name };
                if !self.timers.contains_key(&timer) {
                    self.step(|transfers, cx, outbox| transfers.expire(cx, timer, &mut outbox.out()));
                }
            }
            Op::Replacing { old, by, source } => {
                let new = self.ids.mint();
                self.legs.push(new);
                self.replacing.insert(new, false);
                let who: UriBuf = "sip:peer@203.0.113.9".parse().expect("a constant");
                let call = IncomingCall {
                    request_uri: who.clone(),
                    from: who.clone().into(),
                    to: who.clone().into(),
                    source: ([203, 0, 113, source], 5060).into(),
                    local: ([192, 0, 2, 1], 5060).into(),
                    has_offer: true,
                    replaces: None,
                    replacing: Some(Replacing {
                        leg: pick(&self.legs, old),
                        early: source.is_multiple_of(2),
                        remote: who.clone().into(),
                        remote_target: who,
                        source: Some(([203, 0, 113, 9], 5060).into()),
                        verified_name: None,
                        verified_user: None,
                    }),
                    verified_name: None,
                    verified_user: None,
                    referred_by: UriBuf::parse(by).ok().map(Into::into),
                    registration: None,
                    peer: Peer::default(),
                };
                self.leg(new, LegEvent::Incoming(Box::new(call)));
            }
            Op::Acknowledged { leg } => self.leg(pick(&self.legs, leg), LegEvent::Acknowledged),
            Op::Wait { seconds } => self.now += u64::from(seconds) * 1_000_000,
        }
    }
}

fuzz_target!(|input: (u8, u8, u8, Vec<Op<'_>>)| {
    let (refer, attended, who, ops) = input;
    let mut random = Counting(1);
    let guard = Guard::new(&mut random);
    let policy = policy_of(refer, attended, who, LIMIT);
    let (longest, talk) = (policy.longest(), policy.attended.talk_limit);
    let mut world = World {
        transfers: Transfers::new(policy),
        random,
        ids: IdMint::default(),
        guard,
        now: 0,
        legs: Vec::new(),
        subs: Vec::new(),
        known: Vec::new(),
        timers: BTreeMap::new(),
        over: BTreeMap::new(),
        talks: false,
        replacing: BTreeMap::new(),
        joins: Vec::new(),
    };
    for op in ops {
        world.run(op);
    }
    let last_input = world.now;
    while world.expire() {}
    let longest = if world.talks { longest + talk } else { longest };
    assert!(Duration::from_micros(world.now - last_input) <= longest);
    assert_eq!(world.transfers.transfers().count(), 0);
    assert!(world.over.values().all(|over| *over));
    for index in 0..world.subs.len() {
        let id = world.subs[index];
        let event = DialogEvent::Subscription(id, SubscriptionEvent::Ended(SubscriptionEnd::NoNotify));
        world.step(|transfers, cx, outbox| transfers.receive(cx, &event, &mut outbox.out()));
    }
    // Every leg has its end.
    for leg in world.legs.clone() {
        let cause =
            EndCause { by: By::Network, reason: EndReason::Unreachable, header: None, details: Vec::new() };
        world.leg(leg, LegEvent::Ended(cause));
    }
    assert!(world.replacing.values().all(|told| *told));
    while world.expire() {}
    assert!(world.transfers.is_empty());
});
