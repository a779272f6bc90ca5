//! Which targets may be called on somebody else's word (catalogue §5.2, SEC-02 to SEC-04; decision D8).

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
};

use sip_message::{Host, Scheme, StatusCode, Uri, UriBuf, escape};
use thiserror::Error;

use crate::network::{Network, is_public};

/// Longest user part of a target, escapes decoded (SEC-03).
pub const USER_MAX: usize = 128;

/// Prefixes of numbers that cost the caller of them, not the one who asks for the call: satellite, premium and
/// shared-cost ranges of the ITU's country codes.
const COSTLY: [&str; 8] = ["+800", "+808", "+870", "+878", "+881", "+882", "+883", "+979"];

/// Premium and service ranges of the larger national plans, as they are called from abroad.
const PREMIUM: [&str; 23] = [
    "+1900", "+3190", "+3290", "+3389", "+34803", "+34806", "+34807", "+358600", "+358700", "+3989", "+4190",
    "+4390", "+4393", "+4487", "+449", "+4590", "+46900", "+46939", "+46944", "+4782", "+4870", "+49900",
    "+6119",
];

/// From how many digits on a number without a trunk prefix is one of the national plan, and not one of the house.
const NATIONAL_MIN: usize = 8;

/// The ports that a URI without one means (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;
const SIPS_PORT: u16 = 5061;

/// Which characters a user part may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserRule {
    /// Letters, digits and `+*#._-`: nothing that means something to a dial plan or a script. The default.
    #[default]
    PhoneLike,
    /// Everything but control characters, for peers whose user parts are opaque.
    Opaque,
}

/// What is permitted as the target of a transfer that somebody else asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPolicy {
    /// The domain that `tel` numbers are sent to, as it stands in a URI (`gw.example.com:5060`). Without one they are
    /// refused.
    pub gateway: Option<UriHost>,
    /// Networks that may be called although they are not open to everybody: `10.0.0.0/8`.
    pub networks: Vec<Network>,
    /// Our own listeners; a target that means one of them is refused always, because the call would come back to us.
    pub own: Vec<SocketAddr>,
    /// Which characters a user part may hold.
    pub users: UserRule,
    /// The country code of where we are, such as `+49`. With it no number of another country code, and none behind a feature
    /// code (`*31#…`), is called unless [`allowed_numbers`](Self::allowed_numbers) lists it, and a number that is dialled as
    /// within the country is looked at as what it means: without the trunk prefix (`0`, or `1` within `+1`; Italy has none)
    /// and behind the code. Numbers of less than eight digits without a trunk prefix are those of the house. `+1` is one
    /// country here, with the islands that share it. Of the prefixes that lead abroad, `00` is known, and `011` within `+1`:
    /// where it is another one, deny it. None: numbers mean what they say.
    pub home: Option<Box<str>>,
    /// Prefixes of numbers that are not called, `+` for international ones; the longest that fits decides. Satellite and
    /// shared-cost ranges, and the premium ranges of the larger national plans. A number is what begins with a digit, `+`,
    /// `*` or `#`, whatever follows.
    pub denied_numbers: Vec<Box<str>>,
    /// Prefixes of numbers that are called; wins over a denied prefix of the same length or less. If it is not empty,
    /// no other number is called.
    pub allowed_numbers: Vec<Box<str>>,
}

impl Default for TargetPolicy {
    fn default() -> Self {
        Self {
            gateway: None,
            networks: Vec::new(),
            own: Vec::new(),
            users: UserRule::default(),
            home: None,
            denied_numbers: COSTLY.iter().chain(&PREMIUM).map(|prefix| Box::from(*prefix)).collect(),
            allowed_numbers: Vec::new(),
        }
    }
}

/// The `host[:port]` of a `sip` URI, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriHost(Box<str>);

impl std::str::FromStr for UriHost {
    type Err = TargetRefusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri = format!("sip:{text}");
        match Uri::parse(&uri) {
            Ok(parsed)
                if parsed.user().is_none()
                    && !parsed.has_headers()
                    && parsed.params().as_str().is_empty() =>
            {
                Ok(Self(text.into()))
            }
            Ok(_) | Err(_) => Err(TargetRefusal::Host),
        }
    }
}

/// Why a target is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetRefusal {
    /// The scheme is not `sip` or `sips`, nor `tel` with a gateway (TR-027).
    #[error("the scheme cannot be called")]
    Scheme,
    /// The user part holds a character that the policy does not allow, is too long, or comes with a password.
    #[error("the user part is not allowed")]
    User,
    /// The number is not to be called.
    #[error("the number is not allowed")]
    Number,
    /// The host is not open to everybody, or is written so that it might be read as an address.
    #[error("the host is not allowed")]
    Host,
    /// The target is one of our own listeners.
    #[error("the target is ourselves")]
    Ourselves,
}

