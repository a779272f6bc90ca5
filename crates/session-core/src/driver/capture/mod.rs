//! Records the datagrams of a session manager, SIP, RTP and RTCP, in a pcap file.
//!
//! Who sends or receives a datagram leaves a copy in a bounded queue and goes on; a thread writes the file. A queue that is
//! full and a disk that is full cost the record, never the call.

mod packet;
mod pcap;
mod writer;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media_core::io::{DatagramObserver, SeenDatagram, Way};

use self::writer::Writer;

/// Bytes that wait to be written: 4 s of the 256 calls of a default manager, in which a busy disk catches up. They send
/// and receive 25,600 packets a second, each some 300 bytes here.
const MOST_QUEUED: usize = 32 << 20;
/// How long the end of a capture waits for the disk.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// Records every datagram of a [`SessionManager`](crate::SessionManager), or of several, in a pcap file.
///
/// Each packet in the file has the time, the addresses and the bytes that were sent or received. Its IP and UDP headers
/// are made here: what the network did to it (fragments, hops) is not in them. Packets stand in the order of time, each
/// when it was sent or received *here*. They are written whole, at most 0.6 s later, so that the file can be read while it
/// grows.
///
/// The file holds what was said and who said it: it is created for its owner alone (mode 600), where the system has such
/// modes. What was in a file of that name is lost; its mode stays.
///
/// Cheap to clone. The capture ends with [`Capture::finish`]; without it when the last clone and the last manager are
/// gone, in the background.
#[derive(Clone)]
pub struct Capture {
    records: Sender<Record>,
    ends: Sender<Sender<()>>,
    shared: Arc<Shared>,
    sent_only: bool,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("sent_only", &self.sent_only).finish_non_exhaustive()
    }
}

/// Says what became of a capture.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaptureReport {
    /// Packets in the file.
    pub written: u64,
    /// Datagrams that found the queue full: the disk was too slow.
    pub dropped: u64,
    /// Datagrams that were taken from the queue, or still wait in it, and are not in the file.
    pub unwritten: u64,
    /// Why the file could not be written any more, for example because the disk is full. What was written before can be
    /// read.
    pub failure: Option<Arc<io::Error>>,
}

impl CaptureReport {
    /// How many datagrams are missing in the file.
    pub fn missing(&self) -> u64 {
        self.dropped + self.unwritten
    }
}

/// A datagram that waits to be written.
#[derive(Debug)]
struct Record {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Bytes,
}

impl Record {
    /// What it takes of the queue.
    const fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

/// What the recorders and the writer count.
#[derive(Debug)]
struct Shared {
    limit: usize,
    queued: AtomicUsize,
    accepted: AtomicU64,
    dropped: AtomicU64,
    written: AtomicU64,
    failure: OnceLock<Arc<io::Error>>,
}

impl Shared {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            queued: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            written: AtomicU64::new(0),
            failure: OnceLock::new(),
        })
    }

    fn report(&self) -> CaptureReport {
        let written = self.written.load(Ordering::Relaxed);
        CaptureReport {
            written,
            dropped: self.dropped.load(Ordering::Relaxed),
            unwritten: self.accepted.load(Ordering::Relaxed).saturating_sub(written),
            failure: self.failure.get().cloned(),
        }
    }
}

impl Capture {
    /// Creates the file, or empties the one that is there, and starts the thread that writes it.
    ///
    /// Fails if the file cannot be created or takes no first bytes, or the system refuses a thread.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::start(create_private(path.as_ref())?, MOST_QUEUED)
    }

    /// The same capture, for a manager that should record only what it sends.
    ///
    /// Several managers that talk with each other and share a capture would record each datagram twice, where it is sent
    /// and where it is received; with this one each stands in the file once.
    #[must_use]
    pub fn sent_only(&self) -> Self {
        Self { sent_only: true, ..self.clone() }
    }

    /// Writes what was recorded so far, ends the capture, and says what became of it. Blocks until the disk has it, five
    /// seconds at most. End the managers before: what they send and receive later is not recorded.
    pub fn finish(&self) -> CaptureReport {
        self.finish_within(LAST_WRITE)
    }

    /// A datagram was sent; `at` is taken before, so that no answer can seem to be earlier.
    pub(crate) fn sent(&self, at: Instant, local: SocketAddr, remote: SocketAddr, bytes: &Bytes) {
        self.record(Record { at, from: local, to: remote, bytes: bytes.clone() });
    }

    /// A datagram was received now.
    pub(crate) fn received(&self, local: SocketAddr, remote: SocketAddr, bytes: &Bytes) {
        if !self.sent_only {
            self.record(Record { at: Instant::now(), from: remote, to: local, bytes: bytes.clone() });
        }
    }

    /// Records the datagrams of a media pump.
    pub(crate) fn observer(&self) -> DatagramObserver {
        let capture = self.clone();
        Box::new(move |seen: SeenDatagram<'_>| {
            let SeenDatagram { at, way, local, remote, bytes, .. } = seen;
            let (from, to) = match way {
                Way::Sent => (local, remote),
                Way::Received if capture.sent_only => return,
                Way::Received => (remote, local),
            };
            capture.record(Record { at, from, to, bytes: Bytes::copy_from_slice(bytes) });
        })
    }

    fn finish_within(&self, limit: Duration) -> CaptureReport {
        let (done, is_done) = mpsc::channel();
        if self.ends.send(done).is_ok() && is_done.recv_timeout(limit).is_err() {
            tracing::debug!("the capture was not written in time, or has ended before");
        }
        self.shared.report()
    }

    fn start(target: impl writer::Target + 'static, limit: usize) -> io::Result<Self> {
        let shared = Shared::new(limit);
        let (records, record_queue) = mpsc::channel();
        let (ends, end_queue) = mpsc::channel();
        let writer = Writer::begin(target, Arc::clone(&shared))?;
        thread::Builder::new()
            .name("patchcord-pcap".to_owned())
            .spawn(move || writer.run(record_queue, &end_queue))?;
        Ok(Self { records, ends, shared, sent_only: false })
    }

    /// Leaves a record in the queue, if there is room.
    fn record(&self, record: Record) {
        let (shared, size) = (&self.shared, record.size());
        if shared.queued.fetch_add(size, Ordering::Relaxed) + size > shared.limit {
            shared.queued.fetch_sub(size, Ordering::Relaxed);
            shared.dropped.fetch_add(1, Ordering::Relaxed);
        } else if self.records.send(record).is_ok() {
            shared.accepted.fetch_add(1, Ordering::Relaxed);
        } else {
            // The capture has ended.
            shared.queued.fetch_sub(size, Ordering::Relaxed);
        }
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
