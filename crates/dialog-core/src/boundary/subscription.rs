//! What is asked of a subscription, and what it tells (tables 2.5 and 2.6 of the transfer catalogue).

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use sip_message::{HeaderId, NameAddrBuf, Replaces, StatusCode, SubReason, UriBuf};
use sip_transport::identifier;

use super::{
    leg::{LegId, Misuse},
    package::{Body, IncomingSubscribe, PackageNotification, ReferTo, Subscribe},
};

identifier! {
    /// A subscription, of a REFER or of any event package; it outlives the leg in which it was made.
    SubscriptionId, "sub-"
}

/// What can be asked of a subscription.
#[derive(Debug, Clone)]
pub enum SubscriptionCommand {
    /// Subscriber: SUBSCRIBE in a dialog of its own (RFC 6665 §4.1.2.1). The id is new, minted by whoever asks.
    Subscribe(Box<Subscribe>),
    /// Subscriber: REFER in a dialog of its own (RFC 3515 §2.4.1, RFC 7647 §4). The id is new, minted by whoever asks.
    ReferTo(Box<ReferTo>),
    /// Subscriber: SUBSCRIBE with Expires 0 (RFC 6665 §4.1.2.3). NOTIFYs are still answered until it is over.
    Unsubscribe,
    /// Subscriber: the subscription goes on for as long as it was granted when its call ends, instead of 64*T1: nobody waits
    /// in that call, and the outcome is of interest all the same (RFC 5589 §6, TR-165).
    Keep,
    /// Notifier: answers the REFER with a 2xx and sends the first NOTIFY (RFC 3515 §2.4.4).
    Accept {
        /// Whether somebody still has to approve: the first NOTIFY says `pending` (RFC 3515 §2.4.2).
        pending: bool,
        /// How long the referred request may take; the granted duration is longer (catalogue T-SUB).
        lifetime: Duration,
    },
    /// Notifier: accepts a REFER that asked for no subscription, and grants that: 2xx with `Refer-Sub: false`, no NOTIFY
    /// (RFC 4488 §4); the id ends with [`SubscriptionEnd::Suppressed`]. Misused if it was not asked for.
    AcceptUnreported,
    /// Notifier: answers the SUBSCRIBE with 200 and sends the first NOTIFY (RFC 6665 §4.2.1.1).
    Grant {
        /// Whether somebody still has to approve: the NOTIFYs say `pending` until [`SubscriptionCommand::Approve`].
        pending: bool,
        /// The longest duration; what was asked counts if it is less.
        longest: Duration,
        /// The state of the resource; `None` sends NOTIFYs without a body.
        body: Option<Body>,
    },
    /// Notifier: the state of the resource has changed. NOTIFYs are spaced by a second and the last state wins.
    Notify {
        /// The whole state, as the package defines it.
        body: Option<Body>,
    },
    /// Notifier: ends the subscription by a last NOTIFY (RFC 6665 §4.2.2).
    Terminate {
        /// Why.
        reason: SubReason,
        /// Seconds to wait before subscribing again; of use with `probation` and `giveup` only.
        retry_after: Option<u32>,
        /// The last state; `None` repeats the one before.
        body: Option<Body>,
    },
    /// Notifier: refuses the REFER or SUBSCRIBE; no subscription comes into being. What came within a call only with a
    /// status that leaves the dialog alone: 400, 401, 403, 420, 429, 488, 491, 500, 503, 603 (TR-265); others with 300
    /// to 699. Another is answered by [`SubscriptionEvent::Misused`].
    Refuse {
        /// The status.
        status: StatusCode,
    },
    /// Notifier: it is approved; the subscription is active from now on.
    Approve,
    /// Notifier: reports a status of the referred request. Provisional ones are spaced by a second and only the
    /// newest is kept (RFC 3515 §3.10); the last one waits only for a NOTIFY in flight.
    Report {
        /// The status for the sipfrag; its reason is that of the table, whatever the response said (EC-29).
        status: StatusCode,
        /// Headers for the sipfrag behind the status line; none reveals least (RFC 3515 §5.3). Those that make it longer than
        /// [`Limits::SIPFRAG`](sip_message::Limits::SIPFRAG) are left out.
        headers: Vec<(HeaderId, Box<str>)>,
        /// `None` while it goes on; the reason of `terminated` with the last one.
        last: Option<SubReason>,
    },
}

/// What a subscription tells.
#[derive(Debug, Clone)]
pub enum SubscriptionEvent {
    /// Subscriber: the final response to our REFER or first SUBSCRIBE, or its failure. A NOTIFY may come first (RFC 3515 §2.4.4).
    Answered(ReferAnswer),
    /// Subscriber: the 2xx to a REFER with [`ReferSubscription::Explicit`](crate::ReferSubscription::Explicit) says where the
    /// state is to be had. Comes after `Answered`; the subscription ends with [`SubscriptionEnd::Suppressed`].
    EventsAt(UriBuf),
    /// Subscriber: a NOTIFY, already answered 200.
    Notified(Notification),
    /// Subscriber: a NOTIFY of an event package, already answered 200.
    Package(Box<PackageNotification>),
    /// Subscriber: the SUBSCRIBE or REFER of `of` has reached one more notifier, whose subscription this one is
    /// (RFC 6665 §4.4.1, TR-031). Comes first, before the NOTIFY that shows it.
    Forked {
        /// The subscription that was asked for.
        of: SubscriptionId,
    },
    /// Notifier: a REFER came. Answer with Accept, `AcceptUnreported` or Refuse in the same step, or at most half of T1
    /// later: a final response waits for nobody (TR-007), and 603 is sent then.
    Requested(Box<IncomingRefer>),
    /// Notifier: a SUBSCRIBE to a package of [`DialogConfig::packages`](crate::DialogConfig::packages) came. Answer with
    /// Grant or Refuse within [`DialogConfig::answer_limit`](crate::DialogConfig::answer_limit); 500 after it.
    Subscribed(Box<IncomingSubscribe>),
    /// Notifier of a REFER: all that was reported so far was answered or given up on, and none of it was the last.
    Reported,
    /// Notifier: the last NOTIFY was answered, or given up on.
    Delivered,
    /// It is over; the id is not valid any more. Nothing follows.
    Ended(SubscriptionEnd),
    /// A command did not fit; nothing was changed.
    Misused(Misuse),
}

