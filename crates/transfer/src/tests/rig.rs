//! Feeds the layer and shows what came out, one line per value.

use std::collections::BTreeMap;

use dialog_core::{
    By, DialogCommand, DialogEvent, DialogIdentity, EndCause, EndReason, Established, IncomingRefer,
    LegCommand, LegEvent, LegId, Notification, NotifiedState, Peer, ReferAnswer, ReferSubscription,
    ReofferError, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{Cx, Guard, IdMint, Outbox, Random, Tick, TimerOp, UnixTime};

use crate::{
    Hold, Outcome, Purpose, ReferOptions, ReplacementEnd, StepDone, TransferCommand, TransferEventKind,
    TransferId, TransferOutput, TransferPolicy, TransferTimer, TransferTimerName, Transfers,
};

/// A generator whose numbers are the same in every run.
#[derive(Debug)]
pub(super) struct Sequence(pub(super) u64);

impl Random for Sequence {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

#[derive(Debug)]
pub(super) struct Rig {
    pub(super) transfers: Transfers,
    random: Sequence,
    ids: IdMint,
    guard: Guard,
    pub(super) now: Tick,
    /// Every value that came out, oldest first.
    pub(super) outputs: Vec<TransferOutput>,
    /// Armed timers with the microsecond at which they run out.
    pub(super) timers: BTreeMap<TransferTimer, u64>,
    pub(super) ended: Vec<(TransferId, Outcome)>,
    /// What legs are called in the text; without a name, only those that are hung up or get the audio are told apart.
    names: BTreeMap<LegId, &'static str>,
}

pub(super) fn code(number: u16) -> StatusCode {
    StatusCode::new(number).expect("invariant: a literal of the test")
}

/// A command that is refused for the state.
pub(super) fn wrong(state: &str, wanted: &str) -> String {
    format!("no: WrongState {{ state: {state:?}, wanted: {wanted:?} }}")
}

pub(super) fn uri(text: &str) -> UriBuf {
    text.parse().expect("invariant: a literal of the test")
}

impl Rig {
    pub(super) fn new(policy: TransferPolicy) -> Self {
        let mut random = Sequence(7);
        let guard = Guard::new(&mut random);
        Self {
            transfers: Transfers::new(policy),
            random,
            ids: IdMint::default(),
            guard,
            now: Tick::default(),
            outputs: Vec::new(),
            timers: BTreeMap::new(),
            ended: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    pub(super) fn name(&mut self, leg: LegId, name: &'static str) {
        self.names.insert(leg, name);
    }

    pub(super) fn mint<I: From<u64>>(&mut self) -> I {
        self.ids.mint()
    }

    /// Runs one step and gives its outputs as text, joined by `; `.
    fn step(
        &mut self,
        step: impl FnOnce(&mut Transfers, &mut Cx<'_>, &mut Outbox<TransferOutput>),
    ) -> String {
        let mut outbox = Outbox::default();
        let mut cx = Cx {
            now: self.now,
            unix: UnixTime::default(),
            random: &mut self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        };
        step(&mut self.transfers, &mut cx, &mut outbox);
        let mut lines = Vec::new();
        while let Some(output) = outbox.pop() {
            match &output {
                TransferOutput::Timer(TimerOp::Arm(timer, after)) => {
                    let at = self.now.as_micros() + u64::try_from(after.as_micros()).unwrap_or(u64::MAX / 2);
                    self.timers.insert(*timer, at);
                }
                TransferOutput::Timer(TimerOp::Disarm(timer)) => {
                    assert!(self.timers.remove(timer).is_some(), "{timer:?} was disarmed but not armed");
                }
                TransferOutput::Event(event) => {
                    if let TransferEventKind::Ended(outcome) = &event.kind {
                        self.ended.push((event.transfer, *outcome));
                    }
                }
                _ => {}
            }
            lines.push(line(&output, &self.names));
            self.outputs.push(output);
        }
        lines.join("; ")
    }

    pub(super) fn command(&mut self, command: TransferCommand) -> String {
        self.step(|transfers, cx, outbox| transfers.command(cx, command, &mut outbox.out()))
    }

    pub(super) fn leg(&mut self, leg: LegId, event: LegEvent) -> String {
        self.step(|transfers, cx, outbox| {
            transfers.receive(cx, &DialogEvent::Leg(leg, event), &mut outbox.out());
        })
    }

    pub(super) fn sub(&mut self, id: SubscriptionId, event: SubscriptionEvent) -> String {
        self.step(|transfers, cx, outbox| {
            transfers.receive(cx, &DialogEvent::Subscription(id, event), &mut outbox.out());
        })
    }

    pub(super) fn before_hang_up(&mut self, leg: LegId) -> String {
        self.step(|transfers, cx, outbox| transfers.before_hang_up(cx, leg, &mut outbox.out()))
    }

    /// The two calls were joined, or could not be.
    pub(super) fn joined(&mut self, a: LegId, b: LegId, joined: bool) -> String {
        self.step(|transfers, cx, outbox| transfers.bridged(cx, a, b, joined, &mut outbox.out()))
    }

    /// Lets the named timer of a transfer run out, which must be armed.
    pub(super) fn expire(&mut self, transfer: TransferId, name: TransferTimerName) -> String {
        let timer = TransferTimer { transfer, name };
        let at = self.timers.remove(&timer).unwrap_or_else(|| panic!("{name:?} is not armed"));
        self.now = Tick::from_micros(at.max(self.now.as_micros()));
        self.step(|transfers, cx, outbox| transfers.expire(cx, timer, &mut outbox.out()))
    }

    /// Lets the timer run out that is due first; `None` if none is armed.
    pub(super) fn expire_next(&mut self) -> Option<String> {
        let (timer, _) =
            self.timers.iter().min_by_key(|(timer, at)| (**at, **timer)).map(|(t, at)| (*t, *at))?;
        Some(self.expire(timer.transfer, timer.name))
    }

    /// A timer that was disarmed while its expiry was on the way.
    pub(super) fn stale(&mut self, transfer: TransferId, name: TransferTimerName) -> String {
        self.step(|transfers, cx, outbox| {
            transfers.expire(cx, TransferTimer { transfer, name }, &mut outbox.out());
        })
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now = Tick::from_micros(self.now.as_micros() + seconds * 1_000_000);
    }

    /// A call that is up.
    pub(super) fn call(&mut self) -> LegId {
        let leg = self.mint();
        self.up(leg, "203.0.113.9", false);
        leg
    }

    pub(super) fn up(&mut self, leg: LegId, source: &str, placed: bool) -> String {
        self.up_with(leg, source, placed, Peer::default())
    }

    pub(super) fn up_with(&mut self, leg: LegId, source: &str, placed: bool, peer: Peer) -> String {
        let source = source.parse().expect("invariant: a literal of the test");
        let established = Established {
            dialog: DialogIdentity {
                call_id: format!("call-{leg}").into(),
                local_tag: "ours".into(),
                remote_tag: "theirs".into(),
            },
            remote_target: uri("sip:peer@203.0.113.9"),
            remote: NameAddrBuf::new(uri("sip:peer@example.com")),
            peer,
            placed,
            source: std::net::SocketAddr::new(source, 5060),
        };
        self.leg(leg, LegEvent::Up(Box::new(established)))
    }

    pub(super) fn reoffered(&mut self, leg: LegId, result: Result<(), ReofferError>) -> String {
        self.leg(leg, LegEvent::Reoffered(result))
    }

    pub(super) fn ended(&mut self, leg: LegId, by: By, reason: EndReason) -> String {
        self.leg(leg, LegEvent::Ended(EndCause { by, reason, header: None, details: Vec::new() }))
    }

    pub(super) fn bye(&mut self, leg: LegId) -> String {
        self.ended(leg, By::Remote, EndReason::Bye)
    }

    pub(super) fn provisional(&mut self, leg: LegId, status: u16) -> String {
        self.leg(leg, LegEvent::Provisional { status: code(status), described: false })
    }

    /// Starts a blind transfer.
    pub(super) fn blind(&mut self, leg: LegId, hold: Hold) -> (TransferId, String) {
        self.blind_with(leg, hold, ReferOptions::default())
    }

    /// Starts a blind transfer with options.
    pub(super) fn blind_with(
        &mut self,
        leg: LegId,
        hold: Hold,
        options: ReferOptions,
    ) -> (TransferId, String) {
        let transfer = self.mint();
        let target = uri("sip:carol@example.com");
        let blind = TransferCommand::Blind { transfer, leg, target, hold, referred_by: None, options };
        (transfer, self.command(blind))
    }

    pub(super) fn cancel(&mut self, transfer: TransferId) -> String {
        self.command(TransferCommand::Cancel { transfer })
    }

    pub(super) fn accepted(&mut self, id: SubscriptionId, status: u16) -> String {
        self.sub(id, SubscriptionEvent::Answered(ReferAnswer::Accepted(code(status))))
    }

    pub(super) fn refused(&mut self, id: SubscriptionId, status: u16, retry_after: Option<u32>) -> String {
        let answer = ReferAnswer::Refused { status: code(status), retry_after };
        let answered = self.sub(id, SubscriptionEvent::Answered(answer));
        let after = self.sub(id, SubscriptionEvent::Ended(SubscriptionEnd::Refused));
        assert_eq!(after, "", "the end of a refused subscription says nothing new");
        answered
    }

    pub(super) fn notified(
        &mut self,
        id: SubscriptionId,
        state: NotifiedState,
        status: Option<u16>,
    ) -> String {
        let notification =
            Notification { state, status: status.map(code), reason: None, sipfrag: bytes::Bytes::new() };
        self.sub(id, SubscriptionEvent::Notified(notification))
    }

    /// The subscription of the newest REFER that was sent.
    pub(super) fn subscription(&self) -> SubscriptionId {
        self.outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                TransferOutput::Dialog(DialogCommand::Leg(
                    _,
                    LegCommand::Refer { subscription, .. } | LegCommand::FollowRefer { subscription, .. },
                )) => Some(*subscription),
                _ => None,
            })
            .expect("invariant: a REFER was sent")
    }

    /// The newest leg that was placed.
    pub(super) fn placed(&self) -> LegId {
        self.outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                TransferOutput::Place { leg, .. } => Some(*leg),
                _ => None,
            })
            .expect("invariant: a call was placed")
    }

    pub(super) fn refer(leg: LegId, target: &str) -> IncomingRefer {
        IncomingRefer {
            leg: Some(leg),
            in_dialog: true,
            from: "<sip:bob@example.com>".parse().expect("invariant: a literal of the test"),
            verified_name: None,
            source: ([192, 0, 2, 9], 5060).into(),
            verified_user: None,
            target: uri(target),
            method: None,
            replaces: None,
            headers: Vec::new(),
            referred_by: None,
            referred_by_text: None,
            privacy: None,
            reports_to: Some([192, 0, 2, 9].into()),
            suppress: false,
        }
    }

    /// Lets a REFER come in; the id of the transfer is told with its event.
    pub(super) fn asked(&mut self, refer: IncomingRefer) -> (SubscriptionId, String) {
        let id = self.mint();
        (id, self.sub(id, SubscriptionEvent::Requested(Box::new(refer))))
    }

    /// The id of the newest transfer.
    pub(super) fn transfer(&self) -> TransferId {
        self.transfers.transfers().last().map(|info| info.id).expect("invariant: a transfer is under way")
    }

    pub(super) fn assert_nothing_left(&self) {
        assert!(self.transfers.is_empty(), "{:?}", self.transfers);
        assert!(self.timers.is_empty(), "{:?}", self.timers);
    }

    pub(super) fn outcome(&self) -> String {
        let (_, outcome) = self.ended.last().expect("invariant: a transfer ended");
        show(*outcome)
    }
}

fn show(outcome: Outcome) -> String {
    let Outcome { kind, learned_from, code, failure, call_kept, on_hold, retry_after } = outcome;
    let code = code.map_or("-".into(), |code| code.to_string());
    let failure = failure.map_or("-".into(), |failure| format!("{failure:?}"));
    let kept = if on_hold { "held".into() } else { call_kept.to_string() };
    let retry = retry_after.map(|wait| format!(" retry={wait:?}")).unwrap_or_default();
    format!("{kind:?} {learned_from:?} {code} {failure} kept={kept}{retry}")
}

/// One output as a short text, without ids but those of legs.
fn line(output: &TransferOutput, names: &BTreeMap<LegId, &'static str>) -> String {
    // With a blank before it, for texts that do without the leg.
    let name = |leg: &LegId| names.get(leg).map_or_else(String::new, |name| format!(" {name}"));
    let full = |leg: &LegId| names.get(leg).map_or_else(|| leg.to_string(), |name| (*name).into());
    match output {
        TransferOutput::Dialog(command) => dialog_line(command, &name, &full),
        TransferOutput::Hold { leg, limit } => format!("hold{} {limit:?}", name(leg)),
        TransferOutput::Resume { leg, limit } => format!("resume{} {limit:?}", name(leg)),
        TransferOutput::Place { leg, purpose, target, from, headers, extensions, ring_limit, .. } => {
            let known = headers.iter().map(|(id, value)| (id.name(), value));
            let extensions = extensions.iter().map(|(name, value)| (&**name, value));
            let headers: Vec<_> =
                known.chain(extensions).map(|(name, value)| format!(" {name}: {value}")).collect();
            let from = from.as_ref().map(|from| format!(" as {from}")).unwrap_or_default();
            let verb = if *purpose == Purpose::Recall { "recall" } else { "place" };
            format!("{verb}{} {target} {ring_limit:?}{from}{}", name(leg), headers.concat())
        }
        TransferOutput::Answer { leg, replaced } => format!("answer {} for {}", full(leg), full(replaced)),
        TransferOutput::Replacement(told) => {
            let (old, new) = (full(&told.old), full(&told.new));
            match told.end {
                ReplacementEnd::Replaced => format!("[replaced {old} by {new}]"),
                ReplacementEnd::Refused(status) => format!("[refused {new} for {old} {status}]"),
                ReplacementEnd::Unacknowledged => format!("[unacknowledged {new} for {old}]"),
            }
        }
        TransferOutput::MoveMedia { from, to } => format!("media {} to {}", full(from), full(to)),
        TransferOutput::Bridge { a, b } => format!("bridge {} {}", full(a), full(b)),
        TransferOutput::Unbridge { a, b } => format!("unbridge {} {}", full(a), full(b)),
        TransferOutput::Event(event) => match &event.kind {
            TransferEventKind::Initiated { target, .. } => format!("[initiated {target}]"),
            TransferEventKind::KindChanged { kind } => format!("[kind {kind:?}]"),
            TransferEventKind::Requested { target, decide, .. } => {
                format!("[requested {target} decide={decide}]")
            }
            TransferEventKind::Consulting { .. } => "[consulting]".into(),
            TransferEventKind::ConsultRinging { status } => format!("[consult ringing {status}]"),
            TransferEventKind::ConsultAnswered => "[consult answered]".into(),
            TransferEventKind::ConsultFailed { status } => {
                format!("[consult failed {}]", status.map_or("-".into(), |code| code.to_string()))
            }
            TransferEventKind::NotifyTimeout => "[notify timeout]".into(),
            TransferEventKind::SubscriptionEnded { end, .. } => format!("[subscription {end:?}]"),
            TransferEventKind::Swapped { active } => format!("[swapped {}]", full(active)),
            TransferEventKind::PrimaryLost => "[primary lost]".into(),
            TransferEventKind::ReferSent => "[refer sent]".into(),
            TransferEventKind::Accepted { status } => format!("[accepted {status}]"),
            TransferEventKind::AwaitingApproval => "[awaiting approval]".into(),
            TransferEventKind::Progress { status } => format!("[progress {status}]"),
            TransferEventKind::Bridging => "[bridging]".into(),
            TransferEventKind::Recovering => "[recovering]".into(),
            TransferEventKind::Connected { to } => format!("[connected {}]", full(to)),
            TransferEventKind::Recalling { .. } => "[recalling]".into(),
            TransferEventKind::Ended(outcome) => format!("[ended {}]", show(*outcome)),
        },
        TransferOutput::Accepted { .. } => "ok".into(),
        TransferOutput::Refused { error, .. } => format!("no: {error:?}"),
        TransferOutput::Stepped { step, .. } => match step {
            StepDone::Answered => "<answered>".into(),
            StepDone::Decided(decision) => format!("<{decision:?}>"),
            StepDone::Notified(progress) => {
                let status = progress.status.map_or("-".into(), |code| code.to_string());
                format!("<notified {status}{}>", if progress.terminated { " last" } else { "" })
            }
            StepDone::Reported => "<reported>".into(),
        },
        TransferOutput::Timer(TimerOp::Arm(timer, after)) => format!("arm {:?} {after:?}", timer.name),
        TransferOutput::Timer(TimerOp::Disarm(timer)) => format!("disarm {:?}", timer.name),
    }
}

fn dialog_line(
    command: &DialogCommand,
    name: &dyn Fn(&LegId) -> String,
    full: &dyn Fn(&LegId) -> String,
) -> String {
    match command {
        DialogCommand::Leg(leg, LegCommand::Refer { refer, .. }) => {
            let outside = if refer.outside { " outside" } else { "" };
            let wish = match refer.subscription {
                ReferSubscription::Implicit => String::new(),
                other => format!(" {other:?}"),
            };
            format!("refer{}{outside}{wish} {}", name(leg), refer.refer_to)
        }
        DialogCommand::Leg(leg, LegCommand::FollowRefer { at, .. }) => format!("follow{} {at}", name(leg)),
        DialogCommand::Leg(leg, LegCommand::HangUp { .. }) => format!("hangup {}", full(leg)),
        DialogCommand::Leg(leg, LegCommand::Reject { status, .. }) => {
            format!("reject {} {status}", full(leg))
        }
        DialogCommand::Leg(_, other) => format!("{other:?}"),
        DialogCommand::Place { .. } => "place by dialog".into(),
        DialogCommand::Request(_, other) => format!("{other:?}"),
        DialogCommand::Keys(_) => "keys".into(),
        DialogCommand::Deactivate => "deactivate".into(),
        DialogCommand::Registration(..) => "registration".into(),
        DialogCommand::Subscription(_, command) => match command {
            SubscriptionCommand::Unsubscribe => "unsubscribe".into(),
            SubscriptionCommand::Keep => "keep".into(),
            SubscriptionCommand::Accept { pending, lifetime } => {
                format!("accept pending={pending} {lifetime:?}")
            }
            SubscriptionCommand::Refuse { status } => format!("refuse {status}"),
            SubscriptionCommand::Approve => "approve".into(),
            SubscriptionCommand::Report { status, last: None, .. } => format!("report {status}"),
            SubscriptionCommand::Report { status, headers, last: Some(reason) } if !headers.is_empty() => {
                let headers: Vec<_> =
                    headers.iter().map(|(id, value)| format!(" {}: {value}", id.name())).collect();
                format!("report {status} last {reason:?}{}", headers.concat())
            }
            SubscriptionCommand::Report { status, last: Some(reason), .. } => {
                format!("report {status} last {reason:?}")
            }
            SubscriptionCommand::Subscribe(_)
            | SubscriptionCommand::ReferTo(_)
            | SubscriptionCommand::AcceptUnreported
            | SubscriptionCommand::Grant { .. }
            | SubscriptionCommand::Notify { .. }
            | SubscriptionCommand::Terminate { .. } => format!("{command:?}"),
        },
    }
}
