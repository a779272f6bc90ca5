use core::fmt;

use super::checks;
use super::event::lex_value;
use crate::{Params, ParseError, ParseErrorKind};

/// `Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2` (RFC 7989 §5).
///
/// Each identifier is 32 hexadecimal digits. They should be lower case; upper case is read, as field values
/// compare without regard to case (RFC 3261 §7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId<'a> {
    /// The identifier of the sender.
    pub local: &'a str,
    /// The identifier of the other end; `None` from peers of RFC 7329.
    pub remote: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> SessionId<'a> {
    /// The identifier that stands where none is known yet.
    pub const NIL: &'static str = "00000000000000000000000000000000";

    /// Parses one value; an identifier that is not 32 hexadecimal digits is [`ParseErrorKind::Value`], a
    /// second `remote` [`Duplicate`](ParseErrorKind::Duplicate).
    pub fn parse(value: &'a str) -> Result<SessionId<'a>, ParseError> {
        let (local, params) = lex_value(value)?;
        let remote = checks::once(value, params, "remote")?;
        let bad = |id: &&str| id.len() != Self::NIL.len() || !checks::is_hex(id);
        match [Some(local), remote].into_iter().flatten().find(bad) {
            Some(id) => Err(ParseError::of(ParseErrorKind::Value, value, id)),
            None => Ok(SessionId { local, remote, params }),
        }
    }
}

impl fmt::Display for SessionId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.local, self.params.as_str())
    }
}
