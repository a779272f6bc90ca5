//! Table 2.1 of the catalogue: a blind transfer, seen from the transferor.
//!
//! [`step`] is a pure function of state, event and [`Facts`]; what it asks for is carried out elsewhere. Rows that are not
//! implemented are arms of their own that end in a typed failure: digest and 420 retries, redirection of the REFER.
//! Detaching, placement outside the dialog and a suppressed subscription have no event here: the commands that ask for
//! them are refused before a transfer is made or touched.

use std::time::Duration;

use sip_message::StatusCode;
use smallvec::SmallVec;

use super::{
    action::{Action, Tell, Wait},
    event::{Answer, CallEnd, End, Event, Reoffer, Report, Timer},
    outcome::{Cause, call_ended, peer_hung_up, succeeded},
};
use crate::{Hold, Outcome, TransferTimerName};

/// How long is waited after each try to take the call back that was refused, before the next one; afterwards the call
/// is given up. All of it fits into T-RESUME, and the spaces grow as those of a 2xx do that waits for its lost ACK (RFC
/// 3261 §13.3.1.4): until that ACK has come the peer refuses every offer with 500 (§14.2).
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The states of table 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// The hold re-INVITE is under way.
    Holding,
    /// Given up while the hold was under way, which has to be settled before it can be taken back.
    Releasing,
    /// The REFER is under way; the NOTIFY that overtook its answer is kept (EC-01).
    ReferPending(Option<Report>),
    /// The REFER is to be sent once more.
    BackingOff,
    /// 2xx, no NOTIFY yet.
    Accepted,
    /// At least one NOTIFY.
    Progress,
    /// The call ended before the outcome was known, which may still come: T-FINAL.
    Parting(Parted),
    /// Success; our BYE is under way.
    Completing(StatusCode),
    /// The call is being taken back, or found out about.
    Recovering(Cause),
    /// The peer refused to be taken back and will be asked again.
    Waiting(Cause),
    Ended,
}

/// How a call ended before the outcome was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parted {
    HungUp,
    Lost,
}

/// Who holds the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Nobody,
    /// This transfer, or it may be so.
    Us,
    /// The application, before the transfer and after it.
    Application,
}

/// What a step depends on besides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) held: Held,
    /// Whether the REFER was sent a second time.
    pub(super) retried: bool,
    /// Whether the transfer goes on when the hold fails.
    pub(super) go_on: bool,
    /// How often the call was asked back.
    pub(super) resumes: u8,
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: State,
    pub(super) actions: SmallVec<[Action; 6]>,
}

impl State {
    /// The timers that may run in a state; every other one is disarmed on entry.
    pub(super) const fn timers(self) -> &'static [TransferTimerName] {
        match self {
            Self::Idle | Self::Ended => &[],
            Self::Holding | Self::Releasing => &[TransferTimerName::Hold],
            Self::ReferPending(_) | Self::Accepted | Self::Progress => &[TransferTimerName::Guard],
            Self::BackingOff => &[TransferTimerName::Guard, TransferTimerName::Retry],
            Self::Parting(_) => &[TransferTimerName::Final],
            Self::Completing(_) => &[TransferTimerName::Closing],
            Self::Recovering(_) => &[TransferTimerName::Resume],
            Self::Waiting(_) => &[TransferTimerName::Resume, TransferTimerName::Retry],
        }
    }

    /// The state's name in the catalogue.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Holding => "Holding",
            Self::Releasing => "Releasing",
            Self::ReferPending(_) => "ReferPending",
            Self::BackingOff => "BackingOff",
            Self::Accepted => "Accepted",
            Self::Progress => "Progress",
            Self::Parting(_) => "Parting",
            Self::Completing(_) => "Completing",
            Self::Recovering(_) | Self::Waiting(_) => "Recovering",
            Self::Ended => "Ended",
        }
    }
}

