//! The early dialogs of a call of ours (RFC 3261 §12.1), with reliable provisional responses and their PRACK (RFC 3262 §4).

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, StatusCode, UriBuf};
use sip_transport::{Hops, Inbound, Origin, RouteError};
use transaction_core::TxId;

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, Peer, Turn},
    config::{DialogConfig, RELIABLE, Reliability},
    dialog::Dialog,
    forks::Stray,
    offers::{Carrier, Event, Offers, Side},
    path::Path,
    pending::{Ask, Client, EarlyId, Errand},
    respond::SDP,
    retry::Sent,
    state::DialogState,
    step::Step,
};

use super::Leg;

/// Most early dialogs that are remembered; as many forks as are acknowledged.
const EARLY: usize = crate::forks::FORKS as usize;

/// Most PRACKs under way for one INVITE: two for each early dialog. Beyond that a reliable response is as if it were lost.
pub(crate) const PRACKS: u8 = 2 * crate::forks::FORKS;

/// An early dialog: one fork of our INVITE.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) id: EarlyId,
    pub(crate) state: DialogState,
    pub(crate) offers: Offers,
    /// The number of the last reliable response that was taken.
    rseq: Option<u32>,
    /// Their first description. An answer in an unreliable response is used if the fork's 2xx has none.
    pub(crate) theirs: Option<Bytes>,
    /// The PRACK that waits for our answer to their offer: `RSeq`, `CSeq` and the way.
    answering: Option<(u32, u32, Hops)>,
}

impl Early {
    /// The fork's tag; empty where an RFC 2543 peer has none.
    pub(crate) fn tag(&self) -> &str {
        &self.state.remote_tag
    }

    /// The address that its response came from.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.state.source
    }

    /// Takes the number of a reliable response; `false` if it is not the next one (RFC 3262 §4).
    fn take_rseq(&mut self, number: u32) -> bool {
        let next = self.rseq.is_none_or(|last| last.checked_add(1) == Some(number));
        if next {
            self.rseq = Some(number);
        }
        next
    }
}

/// The early dialogs of one INVITE.
#[derive(Debug, Default)]
pub(crate) struct EarlyDialogs {
    dialogs: Vec<Early>,
    /// Whose description the layers above have.
    pub(crate) followed: Option<EarlyId>,
    last: EarlyId,
    /// The highest number that was used in one that is over, a BYE included: its fork may be heard of again.
    spent: u32,
}

/// What a provisional response tells of the session.
enum News {
    Nothing,
    /// An answer.
    Answer(Bytes),
    /// An answer that is another one than the preview.
    OtherAnswer(Bytes),
}

impl EarlyDialogs {
    pub(crate) fn all(&self) -> &[Early] {
        &self.dialogs
    }

