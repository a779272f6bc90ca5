//! Carries out what the machine decides.

use std::time::Duration;

use dialog_core::{DialogCommand, LegCommand, Refer, SubscriptionCommand, SubscriptionId};
use sip_message::UriBuf;
use sip_transport::{Out, Random};

use super::{
    Transferor,
    action::{Action, Side, Tell, Wait},
    machine::{Held, May, Plan, State},
};
use crate::{
    Purpose, Role, TransferEvent, TransferEventKind, TransferOutput, TransferTimerName, WithoutReplaces,
    policy::{ByeOwner, attended::SemiAttendedPolicy},
    surroundings::Surroundings,
};

impl May {
    /// Before anything is known.
    pub(super) const NOTHING: Self = Self {
        go_on: false,
        hold_consultation: false,
        replaces: false,
        refer: false,
        bridge: false,
        reroute: false,
        reverse: false,
        semi_attended: SemiAttendedPolicy::Refuse,
        without_replaces: WithoutReplaces::Refuse,
        bye: ByeOwner::Transferor,
        bye_at_once: true,
    };
}

impl Transferor {
    pub(super) fn act(
        &mut self,
        action: Action,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        match action {
            Action::Hold(side) => {
                out.push(TransferOutput::Hold { leg: self.leg_of(side), limit: around.policy.hold_limit });
            }
            Action::NoteHeld(Side::Primary, held) => self.facts.held = held,
            Action::NoteHeld(Side::Consultation, held) => self.facts.consultation_held = held,
            Action::Place => self.place(around, out),
            Action::Reroute => {
                self.consultation.iter_mut().for_each(|consultation| consultation.naming.reroute());
            }
            Action::Protect => {
                self.facts.protect = true;
                self.tell_kind(out);
            }
            Action::GoBlind => {
                self.facts.plan = Plan::Blind;
                self.facts.protect = false;
                self.tell_kind(out);
            }
            // Sent by `drive`, which has to know whether it could be.
            Action::Refer => {}
            Action::Call => self.call(around, out),
            Action::Join => {
                let (a, b) = (self.leg, self.leg_of(Side::Consultation));
                out.push(TransferOutput::Bridge { a, b });
            }
            Action::NoteBridged => around.legs.bridge(self.leg, self.leg_of(Side::Consultation)),
            Action::Part => {
                let (a, b) = (self.leg, self.leg_of(Side::Consultation));
                out.push(TransferOutput::Unbridge { a, b });
            }
            Action::Detach => self.facts.detached = true,
            Action::Keep => self.keep_subscription(around, out),
            // A REFER that was not accepted yet is withdrawn all the same: it may not have left.
            Action::Unsubscribe if self.facts.accepted.is_some() && !around.policy.unsubscribe => {}
            Action::Unsubscribe => self.end_subscription(around, out),
            Action::Resume(Side::Primary) if matches!(self.state, State::Recovering(_)) => {
                self.resume(around, out);
            }
            Action::Resume(Side::Consultation)
                if matches!(self.state, State::Recovering(_) | State::Restoring(_)) =>
            {
                self.restore(around, out);
            }
            // What the user turns to has all the time there is, however often.
            Action::Resume(side) => {
                let leg = self.leg_of(side);
                out.push(TransferOutput::Resume { leg, limit: around.policy.resume_limit });
            }
            Action::Probe => {
                let (leg, limit) = (self.leg, around.policy.resume_limit);
                out.push(match self.facts.held {
                    // What is held by the application is asked for as it is.
                    Held::Application => TransferOutput::Hold { leg, limit },
                    Held::Nobody | Held::Us | Held::Refused => TransferOutput::Resume { leg, limit },
                });
            }
            Action::HangUp(side) => {
                // The dialog layer says so only when it is asked, which is after this step.
                around.legs.closing(self.leg_of(side));
                let hang_up = LegCommand::HangUp { reason: None };
                out.push(TransferOutput::Dialog(DialogCommand::Leg(self.leg_of(side), hang_up)));
            }
            Action::MoveTo(side) => {
                if self.audio.is_some_and(|on| on != side) {
                    self.audio = Some(side);
                    let (from, to) = (self.leg_of(side.other()), self.leg_of(side));
                    out.push(TransferOutput::MoveMedia { from, to });
                }
            }
            Action::Tell(tell) => {
                if self.told != Some(tell) {
                    self.told = Some(tell);
                    self.tell(self.kind(tell), out);
                }
            }
            Action::Wait(wait) => self.wait(wait, around, out),
            Action::Finish(outcome) => {
                let outcome = self.declined.map_or(outcome, |reason| outcome.declined(reason));
                let outcome = outcome.after(self.retry_after);
                self.tell(TransferEventKind::Ended(outcome), out);
            }
        }
    }