impl TargetRefusal {
    /// The status that tells the referrer; 400 or 403, which leave the dialog alone (TR-265).
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Scheme => StatusCode::BAD_REQUEST,
            Self::User | Self::Number | Self::Host | Self::Ourselves => StatusCode::FORBIDDEN,
        }
    }
}

impl TargetPolicy {
    /// Whether an address may be called: it is public, or in one of the listed networks.
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether an address and port may be called: the address is permitted and they are not a listener of ours.
    pub fn permits_socket(&self, address: SocketAddr) -> bool {
        self.permits(address.ip())
            && !self.own.iter().any(|own| {
                own.port() == address.port()
                    && (own.ip().to_canonical() == address.ip().to_canonical()
                        || own.ip().is_unspecified() && is_loopback(address.ip()))
            })
    }

    /// The Request-URI for a target, or why it is not called. Headers and `method` are left out, a `tel` number becomes a
    /// user at the gateway (RFC 3261 §19.1.6), and what was checked of the user part is what stands there: without escapes
    /// of characters that need none (RFC 3261 §19.1.4, SEC-03).
    pub fn check(&self, target: &Uri<'_>) -> Result<UriBuf, TargetRefusal> {
        match target.scheme() {
            Scheme::Sip | Scheme::Sips => {
                self.check_user(target)?;
                self.check_host(target)?;
                Ok(normalised(target.without_headers_and_method()))
            }
            Scheme::Tel => {
                let gateway = self.gateway.as_ref().ok_or(TargetRefusal::Scheme)?;
                self.check_user(target)?;
                // A local number means what its context says (RFC 3966 §5.1.5), and the gateway's is not known to be that
                // one; without the context another number would be called.
                let is_global = target.user().is_some_and(|user| user.starts_with('+'));
                if !is_global && target.param("phone-context").is_some() {
                    return Err(TargetRefusal::Number);
                }
                number_at(target, &gateway.0).ok_or(TargetRefusal::User)
            }
            Scheme::Other => Err(TargetRefusal::Scheme),
        }
    }

    fn check_user(&self, target: &Uri<'_>) -> Result<(), TargetRefusal> {
        if target.password().is_some() {
            return Err(TargetRefusal::User);
        }
        let Some(user) = target.user() else {
            return Ok(());
        };
        let user = escape::unescape(user).map_err(|_| TargetRefusal::User)?;
        let allowed = |c: char| match self.users {
            UserRule::PhoneLike => c.is_ascii_alphanumeric() || "+*#._-".contains(c),
            UserRule::Opaque => !c.is_control(),
        };
        // The separators of a `tel` number are dropped before it is used (RFC 3966 §5.1.1).
        let allowed = |c: char| allowed(c) || target.scheme() == Scheme::Tel && is_separator(c);
        if user.is_empty() || user.len() > USER_MAX || !user.chars().all(allowed) {
            return Err(TargetRefusal::User);
        }
        let is_phone = target.scheme() == Scheme::Tel
            || target.param("user").flatten().is_some_and(|kind| kind.eq_ignore_ascii_case("phone"));
        match numbers(&user, self.home.as_deref()) {
            Some(numbers) if numbers.iter().all(|number| self.allows_number(number)) => Ok(()),
            // What is said to be a number and is none: nobody knows what a gateway makes of it.
            None if is_phone => Err(TargetRefusal::Number),
            None => Ok(()),
            Some(_) => Err(TargetRefusal::Number),
        }
    }

    fn allows_number(&self, number: &str) -> bool {
        let number = self.seen_from_abroad(number, NATIONAL_MIN);
        let longest = |prefixes: &[Box<str>]| {
            let prefixes = prefixes.iter().map(|prefix| self.seen_from_abroad(prefix, usize::MAX));
            prefixes.filter(|prefix| number.starts_with(&**prefix)).map(|prefix| prefix.len()).max()
        };
        // What a feature code leads to is not known.
        let leads_abroad = |home: &str| number.starts_with(['+', '*', '#']) && !number.starts_with(home);
        let foreign = self.home.as_deref().is_some_and(leads_abroad);
        match (longest(&self.allowed_numbers), longest(&self.denied_numbers)) {
            (Some(allowed), Some(denied)) => allowed >= denied,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.allowed_numbers.is_empty() && !foreign,
        }
    }

