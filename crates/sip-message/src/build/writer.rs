use bytes::Bytes;
use smallvec::SmallVec;

use crate::print::Digits;
use crate::{BuildError, HeaderId, Limits, lex};

/// The message under construction: its pieces in order, which are copied into memory of just their size at the end.
///
/// A line is ended where the next one starts.
#[derive(Debug, Default)]
pub(super) struct Writer<'a> {
    pieces: SmallVec<[&'a [u8]; USUAL_PIECES]>,
    length: usize,
    lines: usize,
}

/// Pieces held without an allocation: four for the start line, and two for each line of most messages.
const USUAL_PIECES: usize = 64;

impl<'a> Writer<'a> {
    /// The whole message, in one allocation. Refuses one that is too long or has too many lines.
    pub(super) fn bytes(&self) -> Result<Bytes, BuildError> {
        if self.lines > Limits::HEADERS {
            return Err(BuildError::TooManyHeaders(self.lines));
        }
        if self.length > Limits::MESSAGE {
            return Err(BuildError::TooLarge(self.length));
        }
        let mut out = Vec::with_capacity(self.length);
        for piece in &self.pieces {
            out.extend_from_slice(piece);
        }
        // A full vector becomes `Bytes` where it is; one with room left would cost a second allocation.
        Ok(out.into())
    }

    /// How many bytes there are so far.
    pub(super) const fn position(&self) -> usize {
        self.length
    }

    #[inline]
    pub(super) fn put(&mut self, piece: &'a [u8]) {
        self.length += piece.len();
        self.pieces.push(piece);
    }

    /// Writes the start line from its parts, in which no caller's text may hold a line end.
    pub(super) fn start(&mut self, line: [&'a [u8]; 4]) -> Result<(), BuildError> {
        for part in line {
            self.put(part);
        }
        check_length("start line", self.length)
    }

    /// Writes a line with a value that was given.
    pub(super) fn header(&mut self, id: HeaderId, value: &'a str) -> Result<(), BuildError> {
        let value = lex::trim(value);
        if lex::has_line_breaker(value.as_bytes()) {
            return Err(BuildError::ControlCharacter(id.name().into()));
        }
        self.copy(id, &[value.as_bytes()])
    }

    /// Writes a value of a parsed message, in parts, as it is: it holds no line end, and NUL only as a quoted pair. Its line
    /// may be longer than the one that was read: by the long name, the blank behind the colon, and what is added.
    #[inline]
    pub(super) fn copy(&mut self, id: HeaderId, value: &[&'a [u8]]) -> Result<(), BuildError> {
        let start = self.length + LINE_END.len();
        self.lines += 1;
        self.put(id.start_of_line().as_bytes());
        for part in value {
            self.put(part);
        }
        check_length(id.name(), self.length - start)
    }

    /// Writes lines that are checked, each with its end, so many of them.
    pub(super) fn lines(&mut self, text: &'a str, count: usize) {
        if let Some(text) = text.strip_suffix(LINE_END) {
            self.put(LINE_END.as_bytes());
            self.put(text.as_bytes());
        }
        self.count_lines(count);
    }

    /// Counts lines that [`put`](Self::put) writes.
    pub(super) const fn count_lines(&mut self, lines: usize) {
        self.lines += lines;
    }

    /// Writes Content-Type if there is a body, Content-Length as the last header, the empty line and the body.
    pub(super) fn finish(&mut self, body: Option<&'a Body>) -> Result<(), BuildError> {
        let Some(body) = body else {
            self.put(b"\r\nContent-Length: 0\r\n\r\n");
            self.count_lines(1);
            return Ok(());
        };
        self.header(HeaderId::ContentType, &body.content_type)?;
        self.copy(HeaderId::ContentLength, &[body.length.as_bytes()])?;
        self.put(b"\r\n\r\n");
        self.put(&body.bytes);
        Ok(())
    }
}

/// What stands between name and value.
pub(super) const COLON: &str = ": ";

/// What stands behind a line.
pub(super) const LINE_END: &str = "\r\n";

/// Refuses a line, given by its length without line end, that no message may hold.
#[inline]
pub(super) fn check_length(name: &str, length: usize) -> Result<(), BuildError> {
    if length > Limits::LINE { Err(BuildError::LineTooLong(name.into())) } else { Ok(()) }
}

/// A body with its media type.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
    length: Digits,
}

impl Body {
    pub(super) fn new(content_type: &str, bytes: impl AsRef<[u8]>) -> Body {
        let bytes = Bytes::copy_from_slice(bytes.as_ref());
        Body { content_type: content_type.into(), length: Digits::of(bytes.len() as u64), bytes }
    }
}
