use core::fmt;

use crate::lex::{self, Class};
use crate::{ParseError, ParseErrorKind};

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
        let visible = lex::run(text.as_bytes(), 0, Class::VISIBLE);
        if visible < text.len() || text.is_empty() {
            return Err(ParseError::of(ParseErrorKind::Value, value, text).shifted(visible));
        }
        Ok(CallId(text))
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
