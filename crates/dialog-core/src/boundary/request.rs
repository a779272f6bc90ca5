//! Requests of any other method, in a call or outside: what is asked for, and what comes of it.

use std::{net::SocketAddr, sync::Arc};

use sip_message::{HeaderId, Message, Method, NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{RouteError, identifier};

use super::{
    leg::{LegId, Misuse},
    package::Body,
    registration::RegistrationId,
};

identifier! {
    /// A request that neither a leg nor a subscription sends by itself, ours or theirs.
    RequestId, "req-"
}

/// What can be asked of a request.
#[derive(Debug, Clone)]
pub enum RequestCommand {
    /// Sends one; the id is new, minted by whoever asks. Told by exactly one [`RequestEvent::Responded`] or
    /// [`RequestEvent::Failed`].
    Send(Box<Request>),
    /// Answers one of theirs.
    Answer {
        /// 200 to 699.
        status: StatusCode,
        /// Further headers.
        headers: Vec<(HeaderId, Box<str>)>,
        /// The body.
        body: Option<Body>,
    },
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whether it goes in a call or on its own.
    pub place: Place,
    /// The method: not one that makes, changes or ends what this layer keeps (see [`RequestFailure::Method`]).
    pub method: Method,
    /// Further headers; not those that the layer writes (see [`RequestFailure::Header`]).
    pub headers: Vec<(HeaderId, Box<str>)>,
    /// Further headers by name.
    pub extensions: Vec<(Box<str>, Box<str>)>,
    /// The body.
    pub body: Option<Body>,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// In the dialog of a leg that is up.
    Leg(LegId),
    /// On its own.
    Outside {
        /// The Request-URI; headers and `method` are not allowed in it.
        target: UriBuf,
        /// To, without a tag.
        to: NameAddrBuf,
        /// From, without a tag: our identity.
        from: NameAddrBuf,
        /// The registration whose account sends it: it goes where the account's calls go.
        registration: Option<RegistrationId>,
    },
}

/// What a request tells.
#[derive(Debug, Clone)]
pub enum RequestEvent {
    /// One of theirs came in, of a method in [`DialogConfig::requests`](crate::DialogConfig::requests). Answer within
    /// [`DialogConfig::answer_limit`](crate::DialogConfig::answer_limit); 500 after it.
    Incoming(Box<IncomingRequest>),
    /// The final response to one of ours. The id is not valid any more.
    Responded {
        /// 200 to 699.
        status: StatusCode,
        /// The response.
        message: Arc<Message>,
    },
    /// It came to nothing: ours was not answered, theirs was not answered in time. The id is not valid any more.
    Failed(RequestFailure),
    /// A command did not fit; nothing was changed.
    Misused(Misuse),
}

/// A request of theirs.
#[derive(Debug, Clone)]
pub struct IncomingRequest {
    /// The leg in whose dialog it came.
    pub leg: Option<LegId>,
    /// The method.
    pub method: Method,
    /// From: unverified.
    pub from: NameAddrBuf,
    /// The address it came from.
    pub source: SocketAddr,
    /// Who the sender is, as far as TLS has verified it.
    pub verified_name: Option<Arc<str>>,
    /// The user who has proved by digest to have sent it; `None` where [`Authentication`](crate::Authentication) did not ask.
    pub verified_user: Option<Arc<str>>,
    /// The Info-Package of an INFO that has one (RFC 6086 §7.2).
    pub info_package: Option<Box<str>>,
    /// The request: all its headers and its body as they came.
    pub message: Arc<Message>,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// Of a method that is not sent in this way: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY and
    /// REGISTER have an owner here.
    #[error("this method is not sent in this way")]
    Method,
    /// This header is written by the layer.
    #[error("the header is written by the layer")]
    Header(HeaderId),
    /// No answer in time (64*T1); for one of theirs, nobody answered it here.
    #[error("no answer in time")]
    TimedOut,
    /// No route to the target.
    #[error("no route: {0}")]
    NoRoute(RouteError),
    /// The peer could not be reached.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// It cannot be written: a value has a control character, or it is too large.
    #[error("cannot be written as a SIP message")]
    Unencodable,
    /// The call ended before it was sent, or is not up.
    #[error("the call is not up")]
    NoCall,
}
