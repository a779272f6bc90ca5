//! Connections that break in every state of a call and of a transfer, and messages that arrive in any two parts.
//!
//! The messages of a run in which nothing breaks say where there is something to break: each of them is lost with its
//! connection, broken off in its middle, or the last that arrives. Between them connections break at any time.

use std::{collections::BTreeMap, time::Duration};

use patchcord_tests::{
    check,
    journal::{What, kind},
    ladder,
    network::{Break, Faults, Split},
    play::{self, Played},
    scenario::Scenario,
    sweep::{self, Over},
};
use session_core::{EventKind, SessionId};

/// Each random scenario has its draws by this seed, and a quiet network.
const SEED: u64 = 5;

fn over_tcp(name: &str) -> Scenario {
    let mut scenario = sweep::scenario(name, Over::Tcp, 0).expect("known").expect("well-formed");
    scenario.faults = Faults::default();
    scenario
}

/// A message that was sent: by whom, its kind, how many of that kind came before it, and its length.
type Message = (usize, String, u32, usize);

fn messages(played: &Played) -> Vec<Message> {
    let mut counts: BTreeMap<(usize, String), u32> = BTreeMap::new();
    let sent = played.journal.entries.iter().filter_map(|entry| match &entry.what {
        What::Sent { message, .. } => Some((entry.node, kind(message), message.len())),
        _ => None,
    });
    sent.map(|(node, kind, length)| {
        let before = counts.entry((node, kind.clone())).or_default();
        *before += 1;
        (node, kind, *before - 1, length)
    })
    .collect()
}

/// Everybody has one definite outcome, the invariants hold, and nothing is left.
fn judge(scenario: &Scenario, what: &str) -> Played {
    let played = play::play(scenario, SEED);
    let mut broken = check::broken(&played);
    for (node, name) in played.names.iter().enumerate() {
        let mut ends: BTreeMap<SessionId, u32> = BTreeMap::new();
        for event in played.journal.events(node) {
            let Some(session) = event.session else { continue };
            *ends.entry(session).or_default() += u32::from(matches!(event.kind, EventKind::CallEnded { .. }));
        }
        let wrong = ends.into_iter().filter(|(_, ends)| *ends != 1);
        broken.extend(wrong.map(|(session, ends)| format!("{name}: {session} has {ends} ends")));
    }
    assert!(
        broken.is_empty(),
        "{}, {what}: {broken:#?}\n{}",
        scenario.title,
        ladder::ladder(&played.journal, &played.names)
    );
    played
}

fn break_at_every_message(name: &str) {
    let scenario = over_tcp(name);
    let whole = judge(&scenario, "whole");
    for (from, what, after, length) in messages(&whole) {
        for at in [0, length / 2, length] {
            let mut scenario = scenario.clone();
            let split = Split { from, what: what.clone(), after, at, breaks: true };
            scenario.faults.split = Some(split);
            judge(&scenario, &format!("{what} {after} of {from} breaks at {at} of {length}"));
        }
    }
}

#[test]
fn a_blind_transfer_ends_well_whatever_message_its_connection_breaks_under() {
    // covers: TR-258
    break_at_every_message("blind");
}

#[test]
fn an_attended_transfer_ends_well_whatever_message_its_connection_breaks_under() {
    // covers: TR-258
    break_at_every_message("attended");
}

#[test]
fn a_consultation_ends_well_whatever_message_its_connection_breaks_under() {
    break_at_every_message("consult");
}

#[test]
fn transfers_that_fail_end_well_whatever_message_their_connection_breaks_under() {
    for name in ["target-busy", "cancel", "attended-refused", "consult-early"] {
        break_at_every_message(name);
    }
}

#[test]
fn a_transfer_ends_well_whenever_its_connections_break() {
    // covers: TR-258
    for name in ["blind", "attended", "consult"] {
        let scenario = over_tcp(name);
        let whole = judge(&scenario, "whole");
        let sent = whole.journal.entries.iter().filter(|entry| matches!(entry.what, What::Sent { .. }));
        let last = sent.map(|entry| entry.at).take_while(|at| *at < whole.ended).last().unwrap_or_default();
        for pairs in [&[(0, 1)][..], &[(1, 2)], &[(0, 2)], &[(0, 1), (1, 2), (0, 2)]] {
            let mut at = Duration::ZERO;
            while at < last {
                let mut scenario = scenario.clone();
                let breaks = pairs.iter().map(|&between| Break { between, at });
                scenario.faults.breaks.extend(breaks);
                judge(&scenario, &format!("{pairs:?} at {at:?}"));
                at += Duration::from_millis(25);
            }
        }
    }
}

#[test]
fn a_message_cut_in_two_at_any_byte_is_the_same_message() {
    let scenario = over_tcp("blind");
    let whole = judge(&scenario, "whole");
    let expected = ladder_without_times(&whole);
    for kind in ["INVITE", "200/INVITE", "REFER", "202/REFER", "NOTIFY", "BYE", "ACK"] {
        let sent = messages(&whole);
        let (from, what, after, length) =
            sent.iter().find(|sent| sent.1 == kind).expect("it is sent").clone();
        for at in 0..=length {
            let mut scenario = scenario.clone();
            scenario.faults.split = Some(Split { from, what: what.clone(), after, at, breaks: false });
            let played = judge(&scenario, &format!("{what} is cut at {at}"));
            assert!(played.unexpected.is_empty(), "{what} cut at {at}: {:?}", played.unexpected);
            assert_eq!(ladder_without_times(&played), expected, "{what} cut at {at}");
        }
    }
}

#[test]
fn a_connection_that_breaks_at_any_byte_of_a_message_leaves_nothing() {
    let scenario = over_tcp("blind");
    let whole = judge(&scenario, "whole");
    for kind in ["INVITE", "200/INVITE", "REFER", "NOTIFY", "BYE"] {
        let sent = messages(&whole);
        let (from, what, after, length) =
            sent.iter().find(|sent| sent.1 == kind).expect("it is sent").clone();
        for at in 0..=length {
            let mut scenario = scenario.clone();
            scenario.faults.split = Some(Split { from, what: what.clone(), after, at, breaks: true });
            judge(&scenario, &format!("{what} breaks at {at}"));
        }
    }
}

/// What happened, but for the times, sorted: what comes a millisecond later may come behind something else.
fn ladder_without_times(played: &Played) -> Vec<String> {
    let trace = ladder::ladder(&played.journal, &played.names);
    let mut lines: Vec<_> = trace
        .lines()
        .map(|line| line.trim_start().split_once(' ').map_or("", |(_, line)| line).to_owned())
        .collect();
    lines.sort();
    lines
}