    pub(crate) fn get(&self, id: EarlyId) -> Option<&Early> {
        self.dialogs.iter().find(|early| early.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: EarlyId) -> Option<&mut Early> {
        self.dialogs.iter_mut().find(|early| early.id == id)
    }

    /// The early dialog of a response, a new one while there is room; `None` beyond that.
    fn of(
        &mut self,
        ours: &DialogState,
        offerless: bool,
        (routes, peer): (&[UriBuf], Peer),
        (origin, message): (&Origin, &Message),
    ) -> Option<&mut Early> {
        let tag = message.to_tag().unwrap_or_default();
        if let Some(at) = self.dialogs.iter().position(|early| early.tag() == tag) {
            return self.dialogs.get_mut(at);
        }
        if self.dialogs.len() >= EARLY {
            return None;
        }
        let mut state = ours.clone();
        state.remote_tag = tag.into();
        state.remote_cseq = None;
        state.local_cseq = state.local_cseq.max(self.spent);
        state.learn(routes, peer, origin, message);
        self.last += 1;
        // Most calls ring at one place.
        self.dialogs.reserve_exact(1);
        let offers = if offerless { Offers::New } else { Offers::FirstOurs };
        self.dialogs.push(Early { id: self.last, state, offers, rseq: None, theirs: None, answering: None });
        self.dialogs.last_mut()
    }

    /// Takes the description of a provisional response.
    fn describe(&mut self, id: EarlyId, reliable: bool, body: Bytes) -> News {
        let followed = self.followed;
        let Some(early) = self.get_mut(id) else { return News::Nothing };
        let before = early.theirs.clone();
        match (early.offers, reliable) {
            (Offers::FirstOurs, true) => {
                early.offers.take(Event::Answer(Side::Theirs));
                early.theirs = Some(body.clone());
            }
            // No answer that counts, and only the first of them is shown (RFC 3261 §13.2.1).
            (Offers::FirstOurs, false) if before.is_none() => early.theirs = Some(body.clone()),
            (Offers::New, true) => {
                early.offers.take(Event::Offer(Side::Theirs, Carrier::Reliable));
                early.theirs = Some(body);
                return News::Nothing;
            }
            // What follows an answer is none (RFC 6337 §2.2), and an offer cannot come unreliably.
            (Offers::FirstOurs | Offers::New, false)
            | (Offers::FirstTheirs | Offers::Agreed | Offers::Ours | Offers::Theirs, _) => {
                return News::Nothing;
            }
        }
        match followed {
            None => {
                self.followed = Some(id);
                News::Answer(body)
            }
            Some(followed) if followed == id && before.as_ref() != Some(&body) => News::OtherAnswer(body),
            Some(_) => News::Nothing,
        }
    }

    /// The highest number that was used in any of them.
    pub(crate) fn last_cseq(&self) -> u32 {
        self.dialogs.iter().map(|early| early.state.local_cseq).max().unwrap_or_default().max(self.spent)
    }

    /// One of them is over; `true` if it was followed.
    fn remove(&mut self, id: EarlyId) -> Option<(Early, bool)> {
        let at = self.dialogs.iter().position(|early| early.id == id)?;
        self.spent = self.last_cseq().saturating_add(1);
        Some((self.dialogs.remove(at), self.followed.take_if(|followed| *followed == id).is_some()))
    }

    /// All are over, because the INVITE goes again; `true` if one was followed. Their ids are not used again, since ways are
    /// still looked for under them.
    pub(crate) fn forget(&mut self) -> bool {
        self.spent = self.last_cseq();
        self.dialogs.clear();
        self.followed.take().is_some()
    }

    /// The one that a 2xx confirms; all are over.
    pub(crate) fn confirm(&mut self, tag: &str) -> Option<Early> {
        let mut all = std::mem::take(&mut self.dialogs);
        let at = all.iter().position(|early| early.tag() == tag)?;
        Some(all.swap_remove(at))
    }
}

impl DialogState {
    /// Takes what a response says of the dialog that it makes (RFC 3261 §12.1.2).
    fn learn(&mut self, routes: &[UriBuf], peer: Peer, origin: &Origin, message: &Message) {
        self.heard(origin);
        self.peer = peer;
        self.refresh(message);
        self.path = Path::new(&self.path.target, routes.iter().rev().cloned());
    }
}

/// The number of a response that is reliable (RFC 3262 §4).
pub(crate) fn reliable_number(config: &DialogConfig, message: &Message) -> Option<u32> {
    let is_reliable = message.require().any(|tag| tag.eq_ignore_ascii_case(RELIABLE));
    message.rseq().filter(|_| is_reliable && config.reliability != Reliability::Never)
}

impl Dialog {
    /// A provisional response to our first INVITE.
    pub(crate) fn early_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        origin: &Origin,
        status: StatusCode,
        message: &Message,
    ) {
        // The next hop's word, and no dialog (RFC 3261 §12.1).
        if status == StatusCode::TRYING {
            return;
        }
        let cseq = self.state.local_cseq;
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let told = !placing.is_cancelled();
        let body = Some(message.body_bytes()).filter(|body| !body.is_empty());
        let event = LegEvent::Provisional { status, described: body.is_some() };
        if status == StatusCode::EARLY_DIALOG_TERMINATED {
            return self.early_gone(step, told.then_some(event), message.to_tag().unwrap_or_default());
        }
        // Where nothing could be sent to there is no early dialog; the call ends with its 2xx.
        let Ok(routes) = step.recorded(message) else {
            if told {
                self.tell(step, event);
            }
            return;
        };
        let offerless = placing.is_offerless();
        let peer = step.pending.peers.read(message);
        let of = (&*routes, peer);
        let Some(early) = placing.early.of(&self.state, offerless, of, (origin, message)) else {
            step.pending.counters.early_dialogs_ignored += 1;
            if told {
                self.tell(step, event);
            }
            return;
        };
        let (id, rseq) = (early.id, reliable_number(step.config, message));
        if let Some(number) = rseq {
            if self.pracks >= PRACKS {
                step.pending.counters.reliable_responses_ignored += 1;
                return;
            }
            let first = early.rseq.is_none();
            // One that came before is repeated because its PRACK is under way; one that is ahead comes again in its
            // turn.
            if !early.take_rseq(number) {
                return;
            }
            if first {
                early.state.learn(&routes, peer, origin, message);
            } else {
                early.state.heard(origin);
                early.state.refresh(message);
            }
        }
        let news = body.map_or(News::Nothing, |body| placing.early.describe(id, rseq.is_some(), body));
        if told {
            self.tell(step, event);
            match news {
                News::Nothing => {}
                News::Answer(body) => self.tell(step, LegEvent::Described { turn: Turn::Answer, body }),
                News::OtherAnswer(body) => {
                    self.tell(step, LegEvent::Reopened);
                    self.tell(step, LegEvent::Described { turn: Turn::Answer, body });
                }
            }
        }
        if let Some(rseq) = rseq {
            self.ask_prack(step, Some(id), rseq, cseq);
        }
        // A wish may have waited for this fork.
        self.try_update(step);
    }

