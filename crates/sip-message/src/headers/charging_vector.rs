use core::fmt;

use super::checks;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// `P-Charging-Vector: icid-value=1234bc9876e;icid-generated-at=192.0.6.8` (RFC 7315 §5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargingVector<'a> {
    /// The charging identifier as written.
    pub icid: &'a str,
    /// The parameters behind it: `orig-ioi`, `term-ioi` and others.
    pub params: Params<'a>,
}

impl<'a> ChargingVector<'a> {
    /// Parses `icid-value=value *(;param)`; without `icid-value` in front it is
    /// [`ParseErrorKind::Missing`].
    pub fn parse(value: &'a str) -> Result<ChargingVector<'a>, ParseError> {
        let (head, tail) = value.split_at(lex::find_unquoted(value, b';').unwrap_or(value.len()));
        let (name, icid) = head.split_once('=').unwrap_or((head, ""));
        if !lex::trim(name).eq_ignore_ascii_case("icid-value") {
            return Err(ParseError::of(ParseErrorKind::Missing, value, name));
        }
        let icid = lex::trim(icid);
        if !checks::is_gen_value(icid) {
            return Err(ParseError::of(ParseErrorKind::Parameter, value, icid));
        }
        let params = Params::parse(tail).map_err(|error| error.shifted(head.len()))?;
        Ok(ChargingVector { icid, params })
    }
}

impl fmt::Display for ChargingVector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "icid-value={}{}", self.icid, self.params.as_str())
    }
}
