//! URIs of RFC 3261 §19.1, as a borrowed view and as an owned value.

mod compare;
mod host;
mod owned;

pub use host::Host;
pub(crate) use host::HostPort;
pub use owned::UriBuf;

use crate::lex::{self, Class};
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
    parts: UriParts,
}

/// Where the parts of a URI stand in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UriParts {
    scheme: Scheme,
    /// The colon behind the scheme.
    colon: u32,
    /// Where the user ends; at the colon if there is none.
    user_end: u32,
    /// Where the userinfo ends: beyond `user_end` if there is a password.
    info_end: u32,
    /// Where the host starts and ends.
    host: (u32, u32),
    port: Option<u16>,
    /// Where the parameters start.
    params: u32,
    /// Where they end: at the `?`, or at the end of the text.
    params_end: u32,
}

impl<'a> Uri<'a> {
    /// Parses `scheme:...` without brackets and without blanks around it.
    ///
    /// Follows RFC 3261 §25.1, and takes characters in the user part that should have been escaped (`#`,
    /// UTF-8). Errors: [`ParseErrorKind::Uri`], [`Host`](ParseErrorKind::Host),
    /// [`Port`](ParseErrorKind::Port), [`Parameter`](ParseErrorKind::Parameter),
    /// [`Escape`](ParseErrorKind::Escape), [`TooManyParts`](ParseErrorKind::TooManyParts).
    pub fn parse(text: &'a str) -> Result<Uri<'a>, ParseError> {
        let (uri, end) = Uri::read(text, 0)?;
        if end < text.len() { fail(ParseErrorKind::Uri, end) } else { Ok(uri) }
    }

    /// Reads the URI that starts at `start`; gives where it ends: before the first character that cannot stand in one.
    #[inline]
    pub(crate) fn read(text: &'a str, start: usize) -> Result<(Uri<'a>, usize), ParseError> {
        let bytes = text.as_bytes();
        // Offsets are kept as `u32`, which messages never exceed.
        if bytes.len() > u32::MAX as usize {
            return fail(ParseErrorKind::TooManyParts, start);
        }
        let colon = lex::short_until(bytes, start, Class::URI_MARK);
        let scheme = if bytes.get(colon) == Some(&b':') { scheme_of(&bytes[start..colon]) } else { None };
        let Some(scheme) = scheme else {
            // The character that cannot stand in a URI is the fault, if there is one.
            let bad = lex::until(bytes, start, Class::NOT_URI);
            return fail(ParseErrorKind::Uri, if bad < bytes.len() && bad > start { bad } else { start });
        };
        let marks = Marks::find(bytes, colon + 1)?;
        if marks.end == colon + 1 {
            return fail(ParseErrorKind::Uri, marks.end);
        }
        let offset = |at: usize| (at - start) as u32;
        let mut uri = Uri {
            text: &text[start..marks.end],
            parts: UriParts {
                scheme,
                colon: offset(colon),
                user_end: offset(colon),
                info_end: offset(colon),
                host: (0, 0),
                port: None,
                params: offset(marks.end),
                params_end: offset(marks.end),
            },
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.split_sip(&marks.from(start)),
            Scheme::Tel => uri.split_tel(),
            Scheme::Other => Ok(()),
        }
        .map_err(|error| error.shifted(start))?;
        Ok((uri, marks.end))
    }

    /// Takes a text with the parts that [`parse`](Self::parse) has found in it.
    pub(crate) const fn of_parts(text: &'a str, parts: UriParts) -> Uri<'a> {
        Uri { text, parts }
    }

    pub(crate) const fn parts(&self) -> UriParts {
        self.parts
    }

    #[inline]
    fn split_sip(&mut self, marks: &Marks) -> Result<(), ParseError> {
        let start = self.parts.colon as usize + 1;
        let mut host_start = start;
        if let Some(at) = marks.at {
            let user_end = marks.colon.filter(|colon| *colon < at).unwrap_or(at);
            if user_end == start {
                return fail(ParseErrorKind::Uri, start);
            }
            self.parts.user_end = user_end as u32;
            self.parts.info_end = at as u32;
            host_start = at + 1;
        }
        let end = marks.question.unwrap_or(marks.end);
        let found = HostPort::read(self.text, host_start)?;
        if found.end != end && self.text.as_bytes()[found.end] != b';' {
            return Err(found.stray());
        }
        self.parts.host = (host_start as u32, found.host_end as u32);
        self.parts.port = found.port;
        self.check_params(found.end, end)?;
        if end < marks.end {
            let headers = &self.text.as_bytes()[end + 1..];
            if let Some(ampersand) = memchr::memchr_iter(b'&', headers).nth(Limits::PARAMETERS - 1) {
                return fail(ParseErrorKind::TooManyParts, end + 1 + ampersand + 1);
            }
        }
        Ok(())
    }

    fn split_tel(&mut self) -> Result<(), ParseError> {
        let bytes = self.text.as_bytes();
        let start = self.parts.colon as usize + 1;
        let number = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.()*#".contains(&byte);
        let end = memchr::memchr(b';', bytes).unwrap_or(bytes.len());
        if start == end || !bytes[start..end].iter().copied().all(number) {
            return fail(ParseErrorKind::Uri, start);
        }
        self.parts.user_end = end as u32;
        self.parts.info_end = end as u32;
        self.check_params(end, bytes.len())
    }

    #[inline]
    fn check_params(&mut self, start: usize, end: usize) -> Result<(), ParseError> {
        self.parts.params = start as u32;
        self.parts.params_end = end as u32;
        if start < end {
            Params::parse(&self.text[start..end]).map_err(|error| error.shifted(start))?;
        }
        Ok(())
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The scheme as written.
    pub fn scheme_str(&self) -> &'a str {
        &self.text[..self.parts.colon as usize]
    }

    /// Tells whether the scheme is `sip` or `sips`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.parts.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part as written, escapes kept; the number of a `tel:` URI.
    pub fn user(&self) -> Option<&'a str> {
        let (start, end) = (self.parts.colon as usize + 1, self.parts.user_end as usize);
        (start < end).then(|| &self.text[start..end])
    }

    /// The password as written.
    pub fn password(&self) -> Option<&'a str> {
        let (start, end) = (self.parts.user_end as usize + 1, self.parts.info_end as usize);
        self.text.get(start..end)
    }

