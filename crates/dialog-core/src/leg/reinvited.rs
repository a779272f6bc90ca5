//! A re-INVITE of the peer (RFC 3261 §14.2).

use bytes::Bytes;
use sip_message::{HeaderId, StatusCode};
use sip_transport::{Hop, Inbound};
use smallvec::smallvec;
use transaction_core::TxId;

use crate::{
    boundary::leg::{LegEvent, Turn},
    dialog::Dialog,
    offers::{Carrier, Event, Offers, Side},
    pending::Server,
    respond::SDP,
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    answering::unreadable,
    session_timer,
    up::{Accepted, Exchange},
};

/// What a re-INVITE meets.
enum Meets {
    /// No call.
    NoCall,
    /// Our own INVITE (491).
    Ours,
    /// Their earlier INVITE, not answered yet (500).
    Theirs,
    /// Nothing that stands in its way.
    Room,
}

impl Dialog {
    fn meets(&self) -> Meets {
        if let (Some(Leg::Up(_)), Some(met)) = (&self.leg, self.meets_update()) {
            return met;
        }
        match &self.leg {
            None | Some(Leg::Ending(_)) => Meets::NoCall,
            Some(Leg::Placing(_)) => Meets::Ours,
            Some(Leg::Answering(_)) => Meets::Theirs,
            Some(Leg::Up(up)) => match &up.exchange {
                Exchange::OursCalling { .. }
                | Exchange::OursAcknowledging { .. }
                | Exchange::OursDescribing { .. } => Meets::Ours,
                Exchange::TheirsDescribing { .. } => Meets::Theirs,
                // Our offer in the 2xx has no answer yet.
                Exchange::TheirsAccepted(accepted) if accepted.ours => Meets::Ours,
                // A new INVITE shows that the 2xx arrived, so the missing ACK is not waited for (RFC 5407
                // §3.1.5).
                Exchange::TheirsAccepted(_) => Meets::Room,
                // Nothing was sent: theirs goes first and our wish waits.
                Exchange::Idle | Exchange::OursRouting => Meets::Room,
            },
        }
    }

    /// What it meets of an offer in an UPDATE.
    fn meets_update(&self) -> Option<Meets> {
        match self.offers {
            Offers::Theirs => Some(Meets::Theirs),
            _ if self.is_update_offering() => Some(Meets::Ours),
            Offers::New | Offers::FirstOurs | Offers::FirstTheirs | Offers::Agreed | Offers::Ours => None,
        }
    }

    pub(crate) fn reinvited(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: Inbound) {
        let message = inbound.message.clone();
        match self.meets() {
            Meets::NoCall => self.refuse_plainly(step, tx, &inbound, StatusCode::CALL_DOES_NOT_EXIST),
            // Check 3 of table 2.4: a re-INVITE replaces nothing, not even its own dialog (TR-123, EC-66).
            _ if step.config.replaces() && message.has(HeaderId::Replaces) => {
                self.refuse_plainly(step, tx, &inbound, StatusCode::NOT_ACCEPTABLE_HERE);
            }
            Meets::Ours => self.refuse_plainly(step, tx, &inbound, StatusCode::REQUEST_PENDING),
            Meets::Theirs => self.refuse_overlap(step, tx, &inbound),
            Meets::Room if session_timer::is_too_short(step.config, &message) => {
                let (tag, least) = (self.state.local_tag.clone(), session_timer::least(step.config));
                step.respond(tx, &inbound, StatusCode::SESSION_INTERVAL_TOO_SMALL, &tag, |response| {
                    response.header(HeaderId::MinSe, least)
                });
            }
            Meets::Room if unreadable(&message) => {
                let tag = self.state.local_tag.clone();
                step.respond(tx, &inbound, StatusCode::UNSUPPORTED_MEDIA_TYPE, &tag, |response| {
                    response.header(HeaderId::Accept, SDP)
                });
            }
            Meets::Room => self.take_reinvite(step, tx, inbound),
        }
    }

