//! Headers that are one number.

use core::str::FromStr;

use crate::{ParseError, ParseErrorKind, lex};

/// Reads `1*DIGIT`; leading zeros count for nothing. A number that `T` cannot hold is refused.
pub(crate) fn number<T: FromStr>(digits: &str) -> Result<T, ParseError> {
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    number.ok_or(ParseError::new(ParseErrorKind::Number, 0))
}

/// Reads `delta-seconds`; values above `u32::MAX` are capped (RFC 3261 §20.19).
pub(crate) fn seconds(value: &str) -> Result<u32, ParseError> {
    lex::delta_seconds(lex::trim(value)).ok_or(ParseError::new(ParseErrorKind::Number, 0))
}
