//! SIP messages: bytes to typed values and back, zero copy.
//!
#![doc = include_str!("../README.md")]

mod build;
mod error;
pub mod escape;
pub mod framing;
pub mod header;
mod header_id;
mod headers;
mod index;
mod lex;
mod limits;
mod memo;
mod message;
mod method;
pub mod multipart;
mod name_addr;
mod params;
pub mod print;
mod scan;
pub mod sipfrag;
mod status;
mod typed;
mod uri;
mod value_buf;
mod values;
mod wire;

pub use build::{
    AddressBuf, Block, DigestChallengeBuf, DigestCredentialsBuf, Draft, Edit, ParamsBuf, Protection,
    Response, ack_for, cancel_for,
};
pub use error::{BuildError, ParseError, ParseErrorKind};
pub use header_id::{HeaderId, HeaderName};
pub use headers::{
    Algorithm, AuthParams, AuthenticationInfo, CSeq, CallId, Challenge, ChargingVector, Contact,
    ContentDisposition, Credentials, Date, Decimal, DigestChallenge, DigestCredentials, Diversion, EntityTag,
    Event, FeatureSet, GeolocationError, Handling, HistoryInfo, HistoryTarget, Identities, Identity,
    InfoPackage, Join, MediaRange, MediaType, MimeVersion, MinSe, OtherAuth, Preference, Priority, Privacy,
    Qop, RAck, Reason, ReferSub, ReferTo, ReferredBy, Refresher, RemotePartyId, Replaces, ResourcePriority,
    RetryAfter, SecurityMechanism, ServerVal, ServerVals, SessionExpires, SessionId, SubReason, SubState,
    SubscriptionState, TargetDialog, Timestamp, Token, TokenParams, UriReference, UserToUser, Via,
    VisitedNetwork, Warning,
};
pub use lex::List;
pub use limits::Limits;
pub use message::{Header, Message, StartLine};
pub use method::{Method, OtherMethod};
pub use name_addr::{NameAddr, NameAddrBuf};
pub use params::Params;
pub use status::StatusCode;
pub use uri::{Host, Scheme, Uri, UriBuf};
pub use value_buf::ValueBuf;
pub use values::Values;
