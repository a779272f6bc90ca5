use core::fmt;

use super::number;
use crate::{ParseError, ParseErrorKind};

/// `MIME-Version: 1.0` (RFC 3261 §20.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MimeVersion {
    /// What stands before the dot.
    pub major: u32,
    /// What stands after the dot.
    pub minor: u32,
}

impl MimeVersion {
    /// Parses `1*DIGIT "." 1*DIGIT`.
    pub fn parse(value: &str) -> Result<MimeVersion, ParseError> {
        let (major, minor) =
            value.split_once('.').ok_or(ParseError::of(ParseErrorKind::Number, value, value))?;
        let place = |error: ParseError| error.shifted(major.len() + 1);
        Ok(MimeVersion { major: number(major)?, minor: number(minor).map_err(place)? })
    }
}

impl fmt::Display for MimeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
