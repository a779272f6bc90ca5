//! Accept, Accept-Encoding and Accept-Language: what the sender can take, with a weight for each.

use core::fmt;

use super::event::lex_value;
use super::{MediaType, Token, checks};
use crate::{Params, ParseError, ParseErrorKind};

/// `Accept: application/sdp;level=1;q=0.5` (RFC 3261 §20.1), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaRange<'a> {
    /// The type, in which `*` stands for any; its parameters include those behind `q`.
    pub media: MediaType<'a>,
    /// The weight in thousandths, 0 to 1000; 1000 if absent. At 0 the type is not acceptable.
    pub q: u16,
}

impl<'a> MediaRange<'a> {
    /// Parses `type/subtype *(;param)`; `*/subtype` is an error, and so is a `q` outside 0 to 1.
    pub fn parse(value: &'a str) -> Result<MediaRange<'a>, ParseError> {
        let media = MediaType::range(value)?;
        if media.kind == "*" && media.subtype != "*" {
            return Err(ParseError::of(ParseErrorKind::Value, value, media.subtype));
        }
        Ok(MediaRange { media, q: weight(value, media.params)? })
    }

    /// Tells whether the type falls in this range; parameters are passed over.
    pub fn covers(&self, media: &MediaType<'_>) -> bool {
        let holds = |range: &str, name: &str| range == "*" || range.eq_ignore_ascii_case(name);
        holds(self.media.kind, media.kind) && holds(self.media.subtype, media.subtype)
    }
}

impl fmt::Display for MediaRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.media.fmt(f)
    }
}

/// One item of `Accept-Encoding: gzip;q=0.5` or `Accept-Language: en-gb;q=0.8` (RFC 3261 §20.2, §20.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preference<'a> {
    /// The content coding or language tag; `*` for any.
    pub choice: Token<'a>,
    /// The weight in thousandths, 0 to 1000; 1000 if absent. At 0 the choice is not acceptable.
    pub q: u16,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Preference<'a> {
    /// Parses `content-coding *(;param)`.
    pub fn encoding(value: &'a str) -> Result<Preference<'a>, ParseError> {
        Preference::parse(value, Token::parse)
    }

    /// Parses `language-range *(;param)`.
    pub fn language(value: &'a str) -> Result<Preference<'a>, ParseError> {
        Preference::parse(value, |tag| if tag == "*" { Token::parse(tag) } else { Token::language(tag) })
    }

    fn parse(
        value: &'a str,
        choice: impl FnOnce(&'a str) -> Result<Token<'a>, ParseError>,
    ) -> Result<Preference<'a>, ParseError> {
        let (text, params) = lex_value(value)?;
        let choice = choice(text).map_err(|error| ParseError::of(error.kind(), value, text))?;
        Ok(Preference { choice, q: weight(value, params)?, params })
    }
}

impl fmt::Display for Preference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.choice, self.params.as_str())
    }
}

fn weight(value: &str, params: Params<'_>) -> Result<u16, ParseError> {
    match params.get("q") {
        None => Ok(1000),
        Some(text) => text
            .and_then(checks::qvalue)
            .ok_or_else(|| ParseError::of(ParseErrorKind::Number, value, text.unwrap_or(params.as_str()))),
    }
}
