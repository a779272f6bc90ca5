use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A disk of a test.
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: usize,
    /// Each write behind the header waits for one of these.
    permits: Option<Receiver<()>>,
    _gone: Sender<()>,
}

impl Disk {
    fn new(room: usize, permits: Option<Receiver<()>>) -> (Self, Arc<Mutex<Vec<u8>>>, Receiver<()>) {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (gone, is_gone) = mpsc::channel();
        (Self { bytes: Arc::clone(&bytes), room, permits, _gone: gone }, bytes, is_gone)
    }
}

impl Write for Disk {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut bytes = self.bytes.lock().expect("no panic elsewhere");
        if let Some(permits) = &self.permits
            && !bytes.is_empty()
        {
            permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        let count = buffer.len().min(self.room - bytes.len());
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        bytes.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl writer::Target for Disk {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.bytes.lock().expect("no panic elsewhere").truncate(length as usize);
        Ok(())
    }
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn send(capture: &Capture, at: Instant, text: &str) {
    capture.sent(at, address(1), address(2), &Bytes::copy_from_slice(text.as_bytes()));
}

/// The payloads in a file of IPv4 packets, with their ports; fails if a packet is not whole.
fn packets(file: &[u8]) -> Vec<(u16, u16, String)> {
    let mut packets = Vec::new();
    let mut rest = &file[pcap::file_header().len()..];
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let packet = &rest[16..16 + length];
        let port = |at| u16::from_be_bytes([packet[at], packet[at + 1]]);
        packets.push((port(20), port(22), String::from_utf8_lossy(&packet[28..]).into_owned()));
        rest = &rest[16 + length..];
    }
    packets
}

fn payloads(file: &Mutex<Vec<u8>>) -> Vec<String> {
    let file = file.lock().expect("no panic elsewhere");
    packets(&file).into_iter().map(|(.., payload)| payload).collect()
}

#[test]
fn what_threads_record_late_stands_in_its_place() {
    let (disk, file, _gone) = Disk::new(1 << 20, None);
    let capture = Capture::start(disk, MOST_QUEUED).expect("a thread");
    let now = Instant::now();
    for (after, text) in [(2, "c"), (0, "a"), (3, "d"), (1, "b")] {
        send(&capture, now + Duration::from_millis(after), text);
    }
    let report = capture.finish();
    assert_eq!(payloads(&file), ["a", "b", "c", "d"]);
    assert_eq!((report.written, report.missing()), (4, 0));
    assert!(report.failure.is_none());
    // What comes later is neither recorded nor missing.
    send(&capture, now, "e");
    assert_eq!((capture.finish().written, capture.finish().missing()), (4, 0));
}

#[test]
fn a_full_queue_is_counted_and_has_room_again_when_it_is_written() {
    let (permit, permits) = mpsc::channel();
    let (disk, file, _gone) = Disk::new(1 << 20, Some(permits));
    let record = size_of::<Record>() + 1;
    let capture = Capture::start(disk, 2 * record).expect("a thread");
    let now = Instant::now();
    for text in ["a", "b", "c"] {
        send(&capture, now, text);
    }
    let report = capture.shared.report();
    assert_eq!((report.dropped, report.unwritten), (1, 2), "two are the limit");
    permit.send(()).expect("the writer lives");
    let deadline = Instant::now() + PATIENCE;
    while capture.shared.queued.load(Ordering::Relaxed) > 0 {
        assert!(Instant::now() < deadline, "it is not written");
        thread::yield_now();
    }
    send(&capture, now, "d");
    permit.send(()).expect("the writer lives");
    let report = capture.finish();
    assert_eq!(payloads(&file), ["a", "b", "d"]);
    assert_eq!((report.written, report.dropped, report.unwritten), (3, 1, 0));
}

#[test]
fn a_full_disk_leaves_whole_packets_and_is_told() {
    let packet = 16 + 28 + 1;
    let (disk, file, _gone) = Disk::new(24 + 2 * packet + 20, None);
    let capture = Capture::start(disk, MOST_QUEUED).expect("a thread");
    let now = Instant::now();
    for text in ["a", "b", "c", "d"] {
        send(&capture, now, text);
    }
    let report = capture.finish();
    assert_eq!(payloads(&file), ["a", "b"]);
    assert_eq!((report.written, report.dropped, report.unwritten), (2, 0, 2));
    assert_eq!(report.failure.expect("a reason").kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_disk_that_takes_no_first_bytes_is_an_error_at_the_start() {
    let (disk, _file, _gone) = Disk::new(20, None);
    let error = Capture::start(disk, MOST_QUEUED).expect_err("no room for the header");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let (permit, permits) = mpsc::channel();
    let (disk, _file, _gone) = Disk::new(1 << 20, Some(permits));
    let capture = Capture::start(disk, MOST_QUEUED).expect("a thread");
    send(&capture, Instant::now(), "a");
    let report = capture.finish_within(Duration::from_millis(1));
    assert_eq!((report.written, report.unwritten), (0, 1));
    assert!(report.failure.is_none());
    drop(permit);
}

#[test]
fn the_last_handle_ends_the_capture() {
    let (disk, file, gone) = Disk::new(1 << 20, None);
    let capture = Capture::start(disk, MOST_QUEUED).expect("a thread");
    let observer = capture.observer();
    send(&capture, Instant::now(), "a");
    drop(capture);
    drop(observer);
    // The disk goes with the thread.
    assert!(matches!(gone.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected)));
    assert_eq!(payloads(&file), ["a"]);
}

#[test]
fn both_ways_are_recorded_or_only_what_is_sent() {
    for (sent_only, expected) in [
        (false, vec![(1, 2, "sip out"), (2, 1, "sip in"), (3, 4, "rtp out"), (4, 3, "rtp in")]),
        (true, vec![(1, 2, "sip out"), (3, 4, "rtp out")]),
    ] {
        let (disk, file, _gone) = Disk::new(1 << 20, None);
        let all = Capture::start(disk, MOST_QUEUED).expect("a thread");
        let capture = if sent_only { all.sent_only() } else { all.clone() };
        send(&capture, Instant::now(), "sip out");
        capture.received(address(1), address(2), &Bytes::from_static(b"sip in"));
        let mut observer = capture.observer();
        for (way, bytes) in [(Way::Sent, b"rtp out".as_slice()), (Way::Received, b"rtp in")] {
            observer(SeenDatagram {
                at: Instant::now(),
                way,
                kind: media_core::PacketKind::Rtp,
                local: address(3),
                remote: address(4),
                bytes,
            });
        }
        all.finish();
        let file = file.lock().expect("no panic elsewhere");
        let expected = expected.into_iter().map(|(from, to, text)| (from, to, text.to_owned()));
        assert_eq!(packets(&file), expected.collect::<Vec<_>>(), "sent only: {sent_only}");
    }
}
