//! What has to be as it should be for the demo to succeed.

use serde::Serialize;
use session_core::EventKind;

use crate::args::Scenario;
use crate::json::ms;

use super::parties::{ALICE, BOB, CAROL, PARTIES};
use super::record::Record;
use super::report::{LegReport, PartyReport, Report, expected};
use super::scenario::{CAROL_RINGS, Played, RING_LIMIT};

/// A measured tone may be off by this: the resolution of 200 ms of audio.
const TONE_TOLERANCE_HZ: u16 = 15;
/// The least score of a call on loopback; G.711 without loss has 4.4.
const LEAST_MOS: f64 = 4.0;
/// Loopback loses nothing, but a busy machine may deliver a packet too late to count.
const MOST_LOSS_PERCENT: f64 = 1.0;
/// How long signalling may take besides the ringing, on a busy machine.
const SIGNALLING_MS: f64 = 1_500.0;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What should be.
    #[serde(rename = "check")]
    pub(crate) what: String,
    /// Whether it is.
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) found: String,
}

/// All checks of a scenario.
pub(crate) fn of(scenario: Scenario, report: &Report, played: &Played, record: &Record) -> Vec<Check> {
    let mut checks = vec![to_the_end(played)];
    checks.push(outcome(scenario, report));
    checks.extend([ALICE, BOB].map(|party| one_outcome(party, record)));
    checks.extend(timing(scenario, report));
    checks.extend([(ALICE, BOB), (BOB, ALICE)].map(|(party, other)| {
        tone(
            format!("before: {} hears {}", PARTIES[party].name, PARTIES[other].name),
            Some(PARTIES[other].tone),
            report.parties[party].heard_before_hz,
        )
    }));
    for (place, expected) in expected(scenario).into_iter().enumerate() {
        checks.push(at_the_end(place, expected, &report.parties[place]));
    }
    checks.push(silence(scenario, report));
    checks.extend(legs(report));
    checks.push(old_calls(scenario, played, record));
    checks.push(nothing_left(played));
    checks.push(Check {
        what: "no event was lost".to_owned(),
        ok: record.lost() == 0,
        found: format!("{} lost", record.lost()),
    });
    checks
}

fn to_the_end(played: &Played) -> Check {
    Check {
        what: "the scenario was played to its end".to_owned(),
        ok: played.stopped.is_none(),
        found: played.stopped.clone().unwrap_or_else(|| "yes".to_owned()),
    }
}

fn outcome(scenario: Scenario, report: &Report) -> Check {
    let (wanted, codes, words): (_, &[u16], _) = match scenario {
        Scenario::Blind | Scenario::All => ("Succeeded", &[200], "Succeeded (200)"),
        Scenario::TargetBusy => ("Recovered", &[486], "Recovered (486)"),
        // What a referred call that was never answered is reported as: timed out, cancelled, or unavailable.
        Scenario::TargetSilent => ("Recovered", &[408, 480, 487], "Recovered (408, 480 or 487)"),
    };
    let code = report.code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
    Check {
        what: format!("Alice's transfer: {words}, by notify"),
        ok: report.outcome == Some(wanted)
            && report.code.is_some_and(|code| codes.contains(&code))
            && report.learned_from == Some("notify"),
        found: format!(
            "{} ({code}), by {}",
            report.outcome.unwrap_or("no outcome"),
            report.learned_from.unwrap_or("nothing")
        ),
    }
}

fn one_outcome(party: usize, record: &Record) -> Check {
    let count = record.count(party, |event| event.outcome().is_some());
    Check {
        what: format!("exactly one outcome at {}", PARTIES[party].name),
        ok: count == 1,
        found: count.to_string(),
    }
}

fn timing(scenario: Scenario, report: &Report) -> Vec<Check> {
    let rings = match scenario {
        Scenario::Blind | Scenario::All | Scenario::TargetBusy => ms(CAROL_RINGS),
        Scenario::TargetSilent => ms(RING_LIMIT),
    };
    let most = rings + SIGNALLING_MS;
    let mut checks = vec![within("REFER to final NOTIFY", report.refer_to_final_notify_ms, most)];
    match scenario {
        Scenario::Blind | Scenario::All => {
            checks.push(within("REFER to first audio at Bob", report.refer_to_first_media_ms.at_bob, most));
            checks.push(within(
                "REFER to first audio at Carol",
                report.refer_to_first_media_ms.at_carol,
                most,
            ));
        }
        Scenario::TargetBusy | Scenario::TargetSilent => {
            checks.push(within("REFER to Bob being back", report.refer_to_outcome_ms, most));
        }
    }
    checks
}

fn within(what: &str, found: Option<f64>, most: f64) -> Check {
    Check {
        what: format!("{what}: at most {most:.0} ms"),
        ok: found.is_some_and(|found| found <= most),
        found: found.map_or_else(|| "not seen".to_owned(), |found| format!("{found:.1} ms")),
    }
}

