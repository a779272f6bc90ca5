//! Any interleaving between two or more calls that behave as the dialog layer's do: who is left on hold, and which calls
//! a REFER may touch.

use std::collections::BTreeMap;

use dialog_core::{
    By, DialogCommand, EndReason, LegCommand, LegEvent, LegId, NotifiedState, Peer, ReferAnswer,
    ReofferError, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use proptest::prelude::*;
use sip_message::ReferTo;

use super::{
    random::{attended, fallback, options},
    rig::{Rig, code, uri},
};
use crate::{
    AttendedOptions, Completion, Hold, HoldFailure, TransferCommand, TransferEventKind, TransferId,
    TransferOutput, TransferPolicy,
};

/// One thing that can happen; indices wrap around in what there is.
#[derive(Debug, Clone)]
enum Input {
    Blind(u8, Hold),
    Attended(u8, u8, Hold, bool, AttendedOptions),
    Consult(u8, Hold, AttendedOptions, Completion),
    Complete(u8),
    Swap(u8),
    Cancel(u8),
    /// The oldest re-INVITE of a call is settled.
    Settle(u8, Result<(), ReofferError>),
    /// A call that was placed rings, is answered, or is refused.
    Ring(u8),
    Answer(u8, bool),
    Refuse(u8),
    Bye(u8),
    HangUp(u8),
    /// A call that is being ended from here is over.
    Close(u8),
    Respond(u8, ReferAnswer),
    Notify(u8, NotifiedState, Option<u16>),
    /// The oldest two calls that are to be joined are, or cannot be.
    Joined(bool),
    Expire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Early,
    Up,
    Closing,
    Over,
}

#[derive(Debug)]
struct Call {
    stage: Stage,
    /// What this layer asked for, hold or not, and what came of it.
    asked: Vec<(bool, Option<Result<(), ReofferError>>)>,
    /// Whether it may be held at the end: by the application, or as a target that waits for what is done about it.
    may_wait: bool,
}

impl Call {
    const fn new(stage: Stage) -> Self {
        Self { stage, asked: Vec::new(), may_wait: false }
    }

    fn open(&mut self) -> Option<&mut Option<Result<(), ReofferError>>> {
        self.asked.iter_mut().map(|(_, result)| result).find(|result| result.is_none())
    }

    /// Whether it is on hold, as far as is known; a hold without an answer counts.
    fn held(&self) -> bool {
        let followed = |result: &Option<Result<(), ReofferError>>| {
            matches!(result, None | Some(Ok(()) | Err(ReofferError::TimedOut)))
        };
        let last = self.asked.iter().rev().find(|(hold, result)| !hold || followed(result));
        last.is_some_and(|(hold, _)| *hold)
    }
}

#[derive(Debug, Clone, Copy)]
struct Sub {
    transfer: TransferId,
    answered: bool,
    over: bool,
}

#[derive(Debug)]
struct Calls {
    rig: Rig,
    legs: BTreeMap<LegId, Call>,
    subs: BTreeMap<SubscriptionId, Sub>,
    transfers: Vec<TransferId>,
    /// Whether each transfer asked its target first, and the call it did so in.
    targets: BTreeMap<TransferId, LegId>,
    referring: Option<TransferId>,
    carried: usize,
    /// Calls that are to be joined, and those that are.
    joining: Vec<(LegId, LegId)>,
    joined: Vec<(LegId, LegId)>,
}

impl Calls {
    fn new(policy: TransferPolicy) -> Self {
        let mut calls = Self {
            rig: Rig::new(policy),
            legs: BTreeMap::new(),
            subs: BTreeMap::new(),
            transfers: Vec::new(),
            targets: BTreeMap::new(),
            referring: None,
            carried: 0,
            joining: Vec::new(),
            joined: Vec::new(),
        };
        for replaces in [true, true, false] {
            let leg = calls.rig.mint();
            calls.rig.up_with(leg, "203.0.113.9", false, Peer { replaces, ..Peer::default() });
            calls.legs.insert(leg, Call::new(Stage::Up));
        }
        calls
    }

    fn pick(&self, index: u8, stages: &[Stage]) -> Option<LegId> {
        let of: Vec<_> = self.legs.iter().filter(|(_, call)| stages.contains(&call.stage)).collect();
        of.len().checked_sub(1).map(|last| *of[last - usize::from(index) % of.len()].0)
    }

    fn sub(&self, index: u8) -> Option<SubscriptionId> {
        let of: Vec<_> = self.subs.iter().filter(|(_, sub)| !sub.over).map(|(id, _)| *id).collect();
        of.len().checked_sub(1).map(|last| of[last - usize::from(index) % of.len()])
    }

    fn call(&mut self, leg: LegId) -> &mut Call {
        self.legs.get_mut(&leg).expect("an output names a call that exists")
    }

    /// Does what the layer asks for, as the engine and the dialog layer would.
    fn carry(&mut self) {
        while self.carried < self.rig.outputs.len() {
            let output = self.rig.outputs[self.carried].clone();
            self.carried += 1;
            match output {
                TransferOutput::Hold { leg, .. } => self.ask(leg, true),
                TransferOutput::Resume { leg, .. } => self.ask(leg, false),
                TransferOutput::Place { leg, .. } => {
                    assert!(self.legs.insert(leg, Call::new(Stage::Early)).is_none());
                }
                TransferOutput::MoveMedia { to, .. } => {
                    assert!(
                        matches!(self.call(to).stage, Stage::Up | Stage::Early),
                        "audio of a call that is over"
                    );
                }
                TransferOutput::Bridge { a, b } => {
                    assert!(
                        [a, b].iter().all(|leg| self.call(*leg).stage == Stage::Up),
                        "a call that is over"
                    );
                    self.joining.push((a, b));
                }
                TransferOutput::Unbridge { a, b } => self.joining.retain(|pair| *pair != (a, b)),
                TransferOutput::Dialog(DialogCommand::Leg(leg, LegCommand::HangUp { .. })) => {
                    let call = self.call(leg);
                    assert!(matches!(call.stage, Stage::Up | Stage::Early), "{leg} is hung up on twice");
                    call.stage = Stage::Closing;
                    self.rig.leg(leg, LegEvent::Closing);
                }
                TransferOutput::Dialog(DialogCommand::Leg(
                    leg,
                    LegCommand::Refer { subscription, refer_to, .. },
                )) => self.refer(leg, subscription, refer_to.as_str()),
                TransferOutput::Dialog(DialogCommand::Subscription(id, SubscriptionCommand::Unsubscribe)) => {
                    self.subs.entry(id).and_modify(|sub| sub.over = true);
                }
                TransferOutput::Event(event) => match event.kind {
                    TransferEventKind::ReferSent => self.referring = Some(event.transfer),
                    TransferEventKind::Ended(outcome) if outcome.call_kept => {
                        let target = self.targets.get(&event.transfer).copied();
                        if let Some(call) = target.and_then(|leg| self.legs.get_mut(&leg)) {
                            call.may_wait = true;
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn ask(&mut self, leg: LegId, hold: bool) {
        let call = self.call(leg);
        assert_eq!(call.stage, Stage::Up, "{leg} is offered to but is not up");
        match call.asked.iter().filter(|(_, result)| result.is_none()).count() {
            0 | 1 => call.asked.push((hold, None)),
            // Asked again while one waits, it is the same wish.
            _ => call.asked.iter_mut().rev().take(1).for_each(|(wish, _)| *wish = hold),
        }
    }

    /// A call that is up and has no offer under way, so that no answer can pass for another transfer's.
    fn quiet(&self, index: u8) -> Option<LegId> {
        self.pick(index, &[Stage::Up])
            .filter(|leg| self.legs[leg].asked.iter().all(|(_, result)| result.is_some()))
    }

    fn refer(&mut self, leg: LegId, subscription: SubscriptionId, refer_to: &str) {
        assert_eq!(self.call(leg).stage, Stage::Up, "a REFER on a call that is over");
        let value = format!("<{refer_to}>");
        let refer_to = ReferTo::parse(&value).expect("a Refer-To can be read");
        if let Some(replaces) = refer_to.replaces {
            let named = self.legs.iter().find(|(leg, _)| replaces.call_id() == format!("call-{leg}"));
            let (named, call) = named.expect("Replaces names a call");
            assert_ne!(*named, leg);
            assert_eq!(call.stage, Stage::Up, "Replaces of a call that is over");
        }
        let transfer = self.referring.take().expect("a REFER is told");
        let live = self.subs.values().any(|sub| sub.transfer == transfer && !sub.over);
        assert!(!live, "two live REFERs of one transfer");
        self.subs.insert(subscription, Sub { transfer, answered: false, over: false });
    }

    fn end(&mut self, leg: LegId, by: By, reason: EndReason) {
        let call = self.call(leg);
        call.stage = Stage::Over;
        self.joining.retain(|(a, b)| *a != leg && *b != leg);
        let call = self.call(leg);
        let mut open = 0;
        while let Some(result) = call.open() {
            *result = Some(Err(ReofferError::Ended));
            open += 1;
        }
        for _ in 0..open {
            self.rig.reoffered(leg, Err(ReofferError::Ended));
        }
        self.rig.ended(leg, by, reason);
    }

    /// The streams answer.
    fn join(&mut self, joined: bool) {
        let (a, b) = self.joining.remove(0);
        if joined {
            self.joined.retain(|(c, d)| ![a, b].contains(c) && ![a, b].contains(d));
            self.joined.push((a, b));
        }
        self.rig.joined(a, b, joined);
    }

    fn settle(&mut self, leg: LegId, result: Result<(), ReofferError>) {
        if let Some(open) = self.call(leg).open() {
            *open = Some(result);
            self.rig.reoffered(leg, result);
        }
    }

    fn command(&mut self, transfer: TransferId, command: TransferCommand) {
        if self.rig.command(command).starts_with("ok") {
            self.transfers.push(transfer);
        }
    }

    fn run(&mut self, input: &Input) {
        let newest = |calls: &Self, index: u8| {
            let of = &calls.transfers;
            of.len().checked_sub(1).map(|last| of[last - usize::from(index) % of.len()])
        };
        match *input {
            Input::Blind(leg, hold) => {
                let Some(leg) = self.quiet(leg) else { return };
                self.call(leg).may_wait |= hold == Hold::Already;
                let (transfer, answer) = self.rig.blind(leg, hold);
                if answer.starts_with("ok") {
                    self.transfers.push(transfer);
                }
            }
            Input::Attended(leg, with, hold, consultation_held, options) => {
                let (Some(leg), Some(consultation)) = (self.quiet(leg), self.quiet(with)) else { return };
                self.call(leg).may_wait |= hold == Hold::Already;
                self.call(consultation).may_wait |= consultation_held;
                let transfer = self.rig.mint();
                let command = TransferCommand::Attended {
                    transfer,
                    leg,
                    consultation,
                    hold,
                    consultation_held,
                    referred_by: None,
                    options,
                };
                self.command(transfer, command);
            }
            Input::Consult(leg, hold, options, completion) => {
                let Some(leg) = self.quiet(leg) else { return };
                self.call(leg).may_wait |= hold == Hold::Already;
                let (transfer, consultation) = (self.rig.mint(), self.rig.mint());
                self.targets.insert(transfer, consultation);
                let command = TransferCommand::Consult {
                    transfer,
                    leg,
                    consultation,
                    target: uri("sip:carol@example.com"),
                    hold,
                    referred_by: None,
                    options,
                    completion,
                };
                self.command(transfer, command);
            }
            Input::Complete(index) => {
                if let Some(transfer) = newest(self, index) {
                    self.rig.command(TransferCommand::Complete { transfer });
                }
            }
            Input::Swap(index) => {
                if let Some(transfer) = newest(self, index) {
                    self.rig.command(TransferCommand::Swap { transfer });
                }
            }
            Input::Cancel(index) => {
                if let Some(transfer) = newest(self, index) {
                    self.rig.cancel(transfer);
                }
            }
            Input::Settle(leg, result) => {
                if let Some(leg) = self.pick(leg, &[Stage::Up]) {
                    self.settle(leg, result);
                }
            }
            Input::Ring(leg) => {
                if let Some(leg) = self.pick(leg, &[Stage::Early]) {
                    self.rig.provisional(leg, 180);
                }
            }
            Input::Answer(leg, replaces) => {
                if let Some(leg) = self.pick(leg, &[Stage::Early]) {
                    self.call(leg).stage = Stage::Up;
                    let peer = Peer { replaces, ..Peer::default() };
                    self.rig.up_with(leg, "203.0.113.77", true, peer);
                }
            }
            Input::Refuse(leg) => {
                if let Some(leg) = self.pick(leg, &[Stage::Early]) {
                    self.end(leg, By::Remote, EndReason::Refused(code(486)));
                }
            }
            Input::Bye(leg) => {
                if let Some(leg) = self.pick(leg, &[Stage::Up, Stage::Closing]) {
                    self.end(leg, By::Remote, EndReason::Bye);
                }
            }
            Input::HangUp(leg) => {
                if let Some(leg) = self.pick(leg, &[Stage::Up, Stage::Early]) {
                    self.call(leg).stage = Stage::Closing;
                    self.rig.leg(leg, LegEvent::Closing);
                }
            }
            Input::Close(leg) => {
                if let Some(leg) = self.pick(leg, &[Stage::Closing]) {
                    self.end(leg, By::Local, EndReason::Bye);
                }
            }
            Input::Respond(sub, answer) => self.respond(sub, answer),
            Input::Notify(sub, state, status) => {
                if let Some(id) = self.sub(sub) {
                    let over = state == NotifiedState::Terminated;
                    // One that has told its end runs out by itself, and a second REFER may follow it (TR-171).
                    let told = status.is_some_and(|status| status >= 200);
                    self.subs.entry(id).and_modify(|sub| sub.over = over || told);
                    self.rig.notified(id, state, status);
                    if over {
                        self.rig.sub(id, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
                    }
                }
            }
            Input::Joined(joined) => {
                if !self.joining.is_empty() {
                    self.join(joined);
                }
            }
            Input::Expire => drop(self.rig.expire_next()),
        }
    }

    fn respond(&mut self, sub: u8, answer: ReferAnswer) {
        let Some(id) = self.sub(sub).filter(|id| !self.subs[id].answered) else { return };
        let accepted = matches!(answer, ReferAnswer::Accepted(_));
        self.subs.entry(id).and_modify(|sub| {
            sub.answered = true;
            sub.over = !accepted;
        });
        self.rig.sub(id, SubscriptionEvent::Answered(answer));
        if !accepted {
            self.rig.sub(id, SubscriptionEvent::Ended(SubscriptionEnd::Refused));
        }
    }

    /// From here on every peer does what it is asked, and time passes.
    fn calm(&mut self) {
        loop {
            self.carry();
            let offered = self.legs.iter_mut().find_map(|(leg, call)| call.open().is_some().then_some(*leg));
            if let Some(leg) = offered {
                self.settle(leg, Ok(()));
            } else if let Some(leg) = self.pick(0, &[Stage::Closing]) {
                self.end(leg, By::Local, EndReason::Bye);
            } else if !self.joining.is_empty() {
                self.join(true);
            } else if self.rig.expire_next().is_none() {
                return;
            }
        }
    }
}

fn input() -> impl Strategy<Value = Input> {
    use Input::*;
    let index = || 0u8..6;
    let hold = || prop::sample::select(vec![Hold::First, Hold::First, Hold::Already, Hold::No]);
    let completion = prop::sample::select(vec![Completion::OnAnswer, Completion::OnCommand]);
    let result = prop::sample::select(vec![
        Ok(()),
        Ok(()),
        Ok(()),
        Err(ReofferError::Refused(code(488))),
        Err(ReofferError::Refused(code(481))),
        Err(ReofferError::TimedOut),
        Err(ReofferError::Unreachable),
    ]);
    let refused = |status| ReferAnswer::Refused { status: code(status), retry_after: Some(3) };
    let answer = prop::sample::select(vec![
        ReferAnswer::Accepted(code(202)),
        ReferAnswer::Accepted(code(202)),
        ReferAnswer::Accepted(code(202)),
        refused(405),
        refused(481),
        refused(491),
        refused(500),
        refused(603),
        ReferAnswer::TimedOut,
    ]);
    let state = prop::sample::select(vec![NotifiedState::Active, NotifiedState::Terminated]);
    let status = prop::option::weighted(0.9, prop::sample::select(vec![100u16, 180, 200, 404, 481, 486]));
    prop_oneof![
        1 => (index(), hold()).prop_map(|(leg, hold)| Blind(leg, hold)),
        4 => (index(), index(), hold(), prop::bool::weighted(0.2), options())
            .prop_map(|(leg, with, hold, held, options)| Attended(leg, with, hold, held, options)),
        4 => (index(), hold(), options(), completion)
            .prop_map(|(leg, hold, options, completion)| Consult(leg, hold, options, completion)),
        5 => index().prop_map(Complete),
        3 => index().prop_map(Swap),
        1 => index().prop_map(Cancel),
        14 => (index(), result).prop_map(|(leg, result)| Settle(leg, result)),
        2 => index().prop_map(Ring),
        6 => (index(), prop::bool::weighted(0.8)).prop_map(|(leg, replaces)| Answer(leg, replaces)),
        1 => index().prop_map(Refuse),
        2 => index().prop_map(Bye),
        1 => index().prop_map(HangUp),
        3 => index().prop_map(Close),
        6 => (index(), answer).prop_map(|(sub, answer)| Respond(sub, answer)),
        6 => (index(), state, status).prop_map(|(sub, state, status)| Notify(sub, state, status)),
        4 => prop::bool::weighted(0.8).prop_map(Joined),
        2 => Just(Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Invariant 4, and what a REFER may touch: it is sent in a call that is up, and Replaces names another one that is
    /// up; a transfer has one live REFER at most; at the end nobody is held by this layer but a target that waits for what
    /// the application does about it. Of two calls that are bridged none outlives the other.
    #[test]
    fn nobody_is_left_on_hold_and_no_refer_touches_a_call_that_is_over(
        attended in attended(),
        strict in any::<bool>(),
        fallback in fallback(),
        inputs in prop::collection::vec(input(), 1..60),
    ) {
        let hold_failure = if strict { HoldFailure::Fail } else { HoldFailure::GoOn };
        let mut calls = Calls::new(TransferPolicy { hold_failure, fallback, attended, ..TransferPolicy::default() });
        for input in inputs {
            calls.run(&input);
            calls.carry();
        }
        calls.calm();
        calls.rig.assert_nothing_left();
        let ended: std::collections::BTreeSet<_> = calls.rig.ended.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(ended.len(), calls.rig.ended.len());
        prop_assert_eq!(ended.len(), calls.transfers.len());
        for (a, b) in &calls.joined {
            let up = |leg: &LegId| calls.legs[leg].stage == Stage::Up;
            prop_assert_eq!(up(a), up(b), "{} and {} of {:?}", a, b, calls.legs);
            prop_assert!(!up(a) || !calls.legs[a].held() && !calls.legs[b].held());
        }
        for (leg, call) in &calls.legs {
            prop_assert!(call.stage != Stage::Up || call.may_wait || !call.held(), "{} {:?}", leg, call);
        }
    }
}