    fn refuse_plainly(&self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound, status: StatusCode) {
        step.respond(tx, inbound, status, &self.state.local_tag, |response| response);
    }

    fn take_reinvite(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: Inbound) {
        self.disarm(step, LegTimer::Answer);
        self.disarm(step, LegTimer::Ack);
        let (body, Hop { local, remote, .. }) = (inbound.message.body_bytes(), inbound.reply);
        let (ours, remotes) = (body.is_empty(), smallvec![remote]);
        let cseq = self.state.remote_cseq.unwrap_or_default();
        if !ours {
            self.offers.take(Event::Offer(Side::Theirs, Carrier::Invite));
        }
        step.pending.servers.insert(tx, Server::Reinvite(self.id));
        let Some(up) = self.up() else { return };
        let theirs = Exchange::TheirsDescribing { tx, inbound: Box::new(inbound), cseq, ours };
        let before = std::mem::replace(&mut up.exchange, theirs);
        if matches!(before, Exchange::TheirsAccepted(accepted) if accepted.first) {
            self.tell(step, LegEvent::Acknowledged);
        }
        if ours {
            self.tell(step, LegEvent::NeedDescription { turn: Turn::Offer, local, remotes });
        } else {
            self.tell(step, LegEvent::Described { turn: Turn::Offer, body });
            self.tell(step, LegEvent::NeedDescription { turn: Turn::Answer, local, remotes });
        }
    }

    pub(crate) fn describe_reinvite(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: &Inbound,
        cseq: u32,
        ours: bool,
        body: Result<Bytes, StatusCode>,
    ) {
        step.pending.servers.remove(&tx);
        let body = match body {
            Ok(body) => body,
            Err(status) => {
                self.refuse_plainly(step, tx, inbound, status);
                return self.reinvite_came_to_nothing(step, ours);
            }
        };
        self.session_timer.grant(step.config, &inbound.message);
        let Some(wire) = self.accept_invite(step, tx, inbound, Some(body)) else {
            return self.reinvite_came_to_nothing(step, ours);
        };
        self.offers.take(if ours {
            Event::Offer(Side::Ours, Carrier::Success)
        } else {
            Event::Answer(Side::Ours)
        });
        self.arm_session(step);
        // The target changes with the 2xx and not before (TR-235).
        self.state.refresh(&inbound.message);
        let accepted = Accepted::new(cseq, inbound.reply, wire, ours, false, step.config.timing.t1);
        if let Some(up) = self.up() {
            up.exchange = Exchange::TheirsAccepted(accepted);
        }
        self.await_ack(step);
        if !ours {
            self.tell(step, LegEvent::Changed);
        }
    }

    /// The re-INVITE was refused; an offer of theirs is forgotten.
    fn reinvite_came_to_nothing(&mut self, step: &mut Step<'_, '_, '_>, ours: bool) {
        if let Some(up) = self.up() {
            up.exchange = Exchange::Idle;
        }
        if !ours {
            self.offers.take(Event::Void);
            self.tell(step, LegEvent::RolledBack);
        }
        self.proceed(step);
    }

    /// Their CANCEL of a re-INVITE (TR-238), or the end of its transaction.
    pub(crate) fn reinvite_cancelled(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId) {
        let Some(up) = self.up() else { return };
        if let Exchange::TheirsDescribing { tx: theirs, .. } = &up.exchange
            && *theirs == tx
            && let Exchange::TheirsDescribing { inbound, ours, .. } = std::mem::take(&mut up.exchange)
        {
            step.pending.servers.remove(&tx);
            self.refuse_plainly(step, tx, &inbound, StatusCode::REQUEST_TERMINATED);
            self.reinvite_came_to_nothing(step, ours);
        }
    }

    /// The call ends while a re-INVITE waits for its answer (RFC 3261 §15.1.2, TR-197).
    pub(crate) fn terminate_reinvite(&self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        step.pending.servers.remove(&tx);
        self.refuse_plainly(step, tx, inbound, StatusCode::REQUEST_TERMINATED);
    }
}
