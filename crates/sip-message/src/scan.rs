//! The one pass over the bytes of a message, which makes its [`Index`] (RFC 3261 §7).

use memchr::{memchr, memchr_iter, memchr2};

use crate::index::{Index, LONGEST_HEAD, Line, NO_LINE, Span, Start};
use crate::lex::{self, Class};
use crate::{HeaderId, Limits, Method, ParseError, ParseErrorKind, StatusCode};

/// What a text has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Start line, headers, empty line, body (RFC 3261 §7).
    Message,
    /// Each of them optional, and the last line end too (RFC 3420 §2).
    Fragment,
}

/// Indexes `bytes`, which hold one message and nothing else. A fault that leaves a request answerable is noted in the
/// index; any other is an error.
pub(crate) fn scan(bytes: &[u8], limits: &Limits, shape: Shape) -> Result<Index, ParseError> {
    if bytes.len() > limits.message {
        return fail(ParseErrorKind::MessageTooLarge, limits.message);
    }
    let reach = &bytes[..bytes.len().min(LONGEST_HEAD)];
    let most_lines = limits.headers.min(usize::from(NO_LINE));
    let whole = reach.len() == bytes.len();
    let scan = Scan { bytes: reach, limits, most_lines, shape, whole };
    let mut index = Index::empty();
    let mut at = scan.start_line(&mut index)?;
    while let Some(next) = scan.header_line(at, &mut index)? {
        at = next;
    }
    let body = scan.after_empty_line(at);
    let head = &bytes[..body];
    if let Some(nul) = memchr_iter(0, head).find(|&at| !is_escaped(&head[..at])) {
        return fail(ParseErrorKind::ControlCharacter, nul);
    }
    let second = index.link();
    let rest = bytes.len() - body;
    index.body = (body, bytes.len());
    if shape == Shape::Message {
        index.fault = index.fault.or(second);
        match content_length(&index, head, rest) {
            Ok(length) => index.body.1 = body + length,
            Err(fault) => index.fault = index.fault.or(Some(fault)),
        }
    }
    Ok(index)
}

/// NUL may stand behind a backslash that is not escaped itself: as a quoted pair (RFC 3261 §25.1).
#[cold]
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

struct Scan<'a> {
    /// The message as far as its head may reach.
    bytes: &'a [u8],
    limits: &'a Limits,
    most_lines: usize,
    shape: Shape,
    /// Whether nothing of the message lies beyond `bytes`.
    whole: bool,
}

