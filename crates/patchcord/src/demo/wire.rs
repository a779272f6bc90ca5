//! What a party sent and received, in its order: who named which call in Replaces, and what followed what.

use std::time::Duration;

use session_core::message::{Message, Replaces, StartLine};
use session_core::{EventKind, SessionEvent, StatusCode};

use super::record::Record;

/// A message at one party.
#[derive(Debug, Clone)]
pub(crate) struct Wired {
    /// On the party's own clock.
    pub(crate) at: Duration,
    /// Sent by the party, or received.
    pub(crate) sent: bool,
    message: Message,
}

/// All messages of a party, in the order it saw them.
pub(crate) fn of(record: &Record, party: usize) -> Vec<Wired> {
    record.all(party, wired)
}

fn wired(event: &SessionEvent) -> Option<Wired> {
    let EventKind::Message(traced) = &event.kind else { return None };
    let message = Message::parse(traced.bytes.clone()).ok()?;
    Some(Wired { at: event.at, sent: traced.sent, message })
}

impl Wired {
    /// Whether it is a request of this method.
    pub(crate) fn is(&self, method: &str) -> bool {
        self.message.method().is_some_and(|found| found.as_str() == method)
    }

    /// Whether it begins a call.
    pub(crate) fn begins_call(&self) -> bool {
        self.is("INVITE") && self.message.to_tag().is_none()
    }

    /// Which call it belongs to.
    pub(crate) fn call_id(&self) -> Option<&str> {
        self.message.call_id().ok()
    }

    /// Whether it answers a request of this method with this status.
    pub(crate) fn answers(&self, method: &str, status: StatusCode) -> bool {
        let answers = self.message.cseq().is_ok_and(|cseq| cseq.method.as_str() == method);
        let StartLine::Status { code, .. } = self.message.start_line() else { return false };
        answers && code == status
    }

    /// Whether it answers an INVITE of a call with this status.
    pub(crate) fn answers_invite(&self, call_id: &str, status: StatusCode) -> bool {
        self.answers("INVITE", status) && self.call_id() == Some(call_id)
    }

    /// The Call-ID that its Replaces names.
    pub(crate) fn replaces(&self) -> Option<String> {
        replaces(&self.message).map(|replaces| replaces.call_id().to_owned())
    }
}

/// The call that a message wants replaced: in a REFER by the call it asks for.
pub(crate) fn replaces(message: &Message) -> Option<Replaces> {
    if message.method().is_some_and(|method| method.as_str() == "REFER") {
        return message.refer_to().ok()?.replaces;
    }
    message.replaces().ok().flatten()
}
