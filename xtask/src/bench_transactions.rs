//! `cargo xtask bench transactions`: what one transaction costs beside its messages, and what it holds once completed, at 1,
//! 1,000 and 100,000 live ones.
//!
//! It prints the table for `docs/measured.md`. Instructions, allocations and bytes are the same in every run; time is for
//! people.

use crate::bench::{Cost, bench_program, measure};
use crate::flags::{Flag, Flags};
use crate::process::Outcome;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[Flag::with("--kind", "NAME,..", "only these kinds of transactions")];

/// The kinds, as the program `bench` names them.
const KINDS: [&str; 4] = ["server-options", "server-invite", "client-options", "client-invite"];

/// Live transactions, and the iterations that suffice to count the instructions of one: with many so many that what the
/// tables do only now and then is in it.
const ALIVE: [(u64, u64); 3] = [(1, 1000), (1000, 2000), (100_000, 20_000)];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let bench = bench_program(workspace)?;
    let only = flags.list("--kind");
    println!(
        "| transaction | live | instructions | growth | of the messages | ns | allocations | bytes held |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for kind in KINDS.into_iter().filter(|kind| only.as_ref().is_none_or(|only| only.contains(kind))) {
        let case = |what: &str| format!("transactions-{kind}-{what}");
        let messages = measure(workspace, &bench, &case("messages"), ALIVE[0].1)?;
        let mut before = None;
        for (alive, iterations) in ALIVE {
            let whole = measure(workspace, &bench, &case(&alive.to_string()), iterations)?;
            let own = beside(&whole, &messages);
            println!("{}", row(kind, alive, &own, &messages, before));
            before = Some(own.instructions);
        }
    }
    Ok(())
}

/// What is left without the messages.
fn beside(whole: &Cost, messages: &Cost) -> Cost {
    Cost {
        instructions: whole.instructions.saturating_sub(messages.instructions),
        nanoseconds: whole.nanoseconds - messages.nanoseconds,
        allocations: whole.allocations - messages.allocations,
        bytes: whole.bytes - messages.bytes,
    }
}

fn row(kind: &str, alive: u64, own: &Cost, messages: &Cost, before: Option<u64>) -> String {
    let growth = before.filter(|before| *before > 0).map_or_else(String::new, |before| {
        format!("{:+.1} %", (own.instructions as f64 / before as f64 - 1.0) * 100.0)
    });
    format!(
        "| {kind} | {alive} | {} | {growth} | {} | {:.0} | {:.1} | {:.0} |",
        own.instructions,
        messages.instructions,
        own.nanoseconds,
        own.allocations,
        own.bytes / alive as f64,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_what_is_left_without_the_messages_and_the_growth() {
        let cost = |instructions, bytes| Cost { instructions, nanoseconds: 2.0, allocations: 3.0, bytes };
        let own = beside(&cost(1100, 5000.0), &cost(500, 1000.0));
        assert_eq!(
            row("a", 10, &own, &cost(500, 1000.0), Some(500)),
            "| a | 10 | 600 | +20.0 % | 500 | 0 | 0.0 | 400 |"
        );
        assert!(row("a", 1, &own, &own, None).contains("| 600 |  | 600 |"));
    }
}
