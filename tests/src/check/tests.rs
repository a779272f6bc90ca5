//! The checks themselves: a good run that is tampered with must be found out.

use bytes::Bytes;
use session_core::{By, EndCause, EndReason, EventKind, SessionEvent};

use super::*;
use crate::{
    journal::{Entry, What},
    play,
    scenario::Scenario,
};

const MOVED: &str = "title moved\nparty alice\nparty bob answers\nparty carol answers after 500ms\n\
    at 0s alice call bob\non alice established 1 after 1s alice blind carol\nend 10s\n";

const BUSY: &str = "title busy\nparty alice\nparty bob answers\nparty carol rejects 486\n\
    at 0s alice call bob\non alice established 1 after 1s alice blind carol\nend 10s\n";

const REFUSED: &str = "title refused\nparty alice\nparty bob answers\nparty carol answers\noption carol replaces deny\n\
    at 0s alice call bob\nat 1s alice call carol\nat 2s alice attended bob carol\nend 20s\n";

fn good(text: &str) -> Played {
    let scenario = Scenario::parse(text).expect("a scenario");
    let played = play::play(&scenario, 1);
    assert_eq!(broken(&played), Vec::<String>::new());
    played
}

/// Where the first event of this name of a party stands.
fn event(played: &Played, node: usize, fits: impl Fn(&SessionEvent) -> bool) -> usize {
    let fits = |entry: &Entry| entry.node == node && matches!(&entry.what, What::Event(event) if fits(event));
    played.journal.entries.iter().position(fits).expect("such an event")
}

/// Rewrites every message that a party sent and that holds `marker`.
fn rewrite(played: &mut Played, node: usize, marker: &str, from: &str, to: &str) {
    let mut rewritten = 0;
    for entry in played.journal.entries.iter_mut().filter(|entry| entry.node == node) {
        if let What::Sent { message, .. } = &mut entry.what {
            let text = String::from_utf8_lossy(message).into_owned();
            if text.contains(marker) && text.contains(from) {
                *message = Bytes::from(text.replace(from, to));
                rewritten += 1;
            }
        }
    }
    assert!(rewritten > 0, "{marker} with {from} was sent");
}

fn finds(played: &Played, words: &str) {
    let broken = broken(played);
    assert!(broken.iter().any(|what| what.contains(words)), "{words} is not in {broken:#?}");
}

#[test]
fn a_missing_outcome_is_found() {
    let mut played = good(MOVED);
    let ended = event(&played, 0, |event| event.outcome().is_some());
    played.journal.entries.remove(ended);
    finds(&played, "has 0 outcomes");
}

#[test]
fn a_second_outcome_is_found() {
    let mut played = good(MOVED);
    let ended = event(&played, 0, |event| event.outcome().is_some());
    let What::Event(event) = &played.journal.entries[ended].what else { panic!("an event") };
    let mut again = event.clone();
    again.seq += 1_000_000;
    let at = played.journal.entries[ended].at;
    played.journal.entries.push(Entry { at, node: 0, what: What::Event(again) });
    finds(&played, "has 2 outcomes");
}

#[test]
fn a_subscription_that_is_never_terminated_is_found() {
    let mut played = good(MOVED);
    rewrite(&mut played, 1, "NOTIFY", "terminated;reason=noresource", "active;expires=60");
    finds(&played, "1 REFERs accepted, 0 NOTIFYs with terminated");
}

#[test]
fn a_cseq_that_does_not_rise_is_found() {
    let mut played = good(MOVED);
    rewrite(&mut played, 0, "BYE", "CSeq: 4 BYE", "CSeq: 3 BYE");
    finds(&played, "BYE with CSeq 3 after 3");
}

#[test]
fn an_invite_beside_another_is_found() {
    let mut played = good(MOVED);
    // The hold comes before the answer to the first INVITE instead of after it.
    let entries = &mut played.journal.entries;
    let starts = |entry: &Entry, line: &[u8]| matches!(&entry.what, What::Sent { message, .. } if message.starts_with(line));
    let invites: Vec<usize> =
        (0..entries.len()).filter(|at| entries[*at].node == 0 && starts(&entries[*at], b"INVITE ")).collect();
    let hold = entries.remove(invites[1]);
    entries.insert(invites[0] + 1, hold);
    finds(&played, "while an own one is in flight");
}

