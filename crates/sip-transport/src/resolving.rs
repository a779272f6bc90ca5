//! The questions that wait for the resolver.

use std::collections::BTreeMap;

use crate::flow::{FlowId, RouteId};

/// What is to be done with the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) port: u16,
    pub(crate) flow: Option<FlowId>,
}

/// The table of open questions, bounded.
#[derive(Debug)]
pub(crate) struct Resolving {
    waiting: BTreeMap<RouteId, Waiting>,
    capacity: usize,
}

impl Resolving {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { waiting: BTreeMap::new(), capacity }
    }

    /// Notes a question; `false` if the table is full.
    pub(crate) fn insert(&mut self, route: RouteId, waiting: Waiting) -> bool {
        let room = self.waiting.len() < self.capacity;
        if room {
            self.waiting.insert(route, waiting);
        }
        room
    }

    pub(crate) fn take(&mut self, route: RouteId) -> Option<Waiting> {
        self.waiting.remove(&route)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
