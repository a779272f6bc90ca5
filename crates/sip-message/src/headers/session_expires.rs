use core::fmt;

use super::seconds;
use crate::{Params, ParseError, ParseErrorKind};

/// Who refreshes the session (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The sender of the request.
    Uac,
    /// The sender of the response.
    Uas,
}

/// `Session-Expires: 1800;refresher=uac` (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires<'a> {
    /// Seconds; values above `u32::MAX` are capped.
    pub seconds: u32,
    /// Who refreshes, if it is said.
    pub refresher: Option<Refresher>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> SessionExpires<'a> {
    /// Parses `delta-seconds *(;param)`; an unknown refresher is an error.
    pub fn parse(value: &'a str) -> Result<SessionExpires<'a>, ParseError> {
        let (digits, tail) = value.split_at(value.find(';').unwrap_or(value.len()));
        let seconds = seconds(digits)?;
        let params = Params::parse(tail).map_err(|error| error.shifted(digits.len()))?;
        let refresher = match params.get("refresher") {
            None => None,
            Some(Some(who)) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(Some(who)) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(ParseError::new(ParseErrorKind::Parameter, digits.len())),
        };
        Ok(SessionExpires { seconds, refresher, params })
    }
}

impl fmt::Display for SessionExpires<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params.as_str())
    }
}
