//! Two tasks: a journal that must have no hole, and so starts again from a snapshot when it was too slow; and a meter that
//! takes figures in batches, and so is woken once for many.

use std::collections::BTreeSet;
use std::error::Error;

use event_bus::{Bus, Delivery, End, Overflow, Priority, SubscribeError, SubscribeOptions, Subscriber};

enum Event {
    Joined(u32),
    Left(u32),
    Level(u8),
}

/// How many events the journal may be behind.
const JOURNAL: usize = 4;

fn journal(bus: &Bus<Event>) -> Result<Subscriber<Event>, SubscribeError> {
    let options = SubscribeOptions::with_capacity(JOURNAL).overflow(Overflow::Disconnect);
    bus.subscribe(options.filter(|event| matches!(event, Event::Joined(_) | Event::Left(_))))
}

/// Follows the events to the end of the subscription, and says why it ended.
async fn follow(present: &mut BTreeSet<u32>, mut events: Subscriber<Event>) -> Option<End> {
    while let Some(delivery) = events.recv().await {
        match delivery {
            Delivery::Event(event) => match *event {
                Event::Joined(who) => {
                    present.insert(who);
                }
                Event::Left(who) => {
                    present.remove(&who);
                }
                Event::Level(_) => {}
            },
            Delivery::Lost(count) => println!("journal: {count} missed"),
        }
    }
    events.ended()
}

/// Takes what is there, up to 64 at once, and answers the highest level.
async fn meter(mut events: Subscriber<Event>) -> u8 {
    let (mut batch, mut highest, mut wakes) = (Vec::new(), 0, 0);
    while events.recv_batch(&mut batch, 64).await > 0 {
        wakes += 1;
        for event in batch.drain(..).filter_map(Delivery::into_event) {
            if let Event::Level(level) = *event {
                highest = highest.max(level);
            }
        }
    }
    println!("meter: highest level {highest}, woken {wakes} times");
    highest
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = Bus::new();
    let publisher = bus.publisher();
    let levels =
        bus.subscribe(SubscribeOptions::default().filter(|event| matches!(event, Event::Level(_))))?;
    let metering = tokio::spawn(meter(levels));

    // The truth, which the publisher keeps anyway.
    let mut in_the_room = BTreeSet::new();
    let mut present = BTreeSet::new();
    let first = journal(&bus)?;
    for who in 1..=6 {
        in_the_room.insert(who);
        publisher.publish(Priority::Normal, Event::Joined(who));
        publisher.publish_batch(Priority::Low, (0..10).map(|step| Event::Level(step * 10)));
    }
    // The fifth was one too many: the journal reads the four, is told of the loss, and is at its end.
    let end = follow(&mut present, first).await;
    println!("journal: ended, {end:?}, with {present:?}");
    assert_eq!(end, Some(End::Overflow));

    // Subscribe first, then take the snapshot: an event between the two is seen twice rather than not at all.
    let second = journal(&bus)?;
    present.clone_from(&in_the_room);
    publisher.publish(Priority::Normal, Event::Left(3));
    drop(bus);
    let end = follow(&mut present, second).await;
    println!("journal: ended, {end:?}, with {present:?}");
    assert_eq!((end, present.len()), (Some(End::BusDropped), 5));
    assert_eq!(metering.await?, 90);
    Ok(())
}
