//! URIs of RFC 3261 §19.1, as a borrowed view and as an owned value.

mod compare;
mod host;
mod owned;

pub use host::Host;
pub use owned::UriBuf;

use crate::{Limits, Params, ParseError, ParseErrorKind, escape};

/// The scheme of a URI, compared without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:` (RFC 3966)
    Tel,
    /// Any other; its text is in [`Uri::scheme_str`].
    Other,
}

/// A URI that was checked once; every part is a slice of the text it was parsed from.
///
/// Only `sip:` and `sips:` URIs have user, host, port and headers. Of `tel:` URIs the number is the user and
/// the parameters are split off. Any other scheme is kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme,
    scheme_len: usize,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: Host<'a>,
    port: Option<u16>,
    params: Params<'a>,
    headers: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Parses `scheme:...` without brackets and without blanks around it.
    ///
    /// Follows RFC 3261 §25.1, and takes characters in the user part that should have been escaped (`#`,
    /// UTF-8). Errors: [`ParseErrorKind::Uri`], [`Host`](ParseErrorKind::Host),
    /// [`Port`](ParseErrorKind::Port), [`Parameter`](ParseErrorKind::Parameter),
    /// [`Escape`](ParseErrorKind::Escape), [`TooManyParts`](ParseErrorKind::TooManyParts).
    pub fn parse(text: &'a str) -> Result<Uri<'a>, ParseError> {
        let fail = |kind, part: &str| Err(ParseError::of(kind, text, part));
        if let Some(bad) =
            text.bytes().position(|byte| byte <= b' ' || byte == 0x7f || b"<>\"".contains(&byte))
        {
            return Err(ParseError::new(ParseErrorKind::Uri, bad));
        }
        let Some((scheme_text, rest)) = text.split_once(':') else {
            return fail(ParseErrorKind::Uri, text);
        };
        let Some(scheme) = scheme_of(scheme_text) else {
            return fail(ParseErrorKind::Uri, text);
        };
        let mut uri = Uri {
            text,
            scheme,
            scheme_len: scheme_text.len(),
            user: None,
            password: None,
            host: Host::Name(""),
            port: None,
            params: Params::default(),
            headers: None,
        };
        if rest.is_empty() {
            return fail(ParseErrorKind::Uri, rest);
        }
        if let Err(offset) = escape::check(rest) {
            return Err(ParseError::new(ParseErrorKind::Escape, scheme_text.len() + 1 + offset));
        }
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.split_sip(rest)?,
            Scheme::Tel => {
                let (number, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
                if !number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.()*#".contains(&byte))
                    || number.is_empty()
                {
                    return fail(ParseErrorKind::Uri, number);
                }
                uri.user = Some(number);
                uri.params = uri.parse_params(params)?;
            }
            Scheme::Other => {}
        }
        Ok(uri)
    }

    fn split_sip(&mut self, rest: &'a str) -> Result<(), ParseError> {
        // `@` must be escaped everywhere but at the end of the userinfo, so the first one is that end, even
        // where `;` or `?`, which a user part may hold, stand before it (RFC 3261 §19.1.1).
        let address = match rest.find('@') {
            Some(at) => {
                let (user, password) = match rest[..at].split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (&rest[..at], None),
                };
                if user.is_empty() {
                    return Err(ParseError::of(ParseErrorKind::Uri, self.text, user));
                }
                self.user = Some(user);
                self.password = password;
                &rest[at + 1..]
            }
            None => rest,
        };
        let (address, headers) = match address.split_once('?') {
            Some((address, headers)) => (address, Some(headers)),
            None => (address, None),
        };
        let (hostport, params) = address.split_at(address.find(';').unwrap_or(address.len()));
        let (host, port) =
            Host::parse_with_port(hostport).map_err(|kind| ParseError::of(kind, self.text, hostport))?;
        self.host = host;
        self.port = port;
        self.params = self.parse_params(params)?;
        if let Some(headers) = headers {
            for (count, header) in headers.split('&').enumerate() {
                if count >= Limits::PARAMETERS {
                    return Err(ParseError::of(ParseErrorKind::TooManyParts, self.text, header));
                }
            }
        }
        self.headers = headers;
        Ok(())
    }

    fn parse_params(&self, raw: &'a str) -> Result<Params<'a>, ParseError> {
        let base = raw.as_ptr().addr() - self.text.as_ptr().addr();
        if let Some(quote) = raw.find('"') {
            return Err(ParseError::new(ParseErrorKind::Parameter, base + quote));
        }
        Params::parse(raw).map_err(|error| error.shifted(base))
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The scheme as written.
    pub fn scheme_str(&self) -> &'a str {
        &self.text[..self.scheme_len]
    }

    /// Tells whether the scheme is `sip` or `sips`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part as written, escapes kept; the number of a `tel:` URI.
    pub const fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The password as written.
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host; an empty name if the scheme has none.
    pub const fn host(&self) -> Host<'a> {
        self.host
    }

    /// The port, if one is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a URI parameter: `None` if absent, `Some(None)` for a flag such as `lr`.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.get(name)
    }

    /// The URI parameters.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The value of the first URI header of that name as written; names compare without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The URI headers in order: name and value as written, escapes kept; empty ones are passed over.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.headers
            .unwrap_or("")
            .split('&')
            .filter(|header| !header.is_empty())
            .map(|header| header.split_once('=').unwrap_or((header, "")))
    }

    /// Tells whether there is a `?`.
    pub const fn has_headers(&self) -> bool {
        self.headers.is_some()
    }

    /// The whole text.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// Copies the URI into an owned value.
    pub fn to_owned(&self) -> UriBuf {
        UriBuf::from_checked(self.text)
    }

    /// Compares by the rules of RFC 3261 §19.1.4.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        compare::equivalent(self, other)
    }

    /// The URI as a Request-URI: neither headers nor a `method` parameter (RFC 3261 §19.1.1, table 1).
    pub fn without_headers_and_method(&self) -> UriBuf {
        if !self.is_sip() {
            return self.to_owned();
        }
        let head = self.params.as_str().as_ptr().addr();
        let tail = self
            .headers
            .map_or(self.text.len(), |headers| headers.as_ptr().addr() - self.text.as_ptr().addr() - 1);
        let end = if self.params.as_str().is_empty() { tail } else { head - self.text.as_ptr().addr() };
        let mut text = String::from(&self.text[..end]);
        for (name, value) in self.params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("method")) {
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        UriBuf::from_checked(&text)
    }
}

impl core::fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text)
    }
}

fn scheme_of(text: &str) -> Option<Scheme> {
    let mut bytes = text.bytes();
    let valid = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !valid {
        return None;
    }
    Some(match text {
        _ if text.eq_ignore_ascii_case("sip") => Scheme::Sip,
        _ if text.eq_ignore_ascii_case("sips") => Scheme::Sips,
        _ if text.eq_ignore_ascii_case("tel") => Scheme::Tel,
        _ => Scheme::Other,
    })
}
