//! The context of one step: what may be read, what may be pushed, and the tables of what is under way.

use std::time::Duration;

use sip_message::{Draft, HeaderId};
use sip_transport::{Cx, FlowId, Hops, Out, Route, Tick, TimerOp};
use transaction_core::{TxCommand, TxId};

use crate::{
    boundary::{
        DialogEvent, DialogOutput,
        leg::{LegEvent, LegId, Misuse},
        registration::{RegistrationEvent, RegistrationId},
        request::{RequestEvent, RequestId},
        subscription::{SubscriptionEvent, SubscriptionId},
    },
    config::DialogConfig,
    path::Path,
    pending::{Client, Errand, Pending},
    respond::Capabilities,
    retry::Sent,
    timer::{DialogTimer, LegTimer, RegistrationTimer, SubscriptionTimer},
};

/// One step of the reducer.
pub(crate) struct Step<'s, 'c, 'o> {
    pub(crate) cx: &'s mut Cx<'c>,
    pub(crate) out: &'s mut Out<'o, DialogOutput>,
    pub(crate) config: &'s DialogConfig,
    pub(crate) capabilities: &'s Capabilities,
    pub(crate) pending: &'s mut Pending,
}

impl Step<'_, '_, '_> {
    /// Tells about a leg.
    pub(crate) fn leg(&mut self, leg: LegId, event: LegEvent) {
        self.out.push(DialogOutput::Event(DialogEvent::Leg(leg, event)));
    }

    /// Counts a command that met a bound.
    pub(crate) fn count_misuse(&mut self, misuse: Misuse) {
        if misuse == Misuse::Full {
            self.pending.counters.commands_refused += 1;
        }
    }

    /// Tells about a subscription.
    pub(crate) fn subscription(&mut self, subscription: SubscriptionId, event: SubscriptionEvent) {
        self.out.push(DialogOutput::Event(DialogEvent::Subscription(subscription, event)));
    }

    /// Tells about a registration.
    pub(crate) fn registration(&mut self, registration: RegistrationId, event: RegistrationEvent) {
        self.out.push(DialogOutput::Event(DialogEvent::Registration(registration, event)));
    }

    /// Tells about a request.
    pub(crate) fn told(&mut self, request: RequestId, event: RequestEvent) {
        self.out.push(DialogOutput::Event(DialogEvent::Request(request, event)));
    }

    /// Asks the transaction layer.
    pub(crate) fn transaction(&mut self, command: TxCommand) {
        self.out.push(DialogOutput::Transaction(command));
    }

    /// Asks where a request goes.
    pub(crate) fn route(&mut self, errand: Errand, path: &Path, flow: Option<FlowId>) {
        let (uri, secure) = (path.next_hop(), path.is_secure());
        let route = self.cx.ids.mint();
        self.pending.routes.insert(route, errand);
        self.transaction(TxCommand::Route(Route { route, uri, secure, flow }));
    }

    /// Starts a client transaction. A refusal that can be mended is answered by `retry`, and the usage hears nothing of it.
    pub(crate) fn request(&mut self, client: Client, hops: Hops, draft: Draft) -> TxId {
        let draft = self.signed(draft);
        self.dispatch(client, Sent::new(hops, draft))
    }

    /// Adds User-Agent, if there is one.
    pub(crate) fn signed(&self, mut draft: Draft) -> Draft {
        if let Some(name) = &self.config.user_agent {
            draft.push_parts(HeaderId::UserAgent, &[name]);
        }
        draft
    }

    /// Arms a timer of a leg.
    pub(crate) fn arm_leg(&mut self, leg: LegId, timer: LegTimer, after: Duration) {
        self.out.push(DialogOutput::Timer(TimerOp::Arm(DialogTimer::Leg(leg, timer), after)));
    }

    /// Disarms a timer of a leg.
    pub(crate) fn disarm_leg(&mut self, leg: LegId, timer: LegTimer) {
        self.out.push(DialogOutput::Timer(TimerOp::Disarm(DialogTimer::Leg(leg, timer))));
    }

    /// Arms a timer of a subscription.
    pub(crate) fn arm_subscription(&mut self, id: SubscriptionId, timer: SubscriptionTimer, after: Duration) {
        self.out.push(DialogOutput::Timer(TimerOp::Arm(DialogTimer::Subscription(id, timer), after)));
    }

    /// Disarms a timer of a subscription.
    pub(crate) fn disarm_subscription(&mut self, id: SubscriptionId, timer: SubscriptionTimer) {
        self.out.push(DialogOutput::Timer(TimerOp::Disarm(DialogTimer::Subscription(id, timer))));
    }

    /// Arms a timer of a registration.
    pub(crate) fn arm_registration(&mut self, id: RegistrationId, timer: RegistrationTimer, after: Duration) {
        self.out.push(DialogOutput::Timer(TimerOp::Arm(DialogTimer::Registration(id, timer), after)));
    }

    /// Disarms a timer of a registration.
    pub(crate) fn disarm_registration(&mut self, id: RegistrationId, timer: RegistrationTimer) {
        self.out.push(DialogOutput::Timer(TimerOp::Disarm(DialogTimer::Registration(id, timer))));
    }

    /// 64*T1.
    pub(crate) fn timeout(&self) -> Duration {
        self.config.timing.timeout()
    }

    /// The moment `after` from now.
    pub(crate) fn after(&self, after: Duration) -> Tick {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        Tick::from_micros(self.cx.now.as_micros().saturating_add(micros))
    }
}
