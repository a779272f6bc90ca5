//! `call-id *(;param)`, the shape that Replaces, Join and Target-Dialog share.

use core::fmt;

use smallvec::SmallVec;

use crate::{Params, ParseError, ParseErrorKind, lex};

/// Splits off the Call-ID. Its alphabet holds quotes and brackets but no `;` and no `,`, so nothing is
/// quoted.
fn split(value: &str) -> Result<(&str, Params<'_>), ParseError> {
    let text = lex::trim(value);
    let (call_id, tail) = text.split_at(text.find(';').unwrap_or(text.len()));
    let call_id = lex::trim(call_id);
    if !is_call_id(call_id) {
        return Err(ParseError::of(ParseErrorKind::Value, value, call_id));
    }
    let base = tail.as_ptr().addr() - value.as_ptr().addr();
    let params = Params::parse(tail).map_err(|error| error.shifted(base))?;
    Ok((call_id, params))
}

/// Tells whether the text can stand as a Call-ID before parameters: printable, without blank, `;` and `,`.
fn is_call_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',')
}

/// Reads a parameter that must be there exactly once and must be a token.
fn one_tag<'a>(params: Params<'a>, name: &str) -> Result<&'a str, ParseError> {
    match (params.count(name), params.value(name)) {
        (0, _) => Err(ParseError::new(ParseErrorKind::Missing, 0)),
        (1, Some(tag)) if lex::is_token(tag) => Ok(tag),
        (1, _) => Err(ParseError::new(ParseErrorKind::Parameter, 0)),
        _ => Err(ParseError::new(ParseErrorKind::Duplicate, 0)),
    }
}

/// A Call-ID, two tags and what else stands in the value: owned, and without memory of its own while short.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct DialogIds {
    text: SmallVec<[u8; INLINE]>,
    /// Where the Call-ID, the first and the second tag end.
    ends: [u32; 3],
}

/// Longer than the identifiers of most stacks: Call-ID of a UUID and a host, tags of 32 characters.
const INLINE: usize = 128;

impl DialogIds {
    /// Reads `call-id;first=tag;second=tag`, each tag there exactly once.
    pub(super) fn parse<'a>(value: &'a str, names: [&str; 2]) -> Result<(DialogIds, Params<'a>), ParseError> {
        let (call_id, params) = split(value)?;
        let [first, second] = names;
        let ids = DialogIds::put(call_id, one_tag(params, first)?, one_tag(params, second)?);
        Ok((ids, params))
    }

    /// Makes a value; fails if the Call-ID could not be told from the parameters or a tag is no token.
    pub(super) fn new(call_id: &str, first: &str, second: &str) -> Result<DialogIds, ParseError> {
        if !is_call_id(call_id) {
            return Err(ParseError::new(ParseErrorKind::Value, 0));
        }
        if !lex::is_token(first) || !lex::is_token(second) {
            return Err(ParseError::new(ParseErrorKind::Parameter, 0));
        }
        Ok(DialogIds::put(call_id, first, second))
    }

    fn put(call_id: &str, first: &str, second: &str) -> DialogIds {
        let mut ids = DialogIds { text: SmallVec::new(), ends: [0; 3] };
        for (part, end) in [call_id, first, second].into_iter().zip(&mut ids.ends) {
            ids.text.extend_from_slice(part.as_bytes());
            *end = ids.text.len() as u32;
        }
        ids
    }

    /// Keeps the parameters that have no meaning of their own, each with its `;`.
    pub(super) fn keep_others(&mut self, params: Params<'_>, known: &[&str]) {
        for (name, value) in params.iter() {
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            self.text.push(b';');
            self.text.extend_from_slice(name.as_bytes());
            if let Some(value) = value {
                self.text.push(b'=');
                self.text.extend_from_slice(value.as_bytes());
            }
        }
    }

    pub(super) fn call_id(&self) -> &str {
        self.part(0, self.ends[0])
    }

    pub(super) fn first_tag(&self) -> &str {
        self.part(self.ends[0], self.ends[1])
    }

    pub(super) fn second_tag(&self) -> &str {
        self.part(self.ends[1], self.ends[2])
    }

    pub(super) fn others(&self) -> &str {
        self.part(self.ends[2], self.text.len() as u32)
    }

    fn part(&self, start: u32, end: u32) -> &str {
        // invariant: each part was put in as text.
        core::str::from_utf8(&self.text[start as usize..end as usize])
            .expect("invariant: identifiers were text when they were put together")
    }
}

/// Masked: who knows the identifiers of a call can name it (RFC 3891 §8).
impl fmt::Debug for DialogIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
