//! All transfers, as one reducer over the dialog layer's events.

mod commands;
mod manual;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use dialog_core::{
    DialogCommand, DialogEvent, IncomingRefer, LegEvent, LegId, SubscriptionCommand, SubscriptionEvent,
    SubscriptionId,
};
use sip_transport::{Cx, Out};

use crate::{
    ReferPolicy, TransferId, TransferInfo, TransferOutput, TransferPolicy, TransferTimer,
    legs::Legs,
    replacing::Replacements,
    surroundings::Surroundings,
    transferee::{
        Transferee,
        admission::{self, Load},
        rate::{Counted, Identity},
    },
    transferor::Transferor,
};

/// The transfer layer: all roles, in all calls of an engine.
///
/// Follows the *step contract* of `sip_transport::step`: `command`, `receive` and `expire` push values and touch nothing
/// else. It is to see every dialog event, and its outputs are to be carried out in order before the next input.
#[derive(Debug, Default)]
pub struct Transfers {
    policy: TransferPolicy,
    legs: Legs,
    under_way: BTreeMap<TransferId, Transfer>,
    subscriptions: BTreeMap<SubscriptionId, TransferId>,
    replacements: Replacements,
    /// Transfers that were asked of us of late.
    counted: Counted,
    /// Whether no REFER is followed any more.
    draining: bool,
    ignored: u64,
    denied: u64,
}

#[derive(Debug)]
enum Transfer {
    Ours(Box<Transferor>),
    Asked(Box<Transferee>),
}

impl Transfer {
    fn info(&self) -> TransferInfo {
        match self {
            Self::Ours(transfer) => transfer.info(),
            Self::Asked(transfer) => transfer.info(),
        }
    }

    /// The state by its name in the catalogue, or what the application's next step waits for.
    fn state(&self) -> &'static str {
        match self {
            Self::Ours(transfer) => transfer.stage(),
            Self::Asked(transfer) => transfer.state_name(),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Ours(transfer) => transfer.is_over(),
            Self::Asked(transfer) => transfer.is_over(),
        }
    }
}

impl Transfers {
    /// Makes a layer without transfers.
    pub fn new(policy: TransferPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The policy in force.
    pub const fn policy(&self) -> &TransferPolicy {
        &self.policy
    }

    /// Changes the policy for what begins from now on; transfers under way take over its limits at their next step.
    pub fn set_policy(&mut self, policy: TransferPolicy) {
        self.policy = policy;
    }

    /// Says what is done with a REFER in one call, whatever the policy says in general. To be called for a leg that
    /// lives; `false` if the table of legs is full and nothing was changed.
    pub fn policy_for(&mut self, leg: LegId, refer: ReferPolicy) -> bool {
        let entry = self.legs.enter(leg, self.policy.legs);
        entry.map(|entry| entry.refer = Some(refer)).is_some()
    }

    /// Follows no further REFER: each is refused with 503. What is under way goes on.
    pub const fn drain(&mut self) {
        self.draining = true;
    }

    /// The transfers that are under way, oldest id first.
    pub fn transfers(&self) -> impl Iterator<Item = TransferInfo> + '_ {
        self.under_way.values().map(Transfer::info)
    }

