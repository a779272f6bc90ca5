//! The bus under chosen schedules: its real sources, compiled here with shuttle's locks in place of the standard ones.
//!
//! Each test is run under thousands of schedules, of which each is decided at every lock, wait and wake. A wake-up that is
//! missed shows as a deadlock, which fails the test and prints the schedule.

#![expect(unreachable_pub, reason = "the sources are those of a library")]
#![expect(dead_code, reason = "no test uses all of the library")]

use std::num::NonZeroU64;
use std::sync::Arc;

use shuttle::{future, thread};

use bus::Bus;
use options::{Overflow, SubscribeOptions};
use priority::Priority;
use subscriber::{Delivery, End, Subscriber};

#[path = "../src/bus.rs"]
mod bus;
#[path = "../src/options.rs"]
mod options;
#[path = "../src/priority.rs"]
mod priority;
#[path = "../src/queue.rs"]
mod queue;
#[path = "../src/subscriber.rs"]
mod subscriber;

/// The library's `sync` by other means.
mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicUsize, Ordering};
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock};
    pub(crate) use shuttle::thread::yield_now;
}

/// Schedules of one test by chance, and as many again that change the running thread at few places only.
const SCHEDULES: usize = 10_000;

/// Changes of the running thread in the second kind: most races need two or three at the right places.
const CHANGES: usize = 3;

fn check(test: fn()) {
    shuttle::check_random(test, SCHEDULES);
    shuttle::check_pct(test, SCHEDULES, CHANGES);
}

fn subscribe(bus: &Bus<u64>, capacity: usize, overflow: Overflow) -> Subscriber<u64> {
    let options = SubscribeOptions::with_capacity(capacity).overflow(overflow);
    bus.subscribe(options).expect("within the limits")
}

/// Reads to the end: how many events and how many losses were told.
fn read_all(subscriber: &mut Subscriber<u64>) -> (u64, u64) {
    let (mut events, mut lost) = (0, 0);
    while let Some(delivery) = subscriber.recv_blocking() {
        match delivery {
            Delivery::Event(_) => events += 1,
            Delivery::Lost(count) => lost += count.get(),
        }
    }
    (events, lost)
}

#[test]
fn a_parked_thread_misses_no_event_and_no_end() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 8, Overflow::Disconnect);
        let reading = thread::spawn(move || read_all(&mut subscriber));
        let publishing = [0, 1].map(|_| {
            let publisher = bus.publisher();
            thread::spawn(move || {
                publisher.publish(Priority::Normal, 1);
                publisher.publish(Priority::High, 2);
            })
        });
        for publisher in publishing {
            publisher.join().expect("the publisher returns");
        }
        drop(bus);
        assert_eq!(reading.join().expect("the reader returns"), (4, 0));
    });
}

#[test]
fn a_waiting_task_misses_no_event_and_no_end() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 8, Overflow::Disconnect);
        let reading = thread::spawn(move || {
            future::block_on(async move {
                let (mut batch, mut events) = (Vec::new(), 0);
                while let Some(delivery) = subscriber.recv().await {
                    events += usize::from(delivery.into_event().is_some());
                    events += subscriber.recv_batch(&mut batch, 2).await;
                }
                events
            })
        });
        let publisher = bus.publisher();
        publisher.publish(Priority::Low, 1);
        publisher.publish_batch(Priority::Normal, [2, 3]);
        publisher.publish(Priority::High, 4);
        drop(bus);
        assert_eq!(reading.join().expect("the reader returns"), 4);
    });
}

