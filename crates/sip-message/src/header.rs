//! The typed headers: one row each, with the place that defines it and the type of its value.
//!
//! A row makes a marker type by which a value is asked for: `message.only::<header::Expires>()`,
//! `message.values::<header::Route>()`. What holds for every header is tested over [`rows`].

use core::fmt;
use core::num::NonZeroU32;

use crate::headers as value;
use crate::{HeaderId, Message, Method, NameAddr, ParseError};

/// How the values of a header are laid out over its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// One value, and one line at most (RFC 3261 §7.3.1).
    Single,
    /// Each line is a comma list; its items in order are the values.
    List,
    /// Each line is one value: commas belong to the value (`WWW-Authenticate` and its like, RFC 3261 §7.3.1).
    Lines,
}

/// A header whose value has a type.
pub trait TypedHeader {
    /// Which header it is.
    const ID: HeaderId;
    /// How its values are laid out.
    const FORM: Form;
    /// One value; prints as it stands on the wire.
    type Value<'a>: fmt::Display;

    /// Parses one value: one item of a list, the whole line otherwise.
    fn parse(value: &str) -> Result<Self::Value<'_>, ParseError>;
}

/// A typed header as data.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Which header it is.
    pub id: HeaderId,
    /// How its values are laid out.
    pub form: Form,
    /// The type of one value, as source text.
    pub value: &'static str,
    /// Where the header is defined.
    pub source: &'static str,
    /// Parses one value and prints it again.
    pub reprint: fn(&str) -> Result<String, ParseError>,
    /// Parses every value of a message and counts them.
    pub count: fn(&Message) -> Result<usize, ParseError>,
}

macro_rules! typed_headers {
    ($($id:ident: $form:ident of $value:ty, $parse:path, $source:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($id), "` (", $source, ").")]
            #[derive(Debug, Clone, Copy)]
            pub struct $id;

            impl TypedHeader for $id {
                const ID: HeaderId = HeaderId::$id;
                const FORM: Form = Form::$form;
                type Value<'a> = $value;

                fn parse(value: &str) -> Result<Self::Value<'_>, ParseError> {
                    $parse(value)
                }
            }
        )*

        const ROWS: &[Row] = &[$(Row {
            id: HeaderId::$id,
            form: Form::$form,
            value: stringify!($value),
            source: $source,
            reprint: |value| $parse(value).map(|value| value.to_string()),
            count: |message| {
                message.values::<$id>().try_fold(0, |count, value| value.map(|_| count + 1))
            },
        }),*];
    };
}

/// Every typed header, in the alphabetical order of the names.
pub const fn rows() -> &'static [Row] {
    ROWS
}

