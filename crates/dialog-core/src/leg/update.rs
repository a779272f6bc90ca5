//! Our UPDATE (RFC 3311 §5.1, §5.3): a new offer in an early dialog, or the refresh of a session.

use std::time::Duration;

use bytes::Bytes;
use sip_message::{Message, Method, StatusCode};
use sip_transport::{Hops, RouteError};
use transaction_core::{TxFailure, TxId};

use crate::{
    boundary::leg::{By, EndCause, EndReason, LegEvent, ReofferError, Turn},
    dialog::Dialog,
    offers::{Carrier, Event, Offers, Side},
    pending::{Ask, Client, EarlyId, Errand},
    respond::SDP,
    scope::{Scope, scope_of},
    state::DialogState,
    step::Step,
    timer::LegTimer,
};

use super::{Leg, reoffer::LONGEST_RETRY, session_timer::RETRIES, updated::Theirs};

/// The UPDATEs of one dialog: at most one of ours, and one of theirs that waits for its answer.
#[derive(Debug, Default)]
pub(crate) struct Updating {
    ours: Ours,
    pub(crate) theirs: Option<Theirs>,
    /// How often the current refresh was sent again.
    retries: u8,
    /// Whether the delay runs after which a refresh goes again.
    waiting: bool,
}

/// Our UPDATE.
#[derive(Debug, Default)]
enum Ours {
    #[default]
    Idle,
    /// The route is looked for.
    Routing { offer: bool },
    /// The offer is made.
    Describing { hops: Hops },
    /// It was sent.
    Calling {
        tx: TxId,
        offer: bool,
        /// Whether it refreshes the session: sent when the call was up (RFC 4028 §7.4).
        refreshes: bool,
    },
}

impl Dialog {
    fn updating(&mut self) -> &mut Updating {
        self.updating.get_or_insert_default()
    }

    /// The early dialog in which an UPDATE of ours goes; `None` in one that is confirmed, or where we are called.
    fn session_id(&self) -> Option<EarlyId> {
        match &self.leg {
            Some(Leg::Placing(placing)) if self.is_unconfirmed() => placing.early.followed,
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => None,
        }
    }

    /// The dialog in which an UPDATE of ours goes: of a call that we place, the early dialog that is followed.
    fn session(&mut self) -> Option<(&mut DialogState, &mut Offers)> {
        let unconfirmed = self.is_unconfirmed();
        match &mut self.leg {
            Some(Leg::Placing(placing)) if unconfirmed => {
                let early = placing.early.get_mut(placing.early.followed?)?;
                Some((&mut early.state, &mut early.offers))
            }
            Some(Leg::Placing(_) | Leg::Answering(_) | Leg::Up(_) | Leg::Ending(_)) | None => {
                Some((&mut self.state, &mut self.offers))
            }
        }
    }

    /// Whether a description is wanted for an UPDATE or PRACK.
    pub(crate) fn is_update_describing(&self) -> bool {
        self.is_our_update_describing() || self.updating.as_ref().is_some_and(|it| it.theirs.is_some())
    }

    pub(crate) fn is_our_update_describing(&self) -> bool {
        self.updating.as_ref().is_some_and(|it| matches!(it.ours, Ours::Describing { .. }))
    }

    /// Whether an UPDATE of ours can begin.
    pub(crate) fn is_update_idle(&self) -> bool {
        self.updating.as_ref().is_none_or(|it| matches!(it.ours, Ours::Idle) && !it.waiting)
    }

    pub(crate) fn describe_update(&mut self, step: &mut Step<'_, '_, '_>, body: Result<Bytes, StatusCode>) {
        if self.updating().theirs.is_some() {
            return self.describe_updated(step, body);
        }
        if let Ours::Describing { hops } = std::mem::take(&mut self.updating().ours) {
            match body {
                Ok(body) => self.send_update(step, hops, Some(body)),
                Err(_) => self.settle_update(step, Err(ReofferError::Description)),
            }
        }
    }

