//! Recordings to files: a thread of its own writes, so that no disk holds up the pump.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the thread flushes by the real clock"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use hound::{SampleFormat, WavSpec, WavWriter};
use mio::Waker;

use crate::sink::RecordedBlock;
use crate::streams::{RecordingFailure, RecordingId};

/// The blocks that wait for the disk: 200 ms each, so a hundred recordings outlast a stall of two seconds.
const QUEUE: usize = 1_024;
/// How long samples may wait before the file says that they are there: after a crash it lacks no more than that.
const FLUSH: Duration = Duration::from_secs(1);
/// The bytes after which a file ends: its sizes have 32 bits.
const MAX_BYTES: u64 = 0xFFFF_0000;

/// Tells how a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordingEnd {
    /// The recording.
    pub(super) recording: RecordingId,
    /// Whether everything is in the file, otherwise why not.
    pub(super) result: Result<(), RecordingFailure>,
}

enum Order {
    Open(RecordingId, File),
    Write(RecordingId, RecordedBlock),
    Forget(RecordingId),
}

/// Hands blocks to the thread that writes them. A block that it has no room for becomes silence of the same length.
pub(super) struct Recordings {
    orders: Sender<Order>,
    ends: Receiver<RecordingEnd>,
    thread: JoinHandle<()>,
    /// The moments of dropped blocks, to be written as silence.
    owed: BTreeMap<RecordingId, u64>,
    /// Last blocks that found no room.
    unfinished: Vec<(RecordingId, RecordedBlock)>,
    /// Recordings that were taken back while there was no room.
    unforgotten: Vec<RecordingId>,
    pub(super) dropped_blocks: u64,
}

impl Recordings {
    /// Starts the thread; it wakes the pump when a recording has ended.
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Self> {
        let (orders, received) = bounded(QUEUE);
        let (ended, ends) = bounded(QUEUE);
        let thread = std::thread::Builder::new()
            .name("rtp-recorder".to_owned())
            .spawn(move || write_all(&received, &ended, &waker))?;
        let (owed, unfinished, unforgotten) = (BTreeMap::new(), Vec::new(), Vec::new());
        Ok(Self { orders, ends, thread, owed, unfinished, unforgotten, dropped_blocks: 0 })
    }

    /// Says where a recording goes, unless there is no room for it.
    pub(super) fn open(&self, recording: RecordingId, file: File) -> Result<(), RecordingFailure> {
        self.orders.try_send(Order::Open(recording, file)).map_err(|_| RecordingFailure::Busy)
    }

    /// Takes back a recording that never begins; its file stays as it was.
    pub(super) fn forget(&mut self, recording: RecordingId) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Forget(recording)) {
            self.unforgotten.push(recording);
        }
    }

    pub(super) fn write(&mut self, recording: RecordingId, block: RecordedBlock) {
        if let Some(&owed) = self.owed.get(&recording) {
            let silence = RecordedBlock { samples: Vec::new(), silence: owed, last: false, ..block.clone() };
            if self.orders.try_send(Order::Write(recording, silence)).is_err() {
                self.owe(recording, &block);
                return;
            }
            self.owed.remove(&recording);
        }
        if let Err(TrySendError::Full(Order::Write(_, block))) =
            self.orders.try_send(Order::Write(recording, block))
        {
            self.owe(recording, &block);
        }
    }

    fn owe(&mut self, recording: RecordingId, block: &RecordedBlock) {
        self.dropped_blocks += 1;
        *self.owed.entry(recording).or_insert(0) += block.moments() + block.silence;
        if block.last {
            self.unfinished
                .push((recording, RecordedBlock { samples: Vec::new(), silence: 0, ..block.clone() }));
        }
    }

    /// Tries again to end what could not be ended.
    pub(super) fn retry(&mut self) {
        for (recording, last) in std::mem::take(&mut self.unfinished) {
            self.dropped_blocks -= 1;
            self.write(recording, last);
        }
        for recording in std::mem::take(&mut self.unforgotten) {
            self.forget(recording);
        }
    }

    /// Returns a recording that has ended.
    pub(super) fn ended(&mut self) -> Option<RecordingEnd> {
        self.ends.try_recv().ok()
    }

    /// Waits until everything is written, and returns the recordings that ended by it.
    pub(super) fn finish(self) -> Vec<RecordingEnd> {
        let Self { orders, ends, thread, .. } = self;
        drop(orders);
        let last = ends.iter().collect();
        // A panic of the thread has been reported by its hook.
        let _ = thread.join();
        last
    }
}

