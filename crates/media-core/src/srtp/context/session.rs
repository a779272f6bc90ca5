//! The session keys of one master key, and the layout of the packets that they protect.

use subtle::ConstantTimeEq;

use super::counter_mode::CounterMode;
use super::derivation::Label;
use super::galois::{Galois, TAG_BYTES};
use super::packet::{INDEX_BYTES, RTCP_CLEAR_BYTES, RtpHead};
use super::{KeyMaterial, MasterKey, Mki, SrtpError, Suite};

/// The encryption flag of SRTCP's index word (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;

/// What one master key is good for, in one direction.
#[derive(Clone)]
pub(super) struct Session {
    material: KeyMaterial,
    mki: Option<Mki>,
    rtp: Transform,
    rtcp: Transform,
    /// How many packets the key may still protect.
    rtp_left: u64,
    rtcp_left: u64,
}

#[derive(Clone)]
enum Transform {
    CounterMode(CounterMode),
    Galois(Galois),
}

impl Session {
    pub(super) fn new(key: &MasterKey) -> Self {
        let master = &key.material;
        let suite = master.suite();
        let (rtp, rtcp) = if suite.is_aead() {
            (
                Transform::Galois(Galois::new(master, Label::RtpEncryption, Label::RtpSalt)),
                Transform::Galois(Galois::new(master, Label::RtcpEncryption, Label::RtcpSalt)),
            )
        } else {
            let [rtp, rtcp] = [
                [Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt],
                [Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt],
            ]
            .map(|[encryption, authentication, salting]| {
                Transform::CounterMode(CounterMode::new(master, encryption, authentication, salting))
            });
            (rtp, rtcp)
        };
        let lifetime = key.lifetime.unwrap_or(suite.default_lifetime()).min(Suite::MAX_LIFETIME);
        Self {
            material: master.clone(),
            mki: key.mki,
            rtp,
            rtcp,
            rtp_left: lifetime,
            rtcp_left: lifetime.min(Suite::MAX_RTCP_LIFETIME),
        }
    }

    pub(super) fn suite(&self) -> Suite {
        self.material.suite()
    }

    /// Returns true when the master key is the same. Its suite need not be: with tags of 80 and of 32 bits the key stream
    /// is one.
    pub(super) fn is_under(&self, material: &KeyMaterial) -> bool {
        self.material.key().ct_eq(material.key()).into()
    }

    /// Goes on counting where another session under the same master key was.
    pub(super) fn inherit(&mut self, other: &Self) {
        self.rtp_left = self.rtp_left.min(other.rtp_left);
        self.rtcp_left = self.rtcp_left.min(other.rtcp_left);
    }

    pub(super) fn rtp_allowed(&self) -> Result<(), SrtpError> {
        if self.rtp_left == 0 { Err(SrtpError::KeyExpired) } else { Ok(()) }
    }

    pub(super) fn rtcp_allowed(&self) -> Result<(), SrtpError> {
        if self.rtcp_left == 0 { Err(SrtpError::KeyExpired) } else { Ok(()) }
    }

    pub(super) fn count_rtp(&mut self) {
        self.rtp_left = self.rtp_left.saturating_sub(1);
    }

    pub(super) fn count_rtcp(&mut self) {
        self.rtcp_left = self.rtcp_left.saturating_sub(1);
    }

    /// Returns true when an RTP packet names this master key, or when none is named.
    pub(super) fn is_named_by_rtp(&self, packet: &[u8]) -> bool {
        let behind = if self.suite().is_aead() { 0 } else { self.suite().rtp_tag_bytes() };
        self.is_named(packet, behind)
    }

    /// Returns true when an RTCP packet names this master key, or when none is named.
    pub(super) fn is_named_by_rtcp(&self, packet: &[u8]) -> bool {
        let behind = if self.suite().is_aead() { 0 } else { self.suite().rtcp_tag_bytes() };
        self.is_named(packet, behind)
    }

    /// Compares the identifier that ends so many bytes before the packet's end.
    fn is_named(&self, packet: &[u8], behind: usize) -> bool {
        let Some(mki) = self.mki else { return true };
        let end = packet.len().checked_sub(behind);
        let start = end.and_then(|end| end.checked_sub(mki.bytes()));
        let named = start.zip(end).and_then(|(start, end)| packet.get(start..end));
        named.is_some_and(|named| named.iter().copied().eq(mki.octets()))
    }

    fn mki_bytes(&self) -> usize {
        self.mki.map_or(0, Mki::bytes)
    }

    /// Returns what is added to an RTP packet, in bytes.
    pub(super) fn rtp_trailer(&self) -> usize {
        self.suite().rtp_tag_bytes() + self.mki_bytes()
    }

    /// Returns what is added to an RTCP packet, in bytes.
    pub(super) fn rtcp_trailer(&self) -> usize {
        INDEX_BYTES + self.suite().rtcp_tag_bytes() + self.mki_bytes()
    }

