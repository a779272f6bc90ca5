//! Checks of parameters and values that several headers share.

use crate::{Limits, Params, ParseError, ParseErrorKind, lex};

/// The value of a parameter that may stand once; a flag is [`ParseErrorKind::Parameter`], a second one
/// [`ParseErrorKind::Duplicate`].
pub(super) fn once<'a>(whole: &str, params: Params<'a>, name: &str) -> Result<Option<&'a str>, ParseError> {
    let fail = |kind| Err(ParseError::of(kind, whole, params.as_str()));
    match (params.count(name), params.value(name)) {
        (0, _) => Ok(None),
        (1, Some(value)) => Ok(Some(value)),
        (1, None) => fail(ParseErrorKind::Parameter),
        _ => fail(ParseErrorKind::Duplicate),
    }
}

/// A parameter that may stand once and is `1*DIGIT`; larger values than `u32::MAX` are capped.
pub(super) fn number(whole: &str, params: Params<'_>, name: &str) -> Result<Option<u32>, ParseError> {
    read(whole, params, name, lex::delta_seconds)
}

/// The `q` parameter in thousandths.
pub(super) fn quality(whole: &str, params: Params<'_>) -> Result<Option<u16>, ParseError> {
    read(whole, params, "q", qvalue)
}

fn read<T>(
    whole: &str,
    params: Params<'_>,
    name: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ParseError> {
    once(whole, params, name)?
        .map(|text| read(text).ok_or(ParseError::of(ParseErrorKind::Number, whole, text)))
        .transpose()
}

/// The first name that stands a second time, in any case; of names beyond [`Limits::PARAMETERS`], which no
/// list of parameters has, none is looked at.
pub(super) fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = [""; Limits::PARAMETERS];
    names.take(Limits::PARAMETERS).enumerate().find_map(|(count, name)| {
        seen[count] = name;
        seen[..count].iter().any(|earlier| earlier.eq_ignore_ascii_case(name)).then_some(name)
    })
}

/// Reads a `qvalue` (RFC 3261 §25.1) as thousandths: `0.7` is 700.
pub(super) fn qvalue(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = decimals.bytes().chain(*b"000").take(3);
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match (whole, thousandths) {
        ("0", _) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// `gen-value` and a little more: a closed quoted string, or text without blanks and separators of lists.
///
/// Wider than `token / host / quoted-string` (RFC 3261 §25.1), as [`Params`] is: peers leave the quotes of
/// base64 and of URIs away.
pub(super) fn is_gen_value(text: &str) -> bool {
    if text.starts_with('"') {
        lex::quoted_end(text) == Some(text.len())
    } else {
        !text.is_empty() && text.bytes().all(|byte| byte > b' ' && byte != 0x7f && !b"\"<>,".contains(&byte))
    }
}

/// Tells whether the text is pairs of hexadecimal digits, at least one.
pub(super) fn is_hex_octets(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && is_hex(text)
}

/// Tells whether the text is hexadecimal digits or nothing.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
