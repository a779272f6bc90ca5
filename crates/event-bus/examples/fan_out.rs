//! One publisher, three observers: a log that sees everything, an alarm that sees only what is urgent, and a display
//! that is too slow and is told what it missed.

use std::error::Error;
use std::{fmt, thread};

use event_bus::{Bus, Delivery, Overflow, Priority, SubscribeOptions, Subscriber};

enum Event {
    Tick(u32),
    Alarm(&'static str),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick(number) => write!(f, "tick {number}"),
            Self::Alarm(text) => write!(f, "alarm, {text}"),
        }
    }
}

fn print_all(name: &'static str, mut subscriber: Subscriber<Event>) {
    while let Some(delivery) = subscriber.recv_blocking() {
        match delivery {
            Delivery::Event(event) => println!("{name}: {event}"),
            Delivery::Lost(count) => println!("{name}: missed {count}"),
        }
    }
    println!("{name}: ended, {:?}", subscriber.ended());
}

fn main() -> Result<(), Box<dyn Error>> {
    let bus = Bus::new();
    let log = bus.subscribe(SubscribeOptions::with_capacity(4).overflow(Overflow::Block))?;
    let alarm =
        bus.subscribe(SubscribeOptions::default().filter(|event| matches!(event, Event::Alarm(_))))?;
    let display = bus.subscribe(SubscribeOptions::with_capacity(3))?;

    thread::scope(|scope| {
        let publisher = bus.publisher();
        scope.spawn(move || print_all("log", log));
        scope.spawn(move || print_all("alarm", alarm));

        publisher.publish_batch(Priority::Low, (0..8).map(Event::Tick));
        publisher.publish(Priority::High, Event::Alarm("the door is open"));
        drop(bus);
        // Only now does the display look at its queue: the alarm comes first, and of the ticks the last two are left.
        print_all("display", display);
    });
    Ok(())
}
