//! Parsing and typed access allocate nothing beyond the receive buffer, for the messages that parsing is measured with.

mod messages;

use std::alloc::System;

use bytes::Bytes;
use messages::{SAMPLES, full};
use sip_message::{HeaderId, Message, header};
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

/// Reads a part of a message; tells whether that went as it should.
type Access = fn(&Message) -> bool;

/// The typed accessors of [`Message`] for what is no row of the table of headers.
const ACCESSORS: [(&str, Access); 12] = [
    ("check", |message| message.check().is_ok()),
    ("request_target", |message| message.request_target().is_ok() == message.is_request()),
    ("call_id", |message| message.call_id().is_ok()),
    ("contact", |message| message.contact().is_ok()),
    ("max_forwards", |message| message.max_forwards().is_ok()),
    ("refer_to", |message| message.refer_to().is_ok() == message.has(HeaderId::ReferTo)),
    ("referred_by", |message| message.referred_by().is_ok()),
    ("subscription_state", |message| message.subscription_state().is_ok()),
    ("allow", |message| (message.allow().count() > 0) == message.has(HeaderId::Allow)),
    ("allow_events", |message| (message.allow_events().count() > 0) == message.has(HeaderId::AllowEvents)),
    ("supported", |message| (message.supported().count() > 0) == message.has(HeaderId::Supported)),
    ("content_type", |message| message.content_type().is_some() == message.has(HeaderId::ContentType)),
];

/// One test for all, as the count is that of the whole process.
#[test]
fn nothing_is_allocated_beyond_the_receive_buffer() {
    let mut found = Vec::new();
    for sample in &SAMPLES {
        let datagram = Bytes::from_static(sample.text);
        let message = Message::parse(datagram.clone()).expect(sample.name);
        let mut measure = |what: &str, work: &dyn Fn() -> bool| {
            assert!(work(), "{}: {what}", sample.name);
            match allocations(work) {
                0 => {}
                some => found.push(format!("{}: {what}: {some}", sample.name)),
            }
        };
        measure("parse", &|| Message::parse(datagram.clone()).is_ok());
        measure("full", &|| full(datagram.clone()).is_ok());
        for row in header::rows() {
            measure(row.id.name(), &|| (row.count)(&message).is_ok());
        }
        for (name, access) in ACCESSORS {
            measure(name, &|| access(&message));
        }
    }
    assert!(found.is_empty(), "allocations:\n{}", found.join("\n"));
}
