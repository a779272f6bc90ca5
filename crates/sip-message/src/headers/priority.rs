use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// `Priority: emergency` (RFC 3261 §20.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority<'a> {
    /// Life, limb or property are in danger.
    Emergency,
    /// Sooner than others.
    Urgent,
    /// As meant where the header is absent.
    Normal,
    /// Later than others.
    NonUrgent,
    /// A token that RFC 3261 does not name, as written.
    Other(&'a str),
}

impl<'a> Priority<'a> {
    const NAMED: [Priority<'static>; 4] =
        [Priority::Emergency, Priority::Urgent, Priority::Normal, Priority::NonUrgent];

    /// Parses `token`, in any case.
    pub fn parse(value: &'a str) -> Result<Priority<'a>, ParseError> {
        let token = lex::trim(value);
        if !lex::is_token(token) {
            return Err(ParseError::of(ParseErrorKind::Value, value, token));
        }
        let named = Self::NAMED.into_iter().find(|named| named.as_str().eq_ignore_ascii_case(token));
        Ok(named.unwrap_or(Priority::Other(token)))
    }

    /// The token.
    pub const fn as_str(&self) -> &'a str {
        match self {
            Priority::Emergency => "emergency",
            Priority::Urgent => "urgent",
            Priority::Normal => "normal",
            Priority::NonUrgent => "non-urgent",
            Priority::Other(token) => token,
        }
    }
}

impl fmt::Display for Priority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
