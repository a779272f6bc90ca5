//! The bus against a model of plain lists: random publishing and receiving, every answer compared.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;

use event_bus::{Bus, Delivery, Overflow, Priority, SubscribeOptions, Subscriber, TryRecvError};
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
}

impl Model {
    fn publish(&mut self, priority: Priority, batch: &[u32]) {
        let wanted: Vec<u32> = batch.iter().copied().filter(|event| event % self.divisor == 0).collect();
        for (index, &event) in wanted.iter().enumerate() {
            if self.ended {
                return;
            }
            if self.queued.len() == self.capacity {
                if self.disconnects {
                    self.ended = true;
                    self.refused = (wanted.len() - index) as u64;
                    return;
                }
                self.dropped += 1;
                let lowest = self.queued.iter().map(|(queued, _)| *queued).max().expect("the queue is full");
                if lowest < priority {
                    continue;
                }
                let oldest = self.queued.iter().position(|(queued, _)| *queued == lowest);
                self.queued.remove(oldest.expect("the lowest priority is in the queue"));
            }
            self.queued.push((priority, event));
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
        2 => (0..8usize, 1..10usize).prop_map(|(which, max)| Op::ReceiveBatch(which, max)),
        2 => (1..6usize, any::<bool>(), 1..4u32)
            .prop_map(|(capacity, disconnects, divisor)| Op::Subscribe { capacity, disconnects, divisor }),
        1 => (0..8usize).prop_map(Op::Drop),
        1 => (0..8usize).prop_map(Op::Unsubscribe),
    ]
}

fn subscribe(bus: &Bus<u32>, capacity: usize, disconnects: bool, divisor: u32) -> (Subscriber<u32>, Model) {
    let overflow = if disconnects { Overflow::Disconnect } else { Overflow::DropOldest };
    let options = SubscribeOptions::with_capacity(capacity)
        .overflow(overflow)
        .filter(move |event| event % divisor == 0);
    let subscriber = bus.subscribe(options).expect("the options are within the limits");
    let queued = Vec::new();
    (subscriber, Model { capacity, disconnects, divisor, queued, dropped: 0, refused: 0, ended: false })
}

proptest! {
    #[test]
    fn every_subscriber_sees_what_the_model_sees(ops in prop::collection::vec(op(), 1..200)) {
        let bus = Bus::new();
        let publisher = bus.publisher();
        let mut pairs: VecDeque<(Subscriber<u32>, Model)> = VecDeque::new();
        for op in ops {
            match op {
                Op::Publish(priority, event) => {
                    publisher.publish(priority, event);
                    for (_, model) in &mut pairs {
                        model.publish(priority, &[event]);
                    }
                }
                Op::PublishBatch(priority, events) => {
                    publisher.publish_batch(priority, events.iter().copied());
                    for (_, model) in &mut pairs {
                        model.publish(priority, &events);
                    }
                }
                Op::Receive(which) => {
                    if let Some((subscriber, model)) = pairs.get_mut(which) {
                        prop_assert_eq!(subscriber.try_recv(), model.receive());
                    }
                }
                Op::ReceiveBatch(which, max) => {
                    if let Some((subscriber, model)) = pairs.get_mut(which)
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
                    pairs.push_back(subscribe(&bus, capacity, disconnects, divisor));
                }
                Op::Subscribe { .. } => {}
                Op::Drop(which) => drop(pairs.remove(which)),
                Op::Unsubscribe(which) => {
                    if let Some((subscriber, model)) = pairs.get_mut(which) {
                        subscriber.unsubscribe();
                        model.ended = true;
                    }
                }
            }
            let live = pairs.iter().filter(|(_, model)| !model.ended).count();
            prop_assert_eq!(bus.subscribers(), live);
        }
        drop(bus);
        publisher.publish(Priority::High, 0u32);
        for (mut subscriber, mut model) in pairs {
            model.ended = true;
            let seen: Vec<_> = std::iter::from_fn(|| subscriber.recv_blocking()).collect();
            let expected: Vec<_> = std::iter::from_fn(|| model.receive().ok()).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
