//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::contenders::{CONTENDERS, FLOOR, OURS};
use crate::measure::{Cost, Row, Unmeasured};
use crate::messages::Sample;

/// The table of one message: a row a contender, with the columns of head before those of full.
pub(crate) fn of(sample: &Sample, rows: &[Row]) -> String {
    let size = sample.text.len();
    let columns = "ns | MB/s | allocations | allocated B | to ours | to floor |";
    let rule = " --- |".repeat(13);
    let mut text = format!("{}, {size} B:\n\n| | head {columns} full {columns}\n|{rule}\n", sample.name);
    for (contender, row) in CONTENDERS.iter().zip(rows) {
        let head = cells(row.head, size, rows[OURS].head, rows[FLOOR].head);
        let full = cells(row.full, size, rows[OURS].full, rows[FLOOR].full);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {head} | {full} |", contender.title());
    }
    text
}

type Measured = Result<Cost, Unmeasured>;

fn cells(cost: Measured, size: usize, ours: Measured, floor: Measured) -> String {
    let cost = match cost {
        Ok(cost) => cost,
        Err(Unmeasured::Refused) => return "refused | | | | |".into(),
        Err(Unmeasured::ReadOtherwise) => return "read otherwise | | | | |".into(),
    };
    let ratio =
        |to: Measured| to.map_or(String::new(), |to| format!("{:.2}", cost.nanoseconds / to.nanoseconds));
    let megabytes = size as f64 / cost.nanoseconds * 1000.0;
    let Cost { nanoseconds, allocations, allocated } = cost;
    let (ours, floor) = (ratio(ours), ratio(floor));
    format!("{nanoseconds:.0} | {megabytes:.0} | {allocations} | {allocated} | {ours} | {floor}")
}
