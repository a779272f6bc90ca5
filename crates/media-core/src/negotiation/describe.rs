//! Writing our descriptions: m-lines that keep their place, versions that only rise.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::Negotiation;
use super::format::MediaFormat;
use super::security::Profile;
use super::select::RemoteAudio;
use crate::codec::Codec;
use crate::direction::Direction;
use crate::sdp::{Media, split_at_byte};
use crate::srtp::sdes::Crypto;

/// One m-line of the session as our offers must repeat it (TR-211).
#[derive(Debug, Clone)]
pub(super) enum Slot {
    /// The one line that carries our audio, with its profile; `None` where the peer rejected it under one that we do not
    /// speak.
    Audio(Option<Profile>),
    /// A line that is rejected: its media type, its profile and a format, with a blank between each.
    Rejected(Box<str>),
}

impl Slot {
    /// A line of the peer that we do not take.
    pub(super) fn rejecting(media: &Media<'_>) -> Self {
        Self::Rejected(words(media.kind, media.protocol, media.formats().next().unwrap_or("0")))
    }

    /// The words of the line where it is rejected.
    fn words(&self) -> Cow<'_, str> {
        match self {
            Self::Audio(profile) => {
                Cow::Owned(words("audio", profile.unwrap_or(Profile::Avp).name(), "0").into())
            }
            Self::Rejected(words) => Cow::Borrowed(words),
        }
    }

    /// The same line when the peer has rejected the audio in it: a later offer of ours can bring it back.
    fn kept(&self) -> Self {
        match self {
            Self::Audio(profile) => Self::Audio(*profile),
            Self::Rejected(words) => Self::Audio(words.split(' ').nth(1).and_then(Profile::parse)),
        }
    }
}

fn words(kind: &str, protocol: &str, format: &str) -> Box<str> {
    [kind, protocol, format].join(" ").into()
}

/// Counts the versions of our `o=` line over everything that was sent.
#[derive(Clone, Default)]
pub(super) struct Versions {
    /// What was sent last, behind the version; `None` when nothing was.
    last: Option<Box<[u8]>>,
    number: u64,
    refused: bool,
}

impl Versions {
    /// Notes that the last description was refused: it may not be repeated under its version (TR-221).
    pub(super) fn refused(&mut self) {
        self.refused = true;
    }

    /// Begins a description of the next version.
    fn begin(&self, session_id: u64) -> Description {
        Description::new(session_id, self.number + 1)
    }

    /// Takes what is to be sent: one version more than the last if it differs or if that was refused, else the last one
    /// again (RFC 3264 §8, TR-210).
    fn stamp(&mut self, session_id: u64, description: Description) -> Vec<u8> {
        let behind = &description.text[description.behind..];
        if !std::mem::take(&mut self.refused) && self.last.as_deref() == Some(behind) {
            return self.repeat(session_id);
        }
        self.number += 1;
        self.last = Some(behind.into());
        description.text
    }

    /// Returns the last description that was sent; empty when there is none.
    pub(super) fn repeat(&self, session_id: u64) -> Vec<u8> {
        let Some(behind) = &self.last else { return Vec::new() };
        let mut text = Description::new(session_id, self.number).text;
        text.extend_from_slice(behind);
        text
    }
}

impl fmt::Debug for Versions {
    /// Shows nothing of what was sent: there may be keys in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last: _, number, refused } = self;
        f.debug_struct("Versions").field("number", number).field("refused", refused).finish_non_exhaustive()
    }
}

/// A description of ours while it is written.
struct Description {
    text: Vec<u8>,
    /// Where the version ends.
    behind: usize,
}

impl Description {
    fn new(session_id: u64, version: u64) -> Self {
        let mut description = Self { text: Vec::with_capacity(USUAL_DESCRIPTION), behind: 0 };
        description.put("v=0\r\no=- ");
        description.put_number(session_id);
        description.put(" ");
        description.put_number(version);
        description.put(" ");
        description.behind = description.text.len();
        description
    }

    fn put(&mut self, part: &str) {
        self.text.extend_from_slice(part.as_bytes());
    }

