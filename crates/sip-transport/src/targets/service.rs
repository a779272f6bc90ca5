//! What the transports are called in the DNS (RFC 3263 §4.1 and §4.2, RFC 7118 §5.5).

use crate::{
    flow::Transport,
    question::{Naptr, Srv},
    step::Random,
};

use super::{domain::domain_name, weights};

/// A service of a domain: its SRV records are at `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) transport: Transport,
    pub(super) name: Box<str>,
}

impl Service {
    /// The service where no NAPTR record says otherwise; `None` if the name would be too long to exist.
    pub(super) fn of(domain: &str, transport: Transport) -> Option<Self> {
        let name = domain_name(&format!("{}.{domain}", labels(transport)))?;
        Some(Self { transport, name })
    }

    /// The services that these records name and that are wanted, the most preferred first (RFC 3403 §4.1).
    pub(super) fn listed(records: &[Naptr], wanted: impl Fn(Transport) -> bool) -> Vec<Self> {
        let mut sorted: Vec<&Naptr> = records.iter().collect();
        sorted.sort_by_key(|naptr| (naptr.order, naptr.preference));
        let listed = sorted.into_iter().filter_map(|naptr| {
            let transport = transport(&naptr.service).filter(|transport| wanted(*transport))?;
            Some(Self { transport, name: domain_name(&naptr.replacement)? })
        });
        listed.collect()
    }
}

/// The hosts and ports that offer a service, in the order to try; none for the target `.`, which says that the service is
/// not offered (RFC 2782).
pub(super) fn servers(records: &[Srv], random: &mut dyn Random) -> impl Iterator<Item = (Box<str>, u16)> {
    let sorted = weights::sorted(records, random).into_iter();
    sorted.filter(|srv| srv.port != 0).filter_map(|srv| Some((domain_name(&srv.target)?, srv.port)))
}

/// The transport of a NAPTR service; `None` for those of other protocols and of transports that nobody here speaks.
fn transport(service: &str) -> Option<Transport> {
    Some(match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Transport::Udp,
        "SIP+D2T" => Transport::Tcp,
        "SIPS+D2T" => Transport::Tls,
        "SIP+D2W" => Transport::Ws,
        "SIPS+D2W" => Transport::Wss,
        _ => return None,
    })
}

/// The first labels of the SRV name. RFC 7118 names none for WebSocket; these follow the pattern of the others.
const fn labels(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    }
}
