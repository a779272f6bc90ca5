//! The bus's contract, one behaviour a test.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use event_bus::{
    Bus, Delivery, End, MAX_CAPACITY, MAX_SUBSCRIBERS, Overflow, Priority, Receipt, RecvTimeoutError,
    SubscribeError, SubscribeOptions, Subscriber, TryRecvError,
};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll_once<F: Future>(wakes: &Arc<Wakes>, future: F) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

/// Everything left, an event as its number and a loss as minus its count.
fn drain(subscriber: &mut Subscriber<i64>) -> Vec<i64> {
    std::iter::from_fn(|| subscriber.try_recv().ok())
        .map(|delivery| match delivery {
            Delivery::Event(event) => *event,
            Delivery::Lost(count) => -i64::try_from(count.get()).expect("tests lose little"),
        })
        .collect()
}

fn bus_with(capacity: usize, overflow: Overflow) -> (Bus<i64>, Subscriber<i64>) {
    let bus = Bus::new();
    let options = SubscribeOptions::with_capacity(capacity).overflow(overflow);
    let subscriber = bus.subscribe(options).expect("the capacity is within the limits");
    (bus, subscriber)
}

#[test]
fn higher_priorities_overtake_and_each_keeps_its_order() {
    let (bus, mut subscriber) = bus_with(16, Overflow::DropOldest);
    let publisher = bus.publisher();
    for (priority, event) in [
        (Priority::Low, 5),
        (Priority::Normal, 3),
        (Priority::High, 1),
        (Priority::Low, 6),
        (Priority::High, 2),
        (Priority::Normal, 4),
    ] {
        publisher.publish(priority, event);
    }
    assert_eq!(drain(&mut subscriber), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_queue_holds_its_capacity_and_the_next_event_costs_the_oldest() {
    let (bus, mut subscriber) = bus_with(3, Overflow::DropOldest);
    let publisher = bus.publisher();
    let receipt = publisher.publish_batch(Priority::Normal, [1, 2, 3]);
    assert_eq!(receipt, Receipt { queued: 3, filtered: 0, lost: 0 });
    assert_eq!((subscriber.len(), subscriber.lost()), (3, 0));
    let receipt = publisher.publish(Priority::Normal, 4);
    assert_eq!(receipt, Receipt { queued: 1, filtered: 0, lost: 1 });
    assert_eq!((subscriber.len(), subscriber.lost()), (3, 1));
    assert_eq!(drain(&mut subscriber), [-1, 2, 3, 4]);
    assert_eq!(subscriber.lost(), 1);
}

#[test]
fn a_flood_of_low_priority_never_costs_a_high_one() {
    let (bus, mut subscriber) = bus_with(2, Overflow::DropOldest);
    let publisher = bus.publisher();
    publisher.publish_batch(Priority::High, [1, 2]);
    publisher.publish_batch(Priority::Low, 10..20);
    assert_eq!(drain(&mut subscriber), [-10, 1, 2]);
    publisher.publish_batch(Priority::Low, [10, 11]);
    publisher.publish_batch(Priority::High, [1, 2]);
    assert_eq!(drain(&mut subscriber), [-2, 1, 2]);
}

#[test]
fn disconnect_delivers_what_was_queued_then_the_loss_then_the_end() {
    let (bus, mut subscriber) = bus_with(2, Overflow::Disconnect);
    let publisher = bus.publisher();
    publisher.publish_batch(Priority::Normal, [1, 2]);
    assert_eq!(subscriber.ended(), None);
    publisher.publish_batch(Priority::Normal, [3, 4, 5]);
    assert_eq!(subscriber.ended(), Some(End::Overflow));
    assert_eq!(bus.subscribers(), 0);
    publisher.publish(Priority::Normal, 6);
    assert_eq!(drain(&mut subscriber), [1, 2, -3]);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Ended));
    assert_eq!(subscriber.recv_blocking(), None);
    assert_eq!(subscriber.lost(), 3);
}

