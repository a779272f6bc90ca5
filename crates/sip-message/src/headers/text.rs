use crate::{ParseError, ParseErrorKind, lex};

/// Reads `[TEXT-UTF8-TRIM]`, the free text of Subject and Organization (RFC 3261 §25.1); it may be empty.
///
/// Fails on control characters other than tab.
pub(crate) fn text(value: &str) -> Result<&str, ParseError> {
    match value.find(|character: char| character.is_ascii_control() && character != '\t') {
        Some(bad) => Err(ParseError::new(ParseErrorKind::ControlCharacter, bad)),
        None => Ok(lex::trim(value)),
    }
}
