//! What a stream receives: who may send it, how it is counted, what it means, when it is heard.

mod admission;
mod decoding;
mod sources;

use std::net::SocketAddr;
use std::time::Duration;

use super::command::StreamFailure;
use super::names::StreamId;
use super::output::StreamEvent;
use super::pace::Pace;
use super::protection::{Barred, Opening, Protection};
use super::step::Step;
use crate::codec::{Codec, SampleRate};
use crate::collision::{Collision, Conflicts};
use crate::dtmf::{DigitReceiver, DtmfDetector};
use crate::latch::Verdict;
use crate::negotiation::{Agreed, MediaFormat};
use crate::playout::{Format, Playout, Pulled, Put};
use crate::quality::Fates;
use crate::reception::Arrival;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::ssrc_guard::SsrcVerdict;
use crate::tick::Tick;

pub(super) use admission::Admission;
use decoding::Decoding;
pub(super) use sources::Sources;

/// How much is heard at a time.
pub(super) const PULL_MS: u32 = 20;
const PULL: Duration = Duration::from_millis(PULL_MS as u64);

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Audio(Codec),
    Noise,
    Event { clock_rate: u32 },
    Unknown,
}

/// A packet that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) header: RtpHeader,
    pub(super) payload: &'a [u8],
    pub(super) kind: Payload,
    pub(super) arrival: Arrival,
    /// A packet of its number came before, or the number is so old that nobody knows.
    pub(super) copy: bool,
}

/// What the owner of a receiver has to know of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The peer's address was learned.
    Learned(SocketAddr),
    /// The peer uses our source.
    Collision,
    /// The peer began with another source.
    Changed,
}

/// Receives what one peer sends.
pub(super) struct Receiver {
    stream: StreamId,
    protection: Protection<Opening>,
    /// That the peer's key has expired was told.
    expired: bool,
    pub(super) admission: Admission,
    pub(super) sources: Sources,
    conflicts: Conflicts,
    /// Where the last packet came from.
    source: Option<SocketAddr>,
    digits: (u32, DigitReceiver),
    tones: Option<(SampleRate, Box<DtmfDetector>)>,
    decoding: Decoding,
    playout: Playout,
    pace: Pace,
    /// How long what was heard last had been held back: while nothing comes, the playout's own delay only grows.
    delay: Duration,
    pub(super) fates: Fates,
    pub(super) late: u64,
    pub(super) malformed: u64,
    pub(super) looped: u64,
    /// Packets that could not be opened.
    pub(super) unauthentic: u64,
}

impl Receiver {
    pub(super) fn open(step: &mut Step<'_, '_>, stream: StreamId) -> Self {
        let seed = step.random() as u32;
        Self {
            stream,
            protection: Protection::default(),
            expired: false,
            admission: Admission::default(),
            sources: Sources::default(),
            conflicts: Conflicts::default(),
            source: None,
            digits: (Codec::CLOCK_RATE, DigitReceiver::default()),
            tones: None,
            decoding: Decoding::new(seed),
            playout: Playout::new(step.config.playout, Format::NARROWBAND),
            pace: Pace::new(step.now()),
            delay: Duration::ZERO,
            fates: Fates::new(crate::quality::GMIN),
            late: 0,
            malformed: 0,
            looped: 0,
            unauthentic: 0,
        }
    }

    /// Takes the addresses, the key and the formats of an agreement; returns where RTP goes. On failure nothing is taken
    /// any more.
    pub(super) fn apply(
        &mut self,
        step: &Step<'_, '_>,
        before: Option<&Agreed>,
        agreed: &Agreed,
    ) -> (SocketAddr, Result<(), StreamFailure>) {
        self.sources.signalled(step.now());
        self.decoding.apply(&agreed.receive, agreed.codec);
        if !agreed.direction.receives() {
            self.rest();
        }
        let to = self.admission.apply(step.now(), agreed, step.config.latch);
        self.expired = false;
        (to, self.protection.apply(before, agreed))
    }

    pub(super) fn stop(&mut self) {
        self.protection.stop();
    }

