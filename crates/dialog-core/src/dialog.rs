//! A dialog with its usages: at most one INVITE usage (the leg) and some subscriptions (RFC 5057).

use std::{sync::Arc, time::Duration};

use sip_message::{Draft, Method};
use sip_transport::{Hops, RouteError, Tick};

use crate::{
    boundary::{
        leg::{EndCause, LegEvent, LegId},
        request::RequestId,
    },
    leg::{
        Leg, reliable::Reliable, session_timer::SessionTimer, up::Exchange, update::Updating, wishes::Wishes,
    },
    offers::Offers,
    pending::{Ask, Errand},
    state::DialogState,
    step::Step,
    subscription::Subscription,
    timer::LegTimer,
};

/// Most subscriptions in one dialog. Peers run one transfer at a time per call; a few more may overlap
/// while their last NOTIFYs are under way.
pub(crate) const SUBSCRIPTIONS_PER_DIALOG: usize = 8;

/// Most requests of [`Ask::Request`] in one dialog that were not sent yet: a burst of digits typed before the ACK.
pub(crate) const REQUESTS_PER_DIALOG: usize = 16;

/// Most requests that wait for an ACK or for the end of an INVITE: at most a REFER or NOTIFY and a SUBSCRIBE
/// per subscription, and the others.
pub(crate) const WAITING: usize = 2 * SUBSCRIPTIONS_PER_DIALOG + REQUESTS_PER_DIALOG;

/// A dialog; it lives until its last usage is gone (TR-240).
#[derive(Debug)]
pub(crate) struct Dialog {
    /// The leg's id is the dialog's too, and stands in its tag. A dialog without a leg has an id of the same series, and
    /// one that a fork has made has another one than its tag: see [`Birth::Ours`].
    pub(crate) id: LegId,
    pub(crate) birth: Birth,
    pub(crate) state: DialogState,
    pub(crate) leg: Option<Leg>,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Requests that must not be sent now.
    pub(crate) waiting: Vec<Ask>,
    /// The requests of other methods that were not sent yet, at most [`REQUESTS_PER_DIALOG`].
    pub(crate) unsent: Vec<RequestId>,
    /// Whether the dialog was ever confirmed; only then it leaves a tombstone.
    pub(crate) confirmed: bool,
    /// Whether a REFER was sent: later ones are told apart by `id` (RFC 3515 §2.4.6).
    pub(crate) referred: bool,
    /// Whether a REFER was received.
    pub(crate) was_referred: bool,
    /// The user who has proved by digest to be the peer.
    pub(crate) verified_user: Option<Arc<str>>,
    /// When the leg ended.
    pub(crate) ended_at: Option<Tick>,
    /// The call of theirs that came last to replace this one. It counts while it lives: ids are never used again, so
    /// that nothing has to be taken back when it is refused.
    pub(crate) replaced_by: Option<LegId>,
    /// After the end of the leg: until when our subscriptions are kept at most.
    pub(crate) grace: Option<Tick>,
    /// Who may offer now; of a call of ours that is not up, each early dialog has its own.
    pub(crate) offers: Offers,
    /// What is wished of the session; `None` while nothing is.
    pub(crate) wishes: Option<Box<Wishes>>,
    /// The UPDATEs under way; `None` before the first one.
    pub(crate) updating: Option<Box<Updating>>,
    /// Our reliable provisional responses; `None` before the first one.
    pub(crate) reliable: Option<Box<Reliable>>,
    pub(crate) session_timer: SessionTimer,
    /// Our PRACKs under way.
    pub(crate) pracks: u8,
    timers: TimerSet,
}

/// What has made a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Birth {
    /// An INVITE.
    Invite,
    /// A SUBSCRIBE or REFER of ours outside of calls.
    Ours {
        /// The id in our tag: that of the dialog which the request was sent for, in a fork too.
        tag: LegId,
        /// When it was asked for.
        at: Tick,
        /// Whether a NOTIFY has come, which is what makes the dialog (RFC 6665 §4.4.1, TR-051).
        noted: bool,
    },
    /// A SUBSCRIBE or REFER of theirs outside of calls.
    Theirs,
}

/// Which timers of the leg are armed, so that no needless disarming goes out.
#[derive(Debug, Default, Clone, Copy)]
struct TimerSet(u16);

impl TimerSet {
    const ALL: [LegTimer; 11] = [
        LegTimer::Ring,
        LegTimer::Answer,
        LegTimer::Ack,
        LegTimer::Glare,
        LegTimer::Reoffer,
        LegTimer::Alert,
        LegTimer::Reliable,
        LegTimer::Prack,
        LegTimer::Update,
        LegTimer::UpdateGlare,
        LegTimer::Session,
    ];

    fn set(&mut self, timer: LegTimer) {
        self.0 |= 1 << timer as u8;
    }

    fn take(&mut self, timer: LegTimer) -> bool {
        let bit = 1 << timer as u8;
        let was = self.0 & bit != 0;
        self.0 &= !bit;
        was
    }
}

impl Dialog {
    pub(crate) fn new(id: LegId, state: DialogState, leg: Leg) -> Self {
        Self { leg: Some(leg), ..Self::without_leg(id, state, Birth::Invite) }
    }

