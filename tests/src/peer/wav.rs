//! A tone as a WAV file, for peers that play files.

use std::{f64::consts::TAU, fs, path::Path};

use super::PeerError;

const RATE: u32 = 8_000;
/// Peak of the tone: a quarter of full scale.
const PEAK: f64 = 8_192.0;

/// Writes `seconds` of a tone, 8 kHz mono 16 bit.
pub fn write_tone(path: &Path, hz: u16, seconds: u32) -> Result<(), PeerError> {
    let samples = (0..RATE * seconds)
        .map(|n| (PEAK * (TAU * f64::from(hz) * f64::from(n) / f64::from(RATE)).sin()) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let length = data.len() as u32;
    let mut file = Vec::with_capacity(44 + data.len());
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&16u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&data);
    fs::write(path, file)
        .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })
}
