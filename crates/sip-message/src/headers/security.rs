use core::fmt;

use super::checks;
use super::event::lex_value;
use crate::{Params, ParseError};

/// `ipsec-ike;q=0.1`: a mechanism of Security-Client, Security-Server and Security-Verify (RFC 3329 §2.2), one
/// item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityMechanism<'a> {
    /// `digest`, `tls`, `ipsec-ike`, `ipsec-man` or another token; compare without regard to case.
    pub name: &'a str,
    /// The preference in thousandths: `q=0.1` is 100.
    pub q: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> SecurityMechanism<'a> {
    /// Parses one mechanism; a `q` that is no `qvalue` is [`Number`](crate::ParseErrorKind::Number).
    pub fn parse(value: &'a str) -> Result<SecurityMechanism<'a>, ParseError> {
        let (name, params) = lex_value(value)?;
        Ok(SecurityMechanism { name, q: checks::quality(value, params)?, params })
    }
}

impl fmt::Display for SecurityMechanism<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.params.as_str())
    }
}
