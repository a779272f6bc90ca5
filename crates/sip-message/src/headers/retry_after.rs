use core::fmt;

use super::comment;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// `Retry-After: 120 (in a meeting);duration=60` (RFC 3261 §20.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// Seconds to wait; values above `u32::MAX` are capped.
    pub seconds: u32,
    /// The comment without its parentheses.
    pub comment: Option<&'a str>,
    /// For how long the called party will then be reachable, in seconds.
    pub duration: Option<u32>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> RetryAfter<'a> {
    /// Parses `delta-seconds [(comment)] *(;param)`.
    pub fn parse(value: &'a str) -> Result<RetryAfter<'a>, ParseError> {
        let text = lex::trim(value);
        let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let Some(seconds) = lex::delta_seconds(digits) else {
            return Err(ParseError::of(ParseErrorKind::Number, value, text));
        };
        let rest = lex::trim(rest);
        let (comment, tail) = match rest.strip_prefix('(') {
            Some(inner) => {
                let end = comment::end(inner).map_err(|kind| ParseError::of(kind, value, rest))?;
                (Some(&inner[..end]), &inner[end + 1..])
            }
            None => (None, rest),
        };
        let base = tail.as_ptr().addr() - value.as_ptr().addr();
        let params = Params::parse(tail).map_err(|error| error.shifted(base))?;
        let duration = params.value("duration").and_then(lex::delta_seconds);
        Ok(RetryAfter { seconds, comment, duration, params })
    }
}

impl fmt::Display for RetryAfter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        if let Some(comment) = self.comment {
            write!(f, " ({comment})")?;
        }
        f.write_str(self.params.as_str())
    }
}
