//! A transfer of ours that the application drives: what was heard waits here until its step takes it.
//!
//! Whatever comes by another way (a timer, the end of a call, the application's giving up) finds everything told that
//! waited: the machine then decides as if it had never waited, and a party that is known to be moved is not taken back.

use std::collections::VecDeque;

use dialog_core::{Notification, NotifiedState, SubscriptionEvent};
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
    answer: Option<Answer>,
    /// Whether the present REFER was answered.
    answered: bool,
    /// Whether an answer to any REFER was decided about.
    decided: bool,
    /// Oldest first; at most [`REPORTS`], and the end of the subscription.
    reports: VecDeque<(Event, TransferProgress)>,
    /// Whether the application has seen that the oldest of them is a success.
    succeeded: bool,
    /// The step that waits for something to come.
    wanted: Option<Wanted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Response,
    Notify,
}

impl Waiting {
    /// A REFER is sent: what waits is about the one before.
    pub(super) fn begin(&mut self) {
        self.answer = None;
        self.answered = false;
        self.reports.clear();
        self.succeeded = false;
    }

    fn put(&mut self, event: Event, progress: TransferProgress) {
        let is_final = |event: &Event| {
            matches!(event, Event::Notify(Report::Success { .. } | Report::Failure { .. } | Report::Empty))
        };
        let report = matches!(event, Event::Notify(_));
        // Nothing outdoes a final status; only the subscription's end can follow.
        if report && self.reports.iter().any(|(event, _)| is_final(event)) {
            return;
        }
        if report && self.reports.len() >= REPORTS {
            self.reports.pop_back();
        }
        self.reports.push_back((event, progress));
    }

    fn next(&mut self) -> Option<Event> {
        let answer = self.answer.take().map(Event::Answer);
        answer.or_else(|| self.reports.pop_front().map(|(event, _)| event))
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
            | Self::Completing(..)
            | Self::Recovering(_)
            | Self::Waiting(_)
            | Self::Restoring(_)
            | Self::Ended => false,
        }
    }
}

impl Event {
    /// Whether it counts only after all that was heard before it.
    pub(super) const fn comes_last(self) -> bool {
        match self {
            Self::Call(..) | Self::Cancel | Self::Timer(Timer::Guard | Timer::Final) => true,
            Self::Begin(_)
            | Self::Reoffer(..)
            | Self::Consult(_)
            | Self::Answer(_)
            | Self::Notify(_)
            | Self::Subscription(_)
            | Self::Complete
            | Self::Swap
            | Self::Timer(
                Timer::Hold | Timer::Consult | Timer::Talk | Timer::Retry | Timer::Resume | Timer::Closing,
            ) => false,
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
            Event::Answer(answer) if !waiting.answered => {
                waiting.answered = true;
                waiting.answer = Some(answer);
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
            | Event::Timer(_) => return false,
        }
        true
    }

    /// Serves the step that waits, if what it waits for is there.
    pub(super) fn serve(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(waiting) = &mut self.waiting else { return };
        match waiting.wanted {
            Some(Wanted::Response) if waiting.answer.is_some() => {
                waiting.wanted = None;
                self.decide(around, out);
            }
            Some(Wanted::Notify) if !waiting.reports.is_empty() => {
                waiting.wanted = None;
                self.show(around, out);
            }
            Some(Wanted::Response | Wanted::Notify) | None => {}
        }
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
        let Some(waiting) = &self.waiting else {
            return Err(TransferRefusal::WrongState { state: "Automatic", wanted: "Manual" });
        };
        if waiting.wanted.is_some() && matches!(asked, ManualStep::ProcessResponse | ManualStep::TakeNotify) {
            return Err(TransferRefusal::WrongState { state: "Waiting", wanted: "no other step under way" });
        }
        match asked {
            ManualStep::ProcessResponse => {
                let again =
                    waiting.decided && matches!(self.state, State::BackingOff | State::ReferPending(_));
                if again || waiting.answer.is_some() { Ok(()) } else { refuse("ReferAnswered") }
            }
            ManualStep::TakeNotify => {
                let accepted = matches!(self.state, State::Accepted | State::Progress)
                    || matches!(self.state, State::Parting(_)) && waiting.decided;
                if accepted && !waiting.succeeded { Ok(()) } else { refuse("Accepted") }
            }
            ManualStep::Terminate { leg } => {
                if leg != self.leg_of(self.facts.referred()) {
                    return Err(TransferRefusal::UnknownLeg);
                }
                if waiting.succeeded { Ok(()) } else { refuse("Succeeded") }
            }
            ManualStep::Report { .. } => refuse("a transfer asked of us"),
        }
    }

    /// Does a step that is due.
    pub(crate) fn step_by_hand(
        &mut self,
        asked: ManualStep,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let Some(waiting) = &mut self.waiting else { return };
        match asked {
            ManualStep::ProcessResponse => waiting.wanted = Some(Wanted::Response),
            ManualStep::TakeNotify => waiting.wanted = Some(Wanted::Notify),
            ManualStep::Terminate { .. } => {
                self.catch_up(None, around, out);
                return;
            }
            // Refused above: that is the other role's.
            ManualStep::Report { .. } => {}
        }
        self.serve(around, out);
    }

    /// Lets the table decide about the answer.
    fn decide(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let Some(waiting) = &mut self.waiting else { return };
        let Some(answer) = waiting.answer.take() else { return };
        waiting.decided = true;
        if matches!(answer, Answer::TimedOut | Answer::Unreachable) {
            // A NOTIFY that came all the same says that the REFER was accepted (D3).
            self.catch_up(None, around, out);
        }
        self.look(around, None);
        let event = Event::Answer(answer);
        // Told first, because the transfer may end with it.
        let decision = match step(self.state, event, self.facts).map(|step| step.next) {
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
        let Some((event, progress)) = waiting.reports.front().cloned() else { return };
        waiting.succeeded = matches!(event, Event::Notify(Report::Success { .. }));
        let stays = waiting.succeeded;
        if !stays {
            waiting.reports.pop_front();
        }
        self.done(StepDone::Notified(progress), out);
        if !stays {
            self.advance(event, None, around, out);
        }
    }

    /// The state, as a refused step tells it.
    fn stage(&self) -> &'static str {
        match &self.waiting {
            Some(waiting) if waiting.succeeded => "Succeeded",
            Some(waiting) if waiting.answer.is_some() => "ReferAnswered",
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