impl Scan<'_> {
    /// Finds the end of the line that continues at `from`: (end of text, start of next line).
    #[expect(clippy::inline_always, reason = "a call for each header line costs a tenth of the pass")]
    #[inline(always)]
    fn line_end(&self, from: usize, line_start: usize) -> Result<(usize, usize), ParseError> {
        let bytes = self.bytes;
        let Some(found) = memchr2(b'\n', b'\r', &bytes[from..]) else {
            return self.no_line_end(line_start);
        };
        let end = from + found;
        let next = match bytes[end..] {
            [b'\r', b'\n', ..] => end + 2,
            [b'\n', ..] => end + 1,
            [b'\r'] if !self.whole => return self.no_line_end(line_start),
            _ => return fail(ParseErrorKind::ControlCharacter, end),
        };
        if end - line_start > self.limits.line {
            return fail(ParseErrorKind::LineTooLong, line_start);
        }
        Ok((end, next))
    }

    #[cold]
    fn no_line_end(&self, line_start: usize) -> Result<(usize, usize), ParseError> {
        let end = self.bytes.len();
        if end - line_start > self.limits.line {
            fail(ParseErrorKind::LineTooLong, line_start)
        } else if !self.whole {
            fail(ParseErrorKind::MessageTooLarge, end)
        } else if self.shape == Shape::Fragment {
            Ok((end, end))
        } else {
            fail(ParseErrorKind::UnexpectedEnd, end)
        }
    }

    /// Reads the start line; gives where the next line starts.
    fn start_line(&self, index: &mut Index) -> Result<usize, ParseError> {
        // RFC 3261 §7.5: line ends before the start line are ignored.
        let start = lex::run(self.bytes, 0, Class::LINE_END);
        if start == self.bytes.len() {
            return if self.whole {
                fail(ParseErrorKind::Empty, 0)
            } else {
                fail(ParseErrorKind::MessageTooLarge, start)
            };
        }
        let is_status = self.bytes[start..].get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"));
        let (end, next) = self.line_end(start, start).map_err(|error| match error.kind() {
            ParseErrorKind::LineTooLong if !is_status => ParseError::new(ParseErrorKind::UriTooLong, start),
            _ => error,
        })?;
        let line = &self.bytes[start..end];
        if self.shape == Shape::Fragment && is_header_line(line) {
            return Ok(start);
        }
        index.start = if is_status {
            status_line(line, start)?
        } else {
            let (request, fault) = request_line(line, start)?;
            index.fault = fault;
            request
        };
        Ok(next)
    }

    /// Reads one header line with its continuations; gives where the next line starts, nothing at the end of the head.
    fn header_line(&self, start: usize, index: &mut Index) -> Result<Option<usize>, ParseError> {
        let bytes = self.bytes;
        let Some((id, name_end, colon)) = header_name(bytes, start) else {
            return self.no_header(start);
        };
        if index.lines.len() >= self.most_lines {
            return fail(ParseErrorKind::TooManyHeaders, start);
        }
        let value_start = lex::blanks(bytes, colon + 1);
        let (mut end, mut next) = self.line_end(value_start, start)?;
        let mut folds = 0;
        while let Some(b' ' | b'\t') = bytes.get(next) {
            if folds >= self.limits.folds {
                return fail(ParseErrorKind::TooManyFolds, next);
            }
            folds += 1;
            index.folded = true;
            (end, next) = self.line_end(next, start)?;
        }
        let value = trim(bytes, value_start, end);
        let name = Span::new(start, name_end);
        index.lines.push(Line { name, value, id, next: NO_LINE });
        Ok(Some(next))
    }

    /// Tells the end of the head from a line that is no header.
    fn no_header(&self, start: usize) -> Result<Option<usize>, ParseError> {
        match self.bytes.get(start..) {
            Some([b'\n', ..] | [b'\r', b'\n', ..]) => Ok(None),
            None | Some([]) if self.shape == Shape::Fragment && self.whole => Ok(None),
            _ => {
                // A line that does not end is another fault than a line without a name.
                self.line_end(start, start)?;
                fail(ParseErrorKind::HeaderName, start)
            }
        }
    }

    fn after_empty_line(&self, at: usize) -> usize {
        match self.bytes.get(at..) {
            Some([b'\r', b'\n', ..]) => at + 2,
            Some([b'\n', ..]) => at + 1,
            _ => at,
        }
    }
}

/// Reads a name and its colon: which header it is, where the name ends, where the colon stands.
///
/// What is in the table is a token and needs no look at its letters.
#[inline]
fn header_name(bytes: &[u8], start: usize) -> Option<(Option<HeaderId>, usize, usize)> {
    let colon = start + memchr(b':', &bytes[start..])?;
    let name = &bytes[start..colon];
    if let Some(id) = HeaderId::of_bytes(name) {
        return Some((Some(id), colon, colon));
    }
    let name_end = lex::run(bytes, start, Class::TOKEN);
    if name_end == start || lex::blanks(bytes, name_end) != colon {
        return None;
    }
    Some((HeaderId::of_bytes(&bytes[start..name_end]), name_end, colon))
}

/// Takes blanks and folds off both ends of a value.
#[inline]
fn trim(bytes: &[u8], mut start: usize, mut end: usize) -> Span {
    let blank = |byte: u8| lex::is(byte, Class::BLANK) || lex::is(byte, Class::LINE_END);
    while start < end && blank(bytes[start]) {
        start += 1;
    }
    while end > start && blank(bytes[end - 1]) {
        end -= 1;
    }
    Span::new(start, end)
}