    /// Whether a wish for a new offer may go by UPDATE, because the call is not up.
    pub(crate) fn may_offer_early(&mut self) -> bool {
        let usable = match &self.leg {
            Some(Leg::Placing(placing)) => !placing.is_cancelled() && self.is_unconfirmed(),
            Some(Leg::Answering(_)) => !self.is_outstanding(),
            Some(Leg::Up(_) | Leg::Ending(_)) | None => false,
        };
        usable
            && self.session().is_some_and(|(state, offers)| {
                matches!(offers, Offers::Agreed | Offers::Ours | Offers::Theirs)
                    && state.peer.names(&Method::Update)
            })
    }

    /// Begins the UPDATE for the wish, if nothing is in its way.
    pub(super) fn try_update(&mut self, step: &mut Step<'_, '_, '_>) {
        let room = self.is_update_idle() && self.is_offer_wanted();
        if !room || matches!(self.leg, None | Some(Leg::Up(_) | Leg::Ending(_))) {
            return;
        }
        let fits = self
            .session()
            .is_some_and(|(state, offers)| *offers == Offers::Agreed && state.peer.names(&Method::Update));
        if fits {
            self.begin_update(step, true);
        }
    }

    /// The wish of an UPDATE, or one that waits for its way, has run out of time. What is in flight goes on.
    pub(crate) fn withdraw_update(&mut self) {
        let Some(updating) = &mut self.updating else { return };
        match &mut updating.ours {
            ours @ (Ours::Describing { .. } | Ours::Routing { offer: true }) => *ours = Ours::Idle,
            Ours::Calling { .. } | Ours::Routing { offer: false } | Ours::Idle => {}
        }
    }

    /// Asks for the way of an UPDATE, with an offer or to refresh.
    pub(crate) fn begin_update(&mut self, step: &mut Step<'_, '_, '_>, offer: bool) {
        let (id, early) = (self.id, self.session_id());
        let Some((state, _)) = self.session() else { return };
        step.route(Errand::Dialog(id, Ask::Update { early }), &state.path, state.flow);
        self.updating().ours = Ours::Routing { offer };
    }

