//! What the application of a party knows, from the events of its engine.

use std::collections::BTreeMap;

use session_core::{EventKind, RegistrationId, SessionEvent, SessionId};
use transfer::{OutcomeKind, TransferId};

/// What an application knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    calls: Vec<SessionId>,
    peers: BTreeMap<SessionId, String>,
    established: Vec<SessionId>,
    ended: Vec<SessionId>,
    transfers: Vec<TransferId>,
    /// The last registration.
    pub(super) registration: Option<RegistrationId>,
    /// Outcomes of transfers, in the order in which they were told.
    pub(super) outcomes: Vec<(TransferId, OutcomeKind, &'static str)>,
    /// How often an event of a name was told.
    pub(super) events: BTreeMap<&'static str, u32>,
    /// Commands that were refused.
    pub(super) refused: usize,
}

impl Known {
    /// Takes an event; how often one of its name was told by now.
    pub(super) fn learn(&mut self, event: &SessionEvent) -> u32 {
        if let Some(session) = event.session {
            if !self.calls.contains(&session) {
                self.calls.push(session);
            }
            if let EventKind::IncomingCall { .. }
            | EventKind::Calling { .. }
            | EventKind::Established { .. }
            | EventKind::Replaced { .. } = &event.kind
                && let Some(peer) = event.peer()
            {
                self.peers.insert(session, name_in(&peer).to_owned());
            }
        }
        if let Some(transfer) = event.transfer
            && !self.transfers.contains(&transfer)
        {
            self.transfers.push(transfer);
        }
        match (&event.kind, event.session, event.transfer) {
            (EventKind::Established { .. }, Some(session), _) => self.established.push(session),
            (EventKind::CallEnded { .. }, Some(session), _) => self.ended.push(session),
            (EventKind::TransferEnded(outcome), _, Some(transfer)) => {
                self.outcomes.push((transfer, outcome.kind, event.learned_from().unwrap_or_default()));
            }
            _ => {}
        }
        let count = self.events.entry(event.name()).or_default();
        *count += 1;
        *count
    }

    /// The first call of this party, if it has not ended; or the last one with somebody that has not.
    pub(super) fn call(&self, with: Option<&str>) -> Option<SessionId> {
        match with {
            None => self.calls.first().copied().filter(|call| !self.has_ended(*call)),
            Some(name) => {
                let is_with = |call: &&SessionId| self.peers.get(*call).is_some_and(|peer| peer == name);
                self.calls.iter().rev().filter(is_with).find(|call| !self.has_ended(**call)).copied()
            }
        }
    }

    /// The last transfer.
    pub(super) fn transfer(&self) -> Option<TransferId> {
        self.transfers.last().copied()
    }

    pub(super) fn has_ended(&self, call: SessionId) -> bool {
        self.ended.contains(&call)
    }

    /// How many calls are up.
    pub(super) fn up(&self) -> usize {
        self.established.iter().filter(|call| !self.ended.contains(call)).count()
    }
}

/// The user part of a SIP URI: a party's name.
pub fn name_in(uri: &str) -> &str {
    uri.split(':').nth(1).and_then(|rest| rest.split('@').next()).unwrap_or_default()
}
