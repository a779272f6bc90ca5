//! `comment`, which nests and may hold quoted pairs (RFC 3261 §25.1).

use crate::{Limits, ParseErrorKind};

/// Finds the parenthesis that closes a comment, in the text behind the one that opens it.
///
/// Fails with [`ParseErrorKind::Value`] if none does, with [`ParseErrorKind::TooManyParts`] if comments
/// nest deeper than [`Limits::COMMENTS`].
pub(super) fn end(inner: &str) -> Result<usize, ParseErrorKind> {
    let mut depth = 1;
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' if depth == Limits::COMMENTS => return Err(ParseErrorKind::TooManyParts),
            b'(' => depth += 1,
            b')' if depth == 1 => return Ok(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    Err(ParseErrorKind::Value)
}
