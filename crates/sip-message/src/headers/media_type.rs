use core::fmt;
use std::borrow::Cow;

use crate::{Params, ParseError, ParseErrorKind, lex};

/// `Content-Type: multipart/mixed;boundary="b 1"` (RFC 3261 §20.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// The type as written: `multipart`.
    pub kind: &'a str,
    /// The subtype as written: `mixed`.
    pub subtype: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Parses `type/subtype *(;name=value)`; a parameter without a value is an error.
    ///
    /// Values outside quotes may hold more than a token: a boundary with `:` or `=` is often sent bare, and
    /// where it ends is clear.
    pub fn parse(value: &'a str) -> Result<MediaType<'a>, ParseError> {
        let media = MediaType::range(value)?;
        match media.params.iter().find(|(_, value)| value.is_none()) {
            Some((name, _)) => Err(ParseError::of(ParseErrorKind::Parameter, value, name)),
            None => Ok(media),
        }
    }

    /// Parses a type of which parameters may be flags, as in Accept; `*` is a token too.
    pub(super) fn range(value: &'a str) -> Result<MediaType<'a>, ParseError> {
        let (media, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
        let (kind, subtype) = media.split_once('/').unwrap_or((media, ""));
        let (kind, subtype) = (lex::trim(kind), lex::trim(subtype));
        if !lex::is_token(kind) || !lex::is_token(subtype) {
            return Err(ParseError::of(ParseErrorKind::Value, value, media));
        }
        let params = Params::parse(tail).map_err(|error| error.shifted(media.len()))?;
        Ok(MediaType { kind, subtype, params })
    }

    /// Tells whether this is that type, given as `type/subtype` in any case; parameters are passed over.
    pub fn is(&self, media: &str) -> bool {
        media.split_once('/').is_some_and(|(kind, subtype)| {
            self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
        })
    }

    /// The `boundary` of a multipart body, without quotes (RFC 2046 §5.1.1).
    pub fn boundary(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("boundary")
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params.as_str())
    }
}
