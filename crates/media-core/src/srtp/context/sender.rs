//! A context that protects what we send.

use std::fmt;

use super::index::Seen;
use super::packet::{RtpHead, rtcp_ssrc};
use super::sdes::Crypto;
use super::session::Session;
use super::sources::Sources;
use super::{FORMER_KEYS, Rollover, SrtpError, Suite};

/// Protects the RTP and RTCP packets of one direction, those of any number of sources up to [`MAX_SOURCES`].
///
/// Each packet is protected in place. On an error the packet is emptied, so that it cannot leave in clear (TM-105).
///
/// ```
/// use media_core::srtp::{KeyMaterial, SrtpError, SrtpReceiver, SrtpSender, Suite, sdes::Crypto};
///
/// let line = Crypto::new(1, KeyMaterial::new(Suite::AeadAes128Gcm, b"28 bytes of a random source.")?);
/// let mut alice = SrtpSender::new(&line)?;
/// let mut bob = SrtpReceiver::new(&Crypto::parse(&line.print())?)?;
///
/// let mut packet = b"\x80\x00\x00\x01\x00\x00\x00\xA0\x12\x34\x56\x78hello".to_vec();
/// alice.protect_rtp(&mut packet)?;
/// assert_eq!(packet.len(), 12 + 5 + alice.rtp_overhead());
/// let mut copy = packet.clone();
/// let length = bob.unprotect_rtp(&mut packet)?;
/// assert_eq!(&packet[12..length], b"hello");
/// assert_eq!(bob.unprotect_rtp(&mut copy), Err(SrtpError::Replayed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`MAX_SOURCES`]: super::MAX_SOURCES
#[derive(Clone)]
pub struct SrtpSender {
    session: Session,
    encrypt_rtp: bool,
    encrypt_rtcp: bool,
    sources: Sources<Sent>,
    /// The keys before, the latest last, at most [`FORMER_KEYS`].
    former: Vec<Former>,
}

/// A master key that is not in force, and what it has protected.
#[derive(Clone)]
struct Former {
    session: Session,
    sources: Sources<Sent>,
}

#[derive(Clone, Default)]
struct Sent {
    rtp: Option<Seen>,
    /// The next SRTCP index, at most one more than the last.
    rtcp: u32,
}

impl Sent {
    /// Goes on behind what was sent under a key that is taken back.
    fn remember(&mut self, former: &Self) {
        if let Some(seen) = former.rtp {
            self.rtp.get_or_insert(seen).merge(seen);
        }
        self.rtcp = self.rtcp.max(former.rtcp);
    }
}

impl SrtpSender {
    /// Takes the line that we wrote ourselves. Its first key is used, the others never.
    pub fn new(line: &Crypto) -> Result<Self, SrtpError> {
        let key = line.keys.first().filter(|_| line.is_usable()).ok_or(SrtpError::Unusable)?;
        Ok(Self {
            session: Session::new(key),
            encrypt_rtp: !line.params.unencrypted_srtp,
            encrypt_rtcp: !line.params.unencrypted_srtcp,
            sources: Sources::new(),
            former: Vec::new(),
        })
    }

