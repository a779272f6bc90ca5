//! What the engine tells its observer.

use std::time::Duration;

use transfer::TransferId;

use super::{Engine, Seen, Tap};
use crate::event::{EventKind, SessionEvent, SessionId, TracedMessage};

impl<T: Tap> Engine<T> {
    /// Publishes an event; a stage that its transfer cannot come to is told as such before it.
    pub(super) fn tell(&mut self, session: Option<SessionId>, transfer: Option<TransferId>, kind: EventKind) {
        if let Some(Err(error)) = transfer.map(|transfer| self.stages.follow(transfer, &kind)) {
            self.publish(session, transfer, EventKind::TransferStageRefused(error));
        }
        self.publish(session, transfer, kind);
    }

    fn publish(&mut self, session: Option<SessionId>, transfer: Option<TransferId>, kind: EventKind) {
        self.events += 1;
        let at = Duration::from_micros(self.surroundings.now.as_micros());
        let event = SessionEvent { seq: self.events, at, session, transfer, kind };
        self.tap.seen(self.surroundings.now, Seen::Event(&event));
    }

    pub(super) fn tell_message(&mut self, message: TracedMessage) {
        self.tell(None, None, EventKind::Message(message));
    }
}

/// A message in one line: its request line without the version, or its status and method.
pub(super) fn summary(message: &sip_message::Message) -> String {
    let words = match message.start_line() {
        sip_message::StartLine::Request { method, uri } => format!("{method} {uri}"),
        sip_message::StartLine::Status { code, reason } => match message.cseq() {
            Ok(cseq) => format!("{code} {reason} ({})", cseq.method),
            Err(_) => format!("{code} {reason}"),
        },
    };
    crate::describe::printable(&words).into_owned()
}
