//! The values of one header over all its lines.

use core::marker::PhantomData;

use crate::header::{Form, TypedHeader};
use crate::lex::List;
use crate::message::Lines;
use crate::{Limits, Message, ParseError, ParseErrorKind};

/// The values of a header as text, each with its offset in the message.
pub(crate) struct Parts<'a> {
    message: &'a Message,
    lines: Lines<'a>,
    form: Form,
    /// What is left of the current line, and where that line's value starts.
    items: List<'a>,
    base: usize,
}

impl<'a> Parts<'a> {
    pub(crate) fn of<H: TypedHeader>(message: &'a Message) -> Parts<'a> {
        Parts { message, lines: message.lines(H::ID), form: H::FORM, items: List::new(""), base: 0 }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (usize, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((at, item)) = self.items.next_at() {
                return Some((self.base + at, item));
            }
            let line = self.lines.next()?;
            let value = self.message.value_of(line);
            self.base = line.value.start();
            if self.form != Form::List {
                return Some((self.base, value));
            }
            self.items = List::new(value);
        }
    }
}

/// The typed values of a header in order; made by [`Message::values`].
pub struct Values<'a, H> {
    parts: Parts<'a>,
    /// How many more are given.
    left: usize,
    header: PhantomData<H>,
}

impl<'a, H: TypedHeader> Values<'a, H> {
    pub(crate) fn of(message: &'a Message) -> Values<'a, H> {
        Values { parts: Parts::of::<H>(message), left: Limits::LIST_ITEMS, header: PhantomData }
    }
}

impl<'a, H: TypedHeader> Iterator for Values<'a, H> {
    type Item = Result<H::Value<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (base, text) = self.parts.next()?;
        if self.left == 0 {
            self.parts.lines = Lines::none(self.parts.message);
            self.parts.items = List::new("");
            return Some(Err(ParseError::new(ParseErrorKind::TooManyParts, 0).inside(H::ID, base)));
        }
        self.left -= 1;
        Some(H::parse(text).map_err(|error| error.inside(H::ID, base)))
    }
}
