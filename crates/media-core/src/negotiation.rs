//! Offer and answer for one leg (RFC 3264, RFC 6337): what is wished, what is pending, what is in force.
//!
//! A [`Negotiation`] is synchronous and pure: it turns a wish into descriptions and the peer's descriptions into
//! an [`Agreed`] value, which the streams then apply. Nothing that is merely offered changes what is in force.

mod agreed;
mod describe;
mod format;
mod local;
mod payload_types;
mod refusal;
mod security;
mod select;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use crate::direction::Direction;
use crate::sdp::{Media, SdpError, SessionDescription};
use crate::srtp::Suite;
use crate::srtp::sdes::Crypto;

pub use agreed::{Agreed, AgreedSrtp};
pub use format::MediaFormat;
pub use local::{CodecPreference, HoldDirection, LocalMedia};
pub use refusal::refusal;
pub use security::SrtpPolicy;

use describe::{Slot, Versions};
use payload_types::PayloadTypes;
use security::{Profile, Security};
use select::RemoteAudio;

/// Negotiates one leg's audio: see the module's text.
#[derive(Debug, Clone)]
pub struct Negotiation {
    local: LocalMedia,
    security: Security,
    hold: HoldDirection,
    held: bool,
    /// What is wished for apart from hold.
    direction: Direction,
    versions: Versions,
    /// Our m-lines in their order; never shrinks (TR-211).
    slots: Vec<Slot>,
    payload_types: PayloadTypes,
    /// The host that the peer's signalling may come from, and the others where there are several.
    signalling: Option<IpAddr>,
    further_signalling: Box<[IpAddr]>,
    pending: Pending,
    in_force: Option<InForce>,
}

#[derive(Debug, Clone)]
enum Pending {
    None,
    Ours(Box<Offer>),
    Theirs(Box<TheirOffer>),
}

/// An offer of ours, with what it was made from.
#[derive(Debug, Clone)]
struct Offer {
    local: LocalMedia,
    security: Security,
    profile: Profile,
    direction: Direction,
    held: bool,
}

/// An offer of the peer: its lines, and what the one says that we take; `None` where it rejects what was in force.
#[derive(Debug, Clone)]
struct TheirOffer {
    lines: Vec<Slot>,
    audio: Option<RemoteAudio>,
}

#[derive(Debug, Clone)]
struct InForce {
    agreed: Agreed,
    remote_hold: bool,
}

impl Negotiation {
    /// Creates a negotiation that wishes to send and receive; nothing is in force.
    pub fn new(local: LocalMedia) -> Self {
        Self {
            local,
            security: Security::default(),
            hold: HoldDirection::default(),
            held: false,
            direction: Direction::SendRecv,
            versions: Versions::default(),
            slots: Vec::new(),
            payload_types: PayloadTypes::default(),
            signalling: None,
            further_signalling: Box::default(),
            pending: Pending::None,
            in_force: None,
        }
    }

    /// Chooses how a hold is offered from now on.
    #[must_use]
    pub fn with_hold(mut self, hold: HoldDirection) -> Self {
        self.hold = hold;
        self
    }

    /// Secures the session by `policy`, with one of `suites`, the most wanted first. Their keys are drawn from `random`,
    /// which has to be the operating system's, or one as good.
    #[must_use]
    pub fn with_srtp(
        mut self,
        policy: SrtpPolicy,
        suites: &[Suite],
        random: &mut dyn FnMut() -> u64,
    ) -> Self {
        self.security = Security::new(policy, suites, random);
        self
    }

    /// Moves our side to another address, which shows in the next offer or answer (TR-222). The keys for it are drawn
    /// from `random`; without SRTP it is not asked.
    pub fn relocate(&mut self, address: IpAddr, port: u16, random: &mut dyn FnMut() -> u64) {
        if (address, port) != (self.local.address, self.local.port) {
            (self.local.address, self.local.port) = (address, port);
            self.security.renew(random);
        }
    }

    /// Says where the peer's signalling comes from, for what is agreed next; the addresses that a name stands for.
    pub fn signalled_from(&mut self, hosts: impl IntoIterator<Item = IpAddr>) {
        let mut hosts = hosts.into_iter().map(|host| host.to_canonical());
        self.signalling = hosts.next();
        self.further_signalling = hosts.collect();
    }

