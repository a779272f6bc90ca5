use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;
use std::sync::Arc;

use crate::lex::{self, Class};
use crate::{Params, ParseError, ParseErrorKind, Uri, UriBuf};

/// An address with header parameters: `"Alice" <sip:alice@192.0.2.1>;tag=7` (RFC 3261 §20.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; `None` if there is none.
    pub display: Option<&'a str>,
    /// The address.
    pub uri: Uri<'a>,
    /// The parameters of the header, not those of the URI.
    pub params: Params<'a>,
    tag: Option<&'a str>,
    /// How many tags there are, one that is empty too.
    tags: u8,
}

impl<'a> NameAddr<'a> {
    /// Parses one name-addr or addr-spec with parameters.
    ///
    /// Without angle brackets every `;` starts a parameter of the header, and a `?` or `,` is refused
    /// (RFC 3261 §20: such a URI must be in brackets).
    pub fn parse(value: &'a str) -> Result<NameAddr<'a>, ParseError> {
        let bytes = value.as_bytes();
        let start = lex::blanks(bytes, 0);
        let quoted = bytes.get(start) == Some(&b'"');
        let after_quotes = if quoted {
            lex::quoted_end_at(bytes, start).ok_or(ParseError::new(ParseErrorKind::Address, start))?
        } else {
            start
        };
        // What ends a display name without quotes: a bare URI whose header parameter holds `<`, or a list, does not pass
        // for one. Behind quotes nothing but blanks may stand.
        let open = if quoted {
            lex::blanks(bytes, after_quotes)
        } else {
            lex::until(bytes, after_quotes, Class::NOT_DISPLAY)
        };
        if bytes.get(open) != Some(&b'<') {
            return if quoted {
                fail(ParseErrorKind::Address, start)
            } else {
                NameAddr::parse_bare(value, start)
            };
        }
        let uri_start = lex::blanks(bytes, open + 1);
        let (uri, uri_end) = Uri::read(value, uri_start)?;
        let close = lex::blanks(bytes, uri_end);
        match bytes.get(close) {
            Some(b'>') => {}
            None => return fail(ParseErrorKind::Address, open),
            Some(_) => return fail(ParseErrorKind::Uri, uri_end),
        }
        let display = if open > start { Some(lex::trim(&value[start..open])) } else { None };
        let (params, tag, tags) = parse_params(value, close + 1)?;
        Ok(NameAddr { display, uri, params, tag, tags })
    }

    /// Takes parts that [`parse`](Self::parse) has found before.
    pub(crate) const fn of_parts(
        display: Option<&'a str>,
        uri: Uri<'a>,
        params: Params<'a>,
        (tag, tags): (Option<&'a str>, u8),
    ) -> NameAddr<'a> {
        NameAddr { display, uri, params, tag, tags }
    }

    /// Without brackets the URI ends at the first `;`, and what must stand in brackets is refused.
    fn parse_bare(value: &'a str, start: usize) -> Result<NameAddr<'a>, ParseError> {
        let bytes = value.as_bytes();
        if let Some(bad) = memchr::memchr3(b'<', b'>', b'"', until_semicolon(bytes)) {
            return fail(ParseErrorKind::Address, bad);
        }
        let end = until_semicolon(bytes).len();
        match memchr::memchr2(b'?', b',', &bytes[start..end]).map(|at| start + at) {
            Some(at) if bytes[at] == b'?' => fail(ParseErrorKind::BareUriHeaders, at),
            Some(at) => fail(ParseErrorKind::Address, at),
            None => {
                let text = lex::trim(&value[start..end]);
                let uri = Uri::parse(text).map_err(|error| error.shifted(start))?;
                // A user with a semicolon: what stands before it is no host (RFC 3261 §20).
                if uri.is_sip()
                    && uri.user().is_none()
                    && let Some(at) = lex::find_unquoted(&value[end..], b'@')
                {
                    return fail(ParseErrorKind::Parameter, end + at);
                }
                let (params, tag, tags) = parse_params(value, end)?;
                Ok(NameAddr { display: None, uri, params, tag, tags })
            }
        }
    }

    /// The `tag` parameter of From and To.
    pub const fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// How many `tag` parameters there are.
    pub(crate) const fn tags(&self) -> u8 {
        self.tags
    }

    /// The value of a header parameter: `None` if absent, `Some(None)` for a flag.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params.get(name)
    }

    /// The display name without quotes and quoted pairs.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.map(lex::unquote)
    }

    /// Copies display name and URI; the parameters are left behind.
    pub fn to_owned(&self) -> NameAddrBuf {
        NameAddrBuf { display: self.display_name().map(Arc::from), uri: self.uri.to_owned() }
    }
}

impl fmt::Display for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = self.display {
            f.write_str(display)?;
            f.write_str(" ")?;
        }
        f.write_str("<")?;
        f.write_str(self.uri.as_str())?;
        f.write_str(">")?;
        f.write_str(self.params.as_str())
    }
}

fn until_semicolon(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(b';', bytes).unwrap_or(bytes.len())]
}

/// The parameters from `start` on, the tag among them, and how many tags there are.
fn parse_params(value: &str, start: usize) -> Result<(Params<'_>, Option<&str>, u8), ParseError> {
    let (params, tag) = Params::parse_for(&value[start..], "tag").map_err(|error| error.shifted(start))?;
    Ok((params, tag.first.filter(|tag| !tag.is_empty()), tag.count))
}

fn fail<T>(kind: ParseErrorKind, offset: usize) -> Result<T, ParseError> {
    Err(ParseError::new(kind, offset))
}

/// An owned address: display name without quotes, and URI.
///
/// Prints as `"Alice" <sip:alice@192.0.2.1>`, with brackets always. Control characters of a display name are
/// printed as blanks, so that the text fits one header line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameAddrBuf {
    /// The display name without quotes.
    pub display: Option<Arc<str>>,
    /// The address.
    pub uri: UriBuf,
}

impl NameAddrBuf {
    /// Takes a URI without display name.
    pub const fn new(uri: UriBuf) -> NameAddrBuf {
        NameAddrBuf { display: None, uri }
    }

    /// Sets the display name, given without quotes.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> NameAddrBuf {
        self.display = Some(display.into());
        self
    }
}

impl From<NameAddr<'_>> for NameAddrBuf {
    fn from(address: NameAddr<'_>) -> Self {
        address.to_owned()
    }
}

impl From<UriBuf> for NameAddrBuf {
    fn from(uri: UriBuf) -> Self {
        NameAddrBuf::new(uri)
    }
}

impl FromStr for NameAddrBuf {
    type Err = ParseError;

    /// Parses `NameAddr` and drops the header parameters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NameAddr::parse(text).map(|address| address.to_owned())
    }
}

impl fmt::Display for NameAddrBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        if let Some(display) = self.display.as_deref().filter(|display| !display.is_empty()) {
            f.write_char('"')?;
            for character in display.chars() {
                match character {
                    '"' | '\\' => write!(f, "\\{character}")?,
                    control if control.is_control() => f.write_char(' ')?,
                    other => f.write_char(other)?,
                }
            }
            f.write_str("\" ")?;
        }
        f.write_str("<")?;
        f.write_str(self.uri.as_str())?;
        f.write_str(">")
    }
}
