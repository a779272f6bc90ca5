//! An UPDATE of the peer (RFC 3311 §5.2), or a PRACK with an offer (RFC 3262 §5): both are answered at once.

use bytes::Bytes;
use sip_message::{HeaderId, StatusCode};
use sip_transport::{Hop, Inbound};
use smallvec::smallvec;
use transaction_core::TxId;

use crate::{
    boundary::leg::{LegEvent, Turn},
    dialog::Dialog,
    offers::{Carrier, Event, Offers, Side, Verdict},
    pending::EarlyId,
    respond::SDP,
    step::Step,
    timer::LegTimer,
};

use super::{Leg, answering::unreadable, session_timer, up::Exchange};

/// Longest Retry-After in seconds for an UPDATE that came before the last one was answered (RFC 3311 §5.2).
const RETRY: u32 = 10;

/// How long a description may be missing, in T1: the peer waits for its answer, and a person may be asked (RFC 3311 §5.2).
const UNDECIDED: u32 = 4;

/// A request with an offer that waits for our answer.
#[derive(Debug)]
pub(crate) struct Theirs {
    tx: TxId,
    inbound: Box<Inbound>,
    carries: Carries,
    early: Option<EarlyId>,
}

/// Which request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    Update,
    Prack,
}

impl Dialog {
    pub(crate) fn update_received(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        early: Option<EarlyId>,
    ) {
        let message = inbound.message.clone();
        let tag = self.state.local_tag.clone();
        let refuse = |step: &mut Step<'_, '_, '_>, status| {
            step.respond(tx, &inbound, status, &tag, |response| response);
        };
        if matches!(self.leg, None | Some(Leg::Ending(_))) {
            return refuse(step, StatusCode::CALL_DOES_NOT_EXIST);
        }
        if self.updating.as_ref().is_some_and(|updating| updating.theirs.is_some()) {
            return self.refuse_overlap(step, tx, &inbound);
        }
        if session_timer::is_too_short(step.config, &message) {
            let least = session_timer::least(step.config);
            step.respond(tx, &inbound, StatusCode::SESSION_INTERVAL_TOO_SMALL, &tag, |response| {
                response.header(HeaderId::MinSe, least)
            });
            return;
        }
        if unreadable(&message) {
            step.respond(tx, &inbound, StatusCode::UNSUPPORTED_MEDIA_TYPE, &tag, |response| {
                response.header(HeaderId::Accept, SDP)
            });
            return;
        }
        if message.body().is_empty() {
            self.accept_update(step, tx, &inbound, early, None);
            return;
        }
        match self.verdict(early) {
            Verdict::Go => {
                self.take_offer(step, tx, inbound, Carries::Update, early, message.body_bytes());
            }
            Verdict::Pending => refuse(step, StatusCode::REQUEST_PENDING),
            Verdict::Overlap => self.refuse_overlap(step, tx, &inbound),
            // No session of that fork is anybody's concern yet, or none is any more.
            Verdict::Misplaced => refuse(step, StatusCode::NOT_ACCEPTABLE_HERE),
        }
    }

    /// What an UPDATE with an offer meets; takes the offer if there is room for it.
    fn verdict(&mut self, early: Option<EarlyId>) -> Verdict {
        if self.is_our_update_describing() {
            return Verdict::Pending;
        }
        match &self.leg {
            // Nobody above hears of a session any more.
            Some(Leg::Placing(placing)) if placing.is_cancelled() => return Verdict::Misplaced,
            Some(Leg::Placing(placing)) if early.is_some() && placing.early.followed != early => {
                return match placing.early.get(early.unwrap_or_default()).map(|early| early.offers) {
                    Some(Offers::FirstOurs) => Verdict::Pending,
                    _ => Verdict::Misplaced,
                };
            }
            Some(Leg::Up(up)) => match up.exchange {
                // Its offer is as good as sent.
                Exchange::OursDescribing { .. } => return Verdict::Pending,
                // It is answered first, so that it can still be refused as if nothing had been done (RFC 6141 §3.4).
                Exchange::TheirsDescribing { .. } => return Verdict::Overlap,
                Exchange::Idle
                | Exchange::OursRouting
                | Exchange::OursCalling { .. }
                | Exchange::OursAcknowledging { .. }
                | Exchange::TheirsAccepted(_) => {}
            },
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Ending(_)) | None => {}
        }
        let Some(offers) = self.offers_of(early) else { return Verdict::Misplaced };
        offers.take(Event::Offer(Side::Theirs, Carrier::Update))
    }

    /// The offer/answer state of an early dialog, or that of the dialog itself.
    fn offers_of(&mut self, early: Option<EarlyId>) -> Option<&mut Offers> {
        match (early, &mut self.leg) {
            (Some(id), Some(Leg::Placing(placing))) => {
                placing.early.get_mut(id).map(|early| &mut early.offers)
            }
            (Some(_) | None, _) => Some(&mut self.offers),
        }
    }

    /// 500 with a moment to wait, because their earlier offer or SUBSCRIBE has no answer yet.
    pub(crate) fn refuse_overlap(&self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        let seconds = step.cx.random.up_to(RETRY);
        step.respond(tx, inbound, StatusCode::SERVER_INTERNAL_ERROR, &self.state.local_tag, |response| {
            response.header(HeaderId::RetryAfter, seconds)
        });
    }

    /// Shows their offer and asks for our answer.
    pub(crate) fn take_offer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        carries: Carries,
        early: Option<EarlyId>,
        body: Bytes,
    ) {
        let Hop { local, remote, .. } = inbound.reply;
        let theirs = Theirs { tx, inbound: Box::new(inbound), carries, early };
        self.updating.get_or_insert_default().theirs = Some(theirs);
        let limit = step.config.timing.t1.saturating_mul(UNDECIDED);
        self.arm(step, LegTimer::Update, limit);
        self.tell(step, LegEvent::Described { turn: Turn::Offer, body });
        self.tell(step, LegEvent::NeedDescription { turn: Turn::Answer, local, remotes: smallvec![remote] });
    }

    fn take_theirs(&mut self, step: &mut Step<'_, '_, '_>) -> Option<Theirs> {
        let theirs = self.updating.as_mut()?.theirs.take();
        self.disarm(step, LegTimer::Update);
        theirs
    }

    /// Our answer to the offer in their UPDATE or PRACK. `false` if none waits.
    pub(crate) fn describe_updated(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        let Some(theirs) = self.take_theirs(step) else { return };
        let body = match body {
            Ok(body) => body,
            Err(status) => return self.refuse_theirs(step, &theirs, status),
        };
        let accepted = match theirs.carries {
            Carries::Update => self.accept_update(step, theirs.tx, &theirs.inbound, theirs.early, Some(body)),
            Carries::Prack => {
                let tag = self.state.local_tag.clone();
                step.respond(theirs.tx, &theirs.inbound, StatusCode::OK, &tag, |ok| ok.body(SDP, body))
                    .is_some()
            }
        };
        let event = if accepted { Event::Answer(Side::Ours) } else { Event::Void };
        if let Some(offers) = self.offers_of(theirs.early) {
            offers.take(event);
        }
        self.tell(step, if accepted { LegEvent::Changed } else { LegEvent::RolledBack });
        self.update_settled(step);
    }

    /// Sends 200 to an UPDATE, which also moves the remote target (TR-235, TR-236); `false` if it could not be encoded.
    fn accept_update(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: &Inbound,
        early: Option<EarlyId>,
        body: Option<Bytes>,
    ) -> bool {
        let contact = self.state.contact.on_response(inbound);
        let confirmed = matches!(self.leg, Some(Leg::Up(_)));
        if confirmed {
            self.session_timer.grant(step.config, &inbound.message);
        }
        let (capabilities, timer) = (step.capabilities, self.session_timer);
        let sent = step.respond(tx, inbound, StatusCode::OK, &self.state.local_tag, |response| {
            let response = capabilities.on_response(response.contact(&contact));
            let response = if confirmed { timer.say(&inbound.message, response) } else { response };
            match body {
                Some(body) => response.body(SDP, body),
                None => response,
            }
        });
        if confirmed {
            self.arm_session(step);
        }
        match (early, &mut self.leg) {
            (Some(id), Some(Leg::Placing(placing))) => {
                if let Some(early) = placing.early.get_mut(id) {
                    early.state.refresh(&inbound.message);
                }
            }
            (Some(_) | None, _) => self.state.refresh(&inbound.message),
        }
        sent.is_some()
    }

    fn refuse_theirs(&mut self, step: &mut Step<'_, '_, '_>, theirs: &Theirs, status: StatusCode) {
        step.respond(theirs.tx, &theirs.inbound, status, &self.state.local_tag, |response| response);
        if let Some(offers) = self.offers_of(theirs.early) {
            offers.take(Event::Void);
        }
        self.tell(step, LegEvent::RolledBack);
        self.update_settled(step);
    }

    /// Nobody has answered their offer in time: it would take a decision that takes too long (RFC 3311 §5.2).
    pub(crate) fn update_undecided(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some(theirs) = self.take_theirs(step) {
            self.refuse_theirs(step, &theirs, StatusCode::SERVER_TIMEOUT);
        }
    }

    /// The call, or the fork, ends while their offer waits (RFC 3261 §15.1.2).
    pub(crate) fn terminate_theirs(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some(theirs) = self.take_theirs(step) {
            let tag = self.state.local_tag.clone();
            step.respond(theirs.tx, &theirs.inbound, StatusCode::REQUEST_TERMINATED, &tag, |it| it);
            self.tell(step, LegEvent::RolledBack);
        }
    }
}
