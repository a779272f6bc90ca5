//! A call of ours that is answered: the first 2xx, what it adds to the session, and its ACK (RFC 3261 §13.2.2.4).

use bytes::Bytes;
use sip_message::{Message, Method};
use sip_transport::{Hop, Hops, Origin, RouteError};
use transaction_core::{TxCommand, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, Turn},
    dialog::Dialog,
    forks::Forks,
    offers::{Carrier, Event, Offers, Side},
    path::Path,
    pending::Ask,
    respond::SDP,
    step::Step,
    timer::LegTimer,
};

use super::{Leg, early::Early, placing::Stage, up::Up};

/// What an ACK to an offer holds.
#[derive(Default)]
struct Body {
    answer: Option<Bytes>,
    /// Instead of an answer: every stream is refused, and a BYE follows (RFC 3261 §13.2.2.4).
    refusal: Option<Bytes>,
}

impl Dialog {
    /// The first 2xx: the dialog is confirmed with its sender (RFC 3261 §13.2.2.4).
    pub(crate) fn answered(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        origin: &Origin,
        message: &Message,
    ) {
        let id = self.id;
        let mut template = self.state.clone();
        let cseq = template.local_cseq;
        let Some(placing) = self.placing() else { return };
        let offerless = placing.is_offerless();
        template.local_cseq = cseq.max(placing.early.last_cseq());
        let early = placing.early.confirm(message.to_tag().unwrap_or_default());
        self.state.remote_tag = message.to_tag().unwrap_or_default().into();
        self.state.remote_cseq = early.as_ref().and_then(|early| early.state.remote_cseq);
        self.state.local_cseq = early.as_ref().map_or(template.local_cseq, |early| early.state.local_cseq);
        if let Some(early) = &early {
            self.state.path.refresh(&early.state.path.target);
        }
        self.offers = early
            .as_ref()
            .map_or_else(|| if offerless { Offers::New } else { Offers::FirstOurs }, |early| early.offers);
        self.state.heard(origin);
        self.state.peer = step.pending.peers.read(message);
        self.state.refresh(message);
        let routes = step.recorded(message);
        // Without a route set that can be used it ends by itself, and the ACK goes to its Contact as well as it may.
        let readable = routes.is_ok() && message.contact().is_ok();
        // The route set is replaced even by an empty one (RFC 3261 §13.2.2.4).
        self.state.path = Path::new(&self.state.path.target, routes.unwrap_or_default().into_iter().rev());
        self.confirmed = true;
        self.disarm(step, LegTimer::Ring);
        step.pending
            .forks
            .insert(id, Forks::new(tx, template, cseq, offerless, self.state.remote_tag.clone()));
        step.arm_leg(id, LegTimer::Forks, step.timeout());

        let offer = self.settle_first(step, early, message, readable);
        let Some(placing) = self.placing() else { return };
        placing.stage = Stage::Acknowledging { tx, cseq, offer };
        if placing.ending.is_none() {
            self.session_timer.begin(step.config, message);
        }
        self.ask(step, Ask::Ack);
    }

    /// Completes the first offer/answer exchange with a 2xx, as far as it is not complete; gives their offer that is to be
    /// answered in the ACK, if only by a refusal of it.
    fn settle_first(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<Early>,
        message: &Message,
        readable: bool,
    ) -> Option<Bytes> {
        let unanswered = self.offers == Offers::New;
        let placing = self.placing()?;
        let (offerless, followed) = (placing.is_offerless(), placing.early.followed);
        let body = Some(message.body_bytes()).filter(|body| !body.is_empty());
        let to_answer = body.clone().filter(|_| unanswered);
        if placing.ending.is_some() {
            return to_answer;
        }
        let kept = early.as_ref().map(|early| early.id);
        let is_followed = followed.is_some() && followed == kept;
        let before = early.and_then(|early| early.theirs);
        if !is_followed {
            self.drop_early_updates(step);
        }
        let theirs = match self.offers {
            Offers::FirstOurs => {
                self.offers.take(Event::Answer(Side::Theirs));
                let shown = before.clone().filter(|_| is_followed);
                match body.or(before) {
                    Some(body) if readable && shown.as_ref() == Some(&body) => return None,
                    other => other,
                }
            }
            Offers::New => {
                self.offers.take(Event::Offer(Side::Theirs, Carrier::Success));
                body
            }
            // Their offer was never answered, so that their 2xx has nothing to stand on (RFC 3262 §5).
            Offers::FirstTheirs => None,
            Offers::Agreed | Offers::Ours | Offers::Theirs if is_followed && readable => return None,
            Offers::Agreed | Offers::Ours | Offers::Theirs => before,
        };
        // Without a description, or with a Contact or route set that cannot be read, there is no call to keep.
        let Some(body) = theirs.filter(|_| readable) else {
            self.placing()?.ending = Some(EndCause::new(By::Local, EndReason::NotAcceptable));
            return to_answer;
        };
        if followed.is_some() {
            self.tell(step, LegEvent::Reopened);
        }
        if offerless {
            return Some(body);
        }
        self.tell(step, LegEvent::Described { turn: Turn::Answer, body });
        None
    }

