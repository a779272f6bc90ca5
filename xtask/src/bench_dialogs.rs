//! `cargo xtask bench dialogs`: what one whole call costs through two engines without sockets, and what a call that is up
//! holds, at 1, 1,000 and 100,000 calls.
//!
//! It prints the table for `docs/measured.md`. Instructions, allocations and bytes are the same in every run; time is for
//! people.

use crate::bench::{Cost, bench_program, measure};
use crate::flags::{Flag, Flags};
use crate::process::Outcome;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[Flag::with("--alive", "N,..", "only at so many live calls")];

/// Calls that are up, and the iterations that suffice to count the instructions of one more.
const ALIVE: [(u32, u64); 3] = [(1, 100), (1000, 100), (100_000, 100)];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let bench = bench_program(workspace)?;
    let only = flags.list("--alive");
    println!(
        "| calls up | instructions a side | growth | µs a side | allocations a side | bytes an idle call and side |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut first = None;
    for (alive, iterations) in ALIVE {
        if only.as_ref().is_none_or(|only| only.contains(&alive.to_string().as_str())) {
            let cost = measure(workspace, &bench, &format!("dialogs-{alive}"), iterations)?;
            println!("{}", row(alive, &cost, first));
            first = first.or(Some(cost.instructions));
        }
    }
    Ok(())
}

/// One of two sides that do about the same.
fn row(alive: u32, cost: &Cost, first: Option<u64>) -> String {
    let growth = first.filter(|first| *first > 0).map_or_else(String::new, |first| {
        format!("{:+.1} %", (cost.instructions as f64 / first as f64 - 1.0) * 100.0)
    });
    format!(
        "| {alive} | {} | {growth} | {:.1} | {:.1} | {:.0} |",
        cost.instructions / 2,
        cost.nanoseconds / 2000.0,
        cost.allocations / 2.0,
        cost.bytes / 2.0 / f64::from(alive),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_of_one_side() {
        let cost = Cost { instructions: 1100, nanoseconds: 4000.0, allocations: 6.0, bytes: 80_000.0 };
        assert_eq!(row(10, &cost, Some(1000)), "| 10 | 550 | +10.0 % | 2.0 | 3.0 | 4000 |");
        assert_eq!(row(10, &cost, None), "| 10 | 550 |  | 2.0 | 3.0 | 4000 |");
    }
}
