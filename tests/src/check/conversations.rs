//! Who talks to whom when everybody hangs up, against what came of the transfers: a party that was moved talks with the
//! target and the transferor with neither; a caller is never lost by a transfer that failed, nor left on hold by one; a
//! Replaces that is refused leaves the call as it was (invariants 4, 5 and 7).

use std::{collections::BTreeMap, time::Duration};

use session_core::{By, EventKind, SessionId};
use sip_message::{Method, StatusCode};
use transfer::{Outcome, OutcomeKind, TransferId};

use crate::{
    journal::{Way, What, is_request, response},
    play::{CallAtEnd, Played, name_in},
};

/// A transfer that was begun here.
struct Moved {
    /// The call to the party that was to be moved.
    primary: SessionId,
    /// The name of the target.
    target: String,
    /// The call in which the target was asked, where it was placed for the transfer.
    consultation: Option<SessionId>,
    outcome: Option<Outcome>,
}

pub(super) fn check(played: &Played, node: usize, found: &mut Vec<String>) {
    replacing(played, node, found);
    mutual(played, node, found);
    let asked = asked(played, node);
    for moved in transfers(played, node) {
        let Some(outcome) = moved.outcome else { continue };
        let up = |fits: &dyn Fn(&CallAtEnd) -> bool| played.at_end[node].iter().find(|call| fits(call));
        let primary = up(&|call| call.session == moved.primary);
        let target = up(&|call| call.peer == moved.target);
        if outcome.kind == OutcomeKind::Succeeded {
            for call in [primary, target].into_iter().flatten() {
                found.push(format!("{} is up although the transfer succeeded", call.session));
            }
            if !is_connected(played, node) {
                found.push(format!("nobody was connected by the transfer of {}", moved.primary));
            }
            continue;
        }
        if outcome.call_kept && primary.is_none() && !has_ended(played, node, moved.primary) {
            found.push(format!("{} is said to be kept, and is neither up nor ended", moved.primary));
        }
        // A target that was asked for the transfer waits on hold for what the application does about it (table 2.2); a call
        // that the application had before becomes what it was.
        let restored = target.filter(|call| moved.consultation.is_none() && call.local_hold);
        if let Some(call) = restored
            && !asked("hold")
            && !lost_answer(played, node)
        {
            found.push(format!("{} is left on hold after {:?}", call.session, outcome.kind));
        }
    }
}

/// Whether another party was connected by a transfer, and still is, or knows that the call has ended.
fn is_connected(played: &Played, node: usize) -> bool {
    let mut others = (0..played.names.len()).filter(|other| *other != node);
    others.any(|other| {
        let mut events = played.journal.events(other);
        played.is_lawless(other)
            || events.any(|event| match event.kind {
                EventKind::TransferConnected { to } => {
                    let is_up = played.at_end[other].iter().any(|call| call.session == to);
                    is_up || has_ended(played, other, to)
                }
                _ => false,
            })
    })
}

/// The transfers that were begun here before the end.
fn transfers(played: &Played, node: usize) -> Vec<Moved> {
    let mut transfers: BTreeMap<TransferId, Moved> = BTreeMap::new();
    for event in played.journal.events(node).take_while(|event| event.at < played.ended) {
        let (Some(transfer), Some(session)) = (event.transfer, event.session) else { continue };
        if let EventKind::TransferInitiated { target, .. } = &event.kind {
            let target = name_in(target).to_owned();
            let moved = Moved { primary: session, target, consultation: None, outcome: None };
            transfers.insert(transfer, moved);
        }
        let Some(moved) = transfers.get_mut(&transfer) else { continue };
        match &event.kind {
            EventKind::TransferConsulting { consultation } => moved.consultation = Some(*consultation),
            EventKind::TransferEnded(outcome) => moved.outcome = Some(*outcome),
            _ => {}
        }
    }
    transfers.into_values().collect()
}

fn has_ended(played: &Played, node: usize, session: SessionId) -> bool {
    let mut events = played.journal.events(node);
    events.any(|event| event.session == Some(session) && matches!(event.kind, EventKind::CallEnded { .. }))
}

/// Whether the party's application asked for this, of whatever call.
fn asked(played: &Played, node: usize) -> impl Fn(&str) -> bool + '_ {
    move |word| {
        played.journal.entries.iter().any(|entry| {
            matches!(&entry.what, What::Asked(what) if what.split(' ').next() == Some(word))
                && entry.node == node
                && entry.at < played.ended
        })
    }
}

