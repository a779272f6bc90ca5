//! Takes `event_bus` and nothing else of this repository.

use event_bus::{Bus, Delivery, Priority, SubscribeOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = Bus::<u32>::new();
    let mut subscriber = bus.subscribe(SubscribeOptions::default())?;
    bus.publisher().publish(Priority::Normal, 7);
    assert!(matches!(subscriber.try_recv()?, Delivery::Event(event) if *event == 7));
    Ok(())
}
