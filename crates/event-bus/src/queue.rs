//! The queue of one subscriber: three lanes under one lock.
//!
//! Code of the user (filters, wakers, `Drop` of an event) never runs while the lock is held, so it may use the bus.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::options::{Filter, Overflow, SubscribeOptions};
use crate::priority::Priority;
use crate::subscriber::{Delivery, End};
use crate::sync::{Condvar, Mutex, MutexGuard, yield_now};

/// What became of the events offered to one queue.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Offered {
    pub(crate) queued: u64,
    pub(crate) filtered: u64,
    pub(crate) lost: u64,
    /// The subscription has ended; the queue can leave the list of subscribers.
    pub(crate) ended: bool,
}

/// How often a reader gives way before it parks. A publisher at work queues something in that time, and to wake a parked
/// thread costs it far more than the publishing itself.
const YIELDS_BEFORE_PARKING: usize = 8;

pub(crate) struct Queue<E> {
    capacity: usize,
    overflow: Overflow,
    filter: Option<Filter<E>>,
    state: Mutex<State<E>>,
    /// Signalled when a parked reader has something to take, or the end to see.
    ready: Condvar,
    /// Signalled when a waiting publisher may go on.
    room: Condvar,
}

struct State<E> {
    lanes: [VecDeque<Arc<E>>; 3],
    /// Lost since the last marker, from inside the queue: reported before the next event.
    dropped: u64,
    /// Lost at the tail, by the end of the subscription: reported after the last event. Written only together with
    /// `end`, so that a reader that has seen the end is never told of a loss afterwards.
    refused: u64,
    lost_in_all: u64,
    end: Option<End>,
    waker: Option<Waker>,
    /// A thread waits on `ready`.
    parked: bool,
    /// This many events are held by publishers that wait on `room`.
    held: u64,
}

impl<E> State<E> {
    fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// Makes room for an event of `priority` and answers the event that had to go, or `None` where nothing queued is
    /// of the same or a lower priority and the new event is the one to lose.
    fn evict_for(&mut self, priority: Priority) -> Option<Arc<E>> {
        self.lanes.iter_mut().skip(priority.lane()).rev().find_map(VecDeque::pop_front)
    }

    /// Ends the subscription with `unqueued` events that were being offered; the first reason stands.
    fn close(&mut self, reason: End, unqueued: u64) {
        if self.end.is_none() {
            self.end = Some(reason);
            self.refused = unqueued;
            self.lost_in_all += unqueued;
        }
    }

    fn next(&mut self) -> Option<Delivery<E>> {
        if let Some(lost) = NonZeroU64::new(self.dropped) {
            self.dropped = 0;
            return Some(Delivery::Lost(lost));
        }
        if let Some(event) = self.lanes.iter_mut().find_map(VecDeque::pop_front) {
            return Some(Delivery::Event(event));
        }
        let lost = NonZeroU64::new(self.refused)?;
        self.refused = 0;
        Some(Delivery::Lost(lost))
    }
}