    /// Sets which way media is wished to flow while there is no hold: sendrecv at first.
    pub fn set_direction(&mut self, direction: Direction) {
        self.direction = direction;
    }

    /// Sets the local wish for hold; it shows in the next offer or answer, whatever the peer wishes
    /// (RFC 6337 §5.3, TR-215, TR-217).
    pub fn desire(&mut self, held: bool) {
        self.held = held;
    }

    /// Returns the local wish for hold, in force or not.
    pub fn desired_hold(&self) -> bool {
        self.held
    }

    /// Returns what our side brings.
    pub fn local(&self) -> &LocalMedia {
        &self.local
    }

    /// Builds a fresh offer of everything we can do, in the wished direction; it is pending until
    /// [`Self::answered`] or [`Self::rollback`]. A pending offer of either side is forgotten.
    pub fn offer(&mut self) -> Vec<u8> {
        let direction = self.wish();
        let (bytes, profile) = self.describe_offer(direction);
        let (local, security) = (self.local.clone(), self.security.clone());
        self.pending =
            Pending::Ours(Box::new(Offer { local, security, profile, direction, held: self.held }));
        bytes
    }

    /// Takes the peer's offer; it is pending until [`Self::answer`] or [`Self::rollback`].
    ///
    /// An offer that rejects the audio of a running session (port 0) is taken; a first offer without usable
    /// audio is an error. On error what was pending before stays.
    pub fn offered(&mut self, sdp: &[u8]) -> Result<(), SdpError> {
        let description = SessionDescription::parse(sdp)?;
        let media: Vec<Media<'_>> = description.media().collect();
        let audio = match select::from_offer(
            &description,
            &media,
            &self.local,
            &self.security,
            self.audio_slot(),
            self.secured(),
        ) {
            Ok(found) => Some(found),
            Err(SdpError::NoAudio) if self.in_force.is_some() && !media.is_empty() => None,
            Err(error) => return Err(error),
        };
        let line = |(index, media)| match &audio {
            Some((chosen, remote)) if *chosen == index => Slot::Audio(Some(remote.profile)),
            Some(_) | None => Slot::rejecting(media),
        };
        let lines = media.iter().enumerate().map(line).collect();
        let audio = audio.map(|(_, remote)| remote);
        self.pending = Pending::Theirs(Box::new(TheirOffer { lines, audio }));
        Ok(())
    }

    /// Builds our answer to the pending offer and puts the result in force.
    ///
    /// Without a pending offer the last description that was sent is returned again, unchanged; it is empty when
    /// there is none.
    pub fn answer(&mut self) -> Vec<u8> {
        let Pending::Theirs(offer) = std::mem::replace(&mut self.pending, Pending::None) else {
            return self.versions.repeat(self.local.session_id);
        };
        let TheirOffer { lines, audio } = *offer;
        let wish = self.wish();
        let direction =
            audio.as_ref().map_or(Direction::Inactive, |remote| Direction::answer(remote.direction, wish));
        let theirs = audio.as_ref().and_then(|remote| remote.crypto.as_ref());
        let ours = theirs.and_then(|theirs| self.security.answer(theirs));
        let answer = self.describe_answer(lines, audio.as_ref(), ours.as_ref(), direction);
        match audio {
            Some(remote) => {
                let remote_hold = !remote.direction.receives() || !remote.valid;
                let agreed = self.agree(&self.local, remote, ours, direction, self.held);
                self.in_force = Some(InForce { agreed, remote_hold });
            }
            None => self.reject_in_force(),
        }
        answer
    }

