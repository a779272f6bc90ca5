//! The thread that puts recorded datagrams into order and into the file.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use super::{Record, Shared, packet, pcap};

/// How often the file is written.
const TURN: Duration = Duration::from_millis(100);
/// How long a datagram waits for an earlier one, whose thread the system kept from recording it at once. A busy machine
/// does so for a tenth of a second now and then.
const SETTLE: Duration = Duration::from_millis(500);

/// What is written to: a file, or what a test makes of it.
pub(super) trait Target: Write + Send {
    /// Gives up what stands behind the first `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Target for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Owns the file.
pub(super) struct Writer<T> {
    target: T,
    shared: Arc<Shared>,
    /// A moment and its time since 1970: the clock may be set meanwhile, and times in the file never go back.
    epoch: (Instant, Duration),
    /// What is drained and may have to wait for something earlier.
    waiting: Vec<Record>,
    /// What is written in one go, and where its packets end.
    buffer: Vec<u8>,
    ends: Vec<usize>,
    /// The length of the file, all its packets whole.
    length: u64,
}

impl<T: Target> Writer<T> {
    /// Begins the file.
    pub(super) fn begin(mut target: T, shared: Arc<Shared>) -> io::Result<Self> {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = pcap::file_header();
        target.write_all(&header)?;
        target.flush()?;
        Ok(Self {
            target,
            shared,
            epoch: (Instant::now(), unix),
            waiting: Vec::new(),
            buffer: Vec::new(),
            ends: Vec::new(),
            length: header.len() as u64,
        })
    }

    /// Writes until somebody asks for the end, or nobody is left to record.
    pub(super) fn run(mut self, records: Receiver<Record>, ends: &Receiver<Sender<()>>) {
        loop {
            // The recorders wake nobody: that would cost a system call for each packet.
            match ends.recv_timeout(TURN) {
                Err(RecvTimeoutError::Timeout) => {
                    let settled = Instant::now().checked_sub(SETTLE);
                    self.waiting.extend(records.try_iter());
                    if let Some(settled) = settled {
                        self.write(Some(settled));
                    }
                }
                end => {
                    self.waiting.extend(records.try_iter());
                    // What comes from now on is neither taken nor missing.
                    drop(records);
                    self.write(None);
                    if let Ok(done) = end {
                        // Who asked may have lost its patience.
                        let _ = done.send(());
                    }
                    return;
                }
            }
        }
    }

    /// Writes what was recorded before `settled`, or everything, in the order of time.
    fn write(&mut self, settled: Option<Instant>) {
        self.waiting.sort_by_key(|record| record.at);
        let count = settled
            .map_or(self.waiting.len(), |settled| self.waiting.partition_point(|record| record.at < settled));
        if count == 0 {
            return;
        }
        let mut size = 0;
        for record in self.waiting.drain(..count) {
            size += record.size();
            let at = self.epoch.1 + record.at.saturating_duration_since(self.epoch.0);
            let put = |file: &mut Vec<u8>| packet::append(file, record.from, record.to, &record.bytes);
            if pcap::append(&mut self.buffer, at, put) {
                self.ends.push(self.buffer.len());
            }
        }
        self.put();
        self.buffer.clear();
        self.ends.clear();
        self.shared.queued.fetch_sub(size, Ordering::Relaxed);
    }

    /// Puts the buffer into the file. After a failure nothing is written any more, and the file ends with a whole packet.
    fn put(&mut self) {
        if self.shared.failure.get().is_some() {
            return;
        }
        let (done, result) = write_counted(&mut self.target, &self.buffer);
        let whole = self.ends.partition_point(|end| *end <= done);
        self.length += self.ends[..whole].last().map_or(0, |end| *end as u64);
        self.shared.written.fetch_add(whole as u64, Ordering::Relaxed);
        if let Err(error) = result {
            tracing::error!(%error, "the capture cannot be written any more");
            if let Err(error) = self.target.cut(self.length) {
                tracing::debug!(%error, "the capture ends within a packet");
            }
            // Set once: nothing is written after it.
            let _ = self.shared.failure.set(Arc::new(error));
        }
    }
}

/// Writes all it can; gives how much that was.
fn write_counted(target: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        match target.write(&bytes[done..]) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, target.flush())
}
