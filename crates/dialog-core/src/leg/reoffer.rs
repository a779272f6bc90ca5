//! Our wish for a new offer: one INVITE in flight, back-off after 491, roll-back (RFC 3261 §14.1).

use std::time::Duration;

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, StatusCode};
use sip_transport::{Hop, Hops, Origin, Outbound, RouteError};
use transaction_core::{TxCommand, TxFailure, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, Misuse, ReofferError, Turn},
    dialog::Dialog,
    forks::Stray,
    offers::{Carrier, Event, Offers, Side},
    pending::{Ask, Client},
    respond::SDP,
    retry::Slot,
    scope::{Scope, scope},
    step::Step,
};

use super::{
    Leg,
    up::{Exchange, MAX_ACKED},
};

/// The unit of the delay after 491 (RFC 3261 §14.1).
const GLARE_STEP: Duration = Duration::from_millis(10);

/// The delay after a 500 that passes, if the peer names none or one that the wish has no time for; and after the way of an
/// INVITE has failed.
const RETRY: Duration = Duration::from_secs(1);

/// Longest Retry-After in seconds that tells of an INVITE in progress (RFC 3261 §14.2); a longer one is an outage.
pub(crate) const LONGEST_RETRY: u32 = 10;

/// Most new tries for one wish, after 500 or a failure of the way: an ACK or a request that was lost has been repeated by
/// then, so the peer means what it says, and three new connections that fail are no accident (catalogue T-RESUME).
const RETRIES: u8 = 3;

impl Dialog {
    /// Begins the INVITE for the wish, if nothing is in its way.
    pub(crate) fn try_reoffer(&mut self, step: &mut Step<'_, '_, '_>) {
        let room = self.offers == Offers::Agreed && !self.is_update_offering() && self.is_offer_wanted();
        let Some(up) = self.up() else { return };
        if room && matches!(up.exchange, Exchange::Idle) {
            up.exchange = Exchange::OursRouting;
            self.ask(step, Ask::Reoffer);
        }
    }

