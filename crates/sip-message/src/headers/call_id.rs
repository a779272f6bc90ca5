use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// `Call-ID: f81d4fae-7dec-11d0-a765-00a0c91e6bf6@foo.bar.com` (RFC 3261 §20.8), compared byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId<'a>(&'a str);

impl<'a> CallId<'a> {
    /// Parses printable ASCII without blanks.
    ///
    /// The grammar, `word ["@" word]`, has no `=`, `;`, `,`, `$`, `&` and no second `@`. They are taken:
    /// base64 ends in `=`, and a call is refused for nothing if an identifier that is only compared and
    /// copied is judged by its alphabet.
    pub fn parse(value: &'a str) -> Result<CallId<'a>, ParseError> {
        let text = lex::trim(value);
        match text.bytes().position(|byte| !byte.is_ascii_graphic()) {
            None if !text.is_empty() => Ok(CallId(text)),
            bad => Err(ParseError::of(ParseErrorKind::Value, value, text).shifted(bad.unwrap_or(0))),
        }
    }

    /// The identifier as written.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Display for CallId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
