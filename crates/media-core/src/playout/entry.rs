//! The packets that are held, in the order of their sequence numbers.

use std::collections::VecDeque;

/// The most packets that are held: one second of packets of 10 ms.
pub const MAX_PACKETS: usize = 100;
/// The longest payload that is held: what fits into one packet on the wire, 200 ms of G.711 and more.
pub const MAX_PAYLOAD_BYTES: usize = 2_048;

/// What a sequence number carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Audio or comfort noise that waits to be heard.
    Audio,
    /// A packet of another kind, such as a telephone event.
    Other,
    /// Audio that came when its time had begun.
    Late,
}

/// One sequence number.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The extended sequence number.
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) payload_type: u8,
    pub(super) marker: bool,
    /// The extended timestamp.
    pub(super) timestamp: i64,
    pub(super) payload: Vec<u8>,
}

/// Entries by number, and the payload buffers that are free again.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    held: VecDeque<Entry>,
    spare: Vec<Vec<u8>>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Inserts a number that is not held.
    pub(super) fn insert(&mut self, entry: Entry) {
        let place =
            self.held.iter().rposition(|held| held.number < entry.number).map_or(0, |before| before + 1);
        self.held.insert(place, entry);
    }

    pub(super) fn first(&self) -> Option<&Entry> {
        self.held.front()
    }

    /// Returns the first audio.
    pub(super) fn first_audio(&self) -> Option<&Entry> {
        self.held.iter().find(|entry| entry.kind == Kind::Audio)
    }

    /// Returns how many packets of other kinds stand before the first audio.
    pub(super) fn others(&self) -> u64 {
        let before = self.held.iter().take_while(|entry| entry.kind != Kind::Audio);
        before.filter(|entry| entry.kind == Kind::Other).count() as u64
    }

    /// Returns the second audio.
    pub(super) fn second_audio(&self) -> Option<&Entry> {
        self.held.iter().filter(|entry| entry.kind == Kind::Audio).nth(1)
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.held.pop_front()
    }

    /// Returns the timestamp units from the earliest to the latest entry; a hostile peer's are in no order.
    pub(super) fn span(&self) -> i64 {
        let timestamps = || self.held.iter().map(|entry| entry.timestamp);
        timestamps().max().unwrap_or(0).saturating_sub(timestamps().min().unwrap_or(0))
    }

    /// Returns a buffer with this content, a used one if there is any.
    pub(super) fn buffer(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(payload);
        buffer
    }

    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Returns the bytes that are allocated.
    pub(super) fn bytes(&self) -> usize {
        let payloads = self.held.iter().map(|entry| &entry.payload).chain(&self.spare).map(Vec::capacity);
        self.held.capacity() * size_of::<Entry>()
            + self.spare.capacity() * size_of::<Vec<u8>>()
            + payloads.sum::<usize>()
    }
}
