//! What happened to the packets of a stream on their way to the ear.

use std::time::Duration;

/// Counts packets; each that was put ends in one of `played`, `late`, `duplicated` and `discarded`, or is still held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BufferCounters {
    /// Audio packets that were put.
    pub received: u64,
    /// Packets of other kinds that were passed by.
    pub skipped: u64,
    /// Packets given to the reader.
    pub played: u64,
    /// Packets that came when their time was over.
    pub late: u64,
    /// Sequence numbers that never came; one that comes late is no longer lost.
    pub lost: u64,
    /// Packets that had come before.
    pub duplicated: u64,
    /// Packets dropped unheard: too long, too many, flushed by a reset, or out of any order.
    pub discarded: u64,
    /// How often the buffer began anew.
    pub resets: u64,
}

/// Tells the state of a stream's playout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PlayoutReport {
    /// The packets.
    pub packets: BufferCounters,
    /// The delay of what is heard now behind the arrival of the fastest packets; zero before the first is heard.
    pub delay: Duration,
    /// The delay that is aimed at.
    pub target: Duration,
    /// Audio made up in place of missing packets; the silence after 60 ms does not count.
    pub concealed: Duration,
    /// How often one pitch period was left out.
    pub shortened: u64,
    /// How often one pitch period was repeated.
    pub lengthened: u64,
}
