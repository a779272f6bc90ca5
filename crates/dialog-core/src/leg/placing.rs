//! A call of ours until it is up (RFC 3261 §13.2): route, offer, INVITE, 2xx, ACK.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, NameAddr, StatusCode, UriBuf};
use sip_transport::{Hop, Hops, Origin, Purpose, RouteError};
use smallvec::SmallVec;
use transaction_core::{TxCommand, TxFailure, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, Established, Invite, LegEvent, LegId, Misuse, Peer, Turn},
    contact::OurContact,
    dialog::Dialog,
    forks::Forks,
    path::Path,
    pending::{Ask, Client},
    registration::Outgoing,
    respond::SDP,
    state::DialogState,
    step::Step,
    timer::LegTimer,
};

use super::{Leg, elsewhere::Elsewhere, up::Up};

/// Most early dialogs that are remembered; as many forks as are acknowledged.
const EARLY: usize = crate::forks::FORKS;

/// Most Contacts taken from a redirection; a caller follows a few at most (TR-200).
const CONTACTS: usize = 16;

/// A call of ours that is not up yet.
#[derive(Debug)]
pub(crate) struct Placing {
    invite: Box<Invite>,
    stage: Stage,
    /// Why it is to end, once that is decided.
    ending: Option<EndCause>,
    /// The peer's BYE that came between its 2xx and our ACK; it is told after the ACK.
    left: Option<EndCause>,
    /// The early dialogs: whose provisional response came, as long as there is no 2xx.
    early: SmallVec<[Early; 1]>,
    /// Where else it may go.
    elsewhere: Elsewhere,
}

/// An early dialog: one fork of our INVITE (RFC 3261 §12.1).
#[derive(Debug)]
pub(crate) struct Early {
    /// The fork's tag; empty where an RFC 2543 peer has none.
    pub(crate) tag: Box<str>,
    /// The address that its response came from.
    pub(crate) source: SocketAddr,
    /// The answer in an unreliable provisional response: used if the fork's 2xx has none.
    answer: Option<Bytes>,
}

#[derive(Debug)]
enum Stage {
    /// The route is looked for.
    Routing,
    /// The offer is made.
    Describing { hops: Hops },
    /// The INVITE was sent.
    Calling { tx: TxId },
    /// A 2xx came, and the route of its ACK is looked for.
    Acknowledging { tx: TxId, cseq: u32 },
}

impl Dialog {
    /// Begins a call.
    pub(crate) fn place(
        step: &mut Step<'_, '_, '_>,
        leg: LegId,
        invite: Box<Invite>,
        outgoing: Option<Outgoing>,
    ) -> Self {
        let tag = step.cx.guard.token(Purpose::Tag, leg.number());
        let call_id = format!("{:016x}{:016x}", step.cx.random.next_u64(), step.cx.random.next_u64());
        let mut routes: Vec<UriBuf> = invite
            .headers
            .iter()
            .filter(|(id, _)| *id == HeaderId::Route)
            .filter_map(|(_, value)| NameAddr::parse(value).ok().map(|route| route.uri.to_owned()))
            .collect();
        let (contact, flow) = match outgoing {
            Some(outgoing) => {
                if routes.is_empty() {
                    routes = outgoing.routes;
                }
                (outgoing.contact, outgoing.flow)
            }
            None => (OurContact::of_user(invite.contact_user.clone()), None),
        };
        let state = DialogState {
            call_id: call_id.into(),
            local_tag: tag.as_str().into(),
            remote_tag: "".into(),
            local: invite.from.clone(),
            remote: invite.to.clone(),
            contact,
            path: Path::new(&invite.target, routes),
            flow,
            source: None,
            verified_name: None,
            local_cseq: 0,
            remote_cseq: None,
            caller: true,
            peer: Peer::default(),
        };
        let limit = invite.ring_limit;
        let elsewhere = Elsewhere::new(&invite);
        let placing = Placing {
            invite,
            stage: Stage::Routing,
            ending: None,
            left: None,
            early: SmallVec::new(),
            elsewhere,
        };
        let mut dialog = Self::new(leg, state, Leg::Placing(Box::new(placing)));
        dialog.arm(step, LegTimer::Ring, limit);
        dialog.ask(step, Ask::Place);
        dialog
    }

