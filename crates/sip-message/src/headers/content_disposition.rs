use core::fmt;

use super::event::lex_value;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// What to do with a body of which the type or the disposition is not understood (RFC 3261 §20.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Handling {
    /// Refuse the message; also meant where no handling is given.
    #[default]
    Required,
    /// Pass the body over.
    Optional,
    /// A token that RFC 3261 does not name.
    Other,
}

/// `Content-Disposition: session;handling=optional` (RFC 3261 §20.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDisposition<'a> {
    /// The disposition type as written: `session`, `render`, `icon`, `alert` or another token.
    pub disposition: &'a str,
    /// What to do if the body is not understood.
    pub handling: Handling,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> ContentDisposition<'a> {
    /// Parses `token *(;param)`; a `handling` that is no token is an error.
    pub fn parse(value: &'a str) -> Result<ContentDisposition<'a>, ParseError> {
        let (disposition, params) = lex_value(value)?;
        let handling = match params.get("handling") {
            None => Handling::Required,
            Some(Some(word)) if word.eq_ignore_ascii_case("required") => Handling::Required,
            Some(Some(word)) if word.eq_ignore_ascii_case("optional") => Handling::Optional,
            Some(Some(word)) if lex::is_token(word) => Handling::Other,
            Some(_) => return Err(ParseError::of(ParseErrorKind::Parameter, value, params.as_str())),
        };
        Ok(ContentDisposition { disposition, handling, params })
    }

    /// Tells whether this is that disposition type, in any case.
    pub fn is(&self, disposition: &str) -> bool {
        self.disposition.eq_ignore_ascii_case(disposition)
    }
}

impl fmt::Display for ContentDisposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.disposition, self.params.as_str())
    }
}
