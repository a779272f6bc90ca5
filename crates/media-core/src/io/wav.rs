//! Recordings for [`Source::Wav`](crate::Source::Wav).

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::codec::Codec;

/// The longest recording: ten minutes, which is 9.6 MB in memory.
pub const MAX_WAV_SAMPLES: usize = 10 * 60 * Codec::CLOCK_RATE as usize;

/// Tells why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    /// The file cannot be opened.
    #[error("the recording cannot be opened: {0}")]
    Open(#[source] std::io::Error),
    /// The bytes are no WAV file, or end too early.
    #[error("not a WAV file: {0}")]
    Format(#[source] hound::Error),
    /// The samples are of another kind; nothing is converted.
    #[error(
        "only 8000 Hz, 1 channel, 16-bit integer samples are allowed; this is {sample_rate} Hz, {channels} \
         channel(s), {bits} bits{}", if *.float { " floating point" } else { "" }
    )]
    Unsupported {
        /// The sample rate in hertz.
        sample_rate: u32,
        /// The number of channels.
        channels: u16,
        /// The bits per sample.
        bits: u16,
        /// True for floating point samples.
        float: bool,
    },
    /// The recording has no samples.
    #[error("the recording is empty")]
    Empty,
    /// The recording is longer than [`MAX_WAV_SAMPLES`].
    #[error("the recording is longer than {} minutes", MAX_WAV_SAMPLES / 60 / Codec::CLOCK_RATE as usize)]
    TooLong,
}

/// Loads a WAV file of 8 kHz, mono, 16-bit integer samples.
pub fn load_wav(path: &Path) -> Result<Arc<[i16]>, WavError> {
    let file = std::fs::File::open(path).map_err(WavError::Open)?;
    read_wav(std::io::BufReader::new(file))
}

/// Reads a WAV file of 8 kHz, mono, 16-bit integer samples.
pub fn read_wav(reader: impl Read) -> Result<Arc<[i16]>, WavError> {
    let mut reader = hound::WavReader::new(reader).map_err(WavError::Format)?;
    let spec = reader.spec();
    let float = spec.sample_format == hound::SampleFormat::Float;
    if spec.sample_rate != Codec::CLOCK_RATE || spec.channels != 1 || spec.bits_per_sample != 16 || float {
        return Err(WavError::Unsupported {
            sample_rate: spec.sample_rate,
            channels: spec.channels,
            bits: spec.bits_per_sample,
            float,
        });
    }
    if reader.len() as usize > MAX_WAV_SAMPLES {
        return Err(WavError::TooLong);
    }
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(WavError::Format)?;
    if samples.is_empty() { Err(WavError::Empty) } else { Ok(samples.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wav(spec: hound::WavSpec, samples: &[i16]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a valid spec");
        for &sample in samples {
            writer.write_sample(sample).expect("room in memory");
        }
        writer.finalize().expect("room in memory");
        bytes.into_inner()
    }

    /// The bytes of a long file: the header of an empty one with its two sizes raised, then zeros.
    fn silence(samples: usize) -> Vec<u8> {
        let mut bytes = wav(TELEPHONE, &[]);
        let header = bytes.len();
        bytes.resize(header + samples * 2, 0);
        let size = (samples * 2) as u32;
        bytes[4..8].copy_from_slice(&(header as u32 - 8 + size).to_le_bytes());
        bytes[header - 4..header].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    const TELEPHONE: hound::WavSpec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };

    #[test]
    fn telephone_recordings_are_read() {
        let samples = read_wav(&wav(TELEPHONE, &[1, -2, 3])[..]).expect("the allowed kind");
        assert_eq!(samples[..], [1, -2, 3]);
    }

    #[test]
    fn other_kinds_are_refused_with_what_is_allowed() {
        for spec in [
            hound::WavSpec { sample_rate: 16_000, ..TELEPHONE },
            hound::WavSpec { sample_rate: 44_100, channels: 2, ..TELEPHONE },
        ] {
            let error = read_wav(&wav(spec, &[1, 2])[..]).expect_err("another kind");
            assert!(error.to_string().starts_with("only 8000 Hz, 1 channel, 16-bit integer samples"));
        }
    }

    #[test]
    fn empty_long_and_broken_recordings_are_refused() {
        assert!(matches!(read_wav(&wav(TELEPHONE, &[])[..]), Err(WavError::Empty)));
        assert!(matches!(read_wav(&b"RIFF"[..]), Err(WavError::Format(_))));
        assert!(read_wav(&silence(MAX_WAV_SAMPLES)[..]).is_ok());
        assert!(matches!(read_wav(&silence(MAX_WAV_SAMPLES + 1)[..]), Err(WavError::TooLong)));
        assert!(matches!(load_wav(Path::new("/nonexistent.wav")), Err(WavError::Open(_))));
    }
}
