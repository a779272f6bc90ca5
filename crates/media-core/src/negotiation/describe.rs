//! Writing our descriptions: m-lines that keep their place, versions that only rise.

use super::Negotiation;
use super::payload_types::TELEPHONE_EVENT;
use super::select::{PROFILE, RemoteAudio};
use crate::codec::Codec;
use crate::direction::Direction;
use crate::sdp::{Attribute, Connection, MediaDescription, Origin, SessionDescription};

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
    fn audio() -> Self {
        Self { kind: "audio".to_owned(), protocol: PROFILE.to_owned(), format: "0".to_owned(), audio: true }
    }

    fn of(media: &MediaDescription, audio: bool) -> Self {
        Self {
            kind: media.kind.clone(),
            protocol: media.protocol.clone(),
            format: media.formats.first().cloned().unwrap_or_else(|| "0".to_owned()),
            audio,
        }
    }

    fn rejected(&self) -> MediaDescription {
        MediaDescription {
            kind: self.kind.clone(),
            port: 0,
            port_count: None,
            protocol: self.protocol.clone(),
            formats: vec![self.format.clone()],
            connection: None,
            attributes: Vec::new(),
        }
    }
}

/// Counts the versions of our `o=` line over everything that was sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    last: Option<SessionDescription>,
    number: u64,
    refused: bool,
}

impl Versions {
    /// Returns the last description that was sent.
    pub(super) fn last(&self) -> Option<&SessionDescription> {
        self.last.as_ref()
    }

    /// Notes that the last description was refused: it may not be repeated under its version (TR-221).
    pub(super) fn refused(&mut self) {
        self.refused = true;
    }

    /// Stamps a description: one more than the last if it differs or if that was refused, else the same
    /// (RFC 3264 §8, TR-210).
    fn stamp(&mut self, mut description: SessionDescription) -> SessionDescription {
        description.origin.version = self.number.to_string();
        if self.refused || self.last.as_ref() != Some(&description) {
            self.number += 1;
            description.origin.version = self.number.to_string();
        }
        self.refused = false;
        self.last = Some(description.clone());
        description
    }
}

impl Negotiation {
    pub(super) fn describe_offer(&mut self, direction: Direction) -> SessionDescription {
        if !self.slots.iter().any(|slot| slot.audio) {
            self.slots.push(Slot::audio());
        }
        let telephone_event = if self.local.dtmf { self.payload_types.telephone_event() } else { None };
        let formats: Vec<(u8, Codec)> = self
            .local
            .codecs
            .iter()
            .filter_map(|&codec| codec.static_payload_type().map(|number| (number, codec)))
            .collect();
        let audio = self.audio_line(&formats, telephone_event, direction);
        let media =
            self.slots.iter().map(|slot| if slot.audio { audio.clone() } else { slot.rejected() }).collect();
        self.description(media)
    }

    /// Answers every offered line in its place: the chosen one with the one codec that will be used, the others with
    /// port 0 (RFC 3264 §6).
    pub(super) fn describe_answer(
        &mut self,
        offer: &SessionDescription,
        chosen: Option<&(usize, RemoteAudio)>,
        direction: Direction,
    ) -> SessionDescription {
        let chosen_index = chosen.map(|(index, _)| *index);
        let mut media = Vec::with_capacity(offer.media.len());
        for (index, offered) in offer.media.iter().enumerate() {
            // When the audio is rejected its slot stays ours, so that a later offer can bring it back.
            let audio = match chosen_index {
                Some(chosen_index) => chosen_index == index,
                None => self.slots.get(index).is_some_and(|slot| slot.audio),
            };
            let slot = Slot::of(offered, audio);
            media.push(match chosen {
                Some((chosen_index, remote)) if *chosen_index == index => {
                    self.payload_types.learn(offered);
                    let dtmf = remote.dtmf_payload_type.filter(|_| self.local.dtmf);
                    self.audio_line(&[(remote.payload_type, remote.codec)], dtmf, direction)
                }
                _ => slot.rejected(),
            });
            match self.slots.get_mut(index) {
                Some(place) => *place = slot,
                None => self.slots.push(slot),
            }
        }
        if let Some(chosen_index) = chosen_index {
            for (index, slot) in self.slots.iter_mut().enumerate() {
                slot.audio = index == chosen_index;
            }
        }
        self.description(media)
    }

    fn audio_line(
        &self,
        formats: &[(u8, Codec)],
        telephone_event: Option<u8>,
        direction: Direction,
    ) -> MediaDescription {
        let mut names = Vec::with_capacity(formats.len() + 1);
        let mut attributes = Vec::with_capacity(formats.len() + 4);
        for (number, codec) in formats {
            names.push(number.to_string());
            let encoding = format!("{number} {codec}/{}", codec.clock_rate());
            attributes.push(Attribute::value("rtpmap", encoding));
        }
        if let Some(number) = telephone_event {
            names.push(number.to_string());
            attributes.push(Attribute::value("rtpmap", format!("{number} {TELEPHONE_EVENT}")));
            // The sixteen keys of a telephone (RFC 4733 §3.2).
            attributes.push(Attribute::value("fmtp", format!("{number} 0-15")));
        }
        attributes.push(Attribute::value("ptime", self.ptime_ms().to_string()));
        attributes.push(Attribute::flag(direction.as_str()));
        MediaDescription {
            kind: "audio".to_owned(),
            port: self.local.port,
            port_count: None,
            protocol: PROFILE.to_owned(),
            formats: names,
            connection: None,
            attributes,
        }
    }

    fn description(&mut self, media: Vec<MediaDescription>) -> SessionDescription {
        let address = Connection::of(self.local.address);
        self.versions.stamp(SessionDescription {
            origin: Origin {
                username: "-".to_owned(),
                session_id: self.local.session_id.to_string(),
                version: String::new(),
                address: address.clone(),
            },
            name: "-".to_owned(),
            connection: Some(address),
            attributes: Vec::new(),
            media,
        })
    }
}
