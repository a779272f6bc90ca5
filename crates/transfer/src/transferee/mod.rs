//! A transfer that is asked of us: carries out what [`machine`] decides.

pub(crate) mod admission;
mod machine;
mod redirection;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, time::Duration};

use dialog_core::{
    By, DialogCommand, EndCause, EndReason, IncomingRefer, LegCommand, LegEvent, LegId, SubscriptionCommand,
    SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, NameAddrBuf, StatusCode};
use sip_transport::{Out, RouteError, Tick};

use self::{
    admission::Admitted,
    machine::{Action, Event, Facts, New, Old, State, Step, Timer, step},
    redirection::Route,
};
use crate::{
    Decision, Purpose, Role, TransferEvent, TransferEventKind, TransferId, TransferInfo, TransferOutput,
    TransferTimerName,
    policy::{CANCEL_WAIT, DELIVERY_WAIT, ring_wait},
    surroundings::Surroundings,
    timers::Armed,
    transfers::address,
};

/// One transfer that is asked of us.
#[derive(Debug)]
pub(crate) struct Transferee {
    id: TransferId,
    leg: LegId,
    /// The address that asked.
    peer: IpAddr,
    subscription: SubscriptionId,
    route: Route,
    headers: Vec<(HeaderId, Box<str>)>,
    referred_by: Option<NameAddrBuf>,
    state: State,
    facts: Facts,
    /// The newest new call, and whether it was ever up.
    new: Option<(LegId, bool)>,
    /// When the first new call was placed; redirections share one ring limit.
    placed: Option<Tick>,
    last_code: Option<StatusCode>,
    started: Tick,
    armed: Armed,
}

impl Transferee {
    pub(crate) fn new(
        id: TransferId,
        subscription: SubscriptionId,
        refer: &IncomingRefer,
        admitted: Admitted,
        started: Tick,
    ) -> Self {
        Self {
            id,
            leg: admitted.leg,
            peer: address(refer.source),
            subscription,
            route: Route::new(admitted.target),
            headers: admitted.headers,
            referred_by: refer.referred_by.clone(),
            state: State::InCall,
            facts: Facts { old: true, reporting: true },
            new: None,
            placed: None,
            last_code: None,
            started,
            armed: Armed::default(),
        }
    }

