//! A transfer of ours that the application drives: what was heard waits here until its step takes it.
//!
//! Whatever comes by another way (a timer, the end of a call, the application's giving up) finds everything told that
//! waited: the machine then decides as if it had never waited, and a party that is known to be moved is not taken back.

use std::collections::VecDeque;

use dialog_core::{LegId, Notification, NotifiedState, SubscriptionEvent};
use sip_transport::Out;

use super::{
    Transferor,
    action::Side,
    event::{Answer, Event, Report, Timer},
    machine::{State, step},
};
use crate::{
    ManualStep, ReferDecision, StepDone, TransferOutput, TransferProgress, TransferRefusal,
    surroundings::Surroundings,
};

/// NOTIFYs that wait for the application. A referred call has some five; beyond that only the newest provisional one is
/// kept, because each is complete in itself (TR-013).
pub(crate) const REPORTS: usize = 16;

/// What the machine was not told yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// As it came: at most one answer, [`REPORTS`] NOTIFYs and the end of the subscription.
    heard: VecDeque<(Event, TransferProgress)>,
    response: Response,
    /// Whether the response to an earlier REFER was decided about.
    again: bool,
    /// Whether the application has seen that the oldest that waits is a success.
    succeeded: bool,
    wants: Wants,
}

/// What steps wait for. After the party's BYE a NOTIFY may come without the response (D3), so that both can be.
#[derive(Debug, Default)]
struct Wants {
    response: bool,
    notify: bool,
}

/// How far the response to the present REFER is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Response {
    #[default]
    Awaited,
    /// It waits for the application.
    Come,
    Decided,
}

impl Waiting {
    /// A REFER is sent: what waits is about the one before.
    pub(super) fn begin(&mut self) {
        self.heard.clear();
        self.response = Response::Awaited;
        self.succeeded = false;
    }

    fn put(&mut self, event: Event, progress: TransferProgress) {
        let is_final = |(event, _): &(Event, TransferProgress)| {
            matches!(event, Event::Notify(Report::Success { .. } | Report::Failure { .. }))
        };
        let is_report = |(event, _): &(Event, TransferProgress)| matches!(event, Event::Notify(_));
        if matches!(event, Event::Notify(_)) {
            // Nothing outdoes a final status.
            if self.heard.iter().any(is_final) {
                return;
            }
            if self.heard.iter().filter(|heard| is_report(heard)).count() >= REPORTS {
                let newest = self.heard.iter().rposition(is_report);
                newest.and_then(|newest| self.heard.remove(newest));
            }
        }
        self.heard.push_back((event, progress));
    }

    /// Where the answer to the REFER is, if it waits: a subscription that ends first will not bring one.
    fn response(&self) -> Option<usize> {
        if self.response != Response::Come {
            return None;
        }
        self.heard.iter().position(|(event, _)| matches!(event, Event::Answer(_) | Event::Subscription(_)))
    }

    fn next(&mut self) -> Option<Event> {
        self.succeeded = false;
        self.heard.pop_front().map(|(event, _)| event)
    }
}

impl State {
    /// Whether what is heard of the REFER waits for the application.
    pub(super) const fn waits(self) -> bool {
        match self {
            Self::ReferPending(_) | Self::Accepted | Self::Progress | Self::Parting(_) => true,
            Self::Idle
            | Self::Holding
            | Self::Releasing(_)
            | Self::Consulting { .. }
            | Self::ConsultTalk(_)
            | Self::Swapping { .. }
            | Self::HoldConsult(_)
            | Self::Dropping
            | Self::BackingOff
            | Self::Unreported
            | Self::Detached
            | Self::Completing(..)
            | Self::Placing(_)
            | Self::Bridging(..)
            | Self::Joining(_)
            | Self::Recovering(_)
            | Self::Waiting(_)
            | Self::Restoring(_)
            | Self::Ended => false,
        }
    }
}

impl Transferor {
    /// Leaves the steps to the application.
    pub(crate) fn by_hand(mut self) -> Self {
        self.waiting = Some(Box::default());
        self
    }

