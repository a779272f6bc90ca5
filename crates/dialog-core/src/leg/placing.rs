//! A call of ours until it is up (RFC 3261 §13.2): route, offer, INVITE, 2xx, ACK.

use std::collections::VecDeque;

use bytes::Bytes;
use sip_message::{HeaderId, Message, Method, StatusCode, UriBuf};
use sip_transport::{Hop, Hops, Origin, RouteError};
use transaction_core::{TxCommand, TxFailure, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, Established, Invite, LegEvent, LegId, Misuse, Turn},
    dialog::Dialog,
    path::Path,
    pending::{Ask, Client},
    registration::using::{Outgoing, WayOut},
    respond::SDP,
    state::{DialogState, Ends},
    step::Step,
    timer::LegTimer,
};

use super::{
    Leg,
    early::{Early, EarlyDialogs},
    elsewhere::Elsewhere,
    session_timer::RETRIES,
};

/// Most Contacts taken from a redirection; a caller follows a few at most (TR-200).
const CONTACTS: usize = 16;

/// A call of ours that is not up yet.
#[derive(Debug)]
pub(crate) struct Placing {
    invite: Box<Invite>,
    pub(crate) stage: Stage,
    /// Why it is to end, once that is decided.
    pub(crate) ending: Option<EndCause>,
    /// The peer's BYE that came between its 2xx and our ACK; it is told after the ACK.
    pub(crate) left: Option<EndCause>,
    /// The early dialogs: whose provisional response came, as long as there is no 2xx.
    pub(crate) early: EarlyDialogs,
    /// Where else it may go.
    elsewhere: Elsewhere,
    /// By which other proxies of the account it may go.
    ways: VecDeque<WayOut>,
    /// Whether there was a provisional response to the INVITE: somebody may have been alerted.
    proceeding: bool,
    /// How often the INVITE was refused with 422.
    too_short: u8,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// The route is looked for.
    Routing,
    /// The offer is made.
    Describing { hops: Hops },
    /// The INVITE was sent.
    Calling { tx: TxId },
    /// A 2xx came, and the route of its ACK is looked for.
    Acknowledging {
        tx: TxId,
        cseq: u32,
        /// Their offer, where the INVITE had none.
        offer: Option<Bytes>,
    },
    /// The answer for the ACK is made.
    Answering { tx: TxId, cseq: u32, hops: Hops, offer: Bytes },
}

impl Dialog {
    /// Begins a call.
    pub(crate) fn place(
        step: &mut Step<'_, '_, '_>,
        leg: LegId,
        invite: Box<Invite>,
        outgoing: Option<Outgoing>,
    ) -> Self {
        let ends = Ends {
            target: &invite.target,
            from: &invite.from,
            to: &invite.to,
            contact_user: invite.contact_user.as_ref(),
            headers: &invite.headers,
        };
        let mut state = DialogState::ours(step, leg, ends);
        let ways = outgoing.map(|outgoing| outgoing.lead(&mut state)).unwrap_or_default();
        let limit = invite.ring_limit;
        let elsewhere = Elsewhere::new(&invite);
        let placing = Placing {
            invite,
            stage: Stage::Routing,
            ending: None,
            left: None,
            early: EarlyDialogs::default(),
            elsewhere,
            ways,
            proceeding: false,
            too_short: 0,
        };
        let mut dialog = Self::new(leg, state, Leg::Placing(Box::new(placing)));
        dialog.arm(step, LegTimer::Ring, limit);
        dialog.ask(step, Ask::Place);
        dialog
    }

