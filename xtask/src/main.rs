//! The verbs of this repository: `cargo xtask <verb>`.
//!
//! One verb a file. A verb gets the workspace and its flags, prints what it does, and answers whether it succeeded.

mod alacarte;
mod bans;
mod bench;
mod bench_answer;
mod bench_bus;
mod bench_dialogs;
mod bench_media;
mod bench_options;
mod bench_parse;
mod bench_sdp;
mod bench_transactions;
mod bench_transfers;
mod ci;
mod clippy_toml;
mod conformance;
mod coverage;
mod deep;
mod deny_toml;
mod examples;
mod flags;
mod fuzz;
mod interop;
mod layers;
mod licence;
mod lint;
mod mutants;
mod peers;
mod process;
mod release;
mod rfcs;
mod rules;
mod scan;
mod setup;
mod sim;
mod sipjs;
mod workspace;

use std::env;
use std::fmt::Write as _;
use std::process::ExitCode;

use flags::{Flag, Flags};
use process::{Failure, Outcome};
use workspace::Workspace;

/// One verb: how it is called, and the function that does it.
struct Verb {
    name: &'static str,
    about: &'static str,
    flags: &'static [Flag],
    run: fn(&Workspace, &Flags) -> Outcome,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "setup",
        about: "Installs what the tests need and is missing: peers, capture tools, valgrind, cargo-fuzz",
        flags: &[],
        run: setup::run,
    },
    Verb { name: "test", about: "setup, then ci", flags: ci::FLAGS, run: ci::run_with_setup },
    Verb {
        name: "ci",
        about: "Every check, as named steps with a table at the end",
        flags: ci::FLAGS,
        run: ci::run,
    },
    Verb {
        name: "lint",
        about: "clippy and the checks of our own on the sources",
        flags: lint::FLAGS,
        run: lint::run,
    },
    Verb { name: "layers", about: "Checks who may depend on whom", flags: &[], run: layers::run },
    Verb {
        name: "bans",
        about: "Checks licences, sources and banned crates against deny.toml",
        flags: &[],
        run: bans::run,
    },
    Verb { name: "examples", about: "Runs every example of every crate", flags: &[], run: examples::run },
    Verb {
        name: "alacarte",
        about: "Packages each crate and builds a small consumer of it alone",
        flags: alacarte::FLAGS,
        run: alacarte::run,
    },
    Verb {
        name: "sim",
        about: "Simulated worlds, cells of the test matrix, stopped parties",
        flags: sim::FLAGS,
        run: sim::run,
    },
    Verb {
        name: "interop",
        about: "Independent peers in a private network; writes or checks the table of results",
        flags: interop::FLAGS,
        run: interop::run,
    },
    Verb {
        name: "fuzz",
        about: "Builds each fuzz target, replays its seeds and searches on",
        flags: fuzz::FLAGS,
        run: fuzz::run,
    },
    Verb {
        name: "bench",
        about: "Instructions, time and allocations of each case; the gate against the baseline",
        flags: bench::FLAGS,
        run: bench::run,
    },
    Verb {
        name: "bench bus",
        about: "The event bus beside tokio broadcast, tokio mpsc and crossbeam, in CPU time",
        flags: bench_bus::FLAGS,
        run: bench_bus::run,
    },
    Verb {
        name: "bench media",
        about: "Packets, frames and 1,000 streams in CPU time and memory; SDP beside published parsers",
        flags: bench_media::FLAGS,
        run: bench_media::run,
    },
    Verb {
        name: "bench options",
        about: "OPTIONS answered over UDP beside rsipstack, in CPU time and memory",
        flags: bench_options::FLAGS,
        run: bench_options::run,
    },
    Verb {
        name: "bench parse",
        about: "The parser beside published SIP parsers, in time and allocations",
        flags: bench_parse::FLAGS,
        run: bench_parse::run,
    },
    Verb {
        name: "bench sdp",
        about: "The SDP parser beside published SDP parsers, in time and allocations",
        flags: bench_sdp::FLAGS,
        run: bench_sdp::run,
    },
    Verb {
        name: "bench answer",
        about: "Calls of sipp answered over UDP, beside rsipstack: CPU, calls a second, memory",
        flags: bench_answer::FLAGS,
        run: bench_answer::run,
    },
    Verb {
        name: "bench dialogs",
        about: "What a call costs and holds through two engines, with 1, 1,000 and 100,000 of them up",
        flags: bench_dialogs::FLAGS,
        run: bench_dialogs::run,
    },
    Verb {
        name: "bench transactions",
        about: "What a transaction costs and holds, with 1, 1,000 and 100,000 of them alive",
        flags: bench_transactions::FLAGS,
        run: bench_transactions::run,
    },
    Verb {
        name: "bench transfers",
        about: "Whole transfers, simulated and on loopback: rate, time and memory",
        flags: bench_transfers::FLAGS,
        run: bench_transfers::run,
    },
    Verb {
        name: "conformance",
        about: "Writes or checks the table of catalogue rows and the tests that cover them",
        flags: conformance::FLAGS,
        run: conformance::run,
    },
    Verb { name: "demo", about: "Runs the demonstration of the application", flags: &[], run: release::demo },
    Verb {
        name: "deep",
        about: "The long runs, by hand: worlds, cells of the test matrix, real transfers, fuzzing, mutants",
        flags: deep::FLAGS,
        run: deep::run,
    },
];

