use core::fmt;

use super::comment;
use crate::{ParseError, ParseErrorKind, lex};

/// The software behind a message: `User-Agent: Softphone/1.5 (beta)` and Server (RFC 3261 §20.41, §20.35).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerVals<'a>(&'a str);

/// One piece of [`ServerVals`] (`server-val`, RFC 3261 §25.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerVal<'a> {
    /// `name/version` or `name`.
    Product {
        /// The name.
        name: &'a str,
        /// What stands behind the slash.
        version: Option<&'a str>,
    },
    /// A comment without its parentheses; it may hold more comments.
    Comment(&'a str),
    /// A word that is no product. Makers write `FRITZ!Box@home` or `Windows,`, and nothing depends on it.
    Other(&'a str),
}

impl<'a> ServerVals<'a> {
    /// Parses `server-val *(LWS server-val)`; the blank before a comment may be missing.
    ///
    /// Fails with [`ParseErrorKind::Value`] if there is nothing or a comment does not end, with
    /// [`ParseErrorKind::TooManyParts`] if comments nest deeper than
    /// [`Limits::COMMENTS`](crate::Limits::COMMENTS).
    pub fn parse(value: &'a str) -> Result<ServerVals<'a>, ParseError> {
        let text = lex::trim(value);
        if text.is_empty() {
            return Err(ParseError::new(ParseErrorKind::Value, 0));
        }
        let mut rest = text;
        while let Some((_, next)) = take(rest).map_err(|kind| ParseError::of(kind, value, rest))? {
            rest = next;
        }
        Ok(ServerVals(text))
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = ServerVal<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            // `parse` has taken every piece once, so that none fails here.
            let (piece, next) = take(rest).ok()??;
            rest = next;
            Some(piece)
        })
    }

    /// The text as written.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Display for ServerVals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// Splits off the first piece; `None` at the end.
fn take(text: &str) -> Result<Option<(ServerVal<'_>, &str)>, ParseErrorKind> {
    let text = trim_start(text);
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(inner) = text.strip_prefix('(') {
        let end = comment::end(inner)?;
        return Ok(Some((ServerVal::Comment(&inner[..end]), &inner[end + 1..])));
    }
    let (name, after) = token(text);
    let (version, rest) = match trim_start(after).strip_prefix('/').map(|rest| token(trim_start(rest))) {
        Some((version, rest)) if !version.is_empty() => (Some(version), rest),
        Some(_) | None => (None, after),
    };
    if !name.is_empty() && (rest.is_empty() || rest.starts_with(END)) {
        return Ok(Some((ServerVal::Product { name, version }, rest)));
    }
    let (word, rest) = text.split_at(text.find(END).unwrap_or(text.len()));
    Ok(Some((ServerVal::Other(word), rest)))
}

/// What ends a word.
const END: [char; 3] = [' ', '\t', '('];

fn token(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|byte| !lex::is_token_byte(byte)).unwrap_or(text.len()))
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}
