//! The bytes of a message and its head as text, which is checked once: a value is cut out of it and never looked at again.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use crate::index::Index;
use crate::{ParseError, ParseErrorKind};

/// The bytes of a message, as they arrived.
#[derive(Clone)]
pub(crate) enum Wire {
    /// All of them are UTF-8, the body too, and nothing is folded: they are the text.
    Text(ByteString),
    Copied(Arc<Copied>),
}

/// A message whose text is not its bytes.
pub(crate) struct Copied {
    bytes: Bytes,
    /// The head, byte for byte as long, with folds turned into blanks and `?` for each byte that is not UTF-8.
    text: Box<str>,
    /// Where there are such bytes: the head with folds turned into blanks and nothing else.
    odd: Option<Box<[u8]>>,
}

impl Wire {
    /// Takes the bytes over which the index was made; an error where a well-known header or the start line is not UTF-8.
    pub(crate) fn of(bytes: Bytes, index: &Index) -> Result<Wire, ParseError> {
        if !index.folded && (bytes.is_ascii() || core::str::from_utf8(&bytes).is_ok()) {
            // Looked at twice, as bytes that are no text would be lost here.
            let text = ByteString::try_from(bytes);
            return text
                .map(Wire::Text)
                .map_err(|bad| ParseError::new(ParseErrorKind::NotUtf8, bad.valid_up_to()));
        }
        let head = &bytes[..index.body.0];
        let (text, odd) = match String::from_utf8(index.unfold(head)) {
            Ok(text) => (text, None),
            Err(unfolded) => {
                index.check_utf8(head)?;
                let unfolded = unfolded.into_bytes();
                (readable(&unfolded), Some(unfolded.into()))
            }
        };
        Ok(Wire::Copied(Arc::new(Copied { bytes, text: text.into(), odd })))
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &Bytes {
        match self {
            Wire::Text(text) => text.as_bytes(),
            Wire::Copied(copied) => &copied.bytes,
        }
    }

    /// What well-known headers, the start line and names of headers are read from.
    #[inline]
    pub(crate) fn text(&self) -> &str {
        match self {
            Wire::Text(text) => text,
            Wire::Copied(copied) => &copied.text,
        }
    }

    /// What extension headers are read from, which may not be UTF-8.
    pub(crate) fn unfolded(&self) -> &[u8] {
        match self {
            Wire::Text(text) => text.as_bytes(),
            Wire::Copied(copied) => copied.odd.as_deref().unwrap_or(copied.text.as_bytes()),
        }
    }
}

/// The same text with `?` for each byte that is not UTF-8.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}
