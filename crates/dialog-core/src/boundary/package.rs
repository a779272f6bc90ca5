//! Subscriptions to event packages and REFERs outside of calls (RFC 6665, RFC 3515): bodies are opaque here.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{HeaderId, NameAddrBuf, SubReason, UriBuf};

use super::{
    leg::LegId, refer::ReferSubscription, registration::RegistrationId, subscription::NotifiedState,
};

/// A body with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type.
    pub content_type: Box<str>,
    /// The content.
    pub content: Bytes,
}

/// A subscription to be made.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// The Request-URI; headers and `method` are not allowed in it.
    pub target: UriBuf,
    /// To, without a tag.
    pub to: NameAddrBuf,
    /// From, without a tag: our identity.
    pub from: NameAddrBuf,
    /// The user part of our Contact, unless a registration gives it.
    pub contact_user: Option<Arc<str>>,
    /// The registration whose account subscribes: what [`Invite::registration`](crate::Invite) says of a call.
    pub registration: Option<RegistrationId>,
    /// The event package with its templates.
    pub package: Box<str>,
    /// The `id` parameter of Event.
    pub id: Option<Box<str>>,
    /// Accept: the types that the NOTIFYs may have.
    pub accept: Vec<Box<str>>,
    /// Seconds that are asked for, in every refresh too; 0 fetches the state once (RFC 6665 §4.4.3).
    pub expires: u32,
    /// Further headers of the first SUBSCRIBE; a Route among them becomes the first route set.
    pub headers: Vec<(HeaderId, Box<str>)>,
    /// A filter, in the first SUBSCRIBE.
    pub body: Option<Body>,
}

/// A REFER outside a call.
#[derive(Debug, Clone)]
pub struct ReferTo {
    /// The Request-URI; headers and `method` are not allowed in it.
    pub target: UriBuf,
    /// To, without a tag.
    pub to: NameAddrBuf,
    /// From, without a tag: our identity.
    pub from: NameAddrBuf,
    /// The user part of our Contact, unless a registration gives it.
    pub contact_user: Option<Arc<str>>,
    /// The registration whose account asks: what [`Invite::registration`](crate::Invite) says of a call.
    pub registration: Option<RegistrationId>,
    /// Refer-To, headers of the URI already escaped.
    pub refer_to: UriBuf,
    /// Referred-By.
    pub referred_by: Option<NameAddrBuf>,
    /// The call that it is about: Target-Dialog names it from the recipient's side (RFC 4538 §3, TR-151), with
    /// `Require: tdialog` if the peer of the call has said that it knows it.
    pub about: Option<LegId>,
    /// Which subscription is asked for; another than the implicit one only where the REFER cannot fork (RFC 4488 §4).
    pub subscription: ReferSubscription,
    /// Further headers; a Route among them becomes the first route set.
    pub headers: Vec<(HeaderId, Box<str>)>,
}

/// One NOTIFY of an event package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageNotification {
    /// The subscription's state.
    pub state: NotifiedState,
    /// Seconds that are left; `None` if the peer does not say, and with `terminated`.
    pub expires: Option<u32>,
    /// The reason of `terminated`.
    pub reason: Option<SubReason>,
    /// Whether and when to subscribe again; only `terminated` gives a meaning to it.
    pub again: Resubscription,
    /// The state of the resource; `None` without a body.
    pub body: Option<Body>,
}

/// Whether a subscription that has ended may be made again (RFC 6665 §4.1.3). It is never done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resubscription {
    /// At once (`deactivated`, `timeout`), or whenever wanted where the peer gives no reason.
    Now,
    /// When this time is over (`probation`, `giveup`, and reasons that RFC 6665 does not name).
    After(Duration),
    /// Later, at a time of one's own (`probation` and `giveup` without `retry-after`).
    Later,
    /// Not at all (`rejected`, `noresource`, `invariant`).
    Never,
}

impl Resubscription {
    /// What a reason of `terminated` means, with the seconds of `retry-after`.
    ///
    /// `retry-after` has no meaning beside `deactivated`, `timeout`, `rejected`, `noresource` and `invariant`.
    pub fn of(reason: Option<SubReason>, retry_after: Option<u32>) -> Self {
        let later = |otherwise| {
            retry_after.map_or(otherwise, |seconds| Self::After(Duration::from_secs(seconds.into())))
        };
        match reason {
            Some(SubReason::Deactivated | SubReason::Timeout) => Self::Now,
            Some(SubReason::Probation | SubReason::Giveup) => later(Self::Later),
            Some(SubReason::Rejected | SubReason::Noresource | SubReason::Invariant) => Self::Never,
            Some(SubReason::Other) | None => later(Self::Now),
        }
    }
}

/// A SUBSCRIBE that came in for a subscription that there is not yet.
#[derive(Debug, Clone)]
pub struct IncomingSubscribe {
    /// The leg in whose dialog it came; `None` in a dialog of its own.
    pub leg: Option<LegId>,
    /// The Request-URI: the resource.
    pub request_uri: UriBuf,
    /// From: unverified.
    pub from: NameAddrBuf,
    /// To, without its tag.
    pub to: NameAddrBuf,
    /// The address it came from.
    pub source: SocketAddr,
    /// Who the sender is, as far as TLS has verified it.
    pub verified_name: Option<Arc<str>>,
    /// The user who has proved by digest to have sent it; `None` where [`Authentication`](crate::Authentication) did not ask.
    pub verified_user: Option<Arc<str>>,
    /// The event package, as written.
    pub package: Box<str>,
    /// The `id` parameter of Event.
    pub id: Option<Box<str>>,
    /// Accept: the types that a NOTIFY may have; empty means the package's default.
    pub accept: Vec<Box<str>>,
    /// Seconds that are asked for; `None` leaves them to us.
    pub expires: Option<u32>,
    /// A filter.
    pub body: Option<Body>,
}