    fn placing(&mut self) -> Option<&mut Placing> {
        match &mut self.leg {
            Some(Leg::Placing(placing)) => Some(placing),
            Some(Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => None,
        }
    }

    pub(crate) fn place_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Some(placing) = self.placing() else { return };
        let Stage::Routing = placing.stage else { return };
        match result.map(|hops| (hops.first().copied(), hops)) {
            Ok((Some(Hop { local, .. }), hops)) => {
                let remotes = hops.iter().map(|hop| hop.remote).collect();
                placing.stage = Stage::Describing { hops };
                self.tell(step, LegEvent::NeedDescription { turn: Turn::Offer, local, remotes });
            }
            Ok((None, _)) => {
                let error = RouteError::Unresolved;
                self.call_elsewhere(step, EndCause::new(By::Network, EndReason::NoRoute(error)));
            }
            Err(error) => {
                self.call_elsewhere(step, EndCause::new(By::Network, EndReason::NoRoute(error)));
            }
        }
    }

    /// Calls the next target that a redirection has named; without one the call ends with its last refusal.
    fn call_elsewhere(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause) {
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let offered = matches!(placing.stage, Stage::Calling { .. });
        let Some(target) = placing.elsewhere.next(&self.state.path.target, &cause) else {
            return self.end(step, cause);
        };
        placing.stage = Stage::Routing;
        placing.early.clear();
        self.state.path = Path::new(&target, std::mem::take(&mut self.state.path.routes));
        if offered {
            self.tell(step, LegEvent::RolledBack);
        }
        self.ask(step, Ask::Place);
    }

    /// Our INVITE in flight, if it is still wanted.
    pub(crate) fn invite_slot(&mut self, tx: TxId) -> Option<&mut Placing> {
        self.placing().filter(|placing| placing.ending.is_none() && placing.is_calling(tx))
    }

    pub(crate) fn describe_placed(&mut self, step: &mut Step<'_, '_, '_>, body: Option<Bytes>) {
        let id = self.id;
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let Stage::Describing { hops } = &mut placing.stage else {
            return self.misused(step, Misuse::State);
        };
        let hops = std::mem::take(hops);
        let (Some(body), Some(draft)) = (body, self.state.next(Method::Invite)) else {
            return self.end(step, EndCause::new(By::Local, EndReason::NotAcceptable));
        };
        let draft = self.state.contact.on_request(step.capable(draft)).body(SDP, body);
        let draft = placing
            .invite
            .headers
            .iter()
            .filter(|(id, _)| *id != HeaderId::Route)
            .fold(draft, |draft, (id, value)| draft.header(*id, value));
        placing.stage = Stage::Calling { tx: step.request(Client::Invite(id), hops, draft) };
    }

