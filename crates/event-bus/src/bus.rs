//! The bus, its publishers and the list of subscribers between them.

use std::fmt;
use std::ops::AddAssign;
use std::sync::{Arc, PoisonError};

use crate::options::{MAX_CAPACITY, SubscribeOptions};
use crate::priority::Priority;
use crate::queue::{Offered, Queue};
use crate::subscriber::{End, Subscriber};
use crate::sync::{AtomicUsize, Ordering, RwLock};

/// How many subscribers one bus takes.
///
/// Publishing costs time for each of them, so a bus with more is a sign of subscriptions that are never dropped.
pub const MAX_SUBSCRIBERS: usize = 1024;

/// Why [`Bus::subscribe`] refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The capacity asked for is 0 or over [`MAX_CAPACITY`]; ask for one in between.
    #[error("a queue of {asked} events is not within 1..={MAX_CAPACITY}")]
    Capacity {
        /// What was asked for.
        asked: usize,
    },
    /// The bus has [`MAX_SUBSCRIBERS`] subscribers; drop one first.
    #[error("the bus has {MAX_SUBSCRIBERS} subscribers already")]
    TooMany,
}

/// What became of the events of one `publish`, summed over the subscribers.
///
/// For statistics; a publisher should not act on who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Events put into a queue.
    pub queued: u64,
    /// Events that a filter did not want.
    pub filtered: u64,
    /// Events lost by overflow: an older one dropped for the new one, or the new one itself.
    pub lost: u64,
}

impl AddAssign<Offered> for Receipt {
    fn add_assign(&mut self, offered: Offered) {
        self.queued += offered.queued;
        self.filtered += offered.filtered;
        self.lost += offered.lost;
    }
}

type Queues<E> = Arc<[Arc<Queue<E>>]>;

/// The list of subscribers, shared by the bus and its publishers.
///
/// A publisher works on a snapshot, so that nobody has to wait for a publisher that waits for a slow reader.
pub(crate) struct Registry<E> {
    queues: RwLock<Option<Queues<E>>>,
    /// How many are in the list: lets an unobserved publisher go on without touching the lock.
    count: AtomicUsize,
}

impl<E> Registry<E> {
    /// The subscribers at this moment; `None` once the bus is dropped.
    fn snapshot(&self) -> Option<Queues<E>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the list by what `change` makes of it, where the bus still exists.
    fn replace<R>(&self, change: impl FnOnce(&Queues<E>) -> Result<Queues<E>, R>) -> Result<(), R> {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = queues.as_ref() else { return Ok(()) };
        let after = change(before)?;
        self.count.store(after.len(), Ordering::Release);
        let before = queues.replace(after);
        drop(queues);
        // The last reference to a queue frees its events, which is code of the user.
        drop(before);
        Ok(())
    }

    fn add(&self, queue: &Arc<Queue<E>>) -> Result<(), SubscribeError> {
        self.replace(|before| {
            if before.len() >= MAX_SUBSCRIBERS {
                return Err(SubscribeError::TooMany);
            }
            Ok(before.iter().chain([queue]).cloned().collect())
        })
    }

