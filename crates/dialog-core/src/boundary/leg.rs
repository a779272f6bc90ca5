//! What is asked of a leg, and what it tells.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{HeaderId, Method, NameAddrBuf, Replaces, StatusCode, UriBuf};
use sip_transport::{RouteError, identifier};
use smallvec::SmallVec;

use super::{methods::Methods, refer::Refer, registration::RegistrationId, subscription::SubscriptionId};

identifier! {
    /// A leg: one INVITE usage from our side, from its first INVITE to its end, forks included (RFC 5057).
    LegId, "leg-"
}

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct Invite {
    /// The Request-URI; headers and `method` are not allowed in it.
    pub target: UriBuf,
    /// To, without a tag.
    pub to: NameAddrBuf,
    /// From, without a tag: our identity.
    pub from: NameAddrBuf,
    /// The user part of our Contact, unless a registration gives it.
    pub contact_user: Option<Arc<str>>,
    /// The registration whose account places the call: the call goes by its Service-Route, or else its outbound proxy, and
    /// its Contact is the account's, a GRUU where there is one (RFC 3608, RFC 5627). Route headers given here come before
    /// that. One that is over adds nothing.
    pub registration: Option<RegistrationId>,
    /// Further headers for the initial INVITE, repeated unchanged in every retry: Referred-By, Replaces, Subject.
    pub headers: Vec<(HeaderId, Box<str>)>,
    /// The same of headers that have no [`HeaderId`], by name: `X-Account`. A name that has one is left out.
    pub extensions: Vec<(Box<str>, Box<str>)>,
    /// How long it may ring before it is cancelled and ends with [`EndReason::NoAnswer`].
    pub ring_limit: Duration,
    /// Most further targets that are called one after the other, in the same leg, when the peer redirects the call (RFC 3261
    /// §8.1.3.4). With 0 the first 3xx ends it with [`EndReason::Redirected`], and whoever placed it decides.
    pub redirects: u8,
    /// Whether the INVITE goes without an offer: theirs comes with the first reliable response, and ours is the answer
    /// (RFC 3261 §13.2.1).
    pub offerless: bool,
}

impl Invite {
    /// [`redirects`](Self::redirects) for a call that somebody has dialled: a forwarding or two, each with a few Contacts.
    pub const REDIRECTS: u8 = 5;
}

/// What can be asked of a leg. What does not fit its state is answered by [`LegEvent::Misused`] and changes nothing.
#[derive(Debug, Clone)]
pub enum LegCommand {
    /// Answers [`LegEvent::NeedDescription`]: an SDP body, or why there can be none. Without a body an offer is not made
    /// (the leg or re-INVITE fails) and an offer of theirs is refused with the status.
    Describe {
        /// The session description, opaque here, or the status, 400 to 699, that an offer of theirs is refused with.
        body: Result<Bytes, StatusCode>,
    },
    /// Sends 180 to an incoming call; waits for the PRACK of an earlier reliable response (RFC 3262 §3).
    Ring,
    /// Sends 183 with a description to an incoming call, for early media: [`LegEvent::NeedDescription`], if there was none
    /// yet. Where the response is reliable ([`Reliability`](crate::Reliability)) offer and answer are complete with its
    /// PRACK, and `Accept` asks for no description any more. Without a description it goes where there can be none: our
    /// offer never stands in an unreliable response (RFC 3261 §13.2.1). Waits as `Ring` does.
    Progress,
    /// Accepts an incoming call: [`LegEvent::NeedDescription`], then 200.
    Accept {
        /// The user part of our Contact.
        contact_user: Option<Arc<str>>,
    },
    /// Refuses an incoming call.
    Reject {
        /// 300 to 699.
        status: StatusCode,
        /// Retry-After in seconds, where the code allows it.
        retry_after: Option<u32>,
    },
    /// Makes a new offer as soon as no other INVITE is in flight (RFC 3261 §14.1): [`LegEvent::NeedDescription`], then
    /// re-INVITE; 491 is retried after the RFC's delay until `limit`. Asked again while one waits, it is the same wish.
    /// Answered by exactly one [`LegEvent::Reoffered`] per wish. In an early dialog the offer goes by UPDATE (RFC 3311), if
    /// the first offer was answered reliably and the peer's Allow names UPDATE; otherwise it does not fit.
    Reoffer {
        /// How long the whole may take, retries included.
        limit: Duration,
    },
    /// Sends a REFER about the call (RFC 3515 §2.4.1); progress comes as events of the subscription.
    Refer {
        /// The subscription that the REFER creates, minted by whoever asks.
        subscription: SubscriptionId,
        /// The REFER.
        refer: Box<Refer>,
    },
    /// Subscribes to what becomes of a REFER that asked for an explicit subscription, in a dialog of its own (RFC 7614 §4.4);
    /// told as the events of that subscription. The call has to be up.
    FollowRefer {
        /// The subscription, minted by whoever asks.
        subscription: SubscriptionId,
        /// Where, as [`SubscriptionEvent::EventsAt`](crate::SubscriptionEvent::EventsAt) said.
        at: UriBuf,
    },
    /// Ends the leg because their description cannot be used, as `HangUp` does, but with
    /// [`EndReason::NotAcceptable`] by us: the status to an incoming call, ACK and BYE where a 2xx has come (RFC 3261
    /// §13.2.2.4), BYE to a call that is up.
    Unacceptable {
        /// 400 to 699: 400 where the description is malformed, 488 where it cannot be accepted.
        status: StatusCode,
    },
    /// Ends the leg by what its state needs: CANCEL, BYE or a final response. [`LegEvent::Closing`] at once,
    /// [`LegEvent::Ended`] when the other side has answered or was given up on.
    HangUp {
        /// A Reason header value (RFC 3326).
        reason: Option<Box<str>>,
    },
}

