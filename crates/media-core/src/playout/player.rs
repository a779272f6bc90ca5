//! A stream's playout: packets in, an even flow of samples out.

use super::buffer::{JitterBuffer, Wish};
use super::conceal::Concealment;
use super::decode::{Content, Decode};
use super::queue::SampleQueue;
use super::report::PlayoutReport;
use super::settings::{Format, PlayoutSettings};
use super::stretch::{Fit, Stretch};
use super::values::{Play, Put};
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// The least time between two changes of the length, so that speech does not flutter; in silence there is none.
const SPACING_MILLIS: usize = 100;
/// A change that waited so long for a place where it is not heard is made anywhere.
const PATIENCE_MILLIS: usize = 500;

/// Tells what a pull gave, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulled {
    /// Samples of packets.
    pub received: usize,
    /// Samples made up in place of missing packets.
    pub concealed: usize,
    /// Samples of silence or comfort noise.
    pub silent: usize,
}

/// Owns a [`JitterBuffer`], a [`Concealment`] and the samples that are decoded and not heard yet.
///
/// A packet is decoded when it is needed, as a whole; what is left of it waits in a queue for the next pull.
#[derive(Debug, Clone)]
pub struct Playout {
    buffer: JitterBuffer,
    format: Format,
    concealment: Concealment,
    stretch: Stretch,
    queue: SampleQueue,
    /// What is heard is silence or comfort noise.
    quiet: bool,
    /// The last packet was a comfort noise descriptor.
    comfort: bool,
    /// The decoder is to be told that another source began.
    restarted: bool,
    /// Samples since the last change of the length, and since one is wished for.
    unchanged: usize,
    wished: usize,
    concealed: u64,
    shortened: u64,
    lengthened: u64,
}

impl Playout {
    /// Creates one that has heard nothing. `format` is that of the packets that are expected.
    pub fn new(settings: PlayoutSettings, format: Format) -> Self {
        let format = format.sane();
        Self {
            buffer: JitterBuffer::new(settings),
            format,
            concealment: Concealment::new(format.sample_rate),
            stretch: Stretch::new(format.sample_rate),
            queue: SampleQueue::default(),
            quiet: true,
            comfort: false,
            restarted: false,
            unchanged: 0,
            wished: 0,
            concealed: 0,
            shortened: 0,
            lengthened: 0,
        }
    }

    /// Takes an audio packet; see [`JitterBuffer::put`]. Another format than before is that of the pulls from now on.
    pub fn put(&mut self, header: &RtpHeader, payload: &[u8], format: Format, now: Tick) -> Put {
        let put = self.buffer.put(header, payload, format, now);
        if let Put::Reset(_) = put {
            self.interrupt();
        }
        let format = format.sane();
        if put != Put::TooLong && format != self.format {
            self.format = format;
            self.concealment = Concealment::new(format.sample_rate);
            self.stretch = Stretch::new(format.sample_rate);
            self.quiet = true;
        }
        put
    }

    /// Notes a packet that was not audio; see [`JitterBuffer::skip`].
    pub fn skip(&mut self, header: &RtpHeader, now: Tick) {
        self.buffer.skip(header, now);
    }

    /// Begins anew with the next packet; see [`JitterBuffer::reset`]. What was heard before fades out.
    pub fn reset(&mut self) {
        self.buffer.reset();
        self.interrupt();
    }

    /// As [`Self::reset`], where the pulls end for a while, as in a hold: nothing of before is heard with the next ones, not
    /// even fading out.
    pub fn stop(&mut self) {
        self.reset();
        self.concealment = Concealment::new(self.format.sample_rate);
        self.stretch = Stretch::new(self.format.sample_rate);
        self.quiet = true;
    }

    /// Fills `out` with the samples that are heard from `now` on, at the sample rate of [`Self::format`].
    ///
    /// The pulls follow each other without a gap: `now` grows by the time of `out`, up to the jitter of the reader.
    pub fn pull(&mut self, now: Tick, out: &mut [i16], decoder: &mut dyn Decode) -> Pulled {
        if std::mem::take(&mut self.restarted) {
            decoder.restart();
        }
        self.adjust(now, out.len(), decoder);
        let mut pulled = Pulled::default();
        let mut filled = 0;
        while filled < out.len() {
            let due = now + self.format.time_of_samples(filled);
            let rest = &mut out[filled..];
            filled += self.play(due, rest, decoder, &mut pulled);
        }
        pulled
    }

    /// Returns the clocks of what is played.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the state.
    pub fn report(&self) -> PlayoutReport {
        let concealed = usize::try_from(self.concealed).unwrap_or(usize::MAX);
        PlayoutReport {
            packets: *self.buffer.counters(),
            delay: self.buffer.delay(),
            target: self.buffer.target(),
            concealed: self.format.time_of_samples(concealed),
            shortened: self.shortened,
            lengthened: self.lengthened,
        }
    }

    /// Returns the buffer, for its state.
    pub fn buffer(&self) -> &JitterBuffer {
        &self.buffer
    }

