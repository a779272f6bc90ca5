use bytes::Bytes;

use crate::print::Digits;
use crate::{BuildError, HeaderId, Limits, lex};

/// The message under construction.
#[derive(Debug, Default)]
pub(super) struct Writer {
    length: usize,
    lines: usize,
    /// Absent while values are checked and bytes and lines counted.
    out: Option<Vec<u8>>,
}

impl Writer {
    /// Goes over a message twice: to check it and to count its bytes, then to write it into as many. It has to be the
    /// same message both times.
    pub(super) fn encode(
        mut message: impl FnMut(&mut Writer) -> Result<(), BuildError>,
    ) -> Result<Bytes, BuildError> {
        let mut counted = Writer::default();
        message(&mut counted)?;
        if counted.lines > Limits::HEADERS {
            return Err(BuildError::TooManyHeaders(counted.lines));
        }
        if counted.length > Limits::MESSAGE {
            return Err(BuildError::TooLarge(counted.length));
        }
        let mut written = Writer { out: Some(Vec::with_capacity(counted.length)), ..Writer::default() };
        message(&mut written)?;
        // A full vector becomes `Bytes` where it is; one with room left would cost a second allocation.
        Ok(written.out.unwrap_or_default().into())
    }

    /// How many bytes there are so far.
    pub(super) const fn position(&self) -> usize {
        self.length
    }

    /// Whether this is the first time.
    pub(super) const fn counts(&self) -> bool {
        self.out.is_none()
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        if let Some(out) = &mut self.out {
            out.extend_from_slice(bytes);
        }
    }

    /// Writes the start line from its parts, in which no caller's text may hold a line end.
    pub(super) fn start(&mut self, line: [&[u8]; 4]) -> Result<(), BuildError> {
        for part in line {
            self.put(part);
        }
        let checked = check_length("start line", self.length);
        self.put(b"\r\n");
        checked
    }

    pub(super) fn header(&mut self, id: HeaderId, value: &str) -> Result<(), BuildError> {
        self.line(id.name(), value)
    }

    pub(super) fn line(&mut self, name: &str, value: &str) -> Result<(), BuildError> {
        let value = lex::trim(value);
        if self.counts() && lex::has_line_breaker(value.as_bytes()) {
            return Err(BuildError::ControlCharacter(name.into()));
        }
        self.write(name, &[value.as_bytes()])
    }

    /// Writes a value of a parsed message, in parts, as it is: it holds no line end, and NUL only as a quoted pair. Its line
    /// may be longer than the one that was read: by the long name, the blank behind the colon, and what is added.
    pub(super) fn copy(&mut self, id: HeaderId, value: &[&[u8]]) -> Result<(), BuildError> {
        self.write(id.name(), value)
    }

    /// Writes a number.
    pub(super) fn number(&mut self, id: HeaderId, number: usize) -> Result<(), BuildError> {
        self.write(id.name(), &[Digits::of(number as u64).as_bytes()])
    }

    /// Counts lines that [`put`](Self::put) writes.
    pub(super) const fn count_lines(&mut self, lines: usize) {
        self.lines += lines;
    }

    /// Writes Content-Type if there is a body, Content-Length as the last header, the empty line and the body.
    pub(super) fn finish(&mut self, body: Option<&Body>) -> Result<(), BuildError> {
        let bytes: &[u8] = body.map_or(&[], |body| &body.bytes);
        if let Some(body) = body {
            self.header(HeaderId::ContentType, &body.content_type)?;
        }
        self.number(HeaderId::ContentLength, bytes.len())?;
        self.put(b"\r\n");
        self.put(bytes);
        Ok(())
    }

    fn write(&mut self, name: &str, value: &[&[u8]]) -> Result<(), BuildError> {
        let start = self.length;
        self.count_lines(1);
        self.put(name.as_bytes());
        self.put(COLON.as_bytes());
        for part in value {
            self.put(part);
        }
        let checked = check_length(name, self.length - start);
        self.put(LINE_END.as_bytes());
        checked
    }
}

/// What stands between name and value.
pub(super) const COLON: &str = ": ";

/// What stands behind a line.
pub(super) const LINE_END: &str = "\r\n";

/// Refuses a line, given by its length without line end, that no message may hold.
pub(super) fn check_length(name: &str, length: usize) -> Result<(), BuildError> {
    if length > Limits::LINE { Err(BuildError::LineTooLong(name.into())) } else { Ok(()) }
}

/// A body with its media type.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

impl Body {
    pub(super) fn new(content_type: &str, bytes: impl AsRef<[u8]>) -> Body {
        Body { content_type: content_type.into(), bytes: Bytes::copy_from_slice(bytes.as_ref()) }
    }
}
