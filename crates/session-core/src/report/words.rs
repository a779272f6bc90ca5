//! A report in five lines.

use std::fmt;

use sip_message::StatusCode;
use transfer::{Failure, LearnedFrom, OutcomeKind, Role};

use super::{Decisive, TransferReport, rule::rule};
use crate::{TransferKind, describe::outcome_name};

struct Status(StatusCode);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.0.reason_phrase())
    }
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TransferKind::Blind => "Blind transfer",
            TransferKind::Attended => "Attended transfer",
            TransferKind::SemiAttended => "Semi-attended transfer",
            TransferKind::ProtectedTarget => "Attended transfer with a protected target",
            TransferKind::Warm => "Warm transfer",
        };
        match self.role {
            Role::Transferor => write!(f, "{kind} of {} to {}", self.peer, self.target)?,
            Role::Transferee => write!(f, "{kind} of us to {}, asked by {}", self.target, self.peer)?,
        }
        writeln!(f, ": {} after {:.1} s", outcome_name(self.outcome.kind), self.took.as_secs_f64())?;
        writeln!(f, "  What happened: {}.", self.happened())?;
        writeln!(f, "  Decided by: {}.", self.decided())?;
        writeln!(f, "  Rule: {}", rule(self.role, &self.outcome))?;
        write!(f, "  Left: {}.", self.left())
    }
}

impl TransferReport {
    fn happened(&self) -> String {
        if self.role == Role::Transferee {
            let reason = self.outcome.failure.map(|failure| format!("; {failure}")).unwrap_or_default();
            return format!("{} asked us by REFER to call {}{reason}", self.peer, self.target);
        }
        let mut words = match self.accepted {
            Some(status) => format!("{} accepted our REFER with {}", self.peer, Status(status)),
            None if self.kind != TransferKind::Blind => {
                format!("{} waited while we called {}", self.peer, self.target)
            }
            None => format!("we asked {} to move", self.peer),
        };
        if let Some(status) = self.progress.filter(|status| *status != StatusCode::TRYING) {
            words = format!("{words}, and told {} of the new call", Status(status));
        }
        if let Some(failure) = self.outcome.failure {
            words = format!("{words}; {failure}");
        }
        words
    }

    fn decided(&self) -> String {
        match &self.decisive {
            Some(Decisive::Notify { status: Some(status), sent: true, peer }) => {
                format!("`{}` in our NOTIFY to {peer}", Status(*status))
            }
            Some(Decisive::Notify { status: Some(status), sent: false, peer }) => {
                format!("`{}` in the NOTIFY of {peer}", Status(*status))
            }
            Some(Decisive::Notify { status: None, sent: true, peer }) => {
                format!("our NOTIFY to {peer}, without a status")
            }
            Some(Decisive::Notify { status: None, sent: false, peer }) => {
                format!("the NOTIFY of {peer} that ended the subscription without a status")
            }
            Some(Decisive::Response { status, method, peer }) => {
                format!("`{}` of {peer} to our {method}", Status(*status))
            }
            Some(Decisive::Bye { peer }) => format!("the BYE of {peer}"),
            None => match self.outcome.learned_from {
                LearnedFrom::Guard => format!("a timer of ours; {}", self.silent()),
                _ => "a decision here, without a message".to_owned(),
            },
        }
    }

    /// Who was waited for.
    fn silent(&self) -> String {
        match self.outcome.failure {
            Some(Failure::Undecided | Failure::Consultation) => {
                format!("{} said nothing more", self.target)
            }
            Some(Failure::TalkLimit) => "nobody completed the transfer".to_owned(),
            // We were asked.
            Some(Failure::Rejected) => "nobody here decided".to_owned(),
            _ => format!("{} said nothing more", self.peer),
        }
    }

    fn left(&self) -> String {
        let (peer, target) = (&self.peer, &self.target);
        match (self.role, self.outcome.kind) {
            (Role::Transferor, OutcomeKind::Succeeded) => {
                return format!("{peer} has the call with {target}; we have none with them");
            }
            (Role::Transferee, OutcomeKind::Succeeded) => {
                return format!("we have the call with {target}; the one with {peer} ends");
            }
            (_, OutcomeKind::AcceptedWithoutProgress) => {
                return format!("{peer} was asked to call {target}, and nobody tells whether it did");
            }
            (_, OutcomeKind::Bridged) => return format!("{peer} and {target} talk through us"),
            (
                _,
                OutcomeKind::Failed
                | OutcomeKind::Recovered
                | OutcomeKind::Cancelled
                | OutcomeKind::TimedOut
                | OutcomeKind::PeerHungUp,
            ) => {}
        }
        let is_over = |part: &&super::Part| part.ended;
        let moved = self.calls.iter().find(|part| part.session == self.session);
        let mut words = if moved.is_none_or(|part| part.ended) || self.outcome.kind == OutcomeKind::PeerHungUp
        {
            format!("our call with {peer} is over")
        } else if self.role == Role::Transferee || self.outcome.call_kept {
            format!("we have {peer} as before")
        } else if self.outcome.on_hold {
            format!("{peer} is still on hold and refuses to be taken back: resume the call or hang up")
        } else {
            format!("our call with {peer} ends")
        };
        for part in self.calls.iter().filter(|part| part.session != self.session && !is_over(part)) {
            words = format!("{words}; the call with {} is up", part.peer);
        }
        words
    }
}
