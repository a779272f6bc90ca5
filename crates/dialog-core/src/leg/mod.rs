//! The INVITE usage of a dialog: placing, answering, up, ending.

pub(crate) mod answering;
mod elsewhere;
pub(crate) mod ending;
pub(crate) mod placing;
pub(crate) mod reinvited;
pub(crate) mod reoffer;
pub(crate) mod up;

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
        Self { by, reason, header: None }
    }
}

impl Dialog {
    pub(crate) fn misused(&self, step: &mut Step<'_, '_, '_>, misuse: Misuse) {
        self.tell(step, LegEvent::Misused(misuse));
    }

    pub(crate) fn leg_command(&mut self, step: &mut Step<'_, '_, '_>, command: LegCommand) {
        if self.leg.is_none() {
            return self.misused(step, Misuse::Unknown);
        }
        match command {
            LegCommand::Describe { body } => self.describe(step, body),
            LegCommand::Ring => self.ring(step),
            LegCommand::Accept { contact_user } => self.accept(step, contact_user),
            LegCommand::Reject { status, retry_after } => self.reject(step, status, retry_after),
            LegCommand::Reoffer { limit } => self.reoffer(step, limit),
            LegCommand::Refer { subscription, refer_to, referred_by } => {
                self.refer(step, subscription, refer_to, referred_by);
            }
            LegCommand::Unacceptable => self.unacceptable(step),
            LegCommand::HangUp { reason } => self.hang_up(step, reason),
        }
    }

    fn describe(&mut self, step: &mut Step<'_, '_, '_>, body: Option<bytes::Bytes>) {
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

    fn unacceptable(&mut self, step: &mut Step<'_, '_, '_>) {
        let cause = EndCause::new(By::Local, EndReason::NotAcceptable);
        match &self.leg {
            Some(Leg::Placing(_)) => self.cancel(step, cause, None),
            Some(Leg::Answering(_)) => {
                self.tell(step, LegEvent::Closing);
                self.refuse_unacceptable(step);
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
            // These outlive the dialog and are handled where it is.
            LegTimer::Forks | LegTimer::Tombstone => {}
        }
    }
}