/// One row of the table; `None` if the event means nothing in the state and is ignored.
pub(super) fn step(state: State, event: Event, facts: Facts) -> Option<Step> {
    match state {
        State::Idle => idle(event),
        State::Holding => holding(event, facts),
        State::Releasing => releasing(event),
        State::ReferPending(early) => refer_pending(early, event, facts),
        State::BackingOff => backing_off(event, facts),
        State::Accepted | State::Progress => under_way(event, facts),
        State::Parting(parted) => parting(parted, event),
        State::Completing(code) => completing(code, event),
        State::Recovering(cause) => recovering(cause, event, facts),
        State::Waiting(cause) => waiting(cause, event),
        State::Ended => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn to(next: State, actions: &[Action]) -> Option<Step> {
    Some(Step { next, actions: SmallVec::from_slice(actions) })
}

fn finish(outcome: Outcome) -> Option<Step> {
    to(State::Ended, &[Action::Finish(outcome)])
}

/// The entry rows of Recovering. A call that we hold is taken back; one that we do not hold goes on as it is.
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn recover(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let mut actions = SmallVec::from_slice(before);
    if facts.held == Held::Us {
        actions.extend([Action::Tell(Tell::Recovering), Action::Resume, Action::Wait(Wait::Resume)]);
        return Some(Step { next: State::Recovering(cause), actions });
    }
    actions.push(Action::Finish(cause.outcome(true)));
    Some(Step { next: State::Ended, actions })
}

/// The same when the refusal makes the call itself doubtful: a re-INVITE tells whether it lives (TR-266).
fn recover_doubtful(cause: Cause, facts: Facts) -> Option<Step> {
    let ask = if facts.held == Held::Us { Action::Resume } else { Action::Probe };
    to(State::Recovering(cause), &[Action::Tell(Tell::Recovering), ask, Action::Wait(Wait::Resume)])
}

fn idle(event: Event) -> Option<Step> {
    match event {
        Event::Begin(Hold::First) => to(State::Holding, &[Action::Hold, Action::Wait(Wait::Hold)]),
        // The dialog layer sends the REFER when no INVITE is in its way (TR-251); T-GUARD limits that wait, too.
        Event::Begin(Hold::Already | Hold::No) => {
            to(State::ReferPending(None), &[Action::Refer, Action::Wait(Wait::Guard)])
        }
        Event::Reoffer(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Call(_)
        | Event::Cancel
        | Event::Timer(_) => None,
    }
}

fn holding(event: Event, facts: Facts) -> Option<Step> {
    let unheld = |code| {
        if facts.go_on {
            to(State::ReferPending(None), &[Action::Refer, Action::Wait(Wait::Guard)])
        } else {
            finish(Cause::Hold(code).outcome(true))
        }
    };
    match event {
        Event::Reoffer(Reoffer::Done) => {
            to(State::ReferPending(None), &[Action::NoteHeld, Action::Refer, Action::Wait(Wait::Guard)])
        }
        Event::Reoffer(Reoffer::AsBefore(code)) => unheld(code),
        Event::Reoffer(Reoffer::Unreachable) => unheld(None),
        Event::Reoffer(Reoffer::Gone(code)) => {
            to(State::Ended, &[Action::HangUp, Action::Finish(Cause::Hold(Some(code)).outcome(false))])
        }
        Event::Reoffer(Reoffer::Over) => to(State::Holding, &[]),
        // Nobody knows what became of it: the call may be held, and is treated so.
        Event::Reoffer(Reoffer::Silent) | Event::Timer(Timer::Hold) if facts.go_on => {
            to(State::ReferPending(None), &[Action::NoteHeld, Action::Refer, Action::Wait(Wait::Guard)])
        }
        Event::Reoffer(Reoffer::Silent) | Event::Timer(Timer::Hold) => {
            recover(&[Action::NoteHeld], Cause::Hold(None), Facts { held: Held::Us, ..facts })
        }
        Event::Cancel => to(State::Releasing, &[Action::Tell(Tell::Recovering)]),
        Event::Call(CallEnd::HungUp) => finish(peer_hung_up()),
        Event::Call(CallEnd::Closing | CallEnd::Local | CallEnd::Lost) => finish(call_ended()),
        Event::Timer(Timer::Guard | Timer::Retry | Timer::Final | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_) => None,
    }
}

/// The row "app cancel" of Holding: resume "if hold done later".
fn releasing(event: Event) -> Option<Step> {
    match event {
        Event::Reoffer(Reoffer::Done | Reoffer::Silent) | Event::Timer(Timer::Hold) => to(
            State::Recovering(Cause::Cancelled),
            &[Action::NoteHeld, Action::Resume, Action::Wait(Wait::Resume)],
        ),
        Event::Reoffer(Reoffer::AsBefore(_) | Reoffer::Unreachable) => finish(Cause::Cancelled.outcome(true)),
        Event::Reoffer(Reoffer::Gone(_)) => {
            to(State::Ended, &[Action::HangUp, Action::Finish(Cause::Cancelled.outcome(false))])
        }
        Event::Reoffer(Reoffer::Over) => to(State::Releasing, &[]),
        Event::Call(_) => finish(Cause::Cancelled.outcome(false)),
        Event::Timer(Timer::Guard | Timer::Retry | Timer::Final | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Cancel => None,
    }
}

fn refer_pending(early: Option<Report>, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Notify(report) => to(State::ReferPending(Some(outweigh(early, report))), &[]),
        Event::Answer(Answer::Accepted(status)) => {
            let accepted = Action::Tell(Tell::Accepted(status));
            match early {
                None => to(State::Accepted, &[accepted]),
                Some(report) => {
                    let mut step = reported(report, facts)?;
                    step.actions.insert(0, accepted);
                    Some(step)
                }
            }
        }
        // TR-029: not followed.
        Event::Answer(Answer::Redirected(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // Row "401/407": no credentials are held here, so there is nothing to try again with.
        Event::Answer(Answer::Challenged(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // Row "420": the REFER asks for no extension that a second one could do without.
        Event::Answer(Answer::BadExtension(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // The fallback chain (TR-170) is the application's.
        Event::Answer(Answer::NoRefer(code)) => recover(&[], Cause::NotSupported(code), facts),
        Event::Answer(Answer::NoCall(code) | Answer::Doubted(code)) => {
            recover_doubtful(Cause::Refused(Some(code)), facts)
        }
        Event::Answer(Answer::Glare(code) | Answer::TryLater(code, _)) if facts.retried => {
            recover(&[], Cause::Refused(Some(code)), facts)
        }
        Event::Answer(Answer::Glare(_)) => to(State::BackingOff, &[Action::Wait(Wait::Retry(None))]),
        Event::Answer(Answer::TryLater(_, seconds)) => {
            to(State::BackingOff, &[Action::Wait(Wait::Retry(Some(seconds)))])
        }
        Event::Answer(Answer::Declined(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // D3: a REFER that is not answered says nothing about the call. A NOTIFY says that it arrived and was accepted.
        Event::Answer(Answer::TimedOut) => {
            early.map_or_else(|| recover(&[], Cause::ReferTimeout, facts), |report| reported(report, facts))
        }
        Event::Answer(Answer::Unreachable) => {
            early.map_or_else(|| recover(&[], Cause::Unreachable, facts), |report| reported(report, facts))
        }
        Event::Answer(Answer::Misused) => recover(&[], Cause::Unreachable, facts),
        // The subscription can be over before the answer to the REFER has come.
        Event::Subscription(End::Terminated) => result_or(early, &[], Cause::NoResult, facts),
        Event::Subscription(End::Refused) => recover(&[], Cause::Refused(None), facts),
        Event::Subscription(End::NoNotify) => result_or(early, &[], Cause::NoNotify, facts),
        Event::Subscription(End::Expired) => result_or(early, &[], Cause::Expired, facts),
        // A 2xx and a NOTIFY may cross the BYE (D4); what was told already counts at once.
        Event::Call(CallEnd::HungUp) => part(early, Parted::HungUp),
        Event::Call(CallEnd::Lost) => part(early, Parted::Lost),
        Event::Call(CallEnd::Closing | CallEnd::Local) => match early {
            Some(Report::Success { code, .. }) => finish(succeeded(code)),
            Some(
                Report::Failure { .. }
                | Report::Pending
                | Report::Provisional(_)
                | Report::Nothing
                | Report::Empty,
            )
            | None => finish(call_ended()),
        },
        Event::Cancel => result_or(early, &[Action::Unsubscribe], Cause::Cancelled, facts),
        Event::Timer(Timer::Guard) => result_or(early, &[Action::Unsubscribe], Cause::Guard, facts),
        Event::Timer(Timer::Hold | Timer::Retry | Timer::Final | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Reoffer(_) => None,
    }
}

/// What a NOTIFY said before the answer to the REFER counts when that answer cannot come any more (D4); otherwise the
/// transfer fails for the given cause.
fn result_or(early: Option<Report>, before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    match early {
        Some(Report::Success { code, last }) => complete(code, last),
        Some(Report::Failure { code, .. }) => recover(before, Cause::Target(code), facts),
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => {
            recover(before, cause, facts)
        }
    }
}

/// Which of two NOTIFYs is kept: a final status is not outdone, otherwise the newest.
const fn outweigh(early: Option<Report>, newer: Report) -> Report {
    match early {
        Some(kept @ (Report::Success { .. } | Report::Failure { .. })) => kept,
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => newer,
    }
}

fn backing_off(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Timer(Timer::Retry) => to(State::ReferPending(None), &[Action::Refer]),
        Event::Timer(Timer::Guard) => recover(&[], Cause::Guard, facts),
        Event::Cancel => recover(&[], Cause::Cancelled, facts),
        Event::Call(CallEnd::HungUp) => finish(peer_hung_up()),
        Event::Call(CallEnd::Closing | CallEnd::Local | CallEnd::Lost) => finish(call_ended()),
        Event::Timer(Timer::Hold | Timer::Final | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Reoffer(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_) => None,
    }
}

/// The rows of Accepted and Progress.
fn under_way(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Notify(report) => reported(report, facts),
        Event::Subscription(End::NoNotify) => recover(&[], Cause::NoNotify, facts),
        Event::Subscription(End::Expired) => recover(&[], Cause::Expired, facts),
        Event::Subscription(End::Terminated | End::Refused) => recover(&[], Cause::NoResult, facts),
        Event::Call(CallEnd::HungUp) => part(None, Parted::HungUp),
        Event::Call(CallEnd::Lost) => part(None, Parted::Lost),
        // The subscription lives on and its NOTIFYs are answered (TR-165), but the call cannot be taken back.
        Event::Call(CallEnd::Closing | CallEnd::Local) => finish(call_ended()),
        Event::Cancel => recover(&[Action::Unsubscribe], Cause::Cancelled, facts),
        Event::Timer(Timer::Guard) => recover(&[Action::Unsubscribe], Cause::Guard, facts),
        Event::Timer(Timer::Hold | Timer::Retry | Timer::Final | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Reoffer(_)
        | Event::Answer(_) => None,
    }
}

/// A NOTIFY after the 2xx.
fn reported(report: Report, facts: Facts) -> Option<Step> {
    match report {
        Report::Pending => to(State::Progress, &[Action::Tell(Tell::AwaitingApproval)]),
        Report::Provisional(code) => to(State::Progress, &[Action::Tell(Tell::Progress(code))]),
        Report::Nothing => to(State::Progress, &[]),
        Report::Success { code, last } => complete(code, last),
        Report::Failure { code, last: true } => recover(&[], Cause::Target(code), facts),
        Report::Failure { code, last: false } => recover(&[Action::Unsubscribe], Cause::Target(code), facts),
        Report::Empty => recover(&[], Cause::NoResult, facts),
    }
}

/// D5: the NOTIFY was answered before it was told, so the BYE may go (TR-252). A subscription that its notifier did not
/// end is ended from here (EC-09).
fn complete(code: StatusCode, last: bool) -> Option<Step> {
    let actions = [Action::Unsubscribe, Action::HangUp, Action::Wait(Wait::Closing)];
    to(State::Completing(code), if last { &actions[1..] } else { &actions })
}

fn part(early: Option<Report>, parted: Parted) -> Option<Step> {
    match early {
        Some(Report::Success { code, .. }) => finish(succeeded(code)),
        Some(Report::Failure { code, .. }) => finish(Cause::Target(code).outcome(false)),
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => {
            to(State::Parting(parted), &[Action::Wait(Wait::Final)])
        }
    }
}

fn parting(parted: Parted, event: Event) -> Option<Step> {
    let unknown = || {
        finish(match parted {
            Parted::HungUp => peer_hung_up(),
            Parted::Lost => call_ended(),
        })
    };
    let stay = |actions: &[Action]| to(State::Parting(parted), actions);
    match event {
        Event::Answer(Answer::Accepted(status)) => stay(&[Action::Tell(Tell::Accepted(status))]),
        Event::Answer(
            Answer::Redirected(_)
            | Answer::Challenged(_)
            | Answer::BadExtension(_)
            | Answer::NoRefer(_)
            | Answer::NoCall(_)
            | Answer::Doubted(_)
            | Answer::Glare(_)
            | Answer::TryLater(_, _)
            | Answer::Declined(_)
            | Answer::TimedOut
            | Answer::Unreachable
            | Answer::Misused,
        ) => unknown(),
        Event::Notify(Report::Pending) => stay(&[Action::Tell(Tell::AwaitingApproval)]),
        Event::Notify(Report::Provisional(code)) => stay(&[Action::Tell(Tell::Progress(code))]),
        Event::Notify(Report::Nothing) => stay(&[]),
        Event::Notify(Report::Success { code, .. }) => finish(succeeded(code)),
        Event::Notify(Report::Failure { code, .. }) => finish(Cause::Target(code).outcome(false)),
        Event::Notify(Report::Empty) | Event::Subscription(_) | Event::Timer(Timer::Final) => unknown(),
        Event::Timer(Timer::Hold | Timer::Guard | Timer::Retry | Timer::Resume | Timer::Closing)
        | Event::Begin(_)
        | Event::Reoffer(_)
        | Event::Call(_)
        | Event::Cancel => None,
    }
}

fn completing(code: StatusCode, event: Event) -> Option<Step> {
    match event {
        Event::Call(CallEnd::Closing) => to(State::Completing(code), &[]),
        // Our BYE was answered or given up on, or crossed the peer's.
        Event::Call(CallEnd::Local | CallEnd::HungUp | CallEnd::Lost) | Event::Timer(Timer::Closing) => {
            finish(succeeded(code))
        }
        Event::Notify(_) | Event::Subscription(_) | Event::Answer(_) | Event::Reoffer(_) => {
            to(State::Completing(code), &[])
        }
        Event::Timer(Timer::Hold | Timer::Guard | Timer::Retry | Timer::Final | Timer::Resume)
        | Event::Begin(_)
        | Event::Cancel => None,
    }
}

fn recovering(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Reoffer(Reoffer::Done) => finish(cause.outcome(true)),
        // Alive, and as it was before. If we hold it, that is no state to leave a party in.
        Event::Reoffer(Reoffer::AsBefore(_)) if facts.held != Held::Us => finish(cause.outcome(true)),
        Event::Reoffer(Reoffer::AsBefore(_)) => {
            match usize::from(facts.resumes).checked_sub(1).and_then(|tries| AGAIN.get(tries)) {
                Some(after) => to(State::Waiting(cause), &[Action::Wait(Wait::Again(*after))]),
                None => lost(cause),
            }
        }
        Event::Reoffer(Reoffer::Gone(_) | Reoffer::Silent | Reoffer::Unreachable)
        | Event::Timer(Timer::Resume) => lost(cause),
        Event::Reoffer(Reoffer::Over) => to(State::Recovering(cause), &[]),
        Event::Call(_) => finish(cause.outcome(false)),
        Event::Notify(report) => moved_after_all(report, State::Recovering(cause)),
        Event::Subscription(_) | Event::Answer(_) => to(State::Recovering(cause), &[]),
        Event::Timer(Timer::Hold | Timer::Guard | Timer::Retry | Timer::Final | Timer::Closing)
        | Event::Begin(_)
        | Event::Cancel => None,
    }
}

fn waiting(cause: Cause, event: Event) -> Option<Step> {
    match event {
        Event::Timer(Timer::Retry) => to(State::Recovering(cause), &[Action::Resume]),
        Event::Timer(Timer::Resume) => lost(cause),
        Event::Call(_) => finish(cause.outcome(false)),
        Event::Notify(report) => moved_after_all(report, State::Waiting(cause)),
        Event::Subscription(_) | Event::Answer(_) | Event::Reoffer(_) => to(State::Waiting(cause), &[]),
        Event::Timer(Timer::Hold | Timer::Guard | Timer::Final | Timer::Closing)
        | Event::Begin(_)
        | Event::Cancel => None,
    }
}

/// A call that cannot be taken back is ended rather than left on hold (invariant 4 of the catalogue's §2.7).
fn lost(cause: Cause) -> Option<Step> {
    to(State::Ended, &[Action::HangUp, Action::Finish(cause.outcome(false))])
}

/// The race of the last row: the party was moved although its call was being taken back.
fn moved_after_all(report: Report, stay: State) -> Option<Step> {
    match report {
        Report::Success { code, last } => complete(code, last),
        Report::Pending
        | Report::Provisional(_)
        | Report::Nothing
        | Report::Failure { .. }
        | Report::Empty => to(stay, &[]),
    }
}
