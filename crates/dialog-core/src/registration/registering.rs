//! One registration: its REGISTERs, what comes of them, and what it gives to the calls of its account.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sip_message::{HeaderId, Message, Method, StatusCode};
use sip_transport::{FlowId, Hops, Origin, Purpose, RouteError, Tick};
use transaction_core::{TxCommand, TxFailure};

use crate::{
    boundary::{
        leg::Misuse,
        registration::{Account, Registered, RegistrationEvent, RegistrationFailure, RegistrationId},
    },
    leg::placing::contacts,
    pending::{Client, Errand},
    step::Step,
    timer::RegistrationTimer,
};

use super::{
    Kept, Others,
    binding::{self, Ours},
    machine::{self, Action, Event, State},
    pace,
    ways::{self, Ways},
};

/// Most REGISTERs that follow each other at once, as 423, 439, 3xx and what does not answer ask for: one for each of the ways
/// that there can be, and a few. Beyond that it waits.
const AT_ONCE: u32 = (Account::REGISTRARS * Account::PROXIES + ways::REDIRECTIONS) as u32 + 4;

/// A registration.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(super) id: RegistrationId,
    pub(super) account: Box<Account>,
    call_id: Box<str>,
    tag: Box<str>,
    pub(super) user: Arc<str>,
    state: State,
    cseq: u32,
    pub(super) ways: Ways,
    /// The seconds that are asked for: those of the account, or more where the registrar wants more.
    expires: u32,
    /// Whether reg-id is sent: not after a first hop that has no support for it (439, RFC 5626 §11.6).
    outbound: bool,
    /// Failures in a row.
    failures: u32,
    /// REGISTERs in a row that were asked for by a response.
    at_once: u32,
    /// When the flow was first registered over.
    since: Tick,
    /// The flow of the binding; `None` when it is gone.
    pub(super) flow: Option<FlowId>,
    /// Whether the last REGISTER was not answered, so that the next one looks for a way of its own.
    silent: bool,
    /// Our Contact in the binding.
    contact: Option<String>,
    /// Until when the registrar may hold a binding of ours, whether we count on it or not.
    held: Tick,
    /// The flow that is kept for it.
    pub(super) kept: Option<Kept>,
    /// What the registrar told; `None` as long as no binding stands.
    pub(super) learnt: Option<Registered>,
}

/// What goes with an event.
#[derive(Debug, Default)]
struct Facts {
    failure: Option<RegistrationFailure>,
    retry_after: Option<Duration>,
    registered: Option<Registered>,
}

