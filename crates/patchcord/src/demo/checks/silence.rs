//! For how long a party may hear nothing.

use super::Check;
use crate::demo::parties::{BOB, CAROL};
use crate::demo::plot::{Hears, Plot};
use crate::demo::report::{PartyReport, Report};

/// Three packets: one that is under way, one until the next is due, and one to spare (TM-017 of the catalogue).
const MOST_MS: u64 = 60;

/// The checks of a scenario: the switch to the new pair, and what each party that is in a call in the end heard.
pub(super) fn of(plot: &Plot, report: &Report) -> Vec<Check> {
    let mut checks = Vec::new();
    if plot.moves() {
        // Bob has no new call where he talks through Alice: his hold ends, which is looked at below.
        let switched = if plot.bridges() { &[CAROL][..] } else { &[BOB, CAROL] };
        checks.extend(switched.iter().map(|party| at_switch(&report.parties[*party])));
    }
    let parties = report.parties.iter().zip(plot.at_the_end());
    // Who was not on hold and did not wait was not moved either.
    let hears = |hears: Hears| !matches!(hears, Hears::NoCall | Hears::Between);
    let asked = parties.filter(|(party, at_end)| hears(*at_end) && party.no_audio_due_ms > 0);
    checks.extend(asked.map(|(party, _)| unexcused(party)));
    checks
}

/// From Carol's 200 OK to the first audio of the new pair.
fn at_switch(party: &PartyReport) -> Check {
    let found = party.switch_silence_ms;
    Check::new(
        format!("silence from Carol's 200 OK at {}: at most {MOST_MS} ms", party.name),
        found.is_some_and(|found| found <= MOST_MS as f64),
        found.map_or_else(|| "not measured".to_owned(), |found| format!("{found:.1} ms")),
    )
}

/// Nobody hears nothing for longer than the call is on hold or the other phone rings.
fn unexcused(party: &PartyReport) -> Check {
    let beyond = party.longest_silence_ms.map(|silence| silence.saturating_sub(party.no_audio_due_ms));
    Check::new(
        format!("silence beyond hold and ringing at {}: at most {MOST_MS} ms", party.name),
        beyond.is_some_and(|beyond| beyond <= MOST_MS),
        beyond.map_or_else(|| "not measured".to_owned(), |beyond| format!("{beyond} ms")),
    )
}

#[cfg(test)]
mod tests;
