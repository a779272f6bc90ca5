//! Invariant 1: exactly one outcome for each transfer, nothing after it. Invariant 6: within the policy's longest time.

use std::{collections::BTreeMap, time::Duration};

use session_core::EventKind;
use transfer::{TransferId, TransferPolicy};

use crate::play::Played;

#[derive(Default)]
struct Seen {
    began: Duration,
    ended: Vec<Duration>,
    afterwards: Vec<&'static str>,
}

pub(super) fn check(played: &Played, node: usize, found: &mut Vec<String>) {
    let mut transfers: BTreeMap<TransferId, Seen> = BTreeMap::new();
    let mut seq = 0;
    for event in played.journal.events(node) {
        if event.seq <= seq {
            found.push(format!("event {} after event {seq}", event.seq));
        }
        seq = event.seq;
        let Some(transfer) = event.transfer else { continue };
        let seen = transfers.entry(transfer).or_insert_with(|| Seen { began: event.at, ..Seen::default() });
        if matches!(event.kind, EventKind::TransferEnded(_)) {
            seen.ended.push(event.at);
        } else if !seen.ended.is_empty() {
            seen.afterwards.push(event.name());
        }
    }
    let longest =
        TransferPolicy { ring_limit: Duration::from_mins(3), ..TransferPolicy::default() }.longest();
    for (transfer, seen) in transfers {
        if seen.ended.len() != 1 {
            found.push(format!("{transfer} has {} outcomes", seen.ended.len()));
        }
        if !seen.afterwards.is_empty() {
            found.push(format!("{transfer} has events after its outcome: {:?}", seen.afterwards));
        }
        // Hanging up is the application's last word about transfers that go on.
        let last_command =
            if seen.began > played.ended { seen.began } else { played.ended.min(seen.began + longest) };
        if let Some(ended) = seen.ended.first()
            && *ended > last_command.max(seen.began) + longest
        {
            found
                .push(format!("{transfer} took from {:?} to {ended:?}, longer than {longest:?}", seen.began));
        }
    }
}
