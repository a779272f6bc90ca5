//! The reducer: finds the owner of each input, lets it act, and clears away what is over.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use sip_message::{Message, Method};
use sip_transport::{Cx, Out, Purpose};
use transaction_core::TxEvent;

use crate::{
    boundary::{
        DialogCommand, DialogOutput,
        leg::{By, DialogIdentity, EndCause, EndReason, Invite, LegCommand, LegEvent, LegId, Misuse},
        subscription::{SubscriptionCommand, SubscriptionEvent, SubscriptionId},
    },
    config::DialogConfig,
    counters::Counters,
    dialog::Dialog,
    forks,
    pending::Pending,
    registration::Registrations,
    respond::Capabilities,
    retry::answers::Answers,
    step::Step,
    subscription::subject::{Referral, Subject},
    timer::{DialogTimer, LegTimer, SubscriptionTimer},
    tombstone::Tombstones,
};

/// All dialogs with their legs and subscriptions.
///
/// A reducer by the step contract of [`sip_transport::step`]: [`command`](Self::command) takes what the
/// layers above ask, [`receive`](Self::receive) what the transaction layer tells, [`expire`](Self::expire) a
/// timer that was armed here. Each pushes its outputs and returns nothing.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the table of dialogs is what the type is about")]
pub struct Dialogs {
    pub(crate) config: DialogConfig,
    pub(crate) capabilities: Capabilities,
    pub(crate) pending: Pending,
    /// Boxed, because the nodes of the tree are half empty.
    pub(crate) dialogs: BTreeMap<LegId, Box<Dialog>>,
    pub(crate) tombstones: Tombstones,
    pub(crate) registrations: Registrations,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// INVITE usages that have not ended.
    pub legs: usize,
    /// Subscriptions in both roles.
    pub subscriptions: usize,
    /// Dialogs with at least one usage.
    pub dialogs: usize,
    /// Ended dialogs that are remembered for 64*T1.
    pub tombstones: usize,
    /// Registrations that are not over.
    pub registrations: usize,
    /// REFERs that require explicit subscriptions, those included that are over and whose state can still be had.
    pub referrals: usize,
}

impl Dialogs {
    /// Makes an empty layer.
    pub fn new(config: DialogConfig) -> Self {
        let capabilities = Capabilities::of(&config);
        let answers = Answers::new(config.keys.clone(), config.nonces);
        Self {
            config,
            capabilities,
            pending: Pending { answers, ..Pending::default() },
            dialogs: BTreeMap::new(),
            tombstones: Tombstones::default(),
            registrations: Registrations::default(),
        }
    }

    /// How often a bound was met.
    pub fn counters(&self) -> Counters {
        let answers = self.pending.answers.counters();
        Counters {
            nonces_forgotten: answers.nonces_forgotten,
            challenges_ignored: answers.challenges_ignored,
            realms_refused: answers.realms_refused,
            hosts_forgotten: answers.hosts_forgotten,
            own_nonces_forgotten: self.pending.uses.evicted(),
            tombstones_forgotten: self.tombstones.forgotten(),
            ..self.pending.counters
        }
    }

    /// Counts what there is; takes time in proportion to the dialogs.
    pub fn load(&self) -> Load {
        Load {
            legs: self.dialogs.values().filter(|dialog| dialog.leg.is_some()).count(),
            subscriptions: self.pending.subscriptions.len(),
            dialogs: self.dialogs.len(),
            tombstones: self.tombstones.len(),
            registrations: self.registrations.len(),
            referrals: self.pending.event_states.len(),
        }
    }

    /// How many dialogs have a usage.
    pub fn len(&self) -> usize {
        self.dialogs.len()
    }

    /// Whether there is nothing but tombstones and what has become of REFERs: no dialog, no registration, and nothing under way below.
    pub fn is_empty(&self) -> bool {
        self.dialogs.is_empty() && self.registrations.is_empty() && self.pending.is_empty()
    }

    /// How many ended dialogs are remembered.
    pub fn tombstones(&self) -> usize {
        self.tombstones.len()
    }

    /// The Call-ID of a leg's messages; `None` if there is no such leg.
    pub fn call_id(&self, leg: LegId) -> Option<&str> {
        self.dialogs.get(&leg).map(|dialog| &*dialog.state.call_id)
    }

