//! A transfer that we ask for: carries out what [`machine`] decides.

mod action;
mod event;
mod machine;
mod outcome;
#[cfg(test)]
mod tests;

use std::time::Duration;

use dialog_core::{
    DialogCommand, LegCommand, LegEvent, LegId, SubscriptionCommand, SubscriptionEvent, SubscriptionId,
};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{Out, Random, Tick};

use self::{
    action::{Action, Tell, Wait},
    event::{Answer, CallEnd, Event, Reoffer},
    machine::{Facts, Held, State, Step, step},
};
use crate::{
    Hold, HoldFailure, Role, TransferEvent, TransferEventKind, TransferId, TransferInfo, TransferOutput,
    TransferTimerName, policy::CLOSING_WAIT, surroundings::Surroundings, timers::Armed,
};

/// One transfer of ours.
#[derive(Debug)]
pub(crate) struct Transferor {
    id: TransferId,
    leg: LegId,
    target: UriBuf,
    referred_by: Option<NameAddrBuf>,
    hold: Hold,
    state: State,
    facts: Facts,
    /// The subscription of the last REFER.
    subscription: Option<SubscriptionId>,
    /// Whether that subscription was ended from here, or its REFER withdrawn.
    unsubscribed: bool,
    /// What was last told of the progress; repetitions are not told.
    told: Option<Tell>,
    last_code: Option<StatusCode>,
    started: Tick,
    /// When the last REFER was asked for.
    referred: Tick,
    /// When the call was first asked to be taken back; all tries share one limit.
    resumed: Option<Tick>,
    armed: Armed,
}