    pub(crate) fn placed_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        origin: &Origin,
        message: &Message,
    ) {
        let Some(status) = message.status() else { return };
        let Some(placing) = self.placing() else { return };
        let Stage::Calling { .. } = placing.stage else { return };
        if status.is_provisional() {
            placing.remember(origin, status, message);
            if status != StatusCode::TRYING && placing.ending.is_none() {
                self.tell(step, LegEvent::Provisional { status });
            }
        } else if status.is_success() {
            self.answered(step, tx, origin, message);
        } else {
            step.pending.clients.remove(&tx);
            match placing.ending.take() {
                Some(cause) => self.end(step, cause),
                None => self.call_elsewhere(step, refused(status, message)),
            }
        }
    }

    /// The first 2xx: the dialog is confirmed with its sender (RFC 3261 §13.2.2.4).
    fn answered(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, origin: &Origin, message: &Message) {
        let id = self.id;
        let template = self.state.clone();
        let cseq = template.local_cseq;
        self.state.remote_tag = message.to_tag().unwrap_or_default().into();
        self.state.remote_cseq = None;
        self.state.heard(origin);
        self.state.peer = Peer::of(message);
        self.state.refresh(message);
        let routes = Path::recorded(message);
        let readable = routes.is_ok() && message.contact().is_ok();
        // The route set is replaced even by an empty one (RFC 3261 §13.2.2.4).
        self.state.path = Path::new(&self.state.path.target, routes.unwrap_or_default().into_iter().rev());
        self.confirmed = true;
        self.disarm(step, LegTimer::Ring);
        step.pending.forks.insert(id, Forks::new(tx, template, self.state.remote_tag.clone()));
        step.arm_leg(id, LegTimer::Forks, step.timeout());

        let Some(placing) = self.placing() else { return };
        placing.stage = Stage::Acknowledging { tx, cseq };
        if placing.ending.is_none() {
            match placing.answer(message).filter(|_| readable) {
                Some(body) => self.tell(step, LegEvent::Described { turn: Turn::Answer, body }),
                // Without an answer, or with a Contact or route set that cannot be read, there is no call to
                // keep.
                None => placing.ending = Some(EndCause::new(By::Local, EndReason::NotAcceptable)),
            }
        }
        self.ask(step, Ask::Ack);
    }

    pub(crate) fn ack_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Some(placing) = self.placing() else { return };
        let Stage::Acknowledging { tx, cseq } = placing.stage else { return };
        let (ending, left) = (placing.ending.take(), placing.left.take());
        let routed = match result {
            Ok(hops) => {
                let draft = step.signed(self.state.draft(Method::Ack, cseq));
                step.transaction(TxCommand::Ack { tx, hops, draft });
                Ok(())
            }
            Err(error) => Err(EndCause::new(By::Network, EndReason::NoRoute(error))),
        };
        self.leg = Some(Leg::Up(Box::new(Up { acked_at: Some(step.cx.now), ..Up::default() })));
        match (ending, left, routed) {
            (None, None, Ok(())) => self.tell(step, LegEvent::Up(Box::new(self.established(true)))),
            // It was up, however shortly: whoever was referred here did arrive (TR-254).
            (None, Some(left), Ok(())) => {
                self.tell(step, LegEvent::Up(Box::new(self.established(true))));
                self.end(step, left);
            }
            // The peer has ended it already, so no BYE is due.
            (None, Some(cause), Err(_)) | (Some(cause), Some(_), _) => self.end(step, cause),
            (Some(cause), None, _) => self.close_quietly(step, cause, None),
            // The BYE tries a route of its own; without it the peer would wait for its ACK for 64*T1.
            (None, None, Err(lost)) => self.close(step, lost, None),
        }
    }

    /// Whether there is no dialog yet that a request of the peer could name.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        match &self.leg {
            Some(Leg::Placing(placing)) => match placing.stage {
                Stage::Routing | Stage::Describing { .. } | Stage::Calling { .. } => true,
                Stage::Acknowledging { .. } => false,
            },
            Some(Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => false,
        }
    }

    /// The peer's BYE came before our ACK has gone, which RFC 3261 §15 lets it do only after 64*T1. The ACK goes all
    /// the same, and then the call is over.
    pub(crate) fn left_early(&mut self, cause: EndCause) {
        if let Some(placing) = self.placing() {
            placing.left = Some(cause);
        }
    }

    pub(crate) fn established(&self, placed: bool) -> Established {
        Established {
            dialog: self.state.identity(),
            remote_target: self.state.path.target.clone(),
            remote: self.state.remote.clone(),
            peer: self.state.peer.clone(),
            placed,
            source: self.state.source.unwrap_or_else(|| ([0, 0, 0, 0], 0).into()),
        }
    }

    pub(crate) fn placing_failed(&mut self, step: &mut Step<'_, '_, '_>, failure: TxFailure) {
        let Some(placing) = self.placing() else { return };
        if let Some(cause) = placing.ending.take() {
            return self.end(step, cause);
        }
        let cause = match failure {
            TxFailure::Timeout => EndCause::new(By::Network, EndReason::NoAnswer),
            TxFailure::Overload => EndCause::new(By::Local, EndReason::Overload),
            TxFailure::Unencodable => EndCause::new(By::Local, EndReason::Refused(StatusCode::BAD_REQUEST)),
            _ => EndCause::new(By::Network, EndReason::Unreachable),
        };
        self.call_elsewhere(step, cause);
    }

    /// Ends a call that is not up: CANCEL where an INVITE was sent (RFC 3261 §9.1).
    pub(crate) fn cancel(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause, reason: Option<Box<str>>) {
        let Some(placing) = self.placing() else { return };
        if placing.ending.is_some() {
            return self.misused(step, Misuse::State);
        }
        let sent = match placing.stage {
            Stage::Routing | Stage::Describing { .. } => None,
            Stage::Calling { tx } => Some(Some(tx)),
            // The 2xx was faster: its ACK goes first, then BYE.
            Stage::Acknowledging { .. } => Some(None),
        };
        if sent.is_some() {
            placing.ending = Some(cause.clone());
        }
        self.disarm(step, LegTimer::Ring);
        self.tell(step, LegEvent::Closing);
        match sent {
            None => self.end(step, cause),
            Some(Some(tx)) => step.transaction(TxCommand::Cancel { tx, reason }),
            Some(None) => {}
        }
    }

    pub(crate) fn rung_out(&mut self, step: &mut Step<'_, '_, '_>) {
        self.cancel(step, EndCause::new(By::Network, EndReason::NoAnswer), None);
    }
}

