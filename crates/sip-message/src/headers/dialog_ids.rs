//! `call-id *(;param)`, the shape that Replaces, Join and Target-Dialog share.

use crate::{Params, ParseError, ParseErrorKind, lex};

/// Splits off the Call-ID. Its alphabet holds quotes and brackets but no `;` and no `,`, so nothing is
/// quoted.
pub(super) fn split(value: &str) -> Result<(&str, Params<'_>), ParseError> {
    let text = lex::trim(value);
    let (call_id, tail) = text.split_at(text.find(';').unwrap_or(text.len()));
    let call_id = lex::trim(call_id);
    if !is_call_id(call_id) {
        return Err(ParseError::of(ParseErrorKind::Value, value, call_id));
    }
    let base = tail.as_ptr().addr() - value.as_ptr().addr();
    let params = Params::parse(tail).map_err(|error| error.shifted(base))?;
    Ok((call_id, params))
}

/// Tells whether the text can stand as a Call-ID before parameters: printable, without blank, `;` and `,`.
pub(super) fn is_call_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',')
}

/// Reads a parameter that must be there exactly once and must be a token.
pub(super) fn one_tag<'a>(params: Params<'a>, name: &str) -> Result<&'a str, ParseError> {
    match (params.count(name), params.value(name)) {
        (0, _) => Err(ParseError::new(ParseErrorKind::Missing, 0)),
        (1, Some(tag)) if lex::is_token(tag) => Ok(tag),
        (1, _) => Err(ParseError::new(ParseErrorKind::Parameter, 0)),
        _ => Err(ParseError::new(ParseErrorKind::Duplicate, 0)),
    }
}

/// Copies the parameters that have no meaning of their own, each with its `;`.
pub(super) fn others(params: Params<'_>, known: &[&str]) -> String {
    let mut text = String::new();
    for (name, value) in params.iter() {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
    }
    text
}