/// Which half of an offer/answer exchange (RFC 3264).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The offer.
    Offer,
    /// The answer.
    Answer,
}

/// What a leg tells.
#[derive(Debug, Clone)]
pub enum LegEvent {
    /// A new call came in; 100 was sent by the transaction layer. Answer with `Ring`, `Accept`, `Reject` or `HangUp`.
    Incoming(Box<IncomingCall>),
    /// A description arrived that is to be negotiated. An offer is followed by [`LegEvent::NeedDescription`] for the
    /// answer: at once in a re-INVITE, PRACK or UPDATE, at Accept or Progress in a new call. An answer may come before the
    /// call is up, and then the 2xx of the same dialog brings none.
    Described {
        /// Their offer, or their answer to ours.
        turn: Turn,
        /// The body.
        body: Bytes,
    },
    /// A description is wanted now; answered by [`LegCommand::Describe`] in the same step.
    NeedDescription {
        /// Our offer, or our answer to theirs.
        turn: Turn,
        /// Our address towards the peer.
        local: SocketAddr,
        /// The addresses the message may go to, first choice first; of a name, all that it resolved to.
        remotes: SmallVec<[SocketAddr; 2]>,
    },
    /// The last offer, ours or theirs, came to nothing; what was in force before stays in force (RFC 3261 §14.1).
    RolledBack,
    /// The description that came in an early dialog is void, because the fork that sent it ended or another one has
    /// answered: the offer in our INVITE is open again, and [`LegEvent::Described`] may follow (RFC 3261 §13.2.2.4).
    Reopened,
    /// A provisional response other than 100 to our INVITE; a reliable one is told once.
    Provisional {
        /// 101 to 199.
        status: StatusCode,
        /// Whether it has a description. It follows as [`LegEvent::Described`] if it is the first one of the fork that is
        /// followed.
        described: bool,
    },
    /// The call is up: 2xx sent or received (and then acknowledged). Carries all that Replaces needs (RFC 3891 §3).
    Up(Box<Established>),
    /// The other side has our 2xx to its first INVITE: the ACK came, or a later INVITE that shows it (RFC 5407 §3.1.5).
    /// Comes after [`LegEvent::Up`], at most once.
    Acknowledged,
    /// Our offer in a re-INVITE is settled.
    Reoffered(Result<(), ReofferError>),
    /// The other side changed the session by a re-INVITE, UPDATE or PRACK that we answered 2xx.
    Changed,
    /// We are ending it: media stops now (RFC 3261 §15.1.1).
    Closing,
    /// It is over and leaves nothing behind here but a tombstone; the leg's id is not valid any more. A subscription
    /// made in its dialog lives on by itself (RFC 5057 §5.5).
    Ended(EndCause),
    /// A command did not fit the leg's state; nothing was changed.
    Misused(Misuse),
}

/// What is known of a new incoming call.
#[derive(Debug, Clone)]
pub struct IncomingCall {
    /// The Request-URI.
    pub request_uri: UriBuf,
    /// From: unverified.
    pub from: NameAddrBuf,
    /// To.
    pub to: NameAddrBuf,
    /// The address the INVITE came from.
    pub source: SocketAddr,
    /// Our address that it came to.
    pub local: SocketAddr,
    /// Whether it holds an offer; otherwise we make it in the 2xx.
    pub has_offer: bool,
    /// Replaces (RFC 3891), where it is readable.
    pub replaces: Option<Replaces>,
    /// The call of ours that it is to take the place of. The call does not ring: authorise it, then `Accept` it and
    /// `HangUp` the other one when it is up, or `Reject` it (RFC 3891 §3).
    pub replacing: Option<Replacing>,
    /// The name that the transport has verified of who sent it; `None` where nothing was verified, as on every flow
    /// without TLS.
    pub verified_name: Option<Arc<str>>,
    /// The user who has proved by digest to be the caller; `None` where [`Authentication`](crate::Authentication) did not ask.
    pub verified_user: Option<Arc<str>>,
    /// Referred-By (RFC 3892): unverified.
    pub referred_by: Option<NameAddrBuf>,
    /// For which registration it came, by its Request-URI or its flow.
    pub registration: Option<RegistrationId>,
    /// What the caller says it can do.
    pub peer: Peer,
}

