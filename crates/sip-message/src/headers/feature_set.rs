use core::fmt;

use super::checks;
use super::event::lex_value;
use crate::{Params, ParseError, ParseErrorKind};

/// `*;methods="INVITE,BYE";require`: Accept-Contact and Reject-Contact (RFC 3841 §10), Feature-Caps (RFC 6809
/// §6), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSet<'a> {
    /// The features; a value is a quoted list of tags, or `<text>` in quotes (RFC 3840 §9).
    pub params: Params<'a>,
}

impl<'a> FeatureSet<'a> {
    /// Parses `*` and parameters; anything else before the parameters is [`ParseErrorKind::Value`], a
    /// feature that stands twice [`Duplicate`](ParseErrorKind::Duplicate).
    pub fn parse(value: &'a str) -> Result<FeatureSet<'a>, ParseError> {
        let (star, params) = lex_value(value)?;
        if star != "*" {
            return Err(ParseError::of(ParseErrorKind::Value, value, star));
        }
        match checks::repeated(params.iter().map(|(name, _)| name)) {
            Some(name) => Err(ParseError::of(ParseErrorKind::Duplicate, value, name)),
            None => Ok(FeatureSet { params }),
        }
    }

    /// Parses Feature-Caps: each feature starts with `+`, else [`ParseErrorKind::Parameter`].
    pub(crate) fn parse_caps(value: &'a str) -> Result<FeatureSet<'a>, ParseError> {
        let set = FeatureSet::parse(value)?;
        match set.params.iter().find(|(name, _)| !name.starts_with('+')) {
            Some((name, _)) => Err(ParseError::of(ParseErrorKind::Parameter, value, name)),
            None => Ok(set),
        }
    }

    /// Tells whether a contact that does not match is to be left out (RFC 3841 §9.2).
    pub fn require(&self) -> bool {
        self.params.has("require")
    }

    /// Tells whether a contact that is silent about a feature counts less (RFC 3841 §9.2).
    pub fn explicit(&self) -> bool {
        self.params.has("explicit")
    }
}

impl fmt::Display for FeatureSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{}", self.params.as_str())
    }
}
