//! An m-line and the lines that belong to it.

use std::fmt;

use super::fields::{parse_number, split_at_byte, split_word, split_words};
use super::{
    Attribute, Connection, Encoding, Line, Span, TextRef, attributes, attributes_named, direction_of, first,
};
use crate::direction::Direction;

/// Shows an m-line with the lines that belong to it (RFC 8866 §5.14).
#[derive(Clone, Copy)]
pub struct Media<'a> {
    /// The media type, such as `audio`.
    pub kind: &'a str,
    /// The port; 0 says that the stream is rejected (RFC 3264 §5.1).
    pub port: u16,
    /// The number of ports when the line says `port/number`.
    pub port_count: Option<u16>,
    /// The profile, such as `RTP/AVP`.
    pub protocol: &'a str,
    formats: &'a str,
    text: TextRef<'a>,
    lines: &'a [Span],
}

impl<'a> Media<'a> {
    /// A section begins with its `m=`; `parse` has read it before.
    pub(super) fn of(text: TextRef<'a>, lines: &'a [Span]) -> Option<Self> {
        let (first, lines) = lines.split_first()?;
        let [kind, ports, protocol, formats] = split(first.text(text)?)?;
        let (port, port_count) = match split_at_byte(ports, b'/') {
            Some((port, count)) => (port, Some(parse_number(count)?)),
            None => (ports, None),
        };
        Some(Self { kind, port: parse_number(port)?, port_count, protocol, formats, text, lines })
    }

    /// Returns the formats: payload types for RTP profiles.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> {
        split_words(self.formats)
    }

    /// Returns the payload types among the formats, 0 to 127.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats().filter_map(parse_number).filter(|&number: &u8| number < 128)
    }

    /// Returns the lines behind the `m=`, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        let text = self.text;
        self.lines.iter().map(move |span| span.line(text))
    }

    /// Returns the value of the first line of a type.
    pub fn value(&self, kind: u8) -> Option<&'a [u8]> {
        first(self.lines, kind).map(|span| span.value(self.text))
    }

    /// Returns the line's own addresses; more than one is a multicast hierarchy (RFC 8866 §5.7), never a call.
    pub fn connections(&self) -> impl Iterator<Item = Connection<'a>> {
        let text = self.text;
        let lines = self.lines.iter().filter(|span| span.kind == b'c');
        lines.filter_map(move |span| Connection::parse(span.text(text)?))
    }

    /// Returns the line's own attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        attributes(self.text, self.lines)
    }

    /// Returns the value of the first attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes_named(name).next()?
    }

    /// Returns the value of each attribute with this name, in order; `None` for one without.
    pub fn attributes_named<'b>(&self, name: &'b str) -> impl Iterator<Item = Option<&'a str>> + use<'a, 'b> {
        attributes_named(self.text, self.lines, name)
    }

    /// Returns the line's own direction.
    pub fn direction(&self) -> Option<Direction> {
        direction_of(self.text, self.lines)
    }

    /// Returns each payload type that `a=rtpmap` binds, with its encoding, in order.
    pub fn encodings(&self) -> impl Iterator<Item = (u8, Encoding<'a>)> {
        self.attributes_named("rtpmap").filter_map(|value| Encoding::bound(value?))
    }
}

impl fmt::Debug for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {} {} ", self.kind, self.port, self.protocol, self.formats)?;
        f.debug_list().entries(self.lines()).finish()
    }
}

/// Splits an m-line's value into type, ports, profile and formats, of which there is at least one. One blank divides the
/// first three: with two of them, other parsers take the empty word for one of the values.
fn split(value: &str) -> Option<[&str; 4]> {
    let (kind, rest) = split_at_byte(value, b' ')?;
    let (ports, rest) = split_at_byte(rest, b' ')?;
    let (protocol, formats) = split_at_byte(rest, b' ')?;
    let whole =
        !kind.is_empty() && !ports.is_empty() && !protocol.is_empty() && split_word(formats).is_some();
    whole.then_some([kind, ports, protocol, formats])
}
