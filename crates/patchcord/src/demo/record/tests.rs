use session_core::EventKind;

use super::*;

fn seen(party: usize, taken: Instant, at_ms: u64) -> Seen {
    let event = SessionEvent {
        seq: 1,
        at: Duration::from_millis(at_ms),
        session: None,
        transfer: None,
        kind: EventKind::ReferSent,
    };
    Seen { party, taken, event: Arc::new(event) }
}

#[test]
fn the_event_that_was_taken_fastest_sets_a_partys_clock() {
    let zero = Instant::now();
    let mut clocks = Clocks::new(zero);
    // The party starts 100 ms after zero; its first event lies for 50 ms before it is taken, its second for 1 ms.
    assert_eq!(clocks.time(&seen(1, zero + Duration::from_millis(160), 10)), Duration::from_millis(160));
    assert_eq!(clocks.time(&seen(1, zero + Duration::from_millis(121), 20)), Duration::from_millis(121));
    assert_eq!(clocks.of(1, Duration::from_millis(10)), Duration::from_millis(111));
}

#[test]
fn events_beyond_the_bound_are_counted_as_lost() {
    let record = Record::new();
    for _ in 0..=MOST_EVENTS {
        record.push(seen(0, Instant::now(), 1));
    }
    assert_eq!((record.after(0).len(), record.lost()), (MOST_EVENTS, 1));
    assert_eq!(record.count(0, |_| true), MOST_EVENTS);
    assert!(record.find(1, |_| Some(())).is_none());
}