    /// Places the consultation call.
    pub(super) fn place(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let leg = self.leg_of(Side::Consultation);
        if let Some(entry) = around.legs.enter(leg, usize::MAX) {
            entry.moved_by = Some(self.id);
        }
        self.tell(TransferEventKind::Consulting { consultation: leg }, out);
        out.push(TransferOutput::Place {
            leg,
            beside: self.leg,
            purpose: Purpose::Consultation,
            target: self.target.clone(),
            from: None,
            headers: Vec::new(),
            extensions: Vec::new(),
            ring_limit: around.policy.consult_ring(),
        });
    }

    /// Sends the REFER; each one creates a subscription of its own (RFC 3515 §2.4.6). `false` if the call that it is to
    /// name cannot be named.
    pub(super) fn refer(
        &mut self,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let referred = self.facts.referred();
        let Some(refer) = self.worded(referred, around) else { return false };
        self.referred = around.cx.now;
        self.waiting.iter_mut().for_each(|waiting| waiting.begin());
        let subscription: SubscriptionId = around.cx.ids.mint();
        (self.unsubscribed, self.followed) = (false, false);
        self.told = None;
        self.facts.accepted = None;
        if let Some(refused) = self.subscription.replace(subscription) {
            around.subscriptions.remove(&refused);
        }
        around.subscriptions.insert(subscription, self.id);
        self.tell(TransferEventKind::ReferSent, out);
        let command = LegCommand::Refer { subscription, refer: Box::new(refer) };
        out.push(TransferOutput::Dialog(DialogCommand::Leg(self.leg_of(referred), command)));
        true
    }

    /// The REFER to a side; `None` if what it is to name cannot be named.
    fn worded(&self, referred: Side, around: &Surroundings<'_, '_>) -> Option<Refer> {
        let leg = around.legs.get(self.leg_of(referred))?;
        let refer_to = match (&self.consultation, self.facts.plan) {
            (None, _) | (Some(_), Plan::Blind) => self.options.written(&self.target, leg).ok()?,
            (Some(with), Plan::Consult | Plan::Attended) => {
                with.naming.refer_to(self.leg_of(referred.other()), self.options.target_headers(), around)?
            }
        };
        Some(Refer {
            referred_by: self.options.referred_by(self.referred_by.as_ref()),
            subscription: self.options.subscription,
            outside: leg.refers_outside(&self.options),
            headers: self.options.request_headers(self.referred_by.as_ref()),
            ..Refer::to(refer_to)
        })
    }

    /// Subscribes to what becomes of the REFER where its 2xx says (RFC 7614 §4.4), if anybody waits for it.
    pub(super) fn follow(
        &mut self,
        at: &UriBuf,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        // Whoever decides about the answer: to hear of the referral decides nothing.
        let accepted = matches!(self.state, State::Accepted | State::Progress | State::Detached);
        let follows = accepted || self.is_answered() && matches!(self.state, State::ReferPending(_));
        if !follows {
            return false;
        }
        self.followed = true;
        let subscription: SubscriptionId = around.cx.ids.mint();
        if let Some(refer) = self.subscription.replace(subscription) {
            around.subscriptions.remove(&refer);
        }
        around.subscriptions.insert(subscription, self.id);
        let follow = LegCommand::FollowRefer { subscription, at: at.clone() };
        out.push(TransferOutput::Dialog(DialogCommand::Leg(self.leg_of(self.facts.referred()), follow)));
        true
    }

    /// Has the subscription outlive its call.
    fn keep_subscription(&self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        if let Some(id) = self.subscription.filter(|id| around.subscriptions.contains_key(id)) {
            out.push(TransferOutput::Dialog(DialogCommand::Subscription(id, SubscriptionCommand::Keep)));
        }
    }

    /// Takes the call back, in what is left of the limit.
    fn resume(&mut self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.facts.resumes = self.facts.resumes.saturating_add(1);
        self.ask_back(Side::Primary, around, out);
    }