    /// Takes the line of a later description. One with the same key changes nothing that was counted.
    ///
    /// With [`Rollover::Keep`] each source goes on with its indices (RFC 3711 §3.3.1); with [`Rollover::Restart`] each
    /// begins anew, which a key that was used cannot do. A key that was in force before, up to [`FORMER_KEYS`] lines ago,
    /// goes on behind what it has protected when it is taken back: no part of its key stream is used twice.
    pub fn rekey(&mut self, line: &Crypto, rollover: Rollover) -> Result<(), SrtpError> {
        let mut next = Self::new(line)?;
        let is_taken =
            |session: &Session| line.keys.first().is_some_and(|key| session.is_under(&key.material));
        if is_taken(&self.session) {
            if rollover == Rollover::Restart {
                return Err(SrtpError::KeyReused);
            }
            next.session.inherit(&self.session);
            next.sources = std::mem::replace(&mut self.sources, Sources::new());
            next.former = std::mem::take(&mut self.former);
            *self = next;
            return Ok(());
        }
        let back = self.former.iter().position(|former| is_taken(&former.session));
        if rollover == Rollover::Restart && back.is_some() {
            return Err(SrtpError::KeyReused);
        }
        if rollover == Rollover::Keep {
            next.sources = self.sources.clone();
            next.sources.rekeyed(|_| ());
        }
        if let Some(former) = back.and_then(|place| self.former.get(place)) {
            next.session.inherit(&former.session);
            for (ssrc, sent) in former.sources.used() {
                next.sources.note(ssrc, Sent::default)?.remember(sent);
            }
        }
        let before = std::mem::replace(self, next);
        self.former = before.former;
        self.former.push(Former { session: before.session, sources: before.sources });
        // The key that came back is in force now; of the others, the one that was left first makes room.
        if let Some(place) = back {
            self.former.remove(place);
        } else if self.former.len() > FORMER_KEYS {
            self.former.remove(0);
        }
        Ok(())
    }

    /// Returns the suite in force.
    pub fn suite(&self) -> Suite {
        self.session.suite()
    }

    /// Returns by how many bytes an RTP packet grows.
    pub fn rtp_overhead(&self) -> usize {
        self.session.rtp_trailer()
    }

    /// Returns by how many bytes an RTCP packet grows, which its interval has to reckon with (RFC 3711 §3.4).
    pub fn rtcp_overhead(&self) -> usize {
        self.session.rtcp_trailer()
    }

    /// Protects an RTP packet; it grows by [`SrtpSender::rtp_overhead`].
    ///
    /// The sequence numbers of a source begin at any value (one below 2^15 lets a receiver that misses the first
    /// packets find the roll-over counter) and go up. One that is used again, or lies far behind the highest, is
    /// refused: a source that begins anew needs a new SSRC.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let result = self.try_protect_rtp(packet);
        if result.is_err() {
            packet.clear();
        }
        result
    }

    fn try_protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let head = RtpHead::parse(packet)?;
        self.session.rtp_allowed()?;
        let sent = self.sources.note(head.ssrc, Sent::default)?;
        let index = match &mut sent.rtp {
            None => {
                let index = u64::from(head.sequence);
                sent.rtp = Some(Seen::new(index));
                index
            }
            Some(seen) => {
                let index = seen.estimate(head.sequence)?;
                seen.add(index);
                index
            }
        };
        self.session.seal_rtp(packet, &head, index, self.encrypt_rtp);
        self.session.count_rtp();
        Ok(())
    }

    /// Protects a compound RTCP packet; it grows by [`SrtpSender::rtcp_overhead`].
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let result = self.try_protect_rtcp(packet);
        if result.is_err() {
            packet.clear();
        }
        result
    }

    fn try_protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        self.session.rtcp_allowed()?;
        let sent = self.sources.note(ssrc, Sent::default)?;
        let index = sent.rtcp;
        if u64::from(index) == Suite::MAX_RTCP_LIFETIME {
            return Err(SrtpError::KeyExpired);
        }
        sent.rtcp += 1;
        self.session.seal_rtcp(packet, ssrc, index, self.encrypt_rtcp);
        self.session.count_rtcp();
        Ok(())
    }
}

#[cfg(test)]
impl SrtpSender {
    /// Goes on behind these indices: nobody can wait until they are reached.
    pub(super) fn begin_at(&mut self, ssrc: u32, rtp: u64, rtcp: u32) {
        let sent = self.sources.note(ssrc, Sent::default).expect("room");
        *sent = Sent { rtp: Some(Seen::new(rtp)), rtcp };
    }
}

impl fmt::Debug for SrtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpSender").field("suite", &self.suite()).finish_non_exhaustive()
    }
}