fn status_line(line: &[u8], start: usize) -> Result<Start, ParseError> {
    let version_end = memchr(b' ', line).unwrap_or(line.len());
    if !line[..version_end].eq_ignore_ascii_case(b"SIP/2.0") {
        return fail(ParseErrorKind::Version, start);
    }
    let Some(blanks) = line[version_end..].iter().position(|byte| *byte != b' ') else {
        return fail(ParseErrorKind::StatusCode, start + line.len());
    };
    let code_start = version_end + blanks;
    let code_end = memchr(b' ', &line[code_start..]).map_or(line.len(), |length| code_start + length);
    let Some(code) = StatusCode::from_bytes(&line[code_start..code_end]) else {
        return fail(ParseErrorKind::StatusCode, start + code_start);
    };
    // The blank before an empty phrase is missing in many responses.
    let reason = (code_end + 1).min(line.len());
    Ok(Start::Status { code, reason: Span::new(start + reason, start + line.len()) })
}

/// Reads a request line. Blanks beside or inside the Request-URI are a fault, though one that can be answered.
fn request_line(line: &[u8], start: usize) -> Result<(Start, Option<ParseError>), ParseError> {
    let first = lex::short_run(line, 0, Class::TOKEN);
    let (Some(b' '), Some(last)) = (line.get(first), memchr::memrchr(b' ', line)) else {
        let kind =
            if memchr(b' ', line).is_some() { ParseErrorKind::Method } else { ParseErrorKind::StartLine };
        return fail(kind, start);
    };
    let Some(method) = Method::of_bytes(&line[..first]) else {
        return fail(ParseErrorKind::Method, start);
    };
    let blanks = line.len() - line.trim_ascii_end().len();
    if blanks > 0 {
        // The version stands before the blanks at the end.
        let (request, fault) = request_line(&line[..line.len() - blanks], start)?;
        let here = ParseError::new(ParseErrorKind::StartLine, start + line.len() - blanks);
        return Ok((request, fault.or(Some(here))));
    }
    let version = &line[last + 1..];
    let version_known = version == b"SIP/2.0" || version.eq_ignore_ascii_case(b"SIP/2.0");
    if !version_known && !is_version(version) {
        return fail(ParseErrorKind::StartLine, start + last + 1);
    }
    if last <= first + 1 {
        return fail(ParseErrorKind::StartLine, start + first);
    }
    // Exactly one blank on either side, and none inside (RFC 3261 §7.1).
    let blank = lex::run(line, first + 1, Class::NO_BLANK);
    let fault = (blank < last).then(|| ParseError::new(ParseErrorKind::StartLine, start + blank));
    let uri = Span::new(start + first + 1, start + last);
    Ok((Start::Request { method, uri, version_known }, fault))
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
    let name_end = lex::run(line, 0, Class::TOKEN);
    name_end > 0 && line.get(lex::blanks(line, name_end)) == Some(&b':')
}

/// How many of the `rest` bytes behind the head are the body (RFC 3261 §18.3).
fn content_length(index: &Index, head: &[u8], rest: usize) -> Result<usize, ParseError> {
    let slot = index.first[HeaderId::ContentLength as usize];
    let Some(line) = index.lines.get(usize::from(slot)) else { return Ok(rest) };
    let refuse = |kind| Err(ParseError::new(kind, line.value.start()).of_header(HeaderId::ContentLength));
    match lex::digits(line.value.of(head)) {
        Some(length) if length as usize <= rest => Ok(length as usize),
        Some(_) => refuse(ParseErrorKind::BodyTruncated),
        None => refuse(ParseErrorKind::ContentLength),
    }
}

fn fail<T>(kind: ParseErrorKind, offset: usize) -> Result<T, ParseError> {
    Err(ParseError::new(kind, offset))
}
