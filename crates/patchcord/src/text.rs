//! Events in words, for people.

use session_core::{CloseCause, EventKind, QualityChange, SessionEvent, StatusCode};

/// What is told of an event, or nothing where it would only be noise.
pub(crate) fn of(event: &SessionEvent) -> Option<String> {
    let words = match &event.kind {
        EventKind::IncomingCall { from, to } => format!("call from {from} to {to}"),
        EventKind::RegistrationActive { account, registered, .. } => {
            format!("{account} is registered for {} s", registered.expires.as_secs())
        }
        EventKind::RegistrationFailed { account, failure, retry_after, .. } => match retry_after {
            Some(after) => format!("{account}: {failure}; tried again in {} s", after.as_secs()),
            None => format!("{account}: {failure}"),
        },
        EventKind::RegistrationLapsed { account, .. } => format!("{account} is registered no longer"),
        EventKind::RegistrationFlowLost { account, .. } => {
            format!("{account}: the connection to the registrar is gone; registering again")
        }
        EventKind::RegistrationEnded { account, confirmed: true, .. } => {
            format!("{account} is not registered any more")
        }
        EventKind::RegistrationEnded { account, confirmed: false, .. } => {
            format!("{account}: the registrar has not confirmed the end of the registration")
        }
        EventKind::Calling { to } => format!("calling {to}"),
        EventKind::Ringing { status } => format!("ringing ({status})"),
        EventKind::Established { peer, .. } => format!("talking to {peer}"),
        EventKind::HoldChanged { local, remote } => match (local, remote) {
            (false, false) => "two-way again".to_owned(),
            (true, false) => "on hold by us".to_owned(),
            (false, true) => "on hold by the other party".to_owned(),
            (true, true) => "on hold by both".to_owned(),
        },
        EventKind::CallEnded { .. } => format!("ended: {}", reason(event)),
        EventKind::TransferRequested { target, referred_by, verified, .. } => match referred_by {
            Some(by) if *verified => format!("we are asked to call {target}, by {by}"),
            Some(by) => format!("we are asked to call {target}, says {by} (unverified)"),
            None => format!("we are asked to call {target}"),
        },
        EventKind::TransferInitiated { target, .. } => format!("transfer to {target}"),
        EventKind::TransferKindChanged { kind } => format!("the transfer is a {} one now", kind.name()),
        EventKind::TransferConsulting { consultation } => format!("asking the target in {consultation}"),
        EventKind::ConsultRinging { status } => format!("the target rings ({status})"),
        EventKind::ConsultAnswered => "the target has answered".to_owned(),
        EventKind::ConsultFailed { status: Some(status) } => {
            format!("the target did not take the call ({status} {})", status.reason_phrase())
        }
        EventKind::ConsultFailed { status: None } => "the target did not take the call".to_owned(),
        EventKind::NotifyTimeout => "REFER accepted, but no report has come".to_owned(),
        EventKind::ConsultSwapped { active } => format!("talking in {active} now"),
        EventKind::PrimaryLost => "the first party is gone; the target stays on the line".to_owned(),
        EventKind::ReferSent => "REFER sent".to_owned(),
        EventKind::TransferAccepted { status } => {
            format!("REFER accepted ({status}); waiting for the result")
        }
        EventKind::TransferAwaitingApproval => "waiting for the approval of a person".to_owned(),
        EventKind::TransferProgress { status } => format!("the target: {status} {}", status.reason_phrase()),
        EventKind::TransferBridging => "the party cannot be referred; joining the two calls here".to_owned(),
        EventKind::TransferRecovering => "the transfer failed; taking the call back".to_owned(),
        EventKind::TransferConnected { to } => format!("connected to the target in {to}"),
        EventKind::TransferRecalling { to } => format!("the other party is gone; it is called back in {to}"),
        EventKind::Replaced { old, from, .. } => format!("takes the place of {old}, by {from}"),
        EventKind::ReplaceRefused { status, from, .. } => {
            format!("{from} may not take this call over ({status})")
        }
        EventKind::ReplaceUnacknowledged { old } => {
            format!("was to take the place of {old}, but the answer was never acknowledged")
        }
        EventKind::TransferEnded(_) => ended(event),
        EventKind::MediaFlowing => "audio arrives".to_owned(),
        EventKind::MediaSilent => "no audio arrives".to_owned(),
        EventKind::MediaSoundless => "packets come, but nothing is heard".to_owned(),
        EventKind::MediaSoundAgain { .. } => "something is heard again".to_owned(),
        EventKind::MediaKeyExpired { sending } => {
            let key = if *sending { "our key" } else { "the key of the other side" };
            format!("{key} for audio is used up: none passes with it")
        }
        EventKind::MediaQualityChanged { change, .. } => match change {
            QualityChange::Degraded { metric, value } => format!("the quality is bad: {metric:?} {value:.1}"),
            QualityChange::Recovered { metric, .. } => format!("the quality is good again: {metric:?}"),
        },
        EventKind::MediaSwitched { to, gap } => match gap {
            Some(gap) => format!("audio moved to {to}, {} ms without", gap.as_millis()),
            None => format!("audio moved to {to}"),
        },
        EventKind::SourceEnded => "the recording was played to its end".to_owned(),
        EventKind::AudioReplaced => "other audio took the place of this call's".to_owned(),
        EventKind::RecordingEnded { result: Ok(()), .. } => "the recording is complete".to_owned(),
        EventKind::RecordingEnded { result: Err(failure), .. } => {
            format!("the recording is not complete: {failure}")
        }
        EventKind::MediaSummary(summary) => {
            format!(
                "audio: {} packets sent, {} received, {} lost",
                summary.sent, summary.received, summary.lost
            )
        }
        EventKind::Digit { duration, .. } => format!("a digit was dialled ({} ms)", duration.as_millis()),
        EventKind::MediaFailed { failure } => format!("audio failed: {failure}"),
        EventKind::ConnectionEnded { cause } if *cause != CloseCause::Closed => {
            format!("a connection ended: {cause}")
        }
        // What people read says the same by other events.
        EventKind::SubscriptionEnded { .. }
        | EventKind::MediaStateChanged { .. }
        | EventKind::MediaMonitored(_)
        | EventKind::MediaQuality(_)
        | EventKind::ConnectionEnded { .. }
        | EventKind::Message(_) => return None,
        _ => event.name().replace('_', " "),
    };
    Some(match (event.session, event.transfer) {
        (Some(session), _) => format!("{session}: {words}"),
        (None, Some(transfer)) => format!("{transfer}: {words}"),
        (None, None) => words,
    })
}

/// The outcome of a transfer in one line: what, with which code, why, and how it was learned.
pub(crate) fn outcome(
    name: &str,
    code: Option<StatusCode>,
    reason: Option<&str>,
    learned_from: Option<&str>,
) -> String {
    let code = code.map(|code| format!(" ({code} {})", code.reason_phrase())).unwrap_or_default();
    let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
    let learned = learned_from.map(|learned| format!(", learned from: {learned}")).unwrap_or_default();
    format!("{name}{code}{reason}{learned}")
}

fn ended(event: &SessionEvent) -> String {
    let name = event.outcome().unwrap_or("ended");
    let line = outcome(name, event.code(), event.reason().as_deref(), event.learned_from());
    format!("transfer {line}")
}

fn reason(event: &SessionEvent) -> String {
    event.reason().unwrap_or_else(|| "no reason given".to_owned())
}