    /// A dialog that is made by something other than an INVITE; there is never a leg in it.
    pub(crate) fn without_leg(id: LegId, state: DialogState, birth: Birth) -> Self {
        Self {
            id,
            birth,
            state,
            leg: None,
            subscriptions: Vec::new(),
            waiting: Vec::new(),
            unsent: Vec::new(),
            confirmed: false,
            referred: false,
            was_referred: false,
            verified_user: None,
            ended_at: None,
            replaced_by: None,
            grace: None,
            offers: Offers::New,
            wishes: None,
            updating: None,
            reliable: None,
            session_timer: SessionTimer::default(),
            pracks: 0,
            timers: TimerSet::default(),
        }
    }

    /// Whether the leg has ended, but not so long ago that it is forgotten (catalogue T-TOMB).
    pub(crate) fn is_remembered(&self, now: Tick, memory: Duration) -> bool {
        self.leg.is_none() && self.ended_at.is_some_and(|at| now.since(at) < memory)
    }

    /// Whether no usage is left.
    pub(crate) fn is_over(&self) -> bool {
        self.leg.is_none() && self.subscriptions.is_empty()
    }

    /// Whether requests of a subscription of ours may still go out: the call is up, or it is none.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.leg, Some(Leg::Up(_))) || self.birth != Birth::Invite
    }

    pub(crate) fn tell(&self, step: &mut Step<'_, '_, '_>, event: LegEvent) {
        step.leg(self.id, event);
    }

    pub(crate) fn arm(&mut self, step: &mut Step<'_, '_, '_>, timer: LegTimer, after: Duration) {
        self.timers.set(timer);
        step.arm_leg(self.id, timer, after);
    }

    pub(crate) fn disarm(&mut self, step: &mut Step<'_, '_, '_>, timer: LegTimer) {
        if self.timers.take(timer) {
            step.disarm_leg(self.id, timer);
        }
    }

    /// Notes that a timer has run out; `false` if it was not armed.
    pub(crate) fn expired(&mut self, timer: LegTimer) -> bool {
        self.timers.take(timer)
    }

    /// Asks for the route of a request in this dialog.
    pub(crate) fn ask(&self, step: &mut Step<'_, '_, '_>, ask: Ask) {
        step.route(Errand::Dialog(self.id, ask), &self.state.path, self.state.flow);
    }

    /// Starts a numbered request; `None` when the numbers have run out.
    pub(crate) fn next(&mut self, method: Method) -> Option<Draft> {
        self.state.next(method)
    }

    /// Sends a REFER, NOTIFY, SUBSCRIBE or other request as soon as the dialog allows it.
    ///
    /// Nothing of ours goes out before the peer has acknowledged our first 2xx, because it may not have got
    /// it (RFC 3261 §13.3.1.4); a REFER waits for any INVITE as well (TR-251).
    pub(crate) fn send(&mut self, step: &mut Step<'_, '_, '_>, ask: Ask) {
        if !self.may_send(ask) {
            debug_assert!(self.waiting.len() < WAITING, "bounded by the subscriptions of the dialog");
            self.waiting.push(ask);
        } else {
            self.ask(step, ask);
        }
    }

    fn may_send(&self, ask: Ask) -> bool {
        match &self.leg {
            None => true,
            Some(Leg::Ending(ending)) => ending.ack_missing.is_none(),
            Some(Leg::Placing(_) | Leg::Answering(_)) => false,
            Some(Leg::Up(up)) => match (&up.exchange, ask) {
                (Exchange::Idle, _) => true,
                (Exchange::TheirsAccepted(accepted), _) if accepted.first => false,
                (_, Ask::Refer(_)) => false,
                (_, _) => true,
            },
        }
    }

    /// Sends what was waiting and may go now.
    pub(crate) fn flush(&mut self, step: &mut Step<'_, '_, '_>) {
        for ask in std::mem::take(&mut self.waiting) {
            self.send(step, ask);
        }
    }

    /// Takes the answer to a route question.
    pub(crate) fn routed(&mut self, step: &mut Step<'_, '_, '_>, ask: Ask, result: Result<Hops, RouteError>) {
        match ask {
            Ask::Place => self.place_routed(step, result),
            Ask::Ack => self.ack_routed(step, result),
            Ask::Reoffer => self.reoffer_routed(step, result),
            Ask::ReofferAck => self.reoffer_ack_routed(step, result),
            Ask::Bye => self.bye_routed(step, result),
            Ask::Refer(subscription) => self.refer_routed(step, subscription, result),
            Ask::Notify(subscription) => self.notify_routed(step, subscription, result),
            Ask::Subscribe(subscription) => self.subscribe_routed(step, subscription, result),
            Ask::Request(request) => self.request_routed(step, request, result),
            Ask::Prack { early, rseq, cseq } => self.prack_routed(step, early, rseq, cseq, result),
            Ask::Update { early } => self.update_routed(step, early, result),
        }
    }

    /// Ends the leg: its timers, its transactions, its wishes; then says so. Subscriptions live on.
    pub(crate) fn end(&mut self, step: &mut Step<'_, '_, '_>, cause: EndCause) {
        let Some(leg) = self.leg.take() else { return };
        self.ended_at = Some(step.cx.now);
        for timer in TimerSet::ALL {
            self.disarm(step, timer);
        }
        self.give_up_updates(step);
        if let Leg::Up(up) = leg {
            self.give_up_exchange(step, *up);
        }
        self.give_up_wishes(step);
        self.decline_undecided(step);
        self.abandon_unsent(step);
        self.abandon_requests(step);
        self.begin_grace(step);
        self.flush(step);
        self.tell(step, LegEvent::Ended(cause));
    }
}