    /// How many transfers are under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether nothing is left of any transfer and no call is being replaced.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.replacements() == 0
    }

    /// Whether the target of a transfer of ours is being asked, so that it can be completed or declined.
    pub fn is_asking(&self, transfer: TransferId) -> bool {
        match self.under_way.get(&transfer) {
            Some(Transfer::Ours(transfer)) => transfer.is_asking(),
            Some(Transfer::Asked(_)) | None => false,
        }
    }

    /// The state of a transfer that is under way, by its name in the catalogue; in a manual one, what waits for the
    /// application.
    pub fn state(&self, transfer: TransferId) -> Option<&'static str> {
        self.under_way.get(&transfer).map(Transfer::state)
    }

    /// How many of our calls are being replaced.
    pub fn replacements(&self) -> usize {
        self.replacements.len()
    }

    /// How many legs are watched.
    pub fn watched(&self) -> usize {
        self.legs.len()
    }

    /// Whether a leg was placed by this layer: a transferee's new call.
    pub fn is_internal(&self, leg: LegId) -> bool {
        self.legs.get(leg).is_some_and(|leg| leg.internal)
    }

    /// How many events and timers meant nothing in the state they met.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How many REFERs were refused.
    pub const fn denied(&self) -> u64 {
        self.denied
    }

    /// Takes an event of the dialog layer: every one, of every leg and subscription.
    pub fn receive(&mut self, cx: &mut Cx<'_>, event: &DialogEvent, out: &mut Out<'_, TransferOutput>) {
        match event {
            DialogEvent::Leg(leg, event) => self.leg_event(cx, *leg, event, out),
            DialogEvent::Subscription(id, SubscriptionEvent::Requested(refer)) => {
                self.requested(cx, *id, refer, out);
            }
            DialogEvent::Subscription(id, event) => self.subscription_event(cx, *id, event, out),
            // No transfer depends on one.
            DialogEvent::Registration(..) => {}
            // No transfer sends or awaits one.
            DialogEvent::Request(..) => {}
        }
    }

    /// Takes a timer that has run out.
    pub fn expire(&mut self, cx: &mut Cx<'_>, timer: TransferTimer, out: &mut Out<'_, TransferOutput>) {
        self.with(cx, timer.transfer, |transfer, around| match transfer {
            Transfer::Ours(transfer) => transfer.expire(timer.name, around, out),
            Transfer::Asked(transfer) => transfer.expire(timer.name, around, out),
        });
    }

    /// Is told that the address of a leg that this layer placed is forbidden by what its host name resolved to (SEC-04).
    /// To be called before the dialog layer is told that there will be no offer: the leg's end is then a refusal by
    /// policy and not one of the target. `false` if no transfer waits for that leg.
    pub fn barred(&mut self, leg: LegId) -> bool {
        match self.legs.get_mut(leg).filter(|leg| leg.placed_for.is_some()) {
            Some(leg) => {
                leg.barred = true;
                true
            }
            None => false,
        }
    }

    /// Whether a leg that this layer placed on somebody's word may be sent to this address, by the rights of who asked for it
    /// (SEC-02, SEC-04). To be asked with what its host name resolved to.
    pub fn permits(&self, leg: LegId, address: SocketAddr) -> bool {
        let referrer = self.legs.get(leg).and_then(|leg| leg.referrer);
        referrer.map_or(&self.policy.targets, |who| self.policy.targets_of(who)).permits_socket(address)
    }

    /// Is told that the application is about to hang up a call, before the dialog layer is: a transfer that was asked of
    /// us in that call reports first, and its new call is cancelled (TR-256).
    pub fn before_hang_up(&mut self, cx: &mut Cx<'_>, leg: LegId, out: &mut Out<'_, TransferOutput>) {
        let Some(id) = self.legs.get(leg).and_then(|leg| leg.moved_by) else {
            return;
        };
        self.with(cx, id, |transfer, around| {
            match transfer {
                // The end of the call itself tells it.
                Transfer::Ours(_) => {}
                Transfer::Asked(transfer) => transfer.before_hang_up(around, out),
            }
            true
        });
    }

    /// Is told what came of a [`TransferOutput::Bridge`]: whether both calls are joined, or neither is touched. Where a call
    /// has taken the place of one that was bridged, nobody else could do anything with the two: they are ended.
    pub fn bridged(
        &mut self,
        cx: &mut Cx<'_>,
        a: LegId,
        b: LegId,
        joined: bool,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let mover = |leg| self.legs.get(leg).and_then(|leg| leg.moved_by);
        let ours = mover(a).filter(|id| matches!(self.under_way.get(id), Some(Transfer::Ours(_))));
        match ours.filter(|_| mover(a) == mover(b)) {
            Some(id) => self.with(cx, id, |transfer, around| match transfer {
                Transfer::Ours(transfer) => transfer.joined(joined, around, out),
                Transfer::Asked(_) => false,
            }),
            None if !joined => self.legs.end_both(a, b, out),
            None => {}
        }
    }

    /// The call that this one is bridged with here, while both are up.
    pub fn bridged_with(&self, leg: LegId) -> Option<LegId> {
        self.legs.partner(leg)
    }

    fn is_full(&self) -> bool {
        self.len() >= self.policy.transfers
    }

    fn leg_event(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        event: &LegEvent,
        out: &mut Out<'_, TransferOutput>,
    ) {
        self.legs.note(leg, event, self.policy.legs);
        self.replacements.receive(leg, event, &self.policy, &mut self.legs, out);
        let Some(entry) = self.legs.get(leg) else {
            return;
        };
        let (moved_by, placed_for) = (entry.moved_by, entry.placed_for);
        if let Some(id) = placed_for {
            self.with(cx, id, |transfer, around| match transfer {
                Transfer::Asked(transfer) => transfer.new_call_event(leg, event, around, out),
                Transfer::Ours(_) => false,
            });
        }
        if let Some(id) = moved_by {
            self.with(cx, id, |transfer, around| match transfer {
                Transfer::Ours(transfer) => transfer.leg_event(leg, event, around, out),
                Transfer::Asked(transfer) => transfer.old_call_event(event, around, out),
            });
        }
        match event {
            LegEvent::Closing => self.legs.part(leg, None, out),
            LegEvent::Ended(cause) => {
                self.legs.part(leg, cause.header.as_deref(), out);
                self.legs.forget(leg);
            }
            _ => {}
        }
    }

    fn requested(
        &mut self,
        cx: &mut Cx<'_>,
        subscription: SubscriptionId,
        refer: &IncomingRefer,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let (identity, rate) = (Identity::of(refer), self.policy.referred.rate);
        let load = Load {
            rated: self.counted.is_over(&identity, rate, cx.now) || self.draining,
            ..self.load(refer.leg, address(refer.source))
        };
        let admitted = match admission::admit(refer, &self.legs, load, &self.policy) {
            Ok(admitted) => admitted,
            Err(status) => {
                self.denied += 1;
                let refuse = SubscriptionCommand::Refuse { status };
                out.push(TransferOutput::Dialog(DialogCommand::Subscription(subscription, refuse)));
                return;
            }
        };
        self.counted.count(identity, rate, cx.now);
        let id: TransferId = cx.ids.mint();
        if let Some(leg) = self.legs.get_mut(admitted.leg) {
            leg.moved_by = Some(id);
            leg.referred += 1;
        }
        self.subscriptions.insert(subscription, id);
        let (ask, manual) = (admitted.ask, admitted.manual);
        let new = Transferee::new(id, subscription, refer, admitted, cx.now);
        self.under_way.insert(id, Transfer::Asked(Box::new(new)));
        self.with(cx, id, |transfer, around| {
            match transfer {
                Transfer::Asked(transfer) if manual => transfer.ask(around, out),
                Transfer::Asked(transfer) => transfer.begin(ask, around, out),
                Transfer::Ours(_) => {}
            }
            true
        });
    }

    fn load(&self, leg: Option<LegId>, source: IpAddr) -> Load {
        let moved_by = leg.and_then(|leg| self.legs.get(leg)).and_then(|leg| leg.moved_by);
        let mut load = Load {
            transfers: self.len(),
            pending: 0,
            of_peer: 0,
            rated: false,
            moving: moved_by.is_some_and(|id| matches!(self.under_way.get(&id), Some(Transfer::Ours(_)))),
        };
        for transfer in self.under_way.values() {
            if let Transfer::Asked(transfer) = transfer {
                load.pending += usize::from(transfer.is_pending());
                load.of_peer += usize::from(transfer.peer() == source);
            }
        }
        load
    }

    fn subscription_event(
        &mut self,
        cx: &mut Cx<'_>,
        subscription: SubscriptionId,
        event: &SubscriptionEvent,
        out: &mut Out<'_, TransferOutput>,
    ) {
        let Some(&id) = self.subscriptions.get(&subscription) else {
            return;
        };
        if let SubscriptionEvent::Ended(_) = event {
            self.subscriptions.remove(&subscription);
        }
        self.with(cx, id, |transfer, around| match transfer {
            Transfer::Ours(transfer) => transfer.subscription_event(event, around, out),
            Transfer::Asked(transfer) => transfer.subscription_event(event, around, out),
        });
    }

    /// Lends a transfer and what is around it to a step that says whether its input meant anything, and removes the
    /// transfer when it is over.
    fn with(
        &mut self,
        cx: &mut Cx<'_>,
        id: TransferId,
        step: impl FnOnce(&mut Transfer, &mut Surroundings<'_, '_>) -> bool,
    ) {
        let Some(transfer) = self.under_way.get_mut(&id) else {
            self.ignored += 1;
            return;
        };
        let mut around = Surroundings {
            cx,
            policy: &self.policy,
            legs: &mut self.legs,
            subscriptions: &mut self.subscriptions,
        };
        if !step(transfer, &mut around) {
            self.ignored += 1;
        }
        if transfer.is_over() {
            self.under_way.remove(&id);
        }
    }
}

/// The address that peers are told apart by.
pub(crate) const fn address(source: SocketAddr) -> IpAddr {
    source.ip().to_canonical()
}
