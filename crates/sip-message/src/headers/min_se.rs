use core::fmt;

use super::seconds;
use crate::{Params, ParseError};

/// `Min-SE: 90` (RFC 4028 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinSe<'a> {
    /// The shortest session interval in seconds; values above `u32::MAX` are capped.
    pub seconds: u32,
    /// All parameters; none has a meaning yet.
    pub params: Params<'a>,
}

impl<'a> MinSe<'a> {
    /// Parses `delta-seconds *(;param)`.
    pub fn parse(value: &'a str) -> Result<MinSe<'a>, ParseError> {
        let (digits, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
        let seconds = seconds(digits)?;
        Ok(MinSe { seconds, params: Params::parse(tail).map_err(|error| error.shifted(digits.len()))? })
    }
}

impl fmt::Display for MinSe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params.as_str())
    }
}
