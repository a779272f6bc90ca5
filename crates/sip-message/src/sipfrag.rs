//! `message/sipfrag` bodies (RFC 3420): the result of a transfer in a NOTIFY (RFC 3515 §2.4.5).
//!
//! A fragment is data. It is read here and never handed to anything that acts on messages.

use bytes::{BufMut, Bytes, BytesMut};

use crate::scan::Shape;
use crate::{Header, HeaderId, Limits, Message, ParseError, ParseErrorKind, StartLine, StatusCode, lex};

/// The media type as it is sent (RFC 3420 §4.1).
pub const CONTENT_TYPE: &str = "message/sipfrag;version=2.0";

/// Why a body gives no result. None of these is fatal: the state of the subscription still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SipfragError {
    /// The Content-Type is not `message/sipfrag`.
    #[error("body is no message/sipfrag")]
    ContentType,
    /// The body is longer than [`Limits::SIPFRAG`].
    #[error("fragment is longer than {} bytes", Limits::SIPFRAG)]
    TooLarge,
    /// There is no body.
    #[error("fragment is empty")]
    Empty,
    /// The fragment is well-formed but starts with a request line or a header.
    #[error("fragment has no status line")]
    NoStatusLine,
    /// The fragment is malformed.
    #[error("malformed fragment: {0}")]
    Malformed(#[from] ParseError),
}

/// A parsed fragment: an optional start line, headers, and what follows the empty line.
#[derive(Debug, Clone)]
pub struct Fragment {
    message: Message,
}

impl Fragment {
    /// The start line, if there is one.
    pub fn start_line(&self) -> Option<StartLine<'_>> {
        self.message.optional_start_line()
    }

    /// The status code, if the fragment starts with a status line.
    pub fn status(&self) -> Option<StatusCode> {
        self.message.status()
    }

    /// The reason phrase, if the fragment starts with a status line.
    pub fn reason(&self) -> Option<&str> {
        self.message.reason()
    }

    /// The header lines in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        self.message.headers()
    }

    /// The value of the first line of that header.
    pub fn first(&self, id: HeaderId) -> Option<&str> {
        self.message.first(id)
    }

    /// What follows the empty line.
    pub fn body(&self) -> &[u8] {
        self.message.body()
    }
}

/// Parses a fragment of at most [`Limits::SIPFRAG`] bytes.
///
/// Line ends may be bare LF, and the last one may be missing. A start line of another SIP version is refused
/// (RFC 3420 §3.2); the values of headers are not looked at.
pub fn parse(body: &[u8]) -> Result<Fragment, SipfragError> {
    if body.len() > Limits::SIPFRAG {
        return Err(SipfragError::TooLarge);
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(SipfragError::Empty);
    }
    let message = Message::parse_as(Bytes::copy_from_slice(body), &Limits::default(), Shape::Fragment)?;
    if !message.version_known() {
        return Err(ParseError::new(ParseErrorKind::Version, 0).into());
    }
    Ok(Fragment { message })
}

/// Reads the status code of a NOTIFY body.
///
/// `content_type` is the value of Content-Type: any case, any or no `version` parameter. An absent header
/// is taken for sipfrag, the one type of the refer package.
pub fn status(content_type: Option<&str>, body: &[u8]) -> Result<StatusCode, SipfragError> {
    if content_type.is_some_and(|value| !is_sipfrag(value)) {
        return Err(SipfragError::ContentType);
    }
    parse(body)?.status().ok_or(SipfragError::NoStatusLine)
}

/// Tells whether a Content-Type value names `message/sipfrag`.
pub fn is_sipfrag(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or(content_type);
    let (kind, subtype) = media.split_once('/').unwrap_or((media, ""));
    lex::trim(kind).eq_ignore_ascii_case("message") && lex::trim(subtype).eq_ignore_ascii_case("sipfrag")
}

/// Writes the least fragment: one status line with its line end, no headers (RFC 3515 §5.3).
///
/// Control characters of `reason` are written as blanks, so that the line stays one line.
pub fn write_status(code: StatusCode, reason: &str) -> Bytes {
    write(code, reason, [])
}

/// Writes a status line and headers (RFC 3515 §5.3 says why they are to be few).
///
/// Control characters are written as blanks, so that each header stays one line; a header that would make the fragment
/// longer than [`Limits::SIPFRAG`] is left out.
pub fn write<'a>(
    code: StatusCode,
    reason: &str,
    headers: impl IntoIterator<Item = (HeaderId, &'a str)>,
) -> Bytes {
    let printable = |text: &str| -> Vec<u8> {
        text.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }).collect()
    };
    let mut body = BytesMut::with_capacity("SIP/2.0 000 \r\n".len() + reason.len());
    body.put_slice(b"SIP/2.0 ");
    body.put_slice(code.to_string().as_bytes());
    body.put_u8(b' ');
    body.put_slice(&printable(reason));
    body.put_slice(b"\r\n");
    for (id, value) in headers {
        let line = [id.name().as_bytes(), b": ", &printable(value), b"\r\n"].concat();
        if body.len() + line.len() <= Limits::SIPFRAG {
            body.put_slice(&line);
        }
    }
    body.freeze()
}
