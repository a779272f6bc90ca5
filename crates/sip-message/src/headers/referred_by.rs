use core::fmt;
use std::borrow::Cow;

use super::checks;
use crate::{NameAddr, ParseError};

/// `Referred-By: <sip:r@ref.example>;cid="2UWQFN309shb3@ref.example"` (RFC 3892 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferredBy<'a> {
    /// Who refers, with the parameters of the header.
    pub name_addr: NameAddr<'a>,
}

impl<'a> ReferredBy<'a> {
    /// Parses one value; a second `cid` is [`Duplicate`](crate::ParseErrorKind::Duplicate).
    pub fn parse(value: &'a str) -> Result<ReferredBy<'a>, ParseError> {
        let name_addr = NameAddr::parse(value)?;
        checks::once(value, name_addr.params, "cid")?;
        Ok(ReferredBy { name_addr })
    }

    /// The Content-ID of the body part that proves who refers, without brackets.
    ///
    /// It should be quoted and hold an `@`; any text is given, as it only has to equal that of a part.
    pub fn cid(&self) -> Option<Cow<'a, str>> {
        self.name_addr.params.unquoted("cid")
    }
}

impl fmt::Display for ReferredBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_addr.fmt(f)
    }
}
