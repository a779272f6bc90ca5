//! A call of theirs until it is answered (RFC 3261 §13.3).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{HeaderId, Message, Response, StatusCode};
use sip_transport::{Hop, Inbound};
use smallvec::smallvec;
use transaction_core::TxId;

use crate::{
    boundary::leg::{By, EndCause, EndReason, IncomingCall, LegEvent, LegId, Misuse, Replacing, Turn},
    contact::OurContact,
    dialog::Dialog,
    offers::{Carrier, Event, Offers, Side},
    pending::Server,
    registration::Called,
    respond::SDP,
    state::DialogState,
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    up::{Accepted, Exchange, Up},
};

/// How often 180 is repeated while the call rings, so that proxies do not cancel it (RFC 3261 §13.3.1.1).
const ALERT: Duration = Duration::from_mins(1);

/// A call of theirs that is not answered yet.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) tx: TxId,
    pub(crate) inbound: Inbound,
    pub(crate) cseq: u32,
    /// Whether provisional responses are reliable.
    pub(crate) reliably: bool,
    describing: Describing,
    /// What was sent last, to be repeated while it rings.
    pub(crate) alert: StatusCode,
    /// Our answer in an unreliable response: the 2xx has to hold the same (RFC 3261 §13.2.1).
    sent: Option<Bytes>,
}

/// For what a description was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Describing {
    Nothing,
    /// For the 180 or 183.
    Provisional(StatusCode),
    /// For the 200.
    Accept,
}

/// What a new INVITE must hold to become a call; read before any state is made.
#[derive(Debug)]
pub(crate) struct NewCall {
    state: DialogState,
    call: IncomingCall,
    cseq: u32,
}

impl NewCall {
    /// Makes it a call that takes the place of another one.
    pub(crate) fn replacing(&mut self, replaced: Replacing) {
        self.call.replacing = Some(replaced);
    }

    /// Makes it a call of an account, whose Contact it then has.
    pub(crate) fn called(&mut self, called: Called) {
        self.call.registration = Some(called.registration);
        self.state.account = Some(called.registration);
        let user = self.state.contact.user.take();
        self.state.contact = OurContact { user, ..called.contact };
    }

    /// Notes who has proved to be the caller.
    pub(crate) fn verified(&mut self, user: Option<Arc<str>>) {
        self.call.verified_user = user;
    }

    /// Reads an INVITE without a To tag; `None` if it is no call (400): a header that it needs is missing or
    /// broken, Contact among them (RFC 3261 §8.1.1.8), or Referred-By is malformed or stands more than once.
    pub(crate) fn read(step: &mut Step<'_, '_, '_>, leg: LegId, inbound: &Inbound) -> Option<Self> {
        let message = &inbound.message;
        let cseq = message.cseq().ok()?.number;
        // The Contact of its user is for 180; Accept says which one the 200 gets.
        let state = DialogState::theirs(step, leg, inbound)?;
        let request_uri = message.request_target().ok()?.to_owned();
        let call = IncomingCall {
            request_uri,
            from: state.remote.clone(),
            to: state.local.clone(),
            source: inbound.origin.source,
            local: inbound.reply.local,
            has_offer: !message.body().is_empty(),
            replaces: message.replaces().ok().flatten(),
            replacing: None,
            verified_name: inbound.origin.verified_name(),
            verified_user: None,
            referred_by: message.referred_by().ok()?.map(|by| by.to_owned()),
            registration: None,
            peer: state.peer,
        };
        Some(Self { state, call, cseq })
    }
}

impl Dialog {
    /// Begins a call of theirs.
    pub(crate) fn incoming(
        step: &mut Step<'_, '_, '_>,
        leg: LegId,
        tx: TxId,
        inbound: Inbound,
        new: NewCall,
    ) -> Self {
        let body = inbound.message.body_bytes();
        let reliably = Self::goes_reliably(step, &inbound);
        let answering = Answering {
            tx,
            inbound,
            cseq: new.cseq,
            reliably,
            describing: Describing::Nothing,
            alert: StatusCode::RINGING,
            sent: None,
        };
        let offer = new.call.has_offer;
        step.pending.servers.insert(tx, Server::Invite(leg));
        let mut dialog = Self::new(leg, new.state, Leg::Answering(Box::new(answering)));
        dialog.verified_user.clone_from(&new.call.verified_user);
        if offer {
            dialog.offers.take(Event::Offer(Side::Theirs, Carrier::Invite));
        }
        dialog.tell(step, LegEvent::Incoming(Box::new(new.call)));
        if offer {
            dialog.tell(step, LegEvent::Described { turn: Turn::Offer, body });
        }
        dialog
    }

    fn answering(&mut self) -> Option<&mut Answering> {
        match &mut self.leg {
            Some(Leg::Answering(answering)) => Some(answering),
            Some(Leg::Placing(_) | Leg::Up(_) | Leg::Ending(_)) | None => None,
        }
    }

