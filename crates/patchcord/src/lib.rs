//! A SIP user agent for the command line that moves live calls; `docs/cli.md` describes its interface.
//!
//! The library is what the binary runs, apart so that it can be tested and fuzzed; it is no interface of its own.

mod account;
mod agent;
mod answer;
mod args;
mod call;
mod callers;
mod console;
mod demo;
mod exit;
mod json;
pub mod parse;
mod prompt;
mod recording;
mod sound;
mod stop;
mod text;
mod transfer;

use std::process::ExitCode;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

use crate::args::{OutputArgs, Verb};
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::recording::Recording;
use crate::stop::Stop;

/// Runs the command line and gives the process's exit code.
pub fn main() -> ExitCode {
    let line = args::read();
    log_to_stderr();
    let exit = match line.verb {
        Verb::Demo(args) => run(&args.output, async |console, stop, recording| {
            demo::run(&args, &console, &stop, recording).await
        }),
        Verb::Answer(args) => run(&args.output, async |console, stop, recording| {
            answer::run(&args, &console, &stop, recording).await
        }),
        Verb::Call(args) => run(&args.output, async |console, stop, recording| {
            call::run(&args, &console, &stop, recording).await
        }),
        Verb::Transfer(args) => run(&args.output, async |console, stop, recording| {
            transfer::run(&args, &console, &stop, recording).await
        }),
        Verb::Parse(args) => parse::run(&args),
    };
    exit.into()
}

/// Logs go to stderr so that stdout holds nothing but events; `RUST_LOG` says how much.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// Runs a verb that lives on the network, tells its failure, and gives the exit code.
fn run(
    output: &OutputArgs,
    verb: impl AsyncFnOnce(Arc<Console>, Stop, &Recording) -> Result<(), Failure>,
) -> Exit {
    // Signalling, media and printing have threads of their own; what is left is decisions, for which one thread does, and
    // none has to wake another.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::tell(&Failure::environment(format!(
                "the operating system refuses threads: {error}"
            )));
        }
    };
    let console = Arc::new(Console::new(output.json));
    let result = runtime.block_on(async {
        let stop = Stop::install(&console)?;
        let recording = Recording::open(output.pcap.as_deref())?;
        let result = verb(Arc::clone(&console), stop, &recording).await;
        recording.close();
        result
    });
    // A read of the terminal cannot be cancelled; the process ends without waiting for it.
    runtime.shutdown_background();
    let exit = match &result {
        Ok(()) => Exit::Done,
        Err(failure) => exit::tell(failure),
    };
    console.finished(exit, result.as_ref().err().map(|failure| failure.reason.as_str()));
    exit
}
