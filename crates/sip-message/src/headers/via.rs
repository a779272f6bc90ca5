use core::fmt;
use core::net::IpAddr;

use crate::lex::{self, Class};
use crate::print::{push_ip, push_number};
use crate::uri::{Host, HostPort};
use crate::{HeaderId, Limits, Params, ParseError, ParseErrorKind};

/// `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77` (RFC 3261 §20.42), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport as written; compare without regard to case.
    pub transport: &'a str,
    /// The host of `sent-by`.
    pub host: Host<'a>,
    /// The port of `sent-by`, if one is written.
    pub port: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
    branch: Option<&'a str>,
    rport: Rport<&'a str>,
    /// How many parameters there are.
    count: usize,
    /// The host as written: what goes back in a response is what came (RFC 3261 §8.2.6.2).
    host_text: &'a str,
}

/// What the sender wrote of what only the receiver knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rport<T> {
    /// Neither `received` nor `rport`.
    Absent,
    /// The flag `rport` alone, which asks for both (RFC 3581 §3): the parameter as written.
    Asked(T),
    /// Anything else.
    Given,
}

impl<T> Rport<T> {
    /// The same with another form of the parameter.
    pub(crate) fn map<U>(self, of: impl FnOnce(T) -> U) -> Rport<U> {
        match self {
            Rport::Absent => Rport::Absent,
            Rport::Asked(flag) => Rport::Asked(of(flag)),
            Rport::Given => Rport::Given,
        }
    }
}

impl<'a> Via<'a> {
    /// How a branch of RFC 3261 starts (§8.1.1.7).
    pub const MAGIC_COOKIE: &'static str = "z9hG4bK";

    /// Parses one Via value; blanks around the slashes and the colon are taken.
    pub fn parse(value: &'a str) -> Result<Via<'a>, ParseError> {
        let fail = |kind, at| ParseError::new(kind, at);
        let bytes = value.as_bytes();
        let start = if bytes.starts_with(b"SIP/2.0/") { "SIP/2.0/".len() } else { protocol_end(value)? };
        let start = lex::blanks(bytes, start);
        let transport_end = lex::short_run(bytes, start, Class::TOKEN);
        let sent_by = lex::blanks(bytes, transport_end);
        if transport_end == start || sent_by == transport_end {
            return Err(fail(ParseErrorKind::Value, start));
        }
        let found = HostPort::read(value, sent_by)?;
        let tail = lex::blanks(bytes, found.end);
        if !matches!(bytes.get(tail), None | Some(b';')) {
            return Err(found.stray());
        }
        let raw = &value[tail..];
        let (mut branch, mut rport, mut count) = (None, Rport::Absent, 0);
        let params = Params::parse_each(raw, |param| {
            count += 1;
            if param.is(raw, "branch") {
                branch.get_or_insert(param.value(raw).unwrap_or_default());
            } else if param.is(raw, "rport") {
                rport = match (rport, param.value(raw)) {
                    (Rport::Absent, None) => Rport::Asked(param.text(raw)),
                    _ => Rport::Given,
                };
            } else if param.is(raw, "received") {
                rport = Rport::Given;
            }
        })
        .map_err(|error| error.shifted(tail))?;
        Ok(Via {
            transport: &value[start..transport_end],
            host: found.host,
            port: found.port,
            params,
            host_text: &value[sent_by..found.host_end],
            branch: branch.filter(|branch| !branch.is_empty()),
            rport,
            count,
        })
    }

    /// Takes parts that [`parse`](Self::parse) has found before; the host also as it is written.
    pub(crate) const fn of_parts(
        transport: &'a str,
        (host, host_text): (Host<'a>, &'a str),
        port: Option<u16>,
        params: Params<'a>,
        branch: Option<&'a str>,
        (rport, count): (Rport<&'a str>, usize),
    ) -> Via<'a> {
        Via { transport, host, port, params, branch, rport, count, host_text }
    }

    /// What is said of `received` and `rport`, and how many parameters there are.
    pub(crate) const fn stated(&self) -> (Rport<&'a str>, usize) {
        (self.rport, self.count)
    }

    /// The host as written.
    pub(crate) const fn host_text(&self) -> &'a str {
        self.host_text
    }

