//! Our reliable provisional responses to an INVITE, until their PRACK comes (RFC 3262 §3).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{HeaderId, StatusCode};
use sip_transport::Inbound;
use transaction_core::{TxCommand, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, Turn},
    config::{RELIABLE, Reliability},
    dialog::Dialog,
    offers::{Carrier, Event, Offers, Side, Verdict},
    respond::SDP,
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    answering::{contact, unreadable},
    updated::Carries,
};

/// Highest number of a first reliable response: 2^31 - 1 (RFC 3262 §3). Others add one each.
const FIRST: u32 = (1 << 31) - 1;

/// The reliable responses of one INVITE. One is outstanding at a time, as RFC 3262 §3 asks for until the first PRACK; what
/// is to follow waits, and of each kind once.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// The number of the last one; 0 before the first.
    last: u32,
    outstanding: Option<Outstanding>,
    /// The responses that wait.
    ring: bool,
    progress: bool,
    /// The 2xx that waits.
    accept: Option<Accepting>,
}

/// A 2xx that waits.
#[derive(Debug)]
struct Accepting {
    /// The user part of its Contact.
    contact_user: Option<Arc<str>>,
}

/// A response whose PRACK is missing.
#[derive(Debug)]
struct Outstanding {
    status: StatusCode,
    wire: Bytes,
    interval: Duration,
    /// Whether it holds an offer or answer, so that the 2xx has to wait.
    described: bool,
    /// The number of the INVITE.
    cseq: u32,
}

