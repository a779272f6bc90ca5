use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// `SIP-ETag: dx200xyz` (RFC 3903 §11.3.1), compared byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntityTag<'a>(&'a str);

impl<'a> EntityTag<'a> {
    /// Parses `token`.
    pub fn parse(value: &'a str) -> Result<EntityTag<'a>, ParseError> {
        let tag = lex::trim(value);
        if !lex::is_token(tag) {
            return Err(ParseError::of(ParseErrorKind::Value, value, tag));
        }
        Ok(EntityTag(tag))
    }

    /// The tag as written.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Tells whether this is `*`, which in Suppress-If-Match stands for every tag (RFC 5839 §7.2).
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