#[test]
fn a_filtered_subscriber_is_not_woken() {
    let bus = Bus::new();
    let options = SubscribeOptions::default().filter(|event: &i64| event % 2 == 0);
    let mut subscriber = bus.subscribe(options).expect("the default is within the limits");
    let publisher = bus.publisher();
    let wakes = Arc::new(Wakes::default());

    assert!(poll_once(&wakes, subscriber.recv()).is_pending());
    let receipt = publisher.publish(Priority::High, 1);
    assert_eq!(receipt, Receipt { queued: 0, filtered: 1, lost: 0 });
    publisher.publish_batch(Priority::High, [3, 5, 7]);
    assert_eq!(wakes.count(), 0);

    publisher.publish_batch(Priority::Low, [1, 2, 3, 4]);
    assert_eq!(wakes.count(), 1, "a batch wakes once");
    publisher.publish(Priority::Low, 6);
    assert_eq!(wakes.count(), 1, "a subscriber that was woken is not woken again before it polls");
    assert_eq!(drain(&mut subscriber), [2, 4, 6]);
}

#[test]
fn two_filters_narrow_each_other() {
    let bus = Bus::new();
    let options =
        SubscribeOptions::default().filter(|event: &i64| event % 2 == 0).filter(|event| *event > 10);
    let mut subscriber = bus.subscribe(options).expect("the default is within the limits");
    bus.publisher().publish_batch(Priority::Normal, 8..15);
    assert_eq!(drain(&mut subscriber), [12, 14]);
}

#[test]
fn a_task_that_moved_is_woken_where_it_polled_last() {
    let (bus, mut subscriber) = bus_with(4, Overflow::DropOldest);
    let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    assert!(poll_once(&first, subscriber.recv()).is_pending());
    assert!(poll_once(&second, subscriber.recv()).is_pending());
    bus.publisher().publish(Priority::Normal, 1);
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(Arc::strong_count(&first), 1, "the earlier task is let go");
}

#[test]
fn recv_batch_takes_up_to_max_in_order_of_priority() {
    let (bus, mut subscriber) = bus_with(8, Overflow::DropOldest);
    let wakes = Arc::new(Wakes::default());
    let mut batch = Vec::new();
    assert!(poll_once(&wakes, subscriber.recv_batch(&mut batch, 4)).is_pending());
    let publisher = bus.publisher();
    publisher.publish_batch(Priority::Normal, 0..8);
    publisher.publish_batch(Priority::High, [100]);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_once(&wakes, subscriber.recv_batch(&mut batch, 4)), Poll::Ready(4));
    let shown: Vec<_> =
        batch.iter().map(|delivery| delivery.clone().into_event().as_deref().copied()).collect();
    assert_eq!(shown, [None, Some(100), Some(1), Some(2)]);
    drop(bus);
    assert_eq!(poll_once(&wakes, subscriber.recv_batch(&mut batch, 100)), Poll::Ready(5));
    assert_eq!(poll_once(&wakes, subscriber.recv_batch(&mut batch, 100)), Poll::Ready(0));
    assert_eq!(batch.len(), 9);
}

#[test]
fn dropping_the_bus_wakes_and_ends_after_the_queue_is_drained() {
    let (bus, mut subscriber) = bus_with(4, Overflow::DropOldest);
    let publisher = bus.publisher();
    let wakes = Arc::new(Wakes::default());
    assert!(poll_once(&wakes, subscriber.recv()).is_pending());
    drop(bus);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_once(&wakes, subscriber.recv()), Poll::Ready(None));
    assert_eq!(publisher.publish(Priority::High, 1), Receipt::default());
    assert_eq!(poll_once(&wakes, subscriber.recv()), Poll::Ready(None));
    assert_eq!(subscriber.ended(), Some(End::BusDropped));
}

#[test]
fn dropping_a_subscriber_unsubscribes_and_frees_its_events() {
    let (bus, subscriber) = bus_with(4, Overflow::DropOldest);
    let publisher = bus.publisher();
    let event = Arc::new(7);
    publisher.publish(Priority::Normal, Arc::clone(&event));
    assert_eq!(Arc::strong_count(&event), 2);
    drop(subscriber);
    assert_eq!(Arc::strong_count(&event), 1);
    assert!(!publisher.is_observed());
    assert_eq!(publisher.publish(Priority::Normal, event), Receipt::default());
}

#[test]
fn unsubscribing_keeps_what_is_queued() {
    let (bus, mut subscriber) = bus_with(4, Overflow::DropOldest);
    let publisher = bus.publisher();
    publisher.publish(Priority::Normal, 1);
    subscriber.unsubscribe();
    publisher.publish(Priority::Normal, 2);
    assert_eq!(bus.subscribers(), 0);
    assert_eq!(drain(&mut subscriber), [1]);
    assert_eq!(subscriber.ended(), Some(End::Unsubscribed));
}