    pub(crate) fn placing(&mut self) -> Option<&mut Placing> {
        match &mut self.leg {
            Some(Leg::Placing(placing)) => Some(placing),
            Some(Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => None,
        }
    }

    pub(crate) fn place_routed(&mut self, step: &mut Step<'_, '_, '_>, result: Result<Hops, RouteError>) {
        let Some(placing) = self.placing() else { return };
        let Stage::Routing = placing.stage else { return };
        match result.map(|hops| (hops.first().copied(), hops)) {
            Ok((Some(_), hops)) if placing.invite.offerless => {
                placing.stage = Stage::Describing { hops };
                self.send_invite(step, None);
            }
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

    /// Calls by the next proxy of the account, or else the next target that a redirection has named; without one the call ends
    /// with its last refusal.
    fn call_elsewhere(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause) {
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let offered = matches!(placing.stage, Stage::Calling { .. });
        if let Some(way) = placing.next_way(&cause) {
            way.take(&mut self.state);
        } else if let Some(target) =
            placing.elsewhere.next(&self.state.path.target, &cause, &mut step.pending.counters)
        {
            self.state.path = Path::new(&target, std::mem::take(&mut self.state.path.routes));
        } else {
            return self.end(step, cause);
        }
        placing.stage = Stage::Routing;
        placing.proceeding = false;
        self.forget_early(step);
        if offered {
            self.tell(step, LegEvent::RolledBack);
        }
        self.ask(step, Ask::Place);
    }

    /// The INVITE goes again; the early dialogs of the one before are over.
    pub(crate) fn forget_early(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(placing) = self.placing() else { return };
        if placing.early.forget() {
            self.reopen(step);
        }
    }

    /// Our INVITE in flight, if it is still wanted.
    pub(crate) fn invite_slot(&mut self, tx: TxId) -> Option<&mut Placing> {
        self.placing().filter(|placing| placing.ending.is_none() && placing.is_calling(tx))
    }

    pub(crate) fn describe_placed(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        // A caller has nothing to refuse with a status: without a description the call ends.
        let body = body.ok();
        if self.describe_prack(step, body.as_ref()) {
            return;
        }
        let Some(placing) = self.placing() else { return };
        match &mut placing.stage {
            Stage::Describing { .. } => match body {
                Some(body) => self.send_invite(step, Some(body)),
                None => self.end(step, EndCause::new(By::Local, EndReason::NotAcceptable)),
            },
            Stage::Answering { .. } => self.answer_in_ack(step, body),
            Stage::Routing | Stage::Calling { .. } | Stage::Acknowledging { .. } => {
                self.misused(step, Misuse::State);
            }
        }
    }

    fn send_invite(&mut self, step: &mut Step<'_, '_, '_>, body: Option<Bytes>) {
        let id = self.id;
        let Some(Leg::Placing(placing)) = &mut self.leg else { return };
        let Stage::Describing { hops } = &mut placing.stage else { return };
        let hops = std::mem::take(hops);
        let Some(draft) = self.state.next(Method::Invite) else {
            return self.end(step, EndCause::new(By::Local, EndReason::NotAcceptable));
        };
        let draft = self.state.contact.on_request(step.capable(draft));
        let draft = self.session_timer.ask(step.config, draft);
        let draft = match body {
            Some(body) => draft.body(SDP, body),
            None => draft,
        };
        let draft = placing
            .invite
            .headers
            .iter()
            .filter(|(id, _)| *id != HeaderId::Route)
            .fold(draft, |draft, (id, value)| draft.header(*id, value));
        let draft = placing
            .invite
            .extensions
            .iter()
            .filter(|(name, _)| HeaderId::of(name).is_none())
            .fold(draft, |draft, (name, value)| draft.extension(name, value));
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
            placing.proceeding = true;
            self.early_response(step, origin, status, message);
        } else if status.is_success() {
            self.answered(step, tx, origin, message);
        } else if placing.ending.is_none()
            && placing.too_short < RETRIES
            && self.session_timer.is_raised_by(message)
        {
            step.pending.clients.remove(&tx);
            self.place_again(step);
        } else {
            let Some(placing) = self.placing() else { return };
            step.pending.clients.remove(&tx);
            match placing.ending.take() {
                Some(cause) => self.end(step, cause),
                None => self.call_elsewhere(step, refused(status, message)),
            }
        }
    }

    /// 422: the INVITE goes again with the interval that was asked for, and with an offer of its own (RFC 4028 §7.3).
    fn place_again(&mut self, step: &mut Step<'_, '_, '_>) {
        let Some(placing) = self.placing() else { return };
        placing.too_short += 1;
        placing.proceeding = false;
        placing.stage = Stage::Routing;
        self.forget_early(step);
        self.tell(step, LegEvent::RolledBack);
        self.ask(step, Ask::Place);
    }

    /// Whether there is no dialog yet that a request of the peer could name.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        match &self.leg {
            Some(Leg::Placing(placing)) => match placing.stage {
                Stage::Routing | Stage::Describing { .. } | Stage::Calling { .. } => true,
                Stage::Acknowledging { .. } | Stage::Answering { .. } => false,
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
            peer: self.state.peer,
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
        let sent = match &placing.stage {
            Stage::Routing | Stage::Describing { .. } => None,
            Stage::Calling { tx } => Some(Some(*tx)),
            // The 2xx was faster: its ACK goes first, then BYE.
            Stage::Acknowledging { .. } | Stage::Answering { .. } => Some(None),
        };
        if sent.is_some() {
            placing.ending = Some(cause.clone());
        }
        self.disarm(step, LegTimer::Ring);
        self.tell(step, LegEvent::Closing);
        self.give_up_updates(step);
        self.give_up_wishes(step);
        match sent {
            None => self.end(step, cause),
            Some(Some(tx)) => step.transaction(TxCommand::Cancel { tx, reason }),
            Some(None) => self.answer_in_ack(step, None),
        }
    }

    pub(crate) fn rung_out(&mut self, step: &mut Step<'_, '_, '_>) {
        self.cancel(step, EndCause::new(By::Network, EndReason::NoAnswer), None);
    }
}

impl Placing {
    /// The next way out of the account after a proxy that cannot be reached, is silent or overloaded (RFC 3263 §4.3); `None`
    /// once there was a provisional response, because the call might then alert twice.
    fn next_way(&mut self, cause: &EndCause) -> Option<WayOut> {
        let passes = match &cause.reason {
            EndReason::NoRoute(_) | EndReason::Unreachable | EndReason::NoAnswer => true,
            EndReason::Refused(status) => *status == StatusCode::SERVICE_UNAVAILABLE,
            EndReason::Redirected { .. }
            | EndReason::Bye
            | EndReason::Cancelled
            | EndReason::Gone
            | EndReason::NoAck
            | EndReason::NoPrack
            | EndReason::SessionExpired
            | EndReason::NotAcceptable
            | EndReason::Overload => false,
        };
        if passes && !self.proceeding { self.ways.pop_front() } else { None }
    }

    fn is_calling(&self, tx: TxId) -> bool {
        matches!(self.stage, Stage::Calling { tx: ours } if ours == tx)
    }

    /// The INVITE has gone out again.
    pub(crate) fn calls_again(&mut self, tx: TxId) {
        self.stage = Stage::Calling { tx };
        self.proceeding = false;
    }

    /// The early dialogs, while there is nothing but early ones.
    pub(crate) fn early_dialogs(&self) -> &[Early] {
        match self.stage {
            Stage::Calling { .. } => self.early.all(),
            Stage::Routing
            | Stage::Describing { .. }
            | Stage::Acknowledging { .. }
            | Stage::Answering { .. } => &[],
        }
    }

    /// Whether it ends before it is up: by our CANCEL, or by their BYE.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some() || self.left.is_some()
    }

    /// Whether it was cancelled by us.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.ending.is_some()
    }

    pub(crate) fn is_offerless(&self) -> bool {
        self.invite.offerless
    }
}

fn refused(status: StatusCode, message: &Message) -> EndCause {
    let reason = if status.is_redirection() {
        EndReason::Redirected { status, contacts: contacts(message) }
    } else {
        EndReason::Refused(status)
    };
    let details = [HeaderId::RetryAfter, HeaderId::Warning]
        .into_iter()
        .filter_map(|id| Some((id, message.first(id)?.into())))
        .collect();
    EndCause { by: By::Remote, reason, header: message.first(HeaderId::Reason).map(Into::into), details }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §25.1, `qvalue`: up to three digits behind the point.
    #[test]
    fn a_quality_is_read_in_thousandths_and_what_is_none_counts_as_one() {
        for (text, thousandths) in [("0", 0), ("0.", 0), ("0.5", 500), ("0.05", 50), ("0.123", 123)] {
            assert_eq!(quality(Some(text)), thousandths, "{text}");
        }
        for text in ["1", "1.0", "0.5555", "0.5x", "0.+5", "x", "", "2"] {
            assert_eq!(quality(Some(text)), 1000, "{text}");
        }
        assert_eq!(quality(None), 1000);
    }
}
