//! The roles of SIP call transfer (RFC 3515, RFC 5589) as one reducer.
#![doc = include_str!("../README.md")]

mod boundary;
mod bridges;
mod headers;
mod info;
mod legs;
mod network;
mod policy;
mod profile;
mod replacing;
mod retrying;
mod surroundings;
mod target;
#[cfg(test)]
mod tests;
mod timers;
mod transferee;
mod transferor;
mod transfers;

pub use boundary::{
    Failure, LearnedFrom, Outcome, OutcomeKind, Purpose, Role, TransferEvent, TransferEventKind, TransferId,
    TransferOutput,
    command::{AttendedOptions, Completion, Decision, Decline, Hold, TransferCommand, TransferRefusal},
    manual::{ManualStep, ReferDecision, StepDone, TransferHandling, TransferProgress},
    options::{
        BadUserToUser, REFER_HEADERS_MAX, ReferOptions, ReferPlacement, ReferredBy, TelTarget,
        USER_TO_USER_MAX, UserToUser,
    },
};
pub use dialog_core::ReferSubscription;
pub use headers::URI_HEADER_MAX;
pub use info::{TransferInfo, TransferKind};
pub use network::{Network, NetworkError};
pub use policy::{
    ByeOwner, Fallback, HoldPolicy, ReferPolicy, ReplacesAuthorizer, TransferPolicy,
    attended::{AttendedPolicy, ReferTarget, SemiAttendedPolicy, WithoutReplaces},
    referred::{
        CallerIdentity, DiversionHeader, Rate, ReferredByCopy, ReferredPolicy, ReportDetail, ReportHeader,
        Rights,
    },
};
pub use profile::PeerProfile;
pub use replacing::{Replacement, ReplacementEnd};
pub use retrying::retry_after;
pub use target::{TargetPolicy, TargetRefusal, USER_MAX, UriHost, UserRule};
pub use timers::{TransferTimer, TransferTimerName};
pub use transfers::Transfers;
