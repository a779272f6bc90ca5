//! Which subscription a REFER of ours asks for, and what a peer makes of that (RFC 4488 §4, RFC 7614).

use sip_message::{Draft, HeaderId, Message};

use crate::boundary::refer::ReferSubscription;

use super::{referring::Subscriber, subject::Subject};

impl Subscriber {
    /// Whether a 2xx grants that there is no subscription, as was asked for (RFC 4488 §4, TR-071); what was required was
    /// granted by any (RFC 7614 §4.3, §5.3).
    pub(super) fn is_suppressed(&self, message: &Message) -> bool {
        match self.asked_for() {
            ReferSubscription::Implicit => false,
            ReferSubscription::Suppress => matches!(message.refer_sub(), Ok(Some(false))),
            ReferSubscription::None | ReferSubscription::Explicit => true,
        }
    }

    /// Which subscription our REFER asks for.
    pub(super) fn asked_for(&self) -> ReferSubscription {
        match &self.subject {
            Subject::Refer(referral) => referral.subscription,
            Subject::Package(_) => ReferSubscription::Implicit,
        }
    }

    /// The REFER has gone out again, with these headers: what the peer does not support is not asked for any more.
    pub(crate) fn asks_again(&mut self, draft: &Draft) {
        let asked = self.asked_for();
        let Subject::Refer(referral) = &mut self.subject else { return };
        let has = |id, text: &str| draft.header_values(id).any(|value| value.contains(text));
        let still = match (asked, asked.tag()) {
            (_, Some(tag)) => has(HeaderId::Require, tag),
            (ReferSubscription::Suppress, None) => has(HeaderId::ReferSub, "false"),
            (_, None) => true,
        };
        if !still {
            referral.subscription = ReferSubscription::Implicit;
        }
    }
}
