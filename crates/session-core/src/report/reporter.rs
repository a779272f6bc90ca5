//! Collects reports: an observer of the engine, which takes nothing in while no transfer is live.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use sip_message::{Message, Method, StatusCode};
use sip_transport::Tick;
use transfer::{LearnedFrom, Outcome, Role, TransferId};

use super::{
    Decisive, Part, Passed, Step, Steps, TransferReport,
    label::{ends_subscription, is, label, notified},
    plain::{plain, plain_uri},
};
use crate::{
    TransferKind, TransferStage,
    describe::outcome_name,
    engine::{Seen, Sent, Tap},
    event::{EventKind, SessionEvent, SessionId},
};

/// Calls that one report names: a transfer has three, or one more for each target that is tried after the first.
const MOST_CALLS: usize = 8;

/// A REFER, its 2xx and the first NOTIFY, and one more for a 100.
const MOST_ARRIVING: usize = 4;

/// Collects the [`TransferReport`] of each transfer and keeps the last ones. Memory is bounded by the transfers that are
/// live, of which the engine has a bound, and by how many are kept; each has a bound of its own.
#[derive(Debug)]
pub struct Reporter {
    kept: usize,
    live: BTreeMap<TransferId, Draft>,
    /// The call of each Call-ID, with the transfers it takes part in: its own, and those of REFERs about it in dialogs of
    /// their own.
    calls: BTreeMap<Box<str>, (SessionId, Vec<TransferId>)>,
    /// A REFER that is being handled, and what we have sent in its call since: they come before the transfer that begins
    /// with them. Each with whether we sent it.
    arriving: Vec<(Message, bool)>,
    ended: VecDeque<Arc<TransferReport>>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self::new(Self::KEPT)
    }
}

impl Reporter {
    /// How many reports are kept by default: those of a busy minute of a switchboard, in about a megabyte. Who wants all of
    /// them asks for each when its last event comes.
    pub const KEPT: usize = 64;

    /// Makes one that keeps this many reports; 0 collects nothing.
    pub fn new(kept: usize) -> Self {
        Self {
            kept,
            live: BTreeMap::new(),
            calls: BTreeMap::new(),
            arriving: Vec::new(),
            ended: VecDeque::new(),
        }
    }

    /// The report of a transfer that has ended, while it is kept.
    pub fn report(&self, transfer: TransferId) -> Option<Arc<TransferReport>> {
        self.ended.iter().rev().find(|report| report.transfer == transfer).cloned()
    }

    /// The reports that are kept, oldest first.
    pub fn reports(&self) -> impl ExactSizeIterator<Item = &Arc<TransferReport>> {
        self.ended.iter()
    }

    /// How many transfers are being followed.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    fn message(&mut self, at: Duration, message: &Message, sent: bool) {
        let Some((session, transfers)) = message.call_id().ok().and_then(|id| self.calls.get(id)) else {
            return;
        };
        for transfer in transfers {
            if let Some(draft) = self.live.get_mut(transfer) {
                draft.message(at, *session, message, sent);
            }
        }
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
        let Some((refer, _)) = self.arriving.first() else { return };
        let about = call_of(refer);
        if refer.call_id() != Ok(call_id) && about.as_deref() != Some(call_id) {
            return;
        }
        if let (Ok(refer), Some(_)) = (refer.call_id(), about) {
            self.calls.entry(refer.into()).or_insert((session, vec![transfer]));
        }
        for (message, sent) in self.arriving.drain(..) {
            draft.message(at, session, &message, sent);
        }
    }

    /// What is sent is read only if it belongs to a call that takes part, or begins a REFER.
    fn sent(&mut self, at: Duration, sent: &Sent<'_>) {
        let Some(call_id) = sent.call_id() else { return };
        let is_refer = sent.method() == Some(Method::Refer.as_str());
        if self.arriving.first().is_some_and(|(refer, _)| refer.call_id() == Ok(call_id))
            && self.arriving.len() < MOST_ARRIVING
        {
            self.arriving.extend(sent.message().map(|message| (message.clone(), true)));
        } else if is_refer || self.calls.contains_key(call_id) {
            let Some(message) = sent.message() else { return };
            if is_refer {
                self.follow_refer(message);
            }
            self.message(at, message, true);
        }
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
        self.ended.push_back(Arc::new(draft.finish(event.at, transfer, *outcome)));
    }
}

