//! The index over a message: where its start line, header lines and body are, and which header each line is.
//!
//! Made by one pass of [`scan`](crate::scan); held inside the message, without memory of its own for usual heads.

use crate::{HeaderId, HeaderName, Method, ParseError, ParseErrorKind, StatusCode};

/// A range of bytes in the head of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

/// Longest head in bytes: a [`Span`] reaches no further. A head that fills one datagram fits.
pub(crate) const LONGEST_HEAD: usize = u16::MAX as usize;

impl Span {
    /// Both ends lie within [`LONGEST_HEAD`].
    pub(crate) const fn new(start: usize, end: usize) -> Span {
        Span { start: start as u16, end: end as u16 }
    }

    pub(crate) const fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) const fn end(self) -> usize {
        self.end as usize
    }

    /// Where a slice of a text stands in it; the text is part of a head.
    pub(crate) fn within(text: &str, part: &str) -> Span {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        Span::new(start, start + part.len())
    }

    pub(crate) fn text(self, text: &str) -> &str {
        &text[usize::from(self.start)..usize::from(self.end)]
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.end)]
    }
}

/// One header line: its name as written, its value without outer blanks, the next line of the same header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) id: Option<HeaderId>,
    pub(crate) next: u8,
}

impl Line {
    /// The line of the builders, `name: value` and CRLF, that stands from `start` to `end`.
    pub(crate) fn written(name: HeaderName<'_>, start: usize, end: usize) -> Line {
        let name_end = start + name.as_str().len();
        let value = Span::new(name_end + ": ".len(), end - "\r\n".len());
        Line { name: Span::new(start, name_end), value, id: name.id(), next: NO_LINE }
    }

    /// The same line where `start` has become `at`, with `cut` bytes less at the front of its value; not joined to
    /// others.
    #[inline]
    pub(crate) const fn moved(self, start: usize, at: usize, cut: usize) -> Line {
        let name = Span::new(self.name.start() - start + at, self.name.end() - start + at);
        let value = Span::new(self.value.start() - start + at, self.value.end() - start + at - cut);
        Line { name, value, id: self.id, next: NO_LINE }
    }
}

/// Marks "no such line" in [`Index::first`] and [`Line::next`]; also the most lines an index can hold.
pub(crate) const NO_LINE: u8 = u8::MAX;

/// Lines held without an allocation of their own: most messages have fewer.
const INLINE_LINES: usize = 24;

/// The header lines in order.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub(crate) enum Lines {
    Few([Line; INLINE_LINES], u8),
    Many(Vec<Line>),
}

impl Lines {
    const fn new() -> Lines {
        const NONE: Line = Line { name: Span::new(0, 0), value: Span::new(0, 0), id: None, next: NO_LINE };
        Lines::Few([NONE; INLINE_LINES], 0)
    }

    #[inline]
    pub(crate) fn push(&mut self, line: Line) {
        match self {
            Lines::Few(lines, count) if usize::from(*count) < INLINE_LINES => {
                lines[usize::from(*count)] = line;
                *count += 1;
            }
            Lines::Few(lines, _) => {
                let mut many = Vec::with_capacity(2 * INLINE_LINES);
                many.extend_from_slice(lines);
                many.push(line);
                *self = Lines::Many(many);
            }
            Lines::Many(lines) => lines.push(line),
        }
    }
}

impl core::ops::Deref for Lines {
    type Target = [Line];

    #[inline]
    fn deref(&self) -> &[Line] {
        match self {
            Lines::Few(lines, count) => &lines[..usize::from(*count)],
            Lines::Many(lines) => lines,
        }
    }
}

impl core::ops::DerefMut for Lines {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Line] {
        match self {
            Lines::Few(lines, count) => &mut lines[..usize::from(*count)],
            Lines::Many(lines) => lines,
        }
    }
}

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

#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) start: Start,
    pub(crate) lines: Lines,
    pub(crate) first: [u8; HeaderId::COUNT],
    /// What is wrong with a message that can be answered all the same.
    pub(crate) fault: Option<ParseError>,
    /// Where the body starts and ends.
    pub(crate) body: (usize, usize),
    /// Whether a value goes on in the next line.
    pub(crate) folded: bool,
}

impl Index {
    pub(crate) const fn empty() -> Index {
        Index {
            start: Start::Absent,
            lines: Lines::new(),
            first: [NO_LINE; HeaderId::COUNT],
            fault: None,
            body: (0, 0),
            folded: false,
        }
    }

    /// Joins the lines of each header, first to last. Gives the first line that makes the message unusable, as it stands
    /// a second time.
    pub(crate) fn link(&mut self) -> Option<ParseError> {
        let (first, lines) = (&mut self.first, &mut *self.lines);
        let mut second = None;
        for slot in (0..lines.len()).rev() {
            let Some(id) = lines[slot].id else { continue };
            let later = core::mem::replace(&mut first[id as usize], slot as u8);
            if later != NO_LINE && id.refused_twice() {
                second = second.min(Some((later, id))).or(Some((later, id)));
            }
            lines[slot].next = later;
        }
        second.map(|(slot, id)| {
            let offset = lines[usize::from(slot)].name.start();
            ParseError::new(ParseErrorKind::Duplicate, offset).of_header(id)
        })
    }

    /// Copies the head and turns the line ends inside values into blanks.
    pub(crate) fn unfold(&self, head: &[u8]) -> Vec<u8> {
        let mut text = head.to_vec();
        for line in self.lines.iter() {
            for byte in &mut text[line.value.start.into()..line.value.end.into()] {
                if matches!(byte, b'\r' | b'\n') {
                    *byte = b' ';
                }
            }
        }
        text
    }

    /// Finds out whether only extension headers and the reason phrase are not UTF-8.
    pub(crate) fn check_utf8(&self, head: &[u8]) -> Result<(), ParseError> {
        let check = |span: Span, header: Option<HeaderId>| match core::str::from_utf8(span.of(head)) {
            Ok(_) => Ok(()),
            Err(bad) => {
                let error = ParseError::new(ParseErrorKind::NotUtf8, span.start() + bad.valid_up_to());
                Err(header.map_or(error, |id| error.of_header(id)))
            }
        };
        if let Start::Request { uri, .. } = self.start {
            check(uri, None)?;
        }
        self.lines.iter().filter(|line| line.id.is_some()).try_for_each(|line| check(line.value, line.id))
    }
}
