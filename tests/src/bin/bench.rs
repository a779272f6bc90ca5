//! Measures parsing, transactions, media and whole calls: `bench --list`; `bench CASE --iterations N` prints one JSON line with
//! CPU time and allocations for each iteration, and the bytes that the case holds before the first.

#[path = "../../../crates/sip-message/tests/messages/mod.rs"]
mod messages;

use std::{alloc::System, hint::black_box, process::ExitCode};

use bytes::{Bytes, BytesMut};
use clap::Parser;
use event_bus::{Bus, Priority, SubscribeError, SubscribeOptions};
use patchcord_tests::{
    calls, hostile, media, moves, play,
    scenario::{Scenario, ScenarioError},
    transactions::{self, Rig},
};
use rustix::time::{ClockId, clock_gettime};
use sip_message::{
    HeaderId, Limits, Message,
    framing::{Frame, Framer, StreamEnd},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A call of two parties: set-up with 180 and 200, then BYE.
const CALL: &str = "title call\nparty alice\nparty bob answers\nat 0s alice call bob\n\
    on alice established 1 after 1s alice hang-up\nend 100s\n";

/// A call and its blind transfer: three parties, hold, REFER, the new call, BYE, then BYE of the new call.
const BLIND: &str = "title blind\nparty alice\nparty bob answers\nparty carol answers\nat 0s alice call bob\n\
    on alice established 1 after 1s alice blind carol\nend 100s\n";

/// Measures one case.
#[derive(Debug, Parser)]
struct Options {
    /// Prints the cases, one a line, each with the iterations that suffice to count its instructions.
    #[arg(long)]
    list: bool,
    /// The case.
    #[arg(required_unless_present = "list")]
    case: Option<String>,
    /// How often it is done.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    iterations: u64,
}

type Case = Box<dyn FnMut() -> bool>;

/// The iterations that suffice to count the instructions of parsing one message, its head or in full.
const PARSE_ITERATIONS: u64 = 1000;

/// Transactions or calls that are alive at a time in the cases of the gate: under callgrind more take too long to set up.
const ALIVE: [u32; 2] = [1, 1000];

/// The iterations that suffice to count the instructions of one call, on both sides.
const CALL_ITERATIONS: u64 = 50;

/// The iterations that suffice to count the instructions of one transaction.
const TRANSACTION_ITERATIONS: u64 = 500;

/// The cases but for those of parsing, of transactions, of media and of hostile messages, each with the iterations that suffice to count its instructions: as many as take
/// about a second under callgrind.
const CASES: [(&str, u64); 8] = [
    ("frame-invite", 2000),
    ("frame-invite-by-bytes", 100),
    ("blind-transfer", 20),
    ("call", 50),
    ("edit-via-on-top", PARSE_ITERATIONS),
    ("bus-publish-1", 20_000),
    ("bus-publish-16", 5_000),
    ("bus-publish-filtered", 20_000),
];

/// Two rounds through the messages of one kind.
const HOSTILE_ITERATIONS: u64 = 2 * hostile::MESSAGES as u64;

/// The seed of simulated cases; always the same, so that every iteration does the same.
const SEED: u64 = 1;

/// Why a case cannot be set up.
#[derive(Debug, thiserror::Error)]
enum SetUpError {
    #[error("the scenario cannot be read: {0}")]
    Scenario(#[from] ScenarioError),
    #[error("the bus takes no subscriber: {0}")]
    Bus(#[from] SubscribeError),
}

fn case(name: &str) -> Result<Option<Case>, SetUpError> {
    if let Some(name) = name.strip_prefix("parse-") {
        return Ok(parse(name));
    }
    if let Some(name) = name.strip_prefix("transactions-") {
        return Ok(transaction(name));
    }
    if let Some(name) = name.strip_prefix("transfers-") {
        let kind = moves::KINDS.iter().find(|(kind, _)| *kind == name);
        let rig = kind.and_then(|(_, kind)| moves::Rig::new(*kind));
        return Ok(rig.map(|mut rig| -> Case { Box::new(move || rig.turn()) }));
    }
    if let Some(alive) = name.strip_prefix("dialogs-") {
        let rig = alive.parse().ok().and_then(calls::Rig::new);
        return Ok(rig.map(|mut rig| -> Case { Box::new(move || rig.turn()) }));
    }
    if name.starts_with("media-") {
        return Ok(media::case(name));
    }
    Ok(Some(match name {
        "frame-invite" => frame(usize::MAX),
        "frame-invite-by-bytes" => frame(1),
        "blind-transfer" => {
            let scenario = Scenario::parse(BLIND)?;
            Box::new(move || play::play_unobserved(&scenario, SEED) > 0)
        }
        "call" => {
            let scenario = Scenario::parse(CALL)?;
            Box::new(move || play::play_unobserved(&scenario, SEED) > 0)
        }
        "edit-via-on-top" => return Ok(edit("invite")),
        "bus-publish-1" => publish(1, |_| true)?,
        "bus-publish-16" => publish(16, |_| true)?,
        "bus-publish-filtered" => publish(16, |_| false)?,
        _ => match hostile::UNITS.iter().find(|(case, _)| *case == name) {
            Some((_, unit)) => {
                let mut messages = hostile::messages(unit).into_iter().cycle();
                // That it is refused is as good an answer as any.
                Box::new(move || messages.next().map(hostile::read).map(black_box).is_some())
            }
            None => return Ok(None),
        },
    }))
}

/// The INVITE out of a stream that arrives in pieces of that size.
fn frame(size: usize) -> Case {
    let stream = messages::SAMPLES[1].text;
    Box::new(move || {
        let mut framer = Framer::new(StreamEnd::Server, &Limits::default());
        let mut received = BytesMut::with_capacity(stream.len());
        black_box(stream).chunks(size).any(|piece| {
            received.extend_from_slice(piece);
            matches!(framer.poll_frame(&mut received), Ok(Some(Frame::Message(message))) if message == stream)
        })
    })
}

/// One event through the bus: published to so many subscribers, each with a filter, and taken by those that want it.
fn publish(subscribers: usize, wants: fn(&u64) -> bool) -> Result<Case, SubscribeError> {
    let bus = Bus::new();
    let subscribe = |_| bus.subscribe(SubscribeOptions::default().filter(wants));
    let mut subscribers = (0..subscribers).map(subscribe).collect::<Result<Vec<_>, _>>()?;
    let publisher = bus.publisher();
    let mut number = 0;
    Ok(Box::new(move || {
        // The bus is owned here, so that it lives as long as the case.
        let _alive = &bus;
        number += 1;
        let receipt = publisher.publish(Priority::Normal, black_box(number));
        let reading = subscribers.iter_mut().filter(|_| receipt.queued > 0);
        let taken = reading.filter_map(|subscriber| subscriber.try_recv().ok()).count();
        receipt.queued == black_box(taken) as u64 && receipt.lost == 0
    }))
}

/// One message parsed: `NAME` its head, `NAME-full` with the typed values that a user agent reads.
fn parse(name: &str) -> Option<Case> {
    let (name, full) = name.strip_suffix("-full").map_or((name, false), |name| (name, true));
    let sample = messages::SAMPLES.iter().find(|sample| sample.name == name)?;
    let datagram = Bytes::from_static(sample.text);
    Some(if full {
        Box::new(move || messages::full(black_box(datagram.clone())).map(black_box).is_ok())
    } else {
        Box::new(move || Message::parse(black_box(datagram.clone())).map(black_box).is_ok())
    })
}

/// One whole transaction: `KIND-ALIVE`, or `KIND-messages` only the reading and writing of its messages.
fn transaction(name: &str) -> Option<Case> {
    let (kind, alive) = name.rsplit_once('-')?;
    let (_, kind) = transactions::KINDS.iter().find(|(name, _)| *name == kind)?;
    let alive = if alive == "messages" { 0 } else { alive.parse().ok()? };
    let mut rig = Rig::new(*kind, alive);
    Some(Box::new(move || rig.turn()))
}

/// One message passed on by a proxy that puts its Via on top.
fn edit(name: &str) -> Option<Case> {
    let sample = messages::SAMPLES.iter().find(|sample| sample.name == name)?;
    let message = Message::parse(Bytes::from_static(sample.text)).ok()?;
    Some(Box::new(move || {
        let via = black_box("SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK4b43c2ff8.1");
        message.edit().prepend(HeaderId::Via, via).apply().map(black_box).is_ok()
    }))
}

/// Every case that has a baseline, with its iterations; `transfers-KIND` has none yet.
fn cases() -> impl Iterator<Item = (String, u64)> {
    let alive = || std::iter::once("messages".to_owned()).chain(ALIVE.iter().map(u32::to_string));
    let transactions = transactions::KINDS
        .iter()
        .flat_map(move |(kind, _)| alive().map(move |alive| format!("transactions-{kind}-{alive}")));
    let parsing = messages::SAMPLES.iter().flat_map(|sample| ["", "-full"].map(|what| (sample.name, what)));
    parsing
        .map(|(name, what)| (format!("parse-{name}{what}"), PARSE_ITERATIONS))
        .chain(transactions.map(|name| (name, TRANSACTION_ITERATIONS)))
        .chain(ALIVE.map(|alive| (format!("dialogs-{alive}"), CALL_ITERATIONS)))
        .chain(CASES.map(|(name, iterations)| (name.to_owned(), iterations)))
        .chain(media::CASES.map(|(name, iterations)| (name.to_owned(), iterations)))
        .chain(hostile::UNITS.map(|(name, _)| (name.to_owned(), HOSTILE_ITERATIONS)))
}

/// CPU time that this process has used.
fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(name) = options.case.filter(|_| !options.list) else {
        for (case, iterations) in cases() {
            println!("{case} {iterations}");
        }
        return ExitCode::SUCCESS;
    };
    let region = Region::new(ALLOCATIONS);
    let mut run = match case(&name) {
        Ok(Some(run)) => run,
        Ok(None) => {
            eprintln!(
                "CASE must be one of: {}",
                cases().map(|(case, _)| case).collect::<Vec<_>>().join(", ")
            );
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let set_up = region.change();
    let region = Region::new(ALLOCATIONS);
    let start = cpu_nanoseconds();
    for iteration in 0..options.iterations {
        if !run() {
            eprintln!("{name} failed in iteration {iteration}");
            return ExitCode::FAILURE;
        }
    }
    let elapsed = cpu_nanoseconds() - start;
    let allocations = region.change().allocations + region.change().reallocations;
    let line = serde_json::json!({
        "case": name,
        "iterations": options.iterations,
        "ns_per_iteration": elapsed as f64 / options.iterations as f64,
        "allocations_per_iteration": allocations as f64 / options.iterations as f64,
        "bytes": set_up.bytes_allocated - set_up.bytes_deallocated,
    });
    println!("{line}");
    ExitCode::SUCCESS
}