    /// Takes the consultation call back, in what is left of the same limit.
    fn restore(&mut self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.facts.restores = self.facts.restores.saturating_add(1);
        self.ask_back(Side::Consultation, around, out);
    }

    fn ask_back(&mut self, side: Side, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let first = *self.resumed.get_or_insert(around.cx.now);
        let limit = around.policy.resume_limit.saturating_sub(around.cx.now.since(first));
        out.push(TransferOutput::Resume { leg: self.leg_of(side), limit });
    }

    /// Ends the subscription at once, whatever became of the REFER: one that waits behind an INVITE must not leave after
    /// the call was taken back (TR-177), and the dialog layer knows whether it has left.
    fn end_subscription(&mut self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let live = self.subscription.filter(|id| around.subscriptions.contains_key(id));
        if let Some(subscription) = live.filter(|_| !self.unsubscribed) {
            self.unsubscribed = true;
            out.push(TransferOutput::Dialog(DialogCommand::Subscription(
                subscription,
                SubscriptionCommand::Unsubscribe,
            )));
        }
    }

    fn wait(&mut self, wait: Wait, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let (name, after) = match wait {
            Wait::Hold => (TransferTimerName::Hold, around.policy.hold_wait()),
            Wait::Consult => (TransferTimerName::Consult, around.policy.consult_wait()),
            Wait::Talk => (TransferTimerName::Talk, around.policy.attended.talk_limit),
            Wait::Guard => (TransferTimerName::Guard, around.policy.guard),
            Wait::Retry(seconds) => {
                self.facts.retried = true;
                let referred = self.leg_of(self.facts.referred());
                let placed = around.legs.get(referred).is_some_and(|leg| leg.placed);
                (
                    TransferTimerName::Retry,
                    seconds.map_or_else(|| glare_delay(placed, around.cx.random), in_seconds),
                )
            }
            Wait::Final => (TransferTimerName::Final, around.policy.final_grace),
            Wait::Again(after) => (TransferTimerName::Retry, after),
            Wait::Resume => (TransferTimerName::Resume, around.policy.resume_wait()),
            Wait::Closing => (TransferTimerName::Closing, around.policy.closing_wait()),
            Wait::Bye => (TransferTimerName::Bye, around.policy.bye_pause()),
        };
        self.armed.arm(self.id, name, after, out);
    }

    /// Lets go of everything that leads to this transfer.
    pub(super) fn release(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let calls = [Side::Primary, Side::Consultation].map(|side| self.leg_of(side));
        for leg in calls {
            if let Some(leg) = around.legs.get_mut(leg) {
                leg.moved_by = None;
            }
        }
        for leg in calls {
            around.legs.settle(leg, out);
        }
        if let Some(subscription) = self.subscription.take() {
            around.subscriptions.remove(&subscription);
        }
    }

    pub(super) fn tell(&self, kind: TransferEventKind, out: &mut Out<'_, TransferOutput>) {
        out.push(TransferOutput::Event(TransferEvent {
            transfer: self.id,
            leg: self.leg,
            role: Role::Transferor,
            kind,
        }));
    }

    fn kind(&self, tell: Tell) -> TransferEventKind {
        match tell {
            Tell::ConsultRinging(status) => TransferEventKind::ConsultRinging { status },
            Tell::ConsultAnswered => TransferEventKind::ConsultAnswered,
            Tell::ConsultFailed(status) => TransferEventKind::ConsultFailed { status },
            Tell::Swapped(side) => TransferEventKind::Swapped { active: self.leg_of(side) },
            Tell::PrimaryLost => TransferEventKind::PrimaryLost,
            Tell::Accepted(status) => TransferEventKind::Accepted { status },
            Tell::AwaitingApproval => TransferEventKind::AwaitingApproval,
            Tell::Progress(status) => TransferEventKind::Progress { status },
            Tell::Bridging => TransferEventKind::Bridging,
            Tell::Recovering => TransferEventKind::Recovering,
        }
    }
}

const fn in_seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds as u64)
}

/// The delay after 491: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other side, in steps of 10 ms, so that
/// two REFERs do not meet again (RFC 3261 §14.1).
fn glare_delay(owner: bool, random: &mut dyn Random) -> Duration {
    let steps = if owner { 210 + random.up_to(190) } else { random.up_to(200) };
    Duration::from_millis(u64::from(steps) * 10)
}
