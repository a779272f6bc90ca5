//! The typed headers: one row each, with the place that defines it and the type of its value.
//!
//! A row makes a marker type by which a value is asked for: `message.only::<header::Expires>()`,
//! `message.values::<header::Route>()`. What holds for every header is tested over [`rows`].

use core::fmt;

use crate::headers as value;
use crate::{HeaderId, Message, NameAddr, ParseError};

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
            source: $source,
            reprint: |value| $parse(value).map(|value| value.to_string()),
            count: |message| {
                message.values::<$id>().try_fold(0, |count, value| value.map(|_| count + 1))
            },
        }),*];
    };
}

/// Every typed header, in alphabetical order.
pub const fn rows() -> &'static [Row] {
    ROWS
}

typed_headers! {
    CSeq: Single of value::CSeq, value::CSeq::parse, "RFC 3261 §20.16";
    Event: Single of value::Event<'a>, value::Event::parse, "RFC 6665 §8.2.1";
    From: Single of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.20";
    Join: Single of value::Join, value::Join::parse, "RFC 3911 §7.1";
    Path: List of NameAddr<'a>, NameAddr::parse, "RFC 3327 §4";
    RAck: Single of value::RAck, value::RAck::parse, "RFC 3262 §7.2";
    Reason: List of value::Reason<'a>, value::Reason::parse, "RFC 3326 §2";
    RecordRoute: List of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.30";
    Replaces: Single of value::Replaces, value::Replaces::parse, "RFC 3891 §6.1";
    Route: List of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.34";
    ServiceRoute: List of NameAddr<'a>, NameAddr::parse, "RFC 3608 §5";
    SessionExpires: Single of value::SessionExpires, value::SessionExpires::parse, "RFC 4028 §4";
    TargetDialog: Single of value::TargetDialog, value::TargetDialog::parse, "RFC 4538 §7";
    To: Single of NameAddr<'a>, NameAddr::parse, "RFC 3261 §20.39";
    Via: List of value::Via<'a>, value::Via::parse, "RFC 3261 §20.42";
}
