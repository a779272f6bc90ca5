//! WAV files for `--play`.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// Ten minutes at 8000 Hz, 9.6 MB: a longer file is no announcement.
const MOST_SAMPLES: u32 = 10 * 60 * 8_000;

/// Loads 16-bit mono samples of 8000 Hz.
pub(crate) fn load(path: &Path) -> io::Result<Arc<[i16]>> {
    let mut reader = hound::WavReader::open(path).map_err(unreadable)?;
    let spec = reader.spec();
    let suits = spec.sample_rate == 8_000
        && spec.channels == 1
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int;
    if !suits {
        return Err(io::Error::other(format!(
            "only 16 bit, 8000 Hz, mono is taken; this is {} bit, {} Hz, {} channels",
            spec.bits_per_sample, spec.sample_rate, spec.channels
        )));
    }
    match reader.len() {
        0 => Err(io::Error::other("it has no samples")),
        1..=MOST_SAMPLES => {
            reader.samples().collect::<Result<Vec<i16>, _>>().map(Arc::from).map_err(unreadable)
        }
        _ => Err(io::Error::other("it is longer than ten minutes")),
    }
}

fn unreadable(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}
