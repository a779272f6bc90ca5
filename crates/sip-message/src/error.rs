use core::fmt;

use crate::{HeaderId, StatusCode};

/// A text that is not what the grammar asks for: what is wrong, where, and in which header.
///
/// `offset` counts bytes from the start of what was given to the parser: the datagram for
/// [`Message`](crate::Message), the string for a value parsed on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    header: Option<HeaderId>,
    /// Beyond 4 GiB an offset would be wrong; no limit lets a text come near.
    offset: u32,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, offset: usize) -> Self {
        ParseError { kind, offset: offset as u32, header: None }
    }

    /// Builds the error for `part`, a slice of `whole`: the offset is where `part` starts.
    pub(crate) fn of(kind: ParseErrorKind, whole: &str, part: &str) -> Self {
        let offset = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr()).min(whole.len());
        ParseError::new(kind, offset)
    }

    #[must_use]
    pub(crate) const fn of_header(mut self, header: HeaderId) -> Self {
        self.header = Some(header);
        self
    }

    /// Moves an error of a value into the frame of the message that holds the value at `base`.
    #[must_use]
    pub(crate) const fn inside(mut self, header: HeaderId, base: usize) -> Self {
        self.header = Some(header);
        self.shifted(base)
    }

    #[must_use]
    pub(crate) const fn shifted(mut self, base: usize) -> Self {
        self.offset += base as u32;
        self
    }

    /// What is wrong.
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where it is wrong, in bytes from the start of the parsed text.
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// The well-known header in which it is wrong, if it is in one.
    pub const fn header(&self) -> Option<HeaderId> {
        self.header
    }

    /// The reason phrase for that answer: the standard one, what is wrong, and in which header (RFC 3261 §21.4.1).
    ///
    /// `Bad Request: malformed number in CSeq`. Nothing of the peer's text is in it.
    pub fn reason_phrase(&self) -> String {
        let phrase = self.status().reason_phrase();
        match self.header {
            Some(header) => format!("{phrase}: {} in {header}", self.kind),
            None => format!("{phrase}: {}", self.kind),
        }
    }

    /// The status code that answers a request with this fault (RFC 3261 §21.4.1, §21.4.11, §21.4.12,
    /// §21.5.6, §21.5.7).
    pub const fn status(&self) -> StatusCode {
        match self.kind {
            ParseErrorKind::Version => StatusCode::VERSION_NOT_SUPPORTED,
            ParseErrorKind::UriTooLong => StatusCode::REQUEST_URI_TOO_LONG,
            ParseErrorKind::BodyTooLarge => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            ParseErrorKind::MessageTooLarge
            | ParseErrorKind::LineTooLong
            | ParseErrorKind::TooManyFolds
            | ParseErrorKind::TooManyHeaders => StatusCode::MESSAGE_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        match self.header {
            Some(header) => write!(f, " in {header}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for ParseError {}

/// What is wrong with a parsed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but line ends: a keep-alive (RFC 5626 §4.4.1), no message.
    #[error("no message")]
    Empty,
    /// The message is longer than [`Limits::message`](crate::Limits::message); answered 513.
    #[error("message too large")]
    MessageTooLarge,
    /// The head is not, but with the body that Content-Length announces the message would be; answered 413.
    #[error("body too large")]
    BodyTooLarge,
    /// A line, with its continuations, is longer than [`Limits::line`](crate::Limits::line).
    #[error("line too long")]
    LineTooLong,
    /// The Request-URI makes its line longer than [`Limits::line`](crate::Limits::line); answered 414.
    #[error("Request-URI too long")]
    UriTooLong,
    /// A header line has more continuation lines than [`Limits::folds`](crate::Limits::folds).
    #[error("too many continuation lines")]
    TooManyFolds,
    /// There are more header lines than [`Limits::headers`](crate::Limits::headers).
    #[error("too many header lines")]
    TooManyHeaders,
    /// The head has no empty line at its end.
    #[error("head does not end")]
    UnexpectedEnd,
    /// The first line is neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// The method is not a token of at most [`Method::MAX_LEN`](crate::Method::MAX_LEN) bytes.
    #[error("malformed method")]
    Method,
    /// The protocol version is not `SIP/2.0`; a request is answered 505.
    #[error("unsupported protocol version")]
    Version,
    /// The status code is not three digits from 100 to 699.
    #[error("malformed status code")]
    StatusCode,
    /// A header line has no colon or its name is not a token.
    #[error("malformed header name")]
    HeaderName,
    /// NUL, or a CR that ends no line, stands in the head.
    #[error("forbidden control character")]
    ControlCharacter,
    /// The start line or the value of a well-known header is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Content-Length is not a number.
    #[error("malformed Content-Length")]
    ContentLength,
    /// Content-Length is larger than what arrived (RFC 3261 §18.3).
    #[error("body shorter than Content-Length")]
    BodyTruncated,
    /// A header that may stand once stands more than once.
    #[error("more than one value")]
    Duplicate,
    /// A header that must be there is not there.
    #[error("missing header")]
    Missing,
    /// A URI does not follow RFC 3261 §19.1.1.
    #[error("malformed URI")]
    Uri,
    /// The host of a URI or a Via is no name, IPv4 address or bracketed IPv6 reference.
    #[error("malformed host")]
    Host,
    /// A port is not a number up to 65535.
    #[error("malformed port")]
    Port,
    /// A `%` is not followed by two hexadecimal digits, or the decoded text is not UTF-8.
    #[error("malformed escape")]
    Escape,
    /// A name-addr has no closing bracket or quote, or text follows where a parameter should.
    #[error("malformed address")]
    Address,
    /// A URI with `?` stands without angle brackets (RFC 3261 §20).
    #[error("URI with headers lacks angle brackets")]
    BareUriHeaders,
    /// A parameter has no name, an open quote or a character that cannot stand there.
    #[error("malformed parameter")]
    Parameter,
    /// A value carries more parameters, URI headers or list items than the named limit.
    #[error("too many parts in one value")]
    TooManyParts,
    /// A number is missing, malformed or out of range.
    #[error("malformed number")]
    Number,
    /// The method in `CSeq` is not the method of the request (RFC 3261 §8.1.1.5).
    #[error("CSeq names another method")]
    CSeqMethod,
    /// The value does not follow the grammar of its header.
    #[error("malformed value")]
    Value,
    /// A decoded URI header holds CR, LF or NUL.
    #[error("decoded text holds CR, LF or NUL")]
    Injection,
}

/// A message that must not be sent; every variant names what the caller has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value holds CR, LF or NUL, which would end the line early, or text to be quoted holds any control
    /// character; the name of the header or parameter is given.
    #[error("value of {0} holds a control character")]
    ControlCharacter(Box<str>),
    /// The `Display` of a value returned an error; the name of the header is given.
    #[error("value of {0} fails to print")]
    Display(Box<str>),
    /// A header name is not a token.
    #[error("header name {0:?} is not a token")]
    HeaderName(Box<str>),
    /// The name or the value of a parameter holds characters that its grammar lacks; the name is given.
    #[error("malformed parameter {0:?}")]
    Parameter(Box<str>),
    /// A tag is not a token.
    #[error("tag {0:?} is not a token")]
    Tag(Box<str>),
    /// The Request-URI is empty or holds blanks or control characters.
    #[error("malformed Request-URI")]
    RequestUri,
    /// The header is written by the encoder and cannot be set by hand.
    #[error("{0} is written by the encoder")]
    Managed(HeaderId),
    /// The header may stand once only.
    #[error("{0} given more than once")]
    Duplicate(HeaderId),
    /// The header must be given, or must be in the message that is answered.
    #[error("{0} is missing")]
    Missing(HeaderId),
    /// The message from which CANCEL, ACK or a response is derived does not fit.
    #[error("cannot derive from this message: {0}")]
    Source(&'static str),
    /// `CSeq` cannot be read or names another method, or the message from which another is derived holds a value that cannot
    /// be read.
    #[error("cannot be built: {0}")]
    SourceValue(#[from] ParseError),
    /// The message has so many header lines, more than [`Limits::HEADERS`](crate::Limits::HEADERS).
    #[error("{0} header lines are too many")]
    TooManyHeaders(usize),
    /// A line is longer than [`Limits::LINE`](crate::Limits::LINE) bytes; the name of the header is given.
    #[error("line of {0} is too long")]
    LineTooLong(Box<str>),
    /// The finished message is longer than [`Limits::MESSAGE`](crate::Limits::MESSAGE) bytes.
    #[error("message of {0} bytes is too large")]
    TooLarge(usize),
}