    pub(crate) fn ack_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Some(placing) = self.placing() else { return };
        let Stage::Acknowledging { tx, cseq, offer } = &mut placing.stage else { return };
        let (tx, cseq, offer) = (*tx, *cseq, offer.take());
        let hops = match (result, &placing.ending) {
            (Ok(hops), None) => hops,
            (Ok(hops), Some(_)) => {
                let refusal = offer.and_then(|offer| refusal(step, &hops, &offer));
                return self.acknowledge(step, tx, cseq, hops, Body { answer: None, refusal });
            }
            (Err(error), _) => return self.unreachable_for_ack(step, error),
        };
        match (offer, hops.first().copied()) {
            (Some(body), Some(Hop { local, .. })) => {
                let remotes = hops.iter().map(|hop| hop.remote).collect();
                placing.stage = Stage::Answering { tx, cseq, hops, offer: body.clone() };
                self.tell(step, LegEvent::Described { turn: Turn::Offer, body });
                self.tell(step, LegEvent::NeedDescription { turn: Turn::Answer, local, remotes });
            }
            (Some(_) | None, _) => self.acknowledge(step, tx, cseq, hops, Body::default()),
        }
    }

    /// Our answer to the offer of their 2xx is there, or there will be none: then the offer is refused.
    pub(crate) fn answer_in_ack(&mut self, step: &mut Step<'_, '_, '_>, answer: Option<Bytes>) {
        let Some(placing) = self.placing() else { return };
        if let Stage::Answering { tx, cseq, hops, offer } = &mut placing.stage {
            let (tx, cseq, hops, offer) = (*tx, *cseq, std::mem::take(hops), std::mem::take(offer));
            let refusal = if answer.is_none() { refusal(step, &hops, &offer) } else { None };
            self.acknowledge(step, tx, cseq, hops, Body { answer, refusal });
        }
    }

    /// Sends the ACK, with our answer where their 2xx holds the offer; then the call is up, or is ended.
    fn acknowledge(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        cseq: u32,
        hops: Hops,
        Body { answer, refusal }: Body,
    ) {
        let waits = self.offers == Offers::FirstTheirs;
        let draft = step.signed(self.state.draft(Method::Ack, cseq));
        let answered = answer.is_some();
        let draft = match answer.filter(|_| waits).or(refusal) {
            Some(body) => draft.body(SDP, &body),
            None => draft,
        };
        step.transaction(TxCommand::Ack { tx, hops, draft });
        self.leave_early(step);
        let Some(placing) = self.placing() else { return };
        let (mut ending, left) = (placing.ending.take(), placing.left.take());
        let mut closing_told = ending.is_some();
        if waits && ending.is_none() {
            self.offers.take(Event::Answer(Side::Ours));
            if !answered {
                ending = Some(EndCause::new(By::Local, EndReason::NotAcceptable));
                closing_told = false;
            }
        }
        self.leg = Some(Leg::Up(Box::new(Up { acked_at: Some(step.cx.now), ..Up::default() })));
        match (ending, left) {
            (None, None) => {
                self.arm_session(step);
                self.tell(step, LegEvent::Up(Box::new(self.established(true))));
                self.resume_wish(step);
            }
            // It was up, however shortly: whoever was referred here did arrive (TR-254).
            (None, Some(left)) => {
                self.tell(step, LegEvent::Up(Box::new(self.established(true))));
                self.end(step, left);
            }
            // The peer has ended it already, so no BYE is due.
            (Some(cause), Some(_)) => self.end(step, cause),
            (Some(cause), None) if closing_told => self.close_quietly(step, cause, None),
            (Some(cause), None) => self.close(step, cause, None),
        }
    }

    /// There is no way for the ACK.
    fn unreachable_for_ack(&mut self, step: &mut Step<'_, '_, '_>, error: RouteError) {
        let Some(placing) = self.placing() else { return };
        let (ending, left) = (placing.ending.take(), placing.left.take());
        self.leg = Some(Leg::Up(Box::default()));
        match (ending, left) {
            (None, Some(cause)) | (Some(cause), Some(_)) => self.end(step, cause),
            (Some(cause), None) => self.close_quietly(step, cause, None),
            // The BYE tries a route of its own; without it the peer would wait for its ACK for 64*T1.
            (None, None) => {
                self.close(step, EndCause::new(By::Network, EndReason::NoRoute(error)), None);
            }
        }
    }
}

fn refusal(step: &Step<'_, '_, '_>, hops: &Hops, offer: &Bytes) -> Option<Bytes> {
    (step.config.refuse_offer)(offer, hops.first()?.local.ip())
}
