//! Parsing and typed access allocate nothing beyond the receive buffer, for the messages that parsing is measured with.

mod messages;

use std::alloc::System;

use bytes::Bytes;
use messages::SAMPLES;
use sip_message::{HeaderId, Message, ParseError, header};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The test harness may allocate in a thread of its own while a count is taken. It does so seldom, so that the least of
/// some counts is that of the code alone.
const COUNTS: usize = 8;

fn allocations<T>(work: impl Fn() -> T) -> usize {
    let count = |_| {
        let region = Region::new(ALLOCATIONS);
        std::hint::black_box(work());
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..COUNTS).map(count).min().unwrap_or_default()
}

type Access = fn(&Message) -> Result<(), ParseError>;

/// The typed accessors of [`Message`] for what is no row of the table of headers.
const ACCESSORS: [(&str, Access); 12] = [
    ("check", Message::check),
    ("call_id", |message| message.call_id().map(drop)),
    ("contact", |message| message.contact().map(drop)),
    ("max_forwards", |message| message.max_forwards().map(drop)),
    ("min_se", |message| done(message.min_se())),
    (
        "refer_to",
        |message| if message.has(HeaderId::ReferTo) { message.refer_to().map(drop) } else { Ok(()) },
    ),
    ("referred_by", |message| message.referred_by().map(drop)),
    ("subscription_state", |message| message.subscription_state().map(drop)),
    ("allow", |message| done(message.allow().count())),
    ("allow_events", |message| done(message.allow_events().count())),
    ("supported", |message| done(message.supported().count())),
    ("content_type", |message| done(message.content_type())),
];

fn done<T>(_value: T) -> Result<(), ParseError> {
    Ok(())
}

/// One test for all, as the count is that of the whole process.
#[test]
fn nothing_is_allocated_beyond_the_receive_buffer() {
    let mut found = Vec::new();
    for sample in &SAMPLES {
        let datagram = Bytes::from_static(sample.text);
        let message = Message::parse(datagram.clone()).expect(sample.name);
        let mut measure = |what: &str, work: &dyn Fn() -> Result<(), ParseError>| {
            assert_eq!(work(), Ok(()), "{}: {what}", sample.name);
            match allocations(work) {
                0 => {}
                some => found.push(format!("{}: {what}: {some}", sample.name)),
            }
        };
        measure("parse", &|| Message::parse(datagram.clone()).map(drop));
        measure("full", &|| messages::full(datagram.clone()).map(drop));
        for row in header::rows() {
            measure(row.id.name(), &|| (row.count)(&message).map(drop));
        }
        for (name, access) in ACCESSORS {
            measure(name, &|| access(&message));
        }
    }
    assert!(found.is_empty(), "allocations:\n{}", found.join("\n"));
}
