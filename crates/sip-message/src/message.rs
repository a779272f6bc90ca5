use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;

use crate::index::{Index, Line, NO_LINE, Span, Start};
use crate::memo::Memo;
use crate::scan::{Shape, scan};
use crate::wire::Wire;
use crate::{HeaderId, HeaderName, Limits, Method, ParseError, StatusCode};

/// A parsed message: the bytes and an index over them.
///
/// Parsing allocates nothing for a head of up to 24 unfolded lines in a message of UTF-8; else it copies the head. A clone
/// copies the index (some 700 bytes) and shares the bytes. Values are read where they stand; a typed value is made on demand and never
/// scans the header list. What is asked for most, From, To, Call-ID, the topmost Via, `CSeq`, the first Contact, the Request-URI and the outcome of
/// [`check`](Self::check), is read once and remembered.
/// Well-known headers are valid UTF-8, checked once by [`parse`](Self::parse); the
/// value of an extension header is bytes. No value holds CR or LF, for folds read as blanks (RFC 3261
/// §7.3.1), and NUL stands in one only behind a backslash.
#[derive(Clone)]
pub struct Message {
    wire: Wire,
    pub(crate) index: Index,
    pub(crate) memo: Memo,
}

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `method uri SIP/2.0`
    Request {
        /// The method.
        method: Method,
        /// The Request-URI as written.
        uri: &'a str,
    },
    /// `SIP/2.0 code reason`
    Status {
        /// The status code.
        code: StatusCode,
        /// The reason phrase as written, empty if there is none or it is not UTF-8.
        reason: &'a str,
    },
}

/// One header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which header it is.
    pub name: HeaderName<'a>,
    /// The value without outer blanks; folds are blanks.
    pub value: &'a [u8],
}

impl<'a> Header<'a> {
    /// The id, if the header is well-known.
    pub const fn id(&self) -> Option<HeaderId> {
        self.name.id()
    }

    /// The value as text; `None` only for an extension header that is not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        core::str::from_utf8(self.value).ok()
    }
}

impl Message {
    /// Parses one datagram, which holds one message, with the default [`Limits`].
    ///
    /// The body ends where Content-Length says (bytes after it are dropped), or at the end of the datagram
    /// if the header is absent (RFC 3261 §18.3). Mandatory headers may be missing here, so that a 400 can
    /// be built; [`check`](Self::check) reports them. Fails if the message could not even be answered; see
    /// [`ParseErrorKind`](crate::ParseErrorKind).
    pub fn parse(datagram: Bytes) -> Result<Message, ParseError> {
        Message::parse_with(datagram, &Limits::default())
    }

    /// Parses one datagram with limits of the caller's choice.
    pub fn parse_with(datagram: Bytes, limits: &Limits) -> Result<Message, ParseError> {
        let message = Message::parse_as(datagram, limits, Shape::Message)?;
        match message.index.fault {
            Some(fault) => Err(fault),
            None => Ok(message),
        }
    }

    /// Parses one datagram with limits of the caller's choice, and keeps a message whose [`fault`](Self::fault) can be
    /// answered: blanks in or beside the Request-URI, a second line of a header on which others rely, and a
    /// Content-Length that is no number or more than arrived.
    ///
    /// For who answers a request that [`parse`](Self::parse) refuses (RFC 4475 §3.1.2, §3.3). The first of two lines
    /// counts, the body is the rest, and [`check`](Self::check) fails.
    pub fn parse_to_answer(datagram: Bytes, limits: &Limits) -> Result<Message, ParseError> {
        Message::parse_as(datagram, limits, Shape::Message)
    }

    /// What is wrong with a message from [`parse_to_answer`](Self::parse_to_answer).
    pub const fn fault(&self) -> Option<ParseError> {
        self.index.fault
    }

    pub(crate) fn parse_as(bytes: Bytes, limits: &Limits, shape: Shape) -> Result<Message, ParseError> {
        let index = scan(&bytes, limits, shape)?;
        Message::new(bytes, index)
    }

    /// Takes bytes with the index over them.
    pub(crate) fn new(bytes: Bytes, index: Index) -> Result<Message, ParseError> {
        Ok(Message { wire: Wire::of(bytes, &index)?, index, memo: Memo::default() })
    }

