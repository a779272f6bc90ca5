//! Parsers of single values. Each error says what is allowed; clap puts the flag's name before it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use session_core::message::{Scheme, UriBuf};
use session_core::{Codec, Network, PeerProfile, SampleRate, Transport};

/// The most calls `--max-calls` takes: each has an RTP and an RTCP port, so more cannot work with media on one address,
/// and without media it is far above what one engine carries.
const MOST_CALLS: usize = 100_000;
const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;
const YEAR: u32 = 31_536_000;
/// The telephone band of G.711 with some margin; above half the sampling rate of 8000 Hz a tone is another tone.
const TONES: std::ops::RangeInclusive<u16> = 50..=3_800;

/// The most digits `--dtmf` takes: what a call queues at a time.
const MOST_DIGITS: usize = 64;

/// An address to listen on, as `TRANSPORT:IP:PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) Transport, pub(crate) SocketAddr);

pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let allowed = "must be TRANSPORT:IP:PORT, such as udp:192.0.2.1:5060 or tcp:[::1]:0";
    let (name, address) = text.split_once(':').ok_or(allowed)?;
    let transport = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
        .into_iter()
        .find(|transport| transport.via_name().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("the transport is none of udp, tcp, tls, ws and wss; {allowed}"))?;
    address.parse().map(|address| Listen(transport, address)).map_err(|_| allowed.to_owned())
}

/// A name server; its port is 53 where none is given.
pub(super) fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| "must be IP:PORT or IP, such as 192.0.2.53 or [2001:db8::35]:53".to_owned())
}

pub(super) fn tone(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|hz| TONES.contains(hz))
        .ok_or_else(|| format!("must be a whole number of Hz from {} to {}", TONES.start(), TONES.end()))
}

pub(super) fn codec(text: &str) -> Result<Codec, String> {
    match text.to_ascii_lowercase().as_str() {
        "pcmu" => Ok(Codec::Pcmu),
        "pcma" => Ok(Codec::Pcma),
        "g722" => Ok(Codec::G722),
        "l16" | "l16/16000" => Ok(Codec::L16(SampleRate::Hz16000)),
        "l16/8000" => Ok(Codec::L16(SampleRate::Hz8000)),
        _ => Err("must be of pcmu, pcma, g722, l16 and l16/8000".to_owned()),
    }
}

pub(super) fn profile(text: &str) -> Result<PeerProfile, String> {
    PeerProfile::by_name(text).ok_or_else(|| {
        let names: Vec<&str> = PeerProfile::names().collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// What may stand in it is known by the stack, which is asked when all of them are known.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("must be NAME:VALUE, such as X-Case:4711")?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err("its name must be of letters, digits and -".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

pub(super) fn digits(text: &str) -> Result<String, String> {
    let known = |digit: char| matches!(digit.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D' | '!');
    if (1..=MOST_DIGITS).contains(&text.len()) && text.chars().all(known) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(format!("must be 1 to {MOST_DIGITS} of 0 to 9, *, #, A to D and !"))
    }
}

pub(super) fn calls(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|calls| (1..=MOST_CALLS).contains(calls))
        .ok_or_else(|| format!("must be a whole number from 1 to {MOST_CALLS}"))
}

pub(super) fn network(text: &str) -> Result<Network, String> {
    text.parse::<Network>().map_err(|_| {
        "must be an IP address or a network with its prefix length, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
            .to_owned()
    })
}

pub(super) fn hour(text: &str) -> Result<Duration, String> {
    seconds(text, HOUR)
}

/// For how long a phone may ring: a second at least, or nobody could answer.
pub(super) fn ring(text: &str) -> Result<Duration, String> {
    let allowed = || format!("must be seconds from 1 to {HOUR}; fractions such as 1.5 are allowed");
    hour(text).ok().filter(|time| time.as_secs() >= 1).ok_or_else(allowed)
}

pub(super) fn day(text: &str) -> Result<Duration, String> {
    seconds(text, DAY)
}

pub(super) fn year(text: &str) -> Result<Duration, String> {
    seconds(text, YEAR)
}

fn seconds(text: &str, most: u32) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..=f64::from(most)).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("must be seconds from 0 to {most}; fractions such as 1.5 are allowed"))
}

/// A URI that we call ourselves.
pub(super) fn callee(text: &str) -> Result<String, String> {
    let allowed = "must be sip:[USER@]HOST[:PORT], or the same with sips:";
    let uri = UriBuf::parse(text).map_err(|error| format!("{error}; {allowed}"))?;
    match uri.as_uri().scheme() {
        Scheme::Sip | Scheme::Sips => plain(&uri, allowed),
        _ => Err(allowed.to_owned()),
    }
}

/// An address of record.
pub(super) fn record(text: &str) -> Result<UriBuf, String> {
    let allowed = "must be sip:USER@DOMAIN";
    let uri = UriBuf::parse(text).map_err(|error| format!("{error}; {allowed}"))?;
    let parts = uri.as_uri();
    let usable = matches!(parts.scheme(), Scheme::Sip | Scheme::Sips) && parts.user().is_some();
    if usable { plain(&uri, allowed).map(|_| uri) } else { Err(allowed.to_owned()) }
}

/// What names a phone for good (RFC 5626 §4.1).
pub(super) fn instance(text: &str) -> Result<Box<str>, String> {
    let name = text.strip_prefix("urn:").unwrap_or_default();
    let whole =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !br#""\<>"#.contains(&byte));
    if whole {
        Ok(text.into())
    } else {
        Err("must be a URN, such as urn:uuid: and what uuidgen makes".to_owned())
    }
}

/// A registrar or a proxy.
pub(super) fn server_uri(text: &str) -> Result<UriBuf, String> {
    let allowed = "must be sip:HOST[:PORT][;transport=TRANSPORT]";
    let uri = UriBuf::parse(text).map_err(|error| format!("{error}; {allowed}"))?;
    let parts = uri.as_uri();
    let usable = matches!(parts.scheme(), Scheme::Sip | Scheme::Sips) && parts.user().is_none();
    if usable { plain(&uri, allowed).map(|_| uri) } else { Err(allowed.to_owned()) }
}

/// A URI that somebody else is asked to call.
pub(super) fn target(text: &str) -> Result<String, String> {
    let allowed = "must be a sip:, sips: or tel: URI without headers and method";
    let uri = UriBuf::parse(text).map_err(|error| format!("{error}; {allowed}"))?;
    match uri.as_uri().scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => plain(&uri, allowed),
        Scheme::Other => Err(allowed.to_owned()),
    }
}

fn plain(uri: &UriBuf, allowed: &str) -> Result<String, String> {
    if uri.without_headers_and_method() == *uri {
        Ok(uri.as_str().to_owned())
    } else {
        Err(allowed.to_owned())
    }
}
