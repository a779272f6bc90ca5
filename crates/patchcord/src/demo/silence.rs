//! Silences: which of them are due to what the parties do, and how long the switch to the new pair takes.

use std::collections::BTreeMap;
use std::time::Duration;

use session_core::{EventKind, SessionEvent, SessionId, StatusCode};

use super::record::Record;
use super::wire;

/// The longest time in which no audio was due at a party, by its own signalling: every call that it had was on hold. One
/// that lasts until the end counts as far as the last event.
pub(crate) fn longest_due(record: &Record, party: usize) -> Duration {
    let mut calls: BTreeMap<SessionId, bool> = BTreeMap::new();
    let (mut since, mut longest): (Option<Duration>, Duration) = (None, Duration::ZERO);
    for (at, change) in record.all(party, |event| Some((event.at, change(event)))) {
        longest = longest.max(since.map_or(Duration::ZERO, |since| at.saturating_sub(since)));
        match change {
            Some((call, Due::Audio)) => drop(calls.insert(call, true)),
            Some((call, Due::Silence)) => drop(calls.insert(call, false)),
            Some((call, Due::Over)) => drop(calls.remove(&call)),
            None => continue,
        }
        if calls.is_empty() || calls.values().any(|audio| *audio) {
            since = None;
        } else {
            since.get_or_insert(at);
        }
    }
    longest
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Audio,
    Silence,
    Over,
}

fn change(event: &SessionEvent) -> Option<(SessionId, Due)> {
    let due = match event.kind {
        EventKind::Established { .. } | EventKind::HoldChanged { local: false, remote: false } => Due::Audio,
        EventKind::HoldChanged { .. } => Due::Silence,
        EventKind::CallEnded { .. } => Due::Over,
        _ => return None,
    };
    Some((event.session?, due))
}

/// How long a party heard nothing at the switch to the new pair (TM-017): from Carol's 200 OK to the last call that `caller`
/// placed, as the party sent or received it, to the first audio of the new call; or as the party's streams measured it,
/// whichever is longer.
pub(crate) fn at_switch(
    record: &Record,
    party: usize,
    caller: usize,
    new_call: Option<SessionId>,
) -> Option<Duration> {
    let new_call = new_call?;
    let placed = wire::of(record, caller);
    let call_id = placed.iter().rfind(|message| message.sent && message.begins_call())?.call_id()?;
    let messages = wire::of(record, party);
    let answered = messages.iter().find(|message| message.answers_invite(call_id, StatusCode::OK))?.at;
    let heard = record.find(party, |event| {
        let flows = event.session == Some(new_call) && matches!(event.kind, EventKind::MediaFlowing);
        flows.then_some(event.at)
    })?;
    let measured = record.find(party, |event| match event.kind {
        EventKind::MediaSwitched { to, gap } if to == new_call => gap,
        _ => None,
    });
    Some(heard.saturating_sub(answered).max(measured.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
