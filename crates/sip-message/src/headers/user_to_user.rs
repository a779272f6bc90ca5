use core::fmt;
use std::borrow::Cow;

use super::checks;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// `User-to-User: 56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar` (RFC 7433 §4.1), one item of the
/// list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserToUser<'a> {
    /// The data as written, quotes included.
    pub data: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> UserToUser<'a> {
    /// Parses one value; data that is neither token nor quoted string, or is no hexadecimal octets though
    /// `encoding=hex` says so, is [`ParseErrorKind::Value`].
    pub fn parse(value: &'a str) -> Result<UserToUser<'a>, ParseError> {
        let (data, tail) = value.split_at(lex::find_unquoted(value, b';').unwrap_or(value.len()));
        let data = lex::trim(data);
        let params = Params::parse(tail).map_err(|error| error.shifted(value.len() - tail.len()))?;
        let uui = UserToUser { data, params };
        let quoted = data.starts_with('"') && checks::is_gen_value(data);
        let hex = uui.encoding().is_some_and(|encoding| encoding.eq_ignore_ascii_case("hex"));
        if !(quoted || lex::is_token(data)) || hex && !checks::is_hex_octets(&uui.text()) {
            return Err(ParseError::of(ParseErrorKind::Value, value, data));
        }
        Ok(uui)
    }

    /// The data without quotes and quoted pairs.
    pub fn text(&self) -> Cow<'a, str> {
        lex::unquote(self.data)
    }

    /// The data as the octets that its hexadecimal digits stand for; `None` if it is something else.
    ///
    /// What the data is where no encoding is named, the package says (RFC 7433 §4).
    pub fn octets(&self) -> Option<Vec<u8>> {
        let text = self.text();
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
        checks::is_hex_octets(&text).then(|| {
            text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
        })
    }

    /// How the data is written; `hex` is the one registered encoding.
    pub fn encoding(&self) -> Option<&'a str> {
        self.params.value("encoding")
    }

    /// The package: who reads the data.
    pub fn purpose(&self) -> Option<&'a str> {
        self.params.value("purpose")
    }

    /// What the data is.
    pub fn content(&self) -> Option<&'a str> {
        self.params.value("content")
    }
}

impl fmt::Display for UserToUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.data, self.params.as_str())
    }
}
