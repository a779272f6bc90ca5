//! What a user of the stack holds: a manager, its calls, its transfers, and the decisions it is asked for.

mod builder;
mod incoming;
mod manager;
mod media_info;
mod session;
mod transfer;

pub use builder::Builder;
pub use incoming::{Incoming, IncomingCall, IncomingQueue, IncomingTransfer};
pub use manager::{EventsError, SessionManager, TransferType};
pub use media_info::SessionMediaInfo;
pub use session::Session;
pub use transfer::Transfer;
