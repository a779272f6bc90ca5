//! What has to be as it should be for the demo to succeed.

mod silence;
mod wire;

use serde::Serialize;
use session_core::EventKind;

use crate::json::ms;

use super::parties::{ALICE, BOB, CAROL, PARTIES};
use super::played::Played;
use super::plot::{Hears, Network, Outcome, Phase, Plot, Refer};
use super::record::Record;
use super::report::{HeardReport, LegReport, Report, tone_of};

/// A measured tone may be off by this: the resolution of 200 ms of audio.
const TONE_TOLERANCE_HZ: u16 = 15;
/// The least score of a call on loopback; G.711 without loss has 4.4.
const LEAST_MOS: f64 = 4.0;
/// Loopback loses nothing, but a busy machine may deliver a packet too late to count.
const MOST_LOSS_PERCENT: f64 = 1.0;
/// Of some hundred packets in a network that loses one of twenty.
const LOSSY_PERCENT: (f64, f64) = (1.0, 12.0);

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

impl Check {
    fn new(what: impl Into<String>, ok: bool, found: impl Into<String>) -> Self {
        Self { what: what.into(), ok, found: found.into() }
    }
}

/// All checks of a scenario.
pub(crate) fn of(plot: &Plot, report: &Report, played: &Played, record: &Record) -> Vec<Check> {
    let mut checks = vec![to_the_end(played), outcome(plot, report)];
    checks.extend([(ALICE, 1), (BOB, usize::from(plot.refer == Refer::Followed))].map(
        |(party, outcomes)| {
            let count = record.count(party, |event| event.outcome().is_some());
            let words = if outcomes == 1 { "exactly one outcome" } else { "no outcome" };
            Check::new(format!("{words} at {}", PARTIES[party].name), count == outcomes, count.to_string())
        },
    ));
    checks.extend(timing(plot, report));
    checks.extend(wire::of(plot, record));
    checks.extend(tones(plot, report));
    if plot.network != Network::Lossy {
        checks.extend(silence::of(plot, report));
    }
    checks.extend(legs(plot, report));
    checks.extend(plot.over.iter().map(|(party, with, words)| over(played, record, *party, *with, words)));
    checks.push(nothing_left(played));
    let lost = record.lost();
    checks.push(Check::new("no event was lost", lost == 0, format!("{lost} lost")));
    checks
}

fn to_the_end(played: &Played) -> Check {
    let found = played.stopped.clone().unwrap_or_else(|| "yes".to_owned());
    Check::new("the scenario was played to its end", played.stopped.is_none(), found)
}

fn outcome(plot: &Plot, report: &Report) -> Check {
    let expected = plot.outcome;
    let code = report.code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
    Check::new(
        format!("Alice's transfer: {}", wanted(expected)),
        report.outcome == Some(expected.name)
            && report.code.is_some_and(|code| expected.codes.contains(&code))
            && report.learned_from == Some(expected.learned_from),
        format!(
            "{} ({code}), by {}",
            report.outcome.unwrap_or("no outcome"),
            report.learned_from.unwrap_or("nothing")
        ),
    )
}

fn wanted(outcome: Outcome) -> String {
    let codes = match outcome.codes {
        [all @ .., last] if !all.is_empty() => {
            let all: Vec<String> = all.iter().map(u16::to_string).collect();
            format!("{} or {last}", all.join(", "))
        }
        codes => codes.first().map(u16::to_string).unwrap_or_default(),
    };
    format!("{} ({codes}), by {}", outcome.name, outcome.learned_from)
}

fn timing(plot: &Plot, report: &Report) -> Vec<Check> {
    let most = ms(plot.answer_time + plot.network.signalling());
    let mut checks = match plot.refer {
        Refer::Absent => return Vec::new(),
        Refer::Followed => vec![within("REFER to final NOTIFY", report.refer_to_final_notify_ms, most)],
        Refer::Refused => vec![within("REFER to the bridge", report.refer_to_outcome_ms, most)],
    };
    if plot.moves() {
        let first = report.refer_to_first_media_ms;
        if !plot.bridges() {
            checks.push(within("REFER to first audio at Bob", first.at_bob, most));
        }
        checks.push(within("REFER to first audio at Carol", first.at_carol, most));
    } else {
        checks.push(within("REFER to Bob being back", report.refer_to_outcome_ms, most));
    }
    checks
}

fn within(what: &str, found: Option<f64>, most: f64) -> Check {
    Check::new(
        format!("{what}: at most {most:.0} ms"),
        found.is_some_and(|found| found <= most),
        found.map_or_else(|| "not seen".to_owned(), |found| format!("{found:.1} ms")),
    )
}

