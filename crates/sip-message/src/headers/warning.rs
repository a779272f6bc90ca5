use core::fmt;
use std::borrow::Cow;

use super::number;
use crate::uri::HostPort;
use crate::{ParseError, ParseErrorKind, lex};

/// `Warning: 307 isi.edu "Session parameter 'foo' not understood"` (RFC 3261 §20.43), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning<'a> {
    /// Three digits; those of SIP start with 3.
    pub code: u16,
    /// Who warns: a host, with or without port, or a pseudonym.
    pub agent: &'a str,
    /// The text as written, quotes included.
    pub quoted: &'a str,
}

impl<'a> Warning<'a> {
    /// Parses `code agent "text"`.
    ///
    /// A text without quotes is taken if it holds none: RFC 3420 §3.1 prints one, and it is there to be read
    /// by people.
    pub fn parse(value: &'a str) -> Result<Warning<'a>, ParseError> {
        let fail = |kind, part: &str| Err(ParseError::of(kind, value, part));
        let (digits, rest) = word(value);
        let (agent, quoted) = word(rest);
        let quoted = lex::trim(quoted);
        if digits.len() != 3 {
            return fail(ParseErrorKind::Number, digits);
        }
        let code = number(digits).map_err(|error| ParseError::of(error.kind(), value, digits))?;
        if !lex::is_token(agent) && !HostPort::read(agent, 0).is_ok_and(|found| found.end == agent.len()) {
            return fail(ParseErrorKind::Host, agent);
        }
        let whole = match lex::quoted_end(quoted) {
            Some(end) if quoted.starts_with('"') => end == quoted.len(),
            _ => !quoted.is_empty() && !quoted.contains('"'),
        };
        if whole { Ok(Warning { code, agent, quoted }) } else { fail(ParseErrorKind::Value, quoted) }
    }

    /// The text without quotes and quoted pairs.
    pub fn text(&self) -> Cow<'a, str> {
        lex::unquote(self.quoted)
    }
}

/// Splits off the first word.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {} {}", self.code, self.agent, self.quoted)
    }
}
