//! The event bus beside tokio broadcast, tokio mpsc and crossbeam: `cargo xtask bench bus`.
//!
//! One thread publishes, each subscriber reads in a thread or a task of its own, and nothing may be lost: at most
//! [`WINDOW`] events are under way. The publisher never waits in a channel, only for the window, which is the same for
//! all, so that what differs is the channels. What counts is the CPU time of the whole process for each event.
//!
//! The median of several runs is shown, with the least and the most. The cheapest run alone would mislead: two threads
//! that share a core, because the other cores are taken, hand events over within one cache and cost a fraction of what
//! they cost side by side. `--one-core` measures that case on purpose; without it, the machine should be idle.

use std::{process::ExitCode, sync::Arc, time::Instant};

use clap::Parser;
use rustix::{
    thread::{CpuSet, sched_getcpu, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

use contender::{CONTENDERS, Contender, Event};
use window::{HALF, WINDOW, Window};

#[path = "bench_bus/contender.rs"]
mod contender;
#[path = "bench_bus/window.rs"]
mod window;

/// How many subscribers there are.
const SUBSCRIBERS: [usize; 3] = [1, 4, 16];

/// Measures the event bus beside other channels.
#[derive(Debug, Parser)]
struct Options {
    /// Events of one run.
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// Runs of each case, of which the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only the channels whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// All threads on one core.
    #[arg(long)]
    one_core: bool,
}

impl Options {
    fn contenders(&self) -> impl Iterator<Item = &'static Contender> {
        CONTENDERS.iter().filter(|contender| contender.name.contains(&self.only))
    }
}

/// What one run has cost.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// CPU time of the process for each event published, in nanoseconds.
    cpu: f64,
    /// Events published in a second of real time.
    rate: f64,
    /// How often the subscribers that want nothing were run.
    wakes: u64,
}

fn run(contender: &Contender, subscribers: usize, wanting: usize, events: u64) -> Run {
    let window = Arc::new(Window::new(if contender.filters { wanting } else { subscribers }));
    let mut started = contender.start(subscribers, wanting, &window);
    let (begun, cpu_before) = (Instant::now(), cpu_nanoseconds());
    let halves = events.div_ceil(HALF);
    for half in 0..halves {
        window.wait_for(half.saturating_sub(1));
        for number in half * HALF..(half + 1) * HALF {
            started.publish(&Arc::new(Event::new(number)));
        }
    }
    window.wait_for(halves);
    let (took, cpu) = (begun.elapsed(), cpu_nanoseconds() - cpu_before);
    let events = (halves * HALF) as f64;
    let wakes = started.finish();
    Run { cpu: cpu as f64 / events, rate: events / took.as_secs_f64(), wakes }
}

/// CPU time that all threads of this process have used, the ended ones too.
fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The runs of one case, the cheapest first.
struct Runs(Vec<Run>);

impl Runs {
    fn of(options: &Options, contender: &Contender, subscribers: usize, wanting: usize) -> Self {
        let runs = (0..options.runs).map(|_| run(contender, subscribers, wanting, options.events));
        let mut runs: Vec<Run> = runs.collect();
        runs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        Self(runs)
    }

    fn median(&self) -> Run {
        self.0[self.0.len() / 2]
    }

    /// The CPU time of the median, then the least and the most.
    fn cpu(&self) -> String {
        let (least, most) = (self.0[0].cpu, self.0[self.0.len() - 1].cpu);
        format!("{:.0} ({least:.0}-{most:.0})", self.median().cpu)
    }
}

fn everybody_wants(options: &Options) {
    let [one, four, sixteen] = SUBSCRIBERS;
    println!("All events to all of {one} / {four} / {sixteen} subscribers; window {WINDOW}\n");
    println!("| | events/s | CPU ns per event | CPU ns per further subscriber |\n| --- | --- | --- | --- |");
    for contender in options.contenders() {
        let runs = SUBSCRIBERS.map(|subscribers| Runs::of(options, contender, subscribers, subscribers));
        let rates = runs.each_ref().map(|runs| format!("{:.2} M", runs.median().rate / 1e6)).join(" / ");
        let cpu = runs.each_ref().map(Runs::cpu).join(" / ");
        let further = (runs[2].median().cpu - runs[0].median().cpu) / (sixteen - one) as f64;
        println!("| {} | {rates} | {cpu} | {further:.0} |", contender.name);
    }
}

fn one_of_sixteen_wants(options: &Options) {
    println!("\nOne of 16 subscribers wants the events, 15 want none\n");
    println!("| | CPU ns per event | runs of the 15 |\n| --- | --- | --- |");
    for contender in options.contenders() {
        let runs = Runs::of(options, contender, 16, 1);
        println!("| {} | {} | {} |", contender.name, runs.cpu(), runs.median().wakes);
    }
}

/// Keeps this thread, and the threads that it starts, on the core that it is on.
fn stay_on_one_core() -> rustix::io::Result<()> {
    let mut core = CpuSet::new();
    core.set(sched_getcpu());
    sched_setaffinity(None, &core)
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.one_core
        && let Err(error) = stay_on_one_core()
    {
        eprintln!("cannot stay on one core: {error}");
        return ExitCode::FAILURE;
    }
    everybody_wants(&options);
    one_of_sixteen_wants(&options);
    ExitCode::SUCCESS
}
