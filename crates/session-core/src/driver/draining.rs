//! The graceful end: no new calls, transfers finish, then shutdown.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Driver;
use crate::engine::{Command, Input};

/// A drain that is under way.
pub(super) struct Draining {
    /// When the transfers have had their time; `None` is never.
    pub(super) deadline: Option<Instant>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Driver {
    /// Takes no new calls from now on, and stops once no transfer is live. Of several limits the earliest holds.
    pub(super) fn drain(&mut self, limit: Duration, done: oneshot::Sender<()>) {
        let now = Instant::now();
        let deadline = now.checked_add(limit);
        let draining = self.draining.get_or_insert_with(|| Draining { deadline, waiting: Vec::new() });
        draining.deadline = [draining.deadline, deadline].into_iter().flatten().min();
        draining.waiting.push(done);
        let id = self.commands.mint();
        self.engine.handle(now, Input::Command { id, command: Command::Drain });
    }

    /// Stops when the transfers have finished, or have had their time.
    pub(super) fn stop_when_drained(&mut self, now: Instant) {
        let Some(draining) = &self.draining else { return };
        let is_late = draining.deadline.is_some_and(|deadline| deadline <= now);
        if !is_late && self.engine.leftovers().transfers > 0 {
            return;
        }
        let waiting = self.draining.take().map(|draining| draining.waiting).unwrap_or_default();
        for done in waiting {
            self.stop(Some(done));
        }
        self.deliver();
    }
}
