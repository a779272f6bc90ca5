//! Writing our descriptions: m-lines that keep their place, versions that only rise.

use std::fmt;
use std::net::IpAddr;

use super::Negotiation;
use super::format::MediaFormat;
use super::security::Profile;
use super::select::RemoteAudio;
use crate::codec::Codec;
use crate::direction::Direction;
use crate::sdp::{Media, SessionDescription};
use crate::srtp::sdes::Crypto;

/// One m-line of the session as our offers must repeat it (TR-211).
#[derive(Debug, Clone)]
pub(super) struct Slot {
    kind: String,
    protocol: String,
    format: String,
    /// True for the one line that carries our audio.
    pub(super) audio: bool,
}

impl Slot {
    fn audio(profile: Profile) -> Self {
        Self {
            kind: "audio".to_owned(),
            protocol: profile.name.to_owned(),
            format: "0".to_owned(),
            audio: true,
        }
    }

    fn of(media: &Media<'_>, audio: bool) -> Self {
        Self {
            kind: media.kind.to_owned(),
            protocol: media.protocol.to_owned(),
            format: media.formats().next().unwrap_or("0").to_owned(),
            audio,
        }
    }

    fn rejected(&self) -> String {
        format!("m={} 0 {} {}\r\n", self.kind, self.protocol, self.format)
    }
}

/// Counts the versions of our `o=` line over everything that was sent.
#[derive(Clone, Default)]
pub(super) struct Versions {
    /// What was sent last, behind the version.
    last: Option<String>,
    number: u64,
    refused: bool,
}

impl Versions {
    /// Notes that the last description was refused: it may not be repeated under its version (TR-221).
    pub(super) fn refused(&mut self) {
        self.refused = true;
    }

    /// Takes what is to be sent: one version more than the last if it differs or if that was refused, else the same
    /// (RFC 3264 §8, TR-210).
    fn stamp(&mut self, session_id: u64, behind: String) -> Vec<u8> {
        if self.refused || self.last.as_ref() != Some(&behind) {
            self.number += 1;
            self.last = Some(behind);
        }
        self.refused = false;
        self.repeat(session_id)
    }

    /// Returns the last description that was sent; empty when there is none.
    pub(super) fn repeat(&self, session_id: u64) -> Vec<u8> {
        let Some(behind) = &self.last else { return Vec::new() };
        let mut text = String::with_capacity(LONGEST_ORIGIN + behind.len());
        text.push_str("v=0\r\no=- ");
        put(&mut text, session_id);
        text.push(' ');
        put(&mut text, self.number);
        text.push(' ');
        text.push_str(behind);
        text.into_bytes()
    }
}

impl fmt::Debug for Versions {
    /// Shows nothing of what was sent: there may be keys in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last: _, number, refused } = self;
        f.debug_struct("Versions").field("number", number).field("refused", refused).finish_non_exhaustive()
    }
}

/// An m-line of ours with what belongs to it.
struct AudioLine<'a> {
    port: u16,
    profile: Profile,
    formats: &'a [(u8, MediaFormat)],
    crypto: &'a [Crypto],
    rtcp_mux: bool,
    ptime_ms: u8,
    direction: Direction,
}

impl AudioLine<'_> {
    /// Strings are put one behind the other; only numbers go through the formatter, which costs more than all else here.
    fn print(&self) -> String {
        let mut text = String::with_capacity(USUAL_LINE);
        text.push_str("m=audio ");
        put(&mut text, self.port);
        text.push(' ');
        text.push_str(self.profile.name);
        for (number, _) in self.formats {
            text.push(' ');
            put(&mut text, *number);
        }
        text.push_str("\r\n");
        for (number, format) in self.formats {
            text.push_str("a=rtpmap:");
            put(&mut text, *number);
            text.push(' ');
            text.push_str(format.encoding_name());
            text.push('/');
            put(&mut text, format.clock_rate());
            text.push_str("\r\n");
            if let MediaFormat::TelephoneEvent { .. } = format {
                // The sixteen keys of a telephone (RFC 4733 §3.2).
                text.push_str("a=fmtp:");
                put(&mut text, *number);
                text.push_str(" 0-15\r\n");
            }
        }
        for crypto in self.crypto {
            text.push_str("a=crypto:");
            text.push_str(&crypto.print());
            text.push_str("\r\n");
        }
        if self.rtcp_mux {
            text.push_str("a=rtcp-mux\r\n");
        }
        text.push_str("a=ptime:");
        put(&mut text, self.ptime_ms);
        text.push_str("\r\na=");
        text.push_str(self.direction.as_str());
        text.push_str("\r\n");
        text
    }
}

/// Room for what stands before the first m-line, behind the version, with an IPv4 address, in bytes.
const USUAL_SESSION: usize = 2 * "IN IP4 255.255.255.255".len() + "\r\ns=-\r\nc=\r\nt=0 0\r\n".len();

/// Room for an m-line with what belongs to it, without keys, in bytes.
const USUAL_LINE: usize = 256;

/// The start of a description with the largest numbers, in bytes.
const LONGEST_ORIGIN: usize = "v=0\r\no=- 18446744073709551615 18446744073709551615 ".len();

/// Puts an address behind a text.
fn put_address(text: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            put(text, first);
            for octet in rest {
                text.push('.');
                put(text, octet);
            }
        }
        IpAddr::V6(address) => text.push_str(&address.to_string()),
    }
}