    /// Whether this dialog has ended within the last 64*T1 (RFC 3891 §3: 603 instead of 481).
    pub fn has_ended(&self, cx: &Cx<'_>, identity: &DialogIdentity) -> bool {
        let leg = cx.guard.read(Purpose::Tag, &identity.local_tag).map(LegId::from);
        leg.is_some_and(|leg| match self.dialogs.get(&leg) {
            Some(dialog) => {
                dialog.is_remembered(cx.now, self.config.timing.timeout())
                    && dialog.state.identity() == *identity
            }
            None => self.tombstones.knows(leg, identity),
        })
    }

    /// Does what a layer above asks.
    pub fn command(&mut self, cx: &mut Cx<'_>, command: DialogCommand, out: &mut Out<'_, DialogOutput>) {
        match command {
            DialogCommand::Place { leg, invite } => self.place(cx, leg, invite, out),
            DialogCommand::Leg(leg, command) => self.leg_command(cx, leg, command, out),
            DialogCommand::Subscription(id, SubscriptionCommand::Subscribe(subscribe)) => {
                self.begin(cx, id, Subject::Package(subscribe), out);
            }
            DialogCommand::Subscription(id, SubscriptionCommand::ReferTo(refer)) => {
                self.begin(cx, id, Subject::Refer(Box::new(Referral::outside(*refer))), out);
            }
            DialogCommand::Subscription(id, command) => self.subscription_command(cx, id, command, out),
            DialogCommand::Registration(id, command) => self.registration_command(cx, id, command, out),
            DialogCommand::Request(id, command) => self.request_command(cx, id, command, out),
            DialogCommand::Keys(keys) => self.pending.answers.rekey(keys),
            DialogCommand::Deactivate => self.deactivate(cx, out),
        }
        self.tell_subscribers(cx, out);
    }

    /// Takes what the transaction layer tells.
    pub fn receive(&mut self, cx: &mut Cx<'_>, event: TxEvent, out: &mut Out<'_, DialogOutput>) {
        match event {
            TxEvent::Request { tx, inbound } => self.request(cx, tx, inbound, out),
            TxEvent::Response { tx, origin, message } => self.response(cx, tx, &origin, &message, out),
            TxEvent::Cancelled { tx, reason } => self.cancelled(cx, tx, reason, out),
            TxEvent::StrayAck(inbound) => self.stray_ack(cx, &inbound, out),
            TxEvent::Acked { tx, outbound } => self.acked(tx, outbound),
            TxEvent::Failed { tx, failure } => self.failed(cx, tx, failure, out),
            TxEvent::Routed { route, result } => self.routed(cx, route, result, out),
            TxEvent::FlowEnded { flow, .. } => self.flow_ended(cx, flow, out),
            TxEvent::FlowFailed { flow, remote } => self.registrations_lost(cx, flow, Some(remote), out),
            // A registration has let its connection go when it ended, and found another way; a dialog finds its way by
            // its route set.
            TxEvent::FlowRecovered { .. } => {}
        }
        self.tell_subscribers(cx, out);
    }

    /// Lets a timer run out that was armed here.
    pub fn expire(&mut self, cx: &mut Cx<'_>, timer: DialogTimer, out: &mut Out<'_, DialogOutput>) {
        match timer {
            DialogTimer::Leg(leg, LegTimer::Tombstone) => self.tombstones.forget(leg),
            DialogTimer::Leg(leg, LegTimer::Forks) => {
                if let Some(forks) = self.pending.forks.remove(&leg) {
                    self.pending.clients.remove(&forks.tx);
                }
                self.pending.fetched.remove(&leg);
            }
            DialogTimer::Subscription(id, SubscriptionTimer::Retained) => {
                self.pending.event_states.forget(id);
            }
            DialogTimer::Leg(leg, timer) => {
                self.with(cx, leg, out, |dialog, step| dialog.leg_expired(step, timer));
            }
            DialogTimer::Registration(id, timer) => self.registration_expired(cx, id, timer, out),
            DialogTimer::Subscription(id, timer) => {
                self.with_subscription(cx, id, out, |dialog, step| {
                    dialog.subscription_expired(step, id, timer);
                });
            }
            DialogTimer::Request(id) => self.step(cx, out).0.request_unanswered(id),
        }
        self.tell_subscribers(cx, out);
    }