#[test]
fn an_unobserved_event_is_not_made() {
    let bus: Bus<i64> = Bus::new();
    let receipt = bus.publisher().publish_with(Priority::Normal, || -> i64 { panic!("nobody listens") });
    assert_eq!(receipt, Receipt::default());
}

#[test]
fn an_event_that_is_lent_is_copied_once_for_all_who_want_it() {
    struct Counting(u8, Arc<AtomicUsize>);
    impl Clone for Counting {
        fn clone(&self) -> Self {
            self.1.fetch_add(1, Ordering::SeqCst);
            Self(self.0, Arc::clone(&self.1))
        }
    }
    let copies = Arc::new(AtomicUsize::new(0));
    let bus = Bus::new();
    let publish = |number| {
        let receipt = bus.publisher().publish_ref(Priority::Normal, &Counting(number, Arc::clone(&copies)));
        (receipt, copies.load(Ordering::SeqCst))
    };
    assert_eq!(publish(1), (Receipt::default(), 0));
    let mut subscribers = [1, 2, 2].map(|wanted| {
        let options = SubscribeOptions::default().filter(move |event: &Counting| event.0 == wanted);
        bus.subscribe(options).expect("within the limits")
    });
    let filtered = |queued| Receipt { queued, filtered: 3 - queued, ..Receipt::default() };
    assert_eq!(publish(3), (filtered(0), 0));
    assert_eq!(publish(2), (filtered(2), 1));
    let taken = subscribers.each_mut().map(|subscriber| subscriber.try_recv().is_ok());
    assert_eq!(taken, [false, true, true]);
}

#[test]
fn an_event_needs_neither_clone_nor_debug() {
    struct Opaque(Box<u8>);
    let bus = Bus::new();
    let mut first = bus.subscribe(SubscribeOptions::default()).expect("within the limits");
    let mut second = bus.subscribe(SubscribeOptions::default()).expect("within the limits");
    bus.publisher().publish(Priority::Normal, Opaque(Box::new(9)));
    let (first, second) = (first.recv_blocking(), second.recv_blocking());
    let first = first.and_then(Delivery::into_event).expect("the event");
    let second = second.and_then(Delivery::into_event).expect("the event");
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(*first.0, 9);
}

#[test]
fn capacities_are_checked_at_both_limits() {
    let bus: Bus<i64> = Bus::new();
    for (capacity, fits) in [(0, false), (1, true), (MAX_CAPACITY, true), (MAX_CAPACITY + 1, false)] {
        let answer = bus.subscribe(SubscribeOptions::with_capacity(capacity)).map(drop);
        assert_eq!(answer, if fits { Ok(()) } else { Err(SubscribeError::Capacity { asked: capacity }) });
    }
}

#[test]
fn a_bus_takes_its_limit_of_subscribers_and_no_more() {
    let bus: Bus<i64> = Bus::new();
    let subscribe = || bus.subscribe(SubscribeOptions::with_capacity(1));
    let mut subscribers: Vec<_> =
        (0..MAX_SUBSCRIBERS).map(|_| subscribe().expect("below the limit")).collect();
    assert_eq!(subscribe().map(drop), Err(SubscribeError::TooMany));
    subscribers.pop();
    assert!(subscribe().is_ok());
}

#[test]
fn a_timeout_is_told_from_the_end() {
    let (bus, mut subscriber) = bus_with(1, Overflow::DropOldest);
    assert_eq!(subscriber.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    bus.publisher().publish(Priority::Normal, 1);
    assert_eq!(subscriber.recv_timeout(Duration::from_mins(1)), Ok(Delivery::Event(Arc::new(1))));
    drop(bus);
    assert_eq!(subscriber.recv_timeout(Duration::from_mins(1)), Err(RecvTimeoutError::Ended));
}

#[test]
fn a_filter_may_use_the_bus() {
    let (bus, mut echo) = bus_with(4, Overflow::DropOldest);
    let publisher = bus.publisher();
    let again = publisher.clone();
    let options = SubscribeOptions::default().filter(move |event: &i64| {
        if *event < 3 {
            again.publish(Priority::Normal, event + 1);
        }
        false
    });
    let _reentrant = bus.subscribe(options).expect("within the limits");
    publisher.publish(Priority::Normal, 1);
    assert_eq!(drain(&mut echo), [1, 2, 3]);
}
