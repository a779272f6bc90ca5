use super::event::lex_value;
use crate::{ParseError, ParseErrorKind};

/// Parses `Refer-Sub: true | false` with parameters (RFC 4488 §4).
///
/// Any other word is an error, not `false`: a peer that misspells `true` still wants its NOTIFYs.
pub(crate) fn parse(value: &str) -> Result<bool, ParseError> {
    let (word, _params) = lex_value(value)?;
    if word.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if word.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(ParseError::of(ParseErrorKind::Value, value, word))
    }
}
