//! Recordings to files: a thread of its own writes, so that no disk holds up the pump.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use hound::{SampleFormat, WavSpec, WavWriter};

use crate::sink::RecordedBlock;
use crate::streams::RecordingId;

/// The blocks that wait for the disk: 200 ms each, so a hundred recordings outlast a stall of two seconds.
const QUEUE: usize = 1_024;
/// How long samples may wait before the file says that they are there: after a crash it lacks no more than that.
const FLUSH: Duration = Duration::from_secs(1);

enum Order {
    Open(RecordingId, File),
    Write(RecordingId, RecordedBlock),
}

/// Hands blocks to the thread that writes them. Blocks that it has no room for become silence of the same length.
pub(super) struct Recordings {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// The moments of blocks that were dropped, to be written as silence.
    owed: BTreeMap<RecordingId, u64>,
    /// The recordings whose files are open.
    open: BTreeMap<RecordingId, ()>,
    pub(super) dropped_blocks: u64,
    failures: Receiver<RecordingId>,
}
