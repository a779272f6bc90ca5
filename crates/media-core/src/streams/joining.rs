//! Streams that are joined: pairs, whose packets pass or are encoded anew, and mixes.

use super::graph::{Done, Graph};
use super::seat::Seat;
use super::session::{Link, Session};
use super::{Agreed, MAX_MIXED_STREAMS, StreamFailure, StreamId};
use crate::codec::SampleRate;
use crate::mixer::Mixer;

impl Graph<'_, '_> {
    pub(super) fn pair(&mut self, a: StreamId, b: StreamId) -> Done {
        self.are_free(&[a, b])?;
        for (stream, with) in [(a, b), (b, a)] {
            let key = self.key(stream)?;
            self.change(key, |session, step| session.set_link(step, Link::Relay { with }));
        }
        self.match_pair(a);
        Ok(())
    }

    pub(super) fn unpair(&mut self, stream: StreamId) -> Done {
        let with = self.streams.sessions[self.key(stream)?].link.pair().ok_or(StreamFailure::NotJoined)?;
        self.unlink(stream)?;
        self.unlink(with)
    }

    /// Decides how a pair's packets pass: as they are, or decoded and encoded.
    pub(super) fn match_pair(&mut self, stream: StreamId) {
        let Ok(key) = self.key(stream) else { return };
        let Some(with) = self.streams.sessions[key].link.pair() else { return };
        let Ok(other) = self.key(with) else { return };
        let alike = match [key, other].map(|key| self.streams.sessions[key].agreed.as_ref()) {
            [Some(one), Some(other)] => {
                (one.codec, one.ptime_ms, one.event_clock())
                    == (other.codec, other.ptime_ms, other.event_clock())
            }
            // Nothing passes before both have agreed.
            [_, _] => true,
        };
        let relayed = matches!(self.streams.sessions[key].link, Link::Relay { .. });
        match (alike, relayed) {
            (true, false) => {
                for (stream, with) in [(stream, with), (with, stream)] {
                    // invariant: both streams were found above.
                    let _ = self.unlink(stream);
                    self.link(stream, Link::Relay { with });
                }
            }
            (false, true) => {
                // What passed of a key was ended by its sender, and is not pressed again.
                for key in [key, other] {
                    self.change(key, Session::end_event);
                }
                self.transcode(stream, with);
            }
            (true, true) => {
                let rests = |agreed: &Agreed| !agreed.direction.receives();
                if self.streams.sessions[key].agreed.as_ref().is_some_and(rests) {
                    self.change(other, Session::rest_relay);
                }
            }
            (false, false) => {}
        }
    }

    /// Has a pair's audio decoded and encoded anew, until another agreement of either.
    pub(super) fn transcode(&mut self, a: StreamId, b: StreamId) {
        let mix = self.streams.mixes.insert(Mixer::new(self.rate(&[a, b])));
        for (stream, with) in [(a, b), (b, a)] {
            if let Some(seat) = self.streams.mixes[mix].join() {
                self.link(stream, Link::Transcode { with, seat: Seat { mix, stream: seat, device: None } });
            }
        }
    }

    pub(super) fn mix(&mut self, streams: &[StreamId]) -> Done {
        if !(2..=MAX_MIXED_STREAMS).contains(&streams.len()) {
            return Err(StreamFailure::MixSize);
        }
        self.are_free(streams)?;
        let mix = self.streams.mixes.insert(Mixer::new(self.rate(streams)));
        for &stream in streams {
            let mixer = &mut self.streams.mixes[mix];
            if let (Some(seat), device) = (mixer.join(), mixer.join()) {
                self.link(stream, Link::Mix(Seat { mix, stream: seat, device }));
            }
        }
        Ok(())
    }

    pub(super) fn unmix(&mut self, stream: StreamId) -> Done {
        let Link::Mix(Seat { mix, .. }) = self.streams.sessions[self.key(stream)?].link else {
            return Err(StreamFailure::NotJoined);
        };
        self.unlink(stream)?;
        let mut left = self.streams.sessions.iter().filter_map(|(_, session)| match session.link {
            Link::Mix(seat) if seat.mix == mix => Some(session.id),
            Link::Mix(_) | Link::None | Link::Relay { .. } | Link::Transcode { .. } => None,
        });
        let (first, second) = (left.next(), left.next());
        // Who is left alone talks to its device again.
        first.filter(|_| second.is_none()).map_or(Ok(()), |alone| self.unlink(alone))
    }

    /// Checks that streams exist, are joined with no others, and are not named twice.
    fn are_free(&self, streams: &[StreamId]) -> Done {
        for (index, stream) in streams.iter().enumerate() {
            let linked = self.streams.sessions[self.key(*stream)?].link != Link::None;
            if linked || streams[..index].contains(stream) {
                return Err(StreamFailure::StreamJoined);
            }
        }
        Ok(())
    }

    /// The rate at which streams are mixed: the highest of them, as far as the telephone's wideband.
    fn rate(&self, streams: &[StreamId]) -> SampleRate {
        let wide = |stream: &StreamId| {
            let key = self.streams.keys.get(stream);
            let agreed = key.and_then(|key| self.streams.sessions[*key].agreed.as_ref());
            agreed.is_some_and(|agreed| agreed.codec.sample_rate() > SampleRate::Hz8000)
        };
        if streams.iter().any(wide) { SampleRate::Hz16000 } else { SampleRate::Hz8000 }
    }

    fn link(&mut self, stream: StreamId, link: Link) {
        if let Ok(key) = self.key(stream) {
            self.change(key, |session, step| session.set_link(step, link));
        }
    }

    /// Takes a stream from what it is joined with; its seats are free again, and the last to go takes the mixer along.
    fn unlink(&mut self, stream: StreamId) -> Done {
        let key = self.key(stream)?;
        let seat = self.streams.sessions[key].link.seat();
        self.change(key, |session, step| session.set_link(step, Link::None));
        if let Some(Seat { mix, stream, device }) = seat
            && let Some(mixer) = self.streams.mixes.get_mut(mix)
        {
            mixer.leave(stream);
            if let Some(device) = device {
                mixer.leave(device);
            }
            if mixer.parties() == 0 {
                self.streams.mixes.remove(mix);
            }
        }
        Ok(())
    }
}
