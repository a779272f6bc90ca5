//! Whatever the DNS holds, a selection ends, and what it finds can be sent to.

use std::net::IpAddr;

use proptest::{collection::vec, option, prelude::*, sample::select};
use sip_transport::{
    LookupError, Naptr, Question, Records, Srv, Transport,
    targets::{MAX_HOPS, MAX_QUESTIONS, Maddr, Offered},
};

use crate::zone::{Zone, naptr, srv};

/// Few names, so that records point at each other and in circles.
const NAMES: &[&str] = &[
    "example.com",
    "Example.com.",
    "_sip._udp.example.com",
    "_sip._tcp.example.com",
    "_sips._tcp.example.com",
    "_sips._ws.example.com",
    "a.example.com",
    "b.example.com",
    ".",
    "",
    "..",
    "192.0.2.1",
];
const SERVICES: &[&str] =
    &["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2W", "sips+d2w", "SIPS+D2U", "SIP+D2S", "E2U+sip", ""];
const SPECIAL: &[&str] =
    &["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:192.0.2.1", "127.0.0.1"];
const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn one_naptr() -> impl Strategy<Value = Naptr> {
    (0_u16..3, any::<u16>(), select(SERVICES), select(NAMES)).prop_map(|(a, b, c, d)| naptr(a, b, c, d))
}

fn one_srv() -> impl Strategy<Value = Srv> {
    let port = prop_oneof![Just(0), Just(5060), any::<u16>()];
    (0_u16..3, any::<u16>(), port, select(NAMES)).prop_map(|(a, b, c, d)| srv(a, b, c, d))
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        select(SPECIAL).prop_map(|ip| ip.parse().expect("an address")),
    ]
}

fn result() -> impl Strategy<Value = Result<Records, LookupError>> {
    let many = || prop_oneof![9 => 0_usize..4, 1 => Just(1000)];
    prop_oneof![
        (one_naptr(), many()).prop_map(|(naptr, n)| Ok(Records::Naptr(vec![naptr; n].into()))),
        vec(one_naptr(), 0..40).prop_map(|records| Ok(Records::Naptr(records.into()))),
        (one_srv(), many()).prop_map(|(srv, n)| Ok(Records::Srv(vec![srv; n].into()))),
        vec(one_srv(), 0..40).prop_map(|records| Ok(Records::Srv(records.into()))),
        vec(address(), 0..6).prop_map(|addresses| Ok(Records::Addresses(addresses.into_iter().collect()))),
        select(&[LookupError::NotFound, LookupError::Timeout, LookupError::Unsupported][..]).prop_map(Err),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let name = || select(NAMES).prop_map(Box::<str>::from);
    prop_oneof![
        name().prop_map(Question::Naptr),
        name().prop_map(Question::Srv),
        name().prop_map(Question::Addresses)
    ]
}

fn uri() -> impl Strategy<Value = (String, bool)> {
    let hosts =
        &["example.com", "EXAMPLE.com.", "a.example.com", "192.0.2.1", "[2001:db8::1]", "224.0.0.1"][..];
    let transports = &["udp", "tcp", "tls", "ws", "WSS", "sctp"][..];
    (
        any::<bool>(),
        select(hosts),
        option::weighted(0.2, any::<u16>()),
        option::weighted(0.3, select(transports)),
    )
        .prop_map(|(secure, host, port, transport)| {
            let scheme = if secure { "sips" } else { "sip" };
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let transport = transport.map_or_else(String::new, |name| format!(";transport={name}"));
            (format!("{scheme}:{host}{port}{transport}"), secure)
        })
}

fn offered() -> impl Strategy<Value = Vec<(Transport, IpAddr)>> {
    let local = select(&["192.0.2.10", "2001:db8::10"][..]).prop_map(|ip| ip.parse().expect("an address"));
    vec((select(&TRANSPORTS[..]), local), 0..11)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_selection_ends_with_hosts_that_can_be_sent_to(
        zone in proptest::collection::btree_map(question(), result(), 0..12),
        (uri, secure) in uri(),
        locals in offered(),
        seed in any::<u64>(),
    ) {
        let offered = Offered::from_iter(locals);
        let found = Zone(zone).find(&uri, offered, Maddr::Followed, seed);
        prop_assert!(found.asked.len() <= MAX_QUESTIONS);
        if let Ok((targets, name)) = found.result {
            prop_assert!(!targets.is_empty() && targets.len() <= MAX_HOPS);
            prop_assert!(!name.is_empty() && !name.ends_with('.'));
            for (at, target) in targets.iter().enumerate() {
                prop_assert!(target.transport.is_secure() || !secure);
                prop_assert!(offered.reaches(target.transport, target.ip));
                prop_assert!(target.port != 0 && !target.ip.is_unspecified() && !target.ip.is_multicast());
                prop_assert!(!targets[..at].contains(target));
            }
        }
    }
}
