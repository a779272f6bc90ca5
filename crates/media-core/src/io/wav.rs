//! Recordings from files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::wav::{MAX_WAV_SECONDS, Wav, WavError, parse_wav};

/// The largest file that is read: ten minutes of the widest format, 48 kHz in stereo of 64 bits, and a mebibyte of other chunks.
const MAX_WAV_BYTES: u64 = MAX_WAV_SECONDS as u64 * 48_000 * 2 * 8 + 1024 * 1024;

/// Loads a WAV file; see [`parse_wav`].
pub fn load_wav(path: &Path) -> Result<Wav, WavError> {
    read_wav(File::open(path).map_err(WavError::Read)?)
}

/// Reads a WAV file; see [`parse_wav`]. One that is larger than ten minutes of the widest format is
/// [`WavError::TooLong`].
pub fn read_wav(reader: impl Read) -> Result<Wav, WavError> {
    read_up_to(reader, MAX_WAV_BYTES)
}

fn read_up_to(reader: impl Read, most: u64) -> Result<Wav, WavError> {
    let mut bytes = Vec::new();
    let read = reader.take(most + 1).read_to_end(&mut bytes).map_err(WavError::Read)?;
    if read as u64 > most {
        return Err(WavError::TooLong);
    }
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

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let header = [
            &b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0"[..],
            &8_000u32.to_le_bytes(),
            &16_000u32.to_le_bytes(),
            &[2, 0, 16, 0],
            b"data",
            &320u32.to_le_bytes(),
        ]
        .concat();
        let file = [&header[..], &[1; 320]].concat();
        let most = file.len() as u64;
        let whole = read_up_to(&file[..], most).expect("as large as may be");
        assert_eq!(whole.samples().len(), 160);
        assert!(matches!(read_up_to(&file[..], most - 1), Err(WavError::TooLong)));
    }
}
