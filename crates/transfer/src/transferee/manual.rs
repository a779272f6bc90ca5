//! A transfer asked of us that the application answers and reports itself.

use dialog_core::SubscriptionEnd;
use sip_message::{StatusCode, SubReason};
use sip_transport::Out;

use super::{
    Transferee,
    machine::{Cause, Event, Manual, State, Timer},
};
use crate::{
    Decision, ManualStep, StepDone, TransferEventKind, TransferOutput, TransferRefusal, TransferTimerName,
    surroundings::Surroundings,
};

impl Transferee {
    /// Leaves the answer to the REFER, and the reports, to the application.
    pub(crate) fn ask(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.by_hand = true;
        self.facts.at_once = false;
        self.drive(Event::Manual(Manual::Ask), around, out);
    }

    pub(crate) fn decide(
        &mut self,
        decision: Decision,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let event = match decision {
            Decision::Accept => Event::Accept,
            Decision::Reject => Event::Reject,
            Decision::RejectWith(status) => Event::Manual(Manual::Refuse(status)),
            Decision::HandleMyself => {
                self.by_hand = true;
                // Who does everything itself calls back itself, too.
                self.facts.recall = false;
                Event::Manual(Manual::Handle)
            }
        };
        self.drive(event, around, out);
    }

    /// Tells the application of it, once.
    pub(super) fn tell_requested(&mut self, decide: bool, out: &mut Out<'_, TransferOutput>) {
        if !std::mem::replace(&mut self.announced, true) {
            let target = self.route.current().clone();
            let (referred_by, verified, kind) = (self.referred_by.clone(), self.verified, self.kind);
            self.tell(TransferEventKind::Requested { target, referred_by, verified, decide, kind }, out);
        }
    }

    /// Tells that nobody is reported to any more. One that was refused, or asked for no report, has made no subscription.
    pub(super) fn tell_unsubscribed(&self, end: SubscriptionEnd, out: &mut Out<'_, TransferOutput>) {
        match end {
            SubscriptionEnd::Refused | SubscriptionEnd::Suppressed => {}
            SubscriptionEnd::Terminated
            | SubscriptionEnd::NoNotify
            | SubscriptionEnd::Expired
            | SubscriptionEnd::NotifyFailed
            | SubscriptionEnd::Unsubscribed => {
                self.tell(TransferEventKind::SubscriptionEnded { end, reason: None }, out);
            }
        }
    }

    /// Whether the application is to make the last report of what has just happened: only of what became of the new call. It
    /// knows by itself that it has given up or that a call is over, and that is told at once (TR-256).
    pub(super) const fn leaves_report(&self, event: Event) -> bool {
        let settled = match self.state {
            State::Connected | State::Failed(Cause::Target(_) | Cause::Barred(_) | Cause::NoAnswer(_)) => {
                true
            }
            State::Failed(
                Cause::Rejected
                | Cause::Refused(_)
                | Cause::Undecided
                | Cause::Withdrawn
                | Cause::Abandoned
                | Cause::PeerHungUp
                | Cause::UserHungUp,
            )
            | State::InCall
            | State::Unanswered
            | State::Deciding
            | State::Inviting
            | State::Ringing
            | State::Handling
            | State::Cancelling(_)
            | State::WaitBye
            | State::Ended => false,
        };
        self.by_hand && settled && matches!(event, Event::New(_) | Event::Timer(Timer::Cancel))
    }

    /// Makes the last report that the application has left; `false` if there is none.
    pub(super) fn report_left(
        &mut self,
        around: &Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some((status, reason)) = self.left.take() else { return false };
        self.report_last(status, reason, around, out);
        true
    }

    fn report_last(
        &mut self,
        status: StatusCode,
        reason: SubReason,
        around: &Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.report(status, Some(reason), around, out);
        self.armed.arm(self.id, TransferTimerName::Delivery, around.policy.delivery_wait(), out);
    }

    /// Why a step is not due.
    pub(crate) fn check_step(&self, asked: ManualStep) -> Result<(), TransferRefusal> {
        let state = self.state.name();
        let ManualStep::Report { status, last } = asked else {
            return Err(TransferRefusal::WrongState { state, wanted: "a transfer of ours" });
        };
        if !self.by_hand {
            return Err(TransferRefusal::WrongState { state: "Automatic", wanted: "Manual" });
        }
        // What the application says in the end counts, even if nobody listens any more.
        let concludes = last && matches!(self.state, State::Handling);
        if !self.facts.reporting && !concludes {
            return Err(TransferRefusal::WrongState { state: "Unsubscribed", wanted: "Subscribed" });
        }
        if last != status.is_final() {
            return Err(TransferRefusal::Status);
        }
        match (self.state, last) {
            (State::Handling, _) | (State::Inviting | State::Ringing, false) => Ok(()),
            // A success is never reported as a failure (TR-254), nor the reverse.
            (State::Connected | State::Failed(_), true) => match self.left {
                Some((due, _)) if due.is_success() == status.is_success() => Ok(()),
                Some(_) => Err(TransferRefusal::Status),
                None => Err(TransferRefusal::WrongState { state: "Reported", wanted: "Connected or Failed" }),
            },
            (_, true) => Err(TransferRefusal::WrongState { state, wanted: "Connected or Failed" }),
            (_, false) => Err(TransferRefusal::WrongState { state, wanted: "Inviting or Ringing" }),
        }
    }

    /// Does a step that is due.
    pub(crate) fn step_by_hand(
        &mut self,
        asked: ManualStep,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        match asked {
            ManualStep::Report { status, last: false } => {
                self.last_code = Some(status);
                self.report(status, None, around, out);
                // What the policy leaves out is done.
                if around.policy.referred.report.status(status, false).is_none() {
                    self.tell_reported(out);
                }
            }
            ManualStep::Report { status, last: true } => {
                if let Some((_, reason)) = self.left.take() {
                    return self.report_last(status, reason, around, out);
                }
                self.last_code = Some(status);
                if !self.facts.reporting {
                    self.tell_reported(out);
                }
                self.drive(Event::Manual(Manual::Conclude(status)), around, out);
            }
            // Refused above: those are the other role's.
            ManualStep::ProcessResponse | ManualStep::TakeNotify | ManualStep::Terminate { .. } => {}
        }
    }

    /// Tells that what was reported is heard, or will not be.
    pub(super) fn tell_reported(&self, out: &mut Out<'_, TransferOutput>) {
        if self.by_hand {
            out.push(TransferOutput::Stepped { transfer: self.id, step: StepDone::Reported });
        }
    }
}
