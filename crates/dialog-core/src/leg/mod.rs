//! The INVITE usage of a dialog: placing, answering, up, ending.

pub(crate) mod answering;
pub(crate) mod confirming;
pub(crate) mod early;
mod elsewhere;
pub(crate) mod ending;
pub(crate) mod placing;
pub(crate) mod pracked;
pub(crate) mod progress;
pub(crate) mod reinvited;
pub(crate) mod reliable;
pub(crate) mod reoffer;
pub(crate) mod session_timer;
pub(crate) mod up;
pub(crate) mod update;
pub(crate) mod updated;
pub(crate) mod wishes;

use bytes::Bytes;
use sip_message::StatusCode;

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegCommand, LegEvent, Misuse},
    dialog::Dialog,
    step::Step,
    timer::LegTimer,
};

use self::{answering::Answering, ending::Ending, placing::Placing, up::Up};

/// An INVITE usage by its stage.
#[derive(Debug)]
pub(crate) enum Leg {
    /// Ours, not up yet.
    Placing(Box<Placing>),
    /// Theirs, not answered yet.
    Answering(Box<Answering>),
    /// Confirmed.
    Up(Box<Up>),
    /// Our BYE is on its way or waits for the ACK.
    Ending(Box<Ending>),
}

impl EndCause {
    /// A cause without a Reason header.
    pub(crate) fn new(by: By, reason: EndReason) -> Self {
        Self { by, reason, header: None, details: Vec::new() }
    }
}

impl Dialog {
    pub(crate) fn misused(&self, step: &mut Step<'_, '_, '_>, misuse: Misuse) {
        step.count_misuse(misuse);
        self.tell(step, LegEvent::Misused(misuse));
    }

    pub(crate) fn leg_command(&mut self, step: &mut Step<'_, '_, '_>, command: LegCommand) {
        if self.leg.is_none() {
            return self.misused(step, Misuse::Unknown);
        }
        match command {
            LegCommand::Describe { body } => self.describe(step, body),
            LegCommand::Ring => self.ring(step),
            LegCommand::Progress => self.progress(step),
            LegCommand::Accept { contact_user } => self.accept(step, contact_user),
            LegCommand::Reject { status, retry_after } => self.reject(step, status, retry_after),
            LegCommand::Reoffer { limit } => self.reoffer(step, limit),
            LegCommand::Refer { subscription, refer } => self.refer(step, subscription, *refer),
            // Carried out where dialogs are made.
            LegCommand::FollowRefer { .. } => {}
            LegCommand::Unacceptable { status } => self.unacceptable(step, status),
            LegCommand::HangUp { reason } => self.hang_up(step, reason),
        }
    }

    fn describe(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        if self.is_update_describing() {
            return self.describe_update(step, body);
        }
        match &self.leg {
            Some(Leg::Placing(_)) => self.describe_placed(step, body),
            Some(Leg::Answering(_)) => self.describe_answered(step, body),
            Some(Leg::Up(_)) => self.describe_up(step, body),
            Some(Leg::Ending(_)) | None => self.misused(step, Misuse::State),
        }
    }

    fn hang_up(&mut self, step: &mut Step<'_, '_, '_>, reason: Option<Box<str>>) {
        match &self.leg {
            Some(Leg::Placing(_)) => {
                self.cancel(step, EndCause::new(By::Local, EndReason::Cancelled), reason);
            }
            Some(Leg::Answering(_)) => self.hang_up_unanswered(step),
            Some(Leg::Up(_)) => self.close(step, EndCause::new(By::Local, EndReason::Bye), reason),
            Some(Leg::Ending(_)) | None => self.misused(step, Misuse::State),
        }
    }

    fn unacceptable(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode) {
        let cause = EndCause::new(By::Local, EndReason::NotAcceptable);
        match &self.leg {
            Some(Leg::Placing(_)) => self.cancel(step, cause, None),
            Some(Leg::Answering(_)) => {
                self.tell(step, LegEvent::Closing);
                self.refuse_unacceptable(step, status);
            }
            Some(Leg::Up(_)) => self.close(step, cause, None),
            Some(Leg::Ending(_)) | None => self.misused(step, Misuse::State),
        }
    }

    /// A timer of the leg has run out.
    pub(crate) fn leg_expired(&mut self, step: &mut Step<'_, '_, '_>, timer: LegTimer) {
        if !self.expired(timer) {
            return;
        }
        match timer {
            LegTimer::Ring => self.rung_out(step),
            LegTimer::Alert => self.alert_again(step),
            LegTimer::Answer => self.repeat_answer(step),
            LegTimer::Ack => self.ack_missing(step),
            LegTimer::Glare => self.glare_over(step),
            LegTimer::Reoffer => self.wish_expired(step),
            LegTimer::Reliable => self.repeat_provisional(step),
            LegTimer::Prack => self.prack_missing(step),
            LegTimer::Update => self.update_undecided(step),
            LegTimer::UpdateGlare => self.update_again(step),
            LegTimer::Session => self.session_due(step),
            // These outlive the dialog and are handled where it is.
            LegTimer::Forks | LegTimer::Tombstone => {}
        }
    }
}