    /// The context of a step together with the dialogs, which it does not borrow.
    pub(crate) fn step<'s, 'c, 'o>(
        &'s mut self,
        cx: &'s mut Cx<'c>,
        out: &'s mut Out<'o, DialogOutput>,
    ) -> (Step<'s, 'c, 'o>, &'s mut BTreeMap<LegId, Box<Dialog>>) {
        let Self { config, capabilities, pending, dialogs, .. } = self;
        (Step { cx, out, config, capabilities, pending }, dialogs)
    }

    /// Lets a dialog act, and removes it if nothing of it is left.
    pub(crate) fn with(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        out: &mut Out<'_, DialogOutput>,
        act: impl FnOnce(&mut Dialog, &mut Step<'_, '_, '_>),
    ) {
        let (mut step, dialogs) = self.step(cx, out);
        let Some(dialog) = dialogs.get_mut(&leg) else { return };
        act(dialog, &mut step);
        if dialog.is_over()
            && let Some(dialog) = dialogs.remove(&leg)
        {
            step.pending.unlink(&dialog);
            step.pending.answers.forget(step.cx.guard, &dialog.state.call_id);
            if !dialog.confirmed {
                return;
            }
            let gone = dialog.ended_at.map_or(Duration::ZERO, |at| step.cx.now.since(at));
            let after = step.timeout().saturating_sub(gone);
            if after.is_zero() {
                // Its subscriptions have outlived the memory of the call.
                return;
            }
            step.arm_leg(leg, LegTimer::Tombstone, after);
            if let Some(forgotten) = self.tombstones.bury(leg, dialog.state.identity()) {
                let (mut step, _) = self.step(cx, out);
                step.disarm_leg(forgotten, LegTimer::Tombstone);
                forks::forget(&mut step, forgotten);
            }
        }
    }

    pub(crate) fn with_subscription(
        &mut self,
        cx: &mut Cx<'_>,
        id: SubscriptionId,
        out: &mut Out<'_, DialogOutput>,
        act: impl FnOnce(&mut Dialog, &mut Step<'_, '_, '_>),
    ) -> bool {
        let owner = self.pending.subscriptions.get(&id).copied();
        if let Some(leg) = owner {
            self.with(cx, leg, out, act);
        }
        owner.is_some()
    }

    fn place(&mut self, cx: &mut Cx<'_>, leg: LegId, invite: Box<Invite>, out: &mut Out<'_, DialogOutput>) {
        let full = self.dialogs.len() >= self.config.legs;
        let outgoing = invite.registration.and_then(|id| self.registrations.outgoing(id));
        let (mut step, dialogs) = self.step(cx, out);
        match dialogs.entry(leg) {
            Entry::Occupied(_) => step.leg(leg, LegEvent::Misused(Misuse::State)),
            Entry::Vacant(_) if full => {
                step.pending.counters.calls_not_placed += 1;
                step.leg(leg, LegEvent::Ended(EndCause::new(By::Local, EndReason::Overload)));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Box::new(Dialog::place(&mut step, leg, invite, outgoing)));
            }
        }
    }

    fn leg_command(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        command: LegCommand,
        out: &mut Out<'_, DialogOutput>,
    ) {
        match command {
            LegCommand::Refer { subscription, refer } if refer.outside => {
                return self.refer_beside(cx, leg, subscription, *refer, out);
            }
            LegCommand::FollowRefer { subscription, at } => {
                return self.follow_refer(cx, leg, subscription, &at, out);
            }
            _ => {}
        }
        if self.dialogs.contains_key(&leg) {
            self.with(cx, leg, out, |dialog, step| dialog.leg_command(step, command));
        } else {
            self.step(cx, out).0.leg(leg, LegEvent::Misused(Misuse::Unknown));
        }
    }

    fn subscription_command(
        &mut self,
        cx: &mut Cx<'_>,
        id: SubscriptionId,
        command: SubscriptionCommand,
        out: &mut Out<'_, DialogOutput>,
    ) {
        if !self.with_subscription(cx, id, out, |dialog, step| dialog.subscription_command(step, id, command))
        {
            self.step(cx, out).0.subscription(id, SubscriptionEvent::Misused(Misuse::Unknown));
        }
    }

    /// The dialog that a request of the peer names: our tag finds it, Call-ID and the peer's tag are compared
    /// (RFC 3261 §12.2.2). Before the first 2xx to our INVITE only UPDATE finds one, in an early dialog (RFC 3311 §5.2).
    pub(crate) fn owner(&self, cx: &Cx<'_>, request: &Message) -> Option<LegId> {
        let tag = LegId::from(cx.guard.read(Purpose::Tag, request.to_tag()?)?);
        let is_owner = |leg: &&LegId| {
            self.dialogs.get(*leg).is_some_and(|dialog| {
                if dialog.is_unconfirmed() {
                    request.method() == Some(Method::Update) && dialog.early_of(request).is_some()
                } else {
                    dialog.state.matches(request)
                }
            })
        };
        std::iter::once(&tag)
            .chain(self.pending.sisters.get(&tag).into_iter().flatten())
            .find(is_owner)
            .copied()
    }
}
