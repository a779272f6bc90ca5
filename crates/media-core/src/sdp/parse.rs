//! Bytes to [`SessionDescription`].

use memchr::memchr3;

use super::{
    Connection, MAX_ATTRIBUTES, MAX_FORMATS, MAX_LINE_BYTES, MAX_LINES, MAX_MEDIA, MAX_SDP_BYTES, Media,
    Origin, Rule, SdpError, SessionDescription, Span, TextRef,
};

/// Most lines are longer than this, so that the list of lines is allocated once.
const USUAL_LINE_BYTES: usize = 16;

impl SessionDescription {
    /// Parses a description.
    ///
    /// CRLF or LF ends a line, the last one may lack it; empty lines count and are dropped. The order of the lines
    /// matters only where it decides what they belong to.
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpError> {
        if bytes.len() > MAX_SDP_BYTES {
            return Err(SdpError::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        let (mut start, mut number) = (0, 0);
        while start < bytes.len() {
            number += 1;
            let (end, next) =
                end_of_line(bytes, start).ok_or(SdpError::Malformed { line: number, rule: Rule::Text })?;
            if end > start {
                reader.line(number, start, end)?;
            }
            start = next;
        }
        reader.finish()
    }
}

/// Where the line ends and where the next one starts; `None` where a CR or NUL ends nothing.
fn end_of_line(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let Some(length) = memchr3(b'\n', b'\r', b'\0', &bytes[start..]) else {
        return Some((bytes.len(), bytes.len()));
    };
    let end = start + length;
    match (bytes[end], bytes.get(end + 1)) {
        (b'\n', _) => Some((end, end + 1)),
        (b'\r', Some(b'\n')) => Some((end, end + 2)),
        (b'\r', None) => Some((end, end + 1)),
        _ => None,
    }
}

/// What was read so far.
struct Reader<'a> {
    bytes: &'a [u8],
    text: TextRef<'a>,
    lines: Vec<Span>,
    origin: bool,
    name: bool,
    connection: bool,
    media: usize,
    /// Of the section that is being read.
    attributes: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let lines = Vec::with_capacity((bytes.len() / USUAL_LINE_BYTES).min(MAX_LINES));
        let text = TextRef::of(bytes);
        Self { bytes, text, lines, origin: false, name: false, connection: false, media: 0, attributes: 0 }
    }

    fn line(&mut self, line: usize, start: usize, end: usize) -> Result<(), SdpError> {
        if end - start > MAX_LINE_BYTES {
            return Err(SdpError::LineTooLong { line });
        }
        if self.lines.len() == MAX_LINES {
            return Err(SdpError::TooManyLines { line });
        }
        let broken = |rule| SdpError::Malformed { line, rule };
        let [kind @ (b'a'..=b'z' | b'A'..=b'Z'), b'=', value @ ..] = &self.bytes[start..end] else {
            return Err(broken(Rule::Line));
        };
        let span = Span { kind: *kind, start: (start + 2) as u16, end: end as u16 };
        if self.lines.is_empty() != (*kind == b'v') {
            return Err(broken(Rule::Version));
        }
        let in_session = self.media == 0;
        match kind {
            b'v' if value.trim_ascii() != b"0" => return Err(broken(Rule::Version)),
            b'o' => {
                if std::mem::replace(&mut self.origin, true) || !in_session {
                    return Err(broken(Rule::Place));
                }
                Origin::parse(value).ok_or(broken(Rule::Origin))?;
            }
            b's' if std::mem::replace(&mut self.name, true) || !in_session => {
                return Err(broken(Rule::SessionName));
            }
            b'c' => {
                if in_session && std::mem::replace(&mut self.connection, true) {
                    return Err(broken(Rule::Connection));
                }
                span.text(self.text).and_then(Connection::parse).ok_or(broken(Rule::Connection))?;
            }
            b'a' => {
                if self.attributes == MAX_ATTRIBUTES {
                    return Err(SdpError::TooManyAttributes { line });
                }
                self.attributes += 1;
                if matches!(value.trim_ascii_start().first(), None | Some(b':')) {
                    return Err(broken(Rule::Attribute));
                }
            }
            b'm' => {
                if self.media == MAX_MEDIA {
                    return Err(SdpError::TooManyMedia { line });
                }
                self.media += 1;
                self.attributes = 0;
                let media = [span];
                let media = Media::of(self.text, &media).ok_or(broken(Rule::Media))?;
                if media.formats().nth(MAX_FORMATS).is_some() {
                    return Err(SdpError::TooManyFormats { line });
                }
            }
            b'u' | b'e' | b'p' | b't' | b'r' | b'z' if !in_session => return Err(broken(Rule::Place)),
            // RFC 8866 §5 lets a parser refuse what has a type letter that it does not know; it is kept instead.
            _ => {}
        }
        self.lines.push(span);
        Ok(())
    }

    fn finish(self) -> Result<SessionDescription, SdpError> {
        if self.lines.is_empty() {
            return Err(SdpError::Malformed { line: 1, rule: Rule::Version });
        }
        if !self.origin {
            return Err(SdpError::MissingOrigin);
        }
        Ok(SessionDescription { text: self.text.to_owned(), lines: self.lines })
    }
}
