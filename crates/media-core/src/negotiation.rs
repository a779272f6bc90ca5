//! Offer and answer for one leg (RFC 3264, RFC 6337): what is wished, what is pending, what is in force.
//!
//! A [`Negotiation`] is synchronous and pure: it turns a wish into descriptions and the peer's descriptions into
//! an [`Agreed`] value, which the streams then apply. Nothing that is merely offered changes what is in force.

mod describe;
mod payload_types;
mod select;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use crate::codec::Codec;
use crate::direction::Direction;
use crate::sdp::{SdpError, SessionDescription};

use describe::{Slot, Versions};
use payload_types::PayloadTypes;
use select::RemoteAudio;

/// Tells what our side brings into the session; fixed for the session's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMedia {
    /// The address of the RTP socket, for `o=` and `c=`; never unspecified on the wire (TR-216).
    pub address: IpAddr,
    /// The RTP port; RTCP is received on the next one.
    pub port: u16,
    /// The id of the `o=` line: fresh for every session (TR-220).
    pub session_id: u64,
    /// The codecs, most wanted first.
    pub codecs: Vec<Codec>,
    /// Whether telephone-event (RFC 4733) is offered and answered.
    pub dtmf: bool,
    /// The packet time asked for and used when the peer asks for none: 10 to 60 in steps of 10, anything else
    /// means 20.
    pub ptime_ms: u8,
}

impl LocalMedia {
    /// Returns the usual set: PCMU, PCMA, telephone-event, 20 ms.
    pub fn new(address: IpAddr, port: u16, session_id: u64) -> Self {
        Self { address, port, session_id, codecs: Codec::ALL.to_vec(), dtmf: true, ptime_ms: 20 }
    }
}

/// Tells how a local hold is offered (TR-213).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoldDirection {
    /// `sendonly`: there is, or may be, something to play to the held party.
    #[default]
    SendOnly,
    /// `inactive`: there is nothing to play.
    Inactive,
}

/// Holds what both sides agreed on for the audio stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Where RTP goes to and must come from.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes to and must come from: `a=rtcp` (RFC 3605), else the port after RTP's; port 0 means
    /// that there is none.
    pub remote_rtcp: SocketAddr,
    /// The codec that is sent.
    pub codec: Codec,
    /// The payload type the codec is sent with.
    pub payload_type: u8,
    /// The payload type of telephone-event at 8 kHz, if both have it.
    pub dtmf_payload_type: Option<u8>,
    /// The packet time that is sent, 10 to 60 ms in steps of 10.
    pub ptime_ms: u8,
    /// Our negotiated direction.
    pub direction: Direction,
    /// False when nothing may be sent, neither RTP nor RTCP: address unspecified or port 0 (TR-216, TR-223).
    pub remote_valid: bool,
    /// True when our side put the stream on hold: the device's audio is not sent even where the direction has
    /// "send", only hold audio is.
    pub held: bool,
}

impl Agreed {
    /// Returns true when the stream was rejected with port 0 rather than held (TR-223).
    pub fn rejected(&self) -> bool {
        self.remote_rtp.port() == 0
    }
}

/// Negotiates one leg's audio: see the module's text.
#[derive(Debug, Clone)]
pub struct Negotiation {
    local: LocalMedia,
    hold: HoldDirection,
    held: bool,
    versions: Versions,
    /// Our m-lines in their order; never shrinks (TR-211).
    slots: Vec<Slot>,
    payload_types: PayloadTypes,
    pending: Pending,
    in_force: Option<InForce>,
}

