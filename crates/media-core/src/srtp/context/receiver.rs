//! A context that verifies and decrypts what we receive.

use std::fmt;

use super::index::Seen;
use super::packet::{RtpHead, rtcp_ssrc};
use super::sdes::Crypto;
use super::session::Session;
use super::sources::Sources;
use super::{FORMER_KEYS, Rollover, SrtpError, Suite};

/// How many RTP packets under new keys end the time in which old ones are good: what was under way at the change has
/// come by then.
pub const PREVIOUS_KEY_PACKETS: u32 = 64;

/// Verifies and decrypts the RTP and RTCP packets of one direction.
///
/// Each packet is opened in place. A packet that is refused changes nothing: neither the state of a source nor the
/// number of sources is in the hands of who has no key.
pub struct SrtpReceiver {
    current: Epoch,
    /// The keys before, the latest last, at most [`FORMER_KEYS`]; packets under the last of them may be under way.
    former: Vec<Epoch>,
    /// How many RTP packets have come under the current keys since the last change, up to [`PREVIOUS_KEY_PACKETS`].
    under_current: u32,
}

/// The master keys of one line, and what came under them.
struct Epoch {
    suite: Suite,
    sessions: Vec<Session>,
    rtp_encrypted: bool,
    rtcp_encrypted: bool,
    sources: Sources<Heard>,
}

#[derive(Clone, Default)]
struct Heard {
    rtp: Option<Seen>,
    rtcp: Option<Seen>,
    /// The index is from before a change of keys, and no packet has shown that the peer kept it.
    rtp_inherited: bool,
    /// What came under the same key when it was in force before.
    rtp_before: Option<Seen>,
    rtcp_before: Option<Seen>,
}

impl Heard {
    /// Takes over what came of a source under a key that is taken back.
    fn remember(&mut self, former: &Self) {
        let heard = former.rtp.filter(|_| !former.rtp_inherited);
        for seen in [heard, former.rtp_before].into_iter().flatten() {
            self.rtp_before.get_or_insert(seen).merge(seen);
        }
        for seen in [former.rtcp, former.rtcp_before].into_iter().flatten() {
            self.rtcp_before.get_or_insert(seen).merge(seen);
        }
    }
}

impl SrtpReceiver {
    /// Takes the line that the peer wrote: the keys that it sends with.
    pub fn new(line: &Crypto) -> Result<Self, SrtpError> {
        Ok(Self { current: Epoch::new(line)?, former: Vec::new(), under_current: PREVIOUS_KEY_PACKETS })
    }

    /// Takes the line of a later description. One with the same keys changes nothing that was counted or seen.
    ///
    /// With [`Rollover::Keep`] each source goes on with its indices (RFC 3711 §3.3.1), and a peer that begins at roll-over
    /// counter 0 nevertheless is found too; with [`Rollover::Restart`] each begins anew, which a key that was used cannot
    /// do. Packets under the old keys are taken until [`PREVIOUS_KEY_PACKETS`] came under the new. What came under a key
    /// that was in force before, up to [`FORMER_KEYS`] lines ago, does not come again when it is taken back.
    pub fn rekey(&mut self, line: &Crypto, rollover: Rollover) -> Result<(), SrtpError> {
        let mut next = Epoch::new(line)?;
        let old = &mut self.current;
        let same = next.sessions.len() == old.sessions.len()
            && line.keys.iter().zip(&old.sessions).all(|(key, session)| session.is_under(&key.material));
        let reused = old.shares_key(line);
        if rollover == Rollover::Restart && (reused || self.former.iter().any(|old| old.shares_key(line))) {
            return Err(SrtpError::KeyReused);
        }
        for (session, key) in next.sessions.iter_mut().zip(&line.keys) {
            let under = self.former.iter().chain([&*old]).flat_map(|epoch| &epoch.sessions);
            for old in under.filter(|old| old.is_under(&key.material)) {
                session.inherit(old);
            }
        }
        match rollover {
            Rollover::Restart => {}
            Rollover::Keep if same => {
                next.sources = std::mem::replace(&mut old.sources, Sources::new());
                self.current = next;
                return Ok(());
            }
            Rollover::Keep => {
                next.sources = old.sources.clone();
                // A key that stays keeps what was seen under it: its packets must not come again.
                if !reused {
                    next.sources.rekeyed(|heard| {
                        *heard = Heard { rtp: heard.rtp, rtp_inherited: true, ..Heard::default() };
                    });
                }
                for former in self.former.iter().filter(|former| former.shares_key(line)) {
                    for (ssrc, heard) in former.sources.used() {
                        next.sources.note(ssrc, Heard::default)?.remember(heard);
                    }
                }
            }
        }
        self.former.push(std::mem::replace(&mut self.current, next));
        for old in &mut self.former {
            old.sessions.retain(|old| line.keys.iter().all(|key| !old.is_under(&key.material)));
        }
        self.former.retain(|old| !old.sessions.is_empty());
        if self.former.len() > FORMER_KEYS {
            self.former.remove(0);
        }
        self.under_current = 0;
        Ok(())
    }

    /// Returns the suite in force.
    pub fn suite(&self) -> Suite {
        self.current.suite
    }

