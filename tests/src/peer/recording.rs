//! What a peer hears, read from the WAV file that it writes while it listens.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    PATIENCE, PeerError,
    process::Process,
    tone::{dominant, same},
    wav,
};

/// The header of a plain WAV file. linphonec writes it last: until then there are zeros, and after them 8 kHz.
const HEADER: usize = 44;
const WITHOUT_HEADER: u32 = 8_000;
/// How much of the end is judged: a fifth of a second.
const WINDOWS: u32 = 5;
/// A file that has not grown for so long: nothing is heard. Longer than the peers' own buffers of 256 ms.
const STALE: Duration = Duration::from_millis(600);
/// How long the peer's output is read between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Where recordings of one channel appear: one file, or the newest of a folder.
#[derive(Debug, Clone)]
pub enum Recording {
    /// One file that all calls are appended to.
    File(PathBuf),
    /// A file for each call in this folder, whose name ends so; the last name is the newest call.
    Newest(PathBuf, &'static str),
}

impl Recording {
    /// Waits until the end of the recording is this tone, or silence. What was recorded before does not count.
    pub fn wait_for(&self, process: &mut Process, tone: Option<u16>) -> Result<(), PeerError> {
        let deadline = Instant::now() + PATIENCE;
        let (mut heard, mut length, mut grown) = (Vec::new(), self.audio().1.len(), Instant::now());
        let mut path = self.path();
        let mut from = length;
        while Instant::now() < deadline && process.runs(BETWEEN_LOOKS) {
            if self.path() != path {
                (path, from, length) = (self.path(), 0, 0);
            }
            let (rate, samples) = self.audio();
            if samples.len() > length {
                (length, grown) = (samples.len(), Instant::now());
            }
            let new = samples.get(from..).unwrap_or_default();
            let now = if grown.elapsed() >= STALE {
                Some(None)
            } else {
                let window = (rate / WINDOWS) as usize;
                new.len().checked_sub(window).map(|start| dominant(&new[start..], rate))
            };
            if let Some(now) = now {
                heard.push(now);
                if same(now, tone) {
                    return Ok(());
                }
            }
        }
        let what = format!("{tone:?} Hz in the recording; it holds {heard:?} and");
        Err(process.missing(&what, PATIENCE))
    }

    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Newest(folder, ending) => {
                let fits = |path: &PathBuf| path.to_string_lossy().ends_with(ending);
                fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).filter(fits).max()
            }
        }
    }

    /// Samples a second, and the samples so far.
    fn audio(&self) -> (u32, Vec<i16>) {
        let Some(path) = self.path() else { return (WITHOUT_HEADER, Vec::new()) };
        if let Some(recorded) = wav::read(&path) {
            return (recorded.rate, recorded.channels.into_iter().next().unwrap_or_default());
        }
        let bytes = fs::read(path).unwrap_or_default();
        let audio = bytes.get(HEADER..).unwrap_or_default();
        (WITHOUT_HEADER, audio.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}
