//! The little that is kept of each leg.

use std::{collections::BTreeMap, net::IpAddr};

use dialog_core::{DialogIdentity, LegEvent, LegId, Peer};
use sip_message::{Method, UriBuf};

use crate::{ReferPolicy, TransferHandling, TransferId};

/// How far a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not answered yet.
    Early,
    /// Up.
    Up,
    /// Being ended from here, or over in this step.
    Closing,
}

/// One leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) stage: Stage,
    pub(crate) peer: Peer,
    /// Whether we placed the call; its Call-ID is then ours.
    pub(crate) placed: bool,
    /// The peer's network address, once it is known.
    pub(crate) source: Option<IpAddr>,
    /// The dialog, once the call is up.
    pub(crate) dialog: Option<DialogIdentity>,
    /// The party's Contact, once the call is up.
    pub(crate) contact: Option<UriBuf>,
    /// The party's address of record, once the call is up.
    pub(crate) record: Option<UriBuf>,
    /// What is done with a REFER in this call, where it differs from the policy.
    pub(crate) refer: Option<ReferPolicy>,
    /// Who handles its transfers, where it differs from the policy.
    pub(crate) handling: Option<TransferHandling>,
    /// Transfers that were asked for in this call and in those it came of. An incoming call whose caller was referred to us
    /// came of one at least; nobody tells of how many.
    pub(crate) referred: u32,
    /// Whether it was placed by this layer.
    pub(crate) internal: bool,
    /// On whose word it was placed: the address whose rights count for its target.
    pub(crate) referrer: Option<IpAddr>,
    /// Whether the address that it was placed to turned out to be forbidden.
    pub(crate) barred: bool,
    /// The transfer that moves this call's party or asks for it first, or asks us to move.
    pub(crate) moved_by: Option<TransferId>,
    /// The transfer that this call was placed for.
    pub(crate) placed_for: Option<TransferId>,
    /// The call that this one is bridged with.
    pub(crate) bridged: Option<LegId>,
}

impl Leg {
    fn new() -> Self {
        Self {
            stage: Stage::Early,
            peer: Peer::default(),
            placed: false,
            source: None,
            dialog: None,
            contact: None,
            record: None,
            refer: None,
            handling: None,
            referred: 0,
            internal: false,
            referrer: None,
            barred: false,
            moved_by: None,
            placed_for: None,
            bridged: None,
        }
    }
}

impl Leg {
    /// Whether its party can be sent a REFER: it named the method, or named none at all.
    pub(crate) fn takes_refer(&self) -> bool {
        self.peer.allows(&Method::Refer)
    }
}

/// The legs.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    /// Boxed, because the nodes of the tree are half empty.
    table: BTreeMap<LegId, Box<Leg>>,
}

impl Legs {
    pub(crate) fn get(&self, leg: LegId) -> Option<&Leg> {
        self.table.get(&leg).map(|leg| &**leg)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        self.table.iter().map(|(id, leg)| (*id, &**leg))
    }

    pub(crate) fn get_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.table.get_mut(&leg).map(|leg| &mut **leg)
    }

    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.table.len() >= limit
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The leg, known from now on; `None` if it is new and the table is full.
    pub(crate) fn enter(&mut self, leg: LegId, limit: usize) -> Option<&mut Leg> {
        if !self.table.contains_key(&leg) && self.is_full(limit) {
            return None;
        }
        Some(self.table.entry(leg).or_insert_with(|| Box::new(Leg::new())))
    }

    /// Takes down what an event tells of a leg. Only what a leg begins with makes a new entry, so that nothing stays of
    /// a leg that has ended.
    pub(crate) fn note(&mut self, leg: LegId, event: &LegEvent, limit: usize) {
        match event {
            LegEvent::Incoming(call) => {
                if let Some(entry) = self.enter(leg, limit) {
                    entry.source = Some(call.source.ip().to_canonical());
                    entry.peer = call.peer;
                    entry.referred = u32::from(call.referred_by.is_some());
                }
            }
            LegEvent::Provisional { .. } | LegEvent::NeedDescription { .. } => {
                self.enter(leg, limit);
            }
            LegEvent::Up(call) => {
                if let Some(entry) = self.enter(leg, limit) {
                    if entry.stage == Stage::Early {
                        entry.stage = Stage::Up;
                    }
                    entry.peer = call.peer;
                    entry.placed = call.placed;
                    entry.source = Some(call.source.ip().to_canonical());
                    entry.dialog = Some(call.dialog.clone());
                    entry.contact = Some(call.remote_target.clone());
                    entry.record = Some(call.remote.uri.clone());
                }
            }
            LegEvent::Closing | LegEvent::Ended(_) => {
                self.closing(leg);
            }
            LegEvent::Described { .. }
            | LegEvent::RolledBack
            | LegEvent::Reopened
            | LegEvent::Reoffered(_)
            | LegEvent::Acknowledged
            | LegEvent::Changed
            | LegEvent::Misused(_) => {}
        }
    }

    /// The leg is being ended.
    pub(crate) fn closing(&mut self, leg: LegId) {
        if let Some(entry) = self.get_mut(leg) {
            entry.stage = Stage::Closing;
        }
    }

    pub(crate) fn forget(&mut self, leg: LegId) {
        self.table.remove(&leg);
    }
}