    /// Verifies and decrypts an RTP packet in place, and returns its length; what is behind that is garbage.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let head = RtpHead::parse(packet)?;
        let opened = self.current.open_rtp(packet, &head);
        if opened.is_ok() {
            self.under_current = PREVIOUS_KEY_PACKETS.min(self.under_current + 1);
        }
        opened.or_else(|error| self.previous().and_then(|old| old.open_rtp(packet, &head).ok()).ok_or(error))
    }

    /// Verifies and decrypts a compound RTCP packet in place, and returns its length; what is behind that is garbage.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        self.current
            .open_rtcp(packet, ssrc)
            .or_else(|error| self.previous().and_then(|old| old.open_rtcp(packet, ssrc).ok()).ok_or(error))
    }

    /// The keys before the last change, while packets under them may be under way.
    fn previous(&mut self) -> Option<&mut Epoch> {
        self.former.last_mut().filter(|_| self.under_current < PREVIOUS_KEY_PACKETS)
    }
}

impl Epoch {
    fn new(line: &Crypto) -> Result<Self, SrtpError> {
        if line.keys.is_empty() || !line.is_usable() {
            return Err(SrtpError::Unusable);
        }
        Ok(Self {
            suite: line.suite,
            sessions: line.keys.iter().map(Session::new).collect(),
            rtp_encrypted: !line.params.unencrypted_srtp,
            rtcp_encrypted: !line.params.unencrypted_srtcp,
            sources: Sources::new(),
        })
    }

    fn shares_key(&self, line: &Crypto) -> bool {
        self.sessions.iter().any(|session| line.keys.iter().any(|key| session.is_under(&key.material)))
    }

    fn open_rtp(&mut self, packet: &mut [u8], head: &RtpHead) -> Result<usize, SrtpError> {
        let mut sessions = self.sessions.iter_mut();
        let session =
            sessions.find(|session| session.is_named_by_rtp(packet)).ok_or(SrtpError::UnknownKey)?;
        session.rtp_allowed()?;
        if !self.sources.has_room(head.ssrc) {
            return Err(SrtpError::TooManySources);
        }
        let sequence = u64::from(head.sequence);
        let heard = self.sources.get(head.ssrc);
        let (likely, other) = match heard.and_then(|heard| Some((heard, heard.rtp?))) {
            // Where the first packets were missed, the sender may have gone round once (RFC 3711 §3.3.1).
            None => (Ok(sequence), (sequence < 1 << 15).then_some(sequence + (1 << 16))),
            Some((heard, seen)) => (
                seen.estimate(head.sequence),
                // Some peers begin at 0 with a new key, others do not (D7).
                heard.rtp_inherited.then_some(sequence),
            ),
        };
        let before = heard.and_then(|heard| heard.rtp_before);
        let mut open = |index| {
            if before.is_some_and(|seen| !seen.is_new(index)) {
                return Err(SrtpError::Replayed);
            }
            let length = session.open_rtp(packet, head, index, self.rtp_encrypted)?;
            Ok((length, index))
        };
        let opened = likely.and_then(&mut open);
        let (length, index) = match (opened, other) {
            (Err(_), Some(other)) => open(other)?,
            (opened, _) => opened?,
        };
        session.count_rtp();
        let heard = self.sources.note(head.ssrc, Heard::default)?;
        match &mut heard.rtp {
            Some(seen) if seen.is_new(index) => seen.add(index),
            rtp => *rtp = Some(Seen::new(index)),
        }
        heard.rtp_inherited = false;
        Ok(length)
    }

    fn open_rtcp(&mut self, packet: &mut [u8], ssrc: u32) -> Result<usize, SrtpError> {
        let mut sessions = self.sessions.iter_mut();
        let session =
            sessions.find(|session| session.is_named_by_rtcp(packet)).ok_or(SrtpError::UnknownKey)?;
        session.rtcp_allowed()?;
        if !self.sources.has_room(ssrc) {
            return Err(SrtpError::TooManySources);
        }
        let word = session.rtcp_word(packet)?;
        if self.rtcp_encrypted && !word.encrypted {
            return Err(SrtpError::Unencrypted);
        }
        let index = u64::from(word.index);
        let seen = self.sources.get(ssrc).map_or([None; 2], |heard| [heard.rtcp, heard.rtcp_before]);
        if seen.into_iter().flatten().any(|seen| !seen.is_new(index)) {
            return Err(SrtpError::Replayed);
        }
        let length = session.open_rtcp(packet, ssrc, &word)?;
        session.count_rtcp();
        let heard = self.sources.note(ssrc, Heard::default)?;
        match &mut heard.rtcp {
            Some(seen) => seen.add(index),
            none => *none = Some(Seen::new(index)),
        }
        Ok(length)
    }
}

#[cfg(test)]
impl SrtpReceiver {
    /// Goes on behind these indices: nobody can wait until they are reached.
    pub(super) fn begin_at(&mut self, ssrc: u32, rtp: u64, rtcp: u64) {
        let heard = self.current.sources.note(ssrc, Heard::default).expect("room");
        *heard = Heard { rtp: Some(Seen::new(rtp)), rtcp: Some(Seen::new(rtcp)), ..Heard::default() };
    }
}

impl fmt::Debug for SrtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpReceiver").field("suite", &self.suite()).finish_non_exhaustive()
    }
}
