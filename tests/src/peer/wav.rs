//! WAV files: a tone for peers that play files, and what was recorded.

use std::{f64::consts::TAU, fs, path::Path};

use super::PeerError;

/// Peak of the tone: a quarter of full scale.
const PEAK: f64 = 8_192.0;

/// Samples of a tone, so many a second.
pub fn tone(hz: u16, rate: u32, seconds: u32) -> impl Iterator<Item = i16> {
    let step = TAU * f64::from(hz) / f64::from(rate);
    (0..rate * seconds).map(move |n| (PEAK * (step * f64::from(n)).sin()) as i16)
}

/// Writes `seconds` of a tone, mono, 16 bit, so many samples a second.
pub fn write_tone(path: &Path, hz: u16, rate: u32, seconds: u32) -> Result<(), PeerError> {
    let data: Vec<u8> = tone(hz, rate, seconds).flat_map(i16::to_le_bytes).collect();
    let length = data.len() as u32;
    let mut file = Vec::with_capacity(44 + data.len());
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2).to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&16u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&data);
    fs::write(path, file)
        .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })
}

/// What a file of 16-bit samples holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Samples a second.
    pub rate: u32,
    /// The samples of each channel.
    pub channels: Vec<Vec<i16>>,
}

/// Reads a file, which may still be written: the lengths in its header are wrong then, and all that follows them is audio.
/// `None` while it has no header.
pub fn read(path: &Path) -> Option<Recorded> {
    let bytes = fs::read(path).ok()?;
    let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut format = None;
    loop {
        let (name, length) = (rest.get(..4)?, u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?));
        let body = rest.get(8..)?;
        if name == b"data" {
            let (channels, rate) = format?;
            return Some(split(body, channels, rate));
        }
        if name == b"fmt " {
            let channels = u16::from_le_bytes(body.get(2..4)?.try_into().ok()?);
            format = Some((usize::from(channels), u32::from_le_bytes(body.get(4..8)?.try_into().ok()?)));
        }
        rest = body.get(usize::try_from(length).ok()?..)?;
    }
}

fn split(audio: &[u8], channels: usize, rate: u32) -> Recorded {
    let mut split = vec![Vec::new(); channels];
    for frame in audio.chunks_exact(2 * channels.max(1)) {
        for (channel, sample) in split.iter_mut().zip(frame.chunks_exact(2)) {
            channel.push(i16::from_le_bytes([sample[0], sample[1]]));
        }
    }
    Recorded { rate, channels: split }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::scratch;

    #[test]
    fn what_is_written_is_read_also_before_the_lengths_are() {
        let folder = scratch("wav").expect("a folder");
        let path = folder.join("tone.wav");
        write_tone(&path, 600, 16_000, 1).expect("written");
        let whole = read(&path).expect("a WAV file");
        assert_eq!((whole.rate, whole.channels.len(), whole.channels[0].len()), (16_000, 1, 16_000));
        let mut bytes = fs::read(&path).expect("the file");
        bytes[40..44].fill(0);
        fs::write(&path, &bytes).expect("written");
        assert_eq!(read(&path), Some(whole));
        fs::write(&path, &bytes[..30]).expect("written");
        assert_eq!(read(&path), None);
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }

    #[test]
    fn each_channel_has_its_own_samples() {
        let frames: Vec<u8> = [1i16, -1, 2, -2].into_iter().flat_map(i16::to_le_bytes).collect();
        assert_eq!(split(&frames, 2, 8_000).channels, [[1, 2], [-1, -2]]);
    }
}
