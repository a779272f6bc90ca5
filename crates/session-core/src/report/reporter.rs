//! Collects reports: an observer of the engine, which takes nothing in while no transfer is live.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use sip_message::{Message, Method};
use sip_transport::Tick;
use transfer::TransferId;

use super::{
    TransferReport,
    draft::{Draft, Ended},
    label::is,
};
use crate::{
    engine::{Seen, Sent, Tap},
    event::{EventKind, SessionEvent, SessionId},
};

/// The answer to a REFER and the first NOTIFY, and one more for a 100.
const MOST_ARRIVING: usize = 3;

/// Collects what makes the [`TransferReport`] of each transfer, and keeps it of the last ones; a report is made when it is asked
/// for. Memory is bounded by the transfers that are live, of which the engine has a bound, and by how many are kept; each has a
/// bound of its own.
#[derive(Debug)]
pub struct Reporter {
    kept: usize,
    live: BTreeMap<TransferId, Draft>,
    /// The call of each Call-ID, with the transfers it takes part in: its own, and those of REFERs about it in dialogs of
    /// their own.
    calls: BTreeMap<Box<str>, (SessionId, Vec<TransferId>)>,
    arriving: Option<Arriving>,
    ended: VecDeque<Arc<Ended>>,
}

/// A REFER that is being handled, and what we have sent in its call since: they come before the transfer that begins with
/// them.
#[derive(Debug)]
struct Arriving {
    refer: Message,
    sent: Vec<Bytes>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self::new(Self::KEPT)
    }
}

impl Reporter {
    /// How many reports are kept by default: those of a busy minute of a switchboard, in two megabytes at most. Who wants all of
    /// them asks for each when its last event comes.
    pub const KEPT: usize = 64;

    /// Makes one that keeps this many reports; 0 collects nothing.
    pub fn new(kept: usize) -> Self {
        Self { kept, live: BTreeMap::new(), calls: BTreeMap::new(), arriving: None, ended: VecDeque::new() }
    }

    /// The report of a transfer that has ended, while it is kept.
    pub fn report(&self, transfer: TransferId) -> Option<Arc<TransferReport>> {
        self.ended(transfer).map(|ended| Arc::clone(ended.report()))
    }

    /// The same, to be made by whoever wants to have it.
    pub(crate) fn ended(&self, transfer: TransferId) -> Option<&Arc<Ended>> {
        self.ended.iter().rev().find(|ended| ended.transfer == transfer)
    }

    /// The reports that are kept, oldest first.
    pub fn reports(&self) -> impl ExactSizeIterator<Item = &Arc<TransferReport>> {
        self.ended.iter().map(|ended| ended.report())
    }

    /// How many transfers are being followed.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// A message of a call; whether it takes part. `keep` gives its bytes and no more.
    fn message(&mut self, at: Duration, call_id: &str, keep: impl Fn() -> Bytes, sent: bool) -> bool {
        let Some((session, transfers)) = self.calls.get(call_id) else { return false };
        for transfer in transfers {
            if let Some(draft) = self.live.get_mut(transfer) {
                draft.message(at, *session, keep(), sent);
            }
        }
        true
    }

    /// A REFER of ours that goes in a dialog of its own and names a call which takes part: it and what follows it belong there
    /// (RFC 4538 §3).
    fn follow_refer(&mut self, refer: &Message) {
        let (Ok(call_id), Some(about)) = (refer.call_id(), call_of(refer)) else { return };
        if let Some(part) = self.calls.get(&*about).cloned() {
            self.calls.entry(call_id.into()).or_insert(part);
        }
    }

