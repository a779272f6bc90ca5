//! What is allowed in transfers to somebody who was asked first (table 2.2), and their limits.

use std::time::Duration;

/// What the Refer-To of an attended transfer names; the other one is tried once if that fails (TR-119, TR-171).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferTarget {
    /// The target's Contact: the very device that was asked (RFC 3891 §4).
    #[default]
    Contact,
    /// The target's address of record, for servers that route by it (RFC 5589 §7.3).
    AddressOfRecord,
}

impl ReferTarget {
    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Contact => Self::AddressOfRecord,
            Self::AddressOfRecord => Self::Contact,
        }
    }
}

/// What completing means while the target only rings (RFC 5589 §7.6, TR-166).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SemiAttendedPolicy {
    /// It is remembered: the transfer goes on when the target answers.
    #[default]
    WaitForAnswer,
    /// The consultation call is cancelled, and when that is settled the party is referred blind.
    CancelThenBlind,
    /// It is refused.
    Refuse,
}

/// What completing means when nobody supports Replaces (RFC 5589 §7.7, TR-173).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutReplaces {
    /// It is refused; both calls stay up.
    #[default]
    Refuse,
    /// The consultation call is ended, and when that is settled the party is referred blind (RFC 5589 §7.1, TR-169).
    Blind,
}

/// The policy of attended and consultative transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each switches one thing, by a name that users write")]
pub struct AttendedPolicy {
    /// What the Refer-To names first.
    pub refer_to: ReferTarget,
    /// Whether the other one is tried once when the first leads nowhere while the target is still in the consultation call:
    /// 403, 404, 408, 420, 480, 481, 503 (TR-171). On.
    pub retry: bool,
    /// Whether who says that it supports Replaces is believed; off for peers that take it wrongly. Without Replaces the two
    /// calls are bridged, if the fallback says so, or [`AttendedPolicy::without_replaces`] counts.
    /// [`AttendedOptions::force`](crate::AttendedOptions::force) sends it all the same. On.
    pub replaces: bool,
    /// Whether an address of record is referred to with `Require=replaces`, so that a device that would only ring refuses
    /// (TR-118). On.
    pub require_replaces: bool,
    /// Whether the consultation call is held before the REFER (TR-167). On.
    pub hold_consultation: bool,
    /// What completing means while the target only rings.
    pub semi_attended: SemiAttendedPolicy,
    /// What completing means when nobody supports Replaces.
    pub without_replaces: WithoutReplaces,
    /// Whether the target is sent the REFER when the other party answers it 405 or 501 (RFC 5589 §7.4, TR-170). Off.
    pub reverse_roles: bool,
    /// T-CONSULT: how long the consultation call may ring; at most 180 s. 45 s.
    pub consult_limit: Duration,
    /// How long the target may be asked for, so that nobody is left on hold for ever. One hour.
    pub talk_limit: Duration,
}

impl Default for AttendedPolicy {
    fn default() -> Self {
        Self {
            refer_to: ReferTarget::default(),
            retry: true,
            replaces: true,
            require_replaces: true,
            hold_consultation: true,
            semi_attended: SemiAttendedPolicy::default(),
            without_replaces: WithoutReplaces::default(),
            reverse_roles: false,
            consult_limit: Duration::from_secs(45),
            talk_limit: Duration::from_hours(1),
        }
    }
}
