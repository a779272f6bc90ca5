//! What the jitter buffer answers.

/// Tells what became of a packet that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Put {
    /// It is held.
    Queued,
    /// It came when its time was over.
    Late,
    /// It had come before.
    Duplicate,
    /// It is held, and older ones were dropped for it.
    Overflow,
    /// Its number or time is far from what was expected. It is kept aside until the next packet shows whether the source
    /// began anew (RFC 3550 A.1).
    Suspect,
    /// Its payload is longer than [`MAX_PAYLOAD_BYTES`](super::MAX_PAYLOAD_BYTES).
    TooLong,
    /// It is held as the first of a new beginning, and what was held before is dropped.
    Reset(ResetCause),
}

/// Tells why the buffer began anew (TM-060).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetCause {
    /// Another synchronisation source.
    Source,
    /// Another clock rate or sample rate.
    Format,
    /// Nothing had come for longer than the buffer holds, as in a hold.
    Pause,
    /// Two packets in sequence, far from the numbers before.
    Sequence,
    /// A talkspurt or two packets in sequence, far from the timestamps before.
    Timestamp,
}

/// Tells what is to be heard next. The reader says by [`JitterBuffer::advance`](super::JitterBuffer::advance) how much of
/// it, or in its place, it played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Play<'a> {
    /// A packet; it is no longer held.
    Packet(Packet<'a>),
    /// A packet is missing, and a later one is there: conceal so many timestamp units.
    Lost {
        /// Timestamp units until the later packet.
        units: u32,
    },
    /// A packet is there and its time has not come, at a start or behind a pause of the sender: silence for so many
    /// timestamp units.
    Wait {
        /// Timestamp units until its time.
        units: u32,
    },
    /// Nothing is there though something should be: conceal.
    Underrun,
    /// Nothing is expected: silence.
    Empty,
}

/// A packet whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The payload type.
    pub payload_type: u8,
    /// The marker bit.
    pub marker: bool,
    /// False if the packet does not continue where the last one ended.
    pub continues: bool,
    /// The payload.
    pub payload: &'a [u8],
}
