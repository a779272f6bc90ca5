//! OPTIONS answered by transaction-core over UDP, beside rsipstack: CPU, time and memory of the answering process,
//! printed as a Markdown table.
//!
//! Without `serve`, the program is the driver: it starts itself once for each contender and round, sends `--count N`
//! OPTIONS (default 100,000), 64 at a time, and reads what the answering process has used. `serve NAME` is that process.

mod contenders;
mod load;
mod ours;
mod rsipstack;
mod server;
mod table;

use std::{error::Error, io::Write as _, net::SocketAddr, process::ExitCode};

use contenders::{CONTENDERS, Contender};
use server::{Server, Usage};

/// How often each contender is measured.
const ROUNDS: u32 = 3;

/// How many OPTIONS it answers in each round.
const COUNT: u64 = 100_000;

const USAGE: &str = "usage: patchcord-bench-options [--rounds N] [--count N] | serve NAME";

/// What one contender did in one round.
struct Run {
    load: load::Load,
    usage: Usage,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", name] => match contenders::named(name) {
            Some(contender) => serve(contender),
            None => Err(format!("there is no `{name}`").into()),
        },
        _ => match numbers(&args) {
            Some((rounds, count)) => compare(rounds, count),
            None => Err(USAGE.into()),
        },
    };
    if let Err(error) = outcome {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn numbers(args: &[String]) -> Option<(u32, u64)> {
    let (mut rounds, mut count) = (ROUNDS, COUNT);
    let (pairs, rest) = args.as_chunks();
    for [name, number] in pairs {
        match name.as_str() {
            "--rounds" => rounds = number.parse().ok()?,
            "--count" => count = number.parse().ok()?,
            _ => return None,
        }
    }
    (rest.is_empty() && rounds > 0 && count > 0).then_some((rounds, count))
}

/// Measures each contender in turn, as often as there are rounds, so that what else the machine does hits all alike.
fn compare(rounds: u32, count: u64) -> Result<(), Box<dyn Error>> {
    let mut runs: Vec<Vec<Run>> = CONTENDERS.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (contender, runs) in CONTENDERS.iter().zip(&mut runs) {
            runs.push(measure(contender, count)?);
        }
    }
    print!("{}", table::of(count, &runs));
    Ok(())
}

fn measure(contender: &Contender, count: u64) -> Result<Run, Box<dyn Error>> {
    let server = Server::start(contender.name)?;
    let before = server.usage()?;
    let load = load::put_on(server.address, count).map_err(|error| format!("{}: {error}", contender.name))?;
    let usage = server.usage()?.since(&before);
    Ok(Run { load, usage })
}

/// Serves until the standard input ends, which is when the driver is done or gone.
fn serve(contender: &Contender) -> Result<(), Box<dyn Error>> {
    std::thread::spawn(|| {
        let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(i32::from(ended.is_err()));
    });
    (contender.serve)(&|address: SocketAddr| {
        let mut out = std::io::stdout();
        writeln!(out, "{address}").and_then(|()| out.flush())
    })
}
