use core::fmt;

use crate::lex::{self, Class};
use crate::{Method, ParseError, ParseErrorKind};

/// `CSeq: 4711 INVITE` (RFC 3261 §20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// The sequence number, below 2^31 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// The largest number: 2^31 - 1.
    pub const MAX: u32 = (1 << 31) - 1;

    /// Parses `number LWS method`.
    pub fn parse(value: &str) -> Result<CSeq, ParseError> {
        let (number, rest) = number(value, Self::MAX)?;
        Ok(CSeq { number, method: method(value, rest)? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)?;
        f.write_str(" ")?;
        f.write_str(self.method.as_str())
    }
}

/// `RAck: 776656 1 INVITE` (RFC 3262 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RAck {
    /// The `RSeq` of the acknowledged provisional response.
    pub response: u32,
    /// The `CSeq` of the acknowledged provisional response.
    pub cseq: CSeq,
}

impl RAck {
    /// Parses `response LWS number LWS method`.
    pub fn parse(value: &str) -> Result<RAck, ParseError> {
        let (response, rest) = number(value, u32::MAX)?;
        let (cseq, rest) =
            number(rest, CSeq::MAX).map_err(|error| error.shifted(value.len() - rest.len()))?;
        Ok(RAck { response, cseq: CSeq { number: cseq, method: method(value, rest)? } })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.response, self.cseq)
    }
}

/// Reads digits up to a blank; gives the number and what follows the blanks.
fn number(text: &str, max: u32) -> Result<(u32, &str), ParseError> {
    let bytes = text.as_bytes();
    let start = lex::blanks(bytes, 0);
    let end = lex::short_run(bytes, start, Class::DIGIT);
    let next = lex::blanks(bytes, end);
    let value = bytes[start..end].iter().try_fold(0u32, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u32::from(digit - b'0')).filter(|sum| *sum <= max)
    });
    match value {
        Some(value) if end > start && (next > end || next == bytes.len()) => Ok((value, &text[next..])),
        _ => Err(ParseError::new(ParseErrorKind::Number, start)),
    }
}

fn method(whole: &str, rest: &str) -> Result<Method, ParseError> {
    Method::parse(lex::trim(rest)).map_err(|_| ParseError::of(ParseErrorKind::Method, whole, rest))
}