fn at_the_end(party: usize, expected: Option<u16>, found: &PartyReport) -> Check {
    let name = PARTIES[party].name;
    match PARTIES.iter().find(|other| Some(other.tone) == expected) {
        Some(other) => tone(format!("at the end: {name} hears {}", other.name), expected, found.hears_hz),
        None => Check {
            what: format!("at the end: {name} has no call"),
            ok: !found.in_call,
            found: if found.in_call { "in a call" } else { "no call" }.to_owned(),
        },
    }
}

fn tone(what: String, expected: Option<u16>, found: Option<u16>) -> Check {
    let ok = match (expected, found) {
        (Some(expected), Some(found)) => expected.abs_diff(found) <= TONE_TOLERANCE_HZ,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let what = match expected {
        Some(hz) => format!("{what} ({hz} Hz)"),
        None => what,
    };
    Check { what, ok, found: found.map_or_else(|| "nothing".to_owned(), |hz| format!("{hz} Hz")) }
}

/// Nobody may hear nothing for longer than the other phone rings and the signalling takes.
fn silence(scenario: Scenario, report: &Report) -> Check {
    let most = SIGNALLING_MS
        + match scenario {
            Scenario::Blind | Scenario::All | Scenario::TargetBusy => ms(CAROL_RINGS),
            Scenario::TargetSilent => ms(RING_LIMIT),
        };
    let longest = report.parties.iter().filter_map(|party| party.longest_silence_ms).max();
    Check {
        what: format!("longest silence: at most {most:.0} ms"),
        ok: longest.is_some_and(|longest| longest as f64 <= most),
        found: longest.map_or_else(|| "not measured".to_owned(), |longest| format!("{longest} ms")),
    }
}

fn legs(report: &Report) -> Vec<Check> {
    let whole: Vec<&LegReport> =
        report.legs.iter().filter(|leg| leg.phase == "whole call" && leg.received > 0).collect();
    let (received, lost) = whole.iter().fold((0, 0), |(received, lost), leg| {
        (received + leg.received, lost + leg.lost.max(0).cast_unsigned())
    });
    let percent = if received + lost == 0 { 100.0 } else { lost as f64 * 100.0 / (received + lost) as f64 };
    let talked = |phase: &str| {
        report.legs.iter().filter(|leg| leg.phase == phase && leg.received > 0).collect::<Vec<_>>()
    };
    let mut checks = vec![Check {
        what: format!("packet loss: at most {MOST_LOSS_PERCENT:.0} %"),
        ok: percent <= MOST_LOSS_PERCENT,
        found: format!("{lost} of {}", received + lost),
    }];
    for phase in ["before", "after"] {
        let legs = talked(phase);
        let least =
            legs.iter().map(|leg| leg.mos).try_fold(f64::INFINITY, |least, mos| Some(least.min(mos?)));
        checks.push(Check {
            what: format!("MOS {phase}: at least {LEAST_MOS:.1} on both legs"),
            ok: legs.len() == 2 && least.is_some_and(|least| least >= LEAST_MOS),
            found: least
                .filter(|least| least.is_finite())
                .map_or_else(|| "not measured".to_owned(), |least| format!("{least:.2}")),
        });
        checks.push(Check {
            what: format!("round trip {phase}: measured on both legs"),
            ok: legs.len() == 2 && legs.iter().all(|leg| leg.round_trip_ms.is_some()),
            found: format!("on {} of 2", legs.iter().filter(|leg| leg.round_trip_ms.is_some()).count()),
        });
    }
    checks
}

/// The calls that the scenario ends are ended, by whom it should be, before the last BYE.
fn old_calls(scenario: Scenario, played: &Played, record: &Record) -> Check {
    let (who, call, words) = match scenario {
        Scenario::Blind | Scenario::All => (ALICE, played.calls.alice, "Alice's call with Bob has ended"),
        Scenario::TargetBusy | Scenario::TargetSilent => {
            (CAROL, played.calls.carol, "Carol's phone no longer rings")
        }
    };
    let reason = record.find(who, |event| match &event.kind {
        EventKind::CallEnded { .. } if event.session == call => Some(event.reason().unwrap_or_default()),
        _ => None,
    });
    Check { what: words.to_owned(), ok: reason.is_some(), found: reason.unwrap_or_else(|| "no".to_owned()) }
}

fn nothing_left(played: &Played) -> Check {
    Check {
        what: "nothing is left: no call, no transfer".to_owned(),
        ok: played.left == Some(0),
        found: played.left.map_or_else(|| "not looked at".to_owned(), |left| format!("{left} left")),
    }
}

#[cfg(test)]
mod tests;
