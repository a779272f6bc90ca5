//! Any URI and any answers of the resolver: a selection ends within its questions, and what it finds can be sent to.

#![no_main]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libfuzzer_sys::fuzz_target;
use sip_message::{Scheme, Uri};
use sip_transport::{
    Answer, LookupError, Naptr, Random, Records, Srv, Tick, Transport,
    targets::{Cache, CacheConfig, DeadTargets, MAX_HOPS, MAX_QUESTIONS, Maddr, Offered, Selection, Step},
};

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0
    }
}

const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

const SERVICES: [&str; 6] = ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2W", "SIPS+D2W", "E2U+sip"];

/// Pieces of the input are divided by this byte: the URI, what is offered, and one answer each.
const DIVIDER: u8 = 0xff;

fuzz_target!(|data: &[u8]| {
    let mut pieces = data.split(|byte| *byte == DIVIDER);
    let uri = String::from_utf8_lossy(pieces.next().unwrap_or_default());
    let Ok(uri) = Uri::parse(&uri) else { return };
    let setting = |at: usize, bytes: &[u8]| bytes.get(at).copied().unwrap_or(0x1f);
    let settings = pieces.next().unwrap_or_default();
    let offered = offered(setting(0, settings), setting(1, settings));
    let maddr = if setting(2, settings) & 1 == 1 { Maddr::Followed } else { Maddr::Refused };

    let mut random = Counting(data.len() as u64);
    let mut cache = Cache::new(CacheConfig { entries: 2, ..CacheConfig::default() });
    let mut dead = DeadTargets::default();
    let mut asked = 0;
    let mut step = Selection::start(&uri, offered, maddr);
    while let Ok(Step::Ask(selection, question)) = step {
        asked += 1;
        assert!(asked <= MAX_QUESTIONS);
        let name = question.name();
        assert!(!name.is_empty() && name.len() <= 255 && !name.contains(|c: char| c.is_ascii_uppercase()));
        let result = answer(pieces.next().unwrap_or_default());
        cache.put(question.clone(), &result, Tick::default());
        assert!(cache.len() <= 2);
        let kept = cache.get(&question, Tick::default()).expect("each answer has its time");
        assert_eq!(kept.is_ok(), result.is_ok());
        step = selection.answer(&mut random, kept);
    }
    let Ok(Step::Done { mut targets, name }) = step else { return };
    assert!(!targets.is_empty() && targets.len() <= MAX_HOPS);
    assert!(!name.is_empty());
    for (at, target) in targets.iter().enumerate() {
        assert!(uri.scheme() == Scheme::Sip || target.transport.is_secure());
        assert!(offered.reaches(target.transport, target.ip));
        assert!(target.port != 0 && !target.ip.is_unspecified() && !target.ip.is_multicast());
        assert!(!targets[..at].contains(target));
    }
    let first = targets[0];
    dead.failed(first, Tick::default(), &mut random);
    dead.sort(&mut targets, Tick::default());
    assert_eq!(targets.last(), Some(&first));
});

fn offered(v4: u8, v6: u8) -> Offered {
    let locals: [(u8, IpAddr); 2] = [(v4, Ipv4Addr::LOCALHOST.into()), (v6, Ipv6Addr::LOCALHOST.into())];
    let mut offered = Offered::default();
    for (bits, local) in locals {
        for (bit, transport) in TRANSPORTS.into_iter().enumerate() {
            if bits >> bit & 1 == 1 {
                offered.insert(transport, local);
            }
        }
    }
    offered
}

/// The first byte says the kind; records are divided by line ends.
fn answer(piece: &[u8]) -> Result<Answer, LookupError> {
    let Some((kind, rest)) = piece.split_first() else { return Err(LookupError::NotFound) };
    let lines = || rest.split(|byte| *byte == b'\n');
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into();
    let records = match kind & 7 {
        0 => Records::Naptr(
            lines()
                .filter_map(|line| line.split_first_chunk())
                .map(|([order, preference, service], name)| Naptr {
                    order: (*order).into(),
                    preference: (*preference).into(),
                    service: SERVICES[usize::from(*service) % SERVICES.len()].into(),
                    replacement: text(name),
                })
                .collect(),
        ),
        1 => Records::Srv(
            lines()
                .filter_map(|line| line.split_first_chunk())
                .map(|([priority, weight, port], name)| Srv {
                    priority: (*priority).into(),
                    weight: u16::from(*weight) * 257,
                    port: u16::from(*port) * 257,
                    target: text(name),
                })
                .collect(),
        ),
        2 => Records::Addresses(rest.as_chunks::<4>().0.iter().map(|ip| IpAddr::from(*ip)).collect()),
        3 => Records::Addresses(rest.as_chunks::<16>().0.iter().map(|ip| IpAddr::from(*ip)).collect()),
        4 => return Err(LookupError::Timeout),
        5 => return Err(LookupError::Unsupported),
        _ => return Err(LookupError::NotFound),
    };
    Ok(Answer { records, ttl: Duration::from_secs(1) })
}