    /// Returns the bytes that are allocated, the value itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() - size_of::<JitterBuffer>()
            + self.buffer.bytes()
            + self.concealment.bytes()
            + self.stretch.bytes()
            + self.queue.bytes()
    }

    fn interrupt(&mut self) {
        self.queue.clear();
        self.concealment.cut();
        self.comfort = false;
        self.restarted = true;
        self.wished = 0;
    }

    /// Fills the start of `rest`, at least one sample unless it took a packet, and returns how many.
    fn play(&mut self, due: Tick, rest: &mut [i16], decoder: &mut dyn Decode, pulled: &mut Pulled) -> usize {
        let count = self.queue.take(rest);
        if count > 0 {
            self.concealment.pass(&mut rest[..count]);
            pulled.received += count;
            return count;
        }
        let most = rest.len();
        match self.buffer.pull(due) {
            Play::Packet(packet) => {
                if self.quiet || !packet.continues {
                    self.concealment.cut();
                }
                let (payload_type, payload) = (packet.payload_type, packet.payload);
                let (samples, content) = decode(self.format, &mut self.queue, decoder, payload_type, payload);
                self.decoded(samples, content);
                0
            }
            Play::Lost { units } => {
                let count = self.format.samples_of_units(units).clamp(1, most);
                self.conceal(&mut rest[..count], decoder, pulled);
                count
            }
            Play::Underrun => {
                self.conceal(rest, decoder, pulled);
                most
            }
            Play::Wait { units } => {
                let count = self.format.samples_of_units(units).clamp(1, most);
                self.rest(&mut rest[..count], decoder, pulled);
                count
            }
            Play::Empty => {
                self.rest(rest, decoder, pulled);
                most
            }
        }
    }

    fn decoded(&mut self, samples: usize, content: Content) {
        self.comfort = match content {
            Content::Audio => false,
            Content::ComfortNoise => true,
            Content::Unknown => self.comfort,
        };
        if samples > 0 {
            self.quiet = false;
        }
        self.advance(samples);
    }

    fn advance(&mut self, samples: usize) {
        self.buffer.advance(u32::try_from(self.format.units_of_samples(samples)).unwrap_or(u32::MAX));
    }

    /// Fills the place of missing packets; within comfort noise it goes on.
    fn conceal(&mut self, out: &mut [i16], decoder: &mut dyn Decode, pulled: &mut Pulled) {
        if self.comfort {
            self.rest(out, decoder, pulled);
            return;
        }
        let audible = if self.quiet { 0 } else { self.concealment.conceal(out) };
        if self.quiet {
            out.fill(0);
            self.concealment.pass(out);
        }
        self.concealed += audible as u64;
        pulled.concealed += audible;
        pulled.silent += out.len() - audible;
        self.advance(out.len());
    }

    /// Fills a pause.
    fn rest(&mut self, out: &mut [i16], decoder: &mut dyn Decode, pulled: &mut Pulled) {
        if !self.quiet {
            self.concealment.cut();
            self.quiet = true;
        }
        if self.comfort {
            decoder.comfort_noise(out);
        } else {
            out.fill(0);
        }
        self.concealment.pass(out);
        pulled.silent += out.len();
        self.advance(out.len());
    }

    /// Brings the delay nearer to its target by one period, if there is a place for it.
    fn adjust(&mut self, now: Tick, pull: usize, decoder: &mut dyn Decode) {
        self.unchanged = self.unchanged.saturating_add(pull);
        if self.quiet || !self.concealment.is_passing() {
            return;
        }
        let wish = self.buffer.wish(now + self.format.time_of_samples(self.queue.len()));
        if wish == Wish::Keep {
            self.wished = 0;
            return;
        }
        self.wished = self.wished.saturating_add(pull);
        while self.queue.len() < self.stretch.span() && self.buffer.continues() {
            let due = now + self.format.time_of_samples(self.queue.len());
            let Play::Packet(packet) = self.buffer.pull(due) else { break };
            let (payload_type, payload) = (packet.payload_type, packet.payload);
            let (samples, content) = decode(self.format, &mut self.queue, decoder, payload_type, payload);
            self.decoded(samples, content);
        }
        let millis = |millis: usize| self.format.sample_rate as usize * millis / 1_000;
        let fit = if self.unchanged < millis(SPACING_MILLIS) {
            Fit::Quiet
        } else if self.wished < millis(PATIENCE_MILLIS) {
            Fit::Good
        } else {
            Fit::Any
        };
        let changed = match wish {
            Wish::Shorten => self.stretch.shorten(&mut self.queue, fit),
            Wish::Lengthen => self.stretch.lengthen(self.concealment.history(), &mut self.queue, fit),
            Wish::Keep => None,
        };
        if changed.is_some() {
            self.shortened += u64::from(wish == Wish::Shorten);
            self.lengthened += u64::from(wish == Wish::Lengthen);
            self.unchanged = 0;
            self.wished = 0;
        }
    }
}

/// Appends the samples of a payload, one second at most whatever the decoder gives, and returns their number.
fn decode(
    format: Format,
    queue: &mut SampleQueue,
    decoder: &mut dyn Decode,
    payload_type: u8,
    payload: &[u8],
) -> (usize, Content) {
    queue.append(format.sample_rate as usize, |samples| decoder.decode(payload_type, payload, samples))
}