impl Facts {
    fn failure(failure: RegistrationFailure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

impl Registration {
    /// Begins one: its first REGISTER is on its way.
    pub(super) fn begin(step: &mut Step<'_, '_, '_>, id: RegistrationId, account: Box<Account>) -> Self {
        let mut random = || step.cx.random.next_u64();
        let call_id = format!("{:016x}{:016x}", random(), random()).into();
        let user = account.contact_user.clone().unwrap_or_else(|| format!("{:016x}", random()).into());
        let longest = step.config.registration.longest;
        let registration = Self {
            id,
            call_id,
            tag: step.cx.guard.token(Purpose::Tag, id.number()).as_str().into(),
            user,
            state: State::Registering,
            cseq: 0,
            ways: Ways::of(&account),
            expires: u32::try_from(account.expires.min(longest).as_secs()).unwrap_or(u32::MAX).max(1),
            outbound: account.reg_id.is_some(),
            account,
            failures: 0,
            at_once: 0,
            since: step.cx.now,
            flow: None,
            silent: false,
            contact: None,
            held: step.cx.now,
            kept: None,
            learnt: None,
        };
        registration.ask(step);
        registration
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub(super) fn is_bound(&self) -> bool {
        self.state.is_bound()
    }

    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }

    pub(super) fn renumbered(&mut self, number: u32) {
        self.cseq = number;
    }

    pub(super) fn refresh(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>) {
        self.act(step, others, Event::Refresh, Facts::default());
    }

    pub(super) fn unregister(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>) {
        self.at_once = 0;
        let event = if self.may_be_held(step) { Event::Unregister } else { Event::Abandon };
        self.act(step, others, event, Facts::default());
    }

    pub(super) fn misused(&self, step: &mut Step<'_, '_, '_>) {
        step.registration(self.id, RegistrationEvent::Misused(Misuse::State));
    }

    pub(super) fn expired(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        timer: RegistrationTimer,
    ) {
        let event = match timer {
            RegistrationTimer::Due => Event::Due,
            RegistrationTimer::Expiry => Event::Expired,
        };
        if (self.state, event) == (State::Registered, Event::Due) {
            // It has stood for as long as it was to: what failed before is past.
            self.failures = 0;
        }
        self.act(step, others, event, Facts::default());
    }

    /// Its flow is gone. One that broke soon after the registration is not made again at once, because the next would
    /// break as well (RFC 5626 §4.5).
    pub(super) fn flow_lost(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        flow: FlowId,
        remote: Option<SocketAddr>,
    ) {
        let other = remote.is_some_and(|remote| self.kept != Some((flow, remote)));
        if self.flow != Some(flow) || other {
            return;
        }
        self.flow = None;
        self.let_go(step, others);
        let stood = step.cx.now.since(self.since) >= step.config.registration.base;
        let event = if stood { Event::FlowLost } else { Event::FlowBroken };
        if stood {
            self.failures = 0;
        }
        self.act(step, others, event, Facts::failure(RegistrationFailure::Unreachable));
    }

    pub(super) fn routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        result: Result<Hops, RouteError>,
    ) {
        match (result, self.state) {
            // Nothing was sent yet, so nothing has to be waited for.
            (_, State::Leaving) => {
                let event = if self.may_be_held(step) { Event::Refused } else { Event::Rejected };
                self.act(step, others, event, Facts::default());
            }
            (Ok(hops), _) => self.send(step, hops),
            (Err(error), _) => self.failed_by(step, others, RegistrationFailure::NoRoute(error)),
        }
    }

    pub(super) fn failed(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>, failure: TxFailure) {
        let failure = match failure {
            TxFailure::Timeout => RegistrationFailure::TimedOut,
            TxFailure::Overload => RegistrationFailure::Overload,
            TxFailure::Unencodable => {
                let facts = Facts::failure(RegistrationFailure::Unencodable);
                return self.act(step, others, Event::Rejected, facts);
            }
            _ => RegistrationFailure::Unreachable,
        };
        if failure != RegistrationFailure::Overload {
            self.silent = true;
            self.may_hold_unanswered(step);
        }
        self.failed_by(step, others, failure);
    }

    fn failed_by(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>, failure: RegistrationFailure) {
        let event = self.elsewhere().unwrap_or(Event::Failed);
        self.act(step, others, event, Facts::failure(failure));
    }

    pub(super) fn response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        origin: &Origin,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        let (event, facts) = if status.is_success() {
            self.accepted(step, others, origin, message)
        } else {
            let retry_after = message.retry_after().ok().flatten();
            let retry_after = retry_after.map(|after| Duration::from_secs(after.seconds.into()));
            let (event, failure) = self.refused(step, status, message);
            (event, Facts { failure: Some(failure), retry_after, registered: None })
        };
        self.act(step, others, event, facts);
    }

    fn accepted(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        origin: &Origin,
        message: &Message,
    ) -> (Event, Facts) {
        if self.state == State::Unregistering {
            return (Event::Accepted, Facts::default());
        }
        let granted = binding::read(message, origin, self.ours());
        let Some(mut registered) = granted.registered else {
            // It may stand under a Contact that we do not know.
            self.may_hold_unanswered(step);
            return (
                self.elsewhere().unwrap_or(Event::Refused),
                Facts::failure(RegistrationFailure::NotBound),
            );
        };
        registered.expires = registered.expires.min(step.config.registration.longest);
        self.may_hold(step, registered.expires);
        self.ways.worked();
        self.silent = false;
        self.contact = Some(origin.hop().contact(Some(&self.user), self.ways.current().is_secure()));
        if self.flow.replace(origin.flow) != Some(origin.flow) {
            self.since = step.cx.now;
        }
        let (flow, remote) = (origin.flow, origin.source);
        // Who takes part in outbound answers STUN, and nobody else is to be asked by it (RFC 5626 §8).
        let keeps = origin.transport.is_reliable() || registered.outbound;
        if !keeps || self.kept != Some((flow, remote)) {
            self.let_go(step, others);
        }
        if keeps {
            self.kept = Some((flow, remote));
            step.transaction(TxCommand::Keep { flow, remote, every: granted.flow_timer });
        }
        (Event::Accepted, Facts { registered: Some(registered), ..Facts::default() })
    }

