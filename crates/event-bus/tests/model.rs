//! The bus against a model of plain lists: random publishing and receiving, every answer, count and wake compared.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use event_bus::{Bus, Delivery, Overflow, Priority, Receipt, SubscribeOptions, Subscriber, TryRecvError};
use proptest::prelude::*;

/// What one subscriber should hold, written the plainest way: one list, searched each time.
struct Model {
    capacity: usize,
    disconnects: bool,
    divisor: u32,
    queued: Vec<(Priority, u32)>,
    dropped: u64,
    refused: u64,
    ended: bool,
    /// A task waits for this subscriber.
    waiting: bool,
    wakes: usize,
}

impl Model {
    fn publish(&mut self, priority: Priority, batch: &[u32], receipt: &mut Receipt) {
        if self.ended {
            return;
        }
        let wanted: Vec<u32> = batch.iter().copied().filter(|event| event % self.divisor == 0).collect();
        receipt.filtered += (batch.len() - wanted.len()) as u64;
        if !wanted.is_empty() {
            self.wake();
        }
        for (index, &event) in wanted.iter().enumerate() {
            if self.queued.len() == self.capacity {
                if self.disconnects {
                    self.end();
                    self.refused = (wanted.len() - index) as u64;
                    receipt.lost += self.refused;
                    return;
                }
                self.dropped += 1;
                receipt.lost += 1;
                let lowest = self.queued.iter().map(|(queued, _)| *queued).max().expect("the queue is full");
                if lowest < priority {
                    continue;
                }
                let oldest = self.queued.iter().position(|(queued, _)| *queued == lowest);
                self.queued.remove(oldest.expect("the lowest priority is in the queue"));
            }
            self.queued.push((priority, event));
            receipt.queued += 1;
        }
    }

    fn wake(&mut self) {
        self.wakes += usize::from(std::mem::take(&mut self.waiting));
    }

    fn end(&mut self) {
        self.ended = true;
        self.wake();
    }

    /// What a task gets that polls for the next delivery.
    fn poll(&mut self) -> Poll<Option<Delivery<u32>>> {
        match self.receive() {
            Ok(delivery) => Poll::Ready(Some(delivery)),
            Err(TryRecvError::Ended) => Poll::Ready(None),
            Err(TryRecvError::Empty) => {
                self.waiting = true;
                Poll::Pending
            }
        }
    }

