//! How urgent an event is.

/// Says which queued events an event may overtake.
///
/// The order of the variants is the order of delivery: `High < Normal < Low` in the sense of `Ord`, first comes first.
/// Priorities are strict, so a subscriber that never catches up with `High` never sees `Low`; such a subscriber
/// overflows and is told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Delivered before everything else that is queued.
    High,
    /// The usual priority.
    #[default]
    Normal,
    /// Delivered when nothing else is queued, and the first to go when a [`DropOldest`](crate::Overflow::DropOldest)
    /// queue is full.
    Low,
}

impl Priority {
    /// All priorities in the order of delivery.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The lane of a queue that holds this priority; 0 is delivered first.
    pub(crate) fn lane(self) -> usize {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}
