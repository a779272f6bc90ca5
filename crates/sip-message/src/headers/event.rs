use core::fmt;

use crate::{Params, ParseError, ParseErrorKind, lex};

/// `Event: refer;id=93809823` (RFC 6665 §8.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The package as written, with its templates: `refer`, `presence.winfo`.
    pub package: &'a str,
    /// The `id` parameter.
    pub id: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Parses `package *(;param)`; an `id` without a value is refused.
    pub fn parse(value: &'a str) -> Result<Event<'a>, ParseError> {
        let (package, params) = lex_value(value)?;
        let id = match params.get("id") {
            None => None,
            Some(Some(id)) if lex::is_token(id) => Some(id),
            Some(_) => return Err(ParseError::of(ParseErrorKind::Parameter, value, params.as_str())),
        };
        Ok(Event { package, id, params })
    }

    /// Tells whether this is that package; peers write `Refer` too.
    pub fn is(&self, package: &str) -> bool {
        self.package.eq_ignore_ascii_case(package)
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params.as_str())
    }
}

/// Splits `token *(;param)`.
pub(super) fn lex_value(value: &str) -> Result<(&str, Params<'_>), ParseError> {
    let (token, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
    let token = lex::trim(token);
    if !lex::is_token(token) {
        return Err(ParseError::of(ParseErrorKind::Value, value, token));
    }
    let params = Params::parse(tail).map_err(|error| error.shifted(value.len() - tail.len()))?;
    Ok((token, params))
}
