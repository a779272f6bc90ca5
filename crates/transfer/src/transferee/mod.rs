//! A transfer that is asked of us: carries out what [`machine`] decides.

pub(crate) mod admission;
mod application;
mod joining;
mod machine;
mod manual;
mod placing;
mod presentation;
pub(crate) mod rate;
mod redirection;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, time::Duration};

use dialog_core::{
    By, DialogCommand, EndCause, EndReason, IncomingRefer, LegCommand, LegEvent, LegId, SubscriptionCommand,
    SubscriptionEvent, SubscriptionId,
};
use sip_message::{HeaderId, NameAddrBuf, StatusCode, SubReason, UriBuf};
use sip_transport::{Out, RouteError, Tick};

use self::{
    admission::{Admitted, is_verified},
    joining::Joining,
    machine::{Action, Event, Facts, New, Old, State, Step, Timer, step},
    presentation::Presentation,
    redirection::Route,
};
use crate::{
    Role, TransferEvent, TransferEventKind, TransferId, TransferInfo, TransferKind, TransferOutput,
    TransferTimerName, headers::InviteHeaders, surroundings::Surroundings, timers::Armed, transfers::address,
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
    headers: InviteHeaders,
    /// Transfers that were asked for in the calls that lead here.
    referred: u32,
    presentation: Presentation,
    /// What is bridged instead of a new call being placed.
    joining: Option<Joining>,
    referred_by: Option<NameAddrBuf>,
    /// Whether the REFER comes from the host that Referred-By names.
    verified: bool,
    kind: TransferKind,
    /// Where the transferor is called back.
    recall: Option<UriBuf>,
    /// The headers that are reported of the new call's end.
    told: Vec<(HeaderId, Box<str>)>,
    state: State,
    facts: Facts,
    /// The newest new call, and whether it was ever up.
    new: Option<(LegId, bool)>,
    /// When the first new call was placed; redirections share one ring limit.
    placed: Option<Tick>,
    last_code: Option<StatusCode>,
    started: Tick,
    /// Whether the application was told of it already.
    announced: bool,
    /// Whether the application reports.
    by_hand: bool,
    /// The last report, left to the application.
    left: Option<(StatusCode, SubReason)>,
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
            referred: 0,
            presentation: admitted.presentation,
            joining: admitted.joining,
            referred_by: refer.referred_by.clone(),
            verified: is_verified(refer),
            kind: if refer.replaces.is_some() { TransferKind::Attended } else { TransferKind::Blind },
            state: State::InCall,
            facts: Facts { old: true, reporting: true, at_once: false, recall: admitted.recall.is_some() },
            recall: admitted.recall,
            told: Vec::new(),
            new: None,
            placed: None,
            last_code: None,
            started,
            announced: false,
            by_hand: false,
            left: None,
            armed: Armed::default(),
        }
    }

    pub(crate) const fn peer(&self) -> IpAddr {
        self.peer
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(crate) const fn state_name(&self) -> &'static str {
        self.state.name()
    }

    pub(crate) fn info(&self) -> TransferInfo {
        TransferInfo {
            id: self.id,
            role: Role::Transferee,
            leg: self.leg,
            new_leg: self.new.map(|(leg, _)| leg),
            consultation: None,
            kind: self.kind,
            target: self.route.current().clone(),
            state: self.state_name(),
            last_code: self.last_code,
            by_hand: self.by_hand,
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
        self.facts.at_once = around.policy.referred.report_at_once && self.joining.is_none();
        self.drive(Event::Request { ask }, around, out);
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
        self.report_left(around, out);
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
        self.told = around.policy.referred.report.headers(cause);
        let barred = around.legs.get(leg).is_some_and(|leg| leg.barred);
        let failed = match &cause.reason {
            EndReason::Redirected { status, contacts } => {
                self.last_code = Some(*status);
                if self.route.redirect(contacts, around.policy.targets_of(self.peer)) {
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
            SubscriptionEvent::Reported => {
                self.tell_reported(out);
                true
            }
            SubscriptionEvent::Delivered => {
                self.tell_reported(out);
                self.drive(Event::Delivered, around, out)
            }
            // A subscription that does not take what it is asked for cannot be reported to.
            SubscriptionEvent::Ended(_) | SubscriptionEvent::Misused(_) => {
                if let SubscriptionEvent::Ended(end) = event {
                    self.tell_unsubscribed(*end, out);
                }
                self.facts.reporting = false;
                self.left = None;
                self.tell_reported(out);
                self.drive(Event::Unsubscribed, around, out)
            }
            SubscriptionEvent::Answered(_)
            | SubscriptionEvent::EventsAt(_)
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
            | TransferTimerName::Bye
            | TransferTimerName::Closing => return false,
        };
        if !self.armed.expired(name) {
            return false;
        }
        // The application has left its last report for too long.
        timer == Timer::Delivery && self.report_left(around, out)
            || self.drive(Event::Timer(timer), around, out)
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
        let (mut repeated, mut joined) = (false, None);
        if let Event::New(New::Provisional(code) | New::Failed(code) | New::Barred(code)) = event {
            repeated = self.last_code.replace(code) == Some(code);
        }
        for action in actions {
            match action {
                // A provisional status is told once, however often it is repeated.
                Action::TellProgress(_) | Action::Report(_) if repeated => {}
                Action::Report(_) if self.by_hand => {}
                Action::ReportLast(status, reason) if self.leaves_report(event) => {
                    self.left = Some((status, reason));
                }
                Action::Place if self.joining.is_some() => {
                    joined = self.joining.map(|joining| self.join(joining, around));
                }
                action => self.act(action, around, out),
            }
        }
        if let Some(joined) = joined {
            let new = if joined { New::Up } else { New::Failed(StatusCode::CALL_DOES_NOT_EXIST) };
            return self.drive(Event::New(new), around, out);
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
                self.tell_requested(pending, out);
            }
            Action::Ask => {
                self.tell_requested(true, out);
                self.armed.arm(self.id, TransferTimerName::Decision, around.policy.answer_wait(), out);
            }
            Action::Refuse(status) => self.subscription_command(SubscriptionCommand::Refuse { status }, out),
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
                    self.end_named(around, out);
                }
            }
            Action::TellProgress(status) => self.tell(TransferEventKind::Progress { status }, out),
            Action::TellConnected => {
                self.last_code = Some(StatusCode::OK);
                if let Some((to, _)) = self.new {
                    self.tell(TransferEventKind::Connected { to }, out);
                }
            }
            Action::Report(status) => self.report(status, None, around, out),
            Action::ReportLast(status, reason) => self.report(status, Some(reason), around, out),
            Action::ReportAtOnce => {
                self.report(StatusCode::OK, Some(SubReason::Noresource), around, out);
                self.facts.reporting = false;
            }
            Action::Recall => self.call_back(around, out),
            Action::Wait(timer) => {
                let (name, after) = match timer {
                    Timer::Decision => (TransferTimerName::Decision, around.policy.decision),
                    Timer::Ring => (TransferTimerName::Ring, around.policy.ring_wait(self.ring_left(around))),
                    Timer::Cancel => (TransferTimerName::Cancel, around.policy.cancel_wait()),
                    Timer::Delivery if self.left.is_some() => {
                        (TransferTimerName::Delivery, around.policy.decision)
                    }
                    Timer::Delivery => (TransferTimerName::Delivery, around.policy.delivery_wait()),
                    Timer::Watchdog => (TransferTimerName::Watchdog, around.policy.watchdog),
                };
                self.armed.arm(self.id, name, after, out);
            }
            Action::Finish(outcome) => self.tell(TransferEventKind::Ended(outcome), out),
        }
    }

    /// Reports as much as the policy says; the provisional ones, or their detail, may be left out.
    fn report(
        &self,
        status: StatusCode,
        last: Option<SubReason>,
        around: &Surroundings<'_, '_>,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let Some(status) = around.policy.referred.report.status(status, last.is_some()) else { return };
        let headers = if last.is_some() { self.told.clone() } else { Vec::new() };
        self.subscription_command(SubscriptionCommand::Report { status, headers, last }, out);
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
