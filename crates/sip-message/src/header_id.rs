use core::fmt;

/// The name of a header line: well-known or an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderName<'a> {
    /// A header of the table, in whatever spelling it came.
    Known(HeaderId),
    /// Any other token, as it was written.
    Unknown(&'a str),
}

impl<'a> HeaderName<'a> {
    /// Sorts a name: full or compact form, any case (RFC 3261 §7.3.1, §7.3.3).
    pub fn of(name: &'a str) -> HeaderName<'a> {
        HeaderId::of(name).map_or(HeaderName::Unknown(name), HeaderName::Known)
    }

    /// The canonical long name, or the extension's name as written.
    pub const fn as_str(&self) -> &'a str {
        match self {
            HeaderName::Known(id) => id.name(),
            HeaderName::Unknown(name) => name,
        }
    }

    /// The id, if the header is well-known.
    pub const fn id(&self) -> Option<HeaderId> {
        match self {
            HeaderName::Known(id) => Some(*id),
            HeaderName::Unknown(_) => None,
        }
    }
}

impl fmt::Display for HeaderName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! header_ids {
    ($($id:ident $name:literal $lower:literal $($compact:literal)?,)*) => {
        /// A well-known header (RFC 3261 §20 and the extensions that a call uses).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderId {
            $(
                #[doc = concat!("`", $name, "`")]
                $id,
            )*
        }

        const NAMES: &[&str] = &[$($name),*];
        const STARTS: &[&str] = &[$(concat!("\r\n", $name, ": ")),*];
        const LOWER: &[&str] = &[$($lower),*];
        const COMPACT: &[u8] = &[$(header_ids!(@compact $($compact)?)),*];
        const ALL: &[HeaderId] = &[$(HeaderId::$id),*];
    };
    (@compact) => { 0 };
    (@compact $letter:literal) => { $letter };
}

header_ids! {
    Accept "Accept" "accept",
    AcceptContact "Accept-Contact" "accept-contact" b'a',
    AcceptEncoding "Accept-Encoding" "accept-encoding",
    AcceptLanguage "Accept-Language" "accept-language",
    AcceptResourcePriority "Accept-Resource-Priority" "accept-resource-priority",
    AlertInfo "Alert-Info" "alert-info",
    Allow "Allow" "allow",
    AllowEvents "Allow-Events" "allow-events" b'u',
    AnswerMode "Answer-Mode" "answer-mode",
    AuthenticationInfo "Authentication-Info" "authentication-info",
    Authorization "Authorization" "authorization",
    CallId "Call-ID" "call-id" b'i',
    CallInfo "Call-Info" "call-info",
    Contact "Contact" "contact" b'm',
    ContentDisposition "Content-Disposition" "content-disposition",
    ContentEncoding "Content-Encoding" "content-encoding" b'e',
    ContentLanguage "Content-Language" "content-language",
    ContentLength "Content-Length" "content-length" b'l',
    ContentType "Content-Type" "content-type" b'c',
    CSeq "CSeq" "cseq",
    Date "Date" "date",
    Diversion "Diversion" "diversion",
    ErrorInfo "Error-Info" "error-info",
    Event "Event" "event" b'o',
    Expires "Expires" "expires",
    FeatureCaps "Feature-Caps" "feature-caps",
    FlowTimer "Flow-Timer" "flow-timer",
    From "From" "from" b'f',
    Geolocation "Geolocation" "geolocation",
    GeolocationError "Geolocation-Error" "geolocation-error",
    GeolocationRouting "Geolocation-Routing" "geolocation-routing",
    HistoryInfo "History-Info" "history-info",
    Identity "Identity" "identity" b'y',
    InfoPackage "Info-Package" "info-package",
    InReplyTo "In-Reply-To" "in-reply-to",
    Join "Join" "join",
    MaxBreadth "Max-Breadth" "max-breadth",
    MaxForwards "Max-Forwards" "max-forwards",
    MimeVersion "MIME-Version" "mime-version",
    MinExpires "Min-Expires" "min-expires",
    MinSe "Min-SE" "min-se",
    Organization "Organization" "organization",
    PAccessNetworkInfo "P-Access-Network-Info" "p-access-network-info",
    PAssertedIdentity "P-Asserted-Identity" "p-asserted-identity",
    PAssociatedUri "P-Associated-URI" "p-associated-uri",
    PCalledPartyId "P-Called-Party-ID" "p-called-party-id",
    PChargingVector "P-Charging-Vector" "p-charging-vector",
    PPreferredIdentity "P-Preferred-Identity" "p-preferred-identity",
    PVisitedNetworkId "P-Visited-Network-ID" "p-visited-network-id",
    Path "Path" "path",
    Priority "Priority" "priority",
    PrivAnswerMode "Priv-Answer-Mode" "priv-answer-mode",
    Privacy "Privacy" "privacy",
    ProxyAuthenticate "Proxy-Authenticate" "proxy-authenticate",
    ProxyAuthenticationInfo "Proxy-Authentication-Info" "proxy-authentication-info",
    ProxyAuthorization "Proxy-Authorization" "proxy-authorization",
    ProxyRequire "Proxy-Require" "proxy-require",
    RAck "RAck" "rack",
    Reason "Reason" "reason",
    RecordRoute "Record-Route" "record-route",
    RecvInfo "Recv-Info" "recv-info",
    ReferEventsAt "Refer-Events-At" "refer-events-at",
    ReferSub "Refer-Sub" "refer-sub",
    ReferTo "Refer-To" "refer-to" b'r',
    ReferredBy "Referred-By" "referred-by" b'b',
    RejectContact "Reject-Contact" "reject-contact" b'j',
    RemotePartyId "Remote-Party-ID" "remote-party-id",
    Replaces "Replaces" "replaces",
    ReplyTo "Reply-To" "reply-to",
    RequestDisposition "Request-Disposition" "request-disposition" b'd',
    Require "Require" "require",
    ResourcePriority "Resource-Priority" "resource-priority",
    RetryAfter "Retry-After" "retry-after",
    Route "Route" "route",
    RSeq "RSeq" "rseq",
    SecurityClient "Security-Client" "security-client",
    SecurityServer "Security-Server" "security-server",
    SecurityVerify "Security-Verify" "security-verify",
    Server "Server" "server",
    ServiceRoute "Service-Route" "service-route",
    SessionExpires "Session-Expires" "session-expires" b'x',
    SessionId "Session-ID" "session-id",
    SipEtag "SIP-ETag" "sip-etag",
    SipIfMatch "SIP-If-Match" "sip-if-match",
    Subject "Subject" "subject" b's',
    SubscriptionState "Subscription-State" "subscription-state",
    Supported "Supported" "supported" b'k',
    SuppressIfMatch "Suppress-If-Match" "suppress-if-match",
    TargetDialog "Target-Dialog" "target-dialog",
    Timestamp "Timestamp" "timestamp",
    To "To" "to" b't',
    Unsupported "Unsupported" "unsupported",
    UserAgent "User-Agent" "user-agent",
    UserToUser "User-to-User" "user-to-user",
    Via "Via" "via" b'v',
    Warning "Warning" "warning",
    WwwAuthenticate "WWW-Authenticate" "www-authenticate",
}

