use core::fmt;

use super::event::lex_value;
use crate::{Params, ParseError, lex};

/// The state of a subscription (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubState {
    /// Accepted, notifications flow.
    Active,
    /// Received, not yet decided.
    Pending,
    /// Ended.
    Terminated,
    /// A token that RFC 6665 does not name; treat as active with a short expiry.
    Other,
}

/// Why a subscription ended (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubReason {
    /// Subscribe again at once, elsewhere.
    Deactivated,
    /// Subscribe again later.
    Probation,
    /// Not authorised any more.
    Rejected,
    /// It was not refreshed in time.
    Timeout,
    /// The notifier could not obtain authorisation in time.
    Giveup,
    /// The resource is gone: the usual end of a transfer's subscription.
    Noresource,
    /// The resource will never change again.
    Invariant,
    /// A token that RFC 6665 does not name; see [`SubscriptionState::reason_text`].
    Other,
}

/// `Subscription-State: terminated;reason=noresource` (RFC 6665 §8.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// The state.
    pub state: SubState,
    /// The state as written.
    pub state_text: &'a str,
    /// Seconds left; `None` if absent or unreadable. Has no meaning beside `terminated`.
    pub expires: Option<u32>,
    /// Why it ended, if the peer says so.
    pub reason: Option<SubReason>,
    /// The reason as written.
    pub reason_text: Option<&'a str>,
    /// Seconds to wait before subscribing again.
    pub retry_after: Option<u32>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> SubscriptionState<'a> {
    /// Parses `state *(;param)`, all words without regard to case.
    ///
    /// Numbers that cannot be read count as absent, and `reason=reason=noresource`, which a common peer
    /// sends, reads as `noresource`: the state alone is what a subscriber needs. Fails only if the state is
    /// no token or the parameters are malformed.
    pub fn parse(value: &'a str) -> Result<SubscriptionState<'a>, ParseError> {
        let (state_text, params) = lex_value(value)?;
        let reason_text = params.value("reason").map(strip_repeated_name).filter(|text| !text.is_empty());
        Ok(SubscriptionState {
            state: state_of(state_text),
            state_text,
            expires: params.value("expires").and_then(lex::delta_seconds),
            reason: reason_text.map(reason_of),
            reason_text,
            retry_after: params.value("retry-after").and_then(lex::delta_seconds),
            params,
        })
    }
}

impl fmt::Display for SubscriptionState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.state_text, self.params.as_str())
    }
}

fn strip_repeated_name(mut text: &str) -> &str {
    while let Some((name, rest)) = text.split_once('=') {
        if !lex::trim(name).eq_ignore_ascii_case("reason") {
            break;
        }
        text = lex::trim(rest);
    }
    text
}

fn state_of(text: &str) -> SubState {
    const STATES: [(&str, SubState); 3] =
        [("active", SubState::Active), ("pending", SubState::Pending), ("terminated", SubState::Terminated)];
    STATES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map_or(SubState::Other, |(_, state)| *state)
}

fn reason_of(text: &str) -> SubReason {
    SubReason::NAMED
        .iter()
        .copied()
        .find(|reason| reason.as_str().eq_ignore_ascii_case(text))
        .unwrap_or(SubReason::Other)
}

impl SubState {
    /// The token; empty for [`SubState::Other`].
    pub const fn as_str(self) -> &'static str {
        match self {
            SubState::Active => "active",
            SubState::Pending => "pending",
            SubState::Terminated => "terminated",
            SubState::Other => "",
        }
    }
}

impl SubReason {
    const NAMED: [SubReason; 7] = [
        SubReason::Deactivated,
        SubReason::Probation,
        SubReason::Rejected,
        SubReason::Timeout,
        SubReason::Giveup,
        SubReason::Noresource,
        SubReason::Invariant,
    ];

    /// The token; empty for [`SubReason::Other`].
    pub const fn as_str(self) -> &'static str {
        match self {
            SubReason::Deactivated => "deactivated",
            SubReason::Probation => "probation",
            SubReason::Rejected => "rejected",
            SubReason::Timeout => "timeout",
            SubReason::Giveup => "giveup",
            SubReason::Noresource => "noresource",
            SubReason::Invariant => "invariant",
            SubReason::Other => "",
        }
    }
}
