//! What is written on the arrows: a SIP message in some words.

use session_core::message::{HeaderId, Message, StartLine, sipfrag};
use session_core::{EventKind, SessionEvent};

use super::wire;

/// The label of a message that was sent.
pub(crate) fn of(bytes: &[u8], summary: &str) -> String {
    let Ok(message) = Message::parse(bytes.to_vec().into()) else {
        return summary.to_owned();
    };
    let mut label = match message.start_line() {
        StartLine::Request { method, .. } => method.to_string(),
        StartLine::Status { code, .. } => {
            let method = message.cseq().map_or_else(|_| String::new(), |cseq| format!(" ({})", cseq.method));
            format!("{code} {}{method}", code.reason_phrase())
        }
    };
    if wire::replaces(&message).is_some() {
        label.push_str(" (Replaces)");
    }
    if let Some(status) = notified(&message) {
        label.push(' ');
        label.push_str(&status);
    }
    for detail in [refer(&message), audio(&message)].into_iter().flatten() {
        label.push_str(": ");
        label.push_str(&detail);
    }
    if is_last(&message) {
        label.push_str(", final");
    }
    label
}

/// Whom a REFER names.
fn refer(message: &Message) -> Option<String> {
    message.method().filter(|method| method.as_str() == "REFER")?;
    let target = message.refer_to().ok()?.target();
    let user = target.as_uri().user().map(str::to_owned);
    Some(format!("call {}", user.unwrap_or_else(|| target.as_str().to_owned())))
}

/// The status line in a NOTIFY's body.
fn notified(message: &Message) -> Option<String> {
    message.method().filter(|method| method.as_str() == "NOTIFY")?;
    let status = sipfrag::status(message.content_type(), message.body()).ok()?;
    Some(format!("{status} {}", status.reason_phrase()))
}

/// The direction of the offered or answered audio, where it is not the usual.
fn audio(message: &Message) -> Option<String> {
    if message.content_type() != Some("application/sdp") {
        return None;
    }
    let body = std::str::from_utf8(message.body()).ok()?;
    ["sendonly", "recvonly", "inactive"]
        .into_iter()
        .find(|direction| body.lines().any(|line| line.strip_prefix("a=") == Some(direction)))
        .map(str::to_owned)
}

/// Whether this is the NOTIFY that ends the subscription, received.
pub(crate) fn is_final_notify(event: &SessionEvent) -> bool {
    let EventKind::Message(traced) = &event.kind else { return false };
    if traced.sent {
        return false;
    }
    Message::parse(traced.bytes.clone()).is_ok_and(|message| is_last(&message))
}

/// Whether a NOTIFY ends the subscription.
fn is_last(message: &Message) -> bool {
    message.method().is_some_and(|method| method.as_str() == "NOTIFY")
        && message
            .first(HeaderId::SubscriptionState)
            .and_then(|state| state.split(';').next())
            .is_some_and(|state| state.trim().eq_ignore_ascii_case("terminated"))
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
        EventKind::TransferConsulting { .. } => "Bob waits; Carol is asked".to_owned(),
        EventKind::ConsultSwapped { .. } => "turns to the other party".to_owned(),
        EventKind::TransferBridging => "Bob cannot be referred: joining the calls".to_owned(),
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
