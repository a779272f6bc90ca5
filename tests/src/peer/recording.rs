//! What a peer hears, read from the WAV file that it writes while it listens.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    PATIENCE, PeerError,
    process::Process,
    tone::{RATE, dominant, same},
};

/// The header of a plain WAV file.
const HEADER: usize = 44;
/// How much of the end is judged: 200 ms.
const WINDOW: usize = RATE as usize / 5;
/// A file that has not grown for so long: nothing is heard. Longer than the peers' own buffers of 256 ms.
const STALE: Duration = Duration::from_millis(600);
/// How long the peer's output is read between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Where recordings of 8 kHz mono 16 bit appear: one file, or the newest of a folder.
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
        let start = self.samples();
        let (mut heard, mut length, mut grown) = (Vec::new(), start.len(), Instant::now());
        let mut path = self.path();
        let mut from = length;
        while Instant::now() < deadline && process.runs(BETWEEN_LOOKS) {
            if self.path() != path {
                (path, from, length) = (self.path(), 0, 0);
            }
            let samples = self.samples();
            if samples.len() > length {
                (length, grown) = (samples.len(), Instant::now());
            }
            let new = samples.get(from..).unwrap_or_default();
            let now = if grown.elapsed() >= STALE {
                Some(None)
            } else {
                new.len().checked_sub(WINDOW).map(|start| dominant(&new[start..]))
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

    fn samples(&self) -> Vec<i16> {
        self.path().map(|path| read(&path)).unwrap_or_default()
    }
}

/// A file that is still being written has a header with wrong lengths; all that follows it is audio.
fn read(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).unwrap_or_default();
    let audio = bytes.get(HEADER..).unwrap_or_default();
    audio.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}