    pub(crate) fn update_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        early: Option<EarlyId>,
        result: Result<Hops, RouteError>,
    ) {
        // The way of another early dialog, that was followed when it was asked for.
        if early != self.session_id() {
            return;
        }
        let Some(Updating { ours: Ours::Routing { offer }, .. }) = self.updating.as_deref() else { return };
        let offer = *offer;
        self.updating().ours = Ours::Idle;
        if offer {
            self.carry_wish();
        }
        let Some((first, hops)) = result.ok().and_then(|hops| Some((*hops.first()?, hops))) else {
            return self.update_unreachable(step, offer);
        };
        let agreed = self.session().is_some_and(|(_, offers)| *offers == Offers::Agreed);
        match offer {
            false => self.send_update(step, hops, None),
            true if agreed => {
                let remotes = hops.iter().map(|hop| hop.remote).collect();
                self.updating().ours = Ours::Describing { hops };
                let local = first.local;
                self.tell(step, LegEvent::NeedDescription { turn: Turn::Offer, local, remotes });
            }
            // An offer of theirs was faster; ours follows.
            true => self.take_back_wish(step, None),
        }
    }

    fn send_update(&mut self, step: &mut Step<'_, '_, '_>, hops: Hops, body: Option<Bytes>) {
        let (id, timer, contact) = (self.id, self.session_timer, self.state.contact.clone());
        let confirmed = matches!(self.leg, Some(Leg::Up(_)));
        let Some((state, offers)) = self.session() else { return };
        let Some(draft) = state.next(Method::Update) else {
            return self.update_unreachable(step, body.is_some());
        };
        let draft = contact.on_request(step.capable(draft));
        let draft = if confirmed { timer.ask_again(step.config, draft) } else { draft };
        let offer = body.is_some();
        let draft = match body {
            Some(body) => {
                offers.take(Event::Offer(Side::Ours, Carrier::Update));
                draft.body(SDP, body)
            }
            None => draft,
        };
        let tx = step.request(Client::Update(id), hops, draft);
        self.updating().ours = Ours::Calling { tx, offer, refreshes: confirmed };
    }

    /// Takes our UPDATE out of flight; whether it holds an offer, and whether it refreshes.
    fn take_ours(&mut self, tx: TxId) -> Option<(bool, bool)> {
        let updating = self.updating.as_mut()?;
        match updating.ours {
            Ours::Calling { tx: ours, offer, refreshes } if ours == tx => {
                updating.ours = Ours::Idle;
                Some((offer, refreshes))
            }
            Ours::Calling { .. } | Ours::Idle | Ours::Routing { .. } | Ours::Describing { .. } => None,
        }
    }

    /// The transaction of our UPDATE, if it is still wanted.
    pub(crate) fn update_slot(&mut self, tx: TxId) -> Option<&mut TxId> {
        let wanted = self.is_wish_carried();
        match &mut self.updating.as_mut()?.ours {
            Ours::Calling { tx: ours, offer, .. } if *ours == tx && (wanted || !*offer) => Some(ours),
            Ours::Calling { .. } | Ours::Idle | Ours::Routing { .. } | Ours::Describing { .. } => None,
        }
    }

    /// The final response to our UPDATE.
    pub(crate) fn update_response(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, message: &Message) {
        let Some(status) = message.status() else { return };
        let Some((offer, refreshes)) = self.take_ours(tx) else { return };
        if !status.is_success() {
            return self.update_refused(step, offer, status, message);
        }
        if refreshes && matches!(self.leg, Some(Leg::Up(_))) {
            self.session_timer.answered(step.config, message);
            self.arm_session(step);
        }
        let Some((state, offers)) = self.session() else { return };
        state.refresh(message);
        let answer = Some(message.body_bytes()).filter(|body| offer && !body.is_empty());
        match answer {
            Some(body) => {
                offers.take(Event::Answer(Side::Theirs));
                self.tell(step, LegEvent::Described { turn: Turn::Answer, body });
                self.settle_update(step, Ok(()));
            }
            None if offer => {
                self.roll_back_update(step);
                self.settle_update(step, Err(ReofferError::Description));
            }
            None => self.update_settled(step),
        }
    }

    fn roll_back_update(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some((_, offers)) = self.session() {
            offers.take(Event::Void);
        }
        self.tell(step, LegEvent::RolledBack);
    }

    fn update_refused(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        offer: bool,
        status: StatusCode,
        message: &Message,
    ) {
        if offer {
            self.roll_back_update(step);
        }
        let wanted = !offer || self.is_wish_carried();
        if wanted && status == StatusCode::REQUEST_PENDING {
            let delay = self.glare_delay(step);
            return self.update_later(step, offer, delay);
        }
        let may = wanted && self.update_retries(offer).is_some_and(|retries| *retries < RETRIES);
        let raised = may && self.session_timer.is_raised_by(message);
        let asked = message.retry_after().ok().flatten().map(|retry| retry.seconds);
        let asked = asked.filter(|seconds| {
            may && status == StatusCode::SERVER_INTERNAL_ERROR && *seconds <= LONGEST_RETRY
        });
        let delay = if raised { Some(0) } else { asked };
        if let (Some(seconds), Some(retries)) = (delay, self.update_retries(offer)) {
            *retries += 1;
            return self.update_later(step, offer, Duration::from_secs(seconds.into()));
        }
        let header = message.first(sip_message::HeaderId::Reason).map(Into::into);
        let gone = EndCause { by: By::Remote, reason: EndReason::Gone, header, details: Vec::new() };
        match scope_of(Method::Update, status) {
            Scope::Transaction if status == StatusCode::REQUEST_TIMEOUT => {
                self.update_lost(step, gone, false);
            }
            Scope::Transaction => {
                if offer {
                    self.settle_update(step, Err(ReofferError::Refused(status)));
                } else {
                    self.update_settled(step);
                    self.refresh_by_invite(step);
                }
            }
            Scope::Usage | Scope::Dialog => {
                self.update_lost(step, gone, status == StatusCode::CALL_DOES_NOT_EXIST);
                self.lose_usages(step, status);
            }
        }
    }

    /// Our UPDATE failed without an answer.
    pub(crate) fn update_failed(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, failure: TxFailure) {
        let Some((offer, _)) = self.take_ours(tx) else { return };
        if offer {
            self.roll_back_update(step);
        }
        match failure {
            TxFailure::Timeout => {
                self.update_lost(step, EndCause::new(By::Network, EndReason::Gone), false);
            }
            _ if offer => self.settle_update(step, Err(ReofferError::Unreachable)),
            _ => self.refresh_by_invite(step),
        }
    }

    fn update_unreachable(&mut self, step: &mut Step<'_, '_, '_>, offer: bool) {
        if offer {
            self.settle_update(step, Err(ReofferError::Unreachable));
        } else {
            self.refresh_by_invite(step);
        }
    }

    /// The dialog is taken for lost (RFC 3261 §12.2.1.2): ended by BYE, or without one where the peer says that it knows
    /// none. With an early dialog of ours its fork ends, and the INVITE goes on.
    fn update_lost(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause, unknown: bool) {
        match &self.leg {
            Some(Leg::Up(_)) if unknown => self.end(step, cause),
            Some(Leg::Up(_)) => self.close(step, cause, None),
            Some(Leg::Placing(_)) if self.is_unconfirmed() => self.early_lost(step, unknown),
            Some(Leg::Placing(_)) => self.cancel(step, cause, None),
            Some(Leg::Answering(_)) => {
                self.tell(step, LegEvent::Closing);
                self.refuse(step, StatusCode::SERVER_INTERNAL_ERROR, |response| response);
                self.end(step, cause);
            }
            Some(Leg::Ending(_)) | None => {}
        }
    }

    /// How often our UPDATE was sent again; `None` for one with an offer that nobody wishes for any more.
    fn update_retries(&mut self, offer: bool) -> Option<&mut u8> {
        if offer {
            self.carried_wish().map(|wish| &mut wish.retries)
        } else {
            Some(&mut self.updating().retries)
        }
    }

    fn update_later(&mut self, step: &mut Step<'_, '_, '_>, offer: bool, delay: Duration) {
        if offer {
            self.take_back_wish(step, Some(delay));
        } else if delay.is_zero() {
            self.begin_update(step, false);
        } else {
            self.updating().waiting = true;
            self.arm(step, LegTimer::UpdateGlare, delay);
        }
    }

    /// The delay is over.
    pub(crate) fn update_again(&mut self, step: &mut Step<'_, '_, '_>) {
        if std::mem::take(&mut self.updating().waiting) {
            self.begin_update(step, false);
        }
    }

    /// Our UPDATE with an offer is over: answers its wish, unless that was done before.
    fn settle_update(&mut self, step: &mut Step<'_, '_, '_>, result: Result<(), ReofferError>) {
        self.answer_wish(step, result);
        self.update_settled(step);
    }

    /// Goes on with what waited for an UPDATE to be over.
    pub(crate) fn update_settled(&mut self, step: &mut Step<'_, '_, '_>) {
        let updating = self.updating();
        if matches!(updating.ours, Ours::Idle) {
            updating.retries = 0;
        }
        self.watch_wishes(step);
        match &self.leg {
            Some(Leg::Up(_)) => self.proceed(step),
            Some(Leg::Answering(_)) => {
                self.provisional_settled(step);
                self.try_update(step);
            }
            Some(Leg::Placing(_)) => self.try_update(step),
            Some(Leg::Ending(_)) | None => {}
        }
    }

    /// Whether an UPDATE with an offer of ours is under way, so that no INVITE may begin.
    pub(crate) fn is_update_offering(&self) -> bool {
        let ours = self.updating.as_ref().map(|updating| &updating.ours);
        matches!(ours, Some(Ours::Describing { .. } | Ours::Calling { offer: true, .. }))
    }

    /// The call is up: a wish whose UPDATE was not sent yet goes by re-INVITE.
    pub(crate) fn leave_early(&mut self, step: &mut Step<'_, '_, '_>) {
        if !self.is_update_offering() {
            self.withdraw_update();
            self.take_back_wish(step, None);
        }
    }

    /// The fork whose session was followed is not the one that goes on: our UPDATE in it interests nobody, and its wish
    /// waits.
    pub(crate) fn drop_early_updates(&mut self, step: &mut Step<'_, '_, '_>) {
        self.terminate_theirs(step);
        if let Some(updating) = &mut self.updating {
            updating.ours = Ours::Idle;
        }
        self.take_back_wish(step, None);
    }

    /// The leg ends: lets go of all UPDATEs.
    pub(crate) fn give_up_updates(&mut self, step: &mut Step<'_, '_, '_>) {
        self.terminate_theirs(step);
        let Some(updating) = self.updating.take() else { return };
        if let Ours::Calling { offer: true, .. } = updating.ours {
            self.tell(step, LegEvent::RolledBack);
        }
    }
}
