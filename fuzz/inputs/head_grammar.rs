//! The head of a message as a grammar, to compare the hand-written one with: RFC 3261 §7 and §25.1, and the leniencies
//! of the README of sip-message, each where it stands.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, tag_no_case, take_while1},
    character::complete::{char, digit1, one_of},
    combinator::{map_opt, opt, peek, recognize, verify},
    multi::{many0, many0_count, many1_count},
    sequence::{delimited, preceded, terminated},
};
use sip_message::{HeaderId, Method};

/// What the grammar reads.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    pub(crate) start: Start<'a>,
    /// Name as written and value, in order.
    pub(crate) headers: Vec<(&'a [u8], Vec<u8>)>,
    pub(crate) body: &'a [u8],
}

#[derive(Debug)]
pub(crate) enum Start<'a> {
    Request { method: &'a [u8], uri: &'a [u8] },
    Status { code: u16, reason: &'a [u8] },
}

/// Headers of which a second line is refused.
const ONCE: [HeaderId; 6] = [
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::MaxForwards,
    HeaderId::ContentLength,
];

/// Reads one datagram; the limits of the crate are not known here.
pub(crate) fn read(datagram: &[u8]) -> Option<Reference<'_>> {
    let (rest, (start, headers)) = head(datagram).ok()?;
    if let Start::Request { uri, .. } = start {
        core::str::from_utf8(uri).ok()?;
    }
    let mut seen = Vec::new();
    let mut body = rest;
    for (name, value) in &headers {
        // Leniency: the value of a header that the crate does not know may be any bytes.
        let Some(id) = HeaderId::of(core::str::from_utf8(name).ok()?) else { continue };
        let value = core::str::from_utf8(value).ok()?;
        if ONCE.contains(&id) && seen.contains(&id) {
            return None;
        }
        seen.push(id);
        if id == HeaderId::ContentLength {
            // §18.3: bytes behind the body are dropped, missing ones are an error.
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            body = rest.get(..value.parse().ok().filter(|_| digits)?)?;
        }
    }
    Some(Reference { start, headers, body })
}

type Headers<'a> = Vec<(&'a [u8], Vec<u8>)>;

/// `*CRLF start-line *message-header CRLF`.
fn head(input: &[u8]) -> IResult<&[u8], (Start<'_>, Headers<'_>)> {
    // Leniency: halves of line ends before the start line are passed over too.
    let leading = many0_count(one_of("\r\n"));
    delimited(leading, (alt((status_line, request_line)), many0(header)), line_end).parse(input)
}

/// `CRLF`. Leniency: the CR may be missing.
fn line_end(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((tag("\r\n"), tag("\n"))).parse(input)
}

/// The text of one line. Leniency: any byte but the two of a line end, and NUL behind a backslash only, wherever the
/// quoted pair stands.
fn text(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let plain = take_while1(|byte| !matches!(byte, b'\r' | b'\n' | 0 | b'\\'));
    recognize(many0_count(alt((plain, tag("\\\\"), tag("\\\0"), tag("\\"))))).parse(input)
}

fn token(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)).parse(input)
}

/// `SIP-Version SP Status-Code SP Reason-Phrase CRLF`. Leniency: several blanks before the code, and none behind it if
/// there is no phrase. A phrase that is not UTF-8 reads as none.
fn status_line(input: &[u8]) -> IResult<&[u8], Start<'_>> {
    let code = map_opt(digit1, |digits: &[u8]| {
        core::str::from_utf8(digits)
            .ok()?
            .parse()
            .ok()
            .filter(|code| digits.len() == 3 && (100..700).contains(code))
    });
    let reason = opt(preceded(char(' '), text));
    let (rest, (_, _, code, reason, _)) =
        (tag_no_case("SIP/2.0"), many1_count(char(' ')), code, reason, line_end).parse(input)?;
    let reason = reason.filter(|reason| core::str::from_utf8(reason).is_ok()).unwrap_or_default();
    Ok((rest, Start::Status { code, reason }))
}

/// `Method SP Request-URI SP SIP-Version CRLF`. Leniency: any version of two numbers, as it is answered 505, and any
/// visible bytes for the URI, as it is answered 400 or 416. The method is no longer than the crate holds.
fn request_line(input: &[u8]) -> IResult<&[u8], Start<'_>> {
    let method = verify(token, |method: &[u8]| method.len() <= Method::MAX_LEN);
    let uri = take_while1(|byte| byte > b' ' && byte != 0x7f);
    let version = (tag_no_case("SIP/"), digit1, char('.'), digit1);
    let (rest, (method, _, uri, _, _, _)) =
        (method, char(' '), uri, char(' '), version, line_end).parse(input)?;
    Ok((rest, Start::Request { method, uri }))
}

/// `header-name HCOLON header-value CRLF`; the value goes on in each line that starts with a blank (§7.3.1).
fn header(input: &[u8]) -> IResult<&[u8], (&[u8], Vec<u8>)> {
    let blank = || one_of(" \t");
    let continuation = (line_end, peek(blank()), text);
    let value = recognize((text, many0_count(continuation)));
    let name = terminated(token, (many0_count(blank()), char(':')));
    let (rest, (name, value)) = terminated((name, value), line_end).parse(input)?;
    // A line end in a value reads as blanks, byte for byte; outer blanks are no part of it.
    let blanks = value.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte });
    let trimmed = blanks.collect::<Vec<_>>();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = trimmed.iter().take_while(|byte| is_blank(byte)).count();
    let end = trimmed.len() - trimmed[start..].iter().rev().take_while(|byte| is_blank(byte)).count();
    Ok((rest, (name, trimmed[start..end].to_vec())))
}