    /// A number as it is called from abroad, where that is known. `least` digits without a trunk prefix are a number of the
    /// national plan.
    fn seen_from_abroad<'n>(&self, number: &'n str, least: usize) -> Cow<'n, str> {
        let Some(home) = self.home.as_deref().filter(|_| number.starts_with(|c: char| c.is_ascii_digit()))
        else {
            return number.into();
        };
        let national = match home {
            "+1" => number.strip_prefix('1'),
            // Italy's 0 is part of the number.
            "+39" => number.starts_with('0').then_some(number),
            _ => number.strip_prefix('0'),
        };
        match national.or_else(|| (number.len() >= least).then_some(number)) {
            Some(national) => format!("{home}{national}").into(),
            None => number.into(),
        }
    }

    fn check_host(&self, target: &Uri<'_>) -> Result<(), TargetRefusal> {
        let port = target.port().unwrap_or(match target.scheme() {
            Scheme::Sips => SIPS_PORT,
            Scheme::Sip | Scheme::Tel | Scheme::Other => SIP_PORT,
        });
        self.check_place(target.host(), port)?;
        // The request goes to `maddr` if there is one (RFC 3261 §19.1.1).
        match target.param("maddr") {
            None => Ok(()),
            Some(None) => Err(TargetRefusal::Host),
            Some(Some(maddr)) => {
                let maddr =
                    maddr.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(maddr);
                let place = match maddr.parse() {
                    Ok(IpAddr::V4(address)) => Host::V4(address),
                    Ok(IpAddr::V6(address)) => Host::V6(address),
                    Err(_) => Host::Name(maddr),
                };
                self.check_place(place, port)
            }
        }
    }

    fn check_place(&self, host: Host<'_>, port: u16) -> Result<(), TargetRefusal> {
        match host.ip() {
            Some(address) if !self.permits(address) => Err(TargetRefusal::Host),
            Some(address) if !self.permits_socket(SocketAddr::new(address, port)) => {
                Err(TargetRefusal::Ourselves)
            }
            Some(_) => Ok(()),
            None => match host {
                Host::Name(name) if is_plain_name(name) => Ok(()),
                Host::Name(_) | Host::V4(_) | Host::V6(_) => Err(TargetRefusal::Host),
            },
        }
    }
}

/// The user at a host that a `tel` number becomes (RFC 3261 §19.1.6); the separators are dropped (RFC 3966 §5.1.1).
pub(crate) fn number_at(target: &Uri<'_>, host: &impl fmt::Display) -> Option<UriBuf> {
    let number: String = target.user().unwrap_or_default().chars().filter(|c| !is_separator(*c)).collect();
    UriBuf::parse(&format!("sip:{}@{host};user=phone", number.replace('#', "%23"))).ok()
}

/// A URI with its user part in one spelling: what needs no escape has none. `+` counts as such, because it was checked as
/// the sign of an international number.
fn normalised(uri: UriBuf) -> UriBuf {
    let parts = uri.as_uri();
    let Some(user) = parts.user().filter(|user| user.contains('%')) else { return uri };
    let mut pieces = user.split('%');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // Two digits after each `%`, as it was unescaped before.
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        match u8::from_str_radix(digits, 16).map(char::from) {
            Ok(c) if c.is_ascii_alphanumeric() || "-_.!~*'()+".contains(c) => plain.push(c),
            Ok(_) | Err(_) => plain.extend(["%", digits]),
        }
        plain.push_str(rest);
    }
    // Nothing but the user part stands between the scheme and the first `@`, as there is no password.
    let rest = uri.as_str().split_once('@').map_or("", |(_, rest)| rest);
    format!("{}:{plain}@{rest}", parts.scheme_str()).parse().unwrap_or(uri)
}

/// Whether a listener on the unspecified address is reached at this one.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether a host name is one: its last label starts with a letter (RFC 3261 §25.1, `toplabel`), so that no resolver
/// reads it as an address in an old spelling (`127.1`, `0x7f000001`), and it is not the machine's own name (RFC 6761
/// §6.3).
fn is_plain_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let top = name.rsplit('.').next().unwrap_or_default();
    top.starts_with(|c: char| c.is_ascii_alphabetic())
        && !top.eq_ignore_ascii_case("localhost")
        && name.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
}

/// Visual separators of numbers (RFC 3966 §3).
const fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}

/// The numbers that a user part may be read as: the part that it begins with, and all its digits, because some gateways
/// drop what is no digit (`+882123w1`, `+8w82123`). Without separators and with `+` for the international prefixes `00`
/// and, unless home is elsewhere than in `+1`, `011`; `None` for a user part that begins like a name.
fn numbers(user: &str, home: Option<&str>) -> Option<[String; 2]> {
    let plain: String = user.chars().filter(|c| !is_separator(*c) && !c.is_whitespace()).collect();
    let (plus, rest) = plain.strip_prefix('+').map_or(("", &*plain), |rest| ("+", rest));
    if plus.is_empty() && !rest.starts_with(is_dialled) {
        return None;
    }
    let leading: String = rest.chars().take_while(|c| is_dialled(*c)).collect();
    let all: String = rest.chars().filter(|c| is_dialled(*c)).collect();
    Some([leading, all].map(|digits| international(format!("{plus}{digits}"), home)))
}

/// The characters of a number that are dialled (RFC 3966 §3, `phonedigit` without the letters).
const fn is_dialled(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '*' | '#')
}

fn international(number: String, home: Option<&str>) -> String {
    let american = number.strip_prefix("011").filter(|_| home.is_none_or(|home| home == "+1"));
    match american.or_else(|| number.strip_prefix("00")) {
        Some(international) => format!("+{international}"),
        None => number,
    }
}

#[cfg(test)]
mod tests;
