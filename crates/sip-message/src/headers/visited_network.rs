use core::fmt;
use std::borrow::Cow;

use super::checks;
use crate::{Params, ParseError, ParseErrorKind, lex};

/// `P-Visited-Network-ID: "Visited network number 1"` (RFC 7315 §5.3), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitedNetwork<'a> {
    /// The network as written, quotes included.
    pub network: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> VisitedNetwork<'a> {
    /// Parses one value; a network that is neither token nor quoted string is [`ParseErrorKind::Value`].
    pub fn parse(value: &'a str) -> Result<VisitedNetwork<'a>, ParseError> {
        let (head, tail) = value.split_at(lex::find_unquoted(value, b';').unwrap_or(value.len()));
        let network = lex::trim(head);
        let quoted = network.starts_with('"') && checks::is_gen_value(network);
        if !quoted && !lex::is_token(network) {
            return Err(ParseError::of(ParseErrorKind::Value, value, network));
        }
        let params = Params::parse(tail).map_err(|error| error.shifted(head.len()))?;
        Ok(VisitedNetwork { network, params })
    }

    /// The network without quotes and quoted pairs.
    pub fn name(&self) -> Cow<'a, str> {
        lex::unquote(self.network)
    }
}

impl fmt::Display for VisitedNetwork<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.network, self.params.as_str())
    }
}
