use core::fmt;

use crate::{NameAddr, Params, ParseError, ParseErrorKind, Uri, lex};

/// `<http://www.example.com/alice/photo.jpg>;purpose=icon`: a URI of any scheme, with parameters.
///
/// The value of Alert-Info, Call-Info, Error-Info (RFC 3261 §20.4, §20.9, §20.18), Geolocation (RFC 6442
/// §4.1) and Refer-Events-At (RFC 7614 §4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriReference<'a> {
    /// The URI.
    pub uri: Uri<'a>,
    /// The parameters of the header.
    pub params: Params<'a>,
}

impl<'a> UriReference<'a> {
    /// Parses one value; a display name is [`ParseErrorKind::Address`].
    ///
    /// The brackets may be missing, though the grammar demands them: phones are told how to ring by
    /// `Alert-Info: http://example.com;info=alert-autoanswer`. It is printed with brackets.
    pub fn parse(value: &'a str) -> Result<UriReference<'a>, ParseError> {
        let NameAddr { display, uri, params, .. } = NameAddr::parse(value)?;
        match display {
            None => Ok(UriReference { uri, params }),
            Some(display) => Err(ParseError::of(ParseErrorKind::Address, value, display)),
        }
    }

    /// Parses a `sip:` or `sips:` URI in brackets, as Refer-Events-At has it.
    pub(crate) fn parse_sip_in_brackets(value: &'a str) -> Result<UriReference<'a>, ParseError> {
        let reference = UriReference::parse(value)?;
        if !lex::trim(value).starts_with('<') {
            return Err(ParseError::of(ParseErrorKind::Address, value, reference.uri.as_str()));
        }
        if !reference.uri.is_sip() {
            return Err(ParseError::of(ParseErrorKind::Uri, value, reference.uri.as_str()));
        }
        Ok(reference)
    }

    /// What Call-Info points to: `icon`, `info`, `card` or another token.
    pub fn purpose(&self) -> Option<&'a str> {
        self.params.value("purpose")
    }
}

impl fmt::Display for UriReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.params.as_str())
    }
}
