//! What a scenario brought, in numbers.

use std::time::Duration;

use serde::Serialize;
use session_core::{EventKind, SessionId, StatusCode, StreamSummary, learned_name, outcome_name};

use crate::args::Scenario;
use crate::json::{hundredth, ms, tenth, whole_ms};

use super::checks::{self, Check};
use super::label;
use super::parties::{ALICE, BOB, CAROL, PARTIES};
use super::record::{Clocks, Record};
use super::scenario::{Phase, Played, Sample};

/// Packets in a phase, below which its jitter and score say nothing: 200 ms, one RTCP interval of the demo. What was
/// under way when a call was put on hold stays below.
const LEAST_PACKETS: u64 = 10;

/// The report of one scenario; as JSON it is one line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    event: &'static str,
    at_ms: u64,
    pub(crate) scenario: &'static str,
    pub(crate) ok: bool,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) learned_from: Option<&'static str>,
    pub(crate) code: Option<u16>,
    pub(crate) reason: Option<String>,
    pub(crate) refer_to_final_notify_ms: Option<f64>,
    pub(crate) refer_to_outcome_ms: Option<f64>,
    pub(crate) refer_to_first_media_ms: FirstMedia,
    pub(crate) parties: Vec<PartyReport>,
    pub(crate) legs: Vec<LegReport>,
    pub(crate) checks: Vec<Check>,
}

/// From the REFER to the first RTP of the new pair.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct FirstMedia {
    pub(crate) at_bob: Option<f64>,
    pub(crate) at_carol: Option<f64>,
}

/// What one party heard.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PartyReport {
    pub(crate) party: &'static str,
    #[serde(skip)]
    pub(crate) name: &'static str,
    pub(crate) heard_before_hz: Option<u16>,
    pub(crate) hears_hz: Option<u16>,
    pub(crate) expected_hz: Option<u16>,
    pub(crate) longest_silence_ms: Option<u64>,
    pub(crate) in_call: bool,
}

/// One leg in one phase, or as a whole.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LegReport {
    pub(crate) party: &'static str,
    pub(crate) with: &'static str,
    pub(crate) phase: &'static str,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) lost: i64,
    pub(crate) jitter_ms: Option<f64>,
    pub(crate) round_trip_ms: Option<f64>,
    pub(crate) mos: Option<f64>,
}

/// The tone a party is to hear at the end.
pub(crate) fn expected(scenario: Scenario) -> [Option<u16>; 3] {
    let tone = |party: usize| Some(PARTIES[party].tone);
    match scenario {
        Scenario::Blind | Scenario::All => [None, tone(CAROL), tone(BOB)],
        Scenario::TargetBusy | Scenario::TargetSilent => [tone(BOB), tone(ALICE), None],
    }
}

impl Report {
    /// Puts together what was measured and what the events say.
    pub(crate) fn new(
        scenario: Scenario,
        played: &Played,
        record: &Record,
        mut clocks: Clocks,
        now: Duration,
    ) -> Self {
        for seen in record.after(0) {
            clocks.time(&seen);
        }
        let outcome = played.outcome;
        let refer = record.find(ALICE, |event| label::is_refer(event).then_some(event.at));
        let since_refer = |at: Option<Duration>| Some(ms(at?.checked_sub(refer?)?));
        let final_notify = record.find(ALICE, |event| label::is_final_notify(event).then_some(event.at));
        let end = record.find(ALICE, |event| event.outcome().map(|_| event.at));
        let first_media = |party: usize, call: Option<SessionId>| {
            let at = record.find(party, |event| {
                (call.is_some() && event.session == call && matches!(event.kind, EventKind::MediaFlowing))
                    .then_some(event.at)
            })?;
            Some(ms(clocks.of(party, at).saturating_sub(clocks.of(ALICE, refer?))))
        };
        let mut report = Self {
            event: "report",
            at_ms: whole_ms(now),
            scenario: name(scenario),
            ok: false,
            outcome: outcome.map(|outcome| outcome_name(outcome.kind)),
            learned_from: outcome.map(|outcome| learned_name(outcome.learned_from)),
            code: outcome.and_then(|outcome| outcome.code).map(StatusCode::as_u16),
            reason: outcome.and_then(|outcome| outcome.failure).map(|failure| failure.to_string()),
            refer_to_final_notify_ms: since_refer(final_notify),
            refer_to_outcome_ms: since_refer(end),
            refer_to_first_media_ms: FirstMedia {
                at_bob: first_media(BOB, played.calls.bob_new),
                at_carol: first_media(CAROL, played.calls.carol),
            },
            parties: parties(scenario, played),
            legs: legs(played, record),
            checks: Vec::new(),
        };
        report.checks = checks::of(scenario, &report, played, record);
        report.ok = report.checks.iter().all(|check| check.ok);
        report
    }
}

