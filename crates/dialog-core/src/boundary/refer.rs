//! What a REFER of ours says, in a call or outside of one.

use sip_message::{NameAddrBuf, UriBuf};

/// Which subscription a REFER of ours asks for (RFC 3515 §2.4.4, RFC 4488, RFC 7614).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferSubscription {
    /// The one that every REFER makes.
    #[default]
    Implicit,
    /// None, as a wish: `Refer-Sub: false` (RFC 4488 §4). Unless the 2xx grants it, NOTIFYs flow all the same.
    Suppress,
    /// None for certain: `Require: nosub` (RFC 7614 §5). A peer that does not know it is asked again without.
    None,
    /// One that is made by a SUBSCRIBE in a dialog of its own: `Require: explicitsub` (RFC 7614 §4). The 2xx says where, as
    /// [`SubscriptionEvent::EventsAt`](crate::SubscriptionEvent::EventsAt), and
    /// [`LegCommand::FollowRefer`](crate::LegCommand::FollowRefer) subscribes. A peer that does not know it is asked again
    /// without.
    Explicit,
}

impl ReferSubscription {
    /// The option tag that the REFER requires for it.
    pub(crate) const fn tag(self) -> Option<&'static str> {
        match self {
            Self::Implicit | Self::Suppress => None,
            Self::None => Some(NO_SUBSCRIPTION),
            Self::Explicit => Some(EXPLICIT_SUBSCRIPTION),
        }
    }
}

/// The option tag of [`ReferSubscription::None`]; only ever in Require (RFC 7614 §6, TR-085).
pub(crate) const NO_SUBSCRIPTION: &str = "nosub";

/// The option tag of [`ReferSubscription::Explicit`]; only ever in Require.
pub(crate) const EXPLICIT_SUBSCRIPTION: &str = "explicitsub";

/// A REFER that is about a call.
#[derive(Debug, Clone)]
pub struct Refer {
    /// Refer-To, headers of the URI already escaped; printed in angle brackets without a display name.
    pub refer_to: UriBuf,
    /// Referred-By.
    pub referred_by: Option<NameAddrBuf>,
    /// Which subscription is asked for.
    pub subscription: ReferSubscription,
    /// Whether it goes in a dialog of its own, on the way of the call: Target-Dialog names the call (RFC 4538, RFC 7647 §4),
    /// with `Require: tdialog` if the peer has said that it knows it.
    pub outside: bool,
    /// Further headers by name, none that this layer writes.
    pub headers: Vec<(Box<str>, Box<str>)>,
}

impl Refer {
    /// A REFER in the dialog of the call that names a target and nothing else.
    pub fn to(refer_to: UriBuf) -> Self {
        Self {
            refer_to,
            referred_by: None,
            subscription: ReferSubscription::Implicit,
            outside: false,
            headers: Vec::new(),
        }
    }
}
