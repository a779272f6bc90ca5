use core::fmt;

use crate::{Limits, ParseError, ParseErrorKind, Uri, lex};

/// `Identity: eyJhbGci..;info=<https://cert.example.org/passport.cer>;alg=ES256;ppt=shaken` (RFC 8224 §4).
///
/// The token is kept as it is; whoever verifies it decodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The signed `PASSporT`, full or compact.
    pub digest: &'a str,
    /// Where the certificate is; absent in the form of RFC 4474, which has a header of its own for it.
    pub info: Option<Uri<'a>>,
    params: &'a str,
}

impl<'a> Identity<'a> {
    /// Parses one value.
    ///
    /// Errors: [`ParseErrorKind::Value`] for a token with other characters than base64 and dots, [`Parameter`](ParseErrorKind::Parameter),
    /// [`TooManyParts`](ParseErrorKind::TooManyParts), and those of [`Uri::parse`]. The `-` and `_` of
    /// base64url are taken, though the grammar lacks them: RFC 8225 encodes with them.
    pub fn parse(value: &'a str) -> Result<Identity<'a>, ParseError> {
        let (digest, params) = value.split_at(value.find(';').unwrap_or(value.len()));
        let digest = lex::trim(digest);
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-_=.".contains(&byte);
        if digest.is_empty() || !digest.bytes().all(is_base64) {
            return Err(ParseError::of(ParseErrorKind::Value, value, digest));
        }
        let mut info = None;
        for (count, (name, text)) in pairs(params).enumerate() {
            let fail = |kind| Err(ParseError::of(kind, value, name));
            if count >= Limits::PARAMETERS {
                return fail(ParseErrorKind::TooManyParts);
            }
            if !lex::is_token(name) {
                return fail(ParseErrorKind::Parameter);
            }
            if name.eq_ignore_ascii_case("info") && info.replace(text).is_some() {
                return fail(ParseErrorKind::Duplicate);
            }
        }
        let info = info.map(|text| in_brackets(value, text)).transpose()?;
        Ok(Identity { digest, info, params: lex::trim(params) })
    }

    /// The algorithm of the signature, without quotes; ES256 is meant where none is named.
    pub fn alg(&self) -> Option<&'a str> {
        self.token("alg")
    }

    /// The extension of the `PASSporT`, such as `shaken` or `div`, without quotes.
    pub fn ppt(&self) -> Option<&'a str> {
        self.token("ppt")
    }

    /// Every parameter in order, `info` among them: name, and value as written, empty for a flag.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        pairs(self.params)
    }

    /// Both should be tokens, and both are seen in quotes.
    fn token(&self, wanted: &str) -> Option<&'a str> {
        self.params()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, text)| text.trim_matches('"'))
    }
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.digest, self.params)
    }
}

fn in_brackets<'a>(value: &str, text: &'a str) -> Result<Uri<'a>, ParseError> {
    let Some(uri) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
        return Err(ParseError::of(ParseErrorKind::Parameter, value, text));
    };
    let base = uri.as_ptr().addr() - value.as_ptr().addr();
    Uri::parse(uri).map_err(|error| error.shifted(base))
}

/// Splits `;name=value` outside quotes and brackets: unlike those of other headers, a value may be a URI in brackets.
fn pairs(params: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = params;
    let segments = core::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = segment_end(rest);
            let segment = lex::trim(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or("");
            if !segment.is_empty() {
                return Some(segment);
            }
        }
        None
    });
    segments.map(|segment| {
        let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
        (lex::trim(name), lex::trim(value))
    })
}

/// An open quote or bracket takes the rest of the text with it.
fn segment_end(text: &str) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b';', b'"', b'<', &text.as_bytes()[at..]) {
        at += found;
        let length = match text.as_bytes()[at] {
            b';' => return at,
            b'"' => lex::quoted_end(&text[at..]),
            _ => text[at..].find('>').map(|close| close + 1),
        };
        match length {
            Some(length) => at += length,
            None => break,
        }
    }
    text.len()
}
