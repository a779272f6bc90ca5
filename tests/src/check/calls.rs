//! Invariants 4 and 5: a transfer that failed leaves the call with the party that was to be moved as it was: up, unless
//! its own requests were refused, and not on hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use session_core::{By, EndCause, EndReason, EventKind, SessionId};
use sip_message::Method;
use transfer::{LearnedFrom, Outcome, OutcomeKind};

use crate::{
    journal::{Journal, Way, What, is_request, response},
    play::Played,
};

#[derive(Default)]
struct Call {
    held: bool,
    initiated: bool,
    outcome: Option<(Duration, Outcome)>,
    ended: Option<EndCause>,
}

pub(super) fn check(played: &Played, node: usize, found: &mut Vec<String>) {
    // What the application itself asked for explains a call that is held or over.
    let asked = |words: &[&str]| {
        played.journal.entries.iter().any(|entry| {
            matches!(&entry.what, What::Asked(what) if what.split(' ').next().is_some_and(|word| words.contains(&word)))
                && entry.node == node
                && entry.at < played.ended
        })
    };
    let mut calls: BTreeMap<SessionId, Call> = BTreeMap::new();
    for event in played.journal.events(node).take_while(|event| event.at < played.ended) {
        let Some(session) = event.session else { continue };
        let call = calls.entry(session).or_default();
        match &event.kind {
            EventKind::HoldChanged { local, .. } => call.held = *local,
            EventKind::TransferInitiated { .. } => call.initiated = true,
            EventKind::TransferEnded(outcome) => call.outcome = Some((event.at, *outcome)),
            EventKind::CallEnded { cause } => call.ended = Some(cause.clone()),
            _ => {}
        }
    }
    for (session, call) in calls.into_iter().filter(|(_, call)| call.initiated) {
        let Some((at, outcome)) = call.outcome else { continue };
        let moved = match outcome.kind {
            OutcomeKind::Succeeded
            | OutcomeKind::AcceptedWithoutProgress
            | OutcomeKind::Bridged
            | OutcomeKind::PeerHungUp => true,
            OutcomeKind::Failed | OutcomeKind::Recovered | OutcomeKind::Cancelled | OutcomeKind::TimedOut => {
                false
            }
        };
        // Not one that ended because the other side never acknowledged or does not know it any more.
        let ended_by_us =
            call.ended.as_ref().is_some_and(|cause| cause.by == By::Local && cause.reason == EndReason::Bye);
        if !moved
            && ended_by_us
            && !asked(&["hang-up", "hang-up-all"])
            && !own_request_failed(&played.journal, node, at)
            && !is_unacknowledged(&played.journal, node, at)
        {
            found.push(format!("{session} was ended by a transfer that came to {:?}", outcome.kind));
        }
        if call.ended.is_none() && call.held && !outcome.on_hold && !asked(&["hold"]) {
            found.push(format!("{session} is held with nothing to lead out of it after {:?}", outcome.kind));
        }
        if call.ended.is_none() && outcome.kind == OutcomeKind::Recovered && !outcome.call_kept {
            found.push(format!("{session}: Recovered, but the call is not kept"));
        }
        if outcome.kind == OutcomeKind::Succeeded && outcome.learned_from == LearnedFrom::Guard {
            found.push(format!("{session}: a success cannot be learned from a timer"));
        }
    }
}

/// Whether a 2xx of the party's to an INVITE had no ACK by then: it can send no INVITE of its own, and the call is to be
/// ended in any case (RFC 3261 §13.3.1.4, §14.2).
fn is_unacknowledged(journal: &Journal, node: usize, by: Duration) -> bool {
    let mut accepted: BTreeSet<(String, u32)> = BTreeSet::new();
    for (_, way, message) in journal.messages(node).take_while(|(at, _, _)| *at <= by) {
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        let key = (call_id.to_owned(), cseq.number);
        match (way, response(&message)) {
            (Way::Out, Some((status, Method::Invite))) if status.is_success() => {
                accepted.insert(key);
            }
            (Way::In, None) if is_request(&message, &Method::Ack) => {
                accepted.remove(&key);
            }
            _ => {}
        }
    }
    !accepted.is_empty()
}

/// Whether an INVITE or REFER of the party had got no 2xx by then: the call's own usage may be gone (RFC 5057 §5.1).
fn own_request_failed(journal: &Journal, node: usize, by: Duration) -> bool {
    let mut open: BTreeMap<(String, u32), bool> = BTreeMap::new();
    for (_, way, message) in journal.messages(node).take_while(|(at, _, _)| *at <= by) {
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        let key = (call_id.to_owned(), cseq.number);
        match (way, response(&message)) {
            (Way::Out, None)
                if is_request(&message, &Method::Invite) || is_request(&message, &Method::Refer) =>
            {
                open.entry(key).or_default();
            }
            (Way::In, Some((status, Method::Invite | Method::Refer))) if status.is_success() => {
                open.insert(key, true);
            }
            _ => {}
        }
    }
    open.values().any(|succeeded| !succeeded)
}