/// How a REFER or first SUBSCRIBE of ours was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferAnswer {
    /// 2xx: the other side will try and report, or notify.
    Accepted(StatusCode),
    /// Refused.
    Refused {
        /// 300 to 699.
        status: StatusCode,
        /// Retry-After in seconds.
        retry_after: Option<u32>,
    },
    /// No answer: 64*T1 passed. The call is kept (decision D3).
    TimedOut,
    /// The peer cannot be reached.
    Unreachable,
}

/// The state a NOTIFY gives the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifiedState {
    /// Somebody has to approve first.
    Pending,
    /// Reports will follow.
    Active,
    /// This was the last one.
    Terminated,
}

/// One NOTIFY of a refer subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The subscription's state. A `terminated` with a provisional sipfrag and no reason or `noresource` is reported
    /// as `Active`, because some peers send it with every NOTIFY, unless we have unsubscribed.
    pub state: NotifiedState,
    /// The status in the sipfrag; `None` if there was no body or no usable one.
    pub status: Option<StatusCode>,
    /// The reason of `terminated`.
    pub reason: Option<SubReason>,
    /// The body as it came, whatever its type; empty if there was none.
    pub sipfrag: Bytes,
}

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionEnd {
    /// A NOTIFY with `terminated`, received or delivered; of a subscription of ours also a refusal that ends it, or its whole
    /// dialog (RFC 5057 §5.1).
    Terminated,
    /// The REFER or SUBSCRIBE was refused or failed.
    Refused,
    /// No NOTIFY came within 64*T1 of the 2xx (RFC 6665 §4.1.2.4, timer N).
    NoNotify,
    /// Its time ran out.
    Expired,
    /// A NOTIFY of ours was refused in a way that ends it, or never answered (RFC 6665 §4.2.2), or another request in the dialog
    /// was refused in a way that ends all of it (RFC 5057 §5.1).
    NotifyFailed,
    /// The other side unsubscribed.
    Unsubscribed,
    /// The REFER was accepted without a subscription, as was asked for (`Refer-Sub: false`, RFC 4488 §4; `nosub` or
    /// `explicitsub`, RFC 7614).
    Suppressed,
}

/// A REFER that came in, syntactically sound: exactly one Refer-To, one Contact, nothing that could be injected. `Debug`
/// shows the names of the URI's headers and not their values, because one of them names a call (SEC-12).
#[derive(Clone)]
pub struct IncomingRefer {
    /// The leg that it is about: the one in whose dialog it came, or that its Target-Dialog names (RFC 4538 §4, TR-154).
    /// `None` for a stranger's, which comes up only with [`DialogConfig::strangers`](crate::DialogConfig::strangers).
    pub leg: Option<LegId>,
    /// Whether it came in the dialog of that leg, and not in one of its own.
    pub in_dialog: bool,
    /// From: unverified.
    pub from: NameAddrBuf,
    /// The address it came from.
    pub source: SocketAddr,
    /// Who the sender is, as far as TLS has verified it.
    pub verified_name: Option<Arc<str>>,
    /// The user who has proved by digest to have sent it; `None` where [`Authentication`](crate::Authentication) did not ask.
    pub verified_user: Option<Arc<str>>,
    /// The Refer-To URI without headers and `method`.
    pub target: UriBuf,
    /// The `method` parameter of the Refer-To URI.
    pub method: Option<Box<str>>,
    /// Replaces from the URI's headers.
    pub replaces: Option<Replaces>,
    /// All headers of the Refer-To URI in order, names as written, values unescaped once.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Referred-By: unverified.
    pub referred_by: Option<NameAddrBuf>,
    /// Referred-By exactly as it came, to be copied (RFC 3892 §2.2).
    pub referred_by_text: Option<Box<str>>,
    /// Privacy: what the sender wants to be withheld of itself (RFC 3323 §4.2).
    pub privacy: Option<Box<str>>,
    /// The address that its reports go to, by the first of the route set or else its Contact; `None` for a name.
    pub reports_to: Option<IpAddr>,
    /// Whether it asks for no subscription (`Refer-Sub: false`, RFC 4488 §4; `Require: nosub`, RFC 7614 §5). One that requires
    /// an explicit one does not: what is reported goes to whoever subscribes to it.
    pub suppress: bool,
}

impl fmt::Debug for IncomingRefer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("IncomingRefer")
            .field("leg", &self.leg)
            .field("in_dialog", &self.in_dialog)
            .field("from", &self.from)
            .field("source", &self.source)
            .field("target", &self.target)
            .field("method", &self.method)
            .field("headers", &headers)
            .field("referred_by", &self.referred_by)
            .field("suppress", &self.suppress)
            .finish_non_exhaustive()
    }
}
