//! Calls of sipp answered over UDP by `patchcord answer --media off`, beside rsipstack: CPU of an answered call, calls a
//! second without a retransmission, and memory of a call that is up, printed as a Markdown table.
//!
//! Without `serve`, the program is the driver: `--patchcord PROGRAM` names ours. `serve NAME` is the answering process of a
//! peer. Both sides and sipp share the cores of this machine.

mod answerer;
mod caller;
mod rsipstack;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use answerer::Answerer;
use caller::{Caller, Outcome};

const USAGE: &str = "usage: patchcord-bench-answer --patchcord PROGRAM [--calls N] [--rounds N] | serve NAME";

/// Calls of a round, for the CPU of one.
const CALLS: u32 = 10_000;

/// How often the CPU is measured; the cheapest round counts.
const ROUNDS: u32 = 3;

/// Calls a second for that, which every answerer follows.
const EASY: u32 = 500;

/// Calls that are held at a time, for the memory of one, and for how long: longer than it takes to place them and to look,
/// and until their INVITEs' transactions are gone.
const HELD: u32 = 5_000;
const HOLD: Duration = Duration::from_secs(50);
const LOOK: Duration = Duration::from_secs(45);

/// The steps in which the rate rises, and how long each lasts.
const STEP: u32 = 500;
const STEP_SECONDS: u32 = 4;
const FASTEST: u32 = 12_000;

/// Who answers: how the table calls it, and how `serve` does.
const ANSWERERS: [(&str, Option<&str>); 3] = [
    ("patchcord answer", None),
    ("rsipstack, workers", Some("rsipstack")),
    ("rsipstack, one thread", Some("rsipstack-one-thread")),
];

struct Settings {
    patchcord: PathBuf,
    calls: u32,
    rounds: u32,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", name] => rsipstack::serve(name),
        _ => match settings(&args) {
            Some(settings) => compare(&settings),
            None => Err(USAGE.into()),
        },
    };
    if let Err(error) = outcome {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn settings(args: &[String]) -> Option<Settings> {
    let (mut patchcord, mut calls, mut rounds) = (None, CALLS, ROUNDS);
    let (pairs, rest) = args.as_chunks();
    for [name, value] in pairs {
        match name.as_str() {
            "--patchcord" => patchcord = Some(PathBuf::from(value)),
            "--calls" => calls = value.parse().ok()?,
            "--rounds" => rounds = value.parse().ok()?,
            _ => return None,
        }
    }
    let settings = Settings { patchcord: patchcord?, calls, rounds };
    (rest.is_empty() && calls > 0 && rounds > 0).then_some(settings)
}

fn compare(settings: &Settings) -> Result<(), Box<dyn Error>> {
    println!(
        "| | CPU µs a call | every round | sent again | calls/s without one sent again | kB a call that is up |\n\
        | --- | --- | --- | --- | --- | --- |"
    );
    for (title, name) in ANSWERERS {
        let start = || Answerer::start(&settings.patchcord, name);
        let mut rounds = Vec::new();
        let mut resent = 0;
        for _ in 0..settings.rounds {
            let (cost, outcome) = cpu(&start()?, settings.calls)?;
            rounds.push(cost);
            resent += outcome.resent;
        }
        let cheapest = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let every: Vec<String> = rounds.iter().map(|cost| format!("{cost:.0}")).collect();
        let fastest = rate(&start)?;
        let held = memory(&start()?)?;
        println!("| {title} | {cheapest:.0} | {} | {resent} | {fastest} | {held:.1} |", every.join(", "));
    }
    Ok(())
}

/// The CPU of one call in microseconds, all threads and the kernel's share included.
fn cpu(answerer: &Answerer, calls: u32) -> Result<(f64, Outcome), Box<dyn Error>> {
    let before = answerer.cpu()?;
    let outcome = Caller { rate: EASY, calls, hold: Duration::ZERO }.start(answerer.address)?.outcome()?;
    outcome.all(calls)?;
    let used = answerer.cpu()? - before;
    Ok((used.as_secs_f64() * 1e6 / f64::from(calls), outcome))
}

/// The highest rate at which nothing is sent again and every call is answered.
fn rate(start: &dyn Fn() -> Result<Answerer, Box<dyn Error>>) -> Result<u32, Box<dyn Error>> {
    let mut reached = 0;
    for rate in (STEP..=FASTEST).step_by(STEP as usize) {
        // Each step begins with tables that are empty.
        let answerer = start()?;
        let calls = rate * STEP_SECONDS;
        let outcome = Caller { rate, calls, hold: Duration::ZERO }.start(answerer.address)?.outcome()?;
        // A caller that cannot keep up does not measure the answerer.
        if outcome.resent > 0 || outcome.answered < calls || outcome.seconds > f64::from(STEP_SECONDS) * 1.1 {
            break;
        }
        reached = rate;
    }
    Ok(reached)
}

/// The resident memory that one call holds, in kB.
fn memory(answerer: &Answerer) -> Result<f64, Box<dyn Error>> {
    let before = answerer.resident()?;
    let caller = Caller { rate: EASY, calls: HELD, hold: HOLD }.start(answerer.address)?;
    std::thread::sleep(LOOK);
    let held = answerer.resident()?.saturating_sub(before);
    caller.outcome()?.all(HELD)?;
    Ok(held as f64 / 1000.0 / f64::from(HELD))
}