    fn receive(&mut self) -> Result<Delivery<u32>, TryRecvError> {
        if let Some(lost) = NonZeroU64::new(std::mem::take(&mut self.dropped)) {
            return Ok(Delivery::Lost(lost));
        }
        if let Some(first) = self.queued.iter().map(|(priority, _)| *priority).min() {
            let position = self.queued.iter().position(|(priority, _)| *priority == first);
            let (_, event) = self.queued.remove(position.expect("the first priority is in the queue"));
            return Ok(Delivery::Event(Arc::new(event)));
        }
        match NonZeroU64::new(std::mem::take(&mut self.refused)) {
            Some(lost) => Ok(Delivery::Lost(lost)),
            None if self.ended => Err(TryRecvError::Ended),
            None => Err(TryRecvError::Empty),
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    Publish(Priority, u32),
    PublishBatch(Priority, Vec<u32>),
    Receive(usize),
    Poll(usize),
    ReceiveBatch(usize, usize),
    Subscribe { capacity: usize, disconnects: bool, divisor: u32 },
    Drop(usize),
    Unsubscribe(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let priority = || prop::sample::select(Priority::ALL.to_vec());
    prop_oneof![
        6 => (priority(), 0..1000u32).prop_map(|(priority, event)| Op::Publish(priority, event)),
        3 => (priority(), prop::collection::vec(0..1000u32, 0..12))
            .prop_map(|(priority, events)| Op::PublishBatch(priority, events)),
        6 => (0..8usize).prop_map(Op::Receive),
        6 => (0..8usize).prop_map(Op::Poll),
        2 => (0..8usize, 1..10usize).prop_map(|(which, max)| Op::ReceiveBatch(which, max)),
        2 => (1..6usize, any::<bool>(), 1..4u32)
            .prop_map(|(capacity, disconnects, divisor)| Op::Subscribe { capacity, disconnects, divisor }),
        1 => (0..8usize).prop_map(Op::Drop),
        1 => (0..8usize).prop_map(Op::Unsubscribe),
    ]
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A subscriber, its model, and the wakes of the task that waits for it.
struct Pair {
    subscriber: Subscriber<u32>,
    model: Model,
    wakes: Arc<Wakes>,
}

impl Pair {
    fn subscribe(bus: &Bus<u32>, capacity: usize, disconnects: bool, divisor: u32) -> Self {
        let overflow = if disconnects { Overflow::Disconnect } else { Overflow::DropOldest };
        let options = SubscribeOptions::with_capacity(capacity)
            .overflow(overflow)
            .filter(move |event| event % divisor == 0);
        let subscriber = bus.subscribe(options).expect("the options are within the limits");
        let (queued, dropped, refused) = (Vec::new(), 0, 0);
        let (ended, waiting, wakes) = (false, false, 0);
        let model = Model { capacity, disconnects, divisor, queued, dropped, refused, ended, waiting, wakes };
        Self { subscriber, model, wakes: Arc::default() }
    }

    fn poll(&mut self) -> Poll<Option<Delivery<u32>>> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.subscriber.poll_recv(&mut Context::from_waker(&waker))
    }
}

/// Publishes on all models and answers what the bus should answer.
fn publish(pairs: &mut [Pair], priority: Priority, events: &[u32]) -> Receipt {
    let mut receipt = Receipt::default();
    for pair in pairs {
        pair.model.publish(priority, events, &mut receipt);
    }
    receipt
}

proptest! {
    #[test]
    fn every_subscriber_sees_what_the_model_sees(ops in prop::collection::vec(op(), 1..200)) {
        let bus = Bus::new();
        let publisher = bus.publisher();
        let mut pairs: Vec<Pair> = Vec::new();
        for op in ops {
            match op {
                Op::Publish(priority, event) => {
                    let receipt = publisher.publish(priority, event);
                    prop_assert_eq!(receipt, publish(&mut pairs, priority, &[event]));
                }
                Op::PublishBatch(priority, events) => {
                    let receipt = publisher.publish_batch(priority, events.iter().copied());
                    prop_assert_eq!(receipt, publish(&mut pairs, priority, &events));
                }
                Op::Receive(which) => {
                    if let Some(pair) = pairs.get_mut(which) {
                        prop_assert_eq!(pair.subscriber.try_recv(), pair.model.receive());
                    }
                }
                Op::Poll(which) => {
                    if let Some(pair) = pairs.get_mut(which) {
                        prop_assert_eq!(pair.poll(), pair.model.poll());
                    }
                }
                Op::ReceiveBatch(which, max) => {
                    if let Some(Pair { subscriber, model, .. }) = pairs.get_mut(which)
                        && (!subscriber.is_empty() || model.ended)
                    {
                        let mut batch = Vec::new();
                        let taken = subscriber.recv_batch_blocking(&mut batch, max);
                        prop_assert_eq!(taken, batch.len());
                        let expected: Vec<_> = std::iter::from_fn(|| model.receive().ok()).take(max).collect();
                        prop_assert_eq!(batch, expected);
                    }
                }
                Op::Subscribe { capacity, disconnects, divisor } if pairs.len() < 8 => {
                    pairs.push(Pair::subscribe(&bus, capacity, disconnects, divisor));
                }
                Op::Subscribe { .. } => {}
                Op::Drop(which) => {
                    if which < pairs.len() {
                        drop(pairs.remove(which));
                    }
                }
                Op::Unsubscribe(which) => {
                    if let Some(pair) = pairs.get_mut(which) {
                        pair.subscriber.unsubscribe();
                        pair.model.end();
                    }
                }
            }
            let live = pairs.iter().filter(|pair| !pair.model.ended).count();
            prop_assert_eq!(bus.subscribers(), live);
            for Pair { subscriber, model, wakes } in &pairs {
                prop_assert_eq!(subscriber.len(), model.queued.len());
                prop_assert_eq!(wakes.0.load(Ordering::Relaxed), model.wakes);
            }
        }
        drop(bus);
        prop_assert_eq!(publisher.publish(Priority::High, 0u32), Receipt::default());
        for Pair { mut subscriber, mut model, wakes } in pairs {
            model.end();
            let seen: Vec<_> = std::iter::from_fn(|| subscriber.recv_blocking()).collect();
            let expected: Vec<_> = std::iter::from_fn(|| model.receive().ok()).collect();
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(wakes.0.load(Ordering::Relaxed), model.wakes);
        }
    }
}
