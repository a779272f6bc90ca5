use core::fmt;
use std::borrow::Cow;

use crate::{NameAddr, ParseError};

/// `Remote-Party-ID: "Bob" <sip:bob@192.0.2.4>;party=calling;screen=yes;privacy=off`
/// (draft-ietf-sip-privacy-04), one item of the list.
///
/// It never became an RFC and is still what many exchanges send beside or instead of P-Asserted-Identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemotePartyId<'a> {
    /// The address with the parameters of the header.
    pub name_addr: NameAddr<'a>,
}

impl<'a> RemotePartyId<'a> {
    /// Parses one value; errors as for [`NameAddr::parse`].
    pub fn parse(value: &'a str) -> Result<RemotePartyId<'a>, ParseError> {
        NameAddr::parse(value).map(|name_addr| RemotePartyId { name_addr })
    }

    /// Whom the address names: `calling`, `called` or another token.
    pub fn party(&self) -> Option<&'a str> {
        self.name_addr.params.value("party")
    }

    /// What is to be hidden, without quotes: `full`, `name`, `uri`, `off`, another token, or a comma list.
    pub fn privacy(&self) -> Option<Cow<'a, str>> {
        self.name_addr.params.unquoted("privacy")
    }

    /// Whether the network has checked the address; `None` if it does not say `yes` or `no`.
    pub fn screen(&self) -> Option<bool> {
        let screen = self.name_addr.params.value("screen")?;
        match screen {
            _ if screen.eq_ignore_ascii_case("yes") => Some(true),
            _ if screen.eq_ignore_ascii_case("no") => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for RemotePartyId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_addr.fmt(f)
    }
}
