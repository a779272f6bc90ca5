use std::borrow::Cow;

use crate::lex::{self, Class};
use crate::{Limits, ParseError, ParseErrorKind};

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
        Params::parse_for(raw, "").map(|(params, _)| params)
    }

    /// As [`parse`](Self::parse), and finds the parameter of that name, given in lower case, on the way.
    #[inline]
    pub(crate) fn parse_for(raw: &'a str, wanted: &str) -> Result<(Params<'a>, Found<'a>), ParseError> {
        let mut found = Found::default();
        let params = Params::parse_each(raw, |param| {
            if param.is(raw, wanted) {
                found.count += 1;
                found.first.get_or_insert(&raw[param.value.unwrap_or(param.end)..param.end]);
            }
        })?;
        Ok((params, found))
    }

    /// As [`parse`](Self::parse), and shows every parameter on the way.
    #[inline]
    pub(crate) fn parse_each(raw: &'a str, mut each: impl FnMut(&Param)) -> Result<Params<'a>, ParseError> {
        let bytes = raw.as_bytes();
        let start = lex::blanks(bytes, 0);
        let (mut at, mut end) = (start, start);
        let mut count = 0;
        while at < bytes.len() {
            if bytes[at] != b';' {
                return Err(ParseError::new(ParseErrorKind::Parameter, at));
            }
            end = at + 1;
            at = lex::blanks(bytes, end);
            if matches!(bytes.get(at), None | Some(b';')) {
                continue;
            }
            if count >= Limits::PARAMETERS {
                return Err(ParseError::new(ParseErrorKind::TooManyParts, at));
            }
            count += 1;
            let Some(param) = Param::read(bytes, at) else {
                return Err(ParseError::new(ParseErrorKind::Parameter, at));
            };
            each(&param);
            end = param.end;
            at = lex::blanks(bytes, end);
        }
        Ok(Params { raw: &raw[start..end] })
    }

    /// Takes text that [`parse`](Self::parse) has read before.
    pub(crate) const fn of_checked(raw: &'a str) -> Params<'a> {
        Params { raw }
    }

    /// The value of the first parameter of that name: `None` if absent, `Some(None)` for a flag.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter()
            .find(|(key, _)| key.len() == name.len() && key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
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
        Iter { raw: self.raw, at: 0 }
    }

    /// The text as written, from the first `;` on.
    pub const fn as_str(&self) -> &'a str {
        self.raw
    }
}

/// A parameter that was looked for while the others were read.
#[derive(Default)]
pub(crate) struct Found<'a> {
    /// The value of the first; a flag has an empty one.
    pub(crate) first: Option<&'a str>,
    /// How many there are.
    pub(crate) count: u8,
}

/// Where one parameter stands.
pub(crate) struct Param {
    start: usize,
    name_end: usize,
    /// Start and end of the value; the end is that of the parameter.
    value: Option<usize>,
    end: usize,
}

impl Param {
    /// Whether it has that name, given in lower case.
    #[inline]
    pub(crate) fn is(&self, raw: &str, name: &str) -> bool {
        self.name_end - self.start == name.len()
            && raw.as_bytes()[self.start..self.name_end].eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its value as written, quotes included; a flag has none.
    #[inline]
    pub(crate) fn value<'a>(&self, raw: &'a str) -> Option<&'a str> {
        self.value.map(|value| &raw[value..self.end])
    }

    /// The parameter from its name on.
    #[inline]
    pub(crate) fn text<'a>(&self, raw: &'a str) -> &'a str {
        &raw[self.start..self.end]
    }

    /// Reads the parameter that starts at `at`: a name, and after `=` a quoted string or text without blanks.
    #[inline]
    fn read(bytes: &[u8], at: usize) -> Option<Param> {
        let name_end = lex::short_run(bytes, at, Class::PARAM_NAME);
        if name_end == at {
            return None;
        }
        let equals = lex::blanks(bytes, name_end);
        if bytes.get(equals) != Some(&b'=') {
            return Some(Param { start: at, name_end, value: None, end: name_end });
        }
        let value = lex::blanks(bytes, equals + 1);
        let end = match bytes.get(value) {
            Some(b'"') => lex::quoted_end_at(bytes, value)?,
            _ => lex::run(bytes, value, Class::PARAM_VALUE),
        };
        Some(Param { start: at, name_end, value: Some(value), end })
    }
}

/// Walks over parameters that [`Params::parse`] has read before.
struct Iter<'a> {
    raw: &'a str,
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, Option<&'a str>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let start = lex::short_run(self.raw.as_bytes(), self.at, Class::BEFORE_PARAM);
        let param = Param::read(self.raw.as_bytes(), start)?;
        self.at = param.end;
        Some((&self.raw[start..param.name_end], param.value(self.raw)))
    }
}
