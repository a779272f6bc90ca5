//! Answers and events on their way out: a bounded channel, and behind it a bounded backlog.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::streams::{StreamEvent, StreamOutput};

/// Sends what the reader has room for and keeps the rest.
///
/// A quality report is dropped when the channel is full, because the next one replaces it. Other events are dropped
/// once the backlog is full; answers to commands, summaries and ends of recordings never are, and stay bounded because the pump
/// takes no command while [`Answers::is_full`].
pub(super) struct Answers {
    sender: mpsc::Sender<StreamOutput>,
    backlog: VecDeque<StreamOutput>,
    limit: usize,
    pub(super) dropped_reports: u64,
    pub(super) dropped_events: u64,
}

impl Answers {
    pub(super) fn new(sender: mpsc::Sender<StreamOutput>, limit: usize) -> Self {
        Self { sender, backlog: VecDeque::new(), limit, dropped_reports: 0, dropped_events: 0 }
    }

    /// Gives the reader what it has room for now.
    pub(super) fn offer(&mut self) {
        while let Some(output) = self.backlog.pop_front() {
            match self.sender.try_send(output) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(output)) => {
                    self.backlog.push_front(output);
                    return;
                }
                // A reader that is gone wants nothing any more.
                Err(mpsc::error::TrySendError::Closed(_)) => self.backlog.clear(),
            }
        }
    }

    pub(super) fn has_reader(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn is_full(&self) -> bool {
        self.backlog.len() >= self.limit
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    pub(super) fn push(&mut self, output: StreamOutput) {
        let output = if self.backlog.is_empty() {
            match self.sender.try_send(output) {
                // A reader that is gone wants nothing any more.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
                Err(mpsc::error::TrySendError::Full(output)) => output,
            }
        } else {
            output
        };
        match &output {
            StreamOutput::Event(StreamEvent::Quality(_)) => self.dropped_reports += 1,
            StreamOutput::Applied { .. }
            | StreamOutput::Failed { .. }
            | StreamOutput::Event(StreamEvent::Summary(_) | StreamEvent::RecordingEnded { .. }) => {
                self.backlog.push_back(output);
            }
            StreamOutput::Send { .. } | StreamOutput::Recorded { .. } | StreamOutput::Event(_)
                if self.is_full() =>
            {
                self.dropped_events += 1;
            }
            StreamOutput::Send { .. } | StreamOutput::Recorded { .. } | StreamOutput::Event(_) => {
                self.backlog.push_back(output);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Op, StreamId};
    use crate::tick::Tick;

    #[test]
    fn answers_are_kept_and_other_events_end_at_the_limit() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut answers = Answers::new(sender, 2);
        let flowing =
            || StreamOutput::Event(StreamEvent::Flowing { stream: StreamId(1), at: Tick::default() });
        answers.push(flowing());
        answers.push(flowing());
        assert!(!answers.is_full());
        answers.push(flowing());
        assert!(answers.is_full());
        answers.push(flowing());
        answers.push(StreamOutput::Applied { op: Op(7) });
        assert_eq!(answers.dropped_events, 1);
        assert!(receiver.try_recv().is_ok());
        // What waits goes first, even when there is room again.
        answers.push(StreamOutput::Applied { op: Op(8) });
        let waiting: Vec<_> = std::iter::from_fn(|| {
            answers.offer();
            receiver.try_recv().ok()
        })
        .collect();
        let expected =
            [flowing(), flowing(), StreamOutput::Applied { op: Op(7) }, StreamOutput::Applied { op: Op(8) }];
        assert_eq!(waiting, expected);
        assert!(!answers.has_backlog() && answers.has_reader());
        drop(receiver);
        assert!(!answers.has_reader());
    }
}
