//! The routes that wait: for the resolver, or for a connection without which our own address is not known.

use std::collections::BTreeMap;

use crate::{
    flow::{FlowId, RouteId},
    question::Question,
    targets::{Selection, Targets},
};

/// A route that is not answered yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The dialog's flow.
    pub(crate) dialog: Option<FlowId>,
    pub(crate) stage: Stage,
}

/// What a route waits for.
#[derive(Debug)]
pub(crate) enum Stage {
    /// For the resolver.
    Asking(Question, Selection),
    /// For a connection to the first of these targets.
    Connecting { flow: FlowId, targets: Targets, name: Box<str> },
}

/// The table of waiting routes, bounded.
#[derive(Debug)]
pub(crate) struct Resolving {
    waiting: BTreeMap<RouteId, Waiting>,
    capacity: usize,
}

impl Resolving {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { waiting: BTreeMap::new(), capacity }
    }

    /// Whether one more may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < self.capacity
    }

    pub(crate) fn insert(&mut self, route: RouteId, waiting: Waiting) {
        self.waiting.insert(route, waiting);
    }

    pub(crate) fn take(&mut self, route: RouteId) -> Option<Waiting> {
        self.waiting.remove(&route)
    }

    /// Takes a route that waits for the answer to that question.
    pub(crate) fn take_asking(
        &mut self,
        route: RouteId,
        question: &Question,
    ) -> Option<(Option<FlowId>, Selection)> {
        match &self.waiting.get(&route)?.stage {
            Stage::Asking(asked, _) if asked == question => {}
            Stage::Asking(..) | Stage::Connecting { .. } => return None,
        }
        match self.waiting.remove(&route)? {
            Waiting { dialog, stage: Stage::Asking(_, selection) } => Some((dialog, selection)),
            Waiting { stage: Stage::Connecting { .. }, .. } => None,
        }
    }

    /// The routes that wait for a connection, in the order of their names.
    pub(crate) fn waiting_for(&self, flow: FlowId) -> Vec<RouteId> {
        self.waiting
            .iter()
            .filter(|(_, waiting)| matches!(waiting.stage, Stage::Connecting { flow: awaited, .. } if awaited == flow))
            .map(|(route, _)| *route)
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