    /// Takes the peer's answer to our pending offer and puts the result in force. After an error the offer stays
    /// pending: the caller chooses between [`Self::rollback`] and ending the leg.
    pub fn answered(&mut self, sdp: &[u8]) -> Result<(), SdpError> {
        let Pending::Ours(offer) = &self.pending else { return Err(SdpError::NoOfferPending) };
        let answer = SessionDescription::parse(sdp)?;
        let (offered, answered) = (self.slots.len(), answer.media_count());
        if answered != offered {
            return Err(SdpError::MediaCount { offered, answered });
        }
        let index = self.audio_slot().ok_or(SdpError::NoAudio)?;
        let Offer { local, security, profile, direction, held } = &**offer;
        match select::from_answer(&answer, index, *profile, local, security, self.secured()) {
            Ok(remote) => {
                // An offer that does not send leaves the peer no choice, so its answer tells nothing.
                let remote_hold = if direction.sends() {
                    !remote.direction.receives() || !remote.valid
                } else {
                    !remote.valid || self.remote_hold()
                };
                let ours = remote.crypto.as_ref().and_then(|theirs| security.answer(theirs));
                self.payload_types.learn(&remote.formats);
                let direction = direction.and(remote.direction.reversed());
                let agreed = self.agree(local, remote, ours, direction, *held);
                self.in_force = Some(InForce { agreed, remote_hold });
            }
            Err(SdpError::NoAudio) if self.in_force.is_some() => self.reject_in_force(),
            Err(error) => return Err(error),
        }
        self.pending = Pending::None;
        Ok(())
    }

    /// Forgets the pending offer; what is in force stays (RFC 6337 §3.4). A refused offer of ours has used up its
    /// version (TR-221).
    pub fn rollback(&mut self) {
        if matches!(self.pending, Pending::Ours(_)) {
            self.versions.refused();
        }
        self.pending = Pending::None;
    }

    /// Returns what is in force; `None` before the first answer.
    pub fn in_force(&self) -> Option<&Agreed> {
        self.in_force.as_ref().map(|in_force| &in_force.agreed)
    }

    /// Returns true while an offer of ours waits for its answer.
    pub fn offer_pending(&self) -> bool {
        matches!(self.pending, Pending::Ours(_))
    }

    /// Returns true when the hold that is in force is ours; a hold that is only offered does not count (TR-224).
    pub fn local_hold(&self) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| in_force.agreed.held)
    }

    /// Returns true when the peer does not want our audio: its direction in force has no "receive", or its address
    /// is unspecified. No proof of a hold by a person (TR-218).
    pub fn remote_hold(&self) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| in_force.remote_hold)
    }

    fn wish(&self) -> Direction {
        let held = match (self.held, self.hold) {
            (false, _) => Direction::SendRecv,
            (true, HoldDirection::SendOnly) => Direction::SendOnly,
            (true, HoldDirection::Inactive) => Direction::Inactive,
        };
        self.direction.and(held)
    }

    fn audio_slot(&self) -> Option<usize> {
        self.slots.iter().position(|slot| matches!(slot, Slot::Audio(_)))
    }

    /// True once SRTP was in force, also while the stream is rejected (TM-105).
    fn secured(&self) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| in_force.agreed.srtp.is_some())
    }

    fn agree(
        &self,
        local: &LocalMedia,
        remote: RemoteAudio,
        ours: Option<Crypto>,
        direction: Direction,
        held: bool,
    ) -> Agreed {
        Agreed {
            local: SocketAddr::new(local.address, local.port),
            remote_rtp: remote.rtp,
            remote_rtcp: remote.rtcp,
            rtcp_mux: remote.rtcp_mux,
            codec: remote.codec,
            payload_type: remote.payload_type,
            dtmf_payload_type: remote.dtmf.map(|(number, _)| number),
            dtmf_clock_rate: remote.dtmf.map_or(remote.codec.clock_rate(), |(_, clock_rate)| clock_rate),
            dtmf_events: remote.dtmf_events,
            comfort_noise_payload_type: remote.comfort_noise,
            receive: self.payload_types.told(),
            ptime_ms: remote.packet_time(local.ptime_ms()),
            direction,
            remote_valid: remote.valid,
            held,
            signalling: self.signalling_of(remote.rtp.ip()),
            srtp: ours.zip(remote.crypto).map(|(local, remote)| Box::new(AgreedSrtp { local, remote })),
        }
    }

    /// The host that signals: that of the media, where it is one of several.
    fn signalling_of(&self, media: IpAddr) -> Option<IpAddr> {
        self.further_signalling.iter().copied().find(|host| *host == media).or(self.signalling)
    }

    fn reject_in_force(&mut self) {
        if let Some(in_force) = &mut self.in_force {
            in_force.agreed.reject();
            in_force.remote_hold = false;
        }
    }
}
