use core::fmt;

use super::event::lex_value;
use crate::{Params, ParseError};

/// `Info-Package: trans-info;x=y`, and one item of Recv-Info (RFC 6086 §7.2, §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoPackage<'a> {
    /// The package as written.
    pub name: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> InfoPackage<'a> {
    /// Parses `token *(;param)`.
    pub fn parse(value: &'a str) -> Result<InfoPackage<'a>, ParseError> {
        let (name, params) = lex_value(value)?;
        Ok(InfoPackage { name, params })
    }

    /// Tells whether this is that package, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for InfoPackage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.params.as_str())
    }
}
