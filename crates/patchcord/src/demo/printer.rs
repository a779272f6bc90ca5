//! Prints what happens while it happens: the ladder, or JSON lines.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::EventKind;
use tokio::sync::watch;

use crate::console::Console;
use crate::json::Line;

use super::label;
use super::ladder::{Ladder, Merge, Step, What};
use super::parties::PARTIES;
use super::record::{Clocks, Record, Seen};

/// How often steps that wait for their order are looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Prints until `done` becomes true and all is printed.
pub(crate) async fn print(
    record: Arc<Record>,
    console: Arc<Console>,
    addresses: [SocketAddr; 3],
    zero: Instant,
    mut done: watch::Receiver<bool>,
) {
    let mut length = record.length();
    let mut printer = Printer {
        clocks: Clocks::new(if console.json() { console.started() } else { zero }),
        console,
        addresses,
        merge: Merge::default(),
        ladder: Ladder::default(),
        sent: HashSet::new(),
    };
    let mut known = 0;
    loop {
        // Read before the events, so that nothing that came before the end is missed.
        let finished = *done.borrow_and_update();
        length.borrow_and_update();
        let new = record.after(known);
        known += new.len();
        for seen in &new {
            printer.take(seen);
        }
        printer.draw();
        if finished && printer.merge.is_empty() {
            return;
        }
        tokio::select! {
            // An error means that the other end is gone, which the next turn sees by its own.
            _ = length.changed() => {}
            _ = done.changed(), if !finished => {}
            () = tokio::time::sleep(LOOK), if !printer.merge.is_empty() => {}
        }
    }
}

struct Printer {
    console: Arc<Console>,
    addresses: [SocketAddr; 3],
    clocks: Clocks,
    merge: Merge,
    ladder: Ladder,
    sent: HashSet<Vec<u8>>,
}

impl Printer {
    fn take(&mut self, seen: &Seen) {
        let at = self.clocks.time(seen);
        if self.console.json() {
            self.console.line(&Line::of(&seen.event, at).with_party(PARTIES[seen.party].key).to_json());
        } else if let Some(what) = self.what(seen) {
            self.merge.push(seen.taken, seen.event.at, Step { party: seen.party, at, what });
        }
    }

    fn what(&mut self, seen: &Seen) -> Option<What> {
        let EventKind::Message(message) = &seen.event.kind else {
            return label::note(&seen.event).map(What::Note);
        };
        let bytes = message.bytes.to_vec();
        if !message.sent {
            return Some(What::Received { bytes });
        }
        let mut label = label::of(&bytes, &message.summary);
        if !self.sent.insert(bytes.clone()) {
            label.push_str(" (again)");
        }
        let to = self.addresses.iter().position(|address| *address == message.remote);
        Some(What::Sent { to, label, bytes })
    }

    fn draw(&mut self) {
        let now = Instant::now();
        while let Some(step) = self.merge.next(now) {
            if let Some(line) = self.ladder.draw(&step) {
                self.console.line(&line);
            }
        }
    }
}
