use core::fmt::Display;

use super::lines::Lines;
use crate::HeaderId;

/// Header lines that stand in many messages, such as Allow and Supported: printed and checked once, and added to a message
/// in one copy by [`Draft::block`](crate::Draft::block) or [`Response::block`](crate::Response::block).
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub(super) lines: Lines,
}

impl Block {
    /// Adds a header line; lines are written in the order in which they were added.
    #[must_use]
    pub fn header(mut self, id: HeaderId, value: impl Display) -> Block {
        self.lines.push(id, value);
        self
    }
}
