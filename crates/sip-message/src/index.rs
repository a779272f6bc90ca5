//! One pass over a message: where each line starts and ends, and which header it is.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use crate::{HeaderId, Limits, Method, ParseError, ParseErrorKind, StatusCode, lex};

/// A range of bytes in the message; messages are shorter than 4 GiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    const fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// One header line: its name as written, its value without outer blanks, the next line of the same header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) id: Option<HeaderId>,
    pub(crate) next: u16,
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// Marks "no such line" in [`Index::first`] and [`Line::next`]; also the most lines an index can hold.
pub(crate) const NO_LINE: u16 = u16::MAX;

/// Lines held without an allocation of their own: most messages have fewer.
const INLINE_LINES: usize = 24;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Request {
        method: Method,
        uri: Span,
        version_known: bool,
    },
    Status {
        code: StatusCode,
        reason: Span,
    },
    /// Only in a fragment.
    Absent,
}

#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) start: Start,
    pub(crate) lines: SmallVec<[Line; INLINE_LINES]>,
    pub(crate) first: [u16; HeaderId::COUNT],
    pub(crate) body: Span,
    /// The message with folds turned into blanks, byte for byte as long; absent where nothing is folded.
    pub(crate) unfolded: Option<Bytes>,
}

/// What a text has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Start line, headers, empty line, body (RFC 3261 §7).
    Message,
    /// Each of them optional, and the last line end too (RFC 3420 §2).
    Fragment,
}

struct Scan<'a> {
    bytes: &'a [u8],
    limits: &'a Limits,
    shape: Shape,
    at: usize,
    index: Index,
    last: [u16; HeaderId::COUNT],
    folded: bool,
}

impl Index {
    pub(crate) fn scan(bytes: &Bytes, limits: &Limits, shape: Shape) -> Result<Index, ParseError> {
        if bytes.len() > limits.message.min(u32::MAX as usize) {
            return Err(ParseError::new(ParseErrorKind::MessageTooLarge, limits.message));
        }
        let mut scan = Scan {
            bytes,
            limits,
            shape,
            at: 0,
            index: Index {
                start: Start::Absent,
                lines: SmallVec::new(),
                first: [NO_LINE; HeaderId::COUNT],
                body: Span::default(),
                unfolded: None,
            },
            last: [NO_LINE; HeaderId::COUNT],
            folded: false,
        };
        scan.start_line()?;
        while scan.header_line()? {}
        scan.body()?;
        let Scan { mut index, folded, .. } = scan;
        if folded {
            index.unfolded = Some(index.unfold(bytes));
        }
        index.check_utf8(bytes)?;
        Ok(index)
    }

    fn unfold(&self, bytes: &[u8]) -> Bytes {
        let mut text = BytesMut::from(bytes);
        for line in &self.lines {
            for byte in &mut text[line.value.start as usize..line.value.end as usize] {
                if matches!(byte, b'\r' | b'\n') {
                    *byte = b' ';
                }
            }
        }
        text.freeze()
    }

    /// Validates the head in one run; where that fails, finds out whether only extension headers are not
    /// UTF-8.
    fn check_utf8(&self, bytes: &[u8]) -> Result<(), ParseError> {
        if core::str::from_utf8(&bytes[..self.body.start as usize]).is_ok() {
            return Ok(());
        }
        let check = |span: Span, header: Option<HeaderId>| match core::str::from_utf8(span.of(bytes)) {
            Ok(_) => Ok(()),
            Err(bad) => {
                let error = ParseError::new(ParseErrorKind::NotUtf8, span.start as usize + bad.valid_up_to());
                Err(header.map_or(error, |id| error.of_header(id)))
            }
        };
        match self.start {
            Start::Request { uri, .. } => check(uri, None)?,
            Start::Status { reason, .. } => check(reason, None)?,
            Start::Absent => {}
        }
        self.lines.iter().filter(|line| line.id.is_some()).try_for_each(|line| check(line.value, line.id))
    }
}