    /// The host; an empty name if the scheme has none.
    pub fn host(&self) -> Host<'a> {
        let (start, end) = (self.parts.host.0 as usize, self.parts.host.1 as usize);
        Host::read(&self.text[..end], start).map_or(Host::Name(""), |(host, _)| host)
    }

    /// The host as written, an IPv6 address in brackets; empty if the scheme has none.
    pub fn host_str(&self) -> &'a str {
        &self.text[self.parts.host.0 as usize..self.parts.host.1 as usize]
    }

    /// The port, if one is written.
    pub const fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// The value of a URI parameter as written: `None` if absent, `Some(None)` for a flag such as `lr`. Its name is compared
    /// without regard to case and with its escapes decoded.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params().iter().find(|(key, _)| escape::is_name(key, name)).map(|(_, value)| value)
    }

    /// The URI parameters.
    pub fn params(&self) -> Params<'a> {
        Params::of_checked(&self.text[self.parts.params as usize..self.parts.params_end as usize])
    }

    /// The value of the first URI header of that name as written; names compare without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().find(|(key, _)| escape::is_name(key, name)).map(|(_, value)| value)
    }

    /// The URI headers in order: name and value as written, escapes kept; empty ones are passed over.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.text
            .get(self.parts.params_end as usize + 1..)
            .unwrap_or("")
            .split('&')
            .filter(|header| !header.is_empty())
            .map(|header| header.split_once('=').unwrap_or((header, "")))
    }

    /// Tells whether there is a `?`.
    pub const fn has_headers(&self) -> bool {
        (self.parts.params_end as usize) < self.text.len()
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
        let mut text = String::from(&self.text[..self.parts.params as usize]);
        for (name, value) in self.params().iter().filter(|(name, _)| !escape::is_name(name, "method")) {
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

/// The characters that divide a URI, each where it stands first.
#[derive(Default)]
struct Marks {
    /// `@` must be escaped everywhere but at the end of the userinfo, so the first one is that end, even
    /// where `;` or `?`, which a user part may hold, stand before it (RFC 3261 §19.1.1).
    at: Option<usize>,
    /// The first `:`.
    colon: Option<usize>,
    /// The first `?` behind the userinfo.
    question: Option<usize>,
    /// The first character that cannot stand in a URI, or the end of the text.
    end: usize,
}

impl Marks {
    /// Looks at everything behind the scheme; each `%` must start an escape.
    #[inline]
    fn find(bytes: &[u8], start: usize) -> Result<Marks, ParseError> {
        let mut marks = Marks::default();
        let mut at = start;
        loop {
            at = lex::short_until(bytes, at, Class::URI_MARK);
            match bytes.get(at) {
                Some(b'@') if marks.at.is_none() => {
                    marks.at = Some(at);
                    marks.question = None;
                }
                Some(b':') if marks.colon.is_none() => marks.colon = Some(at),
                Some(b'?') if marks.question.is_none() => marks.question = Some(at),
                Some(b'%') if escape::pair(bytes, at).is_none() => return fail(ParseErrorKind::Escape, at),
                Some(b'@' | b':' | b'?' | b'%') => {}
                Some(_) | None => break,
            }
            at += 1;
        }
        marks.end = at;
        Ok(marks)
    }

    /// The same places, counted from `start` on.
    #[inline]
    fn from(&self, start: usize) -> Marks {
        let counted = |at: Option<usize>| at.map(|at| at - start);
        Marks {
            at: counted(self.at),
            colon: counted(self.colon),
            question: counted(self.question),
            end: self.end - start,
        }
    }
}

fn fail<T>(kind: ParseErrorKind, offset: usize) -> Result<T, ParseError> {
    Err(ParseError::new(kind, offset))
}

#[inline]
fn scheme_of(text: &[u8]) -> Option<Scheme> {
    Some(match text {
        b"sip" => Scheme::Sip,
        b"sips" => Scheme::Sips,
        b"tel" => Scheme::Tel,
        _ if text.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
        _ if text.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
        _ if text.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
        [first, rest @ ..] => {
            let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            (first.is_ascii_alphabetic() && rest.iter().all(letter)).then_some(Scheme::Other)?
        }
        [] => return None,
    })
}
