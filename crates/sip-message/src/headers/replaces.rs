use core::fmt;
use core::str::FromStr;

use super::dialog_ids;
use crate::{ParseError, ParseErrorKind, escape, lex};

/// `Replaces: call-id;to-tag=...;from-tag=...;early-only` (RFC 3891 §6.1).
///
/// The tags are named from the replaced party's side: `to_tag` is its own tag, `from_tag` its peer's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Replaces {
    /// The Call-ID, compared byte for byte.
    pub call_id: String,
    /// The tag of the party that receives the header.
    pub to_tag: String,
    /// The tag of that party's peer.
    pub from_tag: String,
    /// Whether only an early dialog may be replaced.
    pub early_only: bool,
    /// Further parameters as written, each with its `;`; empty in most messages.
    pub params: String,
}

impl Replaces {
    /// Makes a value without `early-only`.
    ///
    /// Fails with [`ParseErrorKind::Value`] if the Call-ID could not be told from the parameters, and with
    /// [`ParseErrorKind::Parameter`] if a tag is no token.
    pub fn new(call_id: &str, to_tag: &str, from_tag: &str) -> Result<Replaces, ParseError> {
        if !dialog_ids::is_call_id(call_id) {
            return Err(ParseError::new(ParseErrorKind::Value, 0));
        }
        if !lex::is_token(to_tag) || !lex::is_token(from_tag) {
            return Err(ParseError::new(ParseErrorKind::Parameter, 0));
        }
        Ok(Replaces {
            call_id: call_id.into(),
            to_tag: to_tag.into(),
            from_tag: from_tag.into(),
            early_only: false,
            params: String::new(),
        })
    }

    /// Sets `early-only`.
    #[must_use]
    pub fn early_only(mut self, early_only: bool) -> Replaces {
        self.early_only = early_only;
        self
    }

    /// Parses a header value that is not escaped.
    ///
    /// Each tag must be there exactly once; unknown parameters are kept in [`params`](Self::params).
    pub fn parse(value: &str) -> Result<Replaces, ParseError> {
        let (call_id, params) = dialog_ids::split(value)?;
        let to_tag = dialog_ids::one_tag(params, "to-tag")?;
        let from_tag = dialog_ids::one_tag(params, "from-tag")?;
        Ok(Replaces {
            call_id: call_id.into(),
            to_tag: to_tag.into(),
            from_tag: from_tag.into(),
            early_only: params.has("early-only"),
            params: dialog_ids::others(params, &["to-tag", "from-tag", "early-only"]),
        })
    }

    /// The value as it stands in a URI after `Replaces=`; see [`escape::escape_header`].
    pub fn to_uri_header(&self) -> String {
        escape::escape_header(&self.to_string())
    }

    /// Reads the text after `Replaces=` in a URI: decoded once, then parsed.
    pub fn from_uri_header(escaped: &str) -> Result<Replaces, ParseError> {
        let value = escape::unescape(escaped)?;
        if lex::has_line_breaker(value.as_bytes()) {
            return Err(ParseError::new(ParseErrorKind::Injection, 0));
        }
        Replaces::parse(&value)
    }
}

impl FromStr for Replaces {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Replaces::parse(text)
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only {
            f.write_str(";early-only")?;
        }
        f.write_str(&self.params)
    }
}

/// `Join: call-id;to-tag=...;from-tag=...` (RFC 3911 §7.1); the tags are named as in [`Replaces`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Join {
    /// The Call-ID, compared byte for byte.
    pub call_id: String,
    /// The tag of the party that receives the header.
    pub to_tag: String,
    /// The tag of that party's peer.
    pub from_tag: String,
}

impl Join {
    /// Parses a header value; each tag must be there exactly once.
    pub fn parse(value: &str) -> Result<Join, ParseError> {
        let (call_id, params) = dialog_ids::split(value)?;
        Ok(Join {
            call_id: call_id.into(),
            to_tag: dialog_ids::one_tag(params, "to-tag")?.into(),
            from_tag: dialog_ids::one_tag(params, "from-tag")?.into(),
        })
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)
    }
}
