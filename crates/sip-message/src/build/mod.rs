//! Messages to bytes. Every value is checked before it is written: no CR, LF or NUL reaches the wire.

mod derived;
mod draft;
mod lines;
mod response;

pub use derived::{ack_for, cancel_for};
pub use draft::Draft;
pub use response::Response;