/// Puts a number behind a text.
fn put(text: &mut String, number: impl Into<u64>) {
    let number = number.into();
    if number >= 10 {
        put(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

impl Negotiation {
    /// Describes everything we can do; returns the profile of the audio line, too.
    pub(super) fn describe_offer(&mut self, direction: Direction) -> (Vec<u8>, Profile) {
        let slot = self.slots.iter().find(|slot| slot.audio);
        let in_force = self.in_force.as_ref().map(|in_force| &in_force.agreed);
        let suite = in_force.and_then(|agreed| agreed.srtp.as_ref()).map(|srtp| srtp.local.suite);
        let profile = match slot.and_then(|slot| Profile::parse(&slot.protocol)) {
            // What the peer secured in its own way stays that way (RFC 8643).
            Some(profile) if suite.is_some() => profile,
            profile => self.security.profile(profile),
        };
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.audio) {
            profile.name.clone_into(&mut slot.protocol);
        } else {
            // Most sessions have this line and no other.
            self.slots.reserve_exact(1);
            self.slots.push(Slot::audio(profile));
        }
        let formats = self.offered_formats();
        // A peer that bound every number to codecs of its own leaves some codecs without one.
        let offered = formats.iter().any(|(_, format)| matches!(format, MediaFormat::Audio(_)));
        let audio = AudioLine {
            port: self.local.port,
            profile,
            formats: &formats,
            crypto: &self.security.offer(suite),
            rtcp_mux: self.local.rtcp_mux,
            ptime_ms: self.local.ptime_ms(),
            direction,
        }
        .print();
        let media =
            self.slots.iter().map(|slot| if slot.audio && offered { audio.clone() } else { slot.rejected() });
        (self.description(&media.collect::<String>()), profile)
    }

    /// Our codecs, that in force first so that a hold does not change it, and what goes with them.
    fn offered_formats(&mut self) -> Vec<(u8, MediaFormat)> {
        let in_force = self.in_force.as_ref().map(|in_force| in_force.agreed.codec);
        let mut codecs = self.local.codecs().to_vec();
        codecs.sort_by_key(|codec| Some(*codec) != in_force);
        let mut clock_rates: Vec<u32> = Vec::new();
        for clock_rate in codecs.iter().map(|codec| codec.clock_rate()) {
            if !clock_rates.contains(&clock_rate) {
                clock_rates.push(clock_rate);
            }
        }
        let comfort_noise = self.local.comfort_noise && clock_rates.contains(&Codec::CLOCK_RATE);
        let events = clock_rates.into_iter().filter(|_| self.local.dtmf);
        codecs
            .into_iter()
            .map(MediaFormat::Audio)
            .chain(comfort_noise.then_some(MediaFormat::ComfortNoise))
            .chain(events.map(|clock_rate| MediaFormat::TelephoneEvent { clock_rate }))
            .filter_map(|format| Some((self.payload_types.offer(format)?, format)))
            .collect()
    }

    /// Answers every offered line in its place: the chosen one with the one codec that will be used, the others with
    /// port 0 (RFC 3264 §6).
    pub(super) fn describe_answer(
        &mut self,
        offer: &SessionDescription,
        chosen: Option<&(usize, RemoteAudio)>,
        crypto: Option<&Crypto>,
        direction: Direction,
    ) -> Vec<u8> {
        let chosen_index = chosen.map(|(index, _)| *index);
        let mut text = String::new();
        for (index, offered) in offer.media().enumerate() {
            // When the audio is rejected its slot stays ours, so that a later offer can bring it back.
            let audio = match chosen_index {
                Some(chosen_index) => chosen_index == index,
                None => self.slots.get(index).is_some_and(|slot| slot.audio),
            };
            let slot = Slot::of(&offered, audio);
            match chosen {
                Some((chosen_index, remote)) if *chosen_index == index => {
                    text += &self.answered_line(remote, crypto, direction);
                }
                _ => text += &slot.rejected(),
            }
            if let Some(place) = self.slots.get_mut(index) {
                *place = slot;
            } else {
                self.slots.reserve_exact(1);
                self.slots.push(slot);
            }
        }
        if let Some(chosen_index) = chosen_index {
            for (index, slot) in self.slots.iter_mut().enumerate() {
                slot.audio = index == chosen_index;
            }
        }
        self.description(&text)
    }

    fn answered_line(
        &mut self,
        remote: &RemoteAudio,
        crypto: Option<&Crypto>,
        direction: Direction,
    ) -> String {
        self.payload_types.learn(&remote.formats);
        let formats = [
            Some((remote.payload_type, MediaFormat::Audio(remote.codec))),
            remote.comfort_noise.map(|number| (number, MediaFormat::ComfortNoise)),
            remote.dtmf.map(|(number, clock_rate)| (number, MediaFormat::TelephoneEvent { clock_rate })),
        ];
        let formats: Vec<(u8, MediaFormat)> = formats
            .into_iter()
            .flatten()
            .map(|(number, format)| (self.payload_types.answer(number, format), format))
            .collect();
        AudioLine {
            port: self.local.port,
            profile: remote.profile,
            formats: &formats,
            crypto: crypto.map_or(&[], std::slice::from_ref),
            rtcp_mux: remote.rtcp_mux,
            ptime_ms: self.local.ptime_ms(),
            direction,
        }
        .print()
    }

    fn description(&mut self, media: &str) -> Vec<u8> {
        let kind = if self.local.address.is_ipv6() { "IP6" } else { "IP4" };
        let mut behind = String::with_capacity(USUAL_SESSION + media.len());
        for part in ["IN ", "\r\ns=-\r\nc=IN "] {
            behind.push_str(part);
            behind.push_str(kind);
            behind.push(' ');
            put_address(&mut behind, self.local.address);
        }
        behind.push_str("\r\nt=0 0\r\n");
        behind.push_str(media);
        self.versions.stamp(self.local.session_id, behind)
    }
}
