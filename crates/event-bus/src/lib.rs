//! A typed event bus: priorities, batches, filters, bounded queues and counted loss.
//!
//! The bus knows nothing about the events it carries: an event is shared as `Arc<E>`, so `E` needs neither `Clone` nor
//! a serialised form, only `Send + Sync`. There is no global state; a bus is a value.
//!
//! The contract, in the words the tests use:
//!
//! - *Strict priority*: a subscriber takes every queued [`Priority::High`] event before a `Normal` one and every
//!   `Normal` one before a `Low` one. The priority is given at [`publish`](Publisher::publish), not by the event's
//!   type, so that the same event can be urgent in one place and background noise in another.
//! - *Order*: within one priority a subscriber sees the events of one publisher in the order of publication.
//! - *Bounded*: a queue holds at most the capacity chosen at [`subscribe`](Bus::subscribe). What happens beyond it is
//!   the subscriber's explicit [`Overflow`] policy.
//! - *No silent loss*: each event that a subscriber should have seen and did not is counted, and the count reaches
//!   that subscriber as [`Delivery::Lost`].
//! - *No idle wake*: a [filter](SubscribeOptions::filter) is asked in the publisher's thread before the queue is
//!   touched, so a subscriber is never woken for an event it does not want.
//! - *Clear ends*: dropping a [`Subscriber`] unsubscribes it; dropping the [`Bus`] ends every subscriber after it has
//!   drained its queue.
//!
#![doc = include_str!("../README.md")]

mod bus;
mod options;
mod priority;
mod queue;
mod subscriber;
mod sync;

pub use bus::{Bus, MAX_SUBSCRIBERS, Publisher, Receipt, SubscribeError};
pub use options::{DEFAULT_CAPACITY, MAX_CAPACITY, Overflow, SubscribeOptions};
pub use priority::Priority;
pub use subscriber::{Delivery, End, RecvTimeoutError, Subscriber, TryRecvError};
