//! The offer of explicit subscriptions: to what becomes of a REFER of theirs that makes none by itself (RFC 7614 §4).

use std::time::Duration;

use sip_message::Message;

use crate::{
    boundary::refer::{EXPLICIT_SUBSCRIPTION, NO_SUBSCRIPTION},
    config::DialogConfig,
};

/// How far explicit subscriptions are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplicitSubscriptions {
    /// Of how many REFERs at a time the state can be had, those included that are over; one more is answered 503.
    pub referrals: usize,
    /// Most subscriptions to one of them at a time; one more is answered 503 (RFC 7614 §8, TR-086).
    pub subscribers: usize,
    /// Most subscriptions at a time that one network address has made; one more is answered 503 (TR-086).
    pub per_source: usize,
    /// How long the last state is kept; never less than two non-INVITE transactions take, 2*64*T1 (RFC 7614 §4.7,
    /// catalogue T-EXPL).
    pub kept: Duration,
}

impl ExplicitSubscriptions {
    /// Default for [`referrals`](Self::referrals): each call may be in one transfer; a state takes some 300 bytes.
    pub const REFERRALS: usize = DialogConfig::LEGS;
    /// Default for [`subscribers`](Self::subscribers): who sent the REFER, and some that it has told the address.
    pub const SUBSCRIBERS: usize = 4;
    /// Default for [`per_source`](Self::per_source): what a proxy in front of many phones needs, and a small part of
    /// [`DialogConfig::SUBSCRIPTIONS`].
    pub const PER_SOURCE: usize = 1_000;
    /// Default for [`kept`](Self::kept): 2*64*T1.
    pub const KEPT: Duration = Duration::from_secs(64);
}

impl Default for ExplicitSubscriptions {
    fn default() -> Self {
        Self {
            referrals: Self::REFERRALS,
            subscribers: Self::SUBSCRIBERS,
            per_source: Self::PER_SOURCE,
            kept: Self::KEPT,
        }
    }
}

/// What a REFER requires of its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Required {
    /// Nothing: the implicit one, unless it is granted that there is none.
    Nothing,
    /// That there is none (`nosub`, RFC 7614 §5.3).
    None,
    /// That there is none until somebody subscribes (`explicitsub`, RFC 7614 §4.3).
    Explicit,
}

impl Required {
    /// Reads Require; `None` if it asks for both, which cannot be had.
    pub(crate) fn of(refer: &Message) -> Option<Self> {
        let requires = |wanted: &str| refer.require().any(|tag| tag.eq_ignore_ascii_case(wanted));
        match (requires(NO_SUBSCRIPTION), requires(EXPLICIT_SUBSCRIPTION)) {
            (false, false) => Some(Self::Nothing),
            (true, false) => Some(Self::None),
            (false, true) => Some(Self::Explicit),
            (true, true) => None,
        }
    }

    /// Whether the REFER may be accepted without a word to anybody.
    pub(crate) fn may_suppress(self, refer: &Message) -> bool {
        match self {
            Self::Nothing => matches!(refer.refer_sub(), Ok(Some(false))),
            Self::None => true,
            Self::Explicit => false,
        }
    }
}