impl Scan<'_> {
    /// Finds the end of the line that starts at `from`: (end of text, start of next line).
    fn line_end(&self, from: usize, line_start: usize) -> Result<(usize, usize), ParseError> {
        let bytes = self.bytes;
        // The line end itself is not counted: two bytes beyond the limit are looked at.
        let window_end = bytes.len().min(line_start.saturating_add(self.limits.line).saturating_add(2));
        let found = bytes.get(from..window_end).and_then(|window| memchr(b'\n', window));
        let (end, next) = match found {
            Some(offset) => {
                let newline = from + offset;
                let end = if newline > from && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
                (end, newline + 1)
            }
            None if window_end < bytes.len() || window_end - line_start > self.limits.line => {
                return fail(ParseErrorKind::LineTooLong, line_start);
            }
            None if self.shape == Shape::Fragment => (bytes.len(), bytes.len()),
            None => return fail(ParseErrorKind::UnexpectedEnd, bytes.len()),
        };
        if end - line_start > self.limits.line {
            return fail(ParseErrorKind::LineTooLong, line_start);
        }
        if let Some(bad) = memchr2(b'\r', 0, &bytes[from..end]) {
            return fail(ParseErrorKind::ControlCharacter, from + bad);
        }
        Ok((end, next))
    }

    fn start_line(&mut self) -> Result<(), ParseError> {
        // RFC 3261 §7.5: line ends before the start line are ignored.
        while matches!(self.bytes.get(self.at), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
        if self.at == self.bytes.len() {
            return fail(ParseErrorKind::Empty, 0);
        }
        let start = self.at;
        let (end, next) = self.line_end(start, start)?;
        let line = &self.bytes[start..end];
        if self.shape == Shape::Fragment && is_header_line(line) {
            return Ok(());
        }
        self.index.start = if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
            self.status_line(start, end)?
        } else {
            self.request_line(start, end)?
        };
        self.at = next;
        Ok(())
    }

    fn status_line(&self, start: usize, end: usize) -> Result<Start, ParseError> {
        let line = &self.bytes[start..end];
        let version_end = memchr(b' ', line).unwrap_or(line.len());
        if !line[..version_end].eq_ignore_ascii_case(b"SIP/2.0") {
            return fail(ParseErrorKind::Version, start);
        }
        let code_start =
            line[version_end..].iter().position(|byte| *byte != b' ').map(|skip| version_end + skip);
        let Some(code_start) = code_start else {
            return fail(ParseErrorKind::StatusCode, end);
        };
        let code_end = memchr(b' ', &line[code_start..]).map_or(line.len(), |length| code_start + length);
        let code = core::str::from_utf8(&line[code_start..code_end]).ok().and_then(StatusCode::from_digits);
        let Some(code) = code else {
            return fail(ParseErrorKind::StatusCode, start + code_start);
        };
        // The blank before an empty phrase is missing in many responses.
        let reason = (start + code_end + 1).min(end);
        Ok(Start::Status { code, reason: Span::new(reason, end) })
    }

    fn request_line(&self, start: usize, end: usize) -> Result<Start, ParseError> {
        let line = &self.bytes[start..end];
        let (Some(first), Some(last)) = (memchr(b' ', line), memchr::memrchr(b' ', line)) else {
            return fail(ParseErrorKind::StartLine, start);
        };
        let method = core::str::from_utf8(&line[..first]).ok().and_then(|text| Method::parse(text).ok());
        let Some(method) = method else {
            return fail(ParseErrorKind::Method, start);
        };
        let version = &line[last + 1..];
        if !is_version(version) {
            return fail(ParseErrorKind::StartLine, start + last + 1);
        }
        if last <= first + 1 {
            return fail(ParseErrorKind::StartLine, start + first);
        }
        let uri = &line[first + 1..last];
        // Exactly one blank on either side, and none inside (RFC 3261 §7.1).
        if let Some(blank) = uri.iter().position(|byte| *byte <= b' ' || *byte == 0x7f) {
            return fail(ParseErrorKind::StartLine, start + first + 1 + blank);
        }
        Ok(Start::Request {
            method,
            uri: Span::new(start + first + 1, start + last),
            version_known: version.eq_ignore_ascii_case(b"SIP/2.0"),
        })
    }

    /// Reads one header line with its continuations; `false` at the end of the head.
    fn header_line(&mut self) -> Result<bool, ParseError> {
        let bytes = self.bytes;
        let start = self.at;
        match bytes.get(start..) {
            None | Some([]) if self.shape == Shape::Fragment => return Ok(false),
            None | Some([]) => return fail(ParseErrorKind::UnexpectedEnd, start),
            Some([b'\n', ..]) => {
                self.at = start + 1;
                return Ok(false);
            }
            Some([b'\r', b'\n', ..]) => {
                self.at = start + 2;
                return Ok(false);
            }
            Some(_) => {}
        }
        if self.index.lines.len() >= self.limits.headers.min(usize::from(NO_LINE)) {
            return fail(ParseErrorKind::TooManyHeaders, start);
        }
        let (mut end, mut next) = self.line_end(start, start)?;
        let first_end = end;
        while matches!(bytes.get(next), Some(b' ' | b'\t')) {
            self.folded = true;
            (end, next) = self.line_end(next, start)?;
        }
        let Some(colon) = memchr(b':', &bytes[start..first_end]).map(|colon| start + colon) else {
            return fail(ParseErrorKind::HeaderName, start);
        };
        let mut name_end = colon;
        while name_end > start && lex::is_blank(bytes[name_end - 1]) {
            name_end -= 1;
        }
        let name = &bytes[start..name_end];
        if !lex::is_token_bytes(name) {
            return fail(ParseErrorKind::HeaderName, start);
        }
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let mut value_start = colon + 1;
        while value_start < end && blank(&bytes[value_start]) {
            value_start += 1;
        }
        let mut value_end = end;
        while value_end > value_start && blank(&bytes[value_end - 1]) {
            value_end -= 1;
        }
        let id = HeaderId::of_bytes(name);
        self.link(id, start)?;
        self.index.lines.push(Line {
            id,
            next: NO_LINE,
            name: Span::new(start, name_end),
            value: Span::new(value_start, value_end),
        });
        self.at = next;
        Ok(true)
    }

    fn link(&mut self, id: Option<HeaderId>, offset: usize) -> Result<(), ParseError> {
        let Some(id) = id else { return Ok(()) };
        let slot = self.index.lines.len() as u16;
        let previous = core::mem::replace(&mut self.last[id as usize], slot);
        if previous == NO_LINE {
            self.index.first[id as usize] = slot;
        } else if id.refused_twice() && self.shape == Shape::Message {
            return Err(ParseError::new(ParseErrorKind::Duplicate, offset).of_header(id));
        } else {
            self.index.lines[usize::from(previous)].next = slot;
        }
        Ok(())
    }

    fn body(&mut self) -> Result<(), ParseError> {
        let rest = self.bytes.len() - self.at;
        let slot = self.index.first[HeaderId::ContentLength as usize];
        let length = match self.index.lines.get(usize::from(slot)) {
            Some(line) if self.shape == Shape::Message => {
                let offset = line.value.start as usize;
                let refuse = |kind| ParseError::new(kind, offset).of_header(HeaderId::ContentLength);
                let length =
                    core::str::from_utf8(line.value.of(self.bytes)).ok().and_then(lex::delta_seconds);
                let length = length.ok_or_else(|| refuse(ParseErrorKind::ContentLength))? as usize;
                if length > rest {
                    return Err(refuse(ParseErrorKind::BodyTruncated));
                }
                length
            }
            Some(_) | None => rest,
        };
        self.index.body = Span::new(self.at, self.at + length);
        Ok(())
    }
}

fn fail<T>(kind: ParseErrorKind, offset: usize) -> Result<T, ParseError> {
    Err(ParseError::new(kind, offset))
}

fn is_version(text: &[u8]) -> bool {
    let Some((name, numbers)) = text.split_at_checked(4) else { return false };
    let mut parts = numbers.split(|byte| *byte == b'.');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    name.eq_ignore_ascii_case(b"SIP/")
        && is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_none()
}

/// A header line has a token before its colon; a request line has a blank-separated method before one.
fn is_header_line(line: &[u8]) -> bool {
    memchr(b':', line).is_some_and(|colon| lex::is_token_bytes(line[..colon].trim_ascii_end()))
}
