//! What is known of peers that need something else than the usual: data, each line with its source.

use std::time::Duration;

use crate::{
    ByeOwner, Fallback, ReferOptions, ReferPlacement, ReferSubscription, ReferTarget, ReferredBy, TelTarget,
    TransferPolicy,
};

/// How transfers are done with one kind of peer. Everything that a peer may get wrong and still be understood is understood
/// without a profile; a profile says what has to be done in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of a peer, by a name that users read")]
pub struct PeerProfile {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Where the REFER is sent.
    pub placement: ReferPlacement,
    /// Which subscription is asked for.
    pub subscription: ReferSubscription,
    /// Whether Referred-By has our display name.
    pub display_names: bool,
    /// Whether there is a Referred-By.
    pub referred_by: bool,
    /// Whether the REFER names us in Diversion (RFC 5806).
    pub diversion: bool,
    /// How a `tel` target is written.
    pub tel: TelTarget,
    /// What the Refer-To of an attended transfer names first.
    pub refer_to: ReferTarget,
    /// Whether the call is held before the REFER.
    pub hold_first: bool,
    /// Whether a subscription that is not wanted any more is ended by SUBSCRIBE with Expires 0.
    pub unsubscribe: bool,
    /// Who hangs up on the party that was moved.
    pub bye: ByeOwner,
    /// How long our BYE waits after a success.
    pub bye_delay: Duration,
    /// Whether two calls are joined here, because the peer does not take a Replaces or takes it wrongly: an attended transfer
    /// is a bridge at once, and a blind one that the peer refuses as [`Fallback::Bridge`] says.
    pub bridge: bool,
    /// Whether the peer wants to be told of a success as soon as its REFER is accepted.
    pub immediate_success: bool,
}

/// What most peers need: RFC 3515, RFC 5589 and the recommended decisions.
const GENERIC: PeerProfile = PeerProfile {
    name: "generic",
    placement: ReferPlacement::Auto,
    subscription: ReferSubscription::Implicit,
    // RingCentral refuses them, nobody needs them (EC-40).
    display_names: false,
    referred_by: true,
    diversion: false,
    tel: TelTarget::AsIs,
    refer_to: ReferTarget::Contact,
    hold_first: true,
    unsubscribe: true,
    bye: ByeOwner::Transferor,
    bye_delay: Duration::ZERO,
    bridge: false,
    immediate_success: false,
};

/// The profiles. "Notes" is the table of provider notes in the catalogue's §4, "interop" the list of surprises seen with
/// real peers.
const PROFILES: [PeerProfile; 19] = [
    GENERIC,
    // Notes: blind only, so two calls are joined here. A `tel` target stays one, a `sip` target has to be in the trunk's
    // domain.
    PeerProfile { name: "twilio", bridge: true, ..GENERIC },
    // Notes: 403 without a Diversion (D51).
    PeerProfile { name: "telnyx", diversion: true, ..GENERIC },
    // Notes: its documents refuse requests with Replaces.
    PeerProfile { name: "teams", bridge: true, ..GENERIC },
    // Notes: it consumes the REFER and rewrites the host of Refer-To, so a device's Contact leads nowhere.
    PeerProfile { name: "cube", refer_to: ReferTarget::AddressOfRecord, ..GENERIC },
    // Notes: back-to-back, so only the dialog of the call and addresses of record mean something to it.
    PeerProfile {
        name: "cucm",
        placement: ReferPlacement::InDialog,
        refer_to: ReferTarget::AddressOfRecord,
        ..GENERIC
    },
    // Notes: it adds Referred-By itself, and there is at most one (RFC 3892 §2.1).
    PeerProfile { name: "oracle", referred_by: false, ..GENERIC },
    // Notes: an id in the first Event and long durations, which are understood.
    PeerProfile { name: "audiocodes", ..GENERIC },
    // Notes: challenges REFER, which is answered where there is a key.
    PeerProfile { name: "broadsoft", refer_to: ReferTarget::AddressOfRecord, ..GENERIC },
    // Notes: the same.
    PeerProfile { name: "sipxecs", refer_to: ReferTarget::AddressOfRecord, ..GENERIC },
    // Notes: wants an early 200 sipfrag.
    PeerProfile { name: "snom", immediate_success: true, ..GENERIC },
    // Notes: the same.
    PeerProfile { name: "mitel", immediate_success: true, ..GENERIC },
    // Notes: no display name in Refer-To (EC-40); ours has none, and Referred-By has none here.
    PeerProfile { name: "ringcentral", display_names: false, ..GENERIC },
    // Notes: a sipfrag without its version parameter, which is understood.
    PeerProfile { name: "3cx", refer_to: ReferTarget::AddressOfRecord, ..GENERIC },
    // Interop 4: as a server it routes by user, and a Contact without one is 404; it misread norefersub (EC-47).
    PeerProfile { name: "asterisk", refer_to: ReferTarget::AddressOfRecord, ..GENERIC },
    // Interop: linphonec ends its call on SUBSCRIBE with Expires 0; never terminates after a failure (1).
    PeerProfile { name: "linphone", unsubscribe: false, ..GENERIC },
    // Interop 3: 1.0.0 puts Replaces into the Request-URI, and nobody finds it; as a target it opens a second call.
    PeerProfile { name: "baresip-1", bridge: true, ..GENERIC },
    // Interop 4: prints no port in From and To, so an address of record leads elsewhere and the Contact does not; interop 6:
    // it honours `Refer-Sub: false`, which nobody has to ask for.
    PeerProfile { name: "pjsip", refer_to: ReferTarget::Contact, ..GENERIC },
    // Interop 2: every NOTIFY says `terminated`, which is understood.
    PeerProfile { name: "sip.js", ..GENERIC },
];