impl Transferor {
    pub(crate) fn new(
        id: TransferId,
        leg: LegId,
        target: UriBuf,
        hold: Hold,
        referred_by: Option<NameAddrBuf>,
        started: Tick,
    ) -> Self {
        let held = match hold {
            Hold::First | Hold::No => Held::Nobody,
            Hold::Already => Held::Application,
        };
        Self {
            id,
            leg,
            target,
            referred_by,
            hold,
            state: State::Idle,
            facts: Facts { held, retried: false, go_on: true, resumes: 0 },
            subscription: None,
            unsubscribed: false,
            told: None,
            last_code: None,
            started,
            referred: started,
            resumed: None,
            armed: Armed::default(),
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(crate) fn info(&self) -> TransferInfo {
        TransferInfo {
            id: self.id,
            role: Role::Transferor,
            leg: self.leg,
            new_leg: None,
            target: self.target.clone(),
            state: self.state.name(),
            last_code: self.last_code,
            started: self.started,
        }
    }

    /// Begins: tells so, then holds or sends the REFER.
    pub(crate) fn begin(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.tell(TransferEventKind::Initiated { target: self.target.clone() }, out);
        self.drive(Event::Begin(self.hold), around, out);
    }

    /// Whether the application may give the transfer up now.
    pub(crate) fn can_cancel(&self) -> bool {
        step(self.state, Event::Cancel, self.facts).is_some()
    }

    pub(crate) fn cancel(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Cancel, around, out);
    }

    /// Takes an event of the call; `false` if it means nothing to the transfer.
    pub(crate) fn call_event(
        &mut self,
        event: &LegEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let event = match event {
            LegEvent::Reoffered(result) => Event::Reoffer(Reoffer::of(*result)),
            LegEvent::Closing => Event::Call(CallEnd::Closing),
            LegEvent::Ended(cause) => Event::Call(CallEnd::of(cause)),
            // A REFER that the leg does not take is refused in the step in which it was asked for; a later misuse is
            // somebody else's.
            LegEvent::Misused(_)
                if self.referred == around.cx.now && matches!(self.state, State::ReferPending(None)) =>
            {
                Event::Answer(Answer::Misused)
            }
            LegEvent::Incoming(_)
            | LegEvent::Described { .. }
            | LegEvent::NeedDescription { .. }
            | LegEvent::RolledBack
            | LegEvent::Provisional { .. }
            | LegEvent::Up(_)
            | LegEvent::Changed
            | LegEvent::Acknowledged
            | LegEvent::Misused(_) => return true,
        };
        self.drive(event, around, out)
    }

    /// Takes an event of the subscription.
    pub(crate) fn subscription_event(
        &mut self,
        event: &SubscriptionEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some(event) = Event::of_subscription(event) else {
            return false;
        };
        match event {
            Event::Notify(report) => self.last_code = report.code().or(self.last_code),
            Event::Answer(answer) => self.last_code = answer.code().or(self.last_code),
            Event::Begin(_)
            | Event::Reoffer(_)
            | Event::Subscription(_)
            | Event::Call(_)
            | Event::Cancel
            | Event::Timer(_) => {}
        }
        self.drive(event, around, out)
    }

    pub(crate) fn expire(
        &mut self,
        name: TransferTimerName,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        match Event::of_timer(name) {
            Some(event) if self.armed.expired(name) => self.drive(event, around, out),
            Some(_) | None => false,
        }
    }

    fn drive(
        &mut self,
        event: Event,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        self.facts.go_on = around.policy.hold_failure == HoldFailure::GoOn;
        let Some(Step { next, actions }) = step(self.state, event, self.facts) else {
            return false;
        };
        self.state = next;
        self.armed.keep(next.timers(), self.id, out);
        for action in actions {
            self.act(action, around, out);
        }
        if self.is_over() {
            self.release(around);
        }
        true
    }

    fn act(&mut self, action: Action, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let leg = self.leg;
        match action {
            Action::Hold => out.push(TransferOutput::Hold { leg, limit: around.policy.hold_limit }),
            Action::NoteHeld => self.facts.held = Held::Us,
            Action::Refer => self.refer(around, out),
            Action::Unsubscribe => self.end_subscription(around, out),
            Action::Resume => self.resume(around, out),
            Action::Probe => out.push(match self.facts.held {
                // What is held by the application is asked for as it is.
                Held::Application => TransferOutput::Hold { leg, limit: around.policy.resume_limit },
                Held::Nobody | Held::Us => TransferOutput::Resume { leg, limit: around.policy.resume_limit },
            }),
            Action::HangUp => {
                out.push(TransferOutput::Dialog(DialogCommand::Leg(
                    leg,
                    LegCommand::HangUp { reason: None },
                )));
            }
            Action::Tell(tell) => {
                if self.told != Some(tell) {
                    self.told = Some(tell);
                    self.tell(tell.into(), out);
                }
            }
            Action::Wait(wait) => self.wait(wait, around, out),
            Action::Finish(outcome) => self.tell(TransferEventKind::Ended(outcome), out),
        }
    }

    /// Sends the REFER; each one creates a subscription of its own (RFC 3515 §2.4.6).
    fn refer(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let subscription: SubscriptionId = around.cx.ids.mint();
        self.referred = around.cx.now;
        if let Some(refused) = self.subscription.replace(subscription) {
            around.subscriptions.remove(&refused);
        }
        around.subscriptions.insert(subscription, self.id);
        self.tell(TransferEventKind::ReferSent, out);
        let command = LegCommand::Refer {
            subscription,
            refer_to: self.target.clone(),
            referred_by: self.referred_by.clone(),
        };
        out.push(TransferOutput::Dialog(DialogCommand::Leg(self.leg, command)));
    }

    /// Takes the call back, in what is left of the limit.
    fn resume(&mut self, around: &Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let first = *self.resumed.get_or_insert(around.cx.now);
        self.facts.resumes = self.facts.resumes.saturating_add(1);
        let limit = around.policy.resume_limit.saturating_sub(around.cx.now.since(first));
        out.push(TransferOutput::Resume { leg: self.leg, limit });
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
            Wait::Guard => (TransferTimerName::Guard, around.policy.guard),
            Wait::Retry(seconds) => {
                self.facts.retried = true;
                let placed = around.legs.get(self.leg).is_some_and(|leg| leg.placed);
                (
                    TransferTimerName::Retry,
                    seconds.map_or_else(|| glare_delay(placed, around.cx.random), in_seconds),
                )
            }
            Wait::Final => (TransferTimerName::Final, around.policy.final_grace),
            Wait::Again(after) => (TransferTimerName::Retry, after),
            Wait::Resume => (TransferTimerName::Resume, around.policy.resume_wait()),
            Wait::Closing => (TransferTimerName::Closing, CLOSING_WAIT),
        };
        self.armed.arm(self.id, name, after, out);
    }

    /// Lets go of everything that leads to this transfer.
    fn release(&mut self, around: &mut Surroundings<'_, '_>) {
        if let Some(leg) = around.legs.get_mut(self.leg) {
            leg.moved_by = None;
        }
        if let Some(subscription) = self.subscription.take() {
            around.subscriptions.remove(&subscription);
        }
    }

    fn tell(&self, kind: TransferEventKind, out: &mut Out<'_, TransferOutput>) {
        out.push(TransferOutput::Event(TransferEvent {
            transfer: self.id,
            leg: self.leg,
            role: Role::Transferor,
            kind,
        }));
    }
}

impl From<Tell> for TransferEventKind {
    fn from(tell: Tell) -> Self {
        match tell {
            Tell::Accepted(status) => Self::Accepted { status },
            Tell::AwaitingApproval => Self::AwaitingApproval,
            Tell::Progress(status) => Self::Progress { status },
            Tell::Recovering => Self::Recovering,
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
