//! What is written on the arrows: a SIP message in some words.

use session_core::message::Message;
use session_core::report::{ends_subscription, label};
use session_core::{EventKind, SessionEvent};

/// The label of a message that was sent.
pub(crate) fn of(bytes: &[u8], summary: &str) -> String {
    Message::parse(bytes.to_vec().into()).map_or_else(|_| summary.to_owned(), |message| label(&message))
}

/// Whether this is the NOTIFY that ends the subscription, received.
pub(crate) fn is_final_notify(event: &SessionEvent) -> bool {
    let EventKind::Message(traced) = &event.kind else { return false };
    if traced.sent {
        return false;
    }
    Message::parse(traced.bytes.clone()).is_ok_and(|message| ends_subscription(&message))
}

/// Whether this is the REFER, sent.
pub(crate) fn is_refer(event: &SessionEvent) -> bool {
    matches!(&event.kind, EventKind::Message(traced) if traced.sent && traced.summary.starts_with("REFER"))
}

/// What stands in the ladder of an event that is no message.
pub(crate) fn note(event: &SessionEvent) -> Option<String> {
    Some(match &event.kind {
        EventKind::Established { .. } => "call is up".to_owned(),
        EventKind::MediaFlowing => "audio arrives".to_owned(),
        EventKind::TransferConsulting { .. } => "Bob waits; Carol is called".to_owned(),
        EventKind::TargetAccepted { by } => format!("Carol takes Bob over, {by}"),
        EventKind::ConsultSwapped { .. } => "turns to the other party".to_owned(),
        EventKind::TransferBridging => "no REFER for Bob: joining the calls".to_owned(),
        EventKind::TransferRecovering => "transfer failed: taking Bob back".to_owned(),
        EventKind::TransferConnected { .. } => "moves to the new call".to_owned(),
        EventKind::Replaced { .. } => "the new caller has taken over".to_owned(),
        EventKind::ReplaceRefused { .. } => "the new caller may not take over".to_owned(),
        EventKind::TransferEnded(_) => format!("transfer: {}", event.outcome().unwrap_or("ended")),
        EventKind::CallEnded { .. } => "call ended".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