impl Tap for Reporter {
    fn seen(&mut self, at: Tick, seen: Seen<'_>) {
        if self.kept == 0 {
            return;
        }
        let at = Duration::from_micros(at.as_micros());
        match seen {
            Seen::Received { message, .. } => {
                self.arriving.clear();
                if is(message, "REFER") && !message.call_id().is_ok_and(|id| self.calls.contains_key(id)) {
                    self.arriving.push((message.clone(), false));
                } else if !self.live.is_empty() {
                    self.message(at, message, false);
                }
            }
            Seen::Sent(sent) => {
                if !(self.live.is_empty() && self.arriving.is_empty()) {
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

/// What is known of a live transfer.
#[derive(Debug)]
struct Draft {
    role: Role,
    kind: TransferKind,
    session: SessionId,
    target: String,
    began: Duration,
    calls: Vec<Part>,
    accepted: Option<StatusCode>,
    progress: Option<StatusCode>,
    notify: Option<Decisive>,
    response: Option<Decisive>,
    bye: Option<Decisive>,
    steps: Steps,
}

impl Draft {
    fn new(began: Duration, session: SessionId) -> Self {
        Self {
            role: Role::Transferor,
            kind: TransferKind::Blind,
            session,
            target: String::new(),
            began,
            calls: Vec::new(),
            accepted: None,
            progress: None,
            notify: None,
            response: None,
            bye: None,
            steps: Steps::default(),
        }
    }

    /// Takes a call in; whether it is new and there is room.
    fn enter(&mut self, session: SessionId, peer: &str) -> bool {
        let known = self.calls.iter().any(|part| part.session == session);
        if known || self.calls.len() == MOST_CALLS {
            return false;
        }
        self.calls.push(Part { session, peer: plain_uri(peer), ended: false });
        true
    }

    fn peer(&self, session: SessionId) -> String {
        let part = self.calls.iter().find(|part| part.session == session);
        part.map_or_else(|| session.to_string(), |part| part.peer.clone())
    }

    fn message(&mut self, at: Duration, session: SessionId, message: &Message, sent: bool) {
        let Ok(cseq) = message.cseq() else { return };
        let what = Passed::Message { sent, label: plain(&label(message)), number: cseq.number, times: 1 };
        self.steps.push(Step { at: at.saturating_sub(self.began), session, what });
        // What is sent by the transferee decides as well: it is its report.
        if is(message, "NOTIFY") && sent == (self.role == Role::Transferee) {
            let status = notified(message);
            if status.is_some() || ends_subscription(message) {
                self.notify = Some(Decisive::Notify { status, sent, peer: self.peer(session) });
            }
        } else if let (false, Some(status)) = (sent, message.status()) {
            let method = cseq.method.as_str();
            let decides = if method == "INVITE" { status.as_u16() >= 300 } else { method == "REFER" };
            if decides && status.as_u16() >= 200 {
                let (method, peer) = (plain(method), self.peer(session));
                self.response = Some(Decisive::Response { status, method, peer });
            }
        } else if !sent && is(message, "BYE") {
            self.bye = Some(Decisive::Bye { peer: self.peer(session) });
        }
    }

    fn event(&mut self, event: &SessionEvent) {
        match &event.kind {
            EventKind::TransferInitiated { target, kind } => {
                (self.target, self.kind) = (plain_uri(target), *kind);
            }
            EventKind::TransferKindChanged { kind } => self.kind = *kind,
            EventKind::TransferRequested { target, kind, .. } => {
                self.kind = *kind;
                self.role = Role::Transferee;
                self.target = plain_uri(target);
            }
            EventKind::TransferAccepted { status } => self.accepted = Some(*status),
            EventKind::TransferProgress { status } => self.progress = Some(*status),
            _ => {}
        }
        self.remark(event);
    }

    /// Notes an event of one of the calls that messages do not show.
    fn remark(&mut self, event: &SessionEvent) {
        let Some(session) = event.session else { return };
        if !self.calls.iter().any(|part| part.session == session) {
            return;
        }
        let words = match &event.kind {
            EventKind::HoldChanged { local: true, .. } => "on hold".to_owned(),
            EventKind::HoldChanged { local: false, remote: false } => "two-way again".to_owned(),
            EventKind::ConsultSwapped { .. } => "we turn to the other party".to_owned(),
            EventKind::PrimaryLost => "the party to be moved is gone".to_owned(),
            EventKind::NotifyTimeout => "accepted, and no NOTIFY came".to_owned(),
            EventKind::TransferBridging => "cannot be referred: the two calls are joined here".to_owned(),
            EventKind::TransferRecovering => "failed: the party is taken back".to_owned(),
            EventKind::TransferConnected { .. } => "the new call takes over".to_owned(),
            EventKind::CallEnded { .. } => "the call is over".to_owned(),
            EventKind::TransferStageRefused(error) => error.to_string(),
            EventKind::TransferEnded(outcome) => format!("transfer: {}", outcome_name(outcome.kind)),
            _ => return,
        };
        let at = event.at.saturating_sub(self.began);
        self.steps.push(Step { at, session, what: Passed::Remark(words) });
    }

    fn finish(self, at: Duration, transfer: TransferId, outcome: Outcome) -> TransferReport {
        let decisive = match (self.role, outcome.learned_from) {
            (Role::Transferee, _) | (Role::Transferor, LearnedFrom::Notify | LearnedFrom::Terminated) => {
                self.notify.clone()
            }
            (Role::Transferor, LearnedFrom::Bye) => self.bye.clone(),
            (Role::Transferor, LearnedFrom::Guard) => None,
            (Role::Transferor, LearnedFrom::Local) => self.response.clone().filter(
                |decisive| matches!(decisive, Decisive::Response { status, .. } if outcome.code == Some(*status)),
            ),
        };
        TransferReport {
            transfer,
            role: self.role,
            kind: self.kind,
            session: self.session,
            peer: self.peer(self.session),
            target: self.target,
            began: self.began,
            took: at.saturating_sub(self.began),
            stage: TransferStage::of(outcome.kind),
            outcome,
            decisive,
            accepted: self.accepted,
            progress: self.progress,
            calls: self.calls,
            steps: self.steps,
        }
    }
}

#[cfg(test)]
mod tests;