/// The scenario as it is written on the command line.
pub(crate) const fn name(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Blind => "blind",
        Scenario::TargetBusy => "target-busy",
        Scenario::TargetSilent => "target-silent",
        Scenario::All => "all",
    }
}

fn parties(scenario: Scenario, played: &Played) -> Vec<PartyReport> {
    let expected = expected(scenario);
    PARTIES
        .iter()
        .enumerate()
        .map(|(place, role)| PartyReport {
            party: role.key,
            name: role.name,
            heard_before_hz: tone(played, place, Phase::Before),
            hears_hz: tone(played, place, Phase::After),
            expected_hz: expected[place],
            longest_silence_ms: played.silence[place].map(whole_ms),
            in_call: samples(played, place).any(|sample| sample.phase == Phase::After),
        })
        .collect()
}

fn samples(played: &Played, party: usize) -> impl Iterator<Item = &Sample> {
    played.samples.iter().filter(move |sample| sample.party == party)
}

/// A party has one pair of ears; they are on one of its calls.
fn tone(played: &Played, party: usize, phase: Phase) -> Option<u16> {
    samples(played, party)
        .filter(|sample| sample.phase == phase)
        .find_map(|sample| sample.info.heard.as_ref()?.tone)
}

fn legs(played: &Played, record: &Record) -> Vec<LegReport> {
    let calls = played.calls;
    let mut legs = Vec::new();
    for (party, with, call) in [
        (ALICE, BOB, calls.alice),
        (BOB, ALICE, calls.bob),
        (BOB, CAROL, calls.bob_new),
        (CAROL, BOB, calls.carol),
    ] {
        let Some(call) = call else { continue };
        let mut before = (0, 0, 0);
        for sample in samples(played, party).filter(|sample| sample.info.session == call) {
            if let Some(leg) = phase(sample, &mut before) {
                legs.push(leg);
            }
        }
        let summary = record.find(party, |event| match &event.kind {
            EventKind::MediaSummary(summary) if event.session == Some(call) => Some(*summary),
            _ => None,
        });
        if let Some(summary) = summary {
            legs.push(whole(party, with, &summary));
        }
    }
    legs
}

/// What was counted since the last sample of the same call; nothing where no RTP was due yet.
fn phase(sample: &Sample, before: &mut (u64, u64, i64)) -> Option<LegReport> {
    let stream = sample.info.stream.as_ref()?;
    let received = stream.received.saturating_sub(before.1);
    // Where next to nothing came in this phase, the last figures are those of an earlier one.
    let heard = received >= LEAST_PACKETS;
    let leg = LegReport {
        party: PARTIES[sample.party].key,
        with: PARTIES[sample.with].key,
        phase: sample.phase.name(),
        sent: stream.sent.saturating_sub(before.0),
        received,
        lost: stream.lost - before.2,
        jitter_ms: stream.jitter_ms.filter(|_| heard).map(tenth),
        round_trip_ms: stream.rtt.map(ms),
        mos: stream.local.and_then(|quality| quality.mos).filter(|_| heard).map(hundredth),
    };
    *before = (stream.sent, stream.received, stream.lost);
    Some(leg)
}

fn whole(party: usize, with: usize, summary: &StreamSummary) -> LegReport {
    LegReport {
        party: PARTIES[party].key,
        with: PARTIES[with].key,
        phase: "whole call",
        sent: summary.sent,
        received: summary.received,
        lost: summary.lost,
        jitter_ms: (summary.received > 0).then(|| tenth(summary.max_jitter_ms)),
        round_trip_ms: summary.rtt.map(ms),
        mos: summary.mos.map(hundredth),
    }
}
