//! The table, in Markdown.

use std::fmt::Write as _;

use crate::{
    Run,
    contenders::{CONTENDERS, OURS},
};

/// A row a contender: the round that took the least CPU, and the CPU of every round.
pub(crate) fn of(count: u64, runs: &[Vec<Run>]) -> String {
    let mut text = format!(
        "{count} OPTIONS a round, {} rounds:\n\n\
        | | answered/s per core | CPU µs each | CPU to ours | answered/s | sent again | MiB resident | \
        B each | CPU µs each, every round |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        runs[OURS].len()
    );
    let count = count as f64;
    let best: Vec<Option<&Run>> =
        runs.iter().map(|runs| runs.iter().min_by_key(|run| run.usage.cpu)).collect();
    for ((contender, runs), run) in CONTENDERS.iter().zip(runs).zip(&best) {
        let (Some(run), Some(ours)) = (run, best[OURS]) else { continue };
        let cpu = run.usage.cpu.as_secs_f64();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} | {:.2} | {:.0} | {} | {:.1} | {:.0} | {} |",
            contender.title,
            count / cpu,
            cpu * 1e6 / count,
            cpu / ours.usage.cpu.as_secs_f64(),
            count / run.load.wall.as_secs_f64(),
            run.load.resent,
            run.usage.resident as f64 / f64::from(1 << 20),
            run.usage.grown as f64 / count,
            runs.iter()
                .map(|run| format!("{:.2}", run.usage.cpu.as_secs_f64() * 1e6 / count))
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
    text
}
