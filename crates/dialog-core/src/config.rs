//! What the dialog layer is told once, at its start.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{Method, StatusCode};
use transaction_core::Timing;

use crate::{
    digest::{keyring::Keyring, policy::Authentication},
    registration::config::RegistrationConfig,
    subscription::explicit::ExplicitSubscriptions,
};

/// The 2xx that accepts a REFER (decision D1 of the transfer catalogue).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferAcceptance {
    /// 202, which most peers send and some insist on; RFC 7647 §5 deprecates it.
    #[default]
    Accepted,
    /// 200, as RFC 7647 §5 asks for.
    Ok,
}

impl ReferAcceptance {
    /// The status code on the wire.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Accepted => StatusCode::ACCEPTED,
            Self::Ok => StatusCode::OK,
        }
    }
}

/// When the provisional responses to their INVITE are sent reliably, and whether ours may be (RFC 3262).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Never: `100rel` is not in Supported, and an INVITE that requires it is refused with 420.
    Never,
    /// Where the INVITE requires it.
    #[default]
    WhenRequired,
    /// Where the INVITE requires or supports it.
    WhenSupported,
}

/// Whether sessions are timed (RFC 4028).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionTimers {
    /// No: `timer` is not in Supported.
    Off,
    /// Each call of ours asks for an interval, and each call of theirs gets one that supports it.
    Offered {
        /// Session-Expires in seconds, at least [`DialogConfig::MIN_SE`].
        interval: u32,
    },
}

impl Default for SessionTimers {
    fn default() -> Self {
        Self::Offered { interval: DialogConfig::SESSION_EXPIRES }
    }
}

/// The settings of [`Dialogs`](crate::Dialogs).
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, read in one place")]
pub struct DialogConfig {
    /// The base timers; the same values as in the transaction layer.
    pub timing: Timing,
    /// User-Agent in requests and Server in responses; `None` sends neither.
    pub user_agent: Option<Arc<str>>,
    /// With which 2xx a REFER is accepted.
    pub refer_acceptance: ReferAcceptance,
    /// Most dialogs at a time, placed and incoming together; one more INVITE is answered 503, one more call
    /// placed ends with [`EndReason::Overload`](crate::EndReason::Overload).
    pub legs: usize,
    /// Most subscriptions at a time in both roles; one more REFER or SUBSCRIBE is answered 503.
    pub subscriptions: usize,
    /// The event packages for which a SUBSCRIBE goes up, for Allow-Events (RFC 6665 §4.4.4); another is answered 489. Not
    /// `refer`, of which subscriptions are made by REFER only.
    pub packages: Vec<Box<str>>,
    /// Seconds of the shortest subscription that is taken, below an hour; a shorter one is answered 423 with Min-Expires
    /// (RFC 6665 §4.2.1.1).
    pub min_expires: u32,
    /// To how many notifiers beyond the first one SUBSCRIBE or REFER of ours may come; the NOTIFYs of further ones are
    /// answered 481 (RFC 6665 §4.1.4, TR-031).
    pub subscription_forks: usize,
    /// Whether a REFER outside a call is passed up that no Target-Dialog connects with one; otherwise it is answered 403
    /// (TR-153).
    pub strangers: bool,
    /// The methods of which requests go up as [`RequestEvent::Incoming`](crate::RequestEvent::Incoming); they are added to
    /// Allow. INFO, MESSAGE, OPTIONS, PUBLISH and methods without a name here; the others have an owner and stay with it.
    pub requests: Vec<Method>,
    /// The Info Packages that are taken, for Recv-Info (RFC 6086 §5.2.3); an INFO of another one is answered 469, one
    /// without a package goes up.
    pub info_packages: Vec<Box<str>>,
    /// Most requests at a time that wait for an answer, as many of theirs as of ours; one more of theirs is answered 503,
    /// one more of ours is [`Misuse::Full`](crate::Misuse::Full).
    pub open_requests: usize,
    /// How long a SUBSCRIBE or a request that was passed up waits for its answer; then it gets 500, as no 408 may answer
    /// it (RFC 4320 §4.2).
    pub answer_limit: Duration,
    /// Option tags for Supported that are implemented here or above; also what a Require may name. With `replaces` in
    /// it an INVITE may replace one of our dialogs (RFC 3891); without it Replaces is a header that nobody knows.
    pub supported: Vec<Box<str>>,
    /// Option tags that a new call has to support; an INVITE without one of them is answered 421 (RFC 3261 §21.4.16). Empty by
    /// default, as RFC 3261 §8.2.4 advises: most peers would be shut out.
    pub demanded: Vec<Box<str>>,
    /// Whether REFER is advertised in Allow and `refer` in Allow-Events (TR-034, TR-055). A REFER in a dialog
    /// is passed up either way.
    pub refer: bool,
    /// Whether a REFER may require an explicit subscription, and how many there may be (RFC 7614 §4); `None` answers 420.
    pub explicit: Option<ExplicitSubscriptions>,
    /// Whether a subscription of ours is refreshed by SUBSCRIBE before its time runs out (RFC 6665 §4.1.2.2).
    pub refresh: bool,
    /// Whether a NOTIFY without Subscription-State is read by its sipfrag; otherwise it is refused with 400 (TR-040).
    pub lenient: bool,
    /// Registrations.
    pub registration: RegistrationConfig,
    /// With what challenges are answered, until [`DialogCommand::Keys`](crate::DialogCommand::Keys) brings others.
    pub keys: Keyring,
    /// Of how many calls and registrations the nonces are kept, so that their next requests need no challenge; beyond it the
    /// one that was used least recently is challenged again.
    pub nonces: usize,
    /// Who has to prove who it is; `None` asks nobody.
    pub authentication: Option<Authentication>,
    /// When provisional responses are reliable.
    pub reliability: Reliability,
    /// Whether sessions are timed.
    pub session_timers: SessionTimers,
    /// Makes the answer to an offer that refuses every stream of it (RFC 3264 §6), from our address: for the ACK to a 2xx that
    /// holds an offer and whose call is not wanted (RFC 3261 §13.2.2.4). `None` where the offer cannot be read; the ACK then
    /// goes without a body, as it always does by default, because bodies are opaque here.
    pub refuse_offer: fn(&[u8], IpAddr) -> Option<Bytes>,
    /// The shortest session interval that a request of a peer may ask for, in seconds; less is answered 422 (RFC 4028
    /// §9). Never below [`DialogConfig::MIN_SE`].
    pub min_se: u32,
}

