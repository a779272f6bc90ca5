//! What is known of one transfer: noted while it goes on, and read when somebody asks for its report, which few do.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use sip_message::{Limits, Message, StatusCode};
use transfer::{LearnedFrom, Outcome, Role, TransferId};

use super::{
    Decisive, Part, Passed, Step, Steps, TransferReport,
    label::{ends_subscription, is, label, notified},
    plain::{plain, plain_uri},
};
use crate::{
    TransferKind, TransferStage,
    describe::outcome_name,
    event::{EventKind, SessionEvent, SessionId},
};

/// Calls that one report names: a transfer has three, or one more for each target that is tried after the first.
const MOST_CALLS: usize = 8;

/// What may be noted and not read: an attended transfer that succeeds has some thirty messages and ten remarks.
pub(super) const MOST_NOTES: usize = 64;
/// The same in bytes of messages, twice what those thirty have: with [`Reporter::KEPT`](super::Reporter::KEPT) two megabytes at
/// most. What is beyond either bound is read at once.
pub(super) const MOST_BYTES: usize = 32 * 1024;

/// Of what passed the transport, by whatever limits it has, all is read.
const NO_LIMITS: Limits =
    Limits { message: usize::MAX, headers: usize::MAX, line: usize::MAX, folds: usize::MAX };

/// The report of a transfer that has ended, which is made when it is asked for.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(super) transfer: TransferId,
    at: Duration,
    outcome: Outcome,
    draft: Draft,
    report: OnceLock<Arc<TransferReport>>,
}

impl Ended {
    pub(super) fn new(draft: Draft, transfer: TransferId, at: Duration, outcome: Outcome) -> Self {
        Self { transfer, at, outcome, draft, report: OnceLock::new() }
    }

    /// The report.
    pub(crate) fn report(&self) -> &Arc<TransferReport> {
        let make = || Arc::new(self.draft.clone().finish(self.at, self.transfer, self.outcome));
        self.report.get_or_init(make)
    }
}

/// Something that passed, as it came.
#[derive(Debug, Clone)]
struct Note {
    at: Duration,
    session: SessionId,
    what: Noted,
}

#[derive(Debug, Clone)]
enum Noted {
    /// A message; as a NOTIFY it is one of those that tell the transferor of the referred call, if it goes the way of these.
    Message {
        sent: bool,
        tells: bool,
        bytes: Bytes,
    },
    Remark(Cow<'static, str>),
}

/// What is known of a transfer.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    role: Role,
    kind: TransferKind,
    session: SessionId,
    target: String,
    began: Duration,
    pub(super) calls: Vec<Part>,
    accepted: Option<StatusCode>,
    progress: Option<StatusCode>,
    notify: Option<Decisive>,
    response: Option<Decisive>,
    bye: Option<Decisive>,
    steps: Steps,
    notes: Vec<Note>,
    /// Of the messages among the notes.
    bytes: usize,
}

impl Draft {
    pub(super) fn new(began: Duration, session: SessionId) -> Self {
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
            notes: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a call in; whether it is new and there is room.
    pub(super) fn enter(&mut self, session: SessionId, peer: &str) -> bool {
        let known = self.calls.iter().any(|part| part.session == session);
        if known || self.calls.len() == MOST_CALLS {
            return false;
        }
        self.calls.push(Part { session, peer: plain_uri(peer), ended: false });
        true
    }

    /// Notes a message of one of the calls.
    pub(super) fn message(&mut self, at: Duration, session: SessionId, bytes: Bytes, sent: bool) {
        self.bytes += bytes.len();
        // What is sent by the transferee decides as well: it is its report.
        let tells = sent == (self.role == Role::Transferee);
        self.note(Note { at, session, what: Noted::Message { sent, tells, bytes } });
    }

    pub(super) fn event(&mut self, event: &SessionEvent) {
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
    pub(super) fn remark(&mut self, event: &SessionEvent) {
        let Some(session) = event.session else { return };
        if !self.calls.iter().any(|part| part.session == session) {
            return;
        }
        let words = match &event.kind {
            EventKind::HoldChanged { local: true, .. } => Cow::Borrowed("on hold"),
            EventKind::HoldChanged { local: false, remote: false } => Cow::Borrowed("two-way again"),
            EventKind::ConsultSwapped { .. } => Cow::Borrowed("we turn to the other party"),
            EventKind::PrimaryLost => Cow::Borrowed("the party to be moved is gone"),
            EventKind::NotifyTimeout => Cow::Borrowed("accepted, and no NOTIFY came"),
            EventKind::TransferBridging => Cow::Borrowed("cannot be referred: the two calls are joined here"),
            EventKind::TransferRecovering => Cow::Borrowed("failed: the party is taken back"),
            EventKind::TransferConnected { .. } => Cow::Borrowed("the new call takes over"),
            EventKind::CallEnded { .. } => Cow::Borrowed("the call is over"),
            EventKind::TransferStageRefused(error) => Cow::Owned(error.to_string()),
            EventKind::TransferEnded(outcome) => {
                Cow::Owned(format!("transfer: {}", outcome_name(outcome.kind)))
            }
            _ => return,
        };
        self.note(Note { at: event.at, session, what: Noted::Remark(words) });
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
        if self.notes.len() > MOST_NOTES || self.bytes > MOST_BYTES {
            self.read();
        }
    }

    /// Reads what was noted.
    fn read(&mut self) {
        self.bytes = 0;
        for Note { at, session, what } in std::mem::take(&mut self.notes) {
            let at = at.saturating_sub(self.began);
            match what {
                Noted::Remark(words) => {
                    self.steps.push(Step { at, session, what: Passed::Remark(words.into_owned()) });
                }
                Noted::Message { sent, tells, bytes } => {
                    if let Ok(message) = Message::parse_to_answer(bytes, &NO_LIMITS) {
                        self.read_message(at, session, &message, sent, tells);
                    }
                }
            }
        }
    }

    fn read_message(&mut self, at: Duration, session: SessionId, message: &Message, sent: bool, tells: bool) {
        let Ok(cseq) = message.cseq() else { return };
        let what = Passed::Message { sent, label: plain(&label(message)), number: cseq.number, times: 1 };
        self.steps.push(Step { at, session, what });
        if is(message, "NOTIFY") && tells {
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

    fn peer(&self, session: SessionId) -> String {
        let part = self.calls.iter().find(|part| part.session == session);
        part.map_or_else(|| session.to_string(), |part| part.peer.clone())
    }

    fn finish(mut self, at: Duration, transfer: TransferId, outcome: Outcome) -> TransferReport {
        self.read();
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

    /// How many messages were noted, and how many of them were read.
    #[cfg(test)]
    pub(super) fn noted(&self) -> (usize, usize) {
        let read = self.steps.parts().0.len() + self.steps.parts().2.len();
        (self.notes.len() + read, read)
    }
}