    /// Tells whether this is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.index.start, Start::Request { .. })
    }

    /// Tells whether this is a response.
    pub fn is_response(&self) -> bool {
        matches!(self.index.start, Start::Status { .. })
    }

    /// The first line.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn start_line(&self) -> StartLine<'_> {
        // invariant: only a fragment has no start line, and fragments are not handed out as messages.
        self.optional_start_line().expect("invariant: a message has a start line")
    }

    pub(crate) fn optional_start_line(&self) -> Option<StartLine<'_>> {
        match self.index.start {
            Start::Request { method, uri, .. } => {
                Some(StartLine::Request { method, uri: uri.text(self.text()) })
            }
            Start::Status { code, reason } => Some(StartLine::Status { code, reason: self.phrase(reason) }),
            Start::Absent => None,
        }
    }

    /// The method, of a request.
    pub fn method(&self) -> Option<Method> {
        match self.index.start {
            Start::Request { method, .. } => Some(method),
            Start::Status { .. } | Start::Absent => None,
        }
    }

    /// The Request-URI as written, of a request.
    pub fn request_uri(&self) -> Option<&str> {
        match self.index.start {
            Start::Request { uri, .. } => Some(uri.text(self.text())),
            Start::Status { .. } | Start::Absent => None,
        }
    }

    /// Tells whether a request speaks `SIP/2.0`; any other version is answered 505.
    pub(crate) fn version_known(&self) -> bool {
        !matches!(self.index.start, Start::Request { version_known: false, .. })
    }

    /// The status code, of a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self.index.start {
            Start::Status { code, .. } => Some(code),
            Start::Request { .. } | Start::Absent => None,
        }
    }

    /// The reason phrase as written, of a response; empty if it is not UTF-8.
    pub fn reason(&self) -> Option<&str> {
        match self.index.start {
            Start::Status { reason, .. } => Some(self.phrase(reason)),
            Start::Request { .. } | Start::Absent => None,
        }
    }

    /// Every header line in order.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = Header<'_>> {
        self.index
            .lines
            .iter()
            .map(|line| Header { name: self.name_of(line), value: line.value.of(self.wire.unfolded()) })
    }

    /// Every header line in order, as (long name in lower case, value).
    ///
    /// Folds read as one blank, and bytes that are not UTF-8 as U+FFFD: this is for people and for
    /// comparison.
    pub fn canonical_headers(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.index.lines.iter().map(|line| {
            let name = match self.name_of(line) {
                HeaderName::Known(id) => Cow::Borrowed(id.lower_name()),
                HeaderName::Unknown(name) => Cow::Owned(name.to_ascii_lowercase()),
            };
            (name, unfold(String::from_utf8_lossy(line.value.of(self.bytes()))))
        })
    }

    /// The value of the first line of that header.
    pub fn first(&self, id: HeaderId) -> Option<&str> {
        self.line(id).map(|line| self.value_of(line))
    }

    /// The value of the first line of that header, as bytes.
    pub(crate) fn raw(&self, id: HeaderId) -> Option<&[u8]> {
        self.line(id).map(|line| line.value.of(self.wire.unfolded()))
    }

    /// The value of each line of that header, in order; comma lists are not split.
    pub fn all(&self, id: HeaderId) -> impl Iterator<Item = &str> + Clone {
        self.lines(id).map(|line| self.value_of(line))
    }

    /// How many lines that header has.
    pub fn count(&self, id: HeaderId) -> usize {
        self.lines(id).count()
    }

    /// Tells whether that header is there.
    pub fn has(&self, id: HeaderId) -> bool {
        self.line(id).is_some()
    }

    /// The value of each line of an extension header, by name in any case.
    pub fn extension(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.index.lines.iter().filter_map(move |line| {
            let matches =
                line.id.is_none() && line.name.of(self.bytes()).eq_ignore_ascii_case(name.as_bytes());
            matches.then(|| line.value.of(self.wire.unfolded()))
        })
    }

    /// The body, cut at Content-Length.
    pub fn body(&self) -> &[u8] {
        let (start, end) = self.index.body;
        &self.bytes()[start..end]
    }

    /// The body as a slice that shares the message's memory.
    pub fn body_bytes(&self) -> Bytes {
        let (start, end) = self.index.body;
        self.bytes().slice(start..end)
    }

    /// The bytes as they arrived.
    pub fn bytes(&self) -> &Bytes {
        self.wire.bytes()
    }

    pub(crate) fn line(&self, id: HeaderId) -> Option<&Line> {
        self.index.lines.get(usize::from(self.index.first[id as usize]))
    }

    pub(crate) fn lines(&self, id: HeaderId) -> Lines<'_> {
        Lines { message: self, next: self.index.first[id as usize] }
    }

    /// The lines that repeat an earlier line's header: which header, and where the line starts.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (HeaderId, usize)> {
        let lines = &self.index.lines;
        lines.iter().filter_map(|line| Some((line.id?, lines.get(usize::from(line.next))?.name.start())))
    }

    /// The value of a well-known header's line.
    pub(crate) fn value_of(&self, line: &Line) -> &str {
        line.value.text(self.text())
    }

    pub(crate) fn name_of(&self, line: &Line) -> HeaderName<'_> {
        match line.id {
            Some(id) => HeaderName::Known(id),
            None => HeaderName::Unknown(line.name.text(self.text())),
        }
    }

    fn phrase(&self, span: Span) -> &str {
        core::str::from_utf8(span.of(self.bytes())).unwrap_or("")
    }

    /// The text, out of which values are cut: the head, or the whole message where all of it is UTF-8.
    pub(crate) fn text(&self) -> &str {
        self.wire.text()
    }
}

/// The lines of one header, along the links of the index.
#[derive(Clone)]
pub(crate) struct Lines<'a> {
    message: &'a Message,
    next: u8,
}

impl<'a> Lines<'a> {
    pub(crate) const fn none(message: &'a Message) -> Lines<'a> {
        Lines { message, next: NO_LINE }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a Line;

    fn next(&mut self) -> Option<&'a Line> {
        if self.next == NO_LINE {
            return None;
        }
        let line = self.message.index.lines.get(usize::from(self.next))?;
        self.next = line.next;
        Some(line)
    }
}

fn unfold(value: Cow<'_, str>) -> Cow<'_, str> {
    if !value.contains('\n') {
        return value;
    }
    let mut text = String::with_capacity(value.len());
    for piece in value.split('\n') {
        let piece = piece.trim_matches([' ', '\t', '\r']);
        if !text.is_empty() && !piece.is_empty() {
            text.push(' ');
        }
        text.push_str(piece);
    }
    Cow::Owned(text)
}

/// Shows the kind of message and the names of its headers; identifiers, addresses and bodies are left out.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Names<'a>(&'a Message);
        impl fmt::Debug for Names<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.0.headers().map(|header| header.name.as_str())).finish()
            }
        }
        let mut shown = f.debug_struct("Message");
        match self.index.start {
            Start::Request { method, .. } => shown.field("method", &method),
            Start::Status { code, .. } => shown.field("status", &code),
            Start::Absent => &mut shown,
        };
        shown.field("headers", &Names(self)).field("body", &self.body().len()).finish_non_exhaustive()
    }
}
