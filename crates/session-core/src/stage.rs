//! The lifecycle of a transfer, computed from its events and from nothing else.

use std::{collections::BTreeMap, fmt};

use transfer::{OutcomeKind, TransferId};

use crate::event::EventKind;

/// How far a transfer is: `Initiated → Accepted → Progress → Completed | Failed | Cancelled | TimedOut`.
///
/// Stages may be left out, as by a REFER that is refused; none is gone back to. Every change is told by the event that
/// [reports](TransferStage::reported_by) it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferStage {
    /// It began, or we are asked for it.
    Initiated,
    /// The other side does what it was asked for; nothing is known of the result.
    Accepted,
    /// The referred call has got somewhere.
    Progress,
    /// The party was moved, or joined here.
    Completed,
    /// It failed, whether the party is back or not.
    Failed,
    /// The application gave it up.
    Cancelled,
    /// Nothing definite was heard in time.
    TimedOut,
}

/// A change of stage that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transfer cannot become {to} {}", Before(*.from))]
pub struct StageError {
    /// The stage it is in; `None` before it began and after its end.
    pub from: Option<TransferStage>,
    /// The stage that was reported.
    pub to: TransferStage,
}

struct Before(Option<TransferStage>);

impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(stage) => write!(f, "when it is {stage}"),
            None => f.write_str("before it began or after its end"),
        }
    }
}

impl TransferStage {
    /// The stage that an event reports, if it reports any.
    pub const fn reported_by(kind: &EventKind) -> Option<Self> {
        Some(match kind {
            EventKind::TransferInitiated { .. } | EventKind::TransferRequested { .. } => Self::Initiated,
            EventKind::TransferAccepted { .. } => Self::Accepted,
            EventKind::TransferProgress { .. } | EventKind::TransferConnected { .. } => Self::Progress,
            EventKind::TransferEnded(outcome) => Self::of(outcome.kind),
            _ => return None,
        })
    }

    /// The last stage, as an outcome has it.
    pub const fn of(outcome: OutcomeKind) -> Self {
        match outcome {
            OutcomeKind::Succeeded | OutcomeKind::AcceptedWithoutProgress | OutcomeKind::Bridged => {
                Self::Completed
            }
            OutcomeKind::Failed | OutcomeKind::Recovered | OutcomeKind::PeerHungUp => Self::Failed,
            OutcomeKind::Cancelled => Self::Cancelled,
            OutcomeKind::TimedOut => Self::TimedOut,
        }
    }

    /// Whether nothing follows.
    pub const fn is_last(self) -> bool {
        match self {
            Self::Initiated | Self::Accepted | Self::Progress => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut => true,
        }
    }

    /// Its name as the public interfaces spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initiated => "Initiated",
            Self::Accepted => "Accepted",
            Self::Progress => "Progress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "TimedOut",
        }
    }

    /// The stage after a report. One that was overtaken changes nothing: a NOTIFY may come before the 2xx to the REFER (RFC
    /// 3515 §2.4.4), and a REFER that is sent once more is accepted once more.
    const fn after(from: Option<Self>, reported: Self) -> Result<Self, StageError> {
        match (from, reported) {
            (None, Self::Initiated) => Ok(reported),
            (Some(Self::Progress), Self::Accepted) => Ok(Self::Progress),
            (Some(Self::Initiated | Self::Accepted | Self::Progress), reported)
                if !matches!(reported, Self::Initiated) =>
            {
                Ok(reported)
            }
            (from, to) => Err(StageError { from, to }),
        }
    }
}

impl fmt::Display for TransferStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The stages of all live transfers; as many as there are of those.
#[derive(Debug, Default)]
pub(crate) struct Stages(BTreeMap<TransferId, TransferStage>);

impl Stages {
    /// Takes an event of a transfer in; one that cannot be changes nothing.
    pub(crate) fn follow(&mut self, transfer: TransferId, kind: &EventKind) -> Result<(), StageError> {
        let Some(reported) = TransferStage::reported_by(kind) else { return Ok(()) };
        let stage = TransferStage::after(self.0.get(&transfer).copied(), reported)?;
        if stage.is_last() {
            self.0.remove(&transfer);
        } else {
            self.0.insert(transfer, stage);
        }
        Ok(())
    }

    /// The stage of a live transfer.
    pub(crate) fn of(&self, transfer: TransferId) -> Option<TransferStage> {
        self.0.get(&transfer).copied()
    }

    /// How many are live.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{TransferStage::*, *};
    use crate::TransferKind;

    const ALL: [TransferStage; 7] = [Initiated, Accepted, Progress, Completed, Failed, Cancelled, TimedOut];

    #[test]
    fn a_transfer_begins_once_goes_forward_and_ends_once() {
        for to in ALL {
            let begun = TransferStage::after(None, to);
            assert_eq!(begun.is_ok(), to == Initiated, "before the begin: {to}");
            for from in ALL {
                let next = TransferStage::after(Some(from), to);
                let legal = !from.is_last() && to != Initiated;
                assert_eq!(next.is_ok(), legal, "{from} to {to}");
                if let Ok(next) = next {
                    assert!(next >= from, "{from} went back to {next}");
                } else {
                    assert_eq!(next, Err(StageError { from: Some(from), to }));
                }
            }
        }
    }

    #[test]
    fn an_acceptance_that_a_notify_has_overtaken_changes_nothing() {
        assert_eq!(TransferStage::after(Some(Progress), Accepted), Ok(Progress));
    }

    #[test]
    fn an_illegal_report_is_an_error_and_leaves_the_stage() {
        let transfer = TransferId::from(1);
        let begin = EventKind::TransferInitiated { target: String::new(), kind: TransferKind::Blind };
        let progress = EventKind::TransferProgress { status: sip_message::StatusCode::RINGING };
        let mut stages = Stages::default();
        assert_eq!(stages.follow(transfer, &progress), Err(StageError { from: None, to: Progress }));
        assert_eq!(stages.of(transfer), None);
        assert_eq!(stages.follow(transfer, &begin), Ok(()));
        assert_eq!(stages.follow(transfer, &progress), Ok(()));
        let again = stages.follow(transfer, &begin);
        assert_eq!(again, Err(StageError { from: Some(Progress), to: Initiated }));
        assert_eq!(stages.of(transfer), Some(Progress));
        let words = again.map_err(|error| error.to_string());
        assert_eq!(words, Err("a transfer cannot become Initiated when it is Progress".to_owned()));
    }

    #[test]
    fn what_reports_no_stage_is_no_change() {
        let mut stages = Stages::default();
        assert_eq!(stages.follow(TransferId::from(1), &EventKind::ReferSent), Ok(()));
        assert_eq!(stages.len(), 0);
    }
}