/// Some of the well-known headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HeaderSet(u128);

const _: () = assert!(HeaderId::COUNT <= u128::BITS as usize, "more headers than bits");

impl HeaderSet {
    pub(crate) const EMPTY: HeaderSet = HeaderSet(0);

    pub(crate) const fn of(ids: &[HeaderId]) -> HeaderSet {
        let mut set = HeaderSet::EMPTY;
        let mut at = 0;
        while at < ids.len() {
            set = set.with(ids[at]);
            at += 1;
        }
        set
    }

    pub(crate) const fn with(self, id: HeaderId) -> HeaderSet {
        HeaderSet(self.0 | 1 << id as u32)
    }

    pub(crate) const fn has(self, id: HeaderId) -> bool {
        self.0 >> id as u32 & 1 != 0
    }

    /// Whether a header is in both.
    pub(crate) const fn meets(self, other: HeaderSet) -> bool {
        self.0 & other.0 != 0
    }
}

/// Slots of [`BY_NAME`]: a power of two, and so many that the mix below finds one for each name.
const SLOTS: usize = 512;

/// Each id at the slot of its long name. That no two share one is checked here, when the crate is built: who adds a name
/// and fails looks for other factors in [`slot_of`].
const BY_NAME: [Option<HeaderId>; SLOTS] = {
    let mut table = [None; SLOTS];
    let mut at = 0;
    while at < ALL.len() {
        let slot = slot_of(NAMES[at].as_bytes());
        assert!(table[slot].is_none(), "two header names share a slot");
        table[slot] = Some(ALL[at]);
        at += 1;
    }
    table
};

/// Mixes the length with the first, middle and last letter, of either case.
const fn slot_of(name: &[u8]) -> usize {
    const LOWER: u8 = 0x20;
    let first = (name[0] | LOWER) as usize;
    let middle = (name[name.len() / 2] | LOWER) as usize;
    let last = (name[name.len() - 1] | LOWER) as usize;
    (name.len() * 68 + first * 53 + middle * 119 + last * 115) % SLOTS
}