    fn put_number(&mut self, number: impl Into<u64>) {
        let mut digits = [0; LONGEST_NUMBER];
        let (mut start, mut rest) = (digits.len(), number.into());
        while start == digits.len() || rest > 0 {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.text.extend_from_slice(&digits[start..]);
    }

    /// The rest of the `o=` line, and the lines before the first m-line.
    fn put_session(&mut self, address: IpAddr) {
        for part in ["IN ", "\r\ns=-\r\nc=IN "] {
            self.put(part);
            match address {
                IpAddr::V4(address) => {
                    self.put("IP4");
                    for (octet, before) in address.octets().into_iter().zip([" ", ".", ".", "."]) {
                        self.put(before);
                        self.put_number(octet);
                    }
                }
                IpAddr::V6(address) => {
                    self.put("IP6 ");
                    self.put(&address.to_string());
                }
            }
        }
        self.put("\r\nt=0 0\r\n");
    }

    /// A line that is rejected, with its words.
    fn put_rejected(&mut self, words: &str) {
        let (kind, rest) = split_at_byte(words, b' ').unwrap_or((words, ""));
        for part in ["m=", kind, " 0 ", rest, "\r\n"] {
            self.put(part);
        }
    }

    /// Strings are put one behind the other: the formatter costs more than all else here.
    fn put_audio(&mut self, line: &AudioLine<'_>) {
        self.put("m=audio ");
        self.put_number(line.port);
        self.put(" ");
        self.put(line.profile.name());
        for (number, _) in line.formats {
            self.put(" ");
            self.put_number(*number);
        }
        self.put("\r\n");
        for (number, format) in line.formats {
            self.put("a=rtpmap:");
            self.put_number(*number);
            self.put(" ");
            self.put(format.encoding_name());
            self.put("/");
            self.put_number(format.clock_rate());
            self.put("\r\n");
            if let MediaFormat::TelephoneEvent { .. } = format {
                // The sixteen keys of a telephone (RFC 4733 §3.2).
                self.put("a=fmtp:");
                self.put_number(*number);
                self.put(" 0-15\r\n");
            }
        }
        for crypto in line.crypto {
            for part in ["a=crypto:", &crypto.print(), "\r\n"] {
                self.put(part);
            }
        }
        if line.rtcp_mux {
            self.put("a=rtcp-mux\r\n");
        }
        self.put("a=ptime:");
        self.put_number(line.ptime_ms);
        for part in ["\r\na=", line.direction.as_str(), "\r\n"] {
            self.put(part);
        }
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

/// Room for a description with one m-line and without keys, in bytes.
const USUAL_DESCRIPTION: usize = 384;

/// The digits of the largest number.
const LONGEST_NUMBER: usize = "18446744073709551615".len();

impl Negotiation {
    /// Describes everything we can do; returns the profile of the audio line, too.
    pub(super) fn describe_offer(&mut self, direction: Direction) -> (Vec<u8>, Profile) {
        let in_force = self.in_force.as_ref().map(|in_force| &in_force.agreed);
        let suite = in_force.and_then(|agreed| agreed.srtp.as_ref()).map(|srtp| srtp.local.suite);
        let slot = self.audio_slot();
        let of_slot = slot.and_then(|index| match self.slots[index] {
            Slot::Audio(profile) => profile,
            Slot::Rejected(_) => None,
        });
        let profile = match of_slot {
            // What the peer secured in its own way stays that way (RFC 8643).
            Some(profile) if suite.is_some() => profile,
            profile => self.security.profile(profile),
        };
        if let Some(index) = slot {
            self.slots[index] = Slot::Audio(Some(profile));
        } else {
            // Most sessions have this line and no other.
            self.slots.reserve_exact(1);
            self.slots.push(Slot::Audio(Some(profile)));
        }
        let formats = self.offered_formats();
        let audio = AudioLine {
            port: self.local.port,
            profile,
            formats: &formats,
            crypto: &self.security.offer(suite),
            rtcp_mux: self.local.rtcp_mux,
            ptime_ms: self.local.ptime_ms(),
            direction,
        };
        // A peer that bound every number to codecs of its own leaves some codecs without one.
        let offered = formats.iter().any(|(_, format)| matches!(format, MediaFormat::Audio(_)));
        let mut description = self.versions.begin(self.local.session_id);
        description.put_session(self.local.address);
        for slot in &self.slots {
            match slot {
                Slot::Audio(_) if offered => description.put_audio(&audio),
                Slot::Audio(_) | Slot::Rejected(_) => description.put_rejected(&slot.words()),
            }
        }
        (self.versions.stamp(self.local.session_id, description), profile)
    }

    /// Our codecs, that in force first so that a hold does not change it, and what goes with them.
    fn offered_formats(&mut self) -> Vec<(u8, MediaFormat)> {
        let Self { local, payload_types, in_force, .. } = self;
        let codecs = local.codecs();
        let first =
            in_force.as_ref().map(|in_force| in_force.agreed.codec).filter(|codec| codecs.contains(codec));
        let codecs =
            || first.into_iter().chain(codecs.iter().copied().filter(move |codec| Some(*codec) != first));
        let mut formats = Vec::with_capacity(2 * local.codecs().len() + 1);
        let mut offer = |format| {
            let known = formats.iter().any(|(_, other)| *other == format);
            formats.extend(payload_types.offer(format).filter(|_| !known).map(|number| (number, format)));
        };
        for codec in codecs() {
            offer(MediaFormat::Audio(codec));
        }
        if local.comfort_noise && codecs().any(|codec| codec.clock_rate() == Codec::CLOCK_RATE) {
            offer(MediaFormat::ComfortNoise);
        }
        for codec in codecs().filter(|_| local.dtmf) {
            offer(MediaFormat::TelephoneEvent { clock_rate: codec.clock_rate() });
        }
        formats
    }

    /// Answers every offered line in its place: the chosen one with the one codec that will be used, the others with
    /// port 0 (RFC 3264 §6).
    pub(super) fn describe_answer(
        &mut self,
        offer: Vec<Slot>,
        chosen: Option<&RemoteAudio>,
        crypto: Option<&Crypto>,
        direction: Direction,
    ) -> Vec<u8> {
        let formats = chosen.map(|remote| self.answered_formats(remote)).unwrap_or_default();
        let mut description = self.versions.begin(self.local.session_id);
        description.put_session(self.local.address);
        for line in &offer {
            match (line, chosen) {
                (Slot::Rejected(_), _) | (Slot::Audio(_), None) => description.put_rejected(&line.words()),
                (Slot::Audio(_), Some(remote)) => description.put_audio(&AudioLine {
                    port: self.local.port,
                    profile: remote.profile,
                    formats: &formats,
                    crypto: crypto.map_or(&[], std::slice::from_ref),
                    rtcp_mux: remote.rtcp_mux,
                    ptime_ms: self.local.ptime_ms(),
                    direction,
                }),
            }
        }
        self.take_slots(offer, chosen.is_some());
        self.versions.stamp(self.local.session_id, description)
    }

    /// Takes the lines of their offer in place of ours; there may be more of ours.
    fn take_slots(&mut self, offer: Vec<Slot>, audio: bool) {
        let old = std::mem::replace(&mut self.slots, offer);
        for (index, slot) in old.into_iter().enumerate() {
            let of_audio = matches!(slot, Slot::Audio(_));
            match self.slots.get_mut(index) {
                Some(line) if of_audio && !audio => *line = line.kept(),
                Some(_) => {}
                None if of_audio && audio => self.slots.push(Slot::Rejected(slot.words().into())),
                None => self.slots.push(slot),
            }
        }
    }

    fn answered_formats(&mut self, remote: &RemoteAudio) -> Vec<(u8, MediaFormat)> {
        self.payload_types.learn(&remote.formats);
        let formats = [
            Some((remote.payload_type, MediaFormat::Audio(remote.codec))),
            remote.comfort_noise.map(|number| (number, MediaFormat::ComfortNoise)),
            remote.dtmf.map(|(number, clock_rate)| (number, MediaFormat::TelephoneEvent { clock_rate })),
        ];
        let formats = formats.into_iter().flatten();
        formats.map(|(number, format)| (self.payload_types.answer(number, format), format)).collect()
    }
}
