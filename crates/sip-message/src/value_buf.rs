use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;
use std::sync::Arc;

use crate::ParseError;
use crate::header::TypedHeader;

/// An owned value of a header, for what outlives the message: `ValueBuf<header::Via>`, `ValueBuf<header::Event>`.
///
/// Checked text behind a shared pointer, so that a clone costs one counter. `==` compares bytes.
pub struct ValueBuf<H> {
    text: Arc<str>,
    header: PhantomData<fn() -> H>,
}

impl<H: TypedHeader> ValueBuf<H> {
    /// Parses and copies one value, such as [`Message::vias`](crate::Message::vias) gives or a typed value prints; errors
    /// are those of the header.
    pub fn parse(text: &str) -> Result<ValueBuf<H>, ParseError> {
        H::parse(text).map(|_| ValueBuf { text: text.into(), header: PhantomData })
    }

    /// The typed value; parses the text again.
    #[expect(clippy::missing_panics_doc, reason = "cannot happen: see the invariant")]
    pub fn as_value(&self) -> H::Value<'_> {
        // invariant: the one constructor takes text that was parsed, and a value is a function of its text alone.
        H::parse(&self.text).expect("invariant: text was checked when the value was made")
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<H> Clone for ValueBuf<H> {
    fn clone(&self) -> Self {
        ValueBuf { text: Arc::clone(&self.text), header: PhantomData }
    }
}

impl<H> PartialEq for ValueBuf<H> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<H> Eq for ValueBuf<H> {}

impl<H: TypedHeader> FromStr for ValueBuf<H> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ValueBuf::parse(text)
    }
}

impl<H> fmt::Display for ValueBuf<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shows the header alone: values may hold credentials.
impl<H: TypedHeader> fmt::Debug for ValueBuf<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValueBuf").field(&H::ID).finish()
    }
}
