//! Connections that are closed here while their tasks go on: they write what waits, and await the other side's end.

use std::collections::VecDeque;

use tokio::task::AbortHandle;

/// The tasks of closed connections, the one that was closed first in front.
#[derive(Debug, Default)]
pub(super) struct Lingering(VecDeque<AbortHandle>);

impl Lingering {
    /// Adds one; where there are so many already, the first of them ends at once.
    pub(super) fn push(&mut self, task: AbortHandle, most: usize) {
        if self.0.len() >= most {
            self.0.retain(|task| !task.is_finished());
        }
        self.0.push_back(task);
        while self.0.len() > most
            && let Some(first) = self.0.pop_front()
        {
            first.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn beyond_the_limit_the_first_ends_and_those_that_are_over_do_not_count() {
        let mut tasks = JoinSet::new();
        let mut lingering = Lingering::default();
        let first = tasks.spawn(pending::<()>());
        let over = tasks.spawn(async {});
        tasks.join_next().await.expect("two").expect("it is over by itself");
        let third = tasks.spawn(pending());
        for task in [&first, &over, &third] {
            lingering.push(task.clone(), 2);
        }
        assert!(!first.is_finished(), "two linger, which may be");
        let fourth = tasks.spawn(pending());
        lingering.push(fourth.clone(), 2);
        assert!(tasks.join_next().await.expect("three").expect_err("cut").is_cancelled());
        assert!(first.is_finished() && !third.is_finished() && !fourth.is_finished());
    }
}