impl Default for PeerProfile {
    fn default() -> Self {
        GENERIC
    }
}

impl PeerProfile {
    /// The profile of that name, in any case; `None` if there is none.
    pub fn by_name(name: &str) -> Option<Self> {
        PROFILES.into_iter().find(|profile| profile.name.eq_ignore_ascii_case(name))
    }

    /// The names of all profiles, `generic` first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.into_iter().map(|profile| profile.name)
    }

    /// How a REFER is sent to such a peer.
    pub fn refer_options(&self) -> ReferOptions {
        ReferOptions {
            placement: self.placement,
            subscription: self.subscription,
            referred_by: match (self.referred_by, self.display_names) {
                (true, false) => ReferredBy::Ours,
                (true, true) => ReferredBy::Named,
                (false, _) => ReferredBy::Omitted,
            },
            diversion: self.diversion,
            tel: self.tel,
            fallback: self.bridge.then_some(Fallback::Bridge),
            ..ReferOptions::default()
        }
    }

    /// Sets what the policy of an engine has to say about such peers; nothing of who may do what.
    pub fn apply(&self, policy: &mut TransferPolicy) {
        policy.unsubscribe = self.unsubscribe;
        policy.bye = self.bye;
        policy.bye_delay = self.bye_delay;
        policy.attended.refer_to = self.refer_to;
        policy.attended.replaces = !self.bridge;
        policy.referred.report_at_once = self.immediate_success;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_by_its_name_in_any_case() {
        for name in PeerProfile::names() {
            assert_eq!(PeerProfile::by_name(name).map(|profile| profile.name), Some(name));
            let upper = name.to_ascii_uppercase();
            assert_eq!(PeerProfile::by_name(&upper).map(|profile| profile.name), Some(name));
        }
        assert_eq!(PeerProfile::by_name("nobody"), None);
        assert_eq!(PeerProfile::names().next(), Some("generic"));
        let mut names: Vec<_> = PeerProfile::names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PROFILES.len());
    }

    #[test]
    fn the_generic_profile_changes_nothing() {
        let mut policy = TransferPolicy::default();
        PeerProfile::default().apply(&mut policy);
        assert_eq!(policy, TransferPolicy::default());
        assert_eq!(PeerProfile::default().refer_options(), ReferOptions::default());
    }

    #[test]
    fn the_habits_of_a_peer_reach_policy_and_options() {
        // covers: EC-40, EC-49
        let of = |name| PeerProfile::by_name(name).expect("invariant: a built-in profile");
        let mut policy = TransferPolicy::default();
        of("linphone").apply(&mut policy);
        assert!(!policy.unsubscribe);
        of("cucm").apply(&mut policy);
        assert_eq!((policy.attended.refer_to, policy.unsubscribe), (ReferTarget::AddressOfRecord, true));
        assert_eq!(of("cucm").refer_options().placement, ReferPlacement::InDialog);
        assert_eq!(of("oracle").refer_options().referred_by, ReferredBy::Omitted);
        assert_eq!(of("ringcentral").refer_options().referred_by, ReferredBy::Ours);
        assert!(of("telnyx").refer_options().diversion);
        of("teams").apply(&mut policy);
        assert!(!policy.attended.replaces);
        assert_eq!(of("teams").refer_options().fallback, Some(Fallback::Bridge));
    }
}
