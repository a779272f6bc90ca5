//! Recordings from files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::wav::{Wav, WavError, parse_wav};

/// The largest file that is read: ten minutes of 48 kHz in stereo are 115 MB.
const MAX_WAV_BYTES: u64 = 128 * 1024 * 1024;

/// Loads a WAV file; see [`parse_wav`].
pub fn load_wav(path: &Path) -> Result<Wav, WavError> {
    read_wav(File::open(path).map_err(WavError::Read)?)
}

/// Reads a WAV file; see [`parse_wav`]. What is beyond 128 MiB is not looked at.
pub fn read_wav(reader: impl Read) -> Result<Wav, WavError> {
    let mut bytes = Vec::new();
    reader.take(MAX_WAV_BYTES).read_to_end(&mut bytes).map_err(WavError::Read)?;
    parse_wav(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_cannot_be_read() {
        assert!(matches!(load_wav(Path::new("/nonexistent.wav")), Err(WavError::Read(_))));
        assert!(matches!(read_wav(&b"RIFF"[..]), Err(WavError::NotWav)));
    }
}
