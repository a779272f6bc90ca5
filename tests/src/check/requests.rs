//! Invariant 3, judged from the wire: `CSeq` rises in each dialog, and a party starts no INVITE in a dialog while another,
//! its own or the other side's, waits for its final response (RFC 3261 §14.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sip_message::{Message, Method};

use crate::{
    journal::{Way, What, response},
    play::Played,
};

/// An INVITE without any response is over after 64*T1 (RFC 3261 §17.1.1.2, timer B); one with a provisional response
/// can be cancelled, and is then over after as long again.
const TIMER_B: Duration = Duration::from_secs(32);

#[derive(Default)]
struct Dialog {
    /// By our tag, fork and connection: somebody who calls itself has both ends of a dialog. The first request belongs to no
    /// fork, and counts in all of them. What waits for a connection
    /// that is being made can be overtaken, is refused with 500 then and asked for again (RFC 3261 §12.2.2).
    last: BTreeMap<(String, String, Option<usize>), u32>,
    branches: BTreeSet<String>,
    ours: Option<Pending>,
    theirs: Option<Pending>,
}

struct Pending {
    cseq: u32,
    since: Duration,
    /// An INVITE is over with the connection that it went over (RFC 3261 §17.1.4).
    connection: Option<usize>,
    provisional: bool,
    cancelled: Option<Duration>,
}

impl Pending {
    fn new(cseq: u32, since: Duration, connection: Option<usize>) -> Self {
        Self { cseq, since, connection, provisional: false, cancelled: None }
    }

    fn is_over(&self, now: Duration) -> bool {
        let silent = !self.provisional && now >= self.since + TIMER_B;
        silent || self.cancelled.is_some_and(|at| now >= at + TIMER_B)
    }
}

pub(super) fn check(played: &Played, node: usize, found: &mut Vec<String>) {
    let mut dialogs: BTreeMap<String, Dialog> = BTreeMap::new();
    for entry in played.journal.entries.iter().filter(|entry| entry.node == node) {
        let (at, way, connection, bytes) = match &entry.what {
            What::Sent { message, connection, .. } => (entry.at, Way::Out, *connection, message),
            What::Received { message, connection, .. } => (entry.at, Way::In, *connection, message),
            What::Stream { connection, news, .. } if news.is_end() => {
                for dialog in dialogs.values_mut() {
                    dialog.lose(*connection);
                }
                continue;
            }
            What::Stream { .. } | What::Event(_) | What::Asked(_) | What::Refused(_) => continue,
        };
        let Ok(message) = Message::parse(bytes.clone()) else { continue };
        let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else { continue };
        let dialog = dialogs.entry(call_id.to_owned()).or_default();
        let Some(method) = message.method() else {
            answered(dialog, way, &message);
            continue;
        };
        let branch =
            message.top_via().ok().and_then(|via| via.branch().map(str::to_owned)).unwrap_or_default();
        match (way, method) {
            (_, Method::Ack) => {}
            (Way::Out, Method::Cancel) => {
                if let Some(pending) = dialog.ours.as_mut().filter(|pending| pending.cancelled.is_none()) {
                    pending.cancelled = Some(at);
                }
            }
            (Way::In, Method::Cancel) => {}
            (Way::Out, method) => {
                if !dialog.branches.insert(branch) {
                    continue;
                }
                let ours = message.from_tag().unwrap_or_default().to_owned();
                let first =
                    dialog.last.get(&(ours.clone(), String::new(), connection)).copied().unwrap_or_default();
                let fork = message.to_tag().unwrap_or_default().to_owned();
                let last = dialog.last.entry((ours, fork, connection)).or_default();
                *last = first.max(*last);
                if cseq.number <= *last {
                    found.push(format!("{at:?} {call_id}: {method} with CSeq {} after {last}", cseq.number));
                }
                *last = cseq.number.max(*last);
                if method == Method::Invite {
                    for (whose, pending) in [("own", &dialog.ours), ("received", &dialog.theirs)] {
                        if pending.as_ref().is_some_and(|pending| !pending.is_over(at)) {
                            found.push(format!(
                                "{at:?} {call_id}: INVITE #{} while an {whose} one is in flight",
                                cseq.number
                            ));
                        }
                    }
                    dialog.ours = Some(Pending::new(cseq.number, at, connection));
                }
            }
            (Way::In, Method::Invite) => {
                if dialog.branches.insert(branch) {
                    dialog.theirs = Some(Pending::new(cseq.number, at, connection));
                }
            }
            (Way::In, _) => {}
        }
    }
}

impl Dialog {
    fn lose(&mut self, connection: usize) {
        for pending in [&mut self.ours, &mut self.theirs] {
            pending.take_if(|pending| pending.connection == Some(connection) && !pending.provisional);
        }
    }
}

fn answered(dialog: &mut Dialog, way: Way, message: &Message) {
    let Some((status, Method::Invite)) = response(message) else { return };
    let Ok(cseq) = message.cseq() else { return };
    let pending = match way {
        Way::In => &mut dialog.ours,
        Way::Out => &mut dialog.theirs,
    };
    if pending.as_ref().is_some_and(|pending| pending.cseq == cseq.number) {
        if status.is_provisional() {
            if let Some(pending) = pending {
                pending.provisional = true;
            }
        } else {
            *pending = None;
        }
    }
}