#[test]
fn a_party_left_on_hold_is_found() {
    let mut played = good(BUSY);
    let resumed =
        event(&played, 0, |event| matches!(event.kind, EventKind::HoldChanged { local: false, .. }));
    played.journal.entries.remove(resumed);
    finds(&played, "is held with nothing to lead out of it");
}

#[test]
fn a_failed_transfer_that_ends_the_call_is_found() {
    let mut played = good(BUSY);
    let recovered = event(&played, 0, |event| event.outcome().is_some());
    let What::Event(event) = &played.journal.entries[recovered].what else { panic!("an event") };
    let mut ended = event.clone();
    ended.seq += 1;
    ended.transfer = None;
    ended.kind = EventKind::CallEnded {
        cause: EndCause { by: By::Local, reason: EndReason::Bye, header: None, details: Vec::new() },
    };
    let at = played.journal.entries[recovered].at;
    played.journal.entries.insert(recovered + 1, Entry { at, node: 0, what: What::Event(ended) });
    finds(&played, "was ended by a transfer that came to Recovered");
}

#[test]
fn a_target_left_on_hold_is_found() {
    let mut played = good(REFUSED);
    let target = played.at_end[0].iter_mut().find(|call| call.peer == "carol").expect("a call");
    target.local_hold = true;
    finds(&played, "is left on hold after Recovered");
}

#[test]
fn a_call_that_only_one_side_has_is_found() {
    let mut played = good(REFUSED);
    played.at_end[2].clear();
    finds(&played, "is up here, and carol has no call with us");
}

#[test]
fn a_kept_call_that_is_gone_is_found() {
    let mut played = good(REFUSED);
    played.journal.entries.retain(|entry| !matches!(&entry.what, What::Event(event) if matches!(event.kind, EventKind::CallEnded { .. })));
    played.at_end[0].retain(|call| call.peer != "bob");
    finds(&played, "is said to be kept, and is neither up nor ended");
}

#[test]
fn a_call_that_is_up_after_a_success_is_found() {
    let mut played = good(MOVED);
    let call = played.at_end[1][0].clone();
    played.at_end[0].push(play::CallAtEnd { peer: "carol".to_owned(), ..call });
    finds(&played, "is up although the transfer succeeded");
}

#[test]
fn two_that_disagree_about_hold_are_found() {
    let mut played = good(MOVED);
    played.at_end[1][0].remote_hold = true;
    finds(&played, "is held");
}

#[test]
fn a_call_that_a_refused_replaces_ends_is_found() {
    let mut played = good(REFUSED);
    let refused = event(&played, 2, |event| matches!(event.kind, EventKind::ReplaceRefused { .. }));
    let What::Event(event) = &played.journal.entries[refused].what else { panic!("an event") };
    let mut ended = event.clone();
    ended.kind = EventKind::CallEnded {
        cause: EndCause { by: By::Local, reason: EndReason::Bye, header: None, details: Vec::new() },
    };
    let at = played.journal.entries[refused].at;
    played.journal.entries.insert(refused + 1, Entry { at, node: 2, what: What::Event(ended) });
    finds(&played, "was ended by a Replaces that was refused");
}

#[test]
fn a_success_that_connects_nobody_is_found() {
    let mut played = good(MOVED);
    let connected = event(&played, 1, |event| matches!(event.kind, EventKind::TransferConnected { .. }));
    played.journal.entries.remove(connected);
    finds(&played, "nobody was connected by the transfer");
}

#[test]
fn a_call_with_an_invite_that_never_ends_may_be_ended_by_a_transfer() {
    // The answer to the hold of the other side goes with its connection, and is never acknowledged.
    let played = good(
        "title unacknowledged\nparty alice\nparty bob answers\nparty carol rejects 486\n\
        option alice listen tcp\noption bob listen tcp\noption carol listen tcp\nlose 1 200/INVITE from alice\n\
        at 0s alice call bob\nat 2s bob hold\nat 5s alice consult carol\nend 60s\n",
    );
    let ended = played.journal.events(0).filter(|event| matches!(event.kind, EventKind::CallEnded { .. }));
    assert_eq!(ended.count(), 2);
}