const BY_LETTER: [Option<HeaderId>; 26] = {
    let mut table = [None; 26];
    let mut at = 0;
    while at < ALL.len() {
        if COMPACT[at] != 0 {
            table[(COMPACT[at] - b'a') as usize] = Some(ALL[at]);
        }
        at += 1;
    }
    table
};

impl HeaderId {
    /// How many well-known headers there are.
    pub(crate) const COUNT: usize = ALL.len();

    /// Every well-known header, in the order of the table.
    pub const fn all() -> &'static [HeaderId] {
        ALL
    }

    /// Finds the id by long or compact name, in any case; `None` for an extension.
    pub fn of(name: &str) -> Option<HeaderId> {
        HeaderId::of_bytes(name.as_bytes())
    }

    #[inline]
    pub(crate) fn of_bytes(name: &[u8]) -> Option<HeaderId> {
        if name.len() < 2 {
            return HeaderId::of_letter(name);
        }
        let id = BY_NAME[slot_of(name)]?;
        let known = id.name().as_bytes();
        (same(known, name) || known.eq_ignore_ascii_case(name)).then_some(id)
    }

    fn of_letter(name: &[u8]) -> Option<HeaderId> {
        let letter = name.first()?.to_ascii_lowercase();
        if letter.is_ascii_lowercase() { BY_LETTER[usize::from(letter - b'a')] } else { None }
    }

    /// The canonical long name, as it is printed: `Call-ID`.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// How a line of this header starts behind another: the end of that one, and `Call-ID: `.
    pub(crate) const fn start_of_line(self) -> &'static str {
        STARTS[self as usize]
    }

    /// The canonical long name in lower case: `call-id`.
    pub const fn lower_name(self) -> &'static str {
        LOWER[self as usize]
    }

    /// The compact form, if one is registered: `i`.
    pub const fn compact(self) -> Option<char> {
        match COMPACT[self as usize] {
            0 => None,
            letter => Some(letter as char),
        }
    }

    /// Headers of which a second line makes the message unusable: it cannot even be answered safely.
    pub(crate) const fn refused_twice(self) -> bool {
        matches!(
            self,
            HeaderId::From
                | HeaderId::To
                | HeaderId::CallId
                | HeaderId::CSeq
                | HeaderId::MaxForwards
                | HeaderId::ContentLength
        )
    }

    /// Headers that hold one value and may stand once in a message (RFC 3261 §7.3.1 and each header's own
    /// RFC).
    pub const fn is_single(self) -> bool {
        self.refused_twice()
            || matches!(
                self,
                HeaderId::AnswerMode
                    | HeaderId::ContentType
                    | HeaderId::ContentDisposition
                    | HeaderId::Date
                    | HeaderId::Event
                    | HeaderId::Expires
                    | HeaderId::FlowTimer
                    | HeaderId::InfoPackage
                    | HeaderId::GeolocationError
                    | HeaderId::GeolocationRouting
                    | HeaderId::Join
                    | HeaderId::MaxBreadth
                    | HeaderId::MimeVersion
                    | HeaderId::MinExpires
                    | HeaderId::MinSe
                    | HeaderId::Organization
                    | HeaderId::PCalledPartyId
                    | HeaderId::PChargingVector
                    | HeaderId::Priority
                    | HeaderId::PrivAnswerMode
                    | HeaderId::RAck
                    | HeaderId::ReferEventsAt
                    | HeaderId::ReferSub
                    | HeaderId::ReferTo
                    | HeaderId::ReferredBy
                    | HeaderId::Replaces
                    | HeaderId::ReplyTo
                    | HeaderId::RetryAfter
                    | HeaderId::RSeq
                    | HeaderId::Server
                    | HeaderId::SessionExpires
                    | HeaderId::SessionId
                    | HeaderId::SipEtag
                    | HeaderId::SipIfMatch
                    | HeaderId::Subject
                    | HeaderId::SubscriptionState
                    | HeaderId::SuppressIfMatch
                    | HeaderId::TargetDialog
                    | HeaderId::Timestamp
                    | HeaderId::UserAgent
            )
    }
}

/// Compares byte for byte; names are too short for a call of the library's comparison to pay.
#[inline]
fn same(one: &[u8], two: &[u8]) -> bool {
    fn ends<const N: usize>(one: &[u8], two: &[u8]) -> bool {
        one.first_chunk::<N>() == two.first_chunk::<N>() && one.last_chunk::<N>() == two.last_chunk::<N>()
    }
    one.len() == two.len()
        && match one.len() {
            2..=3 => ends::<2>(one, two),
            4..=7 => ends::<4>(one, two),
            8..=16 => ends::<8>(one, two),
            _ => one == two,
        }
}

impl fmt::Display for HeaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
