//! Typed header values, one header per file.

mod cseq;
mod dialog_ids;
mod event;
mod reason;
mod refer_sub;
mod refer_to;
mod replaces;
mod retry_after;
mod session_expires;
mod subscription_state;
mod target_dialog;
mod via;

pub use cseq::{CSeq, RAck};
pub use event::Event;
pub use reason::Reason;
pub use refer_to::ReferTo;
pub use replaces::{Join, Replaces};
pub use retry_after::RetryAfter;
pub use session_expires::{Refresher, SessionExpires};
pub use subscription_state::{SubReason, SubState, SubscriptionState};
pub use target_dialog::TargetDialog;
pub use via::Via;

pub(crate) use refer_sub::parse as parse_refer_sub;
