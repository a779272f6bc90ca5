//! What the handles of the facade wait for: the state of a call, the progress and the outcome of a transfer.
//!
//! The engine's observer keeps one entry for each live call and transfer. An entry goes when its call or transfer has
//! ended, after the outputs of that step were delivered; whoever holds the receiving end still reads the last value.

use std::collections::BTreeMap;

use dialog_core::EndCause;
use event_bus::Publisher;
use sip_transport::Tick;
use tokio::sync::{mpsc, watch};
use transfer::{Outcome, TransferId};

use crate::{
    engine::{Seen, Tap},
    event::{EventKind, SessionEvent, SessionId},
};

/// Progress events of one transfer that wait for a slow reader; a transfer has some ten of them. What does not fit is
/// left out: the outcome comes by another way and is never lost.
const PROGRESS: usize = 64;

/// The state of a call as a handle sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum CallStatus {
    /// Not up yet.
    #[default]
    Pending,
    /// Up.
    Up,
    /// Over.
    Ended(EndCause),
}

/// The receiving end for one transfer.
#[derive(Debug)]
pub(crate) struct TransferWatch {
    pub(crate) outcome: watch::Receiver<Option<Outcome>>,
    pub(crate) progress: mpsc::Receiver<EventKind>,
}

struct TransferEntry {
    outcome: watch::Sender<Option<Outcome>>,
    progress: mpsc::Sender<EventKind>,
    reader: Option<mpsc::Receiver<EventKind>>,
}

impl Default for TransferEntry {
    fn default() -> Self {
        let (progress, reader) = mpsc::channel(PROGRESS);
        Self { outcome: watch::Sender::default(), progress, reader: Some(reader) }
    }
}

/// The driver's observer: publishes on the bus and keeps the handles' state.
pub(crate) struct Observer {
    bus: Publisher<SessionEvent>,
    calls: BTreeMap<SessionId, watch::Sender<CallStatus>>,
    transfers: BTreeMap<TransferId, TransferEntry>,
    ended_calls: Vec<SessionId>,
    ended_transfers: Vec<TransferId>,
}

impl Observer {
    pub(crate) fn new(bus: Publisher<SessionEvent>) -> Self {
        Self {
            bus,
            calls: BTreeMap::new(),
            transfers: BTreeMap::new(),
            ended_calls: Vec::new(),
            ended_transfers: Vec::new(),
        }
    }

    pub(crate) fn call(&mut self, session: SessionId) -> watch::Receiver<CallStatus> {
        self.calls.entry(session).or_default().subscribe()
    }

    /// The receiving end for a transfer; its progress can be taken once.
    pub(crate) fn transfer(&mut self, transfer: TransferId) -> TransferWatch {
        let entry = self.transfers.entry(transfer).or_default();
        let progress = entry.reader.take().unwrap_or_else(|| mpsc::channel(1).1);
        TransferWatch { outcome: entry.outcome.subscribe(), progress }
    }

    /// Forgets what has ended; to be called when the outputs of a step have been delivered.
    pub(crate) fn purge(&mut self) {
        for session in self.ended_calls.drain(..) {
            self.calls.remove(&session);
        }
        for transfer in self.ended_transfers.drain(..) {
            self.transfers.remove(&transfer);
        }
    }

    fn keep(&mut self, event: &SessionEvent) {
        if let Some(transfer) = event.transfer {
            let entry = self.transfers.entry(transfer).or_default();
            if let EventKind::TransferEnded(outcome) = &event.kind {
                entry.outcome.send_replace(Some(*outcome));
                self.ended_transfers.push(transfer);
            } else if entry.progress.try_send(event.kind.clone()).is_err() {
                tracing::debug!(%transfer, "a progress event of a transfer has no room or no reader");
            }
        }
        let Some(session) = event.session else { return };
        match &event.kind {
            EventKind::Calling { .. } | EventKind::IncomingCall { .. } => {
                self.calls.entry(session).or_default();
            }
            EventKind::Established { .. } => {
                self.calls.entry(session).or_default().send_replace(CallStatus::Up);
            }
            EventKind::CallEnded { cause } => {
                self.calls.entry(session).or_default().send_replace(CallStatus::Ended(cause.clone()));
                self.ended_calls.push(session);
            }
            _ => {}
        }
    }
}

impl Tap for Observer {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        if let Seen::Event(event) = seen {
            self.keep(event);
            self.bus.publish(event.priority(), std::sync::Arc::new(event.clone()));
        }
    }
}
