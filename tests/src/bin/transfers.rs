//! Whole transfers in numbers: `transfers simulated`, `transfers real`, `transfers memory`, `transfers soak`; see each for
//! what it does.

#[path = "transfers/agents.rs"]
mod agents;
#[path = "transfers/real.rs"]
mod real;
#[path = "transfers/simulated.rs"]
mod simulated;

use std::{alloc::System, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Measures whole transfers.
#[derive(Debug, Parser)]
enum Options {
    /// Three engines in virtual time, call set-up included: transfers a second of CPU.
    Simulated {
        /// Transfers of one round.
        #[arg(long, default_value_t = 500)]
        count: u64,
        /// Rounds, of which the cheapest counts.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Three user agents on loopback in this process, without RTP: transfers a second, and how long one takes.
    Real(Load),
    /// What a transfer in progress holds in all three parties.
    Memory {
        /// Transfers in progress.
        #[arg(long, default_value_t = 1000)]
        count: u64,
    },
    /// Many real transfers, then silence: fails if one is stuck or memory grows.
    Soak(Load),
}

#[derive(Debug, Clone, clap::Args)]
struct Load {
    /// Transfers in all.
    #[arg(long, default_value_t = BURST)]
    count: u64,
    /// Transfers at a time.
    #[arg(long, default_value_t = 16)]
    parallel: u64,
    /// Only this kind; the kinds in turn otherwise.
    #[arg(long)]
    kind: Option<Kind>,
    /// No more than so many a second; as fast as it goes otherwise.
    #[arg(long)]
    rate: Option<u32>,
}

/// Transfers in a row that leave room in the table of transactions: over UDP one is remembered for 64*T1 = 32 s, and beyond the
/// table's capacity new calls are refused with 503.
const BURST: u64 = 3000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Blind,
    Attended,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Blind, Self::Attended];

    fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Attended => "attended",
        }
    }
}

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the scenario cannot be read: {0}")]
    Scenario(#[from] patchcord_tests::scenario::ScenarioError),
    #[error("three engines cannot be made")]
    Rig,
    #[error("a simulated transfer did not go as it should")]
    Simulated,
    #[error("a party cannot start: {0}")]
    Start(#[from] session_core::StartError),
    #[error("the bus takes no subscriber: {0}")]
    Events(#[from] session_core::EventsError),
    #[error("the runtime cannot start: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("{0}")]
    Call(#[from] session_core::SessionError),
    #[error("{0}")]
    Transfer(#[from] session_core::TransferError),
    #[error("a transfer came to {0}")]
    Outcome(String),
    #[error("{0} did not come within {PATIENCE:?}")]
    Stuck(&'static str),
    #[error("left over: {0}")]
    Left(String),
}

/// How long one step of a transfer may take before it counts as stuck: longer than any timer of one that goes well.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let done = match Options::parse() {
        Options::Simulated { count, rounds } => simulated::print(count, rounds),
        Options::Real(load) => real::rates(&load),
        Options::Memory { count } => real::memory(count),
        Options::Soak(load) => real::soak(&load),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// CPU time that this process has used.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Bytes that are allocated now.
fn live_bytes() -> i64 {
    let stats = ALLOCATIONS.stats();
    stats.bytes_allocated.cast_signed() as i64 - stats.bytes_deallocated.cast_signed() as i64
}
