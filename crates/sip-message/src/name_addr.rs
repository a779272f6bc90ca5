use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;
use std::sync::Arc;

use crate::{Params, ParseError, ParseErrorKind, Uri, UriBuf, lex};

/// An address with header parameters: `"Alice" <sip:alice@192.0.2.1>;tag=7` (RFC 3261 §20.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; `None` if there is none.
    pub display: Option<&'a str>,
    /// The address.
    pub uri: Uri<'a>,
    /// The parameters of the header, not those of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Parses one name-addr or addr-spec with parameters.
    ///
    /// Without angle brackets every `;` starts a parameter of the header, and a `?` or `,` is refused
    /// (RFC 3261 §20: such a URI must be in brackets).
    pub fn parse(value: &'a str) -> Result<NameAddr<'a>, ParseError> {
        let text = lex::trim(value);
        let fail = |kind, part: &str| Err(ParseError::of(kind, value, part));
        let after_quotes = if text.starts_with('"') {
            match lex::quoted_end(text) {
                Some(end) => end,
                None => return fail(ParseErrorKind::Address, text),
            }
        } else {
            0
        };
        let Some(open) = text[after_quotes..].find('<').map(|open| after_quotes + open) else {
            if after_quotes > 0 {
                return fail(ParseErrorKind::Address, text);
            }
            return NameAddr::parse_bare(value, text);
        };
        if !lex::trim(&text[after_quotes..open]).is_empty() && after_quotes > 0 {
            return fail(ParseErrorKind::Address, &text[after_quotes..]);
        }
        let display = lex::trim(&text[..open]);
        // A bare URI whose header parameter holds `<`, or a list, does not pass for a display name.
        if after_quotes == 0 && display.contains([':', ';', ',', '"', '>']) {
            return fail(ParseErrorKind::Address, display);
        }
        let Some(close) = text[open..].find('>').map(|close| open + close) else {
            return fail(ParseErrorKind::Address, &text[open..]);
        };
        let uri_text = lex::trim(&text[open + 1..close]);
        let tail = &text[close + 1..];
        Ok(NameAddr {
            display: (!display.is_empty()).then_some(display),
            uri: parse_uri(value, uri_text)?,
            params: parse_params(value, tail)?,
        })
    }

    fn parse_bare(value: &'a str, text: &'a str) -> Result<NameAddr<'a>, ParseError> {
        let (uri_text, tail) = text.split_at(text.find(';').unwrap_or(text.len()));
        let uri_text = lex::trim(uri_text);
        if let Some(at) = uri_text.find('?') {
            return Err(ParseError::of(ParseErrorKind::BareUriHeaders, value, &uri_text[at..]));
        }
        if let Some(at) = uri_text.find(',') {
            return Err(ParseError::of(ParseErrorKind::Address, value, &uri_text[at..]));
        }
        Ok(NameAddr { display: None, uri: parse_uri(value, uri_text)?, params: parse_params(value, tail)? })
    }

    /// The `tag` parameter of From and To.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
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
            write!(f, "{display} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params.as_str())
    }
}

fn parse_uri<'a>(value: &str, text: &'a str) -> Result<Uri<'a>, ParseError> {
    Uri::parse(text).map_err(|error| error.shifted(text.as_ptr().addr() - value.as_ptr().addr()))
}

fn parse_params<'a>(value: &str, tail: &'a str) -> Result<Params<'a>, ParseError> {
    Params::parse(tail).map_err(|error| error.shifted(tail.as_ptr().addr() - value.as_ptr().addr()))
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
        write!(f, "<{}>", self.uri)
    }
}
