//! The parser of patchcord-sip-message beside published SIP parsers and beside a floor: time and allocations for each
//! of six messages, printed as Markdown tables. `--rounds N` sets how often each case is timed (default 500).
//!
//! Two readings are measured: *head* is bytes to message; *full* is that, and From, To, Call-ID, `CSeq`, every Via and
//! every Contact as typed values, with their tags and branches.

mod contenders;
mod floor;
mod measure;
#[path = "../../../crates/sip-message/tests/messages/mod.rs"]
mod messages;
mod peers;
mod table;

use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: u32 = 500;

fn main() -> ExitCode {
    let Some(rounds) = rounds(&std::env::args().skip(1).collect::<Vec<_>>()) else {
        eprintln!("usage: patchcord-bench-parse [--rounds N], N at least 1");
        return ExitCode::from(2);
    };
    for (sample, rows) in messages::SAMPLES.iter().zip(measure::all(rounds)) {
        println!("{}", table::of(sample, &rows));
    }
    ExitCode::SUCCESS
}

fn rounds(args: &[String]) -> Option<u32> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(ROUNDS),
        ["--rounds", number] => number.parse().ok().filter(|&rounds| rounds > 0),
        _ => None,
    }
}
