//! The bus between threads. Nothing here depends on timing: each wait ends by an event.

use std::thread;

use event_bus::{Bus, Delivery, End, Overflow, Priority, SubscribeOptions};

#[test]
fn a_blocked_publisher_loses_nothing() {
    const EVENTS: u32 = 2_000;
    let bus = Bus::new();
    let options = SubscribeOptions::with_capacity(1).overflow(Overflow::Block);
    let mut subscriber = bus.subscribe(options).expect("within the limits");
    thread::scope(|scope| {
        let publisher = bus.publisher();
        scope.spawn(move || {
            for event in 0..EVENTS / 2 {
                publisher.publish(Priority::Normal, event);
            }
            publisher.publish_batch(Priority::Normal, EVENTS / 2..EVENTS);
        });
        for expected in 0..EVENTS {
            let event = subscriber.recv_blocking().and_then(Delivery::into_event);
            assert_eq!(event.as_deref(), Some(&expected));
        }
    });
    assert_eq!(subscriber.lost(), 0);
}

#[test]
fn dropping_the_reader_frees_a_blocked_publisher() {
    let bus = Bus::new();
    let options = SubscribeOptions::with_capacity(1).overflow(Overflow::Block);
    let mut subscriber = bus.subscribe(options).expect("within the limits");
    thread::scope(|scope| {
        let publisher = bus.publisher();
        let publishing = scope.spawn(move || publisher.publish_batch(Priority::Normal, 0..100_u32));
        assert!(subscriber.recv_blocking().is_some());
        drop(subscriber);
        let receipt = publishing.join().expect("the publisher returns");
        assert!(receipt.queued >= 1 && receipt.queued + receipt.lost <= 100);
    });
}

#[test]
fn dropping_the_bus_frees_a_blocked_publisher_and_counts_what_it_held() {
    let bus = Bus::new();
    let options = SubscribeOptions::with_capacity(2).overflow(Overflow::Block);
    let mut subscriber = bus.subscribe(options).expect("within the limits");
    let publisher = bus.publisher();
    let receipt = thread::scope(|scope| {
        let publishing = scope.spawn(move || publisher.publish_batch(Priority::Normal, 0..10_u32));
        // Full means that the publisher is at its third event or about to be.
        while subscriber.len() < 2 {
            thread::yield_now();
        }
        drop(bus);
        publishing.join().expect("the publisher returns")
    });
    let mut events = 0;
    let mut lost = 0;
    while let Some(delivery) = subscriber.recv_blocking() {
        match delivery {
            Delivery::Event(event) => {
                assert_eq!((*event, lost), (events, 0));
                events += 1;
            }
            Delivery::Lost(count) => lost += count.get(),
        }
    }
    assert_eq!((u64::from(events), lost), (receipt.queued, receipt.lost));
    assert_eq!(subscriber.ended(), Some(End::BusDropped));
}

#[test]
fn several_publishers_and_readers_lose_nothing_and_keep_each_order() {
    const PUBLISHERS: usize = 3;
    const EVENTS: usize = 500;
    let bus = Bus::new();
    let subscribers: Vec<_> = (0..3)
        .map(|_| {
            let options = SubscribeOptions::with_capacity(PUBLISHERS * EVENTS).overflow(Overflow::Disconnect);
            bus.subscribe(options).expect("within the limits")
        })
        .collect();
    thread::scope(|scope| {
        let readers: Vec<_> = subscribers
            .into_iter()
            .map(|mut subscriber| {
                scope.spawn(move || {
                    let mut next = [0; PUBLISHERS];
                    let mut batch = Vec::new();
                    while subscriber.recv_batch_blocking(&mut batch, 64) > 0 {
                        for delivery in batch.drain(..) {
                            let event = delivery.into_event().expect("nothing is lost");
                            let (publisher, number): (usize, usize) = *event;
                            assert_eq!(next[publisher], number);
                            next[publisher] += 1;
                        }
                    }
                    next
                })
            })
            .collect();
        let publishing: Vec<_> = (0..PUBLISHERS)
            .map(|which| {
                let publisher = bus.publisher();
                scope.spawn(move || {
                    for number in 0..EVENTS {
                        publisher.publish(Priority::Normal, (which, number));
                    }
                })
            })
            .collect();
        for publisher in publishing {
            publisher.join().expect("the publisher returns");
        }
        drop(bus);
        for reader in readers {
            assert_eq!(reader.join().expect("the reader returns"), [EVENTS; PUBLISHERS]);
        }
    });
}
