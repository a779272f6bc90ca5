use core::fmt;

use super::event::lex_value;
use crate::{Params, ParseError, ParseErrorKind};

/// `Refer-Sub: false` (RFC 4488 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferSub<'a> {
    /// Whether the REFER makes a subscription.
    pub subscribe: bool,
    /// All parameters; none has a meaning yet.
    pub params: Params<'a>,
}

impl<'a> ReferSub<'a> {
    /// Parses `("true" / "false") *(;param)`, in any case.
    ///
    /// Any other word is an error, not `false`: a peer that misspells `true` still wants its NOTIFYs.
    pub fn parse(value: &'a str) -> Result<ReferSub<'a>, ParseError> {
        let (word, params) = lex_value(value)?;
        let subscribe = word.eq_ignore_ascii_case("true");
        if !subscribe && !word.eq_ignore_ascii_case("false") {
            return Err(ParseError::of(ParseErrorKind::Value, value, word));
        }
        Ok(ReferSub { subscribe, params })
    }
}

impl fmt::Display for ReferSub<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.subscribe, self.params.as_str())
    }
}