    /// A fork has ended (RFC 6228 §4).
    fn early_gone(&mut self, step: &mut Step<'_, '_, '_>, event: Option<LegEvent>, tag: &str) {
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let gone = placing.early.all().iter().find(|early| early.tag() == tag).map(|early| early.id);
        let was_followed =
            gone.and_then(|id| placing.early.remove(id)).is_some_and(|(_, was_followed)| was_followed);
        let Some(event) = event else { return };
        self.tell(step, event);
        if was_followed {
            self.reopen(step);
        }
    }

    /// The fork that is followed does not answer in its dialog any more, or does not know it.
    pub(crate) fn early_lost(&mut self, step: &mut Step<'_, '_, '_>, unknown: bool) {
        let Some(Leg::Placing(placing)) = &self.leg else { return };
        if let Some(followed) = placing.early.followed {
            self.fork_lost(step, followed, unknown);
        }
    }

    /// A fork has lost its early dialog; the INVITE goes on.
    pub(super) fn fork_lost(&mut self, step: &mut Step<'_, '_, '_>, fork: EarlyId, unknown: bool) {
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let Some((early, was_followed)) = placing.early.remove(fork) else { return };
        if was_followed {
            self.reopen(step);
        }
        if !unknown {
            Stray::bye(early.state).ask(step);
        }
    }

    /// The fork that was followed is over: another answer may come.
    pub(crate) fn reopen(&mut self, step: &mut Step<'_, '_, '_>) {
        self.drop_early_updates(step);
        self.tell(step, LegEvent::Reopened);
    }

    /// Asks for the way of a PRACK.
    pub(crate) fn ask_prack(
        &self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        rseq: u32,
        cseq: u32,
    ) {
        let ask = Ask::Prack { early, rseq, cseq };
        let Some(state) = self.state_of(early) else { return };
        step.route(Errand::Dialog(self.id, ask), &state.path, state.flow);
    }

    /// The state of an early dialog, or that of the dialog itself.
    pub(crate) fn state_of(&self, early: Option<EarlyId>) -> Option<&DialogState> {
        match (early, &self.leg) {
            (None, _) => Some(&self.state),
            (Some(id), Some(Leg::Placing(placing))) => Some(&placing.early.get(id)?.state),
            (Some(_), Some(Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None) => None,
        }
    }

    pub(crate) fn prack_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        rseq: u32,
        cseq: u32,
        result: Result<Hops, RouteError>,
    ) {
        let Some(id) = early else {
            // Without a way the response comes again, as nobody has acknowledged it.
            let Ok(hops) = result else { return self.forget_reinvite_rseq() };
            return self.send_prack(step, None, hops, rseq, cseq, None);
        };
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let cancelled = placing.is_cancelled();
        let followed = placing.early.followed;
        let Some(early) = placing.early.get_mut(id) else { return };
        let Some((first, hops)) = result.ok().and_then(|hops| Some((*hops.first()?, hops))) else {
            // It is taken as new when it comes again.
            early.rseq = early.rseq.and_then(|last| last.checked_sub(1)).filter(|last| *last > 0);
            return;
        };
        let offer = early.theirs.clone().filter(|_| early.offers == Offers::FirstTheirs && !cancelled);
        let Some(body) = offer else { return self.send_prack(step, Some(id), hops, rseq, cseq, None) };
        let (local, remotes) = (first.local, hops.iter().map(|hop| hop.remote).collect());
        early.answering = Some((rseq, cseq, hops));
        placing.early.followed = Some(id);
        if followed.is_some_and(|followed| followed != id) {
            self.tell(step, LegEvent::Reopened);
        }
        self.tell(step, LegEvent::Described { turn: Turn::Offer, body });
        self.tell(step, LegEvent::NeedDescription { turn: Turn::Answer, local, remotes });
    }