impl<E> Queue<E> {
    pub(crate) fn new(options: SubscribeOptions<E>) -> Self {
        Self {
            capacity: options.capacity,
            overflow: options.overflow,
            filter: options.filter,
            state: Mutex::new(State {
                lanes: [const { VecDeque::new() }; 3],
                dropped: 0,
                refused: 0,
                lost_in_all: 0,
                end: None,
                waker: None,
                parked: false,
                held: 0,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// A poisoned lock is taken as it is: nothing under the lock can panic between two related writes.
    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A publisher that waits goes on at this length. Half the queue at a time, as a switch of threads for each event
    /// would cost a hundred times what the event does.
    fn low_water(&self) -> usize {
        self.capacity / 2
    }

    fn wants(&self, event: &E) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(event))
    }

    /// Offers one event.
    pub(crate) fn offer(&self, priority: Priority, event: &Arc<E>) -> Offered {
        self.offer_with(priority, event, || Arc::clone(event))
    }

    /// Offers one event, which `share` makes one that can be kept; it is asked only if the event is wanted.
    pub(crate) fn offer_with(
        &self,
        priority: Priority,
        event: &E,
        share: impl FnOnce() -> Arc<E>,
    ) -> Offered {
        if self.wants(event) {
            self.push(priority, std::iter::once(&share()))
        } else {
            Offered { filtered: 1, ..Offered::default() }
        }
    }

    /// Offers several events under one lock, with one wake.
    pub(crate) fn offer_batch(&self, priority: Priority, events: &[Arc<E>]) -> Offered {
        if self.filter.is_none() {
            return self.push(priority, events.iter());
        }
        let wanted: Vec<_> = events.iter().filter(|event| self.wants(event)).collect();
        let filtered = (events.len() - wanted.len()) as u64;
        if wanted.is_empty() {
            return Offered { filtered, ..Offered::default() };
        }
        Offered { filtered, ..self.push(priority, wanted.into_iter()) }
    }

    fn push<'a>(&self, priority: Priority, mut events: impl ExactSizeIterator<Item = &'a Arc<E>>) -> Offered
    where
        E: 'a,
    {
        let mut offered = Offered::default();
        let mut evicted = Vec::new();
        let mut state = self.lock();
        while let Some(event) = events.next() {
            if state.end.is_none() && state.len() >= self.capacity {
                let unqueued = 1 + events.len() as u64;
                match self.overflow {
                    Overflow::DropOldest => {
                        state.dropped += 1;
                        state.lost_in_all += 1;
                        offered.lost += 1;
                        match state.evict_for(priority) {
                            Some(oldest) => evicted.push(oldest),
                            None => continue,
                        }
                    }
                    Overflow::Disconnect => {
                        state.close(End::Overflow, unqueued);
                        offered.lost += unqueued;
                    }
                    Overflow::Block => {
                        state = self.wait_for_room(state, unqueued);
                        if state.end.is_some() {
                            offered.lost += unqueued;
                        }
                    }
                }
            }
            // What is offered after the end was never due to this subscriber, so it is no loss.
            if state.end.is_some() {
                break;
            }
            state.lanes[priority.lane()].push_back(Arc::clone(event));
            offered.queued += 1;
        }
        offered.ended = state.end.is_some();
        self.wake(state);
        drop(evicted);
        offered
    }

    /// Waits until half of the queue was taken, or the end has come.
    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<E>>,
        unqueued: u64,
    ) -> MutexGuard<'a, State<E>> {
        // Before the lock is let go for a moment: an end that comes in that moment counts what we hold.
        state.held += unqueued;
        // The reader must learn of what is queued already, or it would sleep while we wait for it.
        self.wake(state);
        let mut state = self
            .room
            .wait_while(self.lock(), |state| state.end.is_none() && state.len() > self.low_water())
            .unwrap_or_else(PoisonError::into_inner);
        state.held -= unqueued;
        state
    }

    /// Releases the lock and wakes the reader, where one waits.
    fn wake(&self, mut state: MutexGuard<'_, State<E>>) {
        let waker = state.waker.take();
        // Taken as the waker is: a reader that is on its way is not signalled again.
        let parked = std::mem::take(&mut state.parked);
        drop(state);
        if parked {
            self.ready.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Releases the lock after something was taken and lets waiting publishers go on.
    fn release(&self, state: MutexGuard<'_, State<E>>) {
        let waiting = state.held > 0 && state.len() <= self.low_water();
        drop(state);
        if waiting {
            self.room.notify_all();
        }
    }

    /// Ends the subscription; the first reason stands.
    pub(crate) fn end(&self, reason: End) {
        let mut state = self.lock();
        let held = state.held;
        state.close(reason, held);
        self.wake(state);
        self.room.notify_all();
    }

    /// Ends the subscription and frees what nobody will read any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.end = Some(End::Unsubscribed);
        let lanes = std::mem::replace(&mut state.lanes, [const { VecDeque::new() }; 3]);
        let waker = state.waker.take();
        drop(state);
        self.room.notify_all();
        drop((lanes, waker));
    }

    /// Takes what is there: `Ready(None)` is the end, `Pending` leaves the task's waker behind.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        let mut state = self.lock();
        if let Some(delivery) = state.next() {
            self.release(state);
            return Poll::Ready(Some(delivery));
        }
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        if state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        let earlier = state.waker.replace(cx.waker().clone());
        drop(state);
        // Dropping a waker can free a task, and with it whatever that task owned.
        drop(earlier);
        Poll::Pending
    }

    /// Takes what is there; `Err(true)` is the end, `Err(false)` an empty queue.
    pub(crate) fn take(&self) -> Result<Delivery<E>, bool> {
        let mut state = self.lock();
        match state.next() {
            Some(delivery) => {
                self.release(state);
                Ok(delivery)
            }
            None => Err(state.end.is_some()),
        }
    }

    /// Parks the thread until something is there, the end has come, or `limit` has passed.
    pub(crate) fn wait(&self, limit: Option<Duration>) -> Result<Delivery<E>, bool> {
        for _ in 0..YIELDS_BEFORE_PARKING {
            match self.take() {
                Err(false) => yield_now(),
                taken => return taken,
            }
        }
        let state = self.lock();
        let idle = |state: &mut State<E>| {
            state.parked = state.end.is_none() && state.len() == 0 && state.dropped == 0;
            state.parked
        };
        let mut state = match limit {
            None => self.ready.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                self.ready.wait_timeout_while(state, limit, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.parked = false;
        match state.next() {
            Some(delivery) => {
                self.release(state);
                Ok(delivery)
            }
            None => Err(state.end.is_some()),
        }
    }

    /// Appends up to `max` deliveries to `into` under one lock and answers how many.
    pub(crate) fn drain(&self, into: &mut Vec<Delivery<E>>, max: usize) -> usize {
        let before = into.len();
        let mut state = self.lock();
        while into.len() - before < max {
            let Some(delivery) = state.next() else { break };
            into.push(delivery);
        }
        self.release(state);
        into.len() - before
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost_in_all
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.lock().end
    }
}
