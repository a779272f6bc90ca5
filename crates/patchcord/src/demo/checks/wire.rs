//! What has to be seen of Replaces, on the wire and at Carol: who names which call, and what follows what.

use session_core::{EventKind, StatusCode};

use super::Check;
use crate::demo::parties::{ALICE, BOB, CAROL};
use crate::demo::plot::{Plot, Refer, Replacing};
use crate::demo::record::Record;
use crate::demo::wire::{self, Wired};

/// The checks of a scenario.
pub(super) fn of(plot: &Plot, record: &Record) -> Vec<Check> {
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|party| wire::of(record, party));
    let refers = alice.iter().filter(|message| message.sent && message.is("REFER")).count();
    match plot.refer {
        Refer::Absent => {
            return vec![Check::new("no REFER was sent", refers == 0, format!("{refers} sent"))];
        }
        Refer::Refused => return vec![called_instead(&alice, &bob)],
        Refer::Followed => {}
    }
    match plot.replacing {
        Replacing::Absent => Vec::new(),
        Replacing::Done => {
            let mut checks = named(&alice, &bob);
            checks.push(answered_first(&alice, &bob, &carol));
            let replaced = |kind: &EventKind| matches!(kind, EventKind::Replaced { .. });
            checks.push(told_once(record, "one call was replaced", replaced));
            checks
        }
        Replacing::Refused => {
            let mut checks = named(&alice, &bob);
            checks.push(refused(&alice, &bob, &carol));
            let refused = |kind: &EventKind| matches!(kind, EventKind::ReplaceRefused { .. });
            checks.push(told_once(record, "one replacement was refused", refused));
            checks
        }
    }
}

/// Bob refuses the REFER and calls nobody; Alice calls Carol after that.
fn called_instead(alice: &[Wired], bob: &[Wired]) -> Check {
    let refer = alice.iter().position(|message| message.sent && message.is("REFER"));
    let refused =
        alice.iter().position(|message| !message.sent && message.answers("REFER", StatusCode::DECLINE));
    let called = alice.iter().rposition(|message| message.sent && message.begins_call());
    let found = match (refer, refused, called) {
        (Some(refer), Some(refused), Some(called)) if refer < refused && refused < called => {
            "603, then her INVITE"
        }
        (_, Some(_), _) => "603, and no INVITE after it",
        (_, None, _) => "no 603",
    };
    let ok = found == "603, then her INVITE" && placed(bob).is_none();
    Check::new("Bob refuses the REFER (603), and Alice calls Carol", ok, found)
}

fn told_once(record: &Record, what: &str, wanted: impl Fn(&EventKind) -> bool) -> Check {
    let count = record.count(CAROL, |event| wanted(&event.kind));
    Check::new(format!("Carol is told that {what}"), count == 1, format!("{count} told"))
}

/// The Call-ID of the last call that a party placed: Alice's with Carol, Bob's with Carol.
fn placed(messages: &[Wired]) -> Option<&str> {
    messages.iter().rev().find(|message| message.sent && message.begins_call())?.call_id()
}

/// The REFER and Bob's INVITE name Alice's call with Carol (TR-102).
fn named(alice: &[Wired], bob: &[Wired]) -> Vec<Check> {
    let wanted = placed(alice);
    let refer = alice.iter().find(|message| message.sent && message.is("REFER"));
    let invite = bob.iter().find(|message| message.sent && message.begins_call());
    [("the REFER", refer), ("Bob's INVITE", invite)]
        .into_iter()
        .map(|(what, message)| {
            let named = message.and_then(Wired::replaces);
            let found = match (&named, wanted) {
                (None, _) => "no Replaces",
                (Some(named), Some(wanted)) if named == wanted => "Replaces with its Call-ID",
                (Some(_), _) => "Replaces with another Call-ID",
            };
            let ok = wanted.is_some() && named.as_deref() == wanted;
            Check::new(format!("{what} names Alice's call with Carol"), ok, found)
        })
        .collect()
}

/// Carol answers Bob first and ends the replaced call then (RFC 3891 §3, TR-109).
fn answered_first(alice: &[Wired], bob: &[Wired], carol: &[Wired]) -> Check {
    let (old, new) = (placed(alice), placed(bob));
    let ok = new.and_then(|new| {
        carol.iter().position(|message| message.sent && message.answers_invite(new, StatusCode::OK))
    });
    let bye = carol.iter().position(|message| message.sent && message.is("BYE") && message.call_id() == old);
    let found = match (ok, bye) {
        (Some(ok), Some(bye)) if ok < bye => "200 OK, then BYE",
        (Some(_), Some(_)) => "BYE before the 200 OK",
        (Some(_), None) => "no BYE",
        (None, _) => "no 200 OK",
    };
    Check::new(
        "Carol answers Bob (200 OK), then ends the replaced call (BYE)",
        found == "200 OK, then BYE",
        found,
    )
}

/// Carol refuses Bob, and her call with Alice is not touched (RFC 3891 §3).
fn refused(alice: &[Wired], bob: &[Wired], carol: &[Wired]) -> Check {
    let (old, new) = (placed(alice), placed(bob));
    let refused = new.is_some_and(|new| {
        carol.iter().any(|message| message.sent && message.answers_invite(new, StatusCode::FORBIDDEN))
    });
    let bye = carol.iter().any(|message| message.sent && message.is("BYE") && message.call_id() == old);
    let found = match (refused, bye) {
        (true, false) => "403, and no BYE of hers",
        (true, true) => "403, and a BYE of hers",
        (false, _) => "no 403",
    };
    Check::new("Carol refuses Bob (403), and keeps her call with Alice", refused && !bye, found)
}