    /// Whether a provisional response can be asked for: nothing final is under way.
    fn may_provide(&mut self) -> bool {
        let accepting = self.is_accepting();
        self.answering().is_some_and(|it| it.describing == Describing::Nothing && !accepting)
    }

    pub(crate) fn ring(&mut self, step: &mut Step<'_, '_, '_>) {
        if self.may_provide() {
            self.alert(step, StatusCode::RINGING);
        } else {
            self.misused(step, Misuse::State);
        }
    }

    /// Sends 180, or 183 without a description, and sees to the next one.
    pub(crate) fn alert(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode) {
        if self.is_outstanding() {
            self.queue_provisional(status);
        } else {
            self.begin_provisional(step, status);
        }
        self.arm_alert(step);
    }

    /// Repeats what was sent last (RFC 3261 §13.3.1.1), unless the next one is being made.
    pub(crate) fn alert_again(&mut self, step: &mut Step<'_, '_, '_>) {
        match self.answering() {
            Some(Answering { describing: Describing::Nothing, alert, .. }) => {
                let status = *alert;
                self.alert(step, status);
            }
            Some(_) => self.arm_alert(step),
            None => {}
        }
    }

    fn arm_alert(&mut self, step: &mut Step<'_, '_, '_>) {
        if matches!(self.leg, Some(Leg::Answering(_))) {
            self.arm(step, LegTimer::Alert, ALERT);
        }
    }

    /// Sends 183, with a description if one can stand in it and there was none yet.
    pub(crate) fn progress(&mut self, step: &mut Step<'_, '_, '_>) {
        if !self.may_provide() {
            return self.misused(step, Misuse::State);
        }
        if self.is_outstanding() {
            return self.queue_provisional(StatusCode::SESSION_PROGRESS);
        }
        self.begin_provisional(step, StatusCode::SESSION_PROGRESS);
        self.arm_alert(step);
    }

    /// Sends 180 or 183. A 183 holds our answer, if none was sent; the first reliable response to an INVITE without an offer
    /// holds ours, whichever it is (RFC 3261 §13.2.1).
    fn begin_provisional(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode) {
        let offers = self.offers;
        let Some(answering) = self.answering() else { return };
        let turn = match offers {
            Offers::FirstTheirs if status == StatusCode::SESSION_PROGRESS && answering.sent.is_none() => {
                Some(Turn::Answer)
            }
            Offers::New if answering.reliably => Some(Turn::Offer),
            Offers::FirstTheirs
            | Offers::New
            | Offers::FirstOurs
            | Offers::Agreed
            | Offers::Ours
            | Offers::Theirs => None,
        };
        match turn {
            Some(turn) => self.ask_description(step, Describing::Provisional(status), turn),
            None => self.provide(step, status, None),
        }
    }

    fn ask_description(&mut self, step: &mut Step<'_, '_, '_>, describing: Describing, turn: Turn) {
        let Some(answering) = self.answering() else { return };
        answering.describing = describing;
        let Hop { local, remote, .. } = answering.inbound.reply;
        self.tell(step, LegEvent::NeedDescription { turn, local, remotes: smallvec![remote] });
    }

    pub(crate) fn accept(&mut self, step: &mut Step<'_, '_, '_>, contact_user: Option<Arc<str>>) {
        if !self.may_provide() {
            return self.misused(step, Misuse::State);
        }
        if self.queue_accept(contact_user.as_ref()) {
            return;
        }
        self.state.contact.user = contact_user;
        let offers = self.offers;
        let sent = self.answering().and_then(|answering| answering.sent.take());
        match (offers, sent) {
            (Offers::FirstTheirs, None) => self.ask_description(step, Describing::Accept, Turn::Answer),
            (Offers::New, _) => self.ask_description(step, Describing::Accept, Turn::Offer),
            (Offers::FirstTheirs, Some(sent)) => {
                self.offers.take(Event::Answer(Side::Ours));
                self.conclude(step, Some(sent), false);
            }
            // Offer and answer are complete, and the 2xx adds nothing to them (RFC 6337 §2.2).
            (Offers::FirstOurs | Offers::Agreed | Offers::Ours | Offers::Theirs, _) => {
                self.conclude(step, None, false);
            }
        }
    }

    pub(crate) fn describe_answered(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        let Some(answering) = self.answering() else { return };
        let describing = std::mem::replace(&mut answering.describing, Describing::Nothing);
        let reliably = answering.reliably;
        if describing == Describing::Nothing {
            return self.misused(step, Misuse::State);
        }
        let body = match body {
            Ok(body) => body,
            Err(status) => return self.refuse_unacceptable(step, status),
        };
        let ours = self.offers == Offers::New;
        match describing {
            // It may be lost, so that it answers nothing yet.
            Describing::Provisional(status) if !reliably => {
                if let Some(answering) = self.answering() {
                    answering.sent = Some(body.clone());
                }
                self.provide(step, status, Some(body));
            }
            Describing::Provisional(status) => {
                self.say(ours, Carrier::Reliable);
                self.provide(step, status, Some(body));
            }
            Describing::Accept | Describing::Nothing => {
                self.say(ours, Carrier::Success);
                self.conclude(step, Some(body), ours);
            }
        }
    }