impl Dialog {
    /// Whether the provisional responses to this INVITE are reliable.
    pub(crate) fn goes_reliably(step: &Step<'_, '_, '_>, inbound: &Inbound) -> bool {
        let has = |mut tags: Box<dyn Iterator<Item = &str> + '_>| {
            tags.any(|tag| tag.eq_ignore_ascii_case(RELIABLE))
        };
        let required = has(Box::new(inbound.message.require()));
        match step.config.reliability {
            Reliability::Never => false,
            Reliability::WhenRequired => required,
            Reliability::WhenSupported => required || has(Box::new(inbound.message.supported())),
        }
    }

    /// Whether a reliable response of ours waits for its PRACK.
    pub(crate) fn is_outstanding(&self) -> bool {
        self.reliable.as_ref().is_some_and(|reliable| reliable.outstanding.is_some())
    }

    /// Lets 180 or 183 wait for the PRACK of an earlier response.
    pub(crate) fn queue_provisional(&mut self, status: StatusCode) {
        let reliable = self.reliable.get_or_insert_default();
        reliable.ring |= status == StatusCode::RINGING;
        reliable.progress |= status == StatusCode::SESSION_PROGRESS;
    }

    /// Lets the 2xx wait, where offer and answer of an earlier response are not acknowledged (RFC 3262 §3, §5). `false` if
    /// it may go now.
    pub(crate) fn queue_accept(&mut self, contact_user: Option<&Arc<str>>) -> bool {
        let described = self
            .reliable
            .as_ref()
            .and_then(|reliable| reliable.outstanding.as_ref())
            .is_some_and(|outstanding| outstanding.described);
        let waits = described || self.offers == Offers::FirstOurs || self.offers == Offers::Theirs;
        if waits {
            self.reliable.get_or_insert_default().accept =
                Some(Accepting { contact_user: contact_user.cloned() });
        }
        waits
    }

    /// Whether the 2xx waits already.
    pub(crate) fn is_accepting(&self) -> bool {
        self.reliable.as_ref().is_some_and(|reliable| reliable.accept.is_some())
    }

    /// Sends a provisional response to their INVITE, reliably where the INVITE asks for it.
    pub(crate) fn provide(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode, body: Option<Bytes>) {
        let Some(Leg::Answering(answering)) = &mut self.leg else { return };
        answering.alert = status;
        let (tx, cseq, reliably) = (answering.tx, answering.cseq, answering.reliably);
        let contact = contact(&answering.inbound, self.state.contact_user.as_ref());
        let capabilities = step.capabilities;
        let described = body.is_some();
        let number = reliably.then(|| match self.reliable.as_ref().map_or(0, |reliable| reliable.last) {
            0 => 1 + step.cx.random.up_to(FIRST - 1),
            last => last.saturating_add(1),
        });
        let wire = step.respond(tx, &answering.inbound, status, &self.state.local_tag, |response| {
            let response = capabilities.allow(response.record_routes().contact(&contact));
            let response = match number {
                Some(number) => response.header(HeaderId::Require, RELIABLE).header(HeaderId::RSeq, number),
                None => response,
            };
            match body {
                Some(body) => response.body(SDP, body),
                None => response,
            }
        });
        if let (Some(number), Some(wire)) = (number, wire) {
            let (t1, whole) = (step.config.timing.t1, step.timeout());
            let reliable = self.reliable.get_or_insert_default();
            reliable.last = number;
            reliable.outstanding = Some(Outstanding { status, wire, interval: t1, described, cseq });
            self.arm(step, LegTimer::Reliable, t1);
            self.arm(step, LegTimer::Prack, whole);
        }
    }

    /// Repeats the response; the interval doubles without a bound (RFC 3262 §3).
    pub(crate) fn repeat_provisional(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(Leg::Answering(answering)) = &self.leg else { return };
        let tx = answering.tx;
        let outstanding = self.reliable.as_mut().and_then(|reliable| reliable.outstanding.as_mut());
        let Some(outstanding) = outstanding else { return };
        outstanding.interval = outstanding.interval.saturating_mul(2);
        let (next, status, wire) = (outstanding.interval, outstanding.status, outstanding.wire.clone());
        step.transaction(TxCommand::Respond { tx, status, wire });
        self.arm(step, LegTimer::Reliable, next);
    }

    /// No PRACK for 64*T1: the INVITE is refused (RFC 3262 §3).
    pub(crate) fn prack_missing(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some(Leg::Answering(_)) = &self.leg {
            self.tell(step, LegEvent::Closing);
            self.refuse(step, StatusCode::SERVER_TIMEOUT, |response| response);
            self.end(step, EndCause::new(By::Network, EndReason::NoPrack));
        }
    }

    /// The INVITE has its 2xx: nothing is repeated any more, but a PRACK that comes is still answered (RFC 3262 §3).
    pub(crate) fn stop_provisional(&mut self, step: &mut Step<'_, '_, '_>) {
        self.disarm(step, LegTimer::Reliable);
        self.disarm(step, LegTimer::Prack);
    }

    /// A PRACK.
    pub(crate) fn prack_received(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: Inbound) {
        let message = &inbound.message;
        let tag = self.state.local_tag.clone();
        let refuse = |step: &mut Step<'_, '_, '_>, status| {
            step.respond(tx, &inbound, status, &tag, |response| response);
        };
        let Ok(Some(rack)) = message.rack() else { return refuse(step, StatusCode::BAD_REQUEST) };
        let is_acknowledged = |reliable: &mut Box<Reliable>| {
            let last = reliable.last;
            reliable.outstanding.take_if(|it| (last, it.cseq) == (rack.response, rack.cseq.number))
        };
        let invite = rack.cseq.method == sip_message::Method::Invite;
        let found = self.reliable.as_mut().filter(|_| invite && self.leg.is_some()).and_then(is_acknowledged);
        if found.is_none() {
            return refuse(step, StatusCode::CALL_DOES_NOT_EXIST);
        }
        self.stop_provisional(step);
        if unreadable(message) {
            refuse(step, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            return self.provisional_settled(step);
        }
        let body = Some(message.body_bytes()).filter(|body| !body.is_empty());
        match (self.offers, body) {
            (Offers::FirstOurs, Some(body)) => {
                self.offers.take(Event::Answer(Side::Theirs));
                refuse(step, StatusCode::OK);
                self.tell(step, LegEvent::Described { turn: Turn::Answer, body });
            }
            // Our offer was never answered, and the 2xx cannot mend that (RFC 3262 §5).
            (Offers::FirstOurs, None) if matches!(self.leg, Some(Leg::Answering(_))) => {
                refuse(step, StatusCode::OK);
                self.tell(step, LegEvent::Closing);
                return self.refuse_unacceptable(step, StatusCode::NOT_ACCEPTABLE_HERE);
            }
            (_, None) => refuse(step, StatusCode::OK),
            (_, Some(body)) => match self.offers.take(Event::Offer(Side::Theirs, Carrier::Prack)) {
                Verdict::Go => return self.take_offer(step, tx, inbound, Carries::Prack, None, body),
                Verdict::Pending => refuse(step, StatusCode::REQUEST_PENDING),
                Verdict::Overlap | Verdict::Misplaced => self.refuse_overlap(step, tx, &inbound),
            },
        }
        self.provisional_settled(step);
    }

    /// Goes on with what waited for a PRACK, or for our answer to an offer of theirs.
    pub(crate) fn provisional_settled(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(Leg::Answering(_)) = &self.leg else { return };
        if self.is_outstanding() || self.offers == Offers::Theirs {
            return;
        }
        let Some(reliable) = &mut self.reliable else { return };
        if let Some(Accepting { contact_user }) = reliable.accept.take() {
            self.accept(step, contact_user);
        } else if std::mem::take(&mut reliable.progress) {
            self.progress(step);
        } else if std::mem::take(&mut reliable.ring) {
            self.alert(step, StatusCode::RINGING);
        }
    }
}