    pub(crate) const fn peer(&self) -> IpAddr {
        self.peer
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Whether the application has not decided yet.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self.state, State::Deciding)
    }

    pub(crate) fn info(&self) -> TransferInfo {
        TransferInfo {
            id: self.id,
            role: Role::Transferee,
            leg: self.leg,
            new_leg: self.new.map(|(leg, _)| leg),
            consultation: None,
            target: self.route.current().clone(),
            state: self.state.name(),
            last_code: self.last_code,
            started: self.started,
        }
    }

    /// Begins: accepts the REFER, and places the new call or asks.
    pub(crate) fn begin(
        &mut self,
        ask: bool,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.drive(Event::Request { ask }, around, out);
    }

    /// Whether the application may withdraw now.
    pub(crate) fn can_cancel(&self) -> bool {
        step(self.state, Event::Cancel, self.facts).is_some()
    }

    pub(crate) fn cancel(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        self.drive(Event::Cancel, around, out);
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
        };
        self.drive(event, around, out);
    }

    /// Takes an event of the call in which the REFER came; `false` if it means nothing to the transfer.
    pub(crate) fn old_call_event(
        &mut self,
        event: &LegEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let old = match event {
            LegEvent::Closing => Old::Closing,
            LegEvent::Ended(cause) => match cause.by {
                By::Local => Old::Closing,
                By::Remote | By::Network => Old::HungUp,
            },
            // The transferor's hold and resume are none of our business (last row but one of the table).
            LegEvent::Incoming(_)
            | LegEvent::Described { .. }
            | LegEvent::NeedDescription { .. }
            | LegEvent::RolledBack
            | LegEvent::Reopened
            | LegEvent::Provisional { .. }
            | LegEvent::Up(_)
            | LegEvent::Reoffered(_)
            | LegEvent::Changed
            | LegEvent::Acknowledged
            | LegEvent::Misused(_) => return true,
        };
        self.old_call_ends(old, around, out)
    }

    /// Our user is about to hang up the old call, and the report is to leave before the BYE (TR-256).
    pub(crate) fn before_hang_up(
        &mut self,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.old_call_ends(Old::Closing, around, out);
    }

    fn old_call_ends(
        &mut self,
        old: Old,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        if !self.facts.old {
            return true;
        }
        self.facts.old = false;
        self.drive(Event::Old(old), around, out)
    }

    /// Takes an event of a call that was placed for this transfer.
    pub(crate) fn new_call_event(
        &mut self,
        leg: LegId,
        event: &LegEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some((_, was_up)) = self.new.filter(|(newest, _)| *newest == leg) else {
            return false;
        };
        let event = match event {
            LegEvent::Provisional { status: StatusCode::EARLY_DIALOG_TERMINATED, .. } => New::EarlyEnded,
            LegEvent::Provisional { status, .. } => New::Provisional(*status),
            LegEvent::Up(_) => {
                self.new = Some((leg, true));
                New::Up
            }
            LegEvent::Ended(_) if was_up => New::Over,
            LegEvent::Ended(cause) => self.new_call_failed(leg, cause, around),
            LegEvent::Incoming(_)
            | LegEvent::Described { .. }
            | LegEvent::NeedDescription { .. }
            | LegEvent::RolledBack
            | LegEvent::Reopened
            | LegEvent::Reoffered(_)
            | LegEvent::Changed
            | LegEvent::Acknowledged
            | LegEvent::Closing
            | LegEvent::Misused(_) => return true,
        };
        self.drive(Event::New(event), around, out)
    }

    /// Sorts the end of a new call that never was up, and finds out whether there is another target.
    fn new_call_failed(&mut self, leg: LegId, cause: &EndCause, around: &Surroundings<'_, '_>) -> New {
        let barred = around.legs.get(leg).is_some_and(|leg| leg.barred);
        let failed = match &cause.reason {
            EndReason::Redirected { status, contacts } => {
                self.last_code = Some(*status);
                if self.route.redirect(contacts, around.policy) {
                    New::Failed(*status)
                } else {
                    New::Barred(*status)
                }
            }
            EndReason::Refused(status) => New::Failed(*status),
            EndReason::NoAnswer => New::NoAnswer,
            EndReason::Bye | EndReason::Cancelled => New::Cancelled,
            EndReason::NoRoute(RouteError::Scheme | RouteError::Unresolved) => {
                New::Failed(StatusCode::NOT_FOUND)
            }
            // No listener, no address family, no room; what else transport may come to say is its own affair, too.
            EndReason::NoRoute(_) | EndReason::Unreachable | EndReason::Overload => {
                New::Failed(StatusCode::SERVICE_UNAVAILABLE)
            }
            EndReason::Gone => New::Failed(StatusCode::CALL_DOES_NOT_EXIST),
            EndReason::NoAck | EndReason::NoPrack | EndReason::SessionExpired => {
                New::Failed(StatusCode::REQUEST_TIMEOUT)
            }
            // Its name resolved to an address that must not be called: nothing was sent (SEC-04).
            EndReason::NotAcceptable if barred => New::Barred(StatusCode::FORBIDDEN),
            EndReason::NotAcceptable => New::Failed(StatusCode::NOT_ACCEPTABLE_HERE),
        };
        // The Contacts of a redirection are tried one after the other (RFC 3261 §8.1.3.4); 6xx speaks for all of them.
        let elsewhere = match failed {
            New::Failed(code) | New::Barred(code) => code.class() < 6,
            New::NoAnswer => true,
            New::Provisional(_)
            | New::EarlyEnded
            | New::Up
            | New::Redirected
            | New::Cancelled
            | New::Over => false,
        };
        let trying = matches!(self.state, State::Inviting | State::Ringing);
        if trying && elsewhere && !self.ring_left(around).is_zero() && self.route.advance(around.policy) {
            return New::Redirected;
        }
        failed
    }

    /// Takes an event of the subscription.
    pub(crate) fn subscription_event(
        &mut self,
        event: &SubscriptionEvent,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        match event {
            SubscriptionEvent::Delivered => self.drive(Event::Delivered, around, out),
            // A subscription that does not take what it is asked for cannot be reported to.
            SubscriptionEvent::Ended(_) | SubscriptionEvent::Misused(_) => {
                self.facts.reporting = false;
                self.drive(Event::Unsubscribed, around, out)
            }
            SubscriptionEvent::Answered(_)
            | SubscriptionEvent::Notified(_)
            | SubscriptionEvent::Package(_)
            | SubscriptionEvent::Forked { .. }
            | SubscriptionEvent::Subscribed(_)
            | SubscriptionEvent::Requested(_) => false,
        }
    }

    pub(crate) fn expire(
        &mut self,
        name: TransferTimerName,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let timer = match name {
            TransferTimerName::Decision => Timer::Decision,
            TransferTimerName::Ring => Timer::Ring,
            TransferTimerName::Cancel => Timer::Cancel,
            TransferTimerName::Delivery => Timer::Delivery,
            TransferTimerName::Watchdog => Timer::Watchdog,
            TransferTimerName::Guard
            | TransferTimerName::Final
            | TransferTimerName::Retry
            | TransferTimerName::Hold
            | TransferTimerName::Resume
            | TransferTimerName::Consult
            | TransferTimerName::Talk
            | TransferTimerName::Closing => return false,
        };
        self.armed.expired(name) && self.drive(Event::Timer(timer), around, out)
    }

    fn drive(
        &mut self,
        event: Event,
        around: &mut Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) -> bool {
        let Some(Step { next, actions }) = step(self.state, event, self.facts) else {
            return false;
        };
        self.state = next;
        self.armed.keep(next.timers(), self.id, out);
        let mut repeated = false;
        if let Event::New(New::Provisional(code) | New::Failed(code) | New::Barred(code)) = event {
            repeated = self.last_code.replace(code) == Some(code);
        }
        for action in actions {
            match action {
                // A provisional status is told once, however often it is repeated.
                Action::TellProgress(_) | Action::Report(_) if repeated => {}
                action => self.act(action, around, out),
            }
        }
        if self.is_over() {
            self.release(around);
            around.legs.settle(self.leg, out);
        }
        true
    }

    fn act(&mut self, action: Action, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        match action {
            Action::Accept { pending } => {
                let decision = if pending { around.policy.decision } else { Duration::ZERO };
                let lifetime = decision.saturating_add(around.policy.ring());
                self.subscription_command(SubscriptionCommand::Accept { pending, lifetime }, out);
                let target = self.route.current().clone();
                let referred_by = self.referred_by.clone();
                self.tell(TransferEventKind::Requested { target, referred_by, decide: pending }, out);
            }
            Action::Approve => self.subscription_command(SubscriptionCommand::Approve, out),
            Action::Place => self.place(around, out),
            Action::HangUpNew => {
                if let Some((leg, _)) = self.new {
                    hang_up(leg, out);
                }
            }
            Action::HangUpOld => hang_up(self.leg, out),
            Action::MoveMedia => {
                if let Some((to, _)) = self.new {
                    around.legs.take_over(self.leg, to, out);
                }
            }
            Action::TellProgress(status) => self.tell(TransferEventKind::Progress { status }, out),
            Action::TellConnected => {
                self.last_code = Some(StatusCode::OK);
                if let Some((to, _)) = self.new {
                    self.tell(TransferEventKind::Connected { to }, out);
                }
            }
            Action::Report(status) => {
                self.subscription_command(SubscriptionCommand::Report { status, last: None }, out);
            }
            Action::ReportLast(status, reason) => {
                self.subscription_command(SubscriptionCommand::Report { status, last: Some(reason) }, out);
            }
            Action::Wait(timer) => {
                let (name, after) = match timer {
                    Timer::Decision => (TransferTimerName::Decision, around.policy.decision),
                    Timer::Ring => (TransferTimerName::Ring, ring_wait(self.ring_left(around))),
                    Timer::Cancel => (TransferTimerName::Cancel, CANCEL_WAIT),
                    Timer::Delivery => (TransferTimerName::Delivery, DELIVERY_WAIT),
                    Timer::Watchdog => (TransferTimerName::Watchdog, around.policy.watchdog),
                };
                self.armed.arm(self.id, name, after, out);
            }
            Action::Finish(outcome) => self.tell(TransferEventKind::Ended(outcome), out),
        }
    }

    /// Places the new call: another call in every respect, with ids of its own (TR-204).
    fn place(&mut self, around: &mut Surroundings<'_, '_>, out: &mut Out<'_, TransferOutput>) {
        let leg: LegId = around.cx.ids.mint();
        let referred = around.legs.get(self.leg).map_or(around.policy.per_call, |old| old.referred);
        let referred =
            self.new.and_then(|(new, _)| around.legs.get(new)).map_or(referred, |new| new.referred);
        if let Some(entry) = around.legs.enter(leg, usize::MAX) {
            entry.internal = true;
            entry.referred = referred;
            entry.placed_for = Some(self.id);
        }
        self.new = Some((leg, false));
        self.placed.get_or_insert(around.cx.now);
        let ring_limit = self.ring_left(around);
        out.push(TransferOutput::Place {
            leg,
            beside: self.leg,
            purpose: Purpose::Referred,
            target: self.route.current().clone(),
            headers: self.headers.clone(),
            ring_limit,
        });
        self.armed.arm(self.id, TransferTimerName::Ring, ring_wait(ring_limit), out);
    }

    /// What is left of the ring limit.
    fn ring_left(&self, around: &Surroundings<'_, '_>) -> Duration {
        let rung = self.placed.map_or(Duration::ZERO, |placed| around.cx.now.since(placed));
        around.policy.ring().saturating_sub(rung)
    }

    fn subscription_command(&self, command: SubscriptionCommand, out: &mut Out<'_, TransferOutput>) {
        if self.facts.reporting {
            out.push(TransferOutput::Dialog(DialogCommand::Subscription(self.subscription, command)));
        }
    }

    /// Lets go of everything that leads to this transfer; the new call is a call like any other now.
    fn release(&self, around: &mut Surroundings<'_, '_>) {
        if let Some(leg) = around.legs.get_mut(self.leg) {
            leg.moved_by = None;
        }
        if let Some(leg) = self.new.and_then(|(leg, _)| around.legs.get_mut(leg)) {
            leg.placed_for = None;
        }
        around.subscriptions.remove(&self.subscription);
    }

    fn tell(&self, kind: TransferEventKind, out: &mut Out<'_, TransferOutput>) {
        out.push(TransferOutput::Event(TransferEvent {
            transfer: self.id,
            leg: self.leg,
            role: Role::Transferee,
            kind,
        }));
    }
}

fn hang_up(leg: LegId, out: &mut Out<'_, TransferOutput>) {
    out.push(TransferOutput::Dialog(DialogCommand::Leg(leg, LegCommand::HangUp { reason: None })));
}
