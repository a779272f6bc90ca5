use core::fmt;
use std::borrow::Cow;

use super::Replaces;
use crate::{NameAddr, Params, ParseError, ParseErrorKind, Uri, UriBuf, escape, lex};

/// `Refer-To: <sip:carol@192.0.2.9?Replaces=...>` (RFC 3515 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferTo<'a> {
    /// The address with the parameters of the header.
    pub name_addr: NameAddr<'a>,
    /// The `method` parameter of the URI, decoded: which request to send, INVITE if absent.
    pub method: Option<Cow<'a, str>>,
    /// The `Replaces` header of the URI, decoded once and parsed.
    pub replaces: Option<Replaces>,
}

impl<'a> ReferTo<'a> {
    /// Parses the value; every URI header is decoded here, so that a bad one is found before anything is
    /// done.
    ///
    /// A `transport` behind a URI without brackets is the URI's: the header has no such parameter, and baresip 1.0 writes it
    /// so (EC-33). The call would go elsewhere without it.
    ///
    /// Errors beyond those of [`NameAddr::parse`]: [`ParseErrorKind::Injection`] if a decoded URI header
    /// holds CR, LF or NUL; [`ParseErrorKind::Escape`]; [`ParseErrorKind::Duplicate`] for more than one
    /// `Replaces`; those of [`Replaces::parse`].
    pub fn parse(value: &'a str) -> Result<ReferTo<'a>, ParseError> {
        let name_addr = parse_address(value)?;
        let mut replaces = None;
        for (name, text) in name_addr.uri.headers() {
            let place = |error: ParseError| ParseError::of(error.kind(), value, name);
            let plain_name = escape::decode(name).map_err(place)?;
            let plain = escape::decode(text).map_err(place)?;
            if lex::has_line_breaker(plain_name.as_ref()) || lex::has_line_breaker(plain.as_ref()) {
                return Err(place(ParseError::new(ParseErrorKind::Injection, 0)));
            }
            let text = plain_name.text().and_then(|_| plain.text()).map_err(place)?;
            if plain_name.as_ref().eq_ignore_ascii_case(b"Replaces") {
                if replaces.is_some() {
                    return Err(place(ParseError::new(ParseErrorKind::Duplicate, 0)));
                }
                replaces = Some(Replaces::parse(text).map_err(place)?);
            }
        }
        let method = name_addr.uri.param("method").flatten();
        let method = method
            .map(|text| escape::unescape(text).map_err(|error| ParseError::of(error.kind(), value, text)));
        let method = method.transpose()?;
        Ok(ReferTo { name_addr, method, replaces })
    }

    /// Where the new request goes: the URI without headers and without `method`.
    pub fn target(&self) -> UriBuf {
        self.name_addr.uri.without_headers_and_method()
    }

    /// The URI headers, name and value, each decoded once; none holds CR, LF or NUL.
    pub fn uri_headers(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.name_addr.uri.headers().filter_map(|(name, value)| {
            // `parse` has decoded every header already, so nothing is dropped here.
            Some((escape::unescape(name).ok()?, escape::unescape(value).ok()?))
        })
    }

    /// The `body` of the URI, which is not a header and is never put into a request (RFC 3261 §19.1.5).
    pub fn has_body(&self) -> bool {
        self.uri_headers().any(|(name, _)| name.eq_ignore_ascii_case("body"))
    }
}

fn parse_address(value: &str) -> Result<NameAddr<'_>, ParseError> {
    let mut address = NameAddr::parse(value)?;
    let text = lex::trim(value);
    if address.display.is_none() && !text.starts_with('<') && address.param("transport").is_some() {
        address.uri = Uri::parse(text).map_err(|error| ParseError::of(error.kind(), value, text))?;
        address.params = Params::default();
    }
    Ok(address)
}

impl fmt::Display for ReferTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name_addr.fmt(f)
    }
}
