//! The reading end of the bus.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::bus::Registry;
use crate::queue::Queue;

/// What a subscriber takes from its queue.
#[derive(Debug)]
pub enum Delivery<E> {
    /// An event, shared with every other subscriber that took it.
    Event(Arc<E>),
    /// This many events that passed the filter were lost to this subscriber since the last such marker.
    ///
    /// Under [`Overflow::DropOldest`](crate::Overflow::DropOldest) the marker comes before the next event. Where the
    /// loss is at the tail, because the subscription ended while events were still being offered, it comes after the
    /// last event.
    Lost(NonZeroU64),
}

impl<E> Delivery<E> {
    /// Takes the event, or `None` where this is a marker of loss.
    pub fn into_event(self) -> Option<Arc<E>> {
        match self {
            Self::Event(event) => Some(event),
            Self::Lost(_) => None,
        }
    }
}

impl<E> Clone for Delivery<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Event(event) => Self::Event(Arc::clone(event)),
            Self::Lost(lost) => Self::Lost(*lost),
        }
    }
}

impl<E: PartialEq> PartialEq for Delivery<E> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Event(a), Self::Event(b)) => a == b,
            (Self::Lost(a), Self::Lost(b)) => a == b,
            (Self::Event(_), Self::Lost(_)) | (Self::Lost(_), Self::Event(_)) => false,
        }
    }
}

impl<E: Eq> Eq for Delivery<E> {}

/// Says why a subscription takes no more events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The [`Bus`](crate::Bus) was dropped.
    BusDropped,
    /// The queue was full and its policy is [`Overflow::Disconnect`](crate::Overflow::Disconnect). To go on,
    /// subscribe again and rebuild from a snapshot what the hole has hidden.
    Overflow,
    /// The subscriber has asked for it by [`unsubscribe`](Subscriber::unsubscribe).
    Unsubscribed,
}

/// Why [`Subscriber::try_recv`] has nothing to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// Nothing is queued now; more may come.
    #[error("no event is queued")]
    Empty,
    /// The queue is drained and nothing will come; [`Subscriber::ended`] says why.
    #[error("the subscription has ended")]
    Ended,
}

/// Why [`Subscriber::recv_timeout`] has nothing to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecvTimeoutError {
    /// Nothing came within the limit; more may come.
    #[error("no event came in time")]
    Timeout,
    /// The queue is drained and nothing will come; [`Subscriber::ended`] says why.
    #[error("the subscription has ended")]
    Ended,
}

/// The reading end of one subscription, for a task ([`recv`](Self::recv)) or a thread
/// ([`recv_blocking`](Self::recv_blocking)); it needs no particular runtime.
///
/// Dropping it unsubscribes, frees the queue and lets a publisher that waits for room go on.
pub struct Subscriber<E> {
    queue: Arc<Queue<E>>,
    registry: Weak<Registry<E>>,
}

impl<E> Subscriber<E> {
    pub(crate) fn new(queue: Arc<Queue<E>>, registry: Weak<Registry<E>>) -> Self {
        Self { queue, registry }
    }

    /// Waits for the next delivery; `None` is the end, after the queue was drained.
    ///
    /// Cancel-safe: dropping the future before it is ready loses nothing.
    pub async fn recv(&mut self) -> Option<Delivery<E>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next delivery; the building block for a `Stream` or a `select` of one's own.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        self.queue.poll(cx)
    }

    /// Waits until at least one delivery is there, appends up to `max` of them to `into` and answers how many; 0 is the
    /// end. A `max` of 0 counts as 1.
    ///
    /// The batch holds what was queued at one moment: an event published meanwhile may overtake only in the next one.
    /// Cancel-safe.
    pub async fn recv_batch(&mut self, into: &mut Vec<Delivery<E>>, max: usize) -> usize {
        poll_fn(|cx| {
            let taken = self.queue.drain(into, max.max(1));
            if taken > 0 {
                return Poll::Ready(taken);
            }
            let Some(first) = ready!(self.queue.poll(cx)) else { return Poll::Ready(0) };
            into.push(first);
            Poll::Ready(1 + self.queue.drain(into, max.saturating_sub(1)))
        })
        .await
    }

    /// Takes the next delivery if one is queued.
    pub fn try_recv(&mut self) -> Result<Delivery<E>, TryRecvError> {
        self.queue.take().map_err(|ended| if ended { TryRecvError::Ended } else { TryRecvError::Empty })
    }

    /// Blocks the thread until the next delivery; `None` is the end, after the queue was drained.
    ///
    /// For threads; in an async task use [`recv`](Self::recv).
    pub fn recv_blocking(&mut self) -> Option<Delivery<E>> {
        self.queue.wait(None).ok()
    }

    /// Blocks the thread until the next delivery, the end, or until `limit` has passed.
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<Delivery<E>, RecvTimeoutError> {
        self.queue
            .wait(Some(limit))
            .map_err(|ended| if ended { RecvTimeoutError::Ended } else { RecvTimeoutError::Timeout })
    }

    /// Blocks the thread like [`recv_blocking`](Self::recv_blocking) and takes a batch like
    /// [`recv_batch`](Self::recv_batch).
    pub fn recv_batch_blocking(&mut self, into: &mut Vec<Delivery<E>>, max: usize) -> usize {
        let Ok(first) = self.queue.wait(None) else { return 0 };
        into.push(first);
        1 + self.queue.drain(into, max.saturating_sub(1))
    }

    /// Takes no more events from now on; what is queued can still be received.
    pub fn unsubscribe(&mut self) {
        self.queue.end(End::Unsubscribed);
        self.leave();
    }

    /// How many events are queued.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no event is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events this subscriber has lost since it subscribed, reported by a marker already or not.
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }

    /// Why the subscription has ended, or `None` while it takes events. Queued events may be left to receive.
    pub fn ended(&self) -> Option<End> {
        self.queue.ended()
    }

    fn leave(&self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(&self.queue);
        }
    }
}

impl<E> Drop for Subscriber<E> {
    fn drop(&mut self) {
        self.leave();
        self.queue.abandon();
    }
}

impl<E> fmt::Debug for Subscriber<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("queued", &self.len())
            .field("lost", &self.lost())
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}
