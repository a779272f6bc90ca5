//! The report for people.

use session_core::StatusCode;

use crate::text;

use super::parties::PARTIES;
use super::report::{HeardReport, LegReport, Report};

/// The report as lines of at most 100 columns.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![String::new(), format!("Report: {}", report.scenario), String::new()];
    lines.push(format!("  Outcome                  {}", outcome(report)));
    lines.extend(times(report));
    lines.push(String::new());
    lines.extend(heard(report));
    lines.push(String::new());
    lines.push(
        "  leg              phase       sent  received  lost  jitter ms  round trip ms   MOS".to_owned(),
    );
    let mut last = None;
    for leg in &report.legs {
        let who = (leg.party, leg.with);
        let title = if last == Some(who) {
            String::new()
        } else {
            format!("{} with {}", name(leg.party), name(leg.with))
        };
        last = Some(who);
        lines.push(row(&title, leg));
    }
    lines.push(
        "  (during: Bob is on hold and Carol rings, no audio is due; whole call: the largest jitter)"
            .to_owned(),
    );
    lines.push(String::new());
    for check in &report.checks {
        let mark = if check.ok { "ok    " } else { "NOT OK" };
        lines.push(format!("  {mark}  {:<56} {}", check.what, check.found));
    }
    let bad = report.checks.iter().filter(|check| !check.ok).count();
    lines.push(String::new());
    lines.push(if bad == 0 {
        format!("All {} checks of {} are ok.", report.checks.len(), report.scenario)
    } else {
        format!("{bad} of {} checks of {} are NOT OK.", report.checks.len(), report.scenario)
    });
    lines
}

fn times(report: &Report) -> Vec<String> {
    if report.refer_to_outcome_ms.is_none() {
        return vec!["  No REFER was sent".to_owned()];
    }
    let bridged = report.outcome == Some("Bridged");
    let mut lines = vec![if bridged {
        format!("  REFER to the bridge      {}", time(report.refer_to_outcome_ms))
    } else {
        format!("  REFER to final NOTIFY    {}", time(report.refer_to_final_notify_ms))
    }];
    let first = report.refer_to_first_media_ms;
    if first.at_bob.is_none() && first.at_carol.is_none() {
        lines.push(format!("  REFER to Bob being back  {}", time(report.refer_to_outcome_ms)));
        return lines;
    }
    // Bob has no new call where he talks through Alice.
    let bobs =
        if bridged { String::new() } else { format!("Bob hears Carol after {}, ", time(first.at_bob)) };
    lines.push(format!("  REFER to first audio     {bobs}Carol hears Bob after {}", time(first.at_carol)));
    let switch = report.parties.iter().filter_map(|party| {
        let silence = party.switch_silence_ms?;
        Some(format!("{} hears nothing for {silence:.1} ms", party.name))
    });
    lines.push(format!("  Carol's 200 OK to audio  {}", switch.collect::<Vec<_>>().join(", ")));
    lines
}

/// Who heard what in each phase, and for how long nothing.
fn heard(report: &Report) -> Vec<String> {
    let phases: Vec<&str> =
        report.parties.iter().flat_map(|party| &party.heard).map(|heard| heard.phase).collect();
    let phases = &phases[..phases.len() / report.parties.len().max(1)];
    let row = |cells: Vec<String>| cells.concat();
    let columns = row(phases.iter().map(|phase| format!("{phase:>12}")).collect());
    let mut lines = vec![format!("        {columns}    longest silence    no audio was due")];
    for party in &report.parties {
        let cell = |heard: &HeardReport| if heard.in_call { hz(heard.hz) } else { "no call".to_owned() };
        let columns = row(party.heard.iter().map(|heard| format!("{:>12}", cell(heard))).collect());
        lines.push(format!(
            "  {:<6}{columns} {:>18} {:>19}",
            party.name,
            party.longest_silence_ms.map_or_else(|| "-".to_owned(), |silence| format!("{silence} ms")),
            format!("{} ms", party.no_audio_due_ms),
        ));
    }
    lines
}

fn outcome(report: &Report) -> String {
    let code = report.code.and_then(StatusCode::new);
    text::outcome(report.outcome.unwrap_or("none"), code, report.reason.as_deref(), report.learned_from)
}

fn row(title: &str, leg: &LegReport) -> String {
    format!(
        "  {title:<16} {:<10} {:>5} {:>9} {:>5} {:>10} {:>14} {:>5}",
        leg.phase,
        leg.sent,
        leg.received,
        leg.lost,
        number(leg.jitter_ms, 1),
        number(leg.round_trip_ms, 1),
        number(leg.mos, 2),
    )
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

fn time(value: Option<f64>) -> String {
    value.map_or_else(|| "not seen".to_owned(), |value| format!("{value:.1} ms"))
}

fn hz(value: Option<u16>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("{value} Hz"))
}

fn name(key: &str) -> &'static str {
    PARTIES.iter().find(|party| party.key == key).map_or("?", |party| party.name)
}