    /// Keeps an event of the subscription for the application; `false` if the machine is to have it at once.
    pub(super) fn keep(
        &mut self,
        event: Event,
        told: &SubscriptionEvent,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some(waiting) = self.waiting.as_mut().filter(|_| self.state.waits()) else { return false };
        match event {
            Event::Answer(_) | Event::Subscription(_) if waiting.response == Response::Awaited => {
                waiting.response = Response::Come;
                waiting.put(event, progress(told));
                self.done(StepDone::Answered, out);
            }
            Event::Notify(_) | Event::Subscription(_) => waiting.put(event, progress(told)),
            Event::Answer(_)
            | Event::Begin(_)
            | Event::Reoffer(..)
            | Event::Consult(_)
            | Event::Call(..)
            | Event::Complete
            | Event::Swap
            | Event::Cancel
            | Event::Joined(_)
            | Event::Timer(_) => return false,
        }
        true
    }

    /// Whether the answer to the REFER waits for the application.
    pub(super) fn is_answered(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.response == Response::Come)
    }

    /// Serves the step that waits, if what it waits for is there.
    pub(super) fn serve(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(waiting) = &mut self.waiting else { return };
        if waiting.wants.response && waiting.response().is_some() {
            waiting.wants.response = false;
            self.decide(around, out);
        } else if waiting.wants.notify && waiting.response != Response::Come && !waiting.heard.is_empty() {
            waiting.wants.notify = false;
            self.show(around, out);
        }
    }

    /// Whether an event that does not wait makes everything count that does. The target's end of the call that Replaces names
    /// changes nothing, and so it does not.
    pub(super) fn is_overtaken_by(
        &mut self,
        event: Event,
        over: Option<Side>,
        around: &Surroundings<'_, '_>,
    ) -> bool {
        if self.waiting.is_none() {
            return false;
        }
        self.look(around, over);
        step(self.state, event, self.facts).is_some_and(|step| step.next != self.state)
    }

    /// Tells the machine everything that waits. `over` is the call that counts as over already.
    pub(super) fn catch_up(
        &mut self,
        over: Option<Side>,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let mut told = false;
        while let Some(event) = self.waiting.as_mut().and_then(|waiting| waiting.next()) {
            self.advance(event, over, around, out);
            told = true;
        }
        told
    }

    /// Why a step is not due.
    pub(crate) fn check_step(&self, asked: ManualStep) -> Result<(), TransferRefusal> {
        let refuse = |wanted| Err(TransferRefusal::WrongState { state: self.stage(), wanted });
        if let ManualStep::Terminate { leg } = asked {
            return self.check_terminate(leg);
        }
        let Some(waiting) = &self.waiting else {
            return Err(TransferRefusal::WrongState { state: "Automatic", wanted: "Manual" });
        };
        let waits = match asked {
            ManualStep::ProcessResponse => waiting.wants.response,
            ManualStep::TakeNotify => waiting.wants.notify,
            ManualStep::Terminate { .. } | ManualStep::Report { .. } => false,
        };
        if waits {
            return Err(TransferRefusal::WrongState { state: "Waiting", wanted: "no other step under way" });
        }
        match asked {
            ManualStep::ProcessResponse => {
                let again = waiting.again && matches!(self.state, State::BackingOff | State::ReferPending(_));
                if again || waiting.response().is_some() { Ok(()) } else { refuse("ReferAnswered") }
            }
            ManualStep::TakeNotify => {
                let accepted = matches!(self.state, State::Accepted | State::Progress | State::Parting(_));
                let decided = waiting.response != Response::Come;
                if accepted && decided && !waiting.succeeded { Ok(()) } else { refuse("Accepted") }
            }
            ManualStep::Terminate { .. } => Ok(()),
            ManualStep::Report { .. } => refuse("a transfer asked of us"),
        }
    }

    /// Why the call in which the REFER was sent is not to be ended now. Whoever handles the transfer, the application may end
    /// it after a success.
    fn check_terminate(&self, leg: LegId) -> Result<(), TransferRefusal> {
        if leg != self.leg_of(self.facts.referred()) {
            return Err(TransferRefusal::OtherCall);
        }
        let shown = self.waiting.as_ref().is_some_and(|waiting| waiting.succeeded);
        if shown || matches!(self.state, State::Completing(..)) {
            return Ok(());
        }
        Err(TransferRefusal::WrongState { state: self.stage(), wanted: "a success that was reported" })
    }

    /// Does a step that is due.
    pub(crate) fn step_by_hand(
        &mut self,
        asked: ManualStep,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        if let ManualStep::Terminate { .. } = asked {
            self.catch_up(None, around, out);
            // What the application says outright counts more than whom the policy leaves the BYE to, and when.
            self.drive(Event::Timer(Timer::Bye), around, out);
            return;
        }
        let Some(waiting) = &mut self.waiting else { return };
        match asked {
            ManualStep::ProcessResponse => waiting.wants.response = true,
            ManualStep::TakeNotify => waiting.wants.notify = true,
            // Done above, and refused as the other role's.
            ManualStep::Terminate { .. } | ManualStep::Report { .. } => {}
        }
        self.serve(around, out);
    }

    /// Lets the table decide about the answer.
    fn decide(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(waiting) = &mut self.waiting else { return };
        let Some(at) = waiting.response() else { return };
        let Some((event, _)) = waiting.heard.remove(at) else { return };
        (waiting.response, waiting.again) = (Response::Decided, true);
        if !matches!(event, Event::Answer(Answer::Accepted(_))) {
            // What came before it counts: a NOTIFY says that a REFER without an answer was accepted (D3).
            for _ in 0..at {
                let before = self.waiting.as_mut().and_then(|waiting| waiting.next());
                if let Some(before) = before {
                    self.advance(before, None, around, out);
                }
            }
        }
        self.look(around, None);
        // Told first, because the transfer may end with it.
        let decision = match step(self.state, event, self.facts).map(|step| step.next) {
            _ if matches!(event, Event::Answer(Answer::Accepted(_))) => ReferDecision::GoOn,
            Some(State::Accepted | State::Progress | State::Parting(_) | State::Completing(..)) => {
                ReferDecision::GoOn
            }
            Some(State::BackingOff | State::ReferPending(_)) => ReferDecision::Retry,
            Some(_) | None => ReferDecision::Recover,
        };
        self.done(StepDone::Decided(decision), out);
        self.advance(event, None, around, out);
    }

    /// Shows the oldest report. A success stays: the call ends when the application says so.
    fn show(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(waiting) = &mut self.waiting else { return };
        let Some((event, progress)) = waiting.heard.front().cloned() else { return };
        // There is no call to be ended any more when it has ended by itself.
        waiting.succeeded = matches!(event, Event::Notify(Report::Success { .. }))
            && !matches!(self.state, State::Parting(_));
        let stays = waiting.succeeded;
        if !stays {
            waiting.heard.pop_front();
        }
        self.done(StepDone::Notified(progress), out);
        if !stays {
            self.advance(event, None, around, out);
        }
    }

    /// The state, as a command that is refused for it tells it.
    pub(crate) fn stage(&self) -> &'static str {
        match &self.waiting {
            Some(waiting) if waiting.succeeded => "Succeeded",
            Some(waiting) if waiting.response().is_some() => "ReferAnswered",
            Some(_) | None if matches!(self.state, State::Swapping { .. }) => "Swapping",
            Some(_) | None => self.state.name(self.facts.plan),
        }
    }

    fn done(&self, step: StepDone, out: &mut Out<'_, TransferOutput>) {
        out.push(TransferOutput::Stepped { transfer: self.id, step });
    }
}

/// What an event of the subscription says of the progress.
fn progress(told: &SubscriptionEvent) -> TransferProgress {
    match told {
        SubscriptionEvent::Notified(Notification { state, status, sipfrag, .. }) => TransferProgress {
            status: *status,
            terminated: *state == NotifiedState::Terminated,
            sipfrag: sipfrag.clone(),
        },
        SubscriptionEvent::Answered(_)
        | SubscriptionEvent::EventsAt(_)
        | SubscriptionEvent::Package(_)
        | SubscriptionEvent::Forked { .. }
        | SubscriptionEvent::Requested(_)
        | SubscriptionEvent::Subscribed(_)
        | SubscriptionEvent::Reported
        | SubscriptionEvent::Delivered
        | SubscriptionEvent::Ended(_)
        | SubscriptionEvent::Misused(_) => {
            TransferProgress { status: None, terminated: true, sipfrag: bytes::Bytes::new() }
        }
    }
}