    /// Our answer to an offer in a reliable response: it goes in the PRACK (RFC 3262 §5). `false` if none waits.
    pub(crate) fn describe_prack(&mut self, step: &mut Step<'_, '_, '_>, body: Option<&Bytes>) -> bool {
        let Some(Leg::Placing(placing)) = &mut self.leg else { return false };
        let mut all = placing.early.dialogs.iter_mut();
        let Some((id, (rseq, cseq, hops))) =
            all.find_map(|early| early.answering.take().map(|it| (early.id, it)))
        else {
            return false;
        };
        match body {
            Some(body) => {
                if let Some(early) = placing.early.get_mut(id) {
                    early.offers.take(Event::Answer(Side::Ours));
                }
                self.send_prack(step, Some(id), hops, rseq, cseq, Some(body));
                self.try_update(step);
            }
            None => self.cancel(step, EndCause::new(By::Local, EndReason::NotAcceptable), None),
        }
        true
    }

    fn send_prack(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        hops: Hops,
        rseq: u32,
        cseq: u32,
        body: Option<&Bytes>,
    ) {
        let state = match (early, &mut self.leg) {
            (Some(id), Some(Leg::Placing(placing))) => {
                placing.early.get_mut(id).map(|early| &mut early.state)
            }
            (Some(_), _) => None,
            (None, _) => Some(&mut self.state),
        };
        // Without a number left the call cannot go on for long; the peer ends it when nothing acknowledges.
        let Some(draft) = state.and_then(|state| state.next(Method::Prack)) else { return };
        let draft = draft.header(HeaderId::RAck, format_args!("{rseq} {cseq} INVITE"));
        let draft = match body {
            Some(body) => draft.body(SDP, body),
            None => draft,
        };
        step.request(Client::Prack(self.id, early), hops, draft);
        self.pracks += 1;
    }

    /// The number for a request of ours that goes out again: that of its early dialog while there are only such.
    pub(crate) fn number_again(&mut self, sent: &Sent) -> Option<u32> {
        let unconfirmed = self.is_unconfirmed();
        match &mut self.leg {
            Some(Leg::Placing(placing)) if unconfirmed && sent.is_in_dialog() => {
                let mut dialogs = placing.early.dialogs.iter_mut();
                dialogs.find(|early| Some(early.tag()) == sent.to_tag())?.state.next_number()
            }
            // Of a fork that was not kept: its early dialog is over, and nothing else is sent in it.
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None
                if sent.to_tag().is_some_and(|tag| tag != &*self.state.remote_tag) =>
            {
                sent.number()?.checked_add(1)
            }
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => {
                self.state.next_number()
            }
        }
    }

    /// The early dialog that a request of the peer names.
    pub(crate) fn early_of(&self, request: &Message) -> Option<EarlyId> {
        let Some(Leg::Placing(placing)) = &self.leg else { return None };
        placing.early_dialogs().iter().find(|early| early.state.matches(request)).map(|early| early.id)
    }

    /// An UPDATE in an early dialog of a call of ours.
    pub(crate) fn early_update(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: Inbound) {
        let Some(id) = self.early_of(&inbound.message) else { return };
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let Some(early) = placing.early.get_mut(id) else { return };
        let rising = inbound.message.cseq().is_ok_and(|cseq| early.state.take_cseq(cseq.number));
        early.state.heard(&inbound.origin);
        if rising {
            self.update_received(step, tx, inbound, Some(id));
        } else {
            let tag = self.state.local_tag.clone();
            step.respond(tx, &inbound, StatusCode::SERVER_INTERNAL_ERROR, &tag, |response| response);
        }
    }
}
