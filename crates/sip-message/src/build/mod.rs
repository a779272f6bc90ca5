//! Messages to bytes. Every value is checked before it is written: no CR, LF or NUL reaches the wire.

mod block;
mod derived;
mod digest;
mod draft;
mod edit;
mod lines;
mod params;
mod quoted;
mod response;
mod writer;

pub use block::Block;
pub use derived::{ack_for, cancel_for};
pub use digest::{DigestChallengeBuf, DigestCredentialsBuf, Protection};
pub use draft::Draft;
pub use edit::Edit;
pub use params::{AddressBuf, ParamsBuf};
pub use response::Response;
