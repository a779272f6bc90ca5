//! Equivalence of URIs (RFC 3261 §19.1.4, RFC 3966 §4).

use std::borrow::Cow;

use super::{Scheme, Uri};
use crate::escape;

/// Parameters that make a difference even where only one side has them.
const SIGNIFICANT: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

pub(super) fn equivalent(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    if one.scheme() != two.scheme() {
        return false;
    }
    match one.scheme() {
        Scheme::Sip | Scheme::Sips => sip(one, two),
        Scheme::Tel => tel(one, two),
        Scheme::Other => {
            one.scheme_str().eq_ignore_ascii_case(two.scheme_str())
                && one.as_str()[one.scheme_str().len()..] == two.as_str()[two.scheme_str().len()..]
        }
    }
}

fn sip(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.user().map(normal) == two.user().map(normal)
        && one.password().map(normal) == two.password().map(normal)
        && one.host().same_as(&two.host())
        && one.port() == two.port()
        && params_match(&params(one), &params(two))
        && headers(one) == headers(two)
}

/// Escapes stand for their characters, apart from those of the reserved set, which mean something else unescaped. A part
/// whose escapes are not UTF-8 is compared as it is written.
fn normal(part: &str) -> Cow<'_, str> {
    const RESERVED: &[u8] = b";/?:@&=+$,";
    if !part.contains('%') {
        return part.into();
    }
    let bytes = part.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match escape::pair(bytes, at).filter(|_| byte == b'%') {
            Some(decoded) if RESERVED.contains(&decoded) => {
                plain.extend(bytes[at..at + 3].to_ascii_uppercase());
                at += 3;
            }
            Some(decoded) => {
                plain.push(decoded);
                at += 3;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).map_or(Cow::Borrowed(part), Cow::Owned)
}

/// Name and value in lower case, `None` for a flag.
type Pair = (String, Option<String>);

fn params(uri: &Uri<'_>) -> Vec<Pair> {
    let lower = |text: &str| normal(text).to_ascii_lowercase();
    uri.params().iter().map(|(name, value)| (lower(name), value.map(lower))).collect()
}

/// A name should stand once; where it stands several times, all its values have to match in order.
fn params_match(one: &[Pair], two: &[Pair]) -> bool {
    fn values<'a>(params: &'a [Pair], name: &str) -> impl Iterator<Item = &'a Option<String>> {
        params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value)
    }
    let has = |params: &[Pair], name: &str| values(params, name).next().is_some();
    SIGNIFICANT.iter().all(|name| has(one, name) == has(two, name))
        && one.iter().enumerate().all(|(at, (name, _))| {
            let seen = has(&one[..at], name);
            seen || !has(two, name) || values(one, name).eq(values(two, name))
        })
}

/// Every header counts, in any order.
fn headers<'a>(uri: &Uri<'a>) -> Vec<(String, Cow<'a, str>)> {
    let mut headers: Vec<_> =
        uri.headers().map(|(name, value)| (normal(name).to_ascii_lowercase(), normal(value))).collect();
    headers.sort_unstable();
    headers
}

/// Every parameter must be in both; visual separators do not count, in the number, in an extension and in the number
/// that is a context.
fn tel(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    fn digits(text: &str) -> String {
        text.chars().filter(|c| !"-.()".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
    }
    fn sorted(uri: &Uri<'_>) -> Vec<Pair> {
        let mut params = params(uri);
        for (name, value) in &mut params {
            if let Some(value) = value
                && (name == "ext" || (name == "phone-context" && value.starts_with('+')))
            {
                *value = digits(value);
            }
        }
        params.sort_unstable();
        params
    }
    digits(one.user().unwrap_or("")) == digits(two.user().unwrap_or("")) && sorted(one) == sorted(two)
}
