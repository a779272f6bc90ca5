use crate::{Params, ParseError, ParseErrorKind, lex};

/// `Retry-After: 120 (in a meeting);duration=60` (RFC 3261 §20.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// Seconds to wait; values above `u32::MAX` are capped.
    pub seconds: u32,
    /// The comment without its parentheses.
    pub comment: Option<&'a str>,
    /// For how long the called party will then be reachable, in seconds.
    pub duration: Option<u32>,
}

impl<'a> RetryAfter<'a> {
    /// Parses `delta-seconds [(comment)] *(;param)`.
    pub fn parse(value: &'a str) -> Result<RetryAfter<'a>, ParseError> {
        let text = lex::trim(value);
        let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let Some(seconds) = lex::delta_seconds(digits) else {
            return Err(ParseError::of(ParseErrorKind::Number, value, text));
        };
        let rest = lex::trim(rest);
        let (comment, tail) = match rest.strip_prefix('(') {
            Some(inner) => match comment_end(inner) {
                Some(end) => (Some(&inner[..end]), &inner[end + 1..]),
                None => return Err(ParseError::of(ParseErrorKind::Value, value, rest)),
            },
            None => (None, rest),
        };
        let base = tail.as_ptr().addr() - value.as_ptr().addr();
        let params = Params::parse(tail).map_err(|error| error.shifted(base))?;
        Ok(RetryAfter { seconds, comment, duration: params.value("duration").and_then(lex::delta_seconds) })
    }
}

/// Comments nest and may hold quoted pairs (RFC 3261 §25.1); a counter is enough, no recursion.
fn comment_end(inner: &str) -> Option<usize> {
    let mut depth = 1usize;
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
