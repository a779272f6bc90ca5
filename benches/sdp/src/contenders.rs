//! Who is measured.

use std::hint::black_box;

use bytesstr::BytesStr;
use media_core::{Direction, SessionDescription};

/// Parses the body and drops what came of it.
pub(crate) type Read = fn(&str) -> Option<Seen>;

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) parse: Read,
    pub(crate) full: Read,
}

/// Sums and counts of what was read, to show that each reads the same.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    version: u64,
    user: usize,
    /// Bytes of the addresses, as written.
    addresses: usize,
    ports: u64,
    payload_types: u64,
    clock_rates: u64,
    names: usize,
    sending: usize,
}

/// Ours first: what it sees, the others have to see.
pub(crate) const CONTENDERS: [Contender; 3] = [
    Contender {
        name: "patchcord-media-core",
        parse: |body| parsed(SessionDescription::parse(body.as_bytes()).ok()),
        full: ours,
    },
    Contender {
        name: "sdp-types",
        parse: |body| parsed(sdp_types::Session::parse(body.as_bytes()).ok()),
        full: of_sdp_types,
    },
    Contender {
        name: "ezk-sdp-types",
        // It wants a buffer that it can share; the copy is part of it, as it is of ours.
        parse: |body| parsed(ezk_sdp_types::SessionDescription::parse(&BytesStr::from(body)).ok()),
        full: of_ezk,
    },
];

fn parsed<T>(description: Option<T>) -> Option<Seen> {
    black_box(description).map(|_| Seen::default())
}

fn ours(body: &str) -> Option<Seen> {
    let description = SessionDescription::parse(body.as_bytes()).ok()?;
    let origin = description.origin();
    let mut seen =
        Seen { version: origin.version.parse().ok()?, user: origin.username.len(), ..Seen::default() };
    for media in description.media() {
        seen.addresses += description.connection(&media)?.address.len();
        seen.ports += u64::from(media.port);
        seen.payload_types += media.payload_types().map(u64::from).sum::<u64>();
        for (_, encoding) in media.encodings() {
            seen.clock_rates += u64::from(encoding.clock_rate);
            seen.names += encoding.name.len();
        }
        seen.sending += usize::from(description.direction(&media).sends());
    }
    Some(seen)
}

fn of_sdp_types(body: &str) -> Option<Seen> {
    let session = sdp_types::Session::parse(body.as_bytes()).ok()?;
    let mut seen = Seen {
        version: session.origin.sess_version,
        user: session.origin.username.as_ref().map_or(1, String::len),
        ..Seen::default()
    };
    let direction = |attributes: &[sdp_types::Attribute]| {
        attributes.iter().find_map(|attribute| Direction::from_attribute(&attribute.attribute))
    };
    for media in &session.medias {
        let connection = media.connections.first().or(session.connection.as_ref())?;
        seen.addresses += connection.connection_address.len();
        seen.ports += u64::from(media.port);
        seen.payload_types +=
            media.fmt.split(' ').filter_map(|format| format.parse::<u64>().ok()).sum::<u64>();
        for attribute in media.attributes.iter().filter(|attribute| attribute.attribute == "rtpmap") {
            let (_, encoding) = attribute.value.as_deref()?.split_once(' ')?;
            let mut parts = encoding.split('/');
            seen.names += parts.next()?.len();
            seen.clock_rates += parts.next()?.parse::<u64>().ok()?;
        }
        let direction =
            direction(&media.attributes).or_else(|| direction(&session.attributes)).unwrap_or_default();
        seen.sending += usize::from(direction.sends());
    }
    Some(seen)
}

fn of_ezk(body: &str) -> Option<Seen> {
    use ezk_sdp_types::{Direction, SessionDescription, TaggedAddress};
    let session = SessionDescription::parse(&BytesStr::from(body)).ok()?;
    let mut seen = Seen {
        version: session.origin.session_version.parse().ok()?,
        user: session.origin.username.len(),
        ..Seen::default()
    };
    for media in &session.media_descriptions {
        let connection = media.connection.as_ref().or(session.connection.as_ref())?;
        seen.addresses += match &connection.address {
            // It has read the numbers; the bodies have them in their shortest form.
            TaggedAddress::IP4(address) => length(address.octets()),
            TaggedAddress::IP4FQDN(name) | TaggedAddress::IP6FQDN(name) => name.len(),
            TaggedAddress::IP6(_) => return None,
        };
        seen.ports += u64::from(media.media.port);
        seen.payload_types += media.media.fmts.iter().map(|&number| u64::from(number)).sum::<u64>();
        for map in &media.rtpmap {
            seen.clock_rates += u64::from(map.clock_rate);
            seen.names += map.encoding.len();
        }
        seen.sending += usize::from(matches!(media.direction, Direction::SendRecv | Direction::SendOnly));
    }
    Some(seen)
}

/// The characters of a dotted address.
fn length(octets: [u8; 4]) -> usize {
    3 + octets
        .iter()
        .map(|&octet| {
            if octet > 99 {
                3
            } else if octet > 9 {
                2
            } else {
                1
            }
        })
        .sum::<usize>()
}
