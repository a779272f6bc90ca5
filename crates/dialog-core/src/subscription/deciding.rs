//! What the layer above decides about a REFER, and REFERs that nobody is told about.

use std::time::Duration;

use sip_message::StatusCode;

use crate::{
    boundary::{
        leg::Misuse,
        subscription::{SubscriptionEvent, SubscriptionId},
    },
    dialog::{Birth, Dialog},
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    LONGEST,
    notifier::{Action, Event, State},
    refusal::may_refuse_refer,
    reporting::Facts,
    whole_seconds,
};

/// The shortest duration that is granted, and the unit to which durations are rounded up (catalogue T-SUB).
const MINUTE: u32 = 60;

impl Dialog {
    pub(crate) fn accept_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        pending: bool,
        lifetime: Duration,
    ) {
        let wanted = whole_seconds(lifetime.saturating_add(step.timeout())).min(LONGEST);
        let Some(notifier) = self.notifier(id).filter(|notifier| notifier.is_refer()) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        if notifier.state == State::Deciding {
            // Longer than the referred request may take (TR-017).
            notifier.granted = wanted.max(MINUTE).next_multiple_of(MINUTE);
        }
        self.notifier_command(
            step,
            id,
            if pending { Event::AcceptPending } else { Event::Accept },
            &Facts::default(),
        );
    }

    pub(crate) fn refuse_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        status: StatusCode,
    ) {
        let may_end_dialog = self.birth == Birth::Theirs && status.as_u16() >= 300;
        if !may_end_dialog && !may_refuse_refer(status) {
            return Self::subscription_misused(step, id, Misuse::State);
        }
        self.notifier_command(step, id, Event::Refuse, &Facts { refusal: Some(status), ..Facts::default() });
    }

    pub(crate) fn approve_refer(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        self.notifier_command(step, id, Event::Approve, &Facts::default());
    }

    /// Whether an action would tell the peer of a REFER that forbids it. What was reported is kept for those who subscribe, if
    /// they may, and counts as delivered, so that who reports need not know the difference.
    pub(super) fn tells_nobody(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        action: Action,
    ) -> bool {
        if !self.notifier(id).is_some_and(|notifier| notifier.quiet) {
            return false;
        }
        match action {
            Action::NotifyAgain | Action::Flush => true,
            Action::Notify | Action::NotifyNow => {
                self.keep_state(step, id);
                step.subscription(id, SubscriptionEvent::Reported);
                true
            }
            Action::NotifyLast => {
                self.keep_state(step, id);
                step.disarm_subscription(id, SubscriptionTimer::Expiry);
                self.notifier_event(step, id, Event::LastAccepted, &Facts::default());
                true
            }
            Action::AcceptRefer
            | Action::AcceptUnreported
            | Action::RefuseRefer
            | Action::DeclineRefer
            | Action::Grant
            | Action::AcceptSubscribe
            | Action::RefuseSubscribe
            | Action::PostponeSubscribe
            | Action::TellDelivered
            | Action::Misuse
            | Action::EndRefused
            | Action::EndSuppressed
            | Action::EndFailed
            | Action::End => false,
        }
    }
}