/// An open file; the format is that of the first block.
struct Writing {
    file: Option<File>,
    writer: Option<WavWriter<BufWriter<File>>>,
    bytes: u64,
}

impl Writing {
    fn write(&mut self, block: &RecordedBlock) -> Result<(), hound::Error> {
        if let Some(file) = self.file.take() {
            // Only now, so that a recording that is refused leaves what was there before.
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            let spec = WavSpec {
                channels: block.layout.channels(),
                sample_rate: block.rate.hz(),
                bits_per_sample: 16,
                sample_format: SampleFormat::Int,
            };
            self.writer = Some(WavWriter::new(BufWriter::new(file), spec)?);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let channels = u64::from(block.layout.channels());
        self.bytes += (block.moments() + block.silence).saturating_mul(channels * 2);
        if self.bytes > MAX_BYTES {
            return Err(hound::Error::TooWide);
        }
        for &sample in &block.samples {
            writer.write_sample(sample)?;
        }
        for _ in 0..block.silence * channels {
            writer.write_sample(0_i16)?;
        }
        Ok(())
    }

    /// Brings the sizes in the header up to date.
    fn flush(&mut self) -> Result<(), hound::Error> {
        self.writer.as_mut().map_or(Ok(()), WavWriter::flush)
    }

    fn finish(self) -> Result<(), hound::Error> {
        self.writer.map_or(Ok(()), WavWriter::finalize)
    }
}

fn failure(error: hound::Error) -> RecordingFailure {
    match error {
        hound::Error::IoError(error) => RecordingFailure::File(error.kind()),
        hound::Error::TooWide => RecordingFailure::Full,
        hound::Error::FormatError(_)
        | hound::Error::UnfinishedSample
        | hound::Error::Unsupported
        | hound::Error::InvalidSampleFormat => RecordingFailure::File(io::ErrorKind::InvalidData),
    }
}

fn write_all(orders: &Receiver<Order>, ended: &Sender<RecordingEnd>, waker: &Waker) {
    let mut files: BTreeMap<RecordingId, Writing> = BTreeMap::new();
    let mut flushed = Instant::now();
    let end = |recording, result: Result<(), hound::Error>| {
        // The pump may be gone, and nobody waits any more.
        let _ = ended.send(RecordingEnd { recording, result: result.map_err(failure) });
        let _ = waker.wake();
    };
    loop {
        match orders.recv_timeout(FLUSH) {
            Ok(Order::Open(recording, file)) => {
                files.insert(recording, Writing { file: Some(file), writer: None, bytes: 0 });
            }
            // Of a recording that failed, the rest is let go.
            Ok(Order::Write(recording, block)) => {
                let result = files.get_mut(&recording).map(|file| file.write(&block));
                if matches!(result, Some(Err(_))) || block.last {
                    let finished = files.remove(&recording).map(Writing::finish);
                    if let (Some(written), Some(finished)) = (result, finished) {
                        end(recording, written.and(finished));
                    }
                }
            }
            Ok(Order::Forget(recording)) => {
                files.remove(&recording);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if flushed.elapsed() >= FLUSH {
            flushed = Instant::now();
            let failed = |file: &mut Writing| file.flush().err();
            let failures: Vec<_> = files
                .iter_mut()
                .filter_map(|(recording, file)| failed(file).map(|error| (*recording, error)))
                .collect();
            for (recording, error) in failures {
                files.remove(&recording);
                end(recording, Err(error));
            }
        }
    }
    for (recording, file) in files {
        end(recording, file.finish());
    }
}
