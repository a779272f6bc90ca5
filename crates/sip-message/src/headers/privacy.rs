use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// `Privacy: user;id;critical` (RFC 3323 §4.2; `id` in RFC 3325 §9.3, `history` in RFC 7044 §10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy<'a> {
    text: &'a str,
}

impl<'a> Privacy<'a> {
    /// Parses at least one token; another character is [`ParseErrorKind::Value`].
    ///
    /// The separator is `;`. A comma is taken too, because peers send it, and a word may stand twice or
    /// beside `none`: to refuse the value would be to lose the caller's wish.
    pub fn parse(value: &'a str) -> Result<Privacy<'a>, ParseError> {
        let privacy = Privacy { text: value };
        let mut words = privacy.words().peekable();
        if words.peek().is_none() {
            return Err(ParseError::of(ParseErrorKind::Value, value, value));
        }
        match words.find(|word| !lex::is_token(word)) {
            Some(word) => Err(ParseError::of(ParseErrorKind::Value, value, word)),
            None => Ok(privacy),
        }
    }

    /// The words in order as written.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text.split([';', ',']).map(lex::trim).filter(|word| !word.is_empty())
    }

    /// Tells whether that word is there, in any case: `id`, `header`, `session`, `user`, `none`,
    /// `critical`, `history`.
    pub fn has(&self, word: &str) -> bool {
        self.words().any(|there| there.eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Privacy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().enumerate().try_for_each(|(at, word)| {
            let separator = if at == 0 { "" } else { ";" };
            write!(f, "{separator}{word}")
        })
    }
}
