//! `multipart` bodies (RFC 2046 §5.1, RFC 5621 §4): several parts in one body, each with headers of its own.
//!
//! One level is read at a time: a part that is itself `multipart` is given to [`parts`] again, by who wants it.

use core::fmt;
use std::collections::BTreeSet;

use bytes::Bytes;
use memchr::{memchr, memmem};

use crate::header::TypedHeader;
use crate::scan::Shape;
use crate::{BuildError, Header, HeaderId, Limits, MediaType, Message, ParseError, ParseErrorKind, lex};

/// The longest boundary (RFC 2046 §5.1.1).
pub const LONGEST_BOUNDARY: usize = 70;

/// Why a body gives no parts, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// The Content-Type cannot be read or is not `multipart`.
    #[error("body is no multipart")]
    ContentType,
    /// The `boundary` is missing, empty, longer than [`LONGEST_BOUNDARY`], or ends in a blank.
    #[error("unusable boundary")]
    Boundary,
    /// No delimiter line opens a part.
    #[error("body has no part")]
    NoPart,
    /// The last part is not closed: the body was cut, or the boundary is not the one announced.
    #[error("last part has no end")]
    Unterminated,
    /// There are more parts than [`Limits::PARTS`].
    #[error("more than {} parts", Limits::PARTS)]
    TooManyParts,
    /// The headers of a part are malformed; the offset is that in the body.
    #[error("malformed part: {0}")]
    Part(#[from] ParseError),
}

/// The parts of a body in order; ends after the first error.
#[derive(Clone)]
pub struct Parts {
    body: Bytes,
    /// `--` and the boundary.
    delimiter: String,
    /// Where the next part starts; `None` behind the last one.
    next: Option<usize>,
    count: usize,
}

/// One part: header lines by the rules of a message, and content that shares the memory of the body.
#[derive(Clone)]
pub struct Part {
    /// Absent where the part starts with the empty line.
    head: Option<Message>,
    content: Bytes,
}

/// Finds the first part of a body of that Content-Type; what stands before it is passed over.
///
/// Boundaries with other characters than those of RFC 2046 §5.1.1 are taken: they are found all the same.
pub fn parts(content_type: &str, body: Bytes) -> Result<Parts, MultipartError> {
    let media = MediaType::parse(content_type).map_err(|_| MultipartError::ContentType)?;
    if !media.kind.eq_ignore_ascii_case("multipart") {
        return Err(MultipartError::ContentType);
    }
    let boundary = media.boundary().unwrap_or_default();
    let usable = (1..=LONGEST_BOUNDARY).contains(&boundary.len());
    if !usable || boundary.ends_with(' ') || lex::has_line_breaker(boundary.as_bytes()) {
        return Err(MultipartError::Boundary);
    }
    let delimiter = format!("--{boundary}");
    match Delimiter::find(&body, 0, &delimiter) {
        Some(Delimiter { next: Some(start), .. }) => {
            Ok(Parts { body, delimiter, next: Some(start), count: 0 })
        }
        Some(_) | None => Err(MultipartError::NoPart),
    }
}

impl Parts {
    fn part(&mut self, start: usize) -> Result<Part, MultipartError> {
        if self.count == Limits::PARTS {
            return Err(MultipartError::TooManyParts);
        }
        self.count += 1;
        let end = Delimiter::find(&self.body, start, &self.delimiter).ok_or(MultipartError::Unterminated)?;
        self.next = end.next;
        // An empty part shares its line end with the delimiter before it.
        Part::parse(self.body.slice(start..end.start.max(start))).map_err(|error| error.shifted(start).into())
    }
}

impl Iterator for Parts {
    type Item = Result<Part, MultipartError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        let part = self.part(start);
        if part.is_err() {
            self.next = None;
        }
        Some(part)
    }
}

impl Part {
    fn parse(bytes: Bytes) -> Result<Part, ParseError> {
        match &bytes[..] {
            [] => return Ok(Part { head: None, content: bytes }),
            [b'\n', ..] => return Ok(Part { head: None, content: bytes.slice(1..) }),
            [b'\r', b'\n', ..] => return Ok(Part { head: None, content: bytes.slice(2..) }),
            [b'\r', ..] => return Err(ParseError::new(ParseErrorKind::ControlCharacter, 0)),
            _ => {}
        }
        let limits = Limits { message: bytes.len(), ..Limits::default() };
        let no_header = ParseError::new(ParseErrorKind::HeaderName, 0);
        // A fragment may have a start line, a part may not: what is taken for one is no header line.
        let head =
            Message::parse_as(bytes, &limits, Shape::Fragment).map_err(|error| match error.kind() {
                ParseErrorKind::StartLine
                | ParseErrorKind::Method
                | ParseErrorKind::Version
                | ParseErrorKind::StatusCode => no_header,
                _ => error,
            })?;
        if head.optional_start_line().is_some() {
            return Err(no_header);
        }
        Ok(Part { content: head.body_bytes(), head: Some(head) })
    }