impl DialogConfig {
    /// The shortest session interval that there may be, in seconds (RFC 4028 §4).
    pub const MIN_SE: u32 = 90;
    /// Default for [`SessionTimers::Offered`], in seconds (RFC 4028 §4).
    pub const SESSION_EXPIRES: u32 = 1800;

    /// Default for [`DialogConfig::legs`]: a dialog takes about 2 kB, so the table stays near 40 MB.
    pub const LEGS: usize = 20_000;
    /// Default for [`DialogConfig::subscriptions`]: each call may be in one transfer.
    pub const SUBSCRIPTIONS: usize = Self::LEGS;
    /// Default for [`DialogConfig::min_expires`]: what one subscriber may cost, a NOTIFY a minute.
    pub const MIN_EXPIRES: u32 = 60;
    /// Default for [`DialogConfig::subscription_forks`]: the devices of one person.
    pub const SUBSCRIPTION_FORKS: usize = 4;
    /// Default for [`DialogConfig::open_requests`]: each call may have one under way.
    pub const OPEN_REQUESTS: usize = Self::LEGS;
    /// Default for [`DialogConfig::answer_limit`]: a quarter of the time after which the sender gives up (64*T1), so that
    /// the answer can still be repeated.
    pub const ANSWER_LIMIT: Duration = Duration::from_secs(8);
    /// Default for [`DialogConfig::nonces`]: each call may be challenged; a nonce takes some 500 bytes.
    pub const NONCES: usize = Self::LEGS;

    /// Whether an option tag may stand in Require; compared without regard to case (RFC 3261 §7.3.1).
    pub(crate) fn supports(&self, tag: &str) -> bool {
        self.option_tags().any(|ours| ours.eq_ignore_ascii_case(tag))
    }

    /// The option tags for Supported: those of the settings, and those that go with other settings.
    pub(crate) fn option_tags(&self) -> impl Iterator<Item = &str> {
        let reliable = (self.reliability != Reliability::Never).then_some(RELIABLE);
        let timer = (self.session_timers != SessionTimers::Off).then_some(TIMER);
        self.supported.iter().map(|tag| &**tag).chain(reliable).chain(timer)
    }

    /// Whether an INVITE may replace a dialog (RFC 3891 §6.2).
    pub(crate) fn replaces(&self) -> bool {
        self.supports(REPLACES)
    }

    /// The methods for Allow, in the order in which they are printed (RFC 3261 §20.5).
    pub fn allow(&self) -> impl Iterator<Item = Method> + use<'_> {
        let refer = self.refer;
        let passed_up = self.requests.iter().copied().filter(|method| is_passed_up(*method));
        let reliable = self.reliability != Reliability::Never;
        [
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Prack,
            Method::Update,
            Method::Options,
            Method::Refer,
            Method::Notify,
            Method::Subscribe,
        ]
        .into_iter()
        .filter(move |method| match method {
            Method::Refer => refer,
            Method::Prack => reliable,
            _ => true,
        })
        .chain(passed_up.filter(|method| *method != Method::Options))
    }

    /// Whether requests of this method go up.
    pub(crate) fn passes_up(&self, method: Method) -> bool {
        is_passed_up(method) && self.requests.contains(&method)
    }

    /// Whether a SUBSCRIBE to this package goes up.
    pub(crate) fn notifies(&self, package: &str) -> bool {
        self.packages.iter().any(|ours| ours.eq_ignore_ascii_case(package))
    }
}

/// Whether a method has no owner in this layer, so that its requests may go up.
const fn is_passed_up(method: Method) -> bool {
    matches!(method, Method::Info | Method::Message | Method::Options | Method::Publish | Method::Other(_))
}

/// The option tag of RFC 3891 §6.2.
const REPLACES: &str = "replaces";

/// The option tag of RFC 3262 §8.1.
pub(crate) const RELIABLE: &str = "100rel";

/// The option tag of RFC 4028 §3.
pub(crate) const TIMER: &str = "timer";

impl Default for DialogConfig {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            user_agent: None,
            refer_acceptance: ReferAcceptance::default(),
            legs: Self::LEGS,
            subscriptions: Self::SUBSCRIPTIONS,
            packages: Vec::new(),
            min_expires: Self::MIN_EXPIRES,
            subscription_forks: Self::SUBSCRIPTION_FORKS,
            strangers: false,
            requests: Vec::new(),
            info_packages: Vec::new(),
            open_requests: Self::OPEN_REQUESTS,
            answer_limit: Self::ANSWER_LIMIT,
            supported: vec![REPLACES.into()],
            demanded: Vec::new(),
            refer: true,
            explicit: Some(ExplicitSubscriptions::default()),
            refresh: true,
            lenient: true,
            registration: RegistrationConfig::default(),
            keys: Keyring::new(),
            nonces: Self::NONCES,
            authentication: None,
            reliability: Reliability::default(),
            session_timers: SessionTimers::default(),
            refuse_offer: |_, _| None,
            min_se: Self::MIN_SE,
        }
    }
}
