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
mod name_addr;
mod params;
pub mod sipfrag;
mod status;
mod typed;
mod uri;

pub use build::{
    AddressBuf, DigestChallengeBuf, DigestCredentialsBuf, Draft, ParamsBuf, Protection, Response, ack_for,
    cancel_for,
};
pub use error::{BuildError, ParseError, ParseErrorKind};
pub use header_id::{HeaderId, HeaderName};
pub use headers::{
    Algorithm, AuthParams, AuthenticationInfo, CSeq, Challenge, ChargingVector, Contact, Credentials,
    DigestChallenge, DigestCredentials, Diversion, Event, FeatureSet, HistoryInfo, HistoryTarget, Identities,
    Identity, Join, OtherAuth, Privacy, Qop, RAck, Reason, ReferTo, ReferredBy, Refresher, RemotePartyId,
    Replaces, ResourcePriority, RetryAfter, SecurityMechanism, SessionExpires, SessionId, SubReason,
    SubState, SubscriptionState, TargetDialog, TokenParams, UriReference, UserToUser, Via,
};
pub use lex::List;
pub use limits::Limits;
pub use message::{Header, Message, StartLine};
pub use method::{Method, OtherMethod};
pub use name_addr::{NameAddr, NameAddrBuf};
pub use params::Params;
pub use status::StatusCode;
pub use uri::{Host, Scheme, Uri, UriBuf};
