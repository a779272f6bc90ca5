//! The SDP parser of patchcord-media-core beside published ones: time and allocations for each of three bodies, printed
//! as Markdown tables. `--rounds N` sets how often each case is timed (default 500); the cheapest counts.
//!
//! Two readings are measured: *parse* is bytes to description; *full* is that, and from it the origin, the address that
//! holds for each m-line, its direction, its payload types and every `rtpmap`.

mod bodies;
mod contenders;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use bodies::{BODIES, Body};
use contenders::{CONTENDERS, Contender, Read};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: u32 = 500;

/// Parses of one timing: tens of microseconds, well above what the clock resolves.
const BATCH: u32 = 50;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(ROUNDS),
        ["--rounds", number] => number.parse().ok().filter(|&rounds| rounds > 0),
        _ => None,
    };
    let Some(rounds) = rounds else {
        eprintln!("usage: patchcord-bench-sdp [--rounds N], N at least 1");
        return ExitCode::from(2);
    };
    for body in &BODIES {
        table(body, rounds);
    }
    ExitCode::SUCCESS
}

fn table(body: &Body, rounds: u32) {
    println!("{}, {} B:\n", body.name, body.text.len());
    println!(
        "| | parse ns | allocations | allocated B | to ours | full ns | allocations | allocated B | to ours |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let expected = (CONTENDERS[0].full)(body.text);
    let mut times = [[f64::INFINITY; 2]; CONTENDERS.len()];
    for _ in 0..rounds {
        for (contender, [parse, full]) in CONTENDERS.iter().zip(&mut times) {
            *parse = parse.min(time(contender.parse, body));
            *full = full.min(time(contender.full, body));
        }
    }
    for (contender, [parse, full]) in CONTENDERS.iter().zip(times) {
        let Contender { name, parse: parses, full: reads } = contender;
        if reads(body.text) != expected {
            println!("| {name} | reads otherwise | | | | | | | |");
            continue;
        }
        let row = |read, ns: f64, ours: f64| {
            let (allocations, bytes) = allocated(read, body);
            format!("{ns:.0} | {allocations} | {bytes} | {:.2}", ns / ours)
        };
        println!("| {name} | {} | {} |", row(*parses, parse, times[0][0]), row(*reads, full, times[0][1]));
    }
    println!();
}

fn time(read: Read, body: &Body) -> f64 {
    let start = Instant::now();
    for _ in 0..BATCH {
        black_box(read(black_box(body.text)));
    }
    start.elapsed().as_nanos() as f64 / f64::from(BATCH)
}

fn allocated(read: Read, body: &Body) -> (usize, usize) {
    let region = Region::new(ALLOCATIONS);
    black_box(read(body.text));
    let change = region.change();
    (change.allocations + change.reallocations, change.bytes_allocated)
}
