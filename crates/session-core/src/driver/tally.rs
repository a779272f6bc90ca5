//! What became of events: a subscriber that is stuck is seen here.

use std::sync::atomic::{AtomicU64, Ordering};

use event_bus::Receipt;

/// Counts of events since the start, summed over all subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EventCounters {
    /// Subscriptions that are live.
    pub subscribers: usize,
    /// Events that the engine told.
    pub published: u64,
    /// Events put into a subscriber's queue.
    pub queued: u64,
    /// Events that a subscriber did not want.
    pub filtered: u64,
    /// Events lost because a subscriber's queue was full: it is stuck, or too slow.
    pub lost: u64,
    /// Steps of transfers that nobody took from a [`Transfer`](crate::Transfer) in time.
    pub left_out: u64,
    /// Events that a filter of the application's panicked at; they count as unwanted.
    pub filter_panics: u64,
}

/// The counts as they grow.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    published: AtomicU64,
    queued: AtomicU64,
    filtered: AtomicU64,
    lost: AtomicU64,
    left_out: AtomicU64,
    filter_panics: AtomicU64,
}

impl Tally {
    pub(crate) fn published(&self, receipt: Receipt) {
        self.published.fetch_add(1, Ordering::Relaxed);
        self.queued.fetch_add(receipt.queued, Ordering::Relaxed);
        self.filtered.fetch_add(receipt.filtered, Ordering::Relaxed);
        self.lost.fetch_add(receipt.lost, Ordering::Relaxed);
    }

    pub(crate) fn left_out(&self) {
        self.left_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn filter_panicked(&self) {
        self.filter_panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counters(&self, subscribers: usize) -> EventCounters {
        EventCounters {
            subscribers,
            published: self.published.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            filtered: self.filtered.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            left_out: self.left_out.load(Ordering::Relaxed),
            filter_panics: self.filter_panics.load(Ordering::Relaxed),
        }
    }
}
