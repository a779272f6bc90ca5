use core::fmt;

use super::checks;
use crate::{NameAddr, ParseError, lex};

/// `*` or `"Bob" <sip:bob@192.0.2.4>;q=0.7;expires=3600` (RFC 3261 §20.10), one item of the list.
///
/// `*` has a meaning only as the one Contact of a REGISTER with `Expires: 0` (RFC 3261 §10.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact<'a> {
    /// `*`: every binding.
    Star,
    /// An address; `+sip.instance`, `reg-id` and others are in its parameters.
    Address(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Parses one Contact; a `q` that is no `qvalue` is [`Number`](crate::ParseErrorKind::Number), two are
    /// [`Duplicate`](crate::ParseErrorKind::Duplicate).
    pub fn parse(value: &'a str) -> Result<Contact<'a>, ParseError> {
        if lex::trim(value) == "*" {
            return Ok(Contact::Star);
        }
        let address = NameAddr::parse(value)?;
        checks::quality(value, address.params)?;
        Ok(Contact::Address(address))
    }

    /// The address; `None` for `*`.
    pub const fn address(&self) -> Option<NameAddr<'a>> {
        match self {
            Contact::Star => None,
            Contact::Address(address) => Some(*address),
        }
    }

    /// The preference in thousandths: `q=0.7` is 700.
    pub fn q(&self) -> Option<u16> {
        checks::qvalue(self.address()?.params.value("q")?)
    }

    /// For how many seconds the binding is to last; 3600 where the value is no number (RFC 3261 §10.2).
    pub fn expires(&self) -> Option<u32> {
        let text = self.address()?.param("expires")?;
        Some(text.and_then(lex::delta_seconds).unwrap_or(3600))
    }
}

impl fmt::Display for Contact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contact::Star => f.write_str("*"),
            Contact::Address(address) => address.fmt(f),
        }
    }
}
