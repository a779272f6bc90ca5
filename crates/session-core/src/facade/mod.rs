//! What a user of the stack holds: a manager, its calls, its transfers, and the decisions it is asked for.

mod audio;
mod bridging;
mod builder;
mod consultation;
mod event_filter;
mod incoming;
mod manual;
mod media_info;
mod registration;
mod session;
mod session_manager;
mod transfer;
mod transfer_media;
mod warm;

pub use builder::Builder;
pub use consultation::Consultation;
pub use event_filter::EventFilter;
pub use incoming::{Incoming, IncomingCall, IncomingQueue, IncomingTransfer};
pub use manual::{Refer, TransferNotify};
pub use media_info::SessionMediaInfo;
pub use registration::Registration;
pub use session::Session;
pub use session_manager::{EventsError, SessionManager, TransferType};
pub use transfer::Transfer;
pub use warm::WarmTransfer;
