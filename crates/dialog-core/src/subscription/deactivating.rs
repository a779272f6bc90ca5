//! We are about to stop: subscriptions of theirs end with what they were told last (TR-257).

use sip_message::SubReason;
use sip_transport::{Cx, Out};

use crate::{
    boundary::{DialogOutput, subscription::SubscriptionId},
    dialog::Dialog,
    dialogs::Dialogs,
    step::Step,
};

use super::{
    notifier::{Event, State},
    reporting::Facts,
};

impl Dialogs {
    pub(crate) fn deactivate(&mut self, cx: &mut Cx<'_>, out: &mut Out<'_, DialogOutput>) {
        let all: Vec<SubscriptionId> = self.pending.subscriptions.keys().copied().collect();
        for id in all {
            self.with_subscription(cx, id, out, |dialog, step| dialog.deactivate(step, id));
        }
    }
}

impl Dialog {
    fn deactivate(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        let Some(notifier) = self.notifier(id) else { return };
        notifier.reason = match notifier.state {
            State::Active => SubReason::Deactivated,
            State::Pending => SubReason::Giveup,
            // Answered by the end of its call, or by nobody; or over.
            State::Deciding | State::Terminating | State::Terminated => return,
        };
        self.notifier_event(step, id, Event::ReportLast, &Facts::default());
    }
}
