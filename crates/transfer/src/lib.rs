//! The roles of SIP call transfer (RFC 3515, RFC 5589) as one reducer.

mod boundary;

pub use boundary::{
    Decision, Failure, Hold, LearnedFrom, Outcome, OutcomeKind, Role, TransferCommand, TransferEvent, TransferEventKind, TransferId,
    TransferOutput, TransferRefusal, TransferTimer, TransferTimerName,
};
