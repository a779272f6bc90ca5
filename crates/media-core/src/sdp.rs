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
pub(crate) use fields::{parse_number, split_words};
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

/// Holds a session description. Two are equal when their lines are, whatever ends the lines. Its `Debug` shows no key.
#[derive(Clone)]
pub struct SessionDescription {
    text: Box<[u8]>,
    /// In their order: `v=` first, then the session's, then section by section, each with its `m=` first.
    lines: Vec<Span>,
}

impl SessionDescription {
    /// Returns every line, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|span| span.line(&self.text))
    }

    /// Returns the value of the session's first line of a type, such as `b's'` for the name.
    pub fn value(&self, kind: u8) -> Option<&[u8]> {
        first_value(&self.text, self.session(), kind)
    }

    /// Returns the `o=` line.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn origin(&self) -> Origin<'_> {
        // invariant: `parse` returns no description without a readable origin.
        self.value(b'o').and_then(Origin::parse).expect("the origin was checked")
    }

    /// Returns the session's attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        attributes(&self.text, self.session())
    }

    /// Returns the m-lines with what belongs to them, in order.
    pub fn media(&self) -> impl Iterator<Item = Media<'_>> {
        self.sections().skip(1).filter_map(|lines| Media::of(&self.text, lines))
    }

    /// Returns the direction that holds for an m-line: its own, else the session's, else sendrecv (TR-219).
    pub fn direction(&self, media: &Media<'_>) -> Direction {
        media.direction().or_else(|| direction_of(&self.text, self.session())).unwrap_or_default()
    }

    /// Returns the address that holds for an m-line: its own first one, else the session's.
    pub fn connection<'a>(&'a self, media: &Media<'a>) -> Option<Connection<'a>> {
        media.connections().next().or_else(|| self.value(b'c').and_then(Connection::parse))
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

impl Span {
    fn value(self, text: &[u8]) -> &[u8] {
        &text[usize::from(self.start)..usize::from(self.end)]
    }

    fn line(self, text: &[u8]) -> Line<'_> {
        Line { kind: self.kind, value: self.value(text) }
    }
}

fn first_value<'a>(text: &'a [u8], lines: &[Span], kind: u8) -> Option<&'a [u8]> {
    lines.iter().find(|span| span.kind == kind).map(|span| span.value(text))
}

fn attributes<'a>(text: &'a [u8], lines: &'a [Span]) -> impl Iterator<Item = Attribute<'a>> {
    lines.iter().filter(|span| span.kind == b'a').filter_map(|span| Attribute::parse(span.value(text)))
}

/// The values of the attributes with this name, `None` for a flag; without those that are not UTF-8.
fn attributes_named<'a, 'b>(
    text: &'a [u8],
    lines: &'a [Span],
    name: &'b str,
) -> impl Iterator<Item = Option<&'a str>> + use<'a, 'b> {
    let values = lines.iter().filter(|span| span.kind == b'a').map(|span| span.value(text));
    values.filter_map(move |value| match value.strip_prefix(name.as_bytes())? {
        [b':', value @ ..] => Some(Some(std::str::from_utf8(value).ok()?)),
        rest => rest.trim_ascii_end().is_empty().then_some(None),
    })
}

fn direction_of(text: &[u8], lines: &[Span]) -> Option<Direction> {
    let flags = lines.iter().filter(|span| span.kind == b'a').map(|span| span.value(text));
    flags
        .map(<[u8]>::trim_ascii_end)
        // Most attributes are longer, and need no further look.
        .filter(|flag| flag.len() <= LONGEST_DIRECTION)
        .filter_map(|flag| std::str::from_utf8(flag).ok())
        .find_map(Direction::from_attribute)
}

/// The longest of the attributes that name a direction, in bytes.
const LONGEST_DIRECTION: usize = "sendrecv".len();
