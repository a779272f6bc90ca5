//! Events as JSON: one object a line, the field names of `docs/cli.md`.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use session_core::{
    EventKind, Metric, QualityChange, SessionEvent, SessionMediaState, StatusCode, TransferStage,
    subscription_end_name,
};

/// One line of `--json` output. Fields that do not apply are left out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    event: &'static str,
    at_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Line {
    /// The line of a bus event; `at` is monotonic time since the process's start.
    pub(crate) fn of(event: &SessionEvent, at: Duration) -> Self {
        Self {
            event: event.name(),
            at_ms: whole_ms(at),
            party: None,
            session: event.session.map(|session| session.to_string()),
            transfer: event.transfer.map(|transfer| transfer.to_string()),
            peer: event.peer(),
            code: event.code().map(StatusCode::as_u16),
            reason: event.reason(),
            stage: event.stage().map(TransferStage::name),
            outcome: event.outcome(),
            learned_from: event.learned_from(),
            more: more(event),
        }
    }

    /// An event of the application itself.
    pub(crate) fn own(event: &'static str, at: Duration) -> Self {
        Self {
            event,
            at_ms: whole_ms(at),
            party: None,
            session: None,
            transfer: None,
            peer: None,
            code: None,
            reason: None,
            stage: None,
            outcome: None,
            learned_from: None,
            more: Map::new(),
        }
    }

    /// Says which party of the demo it is about.
    pub(crate) const fn with_party(mut self, party: &'static str) -> Self {
        self.party = Some(party);
        self
    }

    /// Gives a reason, if there is one.
    pub(crate) fn with_reason(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// Adds a field of this event alone.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The line, without line end.
    pub(crate) fn to_json(&self) -> String {
        // invariant: strings, numbers and a string-keyed map always have a JSON form.
        serde_json::to_string(self).expect("invariant: a line serialises")
    }
}

/// The fields that only this kind of event has.
fn more(event: &SessionEvent) -> Map<String, Value> {
    let mut more = Map::new();
    let mut put = |name: &str, value: Value| more.insert(name.to_owned(), value);
    match &event.kind {
        EventKind::IncomingCall { to, .. } => {
            put("to", to.as_str().into());
        }
        EventKind::TransferEnded(outcome) => {
            if outcome.on_hold {
                put("on_hold", true.into());
            }
            if let Some(after) = outcome.retry_after {
                put("retry_after_s", after.as_secs().into());
            }
        }
        EventKind::RegistrationActive { registration, registered, .. } => {
            let uri = |uri: &session_core::UriBuf| Value::from(uri.as_str());
            put("registration", registration.to_string().into());
            put("expires_s", registered.expires.as_secs().into());
            put("contacts", registered.contacts.iter().map(uri).collect());
            put("service_route", registered.service_route.iter().map(uri).collect());
            put("gruu", registered.pub_gruu.as_ref().map(uri).into());
        }
        EventKind::RegistrationFailed { registration, retry_after, .. } => {
            put("registration", registration.to_string().into());
            put("retry_ms", retry_after.map(whole_ms).into());
        }
        EventKind::RegistrationLapsed { registration, .. }
        | EventKind::RegistrationFlowLost { registration, .. } => {
            put("registration", registration.to_string().into());
        }
        EventKind::RegistrationEnded { registration, confirmed, .. } => {
            put("registration", registration.to_string().into());
            put("confirmed", (*confirmed).into());
        }
        EventKind::Established { placed, .. } => {
            put("placed", (*placed).into());
        }
        EventKind::HoldChanged { local, remote } => {
            put("local_hold", (*local).into());
            put("remote_hold", (*remote).into());
        }
        EventKind::TransferInitiated { kind, .. } | EventKind::TransferKindChanged { kind } => {
            put("kind", kind.name().into());
        }
        EventKind::SubscriptionEnded { end, .. } => {
            put("end", subscription_end_name(*end).into());
        }
        EventKind::TransferRequested { referred_by, verified, decide, kind, .. } => {
            put("kind", kind.name().into());
            put("referred_by", referred_by.as_deref().into());
            put("verified", (*verified).into());
            put("decide", (*decide).into());
        }
        EventKind::Replaced { old, referred_by, verified, .. } => {
            put("replaced", old.to_string().into());
            put("referred_by", referred_by.as_deref().into());
            put("verified", (*verified).into());
        }
        EventKind::ReplaceRefused { referred_by, .. } => {
            put("referred_by", referred_by.as_deref().into());
        }
        EventKind::ReplaceUnacknowledged { old } => {
            put("replaced", old.to_string().into());
        }
        EventKind::MediaSwitched { gap, .. } => {
            put("gap_ms", gap.map(ms).into());
        }
        EventKind::MediaQuality(report) => {
            put("measured", format!("{:?}", report.kind).to_ascii_lowercase().into());
            put("jitter_ms", tenth(report.jitter_ms).into());
            put("loss_percent", tenth(report.loss_percent).into());
            put("round_trip_ms", report.rtt.map(ms).into());
            put("mos", report.mos.map(hundredth).into());
        }
        EventKind::MediaSummary(summary) => {
            put("sent", summary.sent.into());
            put("received", summary.received.into());
            put("lost", summary.lost.into());
            put("jitter_ms", tenth(summary.max_jitter_ms).into());
            put("round_trip_ms", summary.rtt.map(ms).into());
            put("mos", summary.mos.map(hundredth).into());
        }
        EventKind::MediaStateChanged { state } => {
            put("state", state.name().into());
            if let SessionMediaState::Paused(by) = state {
                put("held_by", by.name().into());
            }
        }
        EventKind::RecordingEnded { recording, result } => {
            put("recording", recording.0.into());
            put("complete", result.is_ok().into());
            if let Err(failure) = result {
                put("failure", failure.to_string().into());
            }
        }
        EventKind::MediaMonitored(summary) => {
            put("received", summary.packets.into());
            put("loss_percent", summary.loss_percent.map(tenth).into());
            put("jitter_ms", summary.max_jitter_ms.map(tenth).into());
            put("round_trip_ms", summary.rtt.map(ms).into());
            put("mos", summary.mean_mos.map(hundredth).into());
            put("worst_mos", summary.worst_mos.map(hundredth).into());
        }
        EventKind::MediaKeyExpired { sending } => {
            put("sending", (*sending).into());
        }
        EventKind::MediaSoundAgain { gap } => {
            put("gap_ms", ms(*gap).into());
        }
        EventKind::MediaQualityChanged { measured, change } => {
            let (QualityChange::Degraded { metric, value } | QualityChange::Recovered { metric, value }) =
                change;
            put("measured", format!("{measured:?}").to_ascii_lowercase().into());
            put("metric", metric_name(*metric).into());
            put("value", hundredth(*value).into());
        }
        EventKind::Digit { duration, .. } => {
            put("duration_ms", whole_ms(*duration).into());
        }
        EventKind::Message(message) => {
            put("sent", message.sent.into());
            put("local", message.local.to_string().into());
            put("bytes", message.bytes.len().into());
        }
        _ => {}
    }
    more
}

fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Loss => "loss_percent",
        Metric::Jitter => "jitter_ms",
        Metric::RoundTrip => "round_trip_ms",
        Metric::Mos => "mos",
        _ => "other",
    }
}

/// Whole milliseconds.
pub(crate) fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds with one decimal.
pub(crate) fn ms(time: Duration) -> f64 {
    tenth(time.as_secs_f64() * 1_000.0)
}

/// Rounds to one decimal, so that lines stay readable.
pub(crate) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Rounds to two decimals.
pub(crate) fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
