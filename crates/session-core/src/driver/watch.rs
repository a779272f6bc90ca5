//! What the handles of the facade wait for: the state of a call, the progress and the outcome of a transfer.
//!
//! The engine's observer keeps one entry for each live call and transfer. An entry goes when its call or transfer has
//! ended, after the outputs of that step were delivered; whoever holds the receiving end still reads the last value.

use std::{collections::BTreeMap, sync::Arc};

use dialog_core::EndCause;
use event_bus::Publisher;
use sip_transport::Tick;
use tokio::sync::{mpsc, watch};
use transfer::{Outcome, TransferId};

use super::tally::Tally;
use crate::{
    engine::{Seen, Tap},
    event::{EventKind, SessionEvent, SessionId},
    report::{self, Reporter, TransferReport},
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
    Ended(Arc<EndCause>),
}

/// The state of one call. A call without a handle, such as one that is answered by itself, needs no channel.
enum CallEntry {
    Unwatched(CallStatus),
    Watched(watch::Sender<CallStatus>),
}

impl Default for CallEntry {
    fn default() -> Self {
        Self::Unwatched(CallStatus::default())
    }
}

impl CallEntry {
    fn set(&mut self, status: CallStatus) {
        match self {
            Self::Unwatched(known) => *known = status,
            Self::Watched(handles) => drop(handles.send_replace(status)),
        }
    }

    fn watch(&mut self) -> watch::Receiver<CallStatus> {
        match self {
            Self::Unwatched(known) => {
                let (handles, receiver) = watch::channel(std::mem::take(known));
                *self = Self::Watched(handles);
                receiver
            }
            Self::Watched(handles) => handles.subscribe(),
        }
    }
}

/// What came of a transfer.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// Its report, where reports are kept.
    pub(crate) report: Option<Arc<report::Ended>>,
}

/// The receiving end for one transfer.
#[derive(Debug)]
pub(crate) struct TransferWatch {
    pub(crate) ended: watch::Receiver<Option<Ended>>,
    pub(crate) progress: mpsc::Receiver<EventKind>,
}

struct TransferEntry {
    ended: watch::Sender<Option<Ended>>,
    progress: mpsc::Sender<EventKind>,
    reader: Option<mpsc::Receiver<EventKind>>,
}

impl Default for TransferEntry {
    fn default() -> Self {
        let (progress, reader) = mpsc::channel(PROGRESS);
        Self { ended: watch::Sender::default(), progress, reader: Some(reader) }
    }
}

/// The driver's observer: publishes on the bus and keeps the handles' state.
pub(crate) struct Observer {
    bus: Publisher<SessionEvent>,
    tally: Arc<Tally>,
    reporter: Reporter,
    calls: BTreeMap<SessionId, CallEntry>,
    transfers: BTreeMap<TransferId, TransferEntry>,
    ended_calls: Vec<SessionId>,
    ended_transfers: Vec<TransferId>,
}

impl Observer {
    pub(crate) fn new(bus: Publisher<SessionEvent>, tally: Arc<Tally>, reporter: Reporter) -> Self {
        Self {
            bus,
            tally,
            reporter,
            calls: BTreeMap::new(),
            transfers: BTreeMap::new(),
            ended_calls: Vec::new(),
            ended_transfers: Vec::new(),
        }
    }

    pub(crate) fn call(&mut self, session: SessionId) -> watch::Receiver<CallStatus> {
        self.calls.entry(session).or_default().watch()
    }

    /// The report of a transfer that has ended, while it is kept.
    pub(crate) fn report(&self, transfer: TransferId) -> Option<Arc<TransferReport>> {
        self.reporter.report(transfer)
    }

    /// The receiving end for a transfer; its progress can be taken once.
    pub(crate) fn transfer(&mut self, transfer: TransferId) -> TransferWatch {
        let entry = self.transfers.entry(transfer).or_default();
        let progress = entry.reader.take().unwrap_or_else(|| mpsc::channel(1).1);
        TransferWatch { ended: entry.ended.subscribe(), progress }
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
                let report = self.reporter.ended(transfer).cloned();
                entry.ended.send_replace(Some(Ended { outcome: *outcome, report }));
                self.ended_transfers.push(transfer);
            } else if entry.progress.try_send(event.kind.clone()).is_err() {
                self.tally.left_out();
                tracing::debug!(%transfer, "a progress event of a transfer has no room or no reader");
            }
        }
        let Some(session) = event.session else { return };
        match &event.kind {
            EventKind::Calling { .. } | EventKind::IncomingCall { .. } => {
                self.calls.entry(session).or_default();
            }
            EventKind::Established { .. } => {
                self.calls.entry(session).or_default().set(CallStatus::Up);
            }
            EventKind::CallEnded { cause } => {
                self.calls.entry(session).or_default().set(CallStatus::Ended(Arc::new(cause.clone())));
                self.ended_calls.push(session);
            }
            _ => {}
        }
    }
}

impl Tap for Observer {
    fn seen(&mut self, at: Tick, seen: Seen<'_>) {
        let event = if let Seen::Event(event) = &seen { Some(*event) } else { None };
        self.reporter.seen(at, seen);
        if let Some(event) = event {
            self.keep(event);
            self.tally.published(self.bus.publish_ref(event.priority(), event));
        }
    }
}
