//! Calls that behave as those of the dialog layer do.

use std::collections::BTreeMap;

use dialog_core::{
    By, DialogCommand, EndReason, LegCommand, LegEvent, LegId, NotifiedState, Peer, ReferAnswer,
    ReofferError, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
use sip_message::ReferTo;

use super::{
    super::rig::{Rig, code, uri},
    Input,
};
use crate::{Hold, TransferCommand, TransferEventKind, TransferId, TransferOutput, TransferPolicy};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Early,
    Up,
    Closing,
    Over,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) stage: Stage,
    /// What this layer asked for, hold or not, and what came of it.
    pub(super) asked: Vec<(bool, Option<Result<(), ReofferError>>)>,
    /// Whether it may be held at the end: by the application, or as a target that waits for what is done about it.
    pub(super) may_wait: bool,
}

impl Call {
    pub(super) const fn new(stage: Stage) -> Self {
        Self { stage, asked: Vec::new(), may_wait: false }
    }

    pub(super) fn open(&mut self) -> Option<&mut Option<Result<(), ReofferError>>> {
        self.asked.iter_mut().map(|(_, result)| result).find(|result| result.is_none())
    }

    /// Whether it is on hold, as far as is known; a hold without an answer counts.
    pub(super) fn held(&self) -> bool {
        let followed = |result: &Option<Result<(), ReofferError>>| {
            matches!(result, None | Some(Ok(()) | Err(ReofferError::TimedOut)))
        };
        let last = self.asked.iter().rev().find(|(hold, result)| !hold || followed(result));
        last.is_some_and(|(hold, _)| *hold)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sub {
    pub(super) transfer: TransferId,
    pub(super) answered: bool,
    pub(super) over: bool,
}

#[derive(Debug)]
pub(super) struct Calls {
    pub(super) rig: Rig,
    pub(super) legs: BTreeMap<LegId, Call>,
    pub(super) subs: BTreeMap<SubscriptionId, Sub>,
    pub(super) transfers: Vec<TransferId>,
    /// Whether each transfer asked its target first, and the call it did so in.
    pub(super) targets: BTreeMap<TransferId, LegId>,
    pub(super) referring: Option<TransferId>,
    pub(super) carried: usize,
    /// Calls that are to be joined, and those that are.
    pub(super) joining: Vec<(LegId, LegId)>,
    pub(super) joined: Vec<(LegId, LegId)>,
}

impl Calls {
    pub(super) fn new(policy: TransferPolicy) -> Self {
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

    pub(super) fn pick(&self, index: u8, stages: &[Stage]) -> Option<LegId> {
        let of: Vec<_> = self.legs.iter().filter(|(_, call)| stages.contains(&call.stage)).collect();
        of.len().checked_sub(1).map(|last| *of[last - usize::from(index) % of.len()].0)
    }

    pub(super) fn sub(&self, index: u8) -> Option<SubscriptionId> {
        let of: Vec<_> = self.subs.iter().filter(|(_, sub)| !sub.over).map(|(id, _)| *id).collect();
        of.len().checked_sub(1).map(|last| of[last - usize::from(index) % of.len()])
    }

    pub(super) fn call(&mut self, leg: LegId) -> &mut Call {
        self.legs.get_mut(&leg).expect("an output names a call that exists")
    }

    /// Does what the layer asks for, as the engine and the dialog layer would.
    pub(super) fn carry(&mut self) {
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
                    LegCommand::Refer { subscription, refer },
                )) => self.refer(leg, subscription, refer.refer_to.as_str()),
                TransferOutput::Dialog(DialogCommand::Subscription(id, SubscriptionCommand::Unsubscribe)) => {
                    self.subs.entry(id).and_modify(|sub| sub.over = true);
                }
                TransferOutput::Event(event) => match event.kind {
                    TransferEventKind::ReferSent => self.referring = Some(event.transfer),
                    TransferEventKind::Ended(outcome) if outcome.call_kept || outcome.on_hold => {
                        let target = self.targets.get(&event.transfer).copied();
                        // Who refuses to be taken back stays on hold, and the outcome says so.
                        for leg in target.into_iter().chain(outcome.on_hold.then_some(event.leg)) {
                            if let Some(call) = self.legs.get_mut(&leg) {
                                call.may_wait = true;
                            }
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    pub(super) fn ask(&mut self, leg: LegId, hold: bool) {
        let call = self.call(leg);
        assert_eq!(call.stage, Stage::Up, "{leg} is offered to but is not up");
        match call.asked.iter().filter(|(_, result)| result.is_none()).count() {
            0 | 1 => call.asked.push((hold, None)),
            // Asked again while one waits, it is the same wish.
            _ => call.asked.iter_mut().rev().take(1).for_each(|(wish, _)| *wish = hold),
        }
    }

    /// A call that is up and has no offer under way, so that no answer can pass for another transfer's.
    pub(super) fn quiet(&self, index: u8) -> Option<LegId> {
        self.pick(index, &[Stage::Up])
            .filter(|leg| self.legs[leg].asked.iter().all(|(_, result)| result.is_some()))
    }

    /// What a transfer is told about hold: the engine knows of a call that waits on hold.
    pub(super) fn hold_of(&mut self, leg: LegId, hold: Hold) -> Hold {
        let call = self.call(leg);
        let hold = if call.held() { Hold::Already } else { hold };
        call.may_wait |= hold == Hold::Already;
        hold
    }

    pub(super) fn refer(&mut self, leg: LegId, subscription: SubscriptionId, refer_to: &str) {
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

    pub(super) fn end(&mut self, leg: LegId, by: By, reason: EndReason) {
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
    pub(super) fn join(&mut self, joined: bool) {
        let (a, b) = self.joining.remove(0);
        if joined {
            assert!(![a, b].iter().any(|leg| self.call(*leg).held()), "who is bridged is not on hold");
            self.joined.retain(|(c, d)| ![a, b].contains(c) && ![a, b].contains(d));
            self.joined.push((a, b));
        }
        self.rig.joined(a, b, joined);
    }

    pub(super) fn settle(&mut self, leg: LegId, result: Result<(), ReofferError>) {
        if let Some(open) = self.call(leg).open() {
            *open = Some(result);
            self.rig.reoffered(leg, result);
        }
    }

    pub(super) fn command(&mut self, transfer: TransferId, command: TransferCommand) {
        if self.rig.command(command).starts_with("ok") {
            self.transfers.push(transfer);
        }
    }

    pub(super) fn run(&mut self, input: &Input) {
        let newest = |calls: &Self, index: u8| {
            let of = &calls.transfers;
            of.len().checked_sub(1).map(|last| of[last - usize::from(index) % of.len()])
        };
        match *input {
            Input::Blind(leg, hold) => {
                let Some(leg) = self.quiet(leg) else { return };
                let hold = self.hold_of(leg, hold);
                let (transfer, answer) = self.rig.blind(leg, hold);
                if answer.starts_with("ok") {
                    self.transfers.push(transfer);
                }
            }
            Input::Attended(leg, with, hold, consultation_held, options) => {
                let (Some(leg), Some(consultation)) = (self.quiet(leg), self.quiet(with)) else { return };
                let hold = self.hold_of(leg, hold);
                let consultation_held = consultation_held || self.call(consultation).held();
                self.call(consultation).may_wait |= consultation_held;
                let transfer = self.rig.mint();
                let command = TransferCommand::Attended {
                    refer: crate::ReferOptions::default(),
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
                let hold = self.hold_of(leg, hold);
                let (transfer, consultation) = (self.rig.mint(), self.rig.mint());
                self.targets.insert(transfer, consultation);
                let command = TransferCommand::Consult {
                    refer: crate::ReferOptions::default(),
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
                    self.rig.command(TransferCommand::Complete { transfer, fallback: None });
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
            Input::Decline(index, reason) => {
                if let Some(transfer) = newest(self, index) {
                    self.rig.command(TransferCommand::Decline { transfer, reason });
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

    pub(super) fn respond(&mut self, sub: u8, answer: ReferAnswer) {
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
    pub(super) fn calm(&mut self) {
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