    /// The transaction's branch.
    pub const fn branch(&self) -> Option<&'a str> {
        self.branch
    }

    /// Tells whether the branch starts with the magic cookie, in any case.
    pub fn has_magic_cookie(&self) -> bool {
        self.branch().is_some_and(|branch| {
            let cookie = Self::MAGIC_COOKIE.as_bytes();
            let start = branch.as_bytes().get(..cookie.len());
            branch.len() > cookie.len() && start.is_some_and(|start| start.eq_ignore_ascii_case(cookie))
        })
    }

    /// The address from which the request came, as the next hop saw it; `None` if absent or no address.
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The `rport` parameter (RFC 3581): `Some(None)` asks for it, `Some(Some(port))` gives it.
    ///
    /// A value that is no port reads as absent.
    pub fn rport(&self) -> Option<Option<u16>> {
        match self.rport {
            Rport::Absent => None,
            Rport::Asked(_) => Some(None),
            Rport::Given => match self.params.get("rport")? {
                None | Some("") => Some(None),
                Some(port) => port.parse().ok().map(Some),
            },
        }
    }

    /// Whether there is an `rport` parameter, with whatever value.
    pub fn has_rport(&self) -> bool {
        match self.rport {
            Rport::Absent => false,
            Rport::Asked(_) => true,
            Rport::Given => self.params.has("rport"),
        }
    }

    /// The value with `received`, and with `rport` filled in if it was asked for (RFC 3581 §4).
    ///
    /// `received` is added if the host of `sent-by` is not that address, or if `rport` was asked for; what
    /// the peer wrote in either is replaced (RFC 3261 §18.2.1). Fails with [`TooManyParts`](ParseErrorKind::TooManyParts)
    /// if that makes more than [`Limits::PARAMETERS`], which nobody here would read.
    pub fn received_from(&self, address: IpAddr, port: u16) -> Result<String, ParseError> {
        let mut text =
            String::with_capacity(LONGEST_STAMPED + self.host_text.len() + self.params.as_str().len());
        for part in ["SIP/2.0/", self.transport, " ", self.host_text] {
            text.push_str(part);
        }
        if let Some(port) = self.port {
            text.push(':');
            push_number(&mut text, port.into());
        }
        let (rport, mut count) = self.push_own(&mut text);
        let received = rport || self.host.ip() != Some(address);
        count += usize::from(rport) + usize::from(received);
        if received {
            text.push_str(";received=");
            push_ip(&mut text, address);
        }
        if rport {
            text.push_str(";rport=");
            push_number(&mut text, port.into());
        }
        if count > Limits::PARAMETERS {
            return Err(ParseError::new(ParseErrorKind::TooManyParts, 0).of_header(HeaderId::Via));
        }
        Ok(text)
    }

    /// Adds the parameters without `received` and `rport`, the others as written; tells whether there was an `rport`, and
    /// how many others there are.
    fn push_own(&self, text: &mut String) -> (bool, usize) {
        let params = self.params.as_str();
        match self.rport {
            Rport::Absent => {
                text.push_str(params);
                return (false, self.count);
            }
            Rport::Asked(flag) => {
                let start = flag.as_ptr().addr() - params.as_ptr().addr();
                text.push_str(params[..start].trim_end_matches([' ', '\t', ';']));
                text.push_str(&params[start + flag.len()..]);
                return (true, self.count - 1);
            }
            Rport::Given => {}
        }
        let (mut rport, mut count) = (false, 0);
        for (name, value) in self.params.iter() {
            if name.eq_ignore_ascii_case("rport") {
                rport = true;
                continue;
            }
            if name.eq_ignore_ascii_case("received") {
                continue;
            }
            count += 1;
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        (rport, count)
    }
}

/// Room for what a Via has beside its host and its parameters once it is stamped, with an IPv4 address.
const LONGEST_STAMPED: usize = "SIP/2.0/WSS :65535;received=255.255.255.255;rport=65535".len();

/// Reads `SIP / 2.0 /` with blanks and in any case; gives where it ends.
fn protocol_end(value: &str) -> Result<usize, ParseError> {
    let mut parts = value.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(version), Some(rest)) => {
            if !lex::trim(name).eq_ignore_ascii_case("SIP") || lex::trim(version) != "2.0" {
                return Err(ParseError::new(ParseErrorKind::Version, 0));
            }
            Ok(value.len() - rest.len())
        }
        _ => Err(ParseError::new(ParseErrorKind::Value, 0)),
    }
}

impl fmt::Display for Via<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host_text)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.params.as_str())
    }
}
