//! Any sequence of bus operations keeps the bounds, the order within a priority, and the count: what was published and
//! wanted is received, queued, or counted as lost.

#![no_main]

use arbitrary::Arbitrary;
use event_bus::{Bus, Delivery, Overflow, Priority, SubscribeOptions, Subscriber};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
enum Op {
    Subscribe { capacity: u8, disconnects: bool, odd_only: bool },
    Publish { priority: u8 },
    PublishBatch { priority: u8, count: u8 },
    Receive { which: u8 },
    ReceiveAll { which: u8 },
    Unsubscribe { which: u8 },
    Drop { which: u8 },
}

struct Watched {
    subscriber: Subscriber<(Priority, u64)>,
    capacity: usize,
    odd_only: bool,
    expected: u64,
    received: u64,
    reported: u64,
    last: [Option<u64>; 3],
}

impl Watched {
    fn published(&mut self, number: u64, open: bool) {
        if open && (!self.odd_only || number % 2 == 1) {
            self.expected += 1;
        }
    }

    fn take(&mut self, delivery: Delivery<(Priority, u64)>) {
        match delivery {
            Delivery::Event(event) => {
                let (priority, number) = *event;
                assert!(!self.odd_only || number % 2 == 1, "a filtered event was delivered");
                let last = &mut self.last[priority as usize];
                assert!(last.is_none_or(|last| last < number), "the order within a priority is broken");
                *last = Some(number);
                self.received += 1;
            }
            Delivery::Lost(count) => self.reported += count.get(),
        }
    }

    fn check(&self) {
        let queued = self.subscriber.len();
        assert!(queued <= self.capacity);
        assert_eq!(self.expected, self.received + queued as u64 + self.subscriber.lost());
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let bus = Bus::new();
    let publisher = bus.publisher();
    let mut watched: Vec<Watched> = Vec::new();
    let mut number = 0;
    let priority = |byte: u8| Priority::ALL[usize::from(byte) % Priority::ALL.len()];
    for op in ops {
        match op {
            Op::Subscribe { capacity, disconnects, odd_only } if watched.len() < 16 => {
                let capacity = 1 + usize::from(capacity) % 32;
                let overflow = if disconnects { Overflow::Disconnect } else { Overflow::DropOldest };
                let options = SubscribeOptions::with_capacity(capacity)
                    .overflow(overflow)
                    .filter(move |(_, number): &(Priority, u64)| !odd_only || number % 2 == 1);
                let subscriber = bus.subscribe(options).expect("within the limits");
                let (expected, received, reported) = (0, 0, 0);
                let last = [None; 3];
                watched.push(Watched { subscriber, capacity, odd_only, expected, received, reported, last });
            }
            Op::Subscribe { .. } => {}
            Op::Publish { priority: byte } => {
                let open: Vec<bool> = watched.iter().map(|w| w.subscriber.ended().is_none()).collect();
                publisher.publish(priority(byte), (priority(byte), number));
                watched.iter_mut().zip(open).for_each(|(w, open)| w.published(number, open));
                number += 1;
            }
            Op::PublishBatch { priority: byte, count } => {
                let open: Vec<bool> = watched.iter().map(|w| w.subscriber.ended().is_none()).collect();
                let numbers = number..number + u64::from(count % 64);
                publisher
                    .publish_batch(priority(byte), numbers.clone().map(|number| (priority(byte), number)));
                for (w, open) in watched.iter_mut().zip(open) {
                    numbers.clone().for_each(|number| w.published(number, open));
                }
                number = numbers.end;
            }
            Op::Receive { which } => {
                if let Some(w) = watched.get_mut(usize::from(which))
                    && let Ok(delivery) = w.subscriber.try_recv()
                {
                    w.take(delivery);
                }
            }
            Op::ReceiveAll { which } => {
                if let Some(w) = watched.get_mut(usize::from(which)) {
                    while let Ok(delivery) = w.subscriber.try_recv() {
                        w.take(delivery);
                    }
                    assert_eq!(w.reported, w.subscriber.lost());
                }
            }
            Op::Unsubscribe { which } => {
                if let Some(w) = watched.get_mut(usize::from(which)) {
                    w.subscriber.unsubscribe();
                }
            }
            Op::Drop { which } => {
                if usize::from(which) < watched.len() {
                    watched.swap_remove(usize::from(which));
                }
            }
        }
        watched.iter().for_each(Watched::check);
    }
    drop(bus);
    for mut w in watched {
        while let Some(delivery) = w.subscriber.recv_blocking() {
            w.take(delivery);
        }
        assert_eq!(w.expected, w.received + w.reported);
    }
});
