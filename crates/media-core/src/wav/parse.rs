//! Bytes of a WAV file to a recording.

use super::{MAX_WAV_SECONDS, Wav, WavError};
use crate::codec::SampleRate;
use crate::g711;
use crate::resample::Resampler;

/// The format tags that are read.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
/// The tag behind which the true one stands in the extension.
const EXTENSIBLE: u16 = 0xFFFE;

/// What a recording has at most: more than a telephone's wideband does not carry.
const WIDEBAND: SampleRate = SampleRate::Hz16000;

/// Reads a WAV file: 8, 11.025, 12, 16, 22.05, 24, 32, 44.1 or 48 kHz, in one channel or two. What is above 16 kHz is brought
/// down to that, once and for all. Its sizes are not believed: what is there is played, whatever the header says.
pub fn parse_wav(bytes: &[u8]) -> Result<Wav, WavError> {
    let (head, mut rest) = bytes.split_first_chunk::<12>().ok_or(WavError::NotWav)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Err(WavError::NotWav);
    }
    let mut format = None;
    while let Some((name, size, body)) = chunk(rest) {
        match name {
            b"fmt " => format = Some(Format::parse(&body[..size.min(body.len())])?),
            b"data" => {
                let format = format.ok_or(WavError::NoChunk("fmt"))?;
                return format.read(audio(size, body));
            }
            _ => {}
        }
        // A chunk that says it is longer than the file ends where the data begins.
        rest = body.get(size.saturating_add(size % 2)..).unwrap_or_else(|| from_data(body));
    }
    Err(WavError::NoChunk("data"))
}

/// Splits off a chunk's name and the size it says it has.
fn chunk(bytes: &[u8]) -> Option<(&[u8; 4], usize, &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let (size, body) = rest.split_first_chunk::<4>()?;
    Some((name, u32::from_le_bytes(*size) as usize, body))
}

/// From the data chunk on, wherever it is; nothing without one.
fn from_data(bytes: &[u8]) -> &[u8] {
    let at = bytes.windows(4).position(|name| name == b"data");
    at.and_then(|at| bytes.get(at..)).unwrap_or_default()
}

/// The bytes of a chunk's name and size: fewer behind the audio are a remainder.
const CHUNK_HEAD: usize = 8;

/// The audio of a data chunk. A program that died, or wrote to a pipe, left no size or that of its beginning: then
/// everything is audio, unless a chunk or next to nothing follows where it says it ends.
fn audio(size: usize, body: &[u8]) -> &[u8] {
    let behind = body.get(size.saturating_add(size % 2)..).unwrap_or_default();
    let follows = chunk(behind).is_some_and(|(name, size, behind)| {
        name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') && size <= behind.len()
    });
    let ends = follows || (size > 0 && behind.len() < CHUNK_HEAD);
    if ends { &body[..size.min(body.len())] } else { body }
}

/// How many times a rate is one that can be resampled: the old rates of sound cards are parts of those of today.
fn usual_rate(hz: u32) -> Option<(i32, SampleRate)> {
    [(1, 1), (2, 2), (4, 4)].into_iter().find_map(|(factor, times)| {
        let rate = SampleRate::from_hz(hz.checked_mul(factor)?)?;
        (hz >= 8_000).then_some((times, rate))
    })
}

/// Puts samples in between, on straight lines. What that leaves above the band is taken away by the resampler.
fn interpolate(samples: &[i16], times: i32) -> Vec<i16> {
    let last = samples.last().copied();
    let next = samples.iter().copied().skip(1).chain(last);
    samples
        .iter()
        .zip(next)
        .flat_map(|(&one, next)| {
            let step = i32::from(next) - i32::from(one);
            (0..times).map(move |part| (i32::from(one) + step * part / times) as i16)
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

impl Format {
    fn parse(body: &[u8]) -> Result<Self, WavError> {
        let fields = body.first_chunk::<16>().ok_or(WavError::NoChunk("fmt"))?;
        let short = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
        let rate = u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]);
        let tag = match (short(0), body.get(24..26)) {
            (EXTENSIBLE, Some(&[low, high])) => u16::from_le_bytes([low, high]),
            (tag, _) => tag,
        };
        let format = Self { tag, channels: short(2), rate, bits: short(14) };
        let readable =
            matches!((tag, format.bits), (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) | (ALAW | ULAW, 8));
        if readable && matches!(format.channels, 1 | 2) && usual_rate(rate).is_some() {
            Ok(format)
        } else {
            let Self { tag, channels, rate, bits } = format;
            Err(WavError::Unsupported { format: tag, channels, rate, bits })
        }
    }

    fn read(self, audio: &[u8]) -> Result<Wav, WavError> {
        let width = usize::from(self.bits / 8);
        let moment = width * usize::from(self.channels);
        let count = audio.len() / moment;
        if count == 0 {
            return Err(WavError::Empty);
        }
        if count > MAX_WAV_SECONDS * self.rate as usize {
            return Err(WavError::TooLong);
        }
        let samples: Vec<i16> = audio
            .chunks_exact(moment)
            .map(|moment| {
                let sum: i32 = moment.chunks_exact(width).map(|sample| i32::from(self.sample(sample))).sum();
                (sum / i32::from(self.channels)) as i16
            })
            .collect();
        let (times, rate) = usual_rate(self.rate).ok_or(WavError::NoChunk("fmt"))?;
        let samples = if times == 1 { samples } else { interpolate(&samples, times) };
        if rate <= WIDEBAND {
            return Ok(Wav::new(samples, rate));
        }
        let mut wideband = Vec::with_capacity(samples.len() * 16 / (rate.hz() as usize / 1_000) + 1);
        Resampler::new(rate, WIDEBAND).process(&samples, &mut wideband);
        if wideband.is_empty() { Err(WavError::Empty) } else { Ok(Wav::new(wideband, WIDEBAND)) }
    }

    /// The sample in the most significant 16 bits; floating point is of ±1, more is clipped.
    fn sample(self, bytes: &[u8]) -> i16 {
        let from_unit = |value: f64| (value * 32_768.0).round() as i16;
        match (self.tag, bytes) {
            (ALAW, &[byte]) => g711::linear_from_alaw(byte),
            (ULAW, &[byte]) => g711::linear_from_ulaw(byte),
            (FLOAT, bytes) => match (bytes.first_chunk::<4>(), bytes.first_chunk::<8>()) {
                (_, Some(bytes)) => from_unit(f64::from_le_bytes(*bytes)),
                (Some(bytes), None) => from_unit(f64::from(f32::from_le_bytes(*bytes))),
                (None, None) => 0,
            },
            // Eight bits are unsigned.
            (PCM, &[byte]) => (i16::from(byte) - 128) << 8,
            (PCM, &[.., low, high]) => i16::from_le_bytes([low, high]),
            _ => 0,
        }
    }
}
