//! SIP messages: bytes to typed values and back, zero copy.
//!
#![doc = include_str!("../README.md")]

mod build;
mod error;
pub mod escape;
pub mod header;
mod header_id;
mod headers;
mod index;
mod lex;
mod limits;
mod message;
mod method;
pub mod multipart;
mod name_addr;
mod params;
mod scan;
pub mod sipfrag;
mod status;
mod typed;
mod uri;

pub use build::{Draft, Response, ack_for, cancel_for};
pub use error::{BuildError, ParseError, ParseErrorKind};
pub use header_id::{HeaderId, HeaderName};
pub use headers::{
    CSeq, CallId, ContentDisposition, Date, Decimal, EntityTag, Event, Handling, InfoPackage, Join,
    MediaRange, MediaType, MimeVersion, MinSe, Preference, Priority, RAck, Reason, ReferSub, ReferTo,
    Refresher, Replaces, RetryAfter, ServerVal, ServerVals, SessionExpires, SubReason, SubState,
    SubscriptionState, TargetDialog, Timestamp, Token, Via, Warning,
};
pub use lex::List;
pub use limits::Limits;
pub use message::{Header, Message, StartLine};
pub use method::{Method, OtherMethod};
pub use name_addr::{NameAddr, NameAddrBuf};
pub use params::Params;
pub use status::StatusCode;
pub use uri::{Host, Scheme, Uri, UriBuf};