    fn takes_part(
        &mut self,
        at: Duration,
        transfer: TransferId,
        session: SessionId,
        call_id: &str,
        peer: &str,
    ) {
        let draft = self.live.entry(transfer).or_insert_with(|| Draft::new(at, session));
        if !draft.enter(session, peer) {
            return;
        }
        let (_, transfers) = self.calls.entry(call_id.into()).or_insert((session, Vec::new()));
        if !transfers.contains(&transfer) {
            transfers.push(transfer);
        }
        let Some(Arriving { refer, .. }) = &self.arriving else { return };
        let about = call_of(refer);
        if refer.call_id() != Ok(call_id) && about.as_deref() != Some(call_id) {
            return;
        }
        if let (Ok(refer), Some(_)) = (refer.call_id(), about) {
            self.calls.entry(refer.into()).or_insert((session, vec![transfer]));
        }
        if let Some(Arriving { refer, sent }) = self.arriving.take() {
            draft.message(at, session, Bytes::copy_from_slice(refer.bytes()), false);
            for bytes in sent {
                draft.message(at, session, bytes, true);
            }
        }
    }

    /// Of what is sent only a REFER is read, for the call that it is about.
    fn sent(&mut self, at: Duration, sent: &Sent<'_>) {
        let Some(call_id) = sent.call_id() else { return };
        let bytes = &sent.outbound.wire;
        if let Some(arriving) =
            self.arriving.as_mut().filter(|arriving| arriving.refer.call_id() == Ok(call_id))
            && arriving.sent.len() < MOST_ARRIVING
        {
            arriving.sent.push(bytes.clone());
            return;
        }
        if sent.method() == Some(Method::Refer.as_str())
            && let Some(refer) = sent.message()
        {
            self.follow_refer(refer);
        }
        self.message(at, call_id, || bytes.clone(), true);
    }

    fn event(&mut self, event: &SessionEvent) {
        if let (EventKind::CallEnded { .. }, Some(session)) = (&event.kind, event.session) {
            for part in self.live.values_mut().flat_map(|draft| &mut draft.calls) {
                part.ended |= part.session == session;
            }
        }
        let Some(transfer) = event.transfer else {
            for draft in self.live.values_mut() {
                draft.remark(event);
            }
            return;
        };
        let EventKind::TransferEnded(outcome) = &event.kind else {
            if let Some(draft) = self.live.get_mut(&transfer) {
                draft.event(event);
            }
            return;
        };
        let Some(mut draft) = self.live.remove(&transfer) else { return };
        draft.remark(event);
        self.calls.retain(|_, (_, transfers)| {
            transfers.retain(|other| *other != transfer);
            !transfers.is_empty()
        });
        if self.ended.len() == self.kept {
            self.ended.pop_front();
        }
        self.ended.push_back(Arc::new(Ended::new(draft, transfer, event.at, *outcome)));
    }
}

impl Tap for Reporter {
    fn seen(&mut self, at: Tick, seen: Seen<'_>) {
        if self.kept == 0 {
            return;
        }
        let at = Duration::from_micros(at.as_micros());
        match seen {
            Seen::Received { origin, message } => {
                self.arriving = None;
                let call_id = message.call_id().unwrap_or_default();
                // What comes by a connection may be part of a larger piece, which must not be kept with it.
                let keep = || {
                    let bytes = message.bytes();
                    if origin.transport.is_reliable() { Bytes::copy_from_slice(bytes) } else { bytes.clone() }
                };
                if !self.message(at, call_id, keep, false) && is(message, "REFER") {
                    self.arriving = Some(Arriving { refer: message.clone(), sent: Vec::new() });
                }
            }
            Seen::Sent(sent) => {
                if !(self.live.is_empty() && self.arriving.is_none()) {
                    self.sent(at, sent);
                }
            }
            Seen::TakesPart { transfer, session, call_id, peer } => {
                self.takes_part(at, transfer, session, call_id, peer);
            }
            Seen::Event(event) => self.event(event),
            Seen::Step { .. } => {}
        }
    }
}

/// The Call-ID of the call that a REFER in a dialog of its own is about.
fn call_of(refer: &Message) -> Option<Box<str>> {
    let about = refer.target_dialog().ok().flatten()?;
    Some(about.call_id().into())
}

#[cfg(test)]
mod tests;