    pub(crate) fn reoffer_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let room = self.offers == Offers::Agreed && !self.is_update_offering();
        let Some(up) = self.up() else { return };
        let Exchange::OursRouting = up.exchange else { return };
        if !room {
            // An UPDATE was faster; ours follows it.
            up.exchange = Exchange::Idle;
            return;
        }
        self.carry_wish();
        let unreachable = matches!(result, Err(RouteError::Unreachable(_)));
        match result.ok().and_then(|hops| Some((*hops.first()?, hops))) {
            Some((Hop { local, .. }, hops)) => {
                let remotes = hops.iter().map(|hop| hop.remote).collect();
                if let Some(up) = self.up() {
                    up.exchange = Exchange::OursDescribing { hops: Box::new(hops) };
                }
                self.tell(step, LegEvent::NeedDescription { turn: Turn::Offer, local, remotes });
            }
            None if unreachable => self.reoffer_unreachable(step),
            None => self.settle(step, Err(ReofferError::Unreachable)),
        }
    }

    pub(crate) fn describe_up(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        let Some(up) = self.up() else { return };
        match std::mem::take(&mut up.exchange) {
            Exchange::OursDescribing { hops } => self.describe_reoffer(step, *hops, body),
            Exchange::TheirsDescribing { tx, inbound, cseq, ours } => {
                self.describe_reinvite(step, tx, &inbound, cseq, ours, body);
            }
            other @ (Exchange::Idle
            | Exchange::OursRouting
            | Exchange::OursCalling { .. }
            | Exchange::OursAcknowledging { .. }
            | Exchange::TheirsAccepted(_)) => {
                up.exchange = other;
                self.misused(step, Misuse::State);
            }
        }
    }

    fn describe_reoffer(&mut self, step: &mut Step<'_, '_, '_>, hops: Hops, body: Result<Bytes, StatusCode>) {
        let (Ok(body), Some(draft)) = (body, self.next(Method::Invite)) else {
            return self.settle(step, Err(ReofferError::Description));
        };
        let draft = self.state.contact.on_request(step.capable(draft));
        let draft = self.session_timer.ask_again(step.config, draft).body(SDP, body);
        self.offers.take(Event::Offer(Side::Ours, Carrier::Invite));
        let tx = step.request(Client::Reinvite(self.id), hops, draft);
        let cseq = self.state.local_cseq;
        let Some(up) = self.up() else { return };
        (up.rseq, up.resync) = (None, false);
        up.exchange = Exchange::OursCalling { tx, cseq };
    }

    /// Our re-INVITE in flight, if its wish is not over.
    pub(crate) fn reinvite_slot(&mut self, tx: TxId) -> Option<Slot<'_>> {
        let wanted = self.is_wish_carried();
        match &mut self.up()?.exchange {
            Exchange::OursCalling { tx: ours, cseq } if wanted && *ours == tx => {
                Some(Slot::Numbered(ours, cseq))
            }
            Exchange::OursCalling { .. }
            | Exchange::Idle
            | Exchange::OursRouting
            | Exchange::OursDescribing { .. }
            | Exchange::OursAcknowledging { .. }
            | Exchange::TheirsDescribing { .. }
            | Exchange::TheirsAccepted(_) => None,
        }
    }

    /// A response to our re-INVITE.
    pub(crate) fn reinvite_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        origin: &Origin,
        message: &Message,
    ) {
        let Some(status) = message.status() else { return };
        if status.is_provisional() {
            return self.reinvite_progress(step, tx, message);
        }
        let Some(up) = self.up() else { return self.late_response(step, tx, status, message) };
        match up.exchange {
            Exchange::OursCalling { tx: ours, cseq } if ours == tx => {
                if status.is_success() {
                    self.reoffer_accepted(step, tx, cseq, origin, message);
                } else {
                    step.pending.clients.remove(&tx);
                    self.reoffer_refused(step, status, cseq, message);
                }
            }
            Exchange::Idle
            | Exchange::OursRouting
            | Exchange::OursDescribing { .. }
            | Exchange::OursCalling { .. }
            | Exchange::OursAcknowledging { .. }
            | Exchange::TheirsDescribing { .. }
            | Exchange::TheirsAccepted(_) => {
                let acked = up.acked.iter().find(|(acked, _)| *acked == tx);
                let (Some((_, Some(ack))), true) = (acked, status.is_success()) else { return };
                if ack.hop.flow == origin.flow {
                    step.transaction(TxCommand::Resend(ack.clone()));
                } else if let Ok(cseq) = message.cseq() {
                    // The way of the ACK is gone (RFC 3261 §18.2.2).
                    self.state.heard(origin);
                    Stray::ack(tx, self.state.clone(), cseq.number).ask(step);
                }
            }
        }
    }

    /// The answer to a re-INVITE that was still in flight when we began to end the call: a 2xx gets its ACK.
    fn late_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        status: StatusCode,
        message: &Message,
    ) {
        step.pending.clients.remove(&tx);
        if let (true, Ok(cseq)) = (status.is_success(), message.cseq()) {
            Stray::ack(tx, self.state.clone(), cseq.number).ask(step);
        }
    }

    fn reoffer_accepted(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        cseq: u32,
        origin: &Origin,
        message: &Message,
    ) {
        self.state.heard(origin);
        self.state.refresh(message);
        self.session_timer.answered(step.config, message);
        self.arm_session(step);
        // The answer may have come before, in a reliable response (RFC 6337 §2.2).
        let waits = self.offers == Offers::Ours;
        let answered = !waits || !message.body().is_empty();
        if waits {
            self.offers.take(if answered { Event::Answer(Side::Theirs) } else { Event::Void });
        }
        if waits && answered {
            self.tell(step, LegEvent::Described { turn: Turn::Answer, body: message.body_bytes() });
        }
        if let Some(up) = self.up() {
            up.exchange = Exchange::OursAcknowledging { tx, cseq, answered };
            let forgotten = (up.acked.len() == MAX_ACKED).then(|| up.acked.remove(0));
            up.acked.push((tx, None));
            if let Some((old, _)) = forgotten {
                step.pending.clients.remove(&old);
            }
        }
        self.ask(step, Ask::ReofferAck);
    }

    pub(crate) fn reoffer_ack_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        result: Result<Hops, RouteError>,
    ) {
        let Some(up) = self.up() else { return };
        let Exchange::OursAcknowledging { tx, cseq, answered } = up.exchange else { return };
        let hops = match result {
            Ok(hops) => hops,
            // Without an ACK the peer would end the call by itself after 64*T1 (RFC 3261 §14.2). ACK and BYE try
            // a route of their own before that.
            Err(error) => {
                return self.close(step, EndCause::new(By::Network, EndReason::NoRoute(error)), None);
            }
        };
        up.acked_at = Some(step.cx.now);
        let draft = step.signed(self.state.draft(Method::Ack, cseq));
        step.transaction(TxCommand::Ack { tx, hops, draft });
        if !answered {
            self.tell(step, LegEvent::RolledBack);
        }
        self.settle(step, if answered { Ok(()) } else { Err(ReofferError::Description) });
    }

    /// Keeps the ACK to our re-INVITE's 2xx.
    pub(crate) fn reinvite_acked(&mut self, tx: TxId, outbound: Outbound) {
        let acked = self.up().and_then(|up| up.acked.iter_mut().find(|(acked, _)| *acked == tx));
        if let Some((_, slot)) = acked {
            *slot = Some(outbound);
        }
    }

    fn reoffer_refused(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        status: StatusCode,
        cseq: u32,
        message: &Message,
    ) {
        self.roll_back_offer(step);
        let result = Err(ReofferError::Refused(status));
        if self.is_raised(message) {
            return self.back_off_for(step, Duration::ZERO);
        }
        if status == StatusCode::REQUEST_PENDING {
            return self.back_off(step);
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            return self.reoffer_unanswered(step);
        }
        if let Some(delay) = self.passing_refusal(step, status, cseq, message) {
            return self.back_off_for(step, delay);
        }
        match scope(status) {
            Scope::Transaction => self.settle(step, result),
            // The usage is gone at the peer, and with it the call (RFC 5057 §5.1). Only a 481 says that a BYE
            // would find nothing any more.
            Scope::Usage | Scope::Dialog => {
                self.report_wish(step, result);
                let header = message.first(HeaderId::Reason).map(Into::into);
                let cause = EndCause { by: By::Remote, reason: EndReason::Gone, header, details: Vec::new() };
                if status == StatusCode::CALL_DOES_NOT_EXIST {
                    self.end(step, cause);
                } else {
                    self.close(step, cause, None);
                }
                self.lose_usages(step, status);
            }
        }
    }

    /// 408 or silence: the call is taken for lost and ended with a BYE (RFC 3261 §14.1, RFC 5057 §5.2).
    fn reoffer_unanswered(&mut self, step: &mut Step<'_, '_, '_>) {
        self.report_wish(step, Err(ReofferError::TimedOut));
        self.close(step, EndCause::new(By::Network, EndReason::Gone), None);
    }

    /// Our re-INVITE failed without an answer.
    pub(crate) fn reinvite_failed(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, failure: TxFailure) {
        let Some(up) = self.up() else { return };
        let Exchange::OursCalling { tx: ours, .. } = up.exchange else { return };
        if ours != tx {
            return;
        }
        // No longer in flight, so that ending the call does not roll it back twice.
        up.exchange = Exchange::Idle;
        self.roll_back_offer(step);
        let error = match failure {
            TxFailure::Timeout => return self.reoffer_unanswered(step),
            TxFailure::Flow => return self.reoffer_unreachable(step),
            TxFailure::Unencodable => ReofferError::Description,
            _ => ReofferError::Unreachable,
        };
        self.settle(step, Err(error));
    }

    /// The way has failed, and the peer has given no answer. That is as a 503 (RFC 3261 §8.1.3.1): the way is looked for again.
    /// The peer may have followed the INVITE that failed; the new offer says what is in force.
    fn reoffer_unreachable(&mut self, step: &mut Step<'_, '_, '_>) {
        match self.carried_wish().filter(|wish| wish.retries < RETRIES) {
            Some(wish) => {
                wish.retries += 1;
                self.back_off_for(step, RETRY);
            }
            None => self.settle(step, Err(ReofferError::Unreachable)),
        }
    }

    /// Whether a refusal asks for a longer session interval (RFC 4028 §7.3), and the offer may go again with it.
    fn is_raised(&mut self, message: &Message) -> bool {
        let wanted = self.carried_wish().is_some_and(|wish| wish.retries < RETRIES);
        let raised = wanted && self.session_timer.is_raised_by(message);
        if let Some(wish) = self.carried_wish().filter(|_| raised) {
            wish.retries += 1;
        }
        raised
    }

    /// 491: both sides offered at once. The owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s
    /// (TR-194).
    fn back_off(&mut self, step: &mut Step<'_, '_, '_>) {
        let delay = self.glare_delay(step);
        self.back_off_for(step, delay);
    }

    /// The delay after 491.
    pub(crate) fn glare_delay(&self, step: &mut Step<'_, '_, '_>) -> Duration {
        let steps =
            if self.state.caller { 210 + step.cx.random.up_to(190) } else { step.cx.random.up_to(200) };
        GLARE_STEP * steps
    }

    fn back_off_for(&mut self, step: &mut Step<'_, '_, '_>, delay: Duration) {
        if let Some(up) = self.up() {
            up.exchange = Exchange::Idle;
        }
        self.agree_again(step);
        self.take_back_wish(step, Some(delay));
        self.proceed(step);
    }

    /// The delay after a 500 that means "not now": the peer says when (RFC 3261 §14.2), it may still wait for an ACK
    /// of ours, or a later request of ours overtook the INVITE (RFC 3261 §12.2.2). `None` if the refusal stands.
    fn passing_refusal(
        &mut self,
        step: &Step<'_, '_, '_>,
        status: StatusCode,
        cseq: u32,
        message: &Message,
    ) -> Option<Duration> {
        if status != StatusCode::SERVER_INTERNAL_ERROR {
            return None;
        }
        let (now, whole) = (step.cx.now, step.timeout());
        let overtaken = self.state.local_cseq > cseq;
        let acked_at = self.up()?.acked_at;
        let wish = self.carried_wish().filter(|wish| wish.retries < RETRIES)?;
        let remaining = wish.deadline.since(now);
        let asked = message.retry_after().ok().flatten().map(|retry| retry.seconds);
        let delay = match asked {
            Some(seconds) if seconds > LONGEST_RETRY => return None,
            Some(seconds) => Some(Duration::from_secs(seconds.into())).filter(|delay| *delay <= remaining),
            None if overtaken || acked_at.is_some_and(|at| now.since(at) < whole) => None,
            None => return None,
        };
        wish.retries += 1;
        Some(delay.unwrap_or(RETRY))
    }

    /// The wish of an INVITE, or one that waits for its way, has run out of time.
    pub(crate) fn withdraw_invite(&mut self, step: &mut Step<'_, '_, '_>, carried: bool) {
        let Some(up) = self.up() else { return };
        match &mut up.exchange {
            Exchange::OursCalling { tx, .. } if carried => {
                step.transaction(TxCommand::Cancel { tx: *tx, reason: None });
            }
            exchange @ (Exchange::OursRouting | Exchange::OursDescribing { .. }) => {
                *exchange = Exchange::Idle;
            }
            Exchange::OursCalling { .. }
            | Exchange::Idle
            | Exchange::OursAcknowledging { .. }
            | Exchange::TheirsDescribing { .. }
            | Exchange::TheirsAccepted(_) => {}
        }
    }

    /// Whether our offer was accepted, and only the ACK is to be sent.
    pub(crate) fn is_offer_certain(&self) -> bool {
        matches!(&self.leg, Some(Leg::Up(up)) if matches!(up.exchange, Exchange::OursAcknowledging { .. }))
    }

    /// Our INVITE is over: answers its wish, unless that was done before, and goes on with the next.
    fn settle(&mut self, step: &mut Step<'_, '_, '_>, result: Result<(), ReofferError>) {
        self.report_wish(step, result);
        self.proceed(step);
    }

    fn report_wish(&mut self, step: &mut Step<'_, '_, '_>, result: Result<(), ReofferError>) {
        let Some(up) = self.up() else { return };
        up.exchange = Exchange::Idle;
        self.answer_wish(step, result);
        self.agree_again(step);
        self.watch_wishes(step);
    }

    /// Wishes for an offer that makes both sides agree again, if one is due and nobody wishes for another.
    fn agree_again(&mut self, step: &mut Step<'_, '_, '_>) {
        let due = self.up().is_some_and(|up| std::mem::take(&mut up.resync));
        if due {
            self.wish_quietly(step.after(step.timeout()));
        }
    }
}