#[derive(Debug, Clone)]
enum Pending {
    None,
    Ours { offer: SessionDescription, direction: Direction, held: bool },
    Theirs { offer: SessionDescription, audio: Option<(usize, RemoteAudio)> },
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
            hold: HoldDirection::default(),
            held: false,
            versions: Versions::default(),
            slots: Vec::new(),
            payload_types: PayloadTypes::default(),
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
        let offer = self.describe_offer(direction);
        let bytes = offer.to_string().into_bytes();
        self.pending = Pending::Ours { offer, direction, held: self.held };
        bytes
    }

    /// Takes the peer's offer; it is pending until [`Self::answer`] or [`Self::rollback`].
    ///
    /// An offer that rejects the audio of a running session (port 0) is taken; a first offer without usable
    /// audio is an error. On error what was pending before stays.
    pub fn offered(&mut self, sdp: &[u8]) -> Result<(), SdpError> {
        let offer = SessionDescription::parse(sdp)?;
        let preferred = self.slots.iter().position(|slot| slot.audio);
        let audio = match select::from_offer(&offer, &self.local, preferred) {
            Ok(found) => Some(found),
            Err(SdpError::NoAudio) if self.in_force.is_some() && !offer.media.is_empty() => None,
            Err(error) => return Err(error),
        };
        self.pending = Pending::Theirs { offer, audio };
        Ok(())
    }

    /// Builds our answer to the pending offer and puts the result in force.
    ///
    /// Without a pending offer the last description that was sent is returned again, unchanged; it is empty when
    /// there is none.
    pub fn answer(&mut self) -> Vec<u8> {
        let Pending::Theirs { offer, audio } = std::mem::replace(&mut self.pending, Pending::None) else {
            return self.versions.last().map(|last| last.to_string().into_bytes()).unwrap_or_default();
        };
        let wish = self.wish();
        let direction = audio
            .as_ref()
            .map_or(Direction::Inactive, |(_, remote)| Direction::answer(remote.direction, wish));
        let answer = self.describe_answer(&offer, audio.as_ref(), direction);
        if let Some((_, remote)) = audio {
            let agreed = self.agree(&remote, direction, self.held);
            let remote_hold = !remote.direction.receives() || !remote.valid;
            self.in_force = Some(InForce { agreed, remote_hold });
        } else {
            self.reject_in_force();
        }
        answer.to_string().into_bytes()
    }

    /// Takes the peer's answer to our pending offer and puts the result in force. After an error the offer stays
    /// pending: the caller chooses between [`Self::rollback`] and ending the leg.
    pub fn answered(&mut self, sdp: &[u8]) -> Result<(), SdpError> {
        let Pending::Ours { offer, direction, held } = &self.pending else {
            return Err(SdpError::NoOfferPending);
        };
        let (offered_direction, held) = (*direction, *held);
        let answer = SessionDescription::parse(sdp)?;
        if answer.media.len() != offer.media.len() {
            let (offered, answered) = (offer.media.len(), answer.media.len());
            return Err(SdpError::MediaCount { offered, answered });
        }
        let index = self.slots.iter().position(|slot| slot.audio).ok_or(SdpError::NoAudio)?;
        match select::from_answer(&answer, index, offer, &self.local) {
            Ok(remote) => {
                self.payload_types.learn(&answer.media[index]);
                let direction = offered_direction.and(remote.direction.reversed());
                // An offer that does not send leaves the peer no choice, so its answer tells nothing.
                let remote_hold = if offered_direction.sends() {
                    !remote.direction.receives() || !remote.valid
                } else {
                    !remote.valid || self.remote_hold()
                };
                let agreed = self.agree(&remote, direction, held);
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
        if matches!(self.pending, Pending::Ours { .. }) {
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
        matches!(self.pending, Pending::Ours { .. })
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
        match (self.held, self.hold) {
            (false, _) => Direction::SendRecv,
            (true, HoldDirection::SendOnly) => Direction::SendOnly,
            (true, HoldDirection::Inactive) => Direction::Inactive,
        }
    }

    fn agree(&self, remote: &RemoteAudio, direction: Direction, held: bool) -> Agreed {
        Agreed {
            remote_rtp: remote.rtp,
            remote_rtcp: remote.rtcp,
            codec: remote.codec,
            payload_type: remote.payload_type,
            dtmf_payload_type: remote.dtmf_payload_type.filter(|_| self.local.dtmf),
            ptime_ms: remote.packet_time(self.ptime_ms()),
            direction,
            remote_valid: remote.valid,
            held,
        }
    }

    /// Port 0 ends the flow but not the session: the rest of the agreement stays for the events that name it.
    fn reject_in_force(&mut self) {
        if let Some(in_force) = &mut self.in_force {
            in_force.agreed.remote_rtp.set_port(0);
            in_force.agreed.remote_rtcp.set_port(0);
            in_force.agreed.remote_valid = false;
            in_force.agreed.direction = Direction::Inactive;
            in_force.remote_hold = false;
        }
    }

    fn ptime_ms(&self) -> u8 {
        if select::is_packet_time(u32::from(self.local.ptime_ms)) { self.local.ptime_ms } else { 20 }
    }
}
