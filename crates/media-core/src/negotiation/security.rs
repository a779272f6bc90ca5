//! Profiles and keys: which lines may be in clear, and what we send with.

use crate::sdp::{Media, SdpError};
use crate::srtp::sdes::Crypto;
use crate::srtp::{KeyMaterial, Suite};

/// Tells whether a session may, or must, be secured by SRTP with keys from the descriptions (RFC 4568).
///
/// Whatever the policy, a session that was secured once is never in clear again (TM-105). The keys are readable in the
/// descriptions: those need a secured way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrtpPolicy {
    /// In clear; a secured profile is refused.
    #[default]
    Off,
    /// Secured where the peer can: `RTP/AVP` with keys is offered (RFC 8643), and every profile is answered in kind.
    Optional,
    /// `RTP/SAVP` is offered, and what has no keys is refused (TM-106).
    Required,
}

/// The RTP profiles that are spoken; one of a peer is answered in kind (TM-108).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Avp,
    Savp,
    Avpf,
    Savpf,
}

impl Profile {
    const ALL: [Self; 4] = [Self::Avp, Self::Savp, Self::Avpf, Self::Savpf];

    pub(super) fn parse(protocol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name().eq_ignore_ascii_case(protocol))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avp => "RTP/AVP",
            Self::Savp => "RTP/SAVP",
            Self::Avpf => "RTP/AVPF",
            Self::Savpf => "RTP/SAVPF",
        }
    }

    fn is_secured(self) -> bool {
        matches!(self, Self::Savp | Self::Savpf)
    }
}

/// What the policy needs to know, and the keys of one address of ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Security {
    policy: SrtpPolicy,
    /// One key for each suite that we take, the most wanted first; the tag in our offers is the place, from 1.
    keys: Vec<KeyMaterial>,
}

impl Security {
    pub(super) fn new(policy: SrtpPolicy, suites: &[Suite], random: &mut dyn FnMut() -> u64) -> Self {
        let suites = if policy == SrtpPolicy::Off { &[] } else { suites };
        Self { policy, keys: suites.iter().map(|&suite| draw(suite, random)).collect() }
    }

    /// Draws new keys: those of another address are not taken along (TM-101).
    pub(super) fn renew(&mut self, random: &mut dyn FnMut() -> u64) {
        for key in &mut self.keys {
            *key = draw(key.suite(), random);
        }
    }

    /// Returns the profile to offer where the peer has chosen none, or one that our policy does not speak.
    pub(super) fn profile(&self, of_peer: Option<Profile>) -> Profile {
        let spoken = of_peer.filter(|profile| match self.policy {
            SrtpPolicy::Off => !profile.is_secured(),
            SrtpPolicy::Optional => true,
            SrtpPolicy::Required => profile.is_secured(),
        });
        spoken.unwrap_or(if self.policy == SrtpPolicy::Required { Profile::Savp } else { Profile::Avp })
    }

    /// Returns the lines to offer, that of the suite in force first.
    pub(super) fn offer(&self, in_force: Option<Suite>) -> Vec<Crypto> {
        let mut lines: Vec<Crypto> =
            (1..).zip(&self.keys).map(|(tag, key)| Crypto::new(tag, key.clone())).collect();
        lines.sort_by_key(|line| Some(line.suite) != in_force);
        lines
    }

    /// Returns our line in an answer to `theirs`.
    pub(super) fn answer(&self, theirs: &Crypto) -> Option<Crypto> {
        self.key(theirs.suite).map(|key| Crypto::new(theirs.tag, key.clone()))
    }

    /// Chooses the line of an offer to answer: the first that we can obey. `None` is for a stream in clear.
    pub(super) fn of_offer(
        &self,
        media: &Media<'_>,
        profile: Profile,
        secured: bool,
    ) -> Result<Option<Crypto>, SdpError> {
        if self.policy == SrtpPolicy::Off {
            return if profile.is_secured() { Err(SdpError::NoAudio) } else { Ok(None) };
        }
        let chosen = lines_of(media).find(|line| obeyed(line) && self.key(line.suite).is_some());
        if chosen.is_none() && (profile.is_secured() || secured || self.policy == SrtpPolicy::Required) {
            return Err(SdpError::NoCommonCrypto);
        }
        Ok(chosen)
    }

    /// Reads the line of an answer to our offer. `None` is for a stream in clear.
    pub(super) fn of_answer(
        &self,
        media: &Media<'_>,
        profile: Profile,
        secured: bool,
    ) -> Result<Option<Crypto>, SdpError> {
        if self.policy == SrtpPolicy::Off {
            return Ok(None);
        }
        // Keys that fail are no refusal of keys: the stream may not be in clear then (RFC 8643 §3.2).
        let keyed = media.attributes_named("crypto").next().is_some();
        let offered = self.offer(None);
        let chosen = lines_of(media).find(|line| {
            obeyed(line) && offered.iter().any(|ours| (ours.tag, ours.suite) == (line.tag, line.suite))
        });
        if chosen.is_none()
            && (keyed || profile.is_secured() || secured || self.policy == SrtpPolicy::Required)
        {
            return Err(SdpError::NoCommonCrypto);
        }
        Ok(chosen)
    }

    /// Returns true when of two usable lines the secured one is to be taken.
    pub(super) fn prefers_secured(&self) -> bool {
        self.policy != SrtpPolicy::Off
    }

    fn key(&self, suite: Suite) -> Option<&KeyMaterial> {
        self.keys.iter().find(|key| key.suite() == suite)
    }
}

fn lines_of(media: &Media<'_>) -> impl Iterator<Item = Crypto> {
    Crypto::parse_lines(media.attributes_named("crypto").flatten()).into_iter()
}

/// A line that would leave payloads or reports in clear is not secured.
fn obeyed(line: &Crypto) -> bool {
    line.is_usable() && !line.params.unencrypted_srtp && !line.params.unencrypted_srtcp
}

fn draw(suite: Suite, random: &mut dyn FnMut() -> u64) -> KeyMaterial {
    let bytes: Vec<u8> =
        std::iter::repeat_with(|| random().to_ne_bytes()).flatten().take(suite.material_bytes()).collect();
    // invariant: `material_bytes` is the length that the suite wants.
    KeyMaterial::new(suite, &bytes).expect("as many bytes as the suite wants")
}
