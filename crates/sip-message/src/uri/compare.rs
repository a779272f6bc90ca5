//! Equivalence of URIs (RFC 3261 §19.1.4).

use std::borrow::Cow;

use super::{Scheme, Uri};
use crate::{Params, escape};

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
    same_part(one.user(), two.user())
        && same_part(one.password(), two.password())
        && one.host().same_as(&two.host())
        && one.port() == two.port()
        && SIGNIFICANT.iter().all(|name| one.params().has(name) == two.params().has(name))
        && shared_params_match(one.params(), two.params())
        && headers_within(one, two)
        && headers_within(two, one)
}

fn same_part(one: Option<&str>, two: Option<&str>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => decoded(one) == decoded(two),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A part whose escapes are not UTF-8 is compared as it is written.
fn decoded(part: &str) -> Cow<'_, str> {
    escape::unescape(part).unwrap_or(Cow::Borrowed(part))
}

/// A name should stand once; where it stands several times, all its values have to match in order.
fn shared_params_match(one: Params<'_>, two: Params<'_>) -> bool {
    one.iter().all(|(name, _)| !two.has(name) || same_values(one, two, name))
}

fn same_values(one: Params<'_>, two: Params<'_>, name: &str) -> bool {
    let values = |params: Params<'_>| {
        let named = params.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.map(|text| decoded(text).to_ascii_lowercase())).collect::<Vec<_>>()
    };
    values(one) == values(two)
}

fn headers_within(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.headers().all(|(name, value)| {
        two.headers().any(|(other_name, other_value)| {
            decoded(name).eq_ignore_ascii_case(&decoded(other_name)) && decoded(value) == decoded(other_value)
        })
    })
}

/// RFC 3966 §4: visual separators do not count, and every parameter must be in both.
fn tel(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    let digits = |uri: &Uri<'_>| {
        let number = uri.user().unwrap_or("");
        number.chars().filter(|c| !"-.()".contains(*c)).map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    let within = |one: Params<'_>, two: Params<'_>| one.iter().all(|(name, _)| two.has(name));
    digits(one) == digits(two)
        && within(one.params(), two.params())
        && within(two.params(), one.params())
        && shared_params_match(one.params(), two.params())
}
