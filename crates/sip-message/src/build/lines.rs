use core::fmt::Display;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{BuildError, HeaderId, HeaderName, Limits, lex};

/// The header lines a caller has given, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: Vec<(Name, String)>,
}

#[derive(Debug, Clone)]
enum Name {
    Known(HeaderId),
    Extension(Box<str>),
}

impl Lines {
    pub(super) fn push(&mut self, id: HeaderId, value: impl Display) {
        self.lines.push((Name::Known(id), value.to_string()));
    }

    /// A well-known name is stored as such, so that it cannot slip past the rules of its header.
    pub(super) fn push_named(&mut self, name: &str, value: impl Display) {
        let name = match HeaderName::of(name) {
            HeaderName::Known(id) => Name::Known(id),
            HeaderName::Unknown(name) => Name::Extension(name.into()),
        };
        self.lines.push((name, value.to_string()));
    }

    pub(super) fn remove(&mut self, id: HeaderId) {
        self.lines.retain(|(name, _)| !matches!(name, Name::Known(known) if *known == id));
    }

    pub(super) fn values(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(move |(name, value)| match name {
            Name::Known(known) if *known == id => Some(value.as_str()),
            Name::Known(_) | Name::Extension(_) => None,
        })
    }

    pub(super) fn has(&self, id: HeaderId) -> bool {
        self.values(id).next().is_some()
    }

    /// Refuses headers that the encoder writes, and second lines of headers that may stand once.
    pub(super) fn check(&self, managed: &[HeaderId]) -> Result<(), BuildError> {
        for (at, (name, _)) in self.lines.iter().enumerate() {
            match name {
                Name::Known(id) if managed.contains(id) => return Err(BuildError::Managed(*id)),
                Name::Known(id) if id.is_single() => {
                    let earlier = &self.lines[..at];
                    if earlier.iter().any(|(other, _)| matches!(other, Name::Known(known) if known == id)) {
                        return Err(BuildError::Duplicate(*id));
                    }
                }
                Name::Known(_) => {}
                Name::Extension(name) if !lex::is_token(name) => {
                    return Err(BuildError::HeaderName(name.clone()));
                }
                Name::Extension(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut Writer) -> Result<(), BuildError> {
        self.lines.iter().try_for_each(|(name, value)| match name {
            Name::Known(id) => out.header(*id, value),
            Name::Extension(name) => out.line(name, value),
        })
    }
}

/// The message under construction.
pub(super) struct Writer {
    out: BytesMut,
}

/// Room for a message of usual size, so that it is written without growing.
const USUAL: usize = 1024;

impl Writer {
    pub(super) fn start(first_line: &[&str]) -> Writer {
        let mut out = BytesMut::with_capacity(USUAL);
        for part in first_line {
            out.put_slice(part.as_bytes());
        }
        out.put_slice(b"\r\n");
        Writer { out }
    }

    pub(super) fn header(&mut self, id: HeaderId, value: &str) -> Result<(), BuildError> {
        self.line(id.name(), value)
    }

    pub(super) fn line(&mut self, name: &str, value: &str) -> Result<(), BuildError> {
        if lex::has_line_breaker(value.as_bytes()) {
            return Err(BuildError::ControlCharacter(name.into()));
        }
        self.write(name, value);
        Ok(())
    }

    /// Writes a value of a parsed message as it is: it holds no line end, and NUL only as a quoted pair.
    pub(super) fn copy(&mut self, id: HeaderId, value: &str) {
        self.write(id.name(), value);
    }

    fn write(&mut self, name: &str, value: &str) {
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b": ");
        self.out.put_slice(lex::trim(value).as_bytes());
        self.out.put_slice(b"\r\n");
    }

    /// Writes Content-Length as the last header, the empty line and the body.
    pub(super) fn finish(mut self, body: &[u8]) -> Result<Bytes, BuildError> {
        self.header(HeaderId::ContentLength, &body.len().to_string())?;
        self.out.put_slice(b"\r\n");
        let total = self.out.len().saturating_add(body.len());
        if total > Limits::MESSAGE {
            return Err(BuildError::TooLarge(total));
        }
        self.out.put_slice(body);
        Ok(self.out.freeze())
    }
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

    /// Writes Content-Type if there is a body, then the end of the message.
    pub(super) fn finish(body: Option<&Body>, mut out: Writer) -> Result<Bytes, BuildError> {
        match body {
            Some(body) => {
                out.header(HeaderId::ContentType, &body.content_type)?;
                out.finish(&body.bytes)
            }
            None => out.finish(b""),
        }
    }
}
