//! What a scenario brought, in numbers.

use std::time::Duration;

use serde::Serialize;
use session_core::{EventKind, SessionId, StatusCode, StreamSummary, learned_name, outcome_name};

use crate::json::{hundredth, ms, tenth, whole_ms};

use super::checks::{self, Check};
use super::label;
use super::parties::{ALICE, BOB, CAROL, PARTIES};
use super::played::{ENDS, Played, Sample};
use super::plot::{BRIEFING, Hears, MUSIC, Phase, Plot};
use super::record::{Clocks, Record};
use super::silence;

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
    /// The longest time in which no audio was due: on hold, or while the target rang.
    pub(crate) no_audio_due_ms: u64,
    /// From the target's 200 OK to the first audio of the new pair.
    pub(crate) switch_silence_ms: Option<f64>,
    pub(crate) in_call: bool,
    pub(crate) heard: Vec<HeardReport>,
}

/// What one party heard while some of them talked.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct HeardReport {
    pub(crate) phase: &'static str,
    pub(crate) hz: Option<u16>,
    pub(crate) expected_hz: Option<u16>,
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

/// The tone a party is to hear.
pub(crate) fn tone_of(hears: Hears) -> Option<u16> {
    match hears {
        Hears::Party(party) => Some(PARTIES[party].tone),
        Hears::Music => Some(MUSIC),
        Hears::Briefing => Some(BRIEFING),
        Hears::Nothing | Hears::Between | Hears::NoCall => None,
    }
}

impl Report {
    /// Puts together what was measured and what the events say.
    pub(crate) fn new(
        plot: &Plot,
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
        let [at_bob, at_carol] = new_pair(plot, played);
        let mut report = Self {
            event: "report",
            at_ms: whole_ms(now),
            scenario: plot.name,
            ok: false,
            outcome: outcome.map(|outcome| outcome_name(outcome.kind)),
            learned_from: outcome.map(|outcome| learned_name(outcome.learned_from)),
            code: outcome.and_then(|outcome| outcome.code).map(StatusCode::as_u16),
            reason: outcome.and_then(|outcome| outcome.failure).map(|failure| failure.to_string()),
            refer_to_final_notify_ms: since_refer(final_notify),
            refer_to_outcome_ms: since_refer(end),
            refer_to_first_media_ms: FirstMedia {
                at_bob: first_media(BOB, at_bob),
                at_carol: first_media(CAROL, at_carol),
            },
            parties: parties(plot, played, record),
            legs: legs(played, record),
            checks: Vec::new(),
        };
        report.checks = checks::of(plot, &report, played, record);
        report.ok = report.checks.iter().all(|check| check.ok);
        report
    }
}

/// The new calls in which Bob and Carol hear each other. Where they talk through Alice, Bob has no new one.
fn new_pair(plot: &Plot, played: &Played) -> [Option<SessionId>; 2] {
    let carols = if plot.bridges() { ALICE } else { BOB };
    [played.calls.of(BOB, CAROL), played.calls.of(CAROL, carols)]
}

fn parties(plot: &Plot, played: &Played, record: &Record) -> Vec<PartyReport> {
    let [at_bob, at_carol] = new_pair(plot, played);
    let caller = if plot.bridges() { ALICE } else { BOB };
    let new_call = |party: usize| match party {
        BOB => at_bob,
        CAROL => at_carol,
        _ => None,
    };
    let parties = PARTIES.iter().enumerate();
    let report = parties.map(|(party, role)| PartyReport {
        party: role.key,
        name: role.name,
        heard_before_hz: played.tone(party, Phase::Before),
        hears_hz: played.tone(party, Phase::After),
        expected_hz: tone_of(plot.at_the_end()[party]),
        longest_silence_ms: played.silence[party].map(whole_ms),
        no_audio_due_ms: whole_ms(silence::longest_due(record, party)),
        switch_silence_ms: silence::at_switch(record, party, caller, new_call(party)).map(ms),
        in_call: played.samples(party, Phase::After).next().is_some(),
        heard: plot.talks.iter().map(|(phase, hears)| heard(played, party, *phase, hears[party])).collect(),
    });
    report.collect()
}

fn heard(played: &Played, party: usize, phase: Phase, hears: Hears) -> HeardReport {
    HeardReport {
        phase: phase.name(),
        hz: played.tone(party, phase),
        expected_hz: tone_of(hears),
        in_call: played.samples(party, phase).next().is_some(),
    }
}

fn legs(played: &Played, record: &Record) -> Vec<LegReport> {
    let mut legs = Vec::new();
    for (party, with) in ENDS {
        let Some(call) = played.calls.of(party, with) else { continue };
        let mut before = (0, 0, 0);
        for sample in played.samples.iter().filter(|sample| (sample.party, sample.with) == (party, with)) {
            if let Some(leg) = phase(sample, &mut before) {
                legs.push(leg);
            }
        }
        let summary = record.find(party, |event| match &event.kind {
            EventKind::MediaSummary(summary) if event.session == Some(call) => Some(**summary),
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