/// In each phase, each party hears whom it should. Who has no call yet is not asked, nor who is unplugged.
fn tones(plot: &Plot, report: &Report) -> Vec<Check> {
    let mut checks = Vec::new();
    for (index, (phase, hears)) in plot.talks.iter().enumerate() {
        for (party, hears) in report.parties.iter().zip(hears) {
            let Some(found) = party.heard.get(index) else { continue };
            let unplugged = plot.network == Network::Cut && party.party == PARTIES[CAROL].key;
            if (*phase, *hears) != (Phase::Before, Hears::NoCall) && !unplugged {
                checks.push(heard(*phase, party.name, *hears, *found));
            }
        }
    }
    checks
}

fn heard(phase: Phase, name: &str, hears: Hears, found: HeardReport) -> Check {
    let when = match phase {
        Phase::After => "at the end",
        Phase::Before | Phase::During | Phase::Consulting | Phase::Swapped => phase.name(),
    };
    match hears {
        Hears::Party(other) => {
            tone(format!("{when}: {name} hears {}", PARTIES[other].name), tone_of(hears), found.hz)
        }
        Hears::Music => tone(format!("{when}: {name} hears the music"), tone_of(hears), found.hz),
        Hears::Briefing => tone(format!("{when}: {name} is told what it is about"), tone_of(hears), found.hz),
        Hears::Nothing | Hears::Between => {
            let why = if hears == Hears::Nothing { "on hold" } else { "between them" };
            let check = tone(format!("{when}: {name}, {why}, hears nothing"), None, found.hz);
            // Who has no call hears nothing either.
            if found.in_call { check } else { Check { ok: false, found: "no call".to_owned(), ..check } }
        }
        Hears::NoCall => Check::new(
            format!("{when}: {name} has no call"),
            !found.in_call,
            if found.in_call { "in a call" } else { "no call" },
        ),
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
    Check::new(what, ok, found.map_or_else(|| "nothing".to_owned(), |hz| format!("{hz} Hz")))
}

fn legs(plot: &Plot, report: &Report) -> Vec<Check> {
    let whole: Vec<&LegReport> =
        report.legs.iter().filter(|leg| leg.phase == "whole call" && leg.received > 0).collect();
    let (received, lost) = whole.iter().fold((0, 0), |(received, lost), leg| {
        (received + leg.received, lost + leg.lost.max(0).cast_unsigned())
    });
    let percent = if received + lost == 0 { 100.0 } else { lost as f64 * 100.0 / (received + lost) as f64 };
    let ((least, most), words) = match plot.network {
        Network::Clean | Network::Cut => {
            ((0.0, MOST_LOSS_PERCENT), format!("at most {MOST_LOSS_PERCENT:.0} %"))
        }
        Network::Lossy => (LOSSY_PERCENT, format!("{:.0} to {:.0} %", LOSSY_PERCENT.0, LOSSY_PERCENT.1)),
    };
    let mut checks = vec![Check::new(
        format!("packet loss: {words}"),
        (least..=most).contains(&percent),
        format!("{lost} of {}", received + lost),
    )];
    for (phase, _) in plot.talks {
        let talkers: Vec<(&str, &str)> =
            plot.talkers(*phase).map(|(party, with)| (PARTIES[party].key, PARTIES[with].key)).collect();
        let legs = report.legs.iter().filter(|leg| {
            leg.phase == phase.name() && leg.received > 0 && talkers.contains(&(leg.party, leg.with))
        });
        let [score, round_trip] = quality(*phase, &legs.collect::<Vec<_>>());
        if plot.network != Network::Lossy {
            checks.push(score);
        }
        checks.push(round_trip);
    }
    checks
}

fn quality(phase: Phase, legs: &[&LegReport]) -> [Check; 2] {
    let phase = phase.name();
    let least = legs.iter().map(|leg| leg.mos).try_fold(f64::INFINITY, |least, mos| Some(least.min(mos?)));
    let measured = legs.iter().filter(|leg| leg.round_trip_ms.is_some()).count();
    [
        Check::new(
            format!("MOS {phase}: at least {LEAST_MOS:.1} on both legs"),
            legs.len() == 2 && least.is_some_and(|least| least >= LEAST_MOS),
            least
                .filter(|least| least.is_finite())
                .map_or_else(|| "not measured".to_owned(), |least| format!("{least:.2}")),
        ),
        Check::new(
            format!("round trip {phase}: measured on both legs"),
            legs.len() == 2 && measured == 2,
            format!("on {measured} of 2"),
        ),
    ]
}

/// The calls that the scenario ends are ended, by whom it should be, before the last BYE.
fn over(played: &Played, record: &Record, party: usize, with: usize, words: &str) -> Check {
    let call = played.calls.of(party, with);
    let reason = record.find(party, |event| match &event.kind {
        EventKind::CallEnded { .. } if event.session == call => Some(event.reason().unwrap_or_default()),
        _ => None,
    });
    Check::new(words, reason.is_some(), reason.unwrap_or_else(|| "no".to_owned()))
}

fn nothing_left(played: &Played) -> Check {
    Check::new(
        "nothing is left: no call, no transfer",
        played.left == Some(0),
        played.left.map_or_else(|| "not looked at".to_owned(), |left| format!("{left} left")),
    )
}

#[cfg(test)]
mod tests;
