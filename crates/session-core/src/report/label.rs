//! A SIP message in some words, as they stand on an arrow.

use sip_message::{HeaderId, Message, StartLine, sipfrag};

/// The words of a message: method or status, and of what it carries what matters in a transfer. No identifier of a dialog
/// is among them.
pub fn label(message: &Message) -> String {
    let mut label = match message.start_line() {
        StartLine::Request { method, .. } => method.to_string(),
        StartLine::Status { code, .. } => {
            let method = message.cseq().map_or_else(|_| String::new(), |cseq| format!(" ({})", cseq.method));
            format!("{code} {}{method}", code.reason_phrase())
        }
    };
    if names_a_call(message) {
        label.push_str(" (Replaces)");
    }
    if let Some(status) = notified(message) {
        label = format!("{label} {status} {}", status.reason_phrase());
    }
    for detail in [refer(message), audio(message)].into_iter().flatten() {
        label.push_str(": ");
        label.push_str(&detail);
    }
    if ends_subscription(message) {
        label.push_str(", final");
    }
    label
}

/// Whether a message is a request of this method.
pub(super) fn is(message: &Message, method: &str) -> bool {
    message.method().is_some_and(|found| found.as_str() == method)
}

/// Whether a NOTIFY ends its subscription.
pub fn ends_subscription(message: &Message) -> bool {
    is(message, "NOTIFY")
        && message
            .first(HeaderId::SubscriptionState)
            .and_then(|state| state.split(';').next())
            .is_some_and(|state| state.trim().eq_ignore_ascii_case("terminated"))
}

/// The status in a NOTIFY's body.
pub(super) fn notified(message: &Message) -> Option<sip_message::StatusCode> {
    if !is(message, "NOTIFY") {
        return None;
    }
    sipfrag::status(message.content_type(), message.body()).ok()
}

/// Whether it wants a call replaced: in a REFER by the call it asks for.
fn names_a_call(message: &Message) -> bool {
    if is(message, "REFER") {
        return message.refer_to().is_ok_and(|refer_to| refer_to.replaces.is_some());
    }
    message.replaces().is_ok_and(|replaces| replaces.is_some())
}

/// Whom a REFER names.
fn refer(message: &Message) -> Option<String> {
    if !is(message, "REFER") {
        return None;
    }
    let target = message.refer_to().ok()?.target();
    let user = target.as_uri().user().map(str::to_owned);
    Some(format!("call {}", user.unwrap_or_else(|| target.as_str().to_owned())))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message(first_line: &str, method: &str, headers: &str, body: &str) -> Message {
        let text = format!(
            "{first_line}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
             Call-ID: c@h\r\nCSeq: 1 {method}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Message::parse(text.into_bytes().into()).expect("a message")
    }

    #[test]
    fn labels_say_what_matters() {
        let sdp = "Content-Type: application/sdp\r\n";
        let refer = "Refer-To: <sip:carol@192.0.2.3:5070>\r\n";
        let instead = "Refer-To: <sip:carol@192.0.2.3:5070?Replaces=c%40h%3Bto-tag%3D2%3Bfrom-tag%3D1>\r\n";
        let replaces = "Replaces: c@h;to-tag=2;from-tag=1\r\n";
        let notify = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n";
        for (message, words) in [
            (message("INVITE sip:b@h SIP/2.0", "INVITE", sdp, "v=0\r\na=sendrecv\r\n"), "INVITE"),
            (message("INVITE sip:b@h SIP/2.0", "INVITE", sdp, "v=0\r\na=sendonly\r\n"), "INVITE: sendonly"),
            (
                message("SIP/2.0 200 Fine", "INVITE", sdp, "v=0\r\na=recvonly\r\n"),
                "200 OK (INVITE): recvonly",
            ),
            (message("SIP/2.0 486 Busy Here", "INVITE", "", ""), "486 Busy Here (INVITE)"),
            (message("REFER sip:b@h SIP/2.0", "REFER", refer, ""), "REFER: call carol"),
            (message("REFER sip:b@h SIP/2.0", "REFER", instead, ""), "REFER (Replaces): call carol"),
            (message("INVITE sip:c@h SIP/2.0", "INVITE", replaces, ""), "INVITE (Replaces)"),
            (
                message("NOTIFY sip:b@h SIP/2.0", "NOTIFY", notify, "SIP/2.0 200 OK\r\n"),
                "NOTIFY 200 OK, final",
            ),
            (message("BYE sip:b@h SIP/2.0", "BYE", "", ""), "BYE"),
        ] {
            assert_eq!(label(&message), words);
        }
    }
}
