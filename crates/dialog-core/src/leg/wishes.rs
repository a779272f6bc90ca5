//! How long our wishes for a new offer may take.

use sip_transport::Tick;
use transaction_core::TxCommand;

use crate::{
    boundary::leg::{LegEvent, ReofferError},
    dialog::Dialog,
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    up::{Exchange, Up},
};

impl Dialog {
    /// Arms the limit of the wish that runs out first.
    pub(crate) fn watch_wishes(&mut self, step: &mut Step<'_, '_, '_>) {
        let now = step.cx.now;
        let first = self.up().and_then(|up| match (up.running_limit(), up.queued) {
            (Some(current), Some(queued)) => Some(current.min(queued)),
            (current, queued) => current.or(queued),
        });
        match first {
            Some(deadline) => self.arm(step, LegTimer::Reoffer, deadline.since(now)),
            None => self.disarm(step, LegTimer::Reoffer),
        }
    }

    /// The limit of a wish. An INVITE that is in flight is cancelled; should it be accepted all the same, its
    /// answer is passed on as [`LegEvent::Described`], but the wish is answered now and only once.
    pub(crate) fn wish_expired(&mut self, step: &mut Step<'_, '_, '_>) {
        let now = step.cx.now;
        self.early_wish_expired(step);
        let Some(Leg::Up(up)) = &mut self.leg else { return };
        let mut over = 0;
        if up.queued.is_some_and(|deadline| deadline <= now) {
            up.queued = None;
            over += 1;
        }
        if up.running_limit().is_some_and(|deadline| deadline <= now) {
            up.current = up.queued.take();
            up.retries = 0;
            over += usize::from(!std::mem::take(&mut up.quiet));
            match &mut up.exchange {
                Exchange::OursCalling { tx, given_up: given_up @ false, .. } => {
                    *given_up = true;
                    step.transaction(TxCommand::Cancel { tx: *tx, reason: None });
                }
                exchange @ (Exchange::OursRouting | Exchange::OursDescribing { .. }) => {
                    *exchange = Exchange::Idle;
                }
                Exchange::OursCalling { given_up: true, .. }
                | Exchange::Idle
                | Exchange::OursAcknowledging { .. }
                | Exchange::TheirsDescribing { .. }
                | Exchange::TheirsAccepted(_) => {}
            }
            if up.current.is_none() {
                up.backing_off = false;
                self.disarm(step, LegTimer::Glare);
            }
        }
        for _ in 0..over {
            self.tell(step, LegEvent::Reoffered(Err(ReofferError::TimedOut)));
        }
        self.watch_wishes(step);
        self.proceed(step);
    }
}

impl Up {
    /// Whether the INVITE of the current wish has its offer already, so that a new wish needs another one.
    pub(crate) fn in_flight(&self) -> bool {
        match self.exchange {
            Exchange::OursDescribing { .. } => true,
            Exchange::OursCalling { given_up, .. } | Exchange::OursAcknowledging { given_up, .. } => {
                !given_up
            }
            Exchange::Idle
            | Exchange::OursRouting
            | Exchange::TheirsDescribing { .. }
            | Exchange::TheirsAccepted(_) => false,
        }
    }

    /// The limit of the current wish, unless its outcome is certain already and only the ACK is to be sent.
    pub(crate) fn running_limit(&self) -> Option<Tick> {
        match self.exchange {
            Exchange::OursAcknowledging { given_up: false, .. } => None,
            Exchange::OursAcknowledging { given_up: true, .. }
            | Exchange::Idle
            | Exchange::OursRouting
            | Exchange::OursDescribing { .. }
            | Exchange::OursCalling { .. }
            | Exchange::TheirsDescribing { .. }
            | Exchange::TheirsAccepted(_) => self.current,
        }
    }
}