/// A call of ours that a new call is to take the place of: the match of a Replaces (RFC 3891 §3), found by checks 1 to 9
/// of the transfer catalogue's table 2.4. Holds what the authorisation needs to know of the replaced party.
#[derive(Debug, Clone)]
pub struct Replacing {
    /// The leg.
    pub leg: LegId,
    /// Whether it is a call of ours that was not answered yet.
    pub early: bool,
    /// The replaced party's address of record, from To or From.
    pub remote: NameAddrBuf,
    /// The replaced party's Contact; in an early dialog what we called.
    pub remote_target: UriBuf,
    /// The replaced party's network address; `None` if nothing came from it yet.
    pub source: Option<SocketAddr>,
    /// The name that the transport has verified of the replaced party.
    pub verified_name: Option<Arc<str>>,
    /// The user who has proved by digest to be the replaced party.
    pub verified_user: Option<Arc<str>>,
}

/// What a peer says it can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peer {
    /// Methods in Allow; `None` if it sent none.
    pub allow: Option<Methods>,
    /// Whether `replaces` stands in Supported (RFC 3891 §6.2).
    pub replaces: bool,
    /// Whether `tdialog` stands in Supported (RFC 4538).
    pub target_dialog: bool,
}

impl Peer {
    /// Whether the peer can be sent a method with a name of its own: it named it, or named none at all.
    pub fn allows(&self, method: &Method) -> bool {
        self.allow.as_ref().is_none_or(|methods| methods.contains(method))
    }

    /// Whether the peer named a method: what an extension needs that came after RFC 3261 (RFC 3311 §4).
    pub fn names(&self, method: &Method) -> bool {
        self.allow.as_ref().is_some_and(|methods| methods.contains(method))
    }
}

/// The identity of a dialog as its peer would name it in Replaces (RFC 3891 §3). Who knows it can name the call, so that
/// `Debug` does not show it (SEC-12).
#[derive(Clone, PartialEq, Eq)]
pub struct DialogIdentity {
    /// Call-ID.
    pub call_id: Arc<str>,
    /// Our tag.
    pub local_tag: Arc<str>,
    /// The peer's tag; empty for an RFC 2543 peer without one.
    pub remote_tag: Arc<str>,
}

impl fmt::Debug for DialogIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialogIdentity").finish_non_exhaustive()
    }
}

/// A call that is up.
#[derive(Debug, Clone)]
pub struct Established {
    /// The dialog.
    pub dialog: DialogIdentity,
    /// The peer's Contact.
    pub remote_target: UriBuf,
    /// The peer's address of record, from To or From.
    pub remote: NameAddrBuf,
    /// What the peer says it can do.
    pub peer: Peer,
    /// Whether we placed the call.
    pub placed: bool,
    /// The peer's network address.
    pub source: SocketAddr,
}

/// Why a re-INVITE of ours changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReofferError {
    /// Refused with this status; the session is as it was (RFC 3261 §14.1).
    Refused(StatusCode),
    /// No answer in time, or 491 until the limit.
    TimedOut,
    /// The peer cannot be reached.
    Unreachable,
    /// No description could be made, or their answer was unusable.
    Description,
    /// The leg ended first.
    Ended,
}

/// Who ended a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Our side, by command.
    Local,
    /// The other side.
    Remote,
    /// The network or a time limit.
    Network,
}

/// How a leg ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndCause {
    /// Who ended it.
    pub by: By,
    /// What happened.
    pub reason: EndReason,
    /// The Reason header that came with it (RFC 3326).
    pub header: Option<Box<str>>,
    /// Of a final response to our INVITE: its Retry-After and Warning, one each (RFC 3261 §20.33, §20.43).
    pub details: Vec<(HeaderId, Box<str>)>,
}

/// What ended a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// BYE, ours (answered or given up on) or theirs.
    Bye,
    /// An INVITE was cancelled before it was answered: 487, or a 2xx that crossed and was ended by BYE.
    Cancelled,
    /// The INVITE was refused with this status, by them or by us.
    Refused(StatusCode),
    /// The INVITE was redirected (RFC 3261 §8.1.3.4).
    Redirected {
        /// 300 to 399.
        status: StatusCode,
        /// The Contacts, best first.
        contacts: Vec<UriBuf>,
    },
    /// It rang until the limit, or was never answered at all.
    NoAnswer,
    /// No route to the target.
    NoRoute(RouteError),
    /// The peer could not be reached.
    Unreachable,
    /// The other side knows nothing of it any more: 481 or 408 within the dialog (RFC 3261 §12.2.1.2, RFC 5057 §5.1).
    Gone,
    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4).
    NoAck,
    /// A reliable provisional response of ours was never acknowledged; the INVITE was answered 504 (RFC 3262 §3).
    NoPrack,
    /// The session was not refreshed in time (RFC 4028 §10).
    SessionExpired,
    /// There was no acceptable session description.
    NotAcceptable,
    /// A table is full.
    Overload,
}

/// A command that did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// No such leg or subscription.
    #[error("unknown or ended")]
    Unknown,
    /// It exists but is in another state.
    #[error("not possible in this state")]
    State,
    /// The dialog's queue of waiting requests is full.
    #[error("too many requests are waiting in this dialog")]
    Full,
}