    /// The header lines in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.head.iter().flat_map(Message::headers)
    }

    /// The value of the first line of that header.
    pub fn first(&self, id: HeaderId) -> Option<&str> {
        self.head.as_ref()?.first(id)
    }

    /// The one value of a header, as [`Message::only`] gives it; offsets count from the start of the part.
    pub fn only<H: TypedHeader>(&self) -> Result<Option<H::Value<'_>>, ParseError> {
        self.head.as_ref().map_or(Ok(None), Message::only::<H>)
    }

    /// What follows the empty line, without the line end that belongs to the delimiter.
    pub fn content(&self) -> &Bytes {
        &self.content
    }
}

/// Shows how far it has come; the body is left out.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("next", &self.next).field("count", &self.count).finish_non_exhaustive()
    }
}

/// Shows the names of the headers; the content is left out.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("head", &self.head).field("content", &self.content.len()).finish()
    }
}

/// A line of hyphens and boundary.
struct Delimiter {
    /// Where the part before it ends: before the line end in front of the hyphens.
    start: usize,
    /// Where the next part starts; `None` for the line that closes the body.
    next: Option<usize>,
}

impl Delimiter {
    /// Finds the first delimiter line at or behind `from`, which is the start of a line.
    ///
    /// The whole line has to fit, blanks at its end apart: an outer boundary may be the start of an inner one.
    fn find(body: &[u8], from: usize, delimiter: &str) -> Option<Delimiter> {
        memmem::find_iter(&body[from..], delimiter).find_map(|found| {
            let at = from + found;
            let start = match &body[..at] {
                [.., b'\r', b'\n'] => at - 2,
                [.., b'\n'] => at - 1,
                [] => at,
                _ => return None,
            };
            let rest = &body[at + delimiter.len()..];
            let (line, next) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], at + delimiter.len() + end + 1),
                None => (rest, body.len()),
            };
            match line.trim_ascii_end() {
                b"" => Some(Delimiter { start, next: Some(next) }),
                b"--" => Some(Delimiter { start, next: None }),
                _ => None,
            }
        })
    }
}

/// A body under construction; it has a part from the start, since one without any is not legal.
#[derive(Debug, Clone)]
pub struct MultipartDraft {
    parts: Vec<Vec<u8>>,
}

impl MultipartDraft {
    /// How every boundary starts that is written here; a number follows.
    const STEM: &'static str = "boundary-";

    /// Starts with one part: names and values of its headers, and its content.
    pub fn new(headers: &[(&str, &str)], content: &[u8]) -> Result<MultipartDraft, BuildError> {
        MultipartDraft { parts: Vec::new() }.part(headers, content)
    }

    /// Adds a part.
    ///
    /// Fails with [`BuildError::HeaderName`] or [`BuildError::ControlCharacter`] if a header could not be
    /// read back as it was given.
    pub fn part(mut self, headers: &[(&str, &str)], content: &[u8]) -> Result<MultipartDraft, BuildError> {
        let mut part = Vec::with_capacity(content.len() + 64 * headers.len());
        for (name, value) in headers {
            if !lex::is_token(name) {
                return Err(BuildError::HeaderName((*name).into()));
            }
            if lex::has_line_breaker(value.as_bytes()) {
                return Err(BuildError::ControlCharacter((*name).into()));
            }
            part.extend_from_slice(format!("{name}: {}\r\n", lex::trim(value)).as_bytes());
        }
        part.extend_from_slice(b"\r\n");
        part.extend_from_slice(content);
        self.parts.push(part);
        Ok(self)
    }

    /// Writes the body and its Content-Type: `media`, such as `multipart/mixed`, with the boundary behind it.
    /// Whether `media` fits a header line is checked when the message is built.
    pub fn encode(&self, media: &str) -> (String, Bytes) {
        let boundary = self.boundary();
        let mut body =
            Vec::with_capacity(self.parts.iter().map(|part| part.len() + boundary.len() + 6).sum());
        for part in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("{media};boundary={boundary}"), body.into())
    }

    /// The boundary with the lowest number that occurs in no part, not even as the start of a longer one.
    ///
    /// One pass over the parts finds the numbers that are taken, so that no content can make this slow.
    fn boundary(&self) -> String {
        // Content that takes every number of so many digits is a thousand times larger than a message.
        const DIGITS: usize = 7;
        let mut taken = BTreeSet::new();
        for part in &self.parts {
            for found in memmem::find_iter(part, Self::STEM) {
                let digits = part[found + Self::STEM.len()..].iter().take(DIGITS);
                let mut number = 0u64;
                for digit in digits.take_while(|byte| byte.is_ascii_digit()) {
                    number = number * 10 + u64::from(digit - b'0');
                    taken.insert(number);
                }
            }
        }
        let free = taken.iter().zip(0u64..).take_while(|(taken, number)| *taken == number).count();
        format!("{}{free}", Self::STEM)
    }
}
