//! All that the three parties' buses say, on one clock, for the printer and for the scenario to wait on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use session_core::{Delivery, SessionEvent, Subscriber};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::exit::Failure;

use super::parties::PARTIES;

/// Events that one scenario may bring; a whole scenario has some three hundred.
const MOST_EVENTS: usize = 20_000;

/// One event of one party.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Whose bus it was on.
    pub(crate) party: usize,
    /// When we took it from the bus.
    pub(crate) taken: Instant,
    /// The event.
    pub(crate) event: Arc<SessionEvent>,
}

/// The events of a scenario so far.
#[derive(Debug)]
pub(crate) struct Record {
    seen: Mutex<Vec<Seen>>,
    length: watch::Sender<usize>,
    lost: AtomicU64,
}

impl Record {
    /// An empty record.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { seen: Mutex::new(Vec::new()), length: watch::channel(0).0, lost: AtomicU64::new(0) })
    }

    /// What was seen of these events, each at its party, in order.
    #[cfg(test)]
    pub(crate) fn having(events: impl IntoIterator<Item = (usize, SessionEvent)>) -> Arc<Self> {
        let record = Self::new();
        for (party, event) in events {
            record.push(Seen { party, taken: Instant::now(), event: Arc::new(event) });
        }
        record
    }

    /// Takes all events of one party, until its bus ends.
    pub(crate) async fn follow(self: Arc<Self>, party: usize, mut events: Subscriber<SessionEvent>) {
        while let Some(delivery) = events.recv().await {
            match delivery {
                Delivery::Event(event) => self.push(Seen { party, taken: Instant::now(), event }),
                Delivery::Lost(count) => {
                    self.lost.fetch_add(count.get(), Ordering::Relaxed);
                }
            }
        }
    }

    fn push(&self, seen: Seen) {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MOST_EVENTS {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        all.push(seen);
        let length = all.len();
        drop(all);
        self.length.send_replace(length);
    }

    /// Events that are missing here.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// What came after the first `known` events.
    pub(crate) fn after(&self, known: usize) -> Vec<Seen> {
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(known..).unwrap_or_default().to_vec()
    }

    /// Becomes larger with every event.
    pub(crate) fn length(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    /// The first event of a party for which `pick` answers something.
    pub(crate) fn find<R>(&self, party: usize, pick: impl Fn(&SessionEvent) -> Option<R>) -> Option<R> {
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|seen| seen.party == party).find_map(|seen| pick(&seen.event))
    }

    /// Of all events of a party, in its order, those for which `pick` answers something.
    pub(crate) fn all<R>(&self, party: usize, pick: impl Fn(&SessionEvent) -> Option<R>) -> Vec<R> {
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own: Vec<&Seen> = all.iter().filter(|seen| seen.party == party).collect();
        // The bus brings urgent events before others.
        own.sort_by_key(|seen| seen.event.seq);
        own.into_iter().filter_map(|seen| pick(&seen.event)).collect()
    }

    /// How many events of a party are wanted ones.
    pub(crate) fn count(&self, party: usize, wanted: impl Fn(&SessionEvent) -> bool) -> usize {
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|seen| seen.party == party && wanted(&seen.event)).count()
    }

    /// Waits for an event of a party; the failure says what did not come.
    pub(crate) async fn wait<R>(
        &self,
        limit: Duration,
        party: usize,
        what: &str,
        pick: impl Fn(&SessionEvent) -> Option<R>,
    ) -> Result<R, Failure> {
        let mut length = self.length();
        let found = timeout(limit, async {
            loop {
                length.borrow_and_update();
                if let Some(found) = self.find(party, &pick) {
                    return found;
                }
                if length.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        });
        found.await.map_err(|_| {
            Failure::failed(format!(
                "{}: {what} did not come within {} s",
                PARTIES[party].name,
                limit.as_secs_f64()
            ))
        })
    }
}

/// Puts the parties' clocks, which each start at zero when the party starts, on one: an event cannot be taken from the
/// bus before it happened, so the earliest difference seen is the best estimate of a party's start.
#[derive(Debug, Clone)]
pub(crate) struct Clocks {
    zero: Instant,
    starts: [Option<Instant>; 3],
}

impl Clocks {
    /// Times are shown since `zero`.
    pub(crate) const fn new(zero: Instant) -> Self {
        Self { zero, starts: [None; 3] }
    }

    /// Learns from an event, and gives its time.
    pub(crate) fn time(&mut self, seen: &Seen) -> Duration {
        let start = seen.taken.checked_sub(seen.event.at).unwrap_or(seen.taken);
        let known = self.starts[seen.party].get_or_insert(start);
        *known = start.min(*known);
        self.of(seen.party, seen.event.at)
    }

    /// A party's time on the common clock.
    pub(crate) fn of(&self, party: usize, at: Duration) -> Duration {
        self.starts[party].map_or(at, |start| (start + at).saturating_duration_since(self.zero))
    }
}

#[cfg(test)]
mod tests;
