//! Session descriptions (RFC 8866): every line kept in its place, bounded, checked where a call depends on it.
//!
//! A [`SessionDescription`] holds the text once and where its lines are. Values are views into it, made when they are
//! asked for. Lines of other types, also of types that RFC 8866 does not know, and attributes that nobody here reads are
//! not looked at; they are printed as they came.

mod error;
mod fields;
mod media;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod write;

pub use error::{Rule, SdpError};
pub use fields::{Attribute, Connection, Encoding, Line, Origin};
pub(crate) use fields::{parse_number, split_at_byte, split_words};
pub use media::Media;
pub use write::SdpWriter;

use std::fmt;

use crate::direction::Direction;

/// The largest description accepted, in bytes: several times what a browser offers for one audio line.
pub const MAX_SDP_BYTES: usize = 16_384;
/// The longest line accepted, in bytes: key material and ICE candidates fit, a filler attack does not.
pub const MAX_LINE_BYTES: usize = 2_048;
/// The most lines accepted: five times what a browser offers for audio and video; bounds what is held beside the text.
pub const MAX_LINES: usize = 1_024;
/// The most m-lines accepted: each must be answered, so each costs memory for the session's life.
pub const MAX_MEDIA: usize = 16;
/// The most attributes accepted at session level and per m-line.
pub const MAX_ATTRIBUTES: usize = 128;
/// The most formats accepted per m-line: there are 128 payload types.
pub const MAX_FORMATS: usize = 128;

/// Where a line's value is in the text; [`MAX_SDP_BYTES`] fits 16 bits.
#[derive(Debug, Clone, Copy)]
struct Span {
    kind: u8,
    start: u16,
    end: u16,
}

/// The text of a description. Where it is UTF-8 as a whole, which is checked once, no value is looked at again.
#[derive(Clone)]
enum Text {
    Utf8(Box<str>),
    Other(Box<[u8]>),
}

/// A [`Text`] that is borrowed.
#[derive(Clone, Copy)]
enum TextRef<'a> {
    Utf8(&'a str),
    Other(&'a [u8]),
}

/// Holds a session description. Two are equal when their lines are, whatever ends the lines. Its `Debug` shows no key.
#[derive(Clone)]
pub struct SessionDescription {
    text: Text,
    /// In their order: `v=` first, then the session's, then section by section, each with its `m=` first.
    lines: Vec<Span>,
}

impl SessionDescription {
    /// Returns every line, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|span| span.line(self.text()))
    }

    /// Returns the value of the session's first line of a type, such as `b's'` for the name.
    pub fn value(&self, kind: u8) -> Option<&[u8]> {
        first(self.session(), kind).map(|span| span.value(self.text()))
    }

    /// Returns the `o=` line.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn origin(&self) -> Origin<'_> {
        // invariant: `parse` returns no description without a readable origin.
        self.value(b'o').and_then(Origin::parse).expect("the origin was checked")
    }

    /// Returns the session's attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        attributes(self.text(), self.session())
    }

    /// Returns the m-lines with what belongs to them, in order.
    pub fn media(&self) -> impl Iterator<Item = Media<'_>> {
        self.sections().skip(1).filter_map(|lines| Media::of(self.text(), lines))
    }

    /// Returns how many m-lines there are.
    pub(crate) fn media_count(&self) -> usize {
        self.lines.iter().filter(|span| span.kind == b'm').count()
    }

    /// Returns the direction that holds for an m-line: its own, else the session's, else sendrecv (TR-219).
    pub fn direction(&self, media: &Media<'_>) -> Direction {
        media.direction().or_else(|| self.session_direction()).unwrap_or_default()
    }

    /// Returns the direction that holds where an m-line says nothing else.
    pub(crate) fn session_direction(&self) -> Option<Direction> {
        direction_of(self.text(), self.session())
    }

    /// Returns the address that holds for an m-line: its own first one, else the session's.
    pub fn connection<'a>(&'a self, media: &Media<'a>) -> Option<Connection<'a>> {
        media.connections().next().or_else(|| self.session_connection())
    }

    /// Returns the address that holds where an m-line has none.
    pub(crate) fn session_connection(&self) -> Option<Connection<'_>> {
        first(self.session(), b'c').and_then(|span| Connection::parse(span.text(self.text())?))
    }

    fn text(&self) -> TextRef<'_> {
        match &self.text {
            Text::Utf8(text) => TextRef::Utf8(text),
            Text::Other(text) => TextRef::Other(text),
        }
    }

    fn session(&self) -> &[Span] {
        self.sections().next().unwrap_or_default()
    }

    /// The session's lines, then those of each m-line.
    fn sections(&self) -> impl Iterator<Item = &[Span]> {
        self.lines.chunk_by(|_, next| next.kind != b'm')
    }
}

impl PartialEq for SessionDescription {
    fn eq(&self, other: &Self) -> bool {
        self.lines().eq(other.lines())
    }
}

impl Eq for SessionDescription {}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

impl<'a> TextRef<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Other(bytes), Self::Utf8)
    }

    fn to_owned(self) -> Text {
        match self {
            Self::Utf8(text) => Text::Utf8(text.into()),
            Self::Other(text) => Text::Other(text.into()),
        }
    }

    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Other(text) => text,
        }
    }
}

impl Span {
    fn value(self, text: TextRef<'_>) -> &[u8] {
        &text.bytes()[usize::from(self.start)..usize::from(self.end)]
    }

    /// The value; `None` where it is not UTF-8.
    fn text(self, text: TextRef<'_>) -> Option<&str> {
        match text {
            TextRef::Utf8(text) => text.get(usize::from(self.start)..usize::from(self.end)),
            TextRef::Other(_) => std::str::from_utf8(self.value(text)).ok(),
        }
    }

    fn line(self, text: TextRef<'_>) -> Line<'_> {
        Line { kind: self.kind, value: self.value(text) }
    }
}

fn first(lines: &[Span], kind: u8) -> Option<&Span> {
    lines.iter().find(|span| span.kind == kind)
}

fn attributes<'a>(text: TextRef<'a>, lines: &'a [Span]) -> impl Iterator<Item = Attribute<'a>> {
    lines
        .iter()
        .filter(|span| span.kind == b'a')
        .filter_map(move |span| span.text(text).map(Attribute::parse))
}

/// The values of the attributes with this name, `None` for a flag; without those that are not UTF-8.
fn attributes_named<'a, 'b>(
    text: TextRef<'a>,
    lines: &'a [Span],
    name: &'b str,
) -> impl Iterator<Item = Option<&'a str>> + use<'a, 'b> {
    let attributes = lines.iter().filter(|span| span.kind == b'a').filter_map(move |span| span.text(text));
    attributes.filter_map(move |attribute| {
        let rest = attribute.strip_prefix(name)?;
        match rest.strip_prefix(':') {
            Some(value) => Some(Some(value)),
            None => rest.trim_ascii_end().is_empty().then_some(None),
        }
    })
}

fn direction_of(text: TextRef<'_>, lines: &[Span]) -> Option<Direction> {
    attributes(text, lines).find_map(Attribute::direction)
}