impl Placing {
    fn is_calling(&self, tx: TxId) -> bool {
        matches!(self.stage, Stage::Calling { tx: ours } if ours == tx)
    }

    /// The INVITE has gone out again; the early dialogs of the one before are over.
    pub(crate) fn calls_again(&mut self, tx: TxId) {
        self.stage = Stage::Calling { tx };
        self.early.clear();
    }

    /// The early dialogs, while there is nothing but early ones.
    pub(crate) fn early_dialogs(&self) -> &[Early] {
        match self.stage {
            Stage::Calling { .. } => &self.early,
            Stage::Routing | Stage::Describing { .. } | Stage::Acknowledging { .. } => &[],
        }
    }

    /// Whether it ends before it is up: by our CANCEL, or by their BYE.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some() || self.left.is_some()
    }

    fn remember(&mut self, origin: &Origin, status: StatusCode, message: &Message) {
        let tag = message.to_tag().unwrap_or_default();
        match status {
            // The next hop's word, and no dialog (RFC 3261 §12.1).
            StatusCode::TRYING => return,
            // RFC 6228 §4.
            StatusCode::EARLY_DIALOG_TERMINATED => return self.early.retain(|early| &*early.tag != tag),
            _ => {}
        }
        let answer = Some(message.body_bytes()).filter(|body| !body.is_empty());
        if let Some(early) = self.early.iter_mut().find(|early| &*early.tag == tag) {
            early.answer = early.answer.take().or(answer);
        } else if self.early.len() < EARLY {
            self.early.push(Early { tag: tag.into(), source: origin.source, answer });
        }
    }

    /// The answer: that of the 2xx, or the one that its fork sent before (RFC 3261 §13.2.1).
    fn answer(&mut self, message: &Message) -> Option<Bytes> {
        if !message.body().is_empty() {
            return Some(message.body_bytes());
        }
        let tag = message.to_tag().unwrap_or_default();
        self.early.iter().find(|early| &*early.tag == tag)?.answer.clone()
    }
}

fn refused(status: StatusCode, message: &Message) -> EndCause {
    let reason = if status.is_redirection() {
        EndReason::Redirected { status, contacts: contacts(message) }
    } else {
        EndReason::Refused(status)
    };
    EndCause { by: By::Remote, reason, header: message.first(HeaderId::Reason).map(Into::into) }
}

/// The Contacts of a redirection, best first (RFC 3261 §8.1.3.4).
pub(crate) fn contacts(message: &Message) -> Vec<UriBuf> {
    let mut rated: Vec<(u16, UriBuf)> = message
        .contacts()
        // A broken list of Contacts leaves nothing to try; the status tells enough.
        .unwrap_or_default()
        .into_iter()
        .take(CONTACTS)
        .map(|contact| (quality(contact.params.value("q")), contact.uri.to_owned()))
        .collect();
    // The sort is stable: equal ones keep the order in which they stand.
    rated.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    rated.into_iter().map(|(_, contact)| contact).collect()
}

/// A `q` in thousandths; 1 if it is absent or unreadable (RFC 3261 §20.10).
fn quality(q: Option<&str>) -> u16 {
    let Some((whole, fraction)) = q.map(|q| q.split_once('.').unwrap_or((q, ""))) else { return 1000 };
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, format!("{fraction:0<3}").parse::<u16>()) {
        ("0", Ok(thousandths)) if digits => thousandths,
        _ => 1000,
    }
}
