//! Whom a Refer-To names: the target's Contact or its address of record, with the call that is to be replaced (RFC 5589
//! §7.3, RFC 3891 §4; TR-102, TR-118, TR-119, TR-130).

use dialog_core::{DialogIdentity, LegId};
use sip_message::{Replaces, UriBuf};

use crate::{legs::Leg, policy::attended::ReferTarget, surroundings::Surroundings};

/// The tag that stands for none (RFC 3891 §6.1, TR-121).
const NO_TAG: &str = "0";

/// Which address is named now, and whether the other one was tried before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming {
    /// `None`: as the policy says.
    wanted: Option<ReferTarget>,
    rerouted: bool,
}

impl Naming {
    pub(super) const fn new(wanted: Option<ReferTarget>) -> Self {
        Self { wanted, rerouted: false }
    }

    /// Turns to the other address; there is one such try (TR-171).
    pub(super) const fn reroute(&mut self) {
        self.rerouted = true;
    }

    fn target(self, around: &Surroundings<'_, '_>) -> ReferTarget {
        let first = self.wanted.unwrap_or(around.policy.attended.refer_to);
        if self.rerouted { first.other() } else { first }
    }

    /// Whether there is another address that was not tried and can be.
    pub(super) fn has_other(self, named: LegId, around: &Surroundings<'_, '_>) -> bool {
        let Some(leg) = around.legs.get(named).filter(|_| !self.rerouted) else { return false };
        let tried = self.target(around);
        let addresses = address(leg, tried).zip(address(leg, tried.other()));
        // What is no SIP URI holds no Replaces.
        addresses.is_some_and(|(tried, other)| other.as_uri().is_sip() && !is_same(tried, other))
    }

    /// The Refer-To of a REFER that names the call of a leg; `None` if that call cannot be named in a URI.
    /// `more` are further headers for it.
    pub(super) fn refer_to<'h>(
        self,
        named: LegId,
        more: impl Iterator<Item = (&'h str, &'h str)>,
        around: &Surroundings<'_, '_>,
    ) -> Option<UriBuf> {
        let leg = around.legs.get(named)?;
        let target = self.target(around);
        let replaces = replaces(leg.dialog.as_ref()?)?.to_string();
        let require = target == ReferTarget::AddressOfRecord && around.policy.attended.require_replaces;
        let mut headers = vec![("Replaces", replaces.as_str())];
        headers.extend(require.then_some(("Require", "replaces")));
        for header in more {
            headers.push(header);
        }
        let named = address(leg, target)?.with_headers(headers).ok()?;
        // A `tel` URI holds no headers, and without Replaces the target would get a second call.
        named.as_uri().has_headers().then_some(named)
    }
}

/// The address of a leg's party.
fn address(leg: &Leg, target: ReferTarget) -> Option<&UriBuf> {
    match target {
        ReferTarget::Contact => leg.contact.as_ref(),
        ReferTarget::AddressOfRecord => leg.record.as_ref(),
    }
}

/// Whether two addresses lead to the same place. A public GRUU is always equivalent to its address of record (RFC 5627
/// §5.4), and yet the one names a device and the other a user.
fn is_same(one: &UriBuf, other: &UriBuf) -> bool {
    let is_gruu = |uri: &UriBuf| uri.as_uri().param("gr").is_some();
    one.equivalent(other) && is_gruu(one) == is_gruu(other)
}

/// A dialog as its peer knows it: to-tag is the peer's own tag, whoever placed the call (RFC 3891 §3, TR-102).
fn replaces(dialog: &DialogIdentity) -> Option<Replaces> {
    let theirs = if dialog.remote_tag.is_empty() { NO_TAG } else { &dialog.remote_tag };
    // A Call-ID with a semicolon, which RFC 3261 does not allow, could not be told from the tags.
    Replaces::new(&dialog.call_id, theirs, &dialog.local_tag).ok()
}
