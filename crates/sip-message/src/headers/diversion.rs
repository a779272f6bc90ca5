use core::fmt;
use std::borrow::Cow;

use super::checks;
use crate::{NameAddr, ParseError};

/// `Diversion: <sip:bob@example.com>;reason=user-busy;counter=1` (RFC 5806; grammar in RFC 7544 §4.2), one item of
/// the list, the last diversion first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diversion<'a> {
    /// Who diverted the call, with the parameters of the header.
    pub name_addr: NameAddr<'a>,
    /// How many diversions this value stands for.
    pub counter: Option<u32>,
    /// How many diversions are allowed.
    pub limit: Option<u32>,
}

impl<'a> Diversion<'a> {
    /// Parses one value; a `counter` or `limit` that is no number is
    /// [`Number`](crate::ParseErrorKind::Number).
    ///
    /// The grammar allows two digits; more are read, as a large count still ends a loop.
    pub fn parse(value: &'a str) -> Result<Diversion<'a>, ParseError> {
        let name_addr = NameAddr::parse(value)?;
        let counter = checks::number(value, name_addr.params, "counter")?;
        let limit = checks::number(value, name_addr.params, "limit")?;
        Ok(Diversion { name_addr, counter, limit })
    }

    /// Why the call was diverted, without quotes: `unconditional`, `user-busy`, `no-answer` or other text.
    pub fn reason(&self) -> Option<Cow<'a, str>> {
        self.name_addr.params.unquoted("reason")
    }

    /// What is to be hidden, without quotes: `full`, `name`, `uri`, `off` or other text.
    pub fn privacy(&self) -> Option<Cow<'a, str>> {
        self.name_addr.params.unquoted("privacy")
    }

    /// Whether the network has checked the address, without quotes: `yes`, `no` or other text.
    pub fn screen(&self) -> Option<Cow<'a, str>> {
        self.name_addr.params.unquoted("screen")
    }
}

impl fmt::Display for Diversion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_addr.fmt(f)
    }
}