    /// Opens a packet in place; `None`, and counted, when it must not be used.
    pub(super) fn open_packet(
        &mut self,
        step: &mut Step<'_, '_>,
        rtcp: bool,
        packet: &mut [u8],
    ) -> Option<usize> {
        let opened = self.protection.open(rtcp, packet);
        self.unauthentic += u64::from(opened.is_err());
        if opened == Err(Barred::KeyExpired) && !std::mem::replace(&mut self.expired, true) {
            step.tell(StreamEvent::KeyExpired { stream: self.stream, sending: false });
        }
        opened.ok()
    }

    pub(super) fn is_secured(&self) -> bool {
        self.protection.is_secured()
    }

    /// Judges a packet by its addresses and its source, and counts it; `None` when it is of no further use.
    pub(super) fn take<'a>(
        &mut self,
        step: &mut Step<'_, '_>,
        our_ssrc: u32,
        source: SocketAddr,
        packet: &RtpPacket<'a>,
        notices: &mut impl FnMut(Notice),
    ) -> Option<Received<'a>> {
        let RtpPacket { header, payload, .. } = *packet;
        let now = step.now();
        match self.admission.admit(source, &header, self.protection.is_secured(), now) {
            Verdict::Accept => {}
            Verdict::Learned => notices(Notice::Learned(source)),
            Verdict::Stranger => return None,
        }
        if header.ssrc == our_ssrc {
            if self.collides(step, source) {
                notices(Notice::Collision);
            }
            return None;
        }
        let kind = self.kind(header.payload_type);
        match self.sources.admit(&header, now) {
            SsrcVerdict::Current => {}
            SsrcVerdict::Changed => {
                self.end_digits(step);
                self.fates.end();
                notices(Notice::Changed);
            }
            SsrcVerdict::Stranger => return None,
        }
        if self.source.replace(source).is_some_and(|before| before != source) {
            // Packets take another way now, and those of the old one say nothing of it (TM-060).
            self.playout.reset();
        }
        let clock_rate = match kind {
            Payload::Audio(codec) => codec.clock_rate(),
            Payload::Event { clock_rate } => clock_rate,
            Payload::Noise | Payload::Unknown => Codec::CLOCK_RATE,
        };
        let timed = matches!(kind, Payload::Audio(_));
        let arrival = self.sources.count(&header, payload.len(), clock_rate, now, timed);
        let copy = match arrival {
            Arrival::Newest | Arrival::Older => !self.fates.came(header.sequence),
            Arrival::Restarted => {
                self.fates.end();
                !self.fates.came(header.sequence)
            }
            Arrival::Duplicate => true,
            Arrival::Jump => false,
        };
        self.malformed += u64::from(kind == Payload::Unknown);
        Some(Received { header, payload, kind, arrival, copy })
    }

    /// A packet came with our SSRC; true when somebody chose the same, false when it is our own that came back
    /// (RFC 3550 §8.2).
    pub(super) fn collides(&mut self, step: &Step<'_, '_>, source: SocketAddr) -> bool {
        self.looped += 1;
        self.conflicts.own(source, step.now(), step.config.rtcp_interval) == Collision::Chosen
    }

    fn kind(&self, payload_type: u8) -> Payload {
        match self.decoding.meaning(payload_type) {
            Some(MediaFormat::Audio(codec)) => Payload::Audio(codec),
            Some(MediaFormat::ComfortNoise) => Payload::Noise,
            Some(MediaFormat::TelephoneEvent { clock_rate }) => Payload::Event { clock_rate },
            None => Payload::Unknown,
        }
    }

    /// Puts audio where it is played from, and collects the digit that an event is part of. `beat` is a moment at which the
    /// stream works anyway.
    pub(super) fn put(&mut self, step: &mut Step<'_, '_>, received: &Received<'_>, beat: Option<Tick>) {
        let Received { header, payload, kind, arrival, copy } = received;
        let now = step.now();
        if !matches!(arrival, Arrival::Jump | Arrival::Duplicate) {
            self.collect(step, received);
        }
        let format = match kind {
            Payload::Audio(codec) => self.decoding.clocks(MediaFormat::Audio(*codec)),
            Payload::Noise => self.decoding.clocks(MediaFormat::ComfortNoise),
            Payload::Event { .. } | Payload::Unknown => None,
        };
        let Some(format) = format else {
            self.playout.skip(header, now);
            return;
        };
        match self.playout.put(header, payload, format, now) {
            Put::Late => {
                self.late += 1;
                if !copy {
                    self.fates.discarded(header.sequence);
                }
            }
            Put::TooLong => self.malformed += 1,
            Put::Queued | Put::Duplicate | Put::Overflow | Put::Suspect | Put::Reset(_) => {}
        }
        self.pace.start(step.bench.moments.next(self.pace.ready(beat.unwrap_or(now))));
    }

    /// Collects the digit that an event is part of.
    pub(super) fn collect(&mut self, step: &mut Step<'_, '_>, received: &Received<'_>) {
        let Payload::Event { clock_rate } = received.kind else { return };
        if self.digits.0 != clock_rate {
            self.end_digits(step);
            self.digits.0 = clock_rate;
            self.digits.1.restart(clock_rate);
        }
        let (timestamp, now) = (received.header.timestamp, step.now());
        self.digits.1.receive(timestamp, received.payload, now, &mut step.bench.digits);
        step.tell_digits(self.stream);
    }

    /// Nothing is heard until packets come again, and nothing of before then.
    pub(super) fn rest(&mut self) {
        if self.pace.next().is_some() {
            self.pace.stop();
            self.playout.stop();
        }
    }

    /// Packets stayed away: there is nothing to play.
    pub(super) fn rest_when_silent(&mut self, step: &Step<'_, '_>) {
        let silent = |last: Tick| step.now().since(last) >= step.config.silent_after;
        if self.sources.last_packet.is_some_and(silent) {
            self.rest();
        }
    }

    /// Gives the next 20 ms that are due: their moment, their rate, and where they came from.
    pub(super) fn pull(
        &mut self,
        step: &mut Step<'_, '_>,
        samples: &mut Vec<i16>,
    ) -> Option<(Tick, SampleRate, Pulled)> {
        let due = self.pace.take(step.now(), PULL)?;
        let rate = SampleRate::from_hz(self.playout.format().sample_rate).unwrap_or(SampleRate::Hz8000);
        samples.clear();
        samples.resize(rate.samples_in(PULL_MS), 0);
        let broken = self.decoding.broken;
        let pulled = self.playout.pull(due.at, samples, &mut self.decoding);
        self.malformed += self.decoding.broken - broken;
        if pulled.received > 0 {
            self.delay = self.playout.buffer().delay();
        }
        self.find_tones(step, rate, samples);
        Some((due.at, rate, pulled))
    }

    /// Listens for digits that come as tones.
    fn find_tones(&mut self, step: &mut Step<'_, '_>, rate: SampleRate, samples: &[i16]) {
        if !step.config.find_tones {
            return;
        }
        if self.tones.as_ref().is_none_or(|(before, _)| *before != rate) {
            self.tones = DtmfDetector::new(rate.hz()).ok().map(|detector| (rate, Box::new(detector)));
        }
        if let Some((_, detector)) = &mut self.tones {
            detector.listen(samples, &mut step.bench.digits);
            step.tell_digits(self.stream);
        }
    }

    /// Key presses that were too many.
    pub(super) fn ignored_digits(&self) -> u64 {
        self.digits.1.ignored()
    }

    /// What is held back until it is heard.
    pub(super) fn playout_delay(&self) -> Duration {
        if self.delay.is_zero() { self.playout.buffer().target() } else { self.delay }
    }

    pub(super) fn playout(&self) -> &Playout {
        &self.playout
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        [self.digits.1.deadline(), self.pace.next()].into_iter().flatten().min()
    }

    /// Ends digits whose end was lost.
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>) {
        let now = step.now();
        self.digits.1.expire(now, &mut step.bench.digits);
        step.tell_digits(self.stream);
    }

    /// Ends the event that runs; what still comes of it is late.
    pub(super) fn end_event(&mut self, step: &mut Step<'_, '_>) {
        self.digits.1.expire(Tick(u64::MAX), &mut step.bench.digits);
        step.tell_digits(self.stream);
    }

    /// Ends a digit that runs: its source is gone.
    pub(super) fn end_digits(&mut self, step: &mut Step<'_, '_>) {
        self.digits.1.expire(Tick(u64::MAX), &mut step.bench.digits);
        if let Some((_, detector)) = &mut self.tones {
            detector.finish(&mut step.bench.digits);
        }
        step.tell_digits(self.stream);
        self.digits.1.restart(self.digits.0);
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("stream", &self.stream).finish_non_exhaustive()
    }
}
