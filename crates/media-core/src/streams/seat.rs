//! The place of a stream in a mix.

/// Names the seats of a stream and of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// Which mix.
    pub(super) mix: usize,
    /// The seat of who is at the far end.
    pub(super) stream: usize,
    /// The seat of the device; none in a pair, where devices rest.
    pub(super) device: Option<usize>,
}
