//! What a subscriber asks for when it subscribes.

use std::fmt;

/// The largest queue a subscriber may ask for, in events.
///
/// A queue of this length holds 8 MiB of pointers; a reader that is a million events behind is broken, not slow.
pub const MAX_CAPACITY: usize = 1 << 20;

/// The queue length of [`SubscribeOptions::default`], in events.
///
/// A reader that is descheduled for 10 ms misses nothing at 100,000 events a second, more than one engine produces.
pub const DEFAULT_CAPACITY: usize = 1024;

/// Says what a publisher does when a subscriber's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// Drops the oldest event of the lowest priority in the queue and takes the new one.
    ///
    /// Where everything queued has a higher priority than the new event, the new event is the one dropped: a flood of
    /// background events never costs an urgent one. For observers that want the present more than the past.
    DropOldest,
    /// Ends the subscription: the queue is still drained, then comes [`Delivery::Lost`](crate::Delivery::Lost), then
    /// the end with [`End::Overflow`](crate::End::Overflow).
    ///
    /// For readers to whom a history with a hole is worthless, such as a call-record writer.
    Disconnect,
    /// Makes the publishing *thread* wait until the reader has taken half of the queue, was dropped, or the bus has
    /// ended.
    ///
    /// For tests and tools. A publisher that must not be held up (an engine, an async task) must not have such a
    /// subscriber, and a subscriber read by the publishing thread itself would wait for ever.
    Block,
}

/// The question a filter answers: does the subscriber want this event?
pub(crate) type Filter<E> = Box<dyn Fn(&E) -> bool + Send + Sync>;

/// Describes a subscription: how long its queue is, what happens beyond that, and which events it wants.
///
/// The default is a queue of [`DEFAULT_CAPACITY`] events, [`Overflow::DropOldest`], and no filter.
pub struct SubscribeOptions<E> {
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) filter: Option<Filter<E>>,
}

impl<E> SubscribeOptions<E> {
    /// Starts from the default with a queue of `capacity` events, which must be `1..=`[`MAX_CAPACITY`]
    /// (checked by [`Bus::subscribe`](crate::Bus::subscribe)).
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Sets what happens when the queue is full.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Wants only events for which `wants` answers `true`; a second filter narrows the first.
    ///
    /// The filter runs in the publishing thread for every event, so it should be a comparison or two. It holds no lock
    /// of the bus, so it may itself use the bus. A panic in it reaches the publisher.
    #[must_use]
    pub fn filter(mut self, wants: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self
    where
        E: 'static,
    {
        self.filter = Some(match self.filter.take() {
            None => Box::new(wants),
            Some(earlier) => Box::new(move |event| earlier(event) && wants(event)),
        });
        self
    }
}

impl<E> Default for SubscribeOptions<E> {
    fn default() -> Self {
        Self { capacity: DEFAULT_CAPACITY, overflow: Overflow::DropOldest, filter: None }
    }
}

impl<E> fmt::Debug for SubscribeOptions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("capacity", &self.capacity)
            .field("overflow", &self.overflow)
            .field("filtered", &self.filter.is_some())
            .finish()
    }
}