/// Whoever talks with somebody is talked with, and both agree on who holds the call.
fn mutual(played: &Played, node: usize, found: &mut Vec<String>) {
    let with = |party: usize, peer: &str| -> Vec<&CallAtEnd> {
        played.at_end[party].iter().filter(|call| call.peer == peer).collect()
    };
    for call in &played.at_end[node] {
        let Some(other) = played.names.iter().position(|other| *other == call.peer) else { continue };
        if played.is_lawless(other) {
            continue;
        }
        match (&*with(node, &call.peer), &*with(other, &played.names[node])) {
            (_, []) if !hung_up_unheard(played, other) && !is_elsewhere(played, other) => {
                found.push(format!("{} is up here, and {} has no call with us", call.session, call.peer));
            }
            ([ours], [theirs])
                if (holds(played, node, ours), ours.remote_hold)
                    != (theirs.remote_hold, holds(played, other, theirs))
                    && !lost_answer(played, node)
                    && !lost_answer(played, other) =>
            {
                found.push(format!("{} is held {ours:?} here and {theirs:?} there", call.session));
            }
            _ => {}
        }
    }
}

/// Whether a party holds the peer of a call of its own: for itself, or because whom it bridges that peer with holds it.
fn holds(played: &Played, node: usize, call: &CallAtEnd) -> bool {
    let bridges = || {
        played.journal.events(node).any(|event| {
            matches!(&event.kind, EventKind::TransferEnded(outcome) if outcome.kind == OutcomeKind::Bridged)
        })
    };
    let held_by_another =
        || played.at_end[node].iter().any(|other| other.session != call.session && other.remote_hold);
    call.local_hold || bridges() && held_by_another()
}

/// Whether a party takes a call for one with a party that may break every rule: that one can have redirected it.
fn is_elsewhere(played: &Played, node: usize) -> bool {
    let lawless = |peer: &str| {
        played.names.iter().position(|name| name == peer).is_some_and(|it| played.is_lawless(it))
    };
    played.at_end[node].iter().any(|call| lawless(&call.peer))
}

/// Whether no copy of some BYE of a party's ever arrived: the other side then keeps the call until it does something in it.
fn hung_up_unheard(played: &Played, node: usize) -> bool {
    let mut heard: BTreeMap<String, bool> = BTreeMap::new();
    for entry in played.journal.entries.iter().filter(|entry| entry.node == node) {
        if let What::Sent { message, copies, .. } = &entry.what
            && message.starts_with(b"BYE ")
            && let Ok(message) = sip_message::Message::parse(message.clone())
            && let Ok(call_id) = message.call_id()
        {
            *heard.entry(call_id.to_owned()).or_default() |= *copies > 0;
        }
    }
    heard.values().any(|heard| !heard)
}

/// Whether some INVITE of a party's never got its 2xx through: then the two cannot agree on what is in force.
fn lost_answer(played: &Played, node: usize) -> bool {
    let mut open = BTreeMap::new();
    for (_, way, message) in played.journal.messages(node) {
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        let key = (call_id.to_owned(), cseq.number);
        if way == Way::Out && is_request(&message, &Method::Invite) {
            open.entry(key).or_insert(false);
        } else if way == Way::In
            && response(&message).is_some_and(|(code, method)| {
                method == Method::Invite && (code.is_success() || code == StatusCode::REQUEST_PENDING)
            })
        {
            open.insert(key, true);
        }
    }
    open.values().any(|answered| !answered)
}

/// A call whose Replaces was refused goes on: it is not ended from here in that moment.
fn replacing(played: &Played, node: usize, found: &mut Vec<String>) {
    let mut refused: Vec<(SessionId, Duration)> = Vec::new();
    let mut replaced: BTreeMap<SessionId, SessionId> = BTreeMap::new();
    for event in played.journal.events(node) {
        let Some(session) = event.session else { continue };
        match &event.kind {
            EventKind::ReplaceRefused { .. } => refused.push((session, event.at)),
            EventKind::Replaced { old, .. } => {
                if let Some(first) = replaced.insert(*old, session) {
                    found.push(format!("{old} was replaced by {first} and by {session}"));
                }
            }
            EventKind::CallEnded { cause }
                if cause.by == By::Local
                    && event.at < played.ended
                    && refused.contains(&(session, event.at)) =>
            {
                found.push(format!("{session} was ended by a Replaces that was refused"));
            }
            _ => {}
        }
    }
}
