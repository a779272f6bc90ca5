//! The media layer in CPU time and memory: `cargo xtask bench media`.
//!
//! Frames, packets and playout are timed in virtual time; then the streams of a real pump talk to each other over loopback,
//! each with sockets of its own. Every part is done several times and the cheapest counts, because whatever else
//! the machine does adds to it.

use std::{alloc::System, process::ExitCode};

use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[path = "bench_media/cases.rs"]
mod cases;
#[path = "bench_media/memory.rs"]
mod memory;
#[path = "bench_media/pumped.rs"]
mod pumped;
#[path = "bench_media/threads.rs"]
mod threads;

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The parts, in the order in which they are printed.
const PARTS: [&str; 3] = ["cases", "memory", "pump"];

/// Measures the media layer.
#[derive(Debug, Parser)]
struct Options {
    /// Streams of the pump, half of a call each; fewer where the process may not open as many descriptors.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    streams: u16,
    /// Seconds that are measured of them.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Only these parts: cases, memory, pump.
    #[arg(long, value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(PARTS))]
    only: Vec<String>,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("{0} cannot be set up")]
    SetUp(String),
    #[error("{0} failed")]
    Case(String),
    #[error("the pump: {0}")]
    Pump(#[from] media_core::PumpError),
    #[error("the threads' times: {0}")]
    Threads(#[from] std::io::Error),
    #[error("{0}")]
    Streams(String),
}

fn run(options: &Options) -> Result<(), BenchError> {
    if options.wants("cases") {
        cases::print(options.rounds)?;
        cases::print_many(options.rounds)?;
    }
    if options.wants("memory") {
        memory::print()?;
    }
    if options.wants("pump") {
        pumped::print(options.streams, options.seconds, options.rounds)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