#[test]
fn a_blocked_publisher_goes_on_when_there_is_room() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 2, Overflow::Block);
        let publisher = bus.publisher();
        let publishing = thread::spawn(move || {
            publisher.publish(Priority::Normal, 1);
            publisher.publish_batch(Priority::Normal, [2, 3, 4, 5]);
        });
        let other = bus.publisher();
        let also_publishing = thread::spawn(move || other.publish_batch(Priority::Normal, [6, 7]));
        let events = (0..7).filter(|_| subscriber.recv_blocking().and_then(Delivery::into_event).is_some());
        assert_eq!(events.count(), 7);
        publishing.join().expect("the publisher returns");
        also_publishing.join().expect("the other publisher returns");
        assert!(subscriber.is_empty());
    });
}

#[test]
fn a_dropped_reader_lets_its_publishers_go() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 1, Overflow::Block);
        let publishing = [0, 1].map(|_| {
            let publisher = bus.publisher();
            thread::spawn(move || publisher.publish_batch(Priority::Normal, [1, 2, 3]))
        });
        assert!(subscriber.recv_blocking().is_some());
        drop(subscriber);
        for publisher in publishing {
            let receipt = publisher.join().expect("the publisher returns");
            assert!(receipt.queued + receipt.lost <= 3);
        }
        assert_eq!(bus.subscribers(), 0);
    });
}

#[test]
fn an_ending_bus_counts_what_its_publishers_hold() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 1, Overflow::Block);
        let publishing = [0, 1].map(|_| {
            let publisher = bus.publisher();
            thread::spawn(move || publisher.publish_batch(Priority::Normal, [1, 2]))
        });
        drop(bus);
        let told = read_all(&mut subscriber);
        let receipts = publishing.map(|publisher| publisher.join().expect("the publisher returns"));
        let queued = receipts.iter().map(|receipt| receipt.queued).sum();
        let lost = receipts.iter().map(|receipt| receipt.lost).sum();
        assert_eq!(told, (queued, lost));
        assert_eq!((subscriber.ended(), subscriber.lost()), (Some(End::BusDropped), lost));
    });
}

#[test]
fn every_loss_of_an_overtaken_reader_is_told_once() {
    check(|| {
        let bus = Bus::new();
        let mut subscriber = subscribe(&bus, 2, Overflow::DropOldest);
        let publishing = [Priority::Low, Priority::High].map(|priority| {
            let publisher = bus.publisher();
            thread::spawn(move || publisher.publish_batch(priority, [1, 2, 3]))
        });
        let reading = thread::spawn(move || {
            let (events, lost) = read_all(&mut subscriber);
            assert_eq!(lost, subscriber.lost());
            (events, lost)
        });
        let receipts = publishing.map(|publisher| publisher.join().expect("the publisher returns"));
        drop(bus);
        let (events, lost) = reading.join().expect("the reader returns");
        assert_eq!(events + lost, 6);
        assert_eq!(lost, receipts.iter().map(|receipt| receipt.lost).sum::<u64>());
    });
}

#[test]
fn subscribers_come_and_go_while_events_are_published() {
    check(|| {
        let bus = Arc::new(Bus::new());
        let mut staying = subscribe(&bus, 8, Overflow::Disconnect);
        let publisher = bus.publisher();
        let publishing = thread::spawn(move || {
            assert!(publisher.is_observed(), "one is subscribed all the time");
            (0..3).map(|event| publisher.publish(Priority::Normal, event).queued).sum::<u64>()
        });
        let coming = Arc::clone(&bus);
        let going = thread::spawn(move || {
            let mut passing = subscribe(&coming, 1, Overflow::Disconnect);
            let own = coming.publisher().publish(Priority::High, 100);
            assert!(own.queued >= 1, "an event of our own after subscribing");
            passing.unsubscribe();
            let (events, lost) = read_all(&mut passing);
            assert!(events == 1 && lost <= 4);
            own.queued
        });
        let queued = publishing.join().expect("the publisher returns");
        let own = going.join().expect("the passing subscriber returns");
        assert!(queued + own <= 8 && bus.subscribers() == 1);
        drop(bus);
        assert_eq!(read_all(&mut staying), (4, 0));
        assert_eq!(NonZeroU64::new(staying.lost()), None);
    });
}
