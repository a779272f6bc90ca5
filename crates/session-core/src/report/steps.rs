//! What passed during a transfer, in its order.

use std::{collections::VecDeque, time::Duration};

use crate::event::SessionId;

/// The first steps that are kept: how a transfer began. An attended one that succeeds has some thirty.
const FIRST: usize = 32;
/// The last steps that are kept: how it ended. What lies between is counted.
const LAST: usize = 32;

/// Something that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Since the transfer began.
    pub at: Duration,
    /// In which call.
    pub session: SessionId,
    /// What.
    pub what: Passed,
}

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// A message, with the words on its arrow.
    Message {
        /// Sent by us, or received.
        sent: bool,
        /// Its words.
        label: String,
        /// Its `CSeq` number: with the words, what tells a message from its retransmission.
        number: u32,
        /// How often it was seen.
        times: u32,
    },
    /// Something happened here.
    Remark(String),
}

/// The first and the last steps of a transfer; memory that no peer can make grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Steps {
    first: Vec<Step>,
    last: VecDeque<Step>,
    omitted: u32,
}

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        if let Some(times) = self.same_message(&step) {
            *times = times.saturating_add(1);
        } else if self.first.len() < FIRST {
            self.first.push(step);
        } else {
            if self.last.len() == LAST {
                self.last.pop_front();
                self.omitted = self.omitted.saturating_add(1);
            }
            self.last.push_back(step);
        }
    }

    /// The first steps, how many were left out after them, and the last steps.
    pub(super) fn parts(&self) -> (&[Step], u32, &VecDeque<Step>) {
        (&self.first, self.omitted, &self.last)
    }

    /// The count of a message that is sent or received once more.
    fn same_message(&mut self, step: &Step) -> Option<&mut u32> {
        let Passed::Message { sent, label, number, .. } = &step.what else { return None };
        self.first.iter_mut().chain(&mut self.last).rev().find_map(|known| match &mut known.what {
            Passed::Message { sent: direction, label: words, number: cseq, times }
                if known.session == step.session && direction == sent && words == label && cseq == number =>
            {
                Some(times)
            }
            Passed::Message { .. } | Passed::Remark(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32) -> Step {
        let what = Passed::Message { sent: true, label: "NOTIFY".into(), number, times: 1 };
        Step { at: Duration::ZERO, session: SessionId::from(1), what }
    }

    #[test]
    fn at_the_bound_all_is_kept_and_one_beyond_the_middle_is_counted() {
        let mut steps = Steps::default();
        let bound = u32::try_from(FIRST + LAST).expect("a small number");
        for number in 0..bound {
            steps.push(message(number));
        }
        assert_eq!(steps.parts().1, 0);
        steps.push(message(bound));
        let (first, omitted, last) = steps.parts();
        assert_eq!((first.len(), omitted, last.len()), (FIRST, 1, LAST));
        assert_eq!((first.first(), last.back()), (Some(&message(0)), Some(&message(bound))));
    }

    #[test]
    fn a_retransmission_is_counted_where_the_message_stands() {
        let mut steps = Steps::default();
        for number in [1, 2, 1, 1] {
            steps.push(message(number));
        }
        let times: Vec<u32> = steps
            .parts()
            .0
            .iter()
            .map(|step| match step.what {
                Passed::Message { times, .. } => times,
                Passed::Remark(_) => 0,
            })
            .collect();
        assert_eq!(times, [3, 1]);
    }
}
