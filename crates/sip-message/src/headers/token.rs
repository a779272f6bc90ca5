use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// One token, compared without regard to case (RFC 3261 §7.3.1): an option tag, event package, content coding
/// or language tag.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a>(&'a str);

impl<'a> Token<'a> {
    /// Parses `token`.
    pub fn parse(value: &'a str) -> Result<Token<'a>, ParseError> {
        let token = lex::trim(value);
        if !lex::is_token(token) {
            return Err(ParseError::of(ParseErrorKind::Value, value, token));
        }
        Ok(Token(token))
    }

    /// Parses a language tag: `fr`, `en-gb`.
    ///
    /// Digits are taken after the first hyphen, though RFC 3261 §25.1 has letters only: the registry of
    /// languages has `es-419` (RFC 5646 §2.1).
    pub fn language(value: &'a str) -> Result<Token<'a>, ParseError> {
        let tag = lex::trim(value);
        let primary = tag.split('-').next().unwrap_or(tag);
        let legal = primary.bytes().all(|byte| byte.is_ascii_alphabetic())
            && tag.split('-').all(|subtag| {
                (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if legal { Ok(Token(tag)) } else { Err(ParseError::of(ParseErrorKind::Value, value, tag)) }
    }

    /// The token as written.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Tells whether this is that token, in any case.
    pub fn is(&self, token: &str) -> bool {
        self.0.eq_ignore_ascii_case(token)
    }
}

impl PartialEq for Token<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0)
    }
}

impl Eq for Token<'_> {}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
