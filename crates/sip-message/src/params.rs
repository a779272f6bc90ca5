use std::borrow::Cow;

use crate::{Limits, ParseError, ParseErrorKind, lex};

/// The parameters of a header value or a URI: `;name=value;flag`.
///
/// Names are compared without regard to case (RFC 3261 §7.3.1). Values are given as written, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a> {
    raw: &'a str,
}

impl<'a> Params<'a> {
    /// Takes the text from the first `;` on; blank text means no parameters.
    ///
    /// Empty parameters (`;;`, a `;` at the end) are passed over. Fails with [`ParseErrorKind::Parameter`]
    /// on a missing name, an open quote or stray text, [`ParseErrorKind::TooManyParts`] above
    /// [`Limits::PARAMETERS`].
    pub fn parse(raw: &'a str) -> Result<Params<'a>, ParseError> {
        let raw = raw.trim_end_matches([' ', '\t']);
        let lead = raw.trim_start_matches([' ', '\t']);
        if !lead.is_empty() && !lead.starts_with(';') {
            return Err(ParseError::of(ParseErrorKind::Parameter, raw, lead));
        }
        let params = Params { raw: lead };
        for (count, segment) in params.segments().enumerate() {
            if count >= Limits::PARAMETERS {
                return Err(ParseError::of(ParseErrorKind::TooManyParts, raw, segment));
            }
            if !well_formed(segment) {
                return Err(ParseError::of(ParseErrorKind::Parameter, raw, segment));
            }
        }
        Ok(params)
    }

    /// The value of the first parameter of that name: `None` if absent, `Some(None)` for a flag.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first parameter of that name; a flag or an absent parameter gives `None`.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// Tells whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value without quotes and quoted pairs.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).map(lex::unquote)
    }

    /// How many parameters have that name.
    pub fn count(&self, name: &str) -> usize {
        self.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count()
    }

    /// Every parameter in order: name, and value as written.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.segments().map(split)
    }

    /// The text as written, from the first `;` on.
    pub const fn as_str(&self) -> &'a str {
        self.raw
    }

    fn segments(&self) -> Segments<'a> {
        Segments { rest: self.raw }
    }
}

#[derive(Clone)]
struct Segments<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let end = lex::find_unquoted(self.rest, b';').unwrap_or(self.rest.len());
            let segment = lex::trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if !segment.is_empty() {
                return Some(segment);
            }
        }
        None
    }
}

fn split(segment: &str) -> (&str, Option<&str>) {
    match segment.split_once('=') {
        Some((name, value)) => (lex::trim(name), Some(lex::trim(value))),
        None => (segment, None),
    }
}

/// A name is a token or `[ ] / : & + $` (URI parameters); a value is a quoted string or text without blanks.
fn well_formed(segment: &str) -> bool {
    let (name, value) = split(segment);
    let name_ok =
        !name.is_empty() && name.bytes().all(|byte| lex::is_token_byte(byte) || b"[]/:&$".contains(&byte));
    let value_ok = value.is_none_or(|value| {
        if value.starts_with('"') {
            lex::quoted_end(value) == Some(value.len())
        } else {
            value.bytes().all(|byte| byte > b' ' && byte != 0x7f && !b"\"<>,".contains(&byte))
        }
    });
    name_ok && value_ok
}
