use crate::{ParseError, ParseErrorKind, lex};

/// Parses `Max-Breadth: 60` (RFC 5393 §5.8): how many branches may be open at once; larger values than
/// `u32::MAX` are capped.
pub(crate) fn parse(value: &str) -> Result<u32, ParseError> {
    let text = lex::trim(value);
    lex::delta_seconds(text).ok_or(ParseError::of(ParseErrorKind::Number, value, text))
}
