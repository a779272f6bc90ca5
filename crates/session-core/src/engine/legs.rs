//! What the dialog layer tells: calls come and go, offers are settled.

use dialog_core::{
    DialogEvent, EndCause, EndReason, IncomingCall, LegCommand, LegEvent, LegId, Misuse, ReofferError,
    SubscriptionEvent, Turn,
};
use sip_message::StatusCode;

use super::{
    CallHandling, Delivery, Engine, EngineTimer, Output, Reply, Tap,
    session::{OpenOffer, Party, RETRY_AFTER, Session, UNDECIDED, Waiter, Wish, reoffer_failure},
};
use crate::{
    error::{SessionError, SessionState},
    event::{EventKind, SessionId},
};

impl<T: Tap> Engine<T> {
    pub(super) fn dialog_event(&mut self, event: &DialogEvent) {
        let DialogEvent::Leg(leg, about) = event else {
            if let DialogEvent::Registration(registration, event) = event {
                self.registration_event(*registration, event);
            }
            if let DialogEvent::Subscription(_, SubscriptionEvent::Misused(misuse)) = event {
                tracing::debug!(?misuse, "a subscription command did not fit");
            }
            self.inform_transfers(event);
            return;
        };
        let (leg, id) = (*leg, SessionId::from(leg.number()));
        match about {
            LegEvent::Incoming(call) if call.replacing.is_some() => self.incoming_in_place(leg, call),
            LegEvent::Incoming(call) => self.incoming(leg, call),
            LegEvent::Described { turn, body } => {
                if !self.keep_offer(id, body) {
                    self.described(id, *turn, body);
                }
                if *turn == Turn::Offer {
                    self.deliver_or_refuse(id);
                }
            }
            LegEvent::NeedDescription { turn, local, remotes } => self.describe(id, *turn, *local, remotes),
            LegEvent::RolledBack => {
                if let Some(negotiation) =
                    self.sessions.get_mut(&id).and_then(|session| session.negotiation.as_mut())
                {
                    negotiation.rollback();
                }
            }
            LegEvent::Reopened => {
                if let Some(session) = self.sessions.get_mut(&id)
                    && let OpenOffer::Answered(open) = std::mem::replace(&mut session.open, OpenOffer::Early)
                {
                    session.negotiation = Some(*open);
                }
            }
            LegEvent::Provisional { status, described } => {
                if let Some(session) = self.sessions.get_mut(&id)
                    && *described
                    && matches!(session.open, OpenOffer::None)
                {
                    session.open = OpenOffer::Early;
                }
                self.tell(Some(id), None, EventKind::Ringing { status: *status });
            }
            LegEvent::Up(established) => {
                let mut unseen = None;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.state = SessionState::Established;
                    session.open = OpenOffer::None;
                    session.party = Party::Met(established.remote.clone());
                    unseen = session.unseen.take();
                }
                let peer = established.remote.uri.as_str().to_owned();
                self.tell(Some(id), None, EventKind::Established { peer, placed: established.placed });
                if unseen.is_some() {
                    // It may have been held from its beginning.
                    self.tell_hold(id);
                }
            }
            // The transfer layer hears only of the offers that it waits for.
            LegEvent::Reoffered(result) => {
                if let Some(result) = self.reoffered(id, *result) {
                    self.inform_transfers(&DialogEvent::Leg(leg, LegEvent::Reoffered(result)));
                }
                return;
            }
            LegEvent::Acknowledged => {}
            LegEvent::Changed => {
                self.apply_media(id);
                self.tell_hold(id);
            }
            LegEvent::Closing => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.state = SessionState::Ending;
                }
                self.close_media(id);
            }
            LegEvent::Ended(cause) => self.ended(id, cause),
            LegEvent::Misused(misuse) => self.misused(id, *misuse),
        }
        self.inform_transfers(event);
    }

    fn inform_transfers(&mut self, event: &DialogEvent) {
        self.transfers.receive(&mut self.surroundings.cx(), event, &mut self.from_transfers.out());
    }

    fn incoming(&mut self, leg: LegId, call: &IncomingCall) {
        let id = SessionId::from(leg.number());
        if self.takes_new().is_err() {
            self.ask_leg(
                leg,
                LegCommand::Reject { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: None },
            );
            return;
        }
        if self.sessions.len() >= self.config.max_calls {
            self.ask_leg(leg, LegCommand::Reject { status: StatusCode::BUSY_HERE, retry_after: None });
            return;
        }
        let from = call.from.uri.clone();
        let mut session = Session::new(leg, SessionState::Incoming, from, self.config.source.clone());
        session.undelivered = Some(Box::new(call.clone()));
        session.registration = call.registration;
        session.device = Some(Self::own_device(id));
        self.sessions.insert(id, Box::new(session));
        if !self.prepare_media(id, call.local.ip()) {
            let retry_after = u32::try_from(RETRY_AFTER.as_secs()).ok();
            self.ask_leg(leg, LegCommand::Reject { status: StatusCode::SERVICE_UNAVAILABLE, retry_after });
            return;
        }
        self.tell(
            Some(id),
            None,
            EventKind::IncomingCall {
                from: call.from.uri.as_str().to_owned(),
                to: call.request_uri.as_str().to_owned(),
            },
        );
        if !call.has_offer {
            self.deliver_or_refuse(id);
        }
    }

    /// Shows a new call to the application, or answers it without one, once its offer is known to be usable.
    fn deliver_or_refuse(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(call) = session.undelivered.take() else { return };
        let leg = session.leg;
        match session.offer {
            Err(status) if call.has_offer => {
                self.ask_leg(leg, LegCommand::Reject { status, retry_after: None });
            }
            Ok(()) | Err(_) if self.config.calls == CallHandling::AnsweredAtOnce => {
                let contact_user = self.config.contact_user.clone();
                self.ask_leg(leg, LegCommand::Accept { contact_user });
            }
            Ok(()) | Err(_) => {
                self.timers.arm(self.surroundings.now, EngineTimer::Undecided(id), UNDECIDED);
                self.outputs.push_back(Output::Deliver(Delivery::Call { session: id, call }));
            }
        }
    }

    /// Refuses a call that the application has left undecided for too long.
    pub(super) fn give_up_undecided(&mut self, id: SessionId) {
        if let Some(session) =
            self.sessions.get(&id).filter(|session| session.state == SessionState::Incoming)
        {
            let leg = session.leg;
            self.ask_leg(
                leg,
                LegCommand::Reject { status: StatusCode::TEMPORARILY_UNAVAILABLE, retry_after: None },
            );
        }
    }

    /// Settles an offer of ours; what the transfer layer is to be told, if it waited for it.
    fn reoffered(
        &mut self,
        id: SessionId,
        result: Result<(), ReofferError>,
    ) -> Option<Result<(), ReofferError>> {
        let Some(session) = self.sessions.get_mut(&id) else { return Some(result) };
        let served = session.settled_wishes(result);
        let later = session.wishes.iter().rev().find_map(|wish| wish.held);
        let about_hold = served.iter().any(|wish| wish.held.is_some());
        if let (Err(_), true, Some(negotiation)) = (result, about_hold, &mut session.negotiation) {
            // What failed is not wished for any more, and nobody shall find it in the next offer (TR-224). An offer without
            // a wish only mends what a late answer did. A transfer that takes a party back goes on wishing for it: the
            // transfer may be over, and nobody else would (invariant 4 of the catalogue's §2.7).
            let taken_back =
                served.iter().any(|wish| wish.waiter == Waiter::Transfer && wish.held == Some(false));
            let wished = later.unwrap_or(negotiation.local_hold() && !taken_back);
            negotiation.desire(wished);
        }
        let state = session.hold_state();
        if result.is_ok() {
            self.apply_media(id);
            self.tell_hold(id);
        }
        // An answer of ours to an offer of theirs has put the hold in force, and the transfer has to know what to resume.
        let is_held_by_answer = matches!(result, Err(ReofferError::Unreachable | ReofferError::Description))
            && state.is_some_and(|state| state.local);
        let (mut for_transfer, mut not_passed_on) = (None, None);
        for Wish { waiter, held, .. } in served {
            match waiter {
                // A later wish may have overtaken it.
                Waiter::Transfer if result.is_ok() && state.is_none_or(|state| Some(state.local) != held) => {
                    for_transfer = Some(Err(ReofferError::Description));
                }
                Waiter::Transfer if held == Some(true) && is_held_by_answer => for_transfer = Some(Ok(())),
                Waiter::Transfer => for_transfer = Some(result),
                Waiter::Bridge => not_passed_on = result.err(),
                Waiter::Command(command) => {
                    let answer = match (result, state) {
                        (Ok(()), Some(state)) => Ok(Reply::Hold(state)),
                        (Ok(()), None) => Err(SessionError::Media(crate::MediaError::NotConfigured)),
                        (Err(error), _) => Err(SessionError::Reoffer(reoffer_failure(error))),
                    };
                    self.reply(command, answer.map_err(Into::into));
                }
            }
        }
        if let Some(error) = not_passed_on {
            self.not_passed_on(id, error);
        }
        for_transfer
    }

    pub(super) fn tell_hold(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(state) = session.hold_state() else { return };
        let now = (state.local, state.remote);
        if std::mem::replace(&mut session.told, now) != now {
            self.tell(Some(id), None, EventKind::HoldChanged { local: now.0, remote: now.1 });
        }
        self.pass_hold_on(id);
    }

    pub(super) fn ended(&mut self, id: SessionId, cause: &EndCause) {
        self.close_media(id);
        let Some(mut session) = self.sessions.remove(&id) else { return };
        self.timers.disarm(&EngineTimer::Undecided(id));
        for wish in std::mem::take(&mut session.wishes) {
            if let Waiter::Command(command) = wish.waiter {
                self.reply(command, Err(SessionError::Ended(cause.clone()).into()));
            }
        }
        for command in std::mem::take(&mut session.enders) {
            self.reply(command, Ok(Reply::Done));
        }
        if session.unseen.is_none() {
            self.tell(Some(id), None, EventKind::CallEnded { cause: cause.clone() });
        }
    }

    fn misused(&mut self, id: SessionId, misuse: Misuse) {
        tracing::debug!(session = %id, ?misuse, "a leg command did not fit");
        // A leg that the dialog layer does not know must not stay here as a call that cannot end.
        if misuse == Misuse::Unknown && self.sessions.contains_key(&id) {
            let cause = EndCause {
                by: dialog_core::By::Local,
                reason: EndReason::Overload,
                header: None,
                details: Vec::new(),
            };
            self.ended(id, &cause);
        }
    }
}