    /// Protects an RTP packet (RFC 3711 §3.1, RFC 7714 §8.2).
    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, head: &RtpHead, index: u64, encrypt: bool) {
        let text = if encrypt { head.payload } else { packet.len() };
        match &self.rtp {
            Transform::CounterMode(mode) => {
                mode.crypt(head.ssrc, index, &mut packet[text..]);
                let tag = mode.tag(packet, &rollover(index));
                packet.extend(self.mki.iter().flat_map(|mki| mki.octets()));
                packet.extend_from_slice(&tag[..self.suite().rtp_tag_bytes()]);
            }
            Transform::Galois(mode) => {
                let (clear, text) = packet.split_at_mut(text);
                let tag = mode.seal(head.ssrc, index, clear, text);
                packet.extend_from_slice(&tag);
                packet.extend(self.mki.iter().flat_map(|mki| mki.octets()));
            }
        }
    }

    /// Verifies and decrypts an RTP packet, and returns its length; on a failure its bytes are as before.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        head: &RtpHead,
        index: u64,
        encrypted: bool,
    ) -> Result<usize, SrtpError> {
        let end = packet.len().checked_sub(self.rtp_trailer()).ok_or(SrtpError::Malformed)?;
        if head.payload > end {
            return Err(SrtpError::Malformed);
        }
        let (body, trailer) = packet.split_at_mut(end);
        let text = if encrypted { head.payload } else { end };
        match &self.rtp {
            Transform::CounterMode(mode) => {
                mode.verify(body, &rollover(index), &trailer[self.mki_bytes()..])?;
                mode.crypt(head.ssrc, index, &mut body[text..]);
            }
            Transform::Galois(mode) => {
                let (clear, text) = body.split_at_mut(text);
                mode.open(head.ssrc, index, clear, text, *tag(trailer)?)?;
            }
        }
        Ok(end)
    }

    /// Protects an RTCP packet (RFC 3711 §3.4, RFC 7714 §9).
    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, index: u32, encrypt: bool) {
        let word = (if encrypt { index | ENCRYPTED } else { index }).to_be_bytes();
        let index = u64::from(index);
        match &self.rtcp {
            Transform::CounterMode(mode) => {
                if encrypt {
                    mode.crypt(ssrc, index, &mut packet[RTCP_CLEAR_BYTES..]);
                }
                packet.extend_from_slice(&word);
                let tag = mode.tag(packet, &[]);
                packet.extend(self.mki.iter().flat_map(|mki| mki.octets()));
                packet.extend_from_slice(&tag[..self.suite().rtcp_tag_bytes()]);
            }
            Transform::Galois(mode) => {
                let tag = if encrypt {
                    let (clear, text) = packet.split_at_mut(RTCP_CLEAR_BYTES);
                    mode.seal(ssrc, index, &clear_rtcp(clear, word), text)
                } else {
                    let end = packet.len();
                    packet.extend_from_slice(&word);
                    let tag = mode.seal(ssrc, index, packet, &mut []);
                    packet.truncate(end);
                    tag
                };
                packet.extend_from_slice(&tag);
                packet.extend_from_slice(&word);
                packet.extend(self.mki.iter().flat_map(|mki| mki.octets()));
            }
        }
    }

    /// Returns the index word of an RTCP packet, with the encryption flag on top.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Result<RtcpWord, SrtpError> {
        let end = packet.len().checked_sub(self.rtcp_trailer()).filter(|end| *end >= RTCP_CLEAR_BYTES);
        let end = end.ok_or(SrtpError::Malformed)?;
        let place = if self.suite().is_aead() { end + TAG_BYTES } else { end };
        let word = *packet.get(place..).and_then(<[u8]>::first_chunk).ok_or(SrtpError::Malformed)?;
        let number = u32::from_be_bytes(word);
        Ok(RtcpWord { word, end, index: number & !ENCRYPTED, encrypted: number & ENCRYPTED != 0 })
    }

    /// Verifies and decrypts an RTCP packet, and returns its length; on a failure its bytes are as before.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: &RtcpWord,
    ) -> Result<usize, SrtpError> {
        let RtcpWord { word, end, index, encrypted } = *word;
        let index = u64::from(index);
        match &self.rtcp {
            Transform::CounterMode(mode) => {
                let (body, trailer) = packet.split_at_mut(end);
                mode.verify(body, &word, &trailer[INDEX_BYTES + self.mki_bytes()..])?;
                if encrypted {
                    mode.crypt(ssrc, index, &mut body[RTCP_CLEAR_BYTES..]);
                }
            }
            Transform::Galois(mode) if encrypted => {
                let (body, trailer) = packet.split_at_mut(end);
                let (clear, text) = body.split_at_mut(RTCP_CLEAR_BYTES);
                mode.open(ssrc, index, &clear_rtcp(clear, word), text, *tag(trailer)?)?;
            }
            Transform::Galois(mode) => {
                // The tag covers body and word, between which it stands.
                let tag = *tag(&packet[end..])?;
                packet[end..end + INDEX_BYTES].copy_from_slice(&word);
                let opened = mode.open(ssrc, index, &packet[..end + INDEX_BYTES], &mut [], tag);
                packet[end..end + INDEX_BYTES].copy_from_slice(&tag[..INDEX_BYTES]);
                opened?;
            }
        }
        Ok(end)
    }
}

/// What stands behind a protected RTCP packet.
pub(super) struct RtcpWord {
    /// Encryption flag and index, as in the packet.
    word: [u8; INDEX_BYTES],
    /// Where the RTCP packet ends.
    end: usize,
    pub(super) index: u32,
    pub(super) encrypted: bool,
}

/// What comes with an encrypted compound in clear (RFC 7714 §9.2).
fn clear_rtcp(head: &[u8], word: [u8; INDEX_BYTES]) -> [u8; RTCP_CLEAR_BYTES + INDEX_BYTES] {
    let mut clear = [0; RTCP_CLEAR_BYTES + INDEX_BYTES];
    clear[..RTCP_CLEAR_BYTES].copy_from_slice(head);
    clear[RTCP_CLEAR_BYTES..].copy_from_slice(&word);
    clear
}

/// The rollover counter, which the tag of an RTP packet covers though the packet has it not (RFC 3711 §4.2).
fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn tag(trailer: &[u8]) -> Result<&[u8; TAG_BYTES], SrtpError> {
    trailer.first_chunk().ok_or(SrtpError::Malformed)
}

#[cfg(test)]
mod tests;
