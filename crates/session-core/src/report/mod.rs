//! What happened in a transfer, for people and for machines: collected from what passes the engine, bounded, told once it
//! is over.

mod draft;
mod label;
mod ladder;
mod lifelines;
#[cfg(feature = "serde")]
mod machine;
mod plain;
mod reporter;
mod rule;
mod steps;
mod words;

use std::time::Duration;

use sip_message::StatusCode;
use transfer::{Outcome, Role, TransferId};

use crate::{TransferKind, TransferStage, event::SessionId};

pub(crate) use self::draft::Ended;
use self::steps::Steps;
pub use self::{
    label::{ends_subscription, label},
    lifelines::Lifelines,
    reporter::Reporter,
    rule::rule,
    steps::{Passed, Step},
};

/// The report of a transfer that has ended.
///
/// `Display` is for people: what happened in five lines, with the message that decided, the rule by which it did, and who
/// was left with what call. [`ladder`](Self::ladder) and [`mermaid`](Self::mermaid) show the messages; with the feature
/// `serde` it is `Serialize` for machines. Text of the other side's is free of control characters, and no identifier of a
/// dialog is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferReport {
    /// The transfer.
    pub transfer: TransferId,
    /// Our role.
    pub role: Role,
    /// Which kind it was.
    pub kind: TransferKind,
    /// The call that was to be moved, or in which we were asked.
    pub session: SessionId,
    /// Its other party: whom we were to move, or who asked us.
    pub peer: String,
    /// Where the party was to go, or we were.
    pub target: String,
    /// When it began, since the engine's start.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// Its last stage.
    pub stage: TransferStage,
    /// Its outcome.
    pub outcome: Outcome,
    /// The message that decided it, where there was one.
    pub decisive: Option<Decisive>,
    /// The 2xx to the REFER.
    pub accepted: Option<StatusCode>,
    /// The last provisional status that was told of the referred call.
    pub progress: Option<StatusCode>,
    /// The calls that took part, in the order in which they came in.
    pub calls: Vec<Part>,
    steps: Steps,
}

/// A call that took part in a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The call.
    pub session: SessionId,
    /// The other party.
    pub peer: String,
    /// Whether it had ended when the transfer did.
    pub ended: bool,
}

/// The message that decided a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decisive {
    /// A status in a NOTIFY, of theirs or of ours.
    Notify {
        /// The status of the referred call; `None` where the NOTIFY ended the subscription without one.
        status: Option<StatusCode>,
        /// Sent by us.
        sent: bool,
        /// The other party.
        peer: String,
    },
    /// A final response to a request of ours.
    Response {
        /// Its status.
        status: StatusCode,
        /// The request's method.
        method: String,
        /// Who answered.
        peer: String,
    },
    /// A BYE.
    Bye {
        /// Who sent it.
        peer: String,
    },
}