    pub(crate) fn remove(&self, queue: &Arc<Queue<E>>) {
        let removed: Result<(), std::convert::Infallible> = self.replace(|before| {
            Ok(before.iter().filter(|candidate| !Arc::ptr_eq(candidate, queue)).cloned().collect())
        });
        match removed {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    fn close(&self) -> Option<Queues<E>> {
        self.count.store(0, Ordering::Release);
        self.queues.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A bus for events of type `E`: owns the subscriptions and ends them when it is dropped.
///
/// ```
/// use event_bus::{Bus, Priority, SubscribeOptions};
///
/// let bus = Bus::new();
/// let mut subscriber = bus.subscribe(SubscribeOptions::default())?;
/// bus.publisher().publish(Priority::Normal, "hello");
/// assert_eq!(subscriber.try_recv()?.into_event().as_deref(), Some(&"hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Bus<E> {
    registry: Arc<Registry<E>>,
}

impl<E> Bus<E> {
    /// Makes a bus without subscribers.
    pub fn new() -> Self {
        Self {
            registry: Arc::new(Registry {
                queues: RwLock::new(Some(Arc::new([]))),
                count: AtomicUsize::new(0),
            }),
        }
    }

    /// Makes a publishing end. It does not keep the bus alive.
    pub fn publisher(&self) -> Publisher<E> {
        Publisher { registry: Arc::clone(&self.registry) }
    }

    /// Adds a subscriber, which sees what is published after this call returns.
    pub fn subscribe(&self, options: SubscribeOptions<E>) -> Result<Subscriber<E>, SubscribeError> {
        if options.capacity == 0 || options.capacity > MAX_CAPACITY {
            return Err(SubscribeError::Capacity { asked: options.capacity });
        }
        let queue = Arc::new(Queue::new(options));
        self.registry.add(&queue)?;
        Ok(Subscriber::new(queue, Arc::downgrade(&self.registry)))
    }

    /// How many subscriptions are live.
    pub fn subscribers(&self) -> usize {
        self.registry.count.load(Ordering::Acquire)
    }
}

impl<E> Default for Bus<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Drop for Bus<E> {
    fn drop(&mut self) {
        for queue in self.registry.close().iter().flat_map(|queues| queues.iter()) {
            queue.end(End::BusDropped);
        }
    }
}

impl<E> fmt::Debug for Bus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("subscribers", &self.subscribers()).finish_non_exhaustive()
    }
}

/// A publishing end of a [`Bus`]; cheap to clone, usable from any thread.
///
/// Publishing never waits, except for subscribers that asked for [`Overflow::Block`](crate::Overflow::Block). After
/// the bus was dropped it does nothing.
pub struct Publisher<E> {
    registry: Arc<Registry<E>>,
}

impl<E> Publisher<E> {
    /// Whether anybody is subscribed; filters are not asked.
    pub fn is_observed(&self) -> bool {
        self.registry.count.load(Ordering::Acquire) > 0
    }

    /// Publishes one event to every subscriber that wants it.
    pub fn publish(&self, priority: Priority, event: impl Into<Arc<E>>) -> Receipt {
        self.publish_with(priority, || event)
    }

    /// Publishes the event that `make` makes, and does not make it where nobody is subscribed.
    pub fn publish_with<T: Into<Arc<E>>>(&self, priority: Priority, make: impl FnOnce() -> T) -> Receipt {
        let Some(queues) = self.observers() else { return Receipt::default() };
        let event = make().into();
        self.deliver(&queues, |queue| queue.offer(priority, &event))
    }

    /// Publishes an event that its owner keeps: it is copied once, where a subscriber wants it, and not at all otherwise.
    pub fn publish_ref(&self, priority: Priority, event: &E) -> Receipt
    where
        E: Clone,
    {
        let Some(queues) = self.observers() else { return Receipt::default() };
        let mut copy = None;
        self.deliver(&queues, |queue| {
            queue.offer_with(priority, event, || {
                Arc::clone(copy.get_or_insert_with(|| Arc::new(event.clone())))
            })
        })
    }

    /// Publishes several events of one priority in their order: each subscriber is locked and woken once.
    ///
    /// Every subscriber gets the whole batch before the next one gets anything.
    pub fn publish_batch<T: Into<Arc<E>>>(
        &self,
        priority: Priority,
        events: impl IntoIterator<Item = T>,
    ) -> Receipt {
        let Some(queues) = self.observers() else { return Receipt::default() };
        let events: Vec<Arc<E>> = events.into_iter().map(Into::into).collect();
        if events.is_empty() {
            return Receipt::default();
        }
        self.deliver(&queues, |queue| queue.offer_batch(priority, &events))
    }

    fn observers(&self) -> Option<Queues<E>> {
        if !self.is_observed() {
            return None;
        }
        self.registry.snapshot()
    }

    fn deliver(&self, queues: &Queues<E>, mut offer: impl FnMut(&Queue<E>) -> Offered) -> Receipt {
        let mut receipt = Receipt::default();
        for queue in queues.iter() {
            let offered = offer(queue);
            receipt += offered;
            if offered.ended {
                self.registry.remove(queue);
            }
        }
        receipt
    }
}

impl<E> Clone for Publisher<E> {
    fn clone(&self) -> Self {
        Self { registry: Arc::clone(&self.registry) }
    }
}

impl<E> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("observed", &self.is_observed()).finish_non_exhaustive()
    }
}