fn main() -> ExitCode {
    match dispatch(env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut args: Vec<String>) -> Outcome {
    if args.is_empty() || ["help", "--help", "-h"].contains(&args[0].as_str()) {
        print!("{}", help());
        return Ok(());
    }
    let verb = take_verb(&mut args)?;
    let flags = Flags::parse(verb.flags, args)?;
    (verb.run)(&Workspace::load()?, &flags)
}

/// Takes the verb from the arguments. A verb of two words goes before the one that is its first word.
fn take_verb(args: &mut Vec<String>) -> Result<&'static Verb, Failure> {
    for words in [2, 1].into_iter().filter(|words| *words <= args.len()) {
        let name = args[..words].join(" ");
        if let Some(verb) = VERBS.iter().find(|verb| verb.name == name) {
            args.drain(..words);
            return Ok(verb);
        }
    }
    Err(Failure::new(format!("no verb `{}`; `cargo xtask help` lists them", args.join(" "))))
}

fn help() -> String {
    let mut text = String::from("cargo xtask <verb> [flags]\n\n");
    for verb in VERBS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<12} {}", verb.name, verb.about);
        for flag in verb.flags {
            let shown = [flag.name, flag.value.unwrap_or_default()].join(" ");
            let _ = writeln!(text, "  {:<12}   {shown:<22} {}", "", flag.about);
        }
    }
    text.push_str("  help         This list\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_verb_once() {
        let help = help();
        for verb in VERBS {
            assert_eq!(help.matches(&format!("\n  {:<12} ", verb.name)).count(), 1, "{}", verb.name);
        }
    }

    #[test]
    fn a_verb_of_two_words_goes_before_its_first_word() {
        let take = |line: &str| {
            let mut args = line.split(' ').map(str::to_owned).collect();
            take_verb(&mut args).map(|verb| (verb.name, args.join(" "))).ok()
        };
        assert_eq!(take("bench bus --runs 1"), Some(("bench bus", "--runs 1".into())));
        assert_eq!(take("bench --gate"), Some(("bench", "--gate".into())));
        assert_eq!(take("bench"), Some(("bench", String::new())));
        assert_eq!(take("bus"), None);
    }

    #[test]
    fn an_unknown_verb_is_an_error() {
        let failure = dispatch(vec!["no-such-verb".into()]).expect_err("the verb does not exist");
        assert!(failure.to_string().contains("no-such-verb"));
    }
}