typed_headers! {
    Accept: List of value::MediaRange<'a>, value::MediaRange::parse, "RFC 3261 §20.1";
    AcceptContact: List of value::FeatureSet<'a>, value::FeatureSet::parse, "RFC 3841 §10";
    AcceptEncoding: List of value::Preference<'a>, value::Preference::encoding, "RFC 3261 §20.2";
    AcceptLanguage: List of value::Preference<'a>, value::Preference::language, "RFC 3261 §20.3";
    AcceptResourcePriority: List of value::ResourcePriority<'a>, value::ResourcePriority::parse, "RFC 4412 §3.2";
    AlertInfo: List of value::UriReference<'a>, value::UriReference::parse, "RFC 3261 §20.4";
    Allow: List of Method, Method::parse, "RFC 3261 §20.5";
    AllowEvents: List of value::Token<'a>, value::Token::parse, "RFC 6665 §8.2.2";
    AnswerMode: Single of value::TokenParams<'a>, value::TokenParams::parse, "RFC 5373 §2";
    AuthenticationInfo: Lines of value::AuthenticationInfo<'a>, value::AuthenticationInfo::parse, "RFC 3261 §20.6";
    Authorization: Lines of value::Credentials<'a>, value::Credentials::parse, "RFC 3261 §20.7";
    CallId: Single of value::CallId<'a>, value::CallId::parse, "RFC 3261 §20.8";
    CallInfo: List of value::UriReference<'a>, value::UriReference::parse, "RFC 3261 §20.9";
    Contact: List of value::Contact<'a>, value::Contact::parse, "RFC 3261 §20.10";
    ContentDisposition: Single of value::ContentDisposition<'a>, value::ContentDisposition::parse,
        "RFC 3261 §20.11";
    ContentEncoding: List of value::Token<'a>, value::Token::parse, "RFC 3261 §20.12";
    ContentLanguage: List of value::Token<'a>, value::Token::language, "RFC 3261 §20.13";
    ContentLength: Single of u32, value::number::<u32>, "RFC 3261 §20.14";
    ContentType: Single of value::MediaType<'a>, value::MediaType::parse, "RFC 3261 §20.15";
    CSeq: Single of value::CSeq, value::CSeq::parse, "RFC 3261 §20.16";
    Date: Single of value::Date, value::Date::parse, "RFC 3261 §20.17";
    Diversion: List of value::Diversion<'a>, value::Diversion::parse, "RFC 5806";
    ErrorInfo: List of value::UriReference<'a>, value::UriReference::parse, "RFC 3261 §20.18";
    Event: Single of value::Event<'a>, value::Event::parse, "RFC 6665 §8.2.1";
    Expires: Single of u32, value::seconds, "RFC 3261 §20.19";
    FeatureCaps: List of value::FeatureSet<'a>, value::FeatureSet::parse_caps, "RFC 6809 §6.2";
    FlowTimer: Single of u32, value::seconds, "RFC 5626 §10";
    From: Single of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.20";
    Geolocation: List of value::UriReference<'a>, value::UriReference::parse, "RFC 6442 §4.1";
    GeolocationError: Single of value::GeolocationError<'a>, value::GeolocationError::parse, "RFC 6442 §4.4";
    GeolocationRouting: Single of value::TokenParams<'a>, value::TokenParams::parse, "RFC 6442 §4.2";
    HistoryInfo: List of value::HistoryInfo<'a>, value::HistoryInfo::parse, "RFC 7044 §5";
    Identity: Lines of value::Identity<'a>, value::Identity::parse, "RFC 8224 §4";
    InReplyTo: List of value::CallId<'a>, value::CallId::parse, "RFC 3261 §20.21";
    InfoPackage: Single of value::InfoPackage<'a>, value::InfoPackage::parse, "RFC 6086 §7.2";
    Join: Single of value::Join, value::Join::parse, "RFC 3911 §7.1";
    MaxBreadth: Single of u32, value::number::<u32>, "RFC 5393 §5.8";
    MaxForwards: Single of u32, value::seconds, "RFC 3261 §20.22";
    MimeVersion: Single of value::MimeVersion, value::MimeVersion::parse, "RFC 3261 §20.24";
    MinExpires: Single of u32, value::seconds, "RFC 3261 §20.23";
    MinSe: Single of value::MinSe<'a>, value::MinSe::parse, "RFC 4028 §5";
    Organization: Single of &'a str, value::text, "RFC 3261 §20.25";
    PAccessNetworkInfo: List of value::TokenParams<'a>, value::TokenParams::parse, "RFC 7315 §5.4";
    PAssertedIdentity: List of NameAddr<'a>, value::parse_identity, "RFC 3325 §9.1";
    PAssociatedUri: List of NameAddr<'a>, NameAddr::parse, "RFC 7315 §5.1";
    PCalledPartyId: Single of NameAddr<'a>, NameAddr::parse, "RFC 7315 §5.2";
    PChargingVector: Single of value::ChargingVector<'a>, value::ChargingVector::parse, "RFC 7315 §5.6";
    PPreferredIdentity: List of NameAddr<'a>, value::parse_identity, "RFC 3325 §9.2";
    PVisitedNetworkId: List of value::VisitedNetwork<'a>, value::VisitedNetwork::parse, "RFC 7315 §5.3";
    Path: List of NameAddr<'a>, NameAddr::parse, "RFC 3327 §4";
    Priority: Single of value::Priority<'a>, value::Priority::parse, "RFC 3261 §20.26";
    PrivAnswerMode: Single of value::TokenParams<'a>, value::TokenParams::parse, "RFC 5373 §2";
    Privacy: Lines of value::Privacy<'a>, value::Privacy::parse, "RFC 3323 §4.2";
    ProxyAuthenticate: Lines of value::Challenge<'a>, value::Challenge::parse, "RFC 3261 §20.27";
    ProxyAuthenticationInfo: Lines of value::AuthenticationInfo<'a>, value::AuthenticationInfo::parse,
        "RFC 7615 §4";
    ProxyAuthorization: Lines of value::Credentials<'a>, value::Credentials::parse, "RFC 3261 §20.28";
    ProxyRequire: List of value::Token<'a>, value::Token::parse, "RFC 3261 §20.29";
    RAck: Single of value::RAck, value::RAck::parse, "RFC 3262 §7.2";
    Reason: List of value::Reason<'a>, value::Reason::parse, "RFC 3326 §2";
    RecordRoute: List of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.30";
    RecvInfo: List of value::InfoPackage<'a>, value::InfoPackage::parse, "RFC 6086 §7.3";
    ReferEventsAt: Single of value::UriReference<'a>, value::UriReference::parse_sip_in_brackets, "RFC 7614 §4.8";
    ReferSub: Single of value::ReferSub<'a>, value::ReferSub::parse, "RFC 4488 §4";
    ReferTo: Single of value::ReferTo<'a>, value::ReferTo::parse, "RFC 3515 §2.1";
    ReferredBy: Single of value::ReferredBy<'a>, value::ReferredBy::parse, "RFC 3892 §3";
    RejectContact: List of value::FeatureSet<'a>, value::FeatureSet::parse, "RFC 3841 §10";
    RemotePartyId: List of value::RemotePartyId<'a>, value::RemotePartyId::parse, "draft-ietf-sip-privacy-04";
    Replaces: Single of value::Replaces, value::Replaces::parse, "RFC 3891 §6.1";
    ReplyTo: Single of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.31";
    RequestDisposition: List of value::TokenParams<'a>, value::TokenParams::parse, "RFC 3841 §9.1";
    Require: List of value::Token<'a>, value::Token::parse, "RFC 3261 §20.32";
    ResourcePriority: List of value::ResourcePriority<'a>, value::ResourcePriority::parse, "RFC 4412 §3.1";
    RetryAfter: Single of value::RetryAfter<'a>, value::RetryAfter::parse, "RFC 3261 §20.33";
    Route: List of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.34";
    RSeq: Single of NonZeroU32, value::number::<NonZeroU32>, "RFC 3262 §7.1";
    SecurityClient: List of value::SecurityMechanism<'a>, value::SecurityMechanism::parse, "RFC 3329 §2.2";
    SecurityServer: List of value::SecurityMechanism<'a>, value::SecurityMechanism::parse, "RFC 3329 §2.2";
    SecurityVerify: List of value::SecurityMechanism<'a>, value::SecurityMechanism::parse, "RFC 3329 §2.2";
    Server: Single of value::ServerVals<'a>, value::ServerVals::parse, "RFC 3261 §20.35";
    ServiceRoute: List of NameAddr<'a>, NameAddr::parse, "RFC 3608 §5";
    SessionExpires: Single of value::SessionExpires<'a>, value::SessionExpires::parse, "RFC 4028 §4";
    SessionId: Single of value::SessionId<'a>, value::SessionId::parse, "RFC 7989 §5";
    SipEtag: Single of value::EntityTag<'a>, value::EntityTag::parse, "RFC 3903 §11.3.1";
    SipIfMatch: Single of value::EntityTag<'a>, value::EntityTag::parse, "RFC 3903 §11.3.2";
    Subject: Single of &'a str, value::text, "RFC 3261 §20.36";
    SubscriptionState: Single of value::SubscriptionState<'a>, value::SubscriptionState::parse,
        "RFC 6665 §8.2.3";
    Supported: List of value::Token<'a>, value::Token::parse, "RFC 3261 §20.37";
    SuppressIfMatch: Single of value::EntityTag<'a>, value::EntityTag::parse, "RFC 5839 §7.2";
    TargetDialog: Single of value::TargetDialog, value::TargetDialog::parse, "RFC 4538 §7";
    Timestamp: Single of value::Timestamp, value::Timestamp::parse, "RFC 3261 §20.38";
    To: Single of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.39";
    Unsupported: List of value::Token<'a>, value::Token::parse, "RFC 3261 §20.40";
    UserAgent: Single of value::ServerVals<'a>, value::ServerVals::parse, "RFC 3261 §20.41";
    UserToUser: List of value::UserToUser<'a>, value::UserToUser::parse, "RFC 7433 §4.1";
    Via: List of value::Via<'a>, value::Via::parse, "RFC 3261 §20.42";
    Warning: List of value::Warning<'a>, value::Warning::parse, "RFC 3261 §20.43";
    WwwAuthenticate: Lines of value::Challenge<'a>, value::Challenge::parse, "RFC 3261 §20.44";
}