    /// What a final response of 300 or more asks for.
    fn refused(
        &mut self,
        step: &Step<'_, '_, '_>,
        status: StatusCode,
        message: &Message,
    ) -> (Event, RegistrationFailure) {
        let failure = RegistrationFailure::Refused(status);
        if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::SERVER_TIMEOUT) {
            self.may_hold_unanswered(step);
        }
        match status.as_u16() {
            300..=399 => {
                let found = self.may_again() && self.ways.redirect(&contacts(message));
                (if found { Event::Again } else { Event::Refused }, failure)
            }
            401 | 407 => (Event::Rejected, RegistrationFailure::Unauthorized),
            423 => match message.min_expires() {
                Some(least) if Duration::from_secs(least.into()) > step.config.registration.longest => {
                    (Event::Rejected, RegistrationFailure::TooBrief(least))
                }
                Some(least) if least > self.expires && self.may_again() => {
                    self.expires = least;
                    (Event::Again, failure)
                }
                Some(_) | None => (Event::Refused, failure),
            },
            439 if self.outbound && self.may_again() => {
                self.outbound = false;
                (Event::Again, failure)
            }
            // What may be another time, or at another server.
            408 | 429 | 439 | 480 | 482 | 486 | 487 | 491 | 500 | 502 | 503 | 504 | 580 | 600 => {
                (self.elsewhere().unwrap_or(Event::Refused), failure)
            }
            _ => (Event::Rejected, failure),
        }
    }

    /// Goes to the next way, if there is one that this round has not tried. When it is to be over there is no time for it.
    fn elsewhere(&mut self) -> Option<Event> {
        let leaving = matches!(self.state, State::Leaving | State::Unregistering);
        (!leaving && self.may_again() && self.ways.next()).then_some(Event::Again)
    }

    fn may_again(&mut self) -> bool {
        self.at_once += 1;
        self.at_once <= AT_ONCE
    }

    /// The registrar may hold a binding of ours for so long from now.
    fn may_hold(&mut self, step: &Step<'_, '_, '_>, time: Duration) {
        self.held = self.held.max(step.after(time));
    }

    /// A REGISTER that nobody has answered may have come, or come yet, and made a binding.
    fn may_hold_unanswered(&mut self, step: &Step<'_, '_, '_>) {
        self.may_hold(step, Duration::from_secs(self.expires.into()) + step.config.timing.t4);
    }

    fn may_be_held(&self, step: &Step<'_, '_, '_>) -> bool {
        self.held > step.cx.now
    }

    fn act(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>, event: Event, facts: Facts) {
        let (to, actions) = machine::next(self.state, event);
        let from = std::mem::replace(&mut self.state, to);
        let Facts { failure, retry_after, mut registered } = facts;
        let failure = failure.unwrap_or(RegistrationFailure::Unreachable);
        for action in actions {
            match action {
                Action::Register => self.ask(step),
                Action::Remove => {
                    if from != State::Unregistering {
                        self.ways.go_home();
                    }
                    self.ask(step);
                }
                Action::Settle => {
                    if let Some(registered) = registered.take() {
                        self.settle(step, registered);
                    }
                }
                Action::Wait => self.wait(step, others, failure, retry_after),
                Action::GiveUp => {
                    step.registration(self.id, RegistrationEvent::Failed { failure, retry_after: None });
                }
                Action::Lapse => {
                    self.learnt = None;
                    step.registration(self.id, RegistrationEvent::Lapsed);
                }
                Action::TellFlow => step.registration(self.id, RegistrationEvent::FlowLost),
                Action::DisarmDue => step.disarm_registration(self.id, RegistrationTimer::Due),
                Action::DisarmExpiry => step.disarm_registration(self.id, RegistrationTimer::Expiry),
                Action::Misuse => self.misused(step),
                Action::Unregistered => self.tell_over(step, true),
                Action::Left => self.tell_over(step, !self.may_be_held(step)),
            }
        }
        if self.is_over() {
            self.let_go(step, others);
        }
    }

    fn tell_over(&self, step: &mut Step<'_, '_, '_>, confirmed: bool) {
        step.registration(self.id, RegistrationEvent::Unregistered { confirmed });
    }

    fn settle(&mut self, step: &mut Step<'_, '_, '_>, registered: Registered) {
        self.at_once = 0;
        let due = pace::refresh(registered.expires, step.timeout(), step.cx.random);
        step.arm_registration(self.id, RegistrationTimer::Due, due);
        step.arm_registration(self.id, RegistrationTimer::Expiry, registered.expires);
        self.learnt = Some(registered.clone());
        step.registration(self.id, RegistrationEvent::Registered(Box::new(registered)));
    }

    fn wait(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        others: &Others<'_>,
        failure: RegistrationFailure,
        asked: Option<Duration>,
    ) {
        if self.state == State::Waiting {
            self.learnt = None;
        }
        self.failures = self.failures.saturating_add(1);
        self.at_once = 0;
        self.ways.anew();
        let others = others.stands(self);
        let config = &step.config.registration;
        let after = pace::retry(config, self.failures, others, asked, step.cx.random);
        step.arm_registration(self.id, RegistrationTimer::Due, after);
        step.registration(self.id, RegistrationEvent::Failed { failure, retry_after: Some(after) });
    }

    /// Lets its flow go, unless another registration needs it.
    fn let_go(&mut self, step: &mut Step<'_, '_, '_>, others: &Others<'_>) {
        if let Some((flow, remote)) = self.kept.take()
            && !others.keeps((flow, remote))
        {
            step.transaction(TxCommand::LetGo { flow, remote });
        }
    }

    fn ask(&self, step: &mut Step<'_, '_, '_>) {
        // What is about the binding goes by its flow (RFC 5626 §4.2.2), which leads to one registrar only, whatever the URI.
        let flow = self.flow.filter(|_| self.ways.is_home() && !self.silent);
        step.route(Errand::Registration(self.id), self.ways.current(), flow);
    }

    fn send(&mut self, step: &mut Step<'_, '_, '_>, hops: Hops) {
        // At one every five seconds the numbers last for 340 years.
        self.cseq = self.cseq.saturating_add(1);
        let expires = if self.state == State::Unregistering { 0 } else { self.expires };
        let instance = self.account.instance.as_deref();
        let mut parameters = String::new();
        let mut tags = "path".to_owned();
        if let Some(instance) = instance {
            parameters.extend([";+sip.instance=\"<", instance, ">\""]);
            tags.push_str(", gruu");
        }
        if let Some(reg_id) = self.account.reg_id.filter(|_| self.outbound) {
            parameters.extend([";reg-id=", &reg_id.to_string()]);
            tags.push_str(", outbound");
        }
        parameters.extend([";expires=", &expires.to_string()]);
        let draft = self
            .ways
            .current()
            .draft(Method::Register)
            .header(HeaderId::MaxForwards, crate::state::MAX_FORWARDS)
            .header(HeaderId::From, format_args!("{};tag={}", self.account.aor, self.tag))
            .header(HeaderId::To, &self.account.aor)
            .header(HeaderId::CallId, &self.call_id)
            .header(HeaderId::CSeq, format_args!("{} {}", self.cseq, Method::Register))
            .header(HeaderId::Expires, expires)
            .header(HeaderId::Supported, tags);
        let draft = match &self.contact {
            // The binding has the address of the flow by which it was made.
            Some(contact) if self.state == State::Unregistering => {
                draft.header(HeaderId::Contact, format_args!("{contact}{parameters}"))
            }
            Some(_) | None => draft.contact_user(Some(&self.user)).contact_params("", &parameters),
        };
        step.request(Client::Register(self.id), hops, draft);
    }

    fn ours(&self) -> Ours<'_> {
        Ours {
            account: &self.account,
            user: &self.user,
            secure: self.ways.current().is_secure(),
            outbound: self.outbound,
            asked: self.expires,
        }
    }
}
