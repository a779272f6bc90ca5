use core::fmt;
use core::str::FromStr;

use super::dialog_ids::DialogIds;
use crate::{ParseError, ParseErrorKind, escape, lex};

/// `Replaces: call-id;to-tag=...;from-tag=...;early-only` (RFC 3891 §6.1).
///
/// The tags are named from the replaced party's side: `to_tag` is its own tag, `from_tag` its peer's. The value is owned,
/// and allocates only where it is unusually long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Replaces {
    ids: DialogIds,
    early_only: bool,
}

impl Replaces {
    /// Makes a value without `early-only`.
    ///
    /// Fails with [`ParseErrorKind::Value`] if the Call-ID could not be told from the parameters, and with
    /// [`ParseErrorKind::Parameter`] if a tag is no token.
    pub fn new(call_id: &str, to_tag: &str, from_tag: &str) -> Result<Replaces, ParseError> {
        Ok(Replaces { ids: DialogIds::new(call_id, to_tag, from_tag)?, early_only: false })
    }

    /// Sets `early-only`.
    #[must_use]
    pub fn with_early_only(mut self, early_only: bool) -> Replaces {
        self.early_only = early_only;
        self
    }

    /// Parses a header value that is not escaped.
    ///
    /// Each tag must be there exactly once; unknown parameters are kept in [`params`](Self::params).
    pub fn parse(value: &str) -> Result<Replaces, ParseError> {
        let (mut ids, params) = DialogIds::parse(value, ["to-tag", "from-tag"])?;
        ids.keep_others(params, &["to-tag", "from-tag", "early-only"]);
        Ok(Replaces { ids, early_only: params.has("early-only") })
    }

    /// The Call-ID, compared byte for byte.
    pub fn call_id(&self) -> &str {
        self.ids.call_id()
    }

    /// The tag of the party that receives the header.
    pub fn to_tag(&self) -> &str {
        self.ids.first_tag()
    }

    /// The tag of that party's peer.
    pub fn from_tag(&self) -> &str {
        self.ids.second_tag()
    }

    /// Whether only an early dialog may be replaced.
    pub const fn early_only(&self) -> bool {
        self.early_only
    }

    /// Further parameters as written, each with its `;`; empty in most messages.
    pub fn params(&self) -> &str {
        self.ids.others()
    }

    /// The value as it stands in a URI after `Replaces=`; see [`escape::escape_header`].
    pub fn to_uri_header(&self) -> String {
        escape::escape_header(&self.to_string())
    }

    /// Reads the text after `Replaces=` in a URI: decoded once, then parsed.
    pub fn from_uri_header(escaped: &str) -> Result<Replaces, ParseError> {
        let value = escape::decode(escaped)?;
        if lex::has_line_breaker(value.as_ref()) {
            return Err(ParseError::new(ParseErrorKind::Injection, 0));
        }
        Replaces::parse(value.text()?)
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
        write!(f, "{};to-tag={};from-tag={}", self.call_id(), self.to_tag(), self.from_tag())?;
        if self.early_only {
            f.write_str(";early-only")?;
        }
        f.write_str(self.params())
    }
}