    /// Our description goes out, as offer or answer.
    fn say(&mut self, offer: bool, carrier: Carrier) {
        self.offers.take(if offer { Event::Offer(Side::Ours, carrier) } else { Event::Answer(Side::Ours) });
    }

    /// Sends the 200; `ours` if it holds our offer.
    fn conclude(&mut self, step: &mut Step<'_, '_, '_>, body: Option<Bytes>, ours: bool) {
        let Some(Leg::Answering(answering)) = &self.leg else { return };
        let (tx, reply, cseq) = (answering.tx, answering.inbound.reply, answering.cseq);
        self.session_timer.grant(step.config, &answering.inbound.message);
        let Some(accepted) = self.accept_invite(step, tx, &answering.inbound, body) else {
            step.pending.servers.remove(&tx);
            return self
                .end(step, EndCause::new(By::Local, EndReason::Refused(StatusCode::SERVER_INTERNAL_ERROR)));
        };
        step.pending.servers.remove(&tx);
        self.disarm(step, LegTimer::Alert);
        self.stop_provisional(step);
        self.confirmed = true;
        self.leave_early(step);
        let accepted = Accepted::new(cseq, reply, accepted, ours, true, step.config.timing.t1);
        self.leg =
            Some(Leg::Up(Box::new(Up { exchange: Exchange::TheirsAccepted(accepted), ..Up::default() })));
        self.await_ack(step);
        self.arm_session(step);
        self.tell(step, LegEvent::Up(Box::new(self.established(false))));
    }

    /// Sends 200 to an INVITE, first or later.
    pub(crate) fn accept_invite(
        &self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: &Inbound,
        body: Option<Bytes>,
    ) -> Option<Bytes> {
        let contact = self.state.contact.on_response(inbound);
        let (capabilities, timer) = (step.capabilities, self.session_timer);
        step.respond(tx, inbound, StatusCode::OK, &self.state.local_tag, |response| {
            let response = capabilities.on_response(response.record_routes().contact(&contact));
            let response = timer.say(&inbound.message, response);
            match body {
                Some(body) => response.body(SDP, body),
                None => response,
            }
        })
    }

    pub(crate) fn reject(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        status: StatusCode,
        retry_after: Option<u32>,
    ) {
        if self.answering().is_none() || status.class() < 3 {
            return self.misused(step, Misuse::State);
        }
        self.refuse(step, status, |response| match retry_after {
            Some(seconds) => response.header(HeaderId::RetryAfter, seconds),
            None => response,
        });
        self.end(step, EndCause::new(By::Local, EndReason::Refused(status)));
    }

    pub(crate) fn hang_up_unanswered(&mut self, step: &mut Step<'_, '_, '_>) {
        self.tell(step, LegEvent::Closing);
        self.refuse(step, StatusCode::DECLINE, |response| response);
        self.end(step, EndCause::new(By::Local, EndReason::Refused(StatusCode::DECLINE)));
    }

    /// There is no description that both sides take: 488.
    pub(crate) fn refuse_unacceptable(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode) {
        self.refuse(step, status, |response| response);
        self.end(step, EndCause::new(By::Local, EndReason::NotAcceptable));
    }

    /// Their CANCEL, or a BYE in the early dialog (RFC 3261 §9.2, §15).
    pub(crate) fn cancelled(&mut self, step: &mut Step<'_, '_, '_>, reason: Option<Box<str>>) {
        if self.answering().is_none() {
            return;
        }
        self.refuse(step, StatusCode::REQUEST_TERMINATED, |response| response);
        self.end(
            step,
            EndCause { by: By::Remote, reason: EndReason::Cancelled, header: reason, details: Vec::new() },
        );
    }

    /// The INVITE's transaction is over before it was answered: no response can be sent any more.
    pub(crate) fn answering_failed(&mut self, step: &mut Step<'_, '_, '_>) {
        if self.answering().is_some() {
            self.end(step, EndCause::new(By::Network, EndReason::Unreachable));
        }
    }

    /// Answers the INVITE finally; the caller ends the leg.
    pub(crate) fn refuse(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        status: StatusCode,
        dress: impl FnOnce(Response<'_>) -> Response<'_>,
    ) {
        let Some(Leg::Answering(answering)) = &self.leg else { return };
        step.pending.servers.remove(&answering.tx);
        step.respond(answering.tx, &answering.inbound, status, &self.state.local_tag, dress);
    }
}

/// Whether the body of an INVITE can be read here; otherwise the status and what we would take (RFC 3261
/// §8.2.3).
pub(crate) fn unreadable(message: &Message) -> bool {
    if message.body().is_empty() {
        return false;
    }
    let plain =
        message.first(HeaderId::ContentEncoding).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    let kind = message.content_type().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    !plain || !kind.eq_ignore_ascii_case(SDP)
}
