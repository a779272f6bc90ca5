//! Each bound, and one beyond.

use std::net::{IpAddr, Ipv4Addr};

use sip_transport::{
    Question, Records, RouteError, Srv,
    targets::{MAX_HOPS, MAX_QUESTIONS, MAX_RECORDS, Maddr},
};

use crate::zone::{Zone, naptr, offered, srv};

const URI: &str = "sip:example.com;transport=udp";

fn host(number: usize) -> IpAddr {
    Ipv4Addr::from_bits(0xc000_0200 + number as u32).into()
}

fn with_srv(records: Vec<Srv>) -> Zone {
    let mut zone = Zone::default();
    zone.0.insert(Question::Srv("_sip._udp.example.com".into()), Ok(Records::Srv(records.into())));
    zone
}

fn with_addresses(addresses: impl Iterator<Item = IpAddr>) -> Zone {
    let mut zone = Zone::default();
    zone.0.insert(Question::Addresses("example.com".into()), Ok(Records::Addresses(addresses.collect())));
    zone
}

#[test]
fn four_targets_and_no_more() {
    for (addresses, targets) in [(MAX_HOPS, MAX_HOPS), (MAX_HOPS + 1, MAX_HOPS)] {
        let zone = with_addresses((1..=addresses).map(host));
        let found = zone.find(URI, offered("udp4"), Maddr::Refused, 1);
        assert_eq!(found.targets().len(), targets);
    }
}

#[test]
fn no_server_is_asked_for_once_there_are_four_targets() {
    for (servers, asked) in [(MAX_HOPS, 1 + MAX_HOPS), (MAX_HOPS + 1, 1 + MAX_HOPS)] {
        let mut zone =
            with_srv((1..=servers).map(|n| srv(n as u16, 0, 5060, &format!("h{n}.example.com"))).collect());
        for n in 1..=servers {
            let addresses = [host(n)].into_iter().collect();
            zone.0.insert(
                Question::Addresses(format!("h{n}.example.com").into()),
                Ok(Records::Addresses(addresses)),
            );
        }
        let found = zone.find(URI, offered("udp4"), Maddr::Refused, 1);
        assert_eq!((found.targets().len(), found.asked.len()), (MAX_HOPS, asked));
    }
}

#[test]
fn servers_without_addresses_end_with_the_questions() {
    for (dead, result) in [(MAX_QUESTIONS - 2, true), (MAX_QUESTIONS - 1, false)] {
        let mut zone =
            with_srv((0..=dead).map(|n| srv(n as u16, 0, 5060, &format!("h{n}.example.com"))).collect());
        let addresses = [host(1)].into_iter().collect();
        zone.0.insert(
            Question::Addresses(format!("h{dead}.example.com").into()),
            Ok(Records::Addresses(addresses)),
        );
        let found = zone.find(URI, offered("udp4"), Maddr::Refused, 1);
        assert_eq!(found.asked.len(), MAX_QUESTIONS);
        assert_eq!(found.result.is_ok(), result);
    }
}

/// One wait more than these, and nobody would still hold the line.
#[test]
fn servers_that_cannot_be_looked_up_end_after_two_waits() {
    let zone = "_sip._udp.example.com SRV 0 0 5060 a.example.com
        _sip._udp.example.com SRV 1 0 5060 b.example.com
        _sip._udp.example.com SRV 2 0 5060 c.example.com
        a.example.com A timeout
        c.example.com A 192.0.2.1\n";
    let found = Zone::of(zone).find(URI, offered("udp4"), Maddr::Refused, 1);
    assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
    let found =
        Zone::of(&format!("{zone}b.example.com A timeout")).find(URI, offered("udp4"), Maddr::Refused, 1);
    assert_eq!(found.result, Err(RouteError::Unresolved));
    assert_eq!(found.asked.len(), 3);
}

#[test]
fn five_services_are_asked_for_and_then_the_host_itself() {
    for services in [5, 6, 1000] {
        let mut zone = with_addresses([host(1)].into_iter());
        let records: Vec<_> =
            (0..services).map(|n| naptr(n, 0, "SIP+D2U", &format!("s{n}.example.com"))).collect();
        zone.0.insert(Question::Naptr("example.com".into()), Ok(Records::Naptr(records.into())));
        let found = zone.find("sip:example.com", offered("udp4"), Maddr::Refused, 1);
        assert_eq!(found.asked.len(), 1 + 5 + 1, "{services}");
        assert_eq!(found.targets(), ["UDP 192.0.2.1:5060"]);
    }
}

#[test]
fn the_first_32_records_are_looked_at() {
    for (before, result) in [(MAX_RECORDS - 1, true), (MAX_RECORDS, false)] {
        let mut addresses: Vec<IpAddr> = vec![Ipv4Addr::UNSPECIFIED.into(); before];
        addresses.push(host(1));
        let found = with_addresses(addresses.into_iter()).find(URI, offered("udp4"), Maddr::Refused, 1);
        assert_eq!(found.result.is_ok(), result, "addresses");

        let mut records: Vec<Srv> = (0..before).map(|_| srv(1, 0, 5060, ".")).collect();
        records.push(srv(0, 0, 5060, "a.example.com"));
        let mut zone = with_srv(records);
        zone.0.extend(Zone::of("a.example.com A 192.0.2.1").0);
        assert_eq!(zone.find(URI, offered("udp4"), Maddr::Refused, 1).result.is_ok(), result, "SRV");

        let mut records: Vec<_> = (0..before).map(|_| naptr(1, 0, "E2U+sip", "x")).collect();
        records.push(naptr(0, 0, "SIP+D2U", "s.example.com"));
        let mut zone = Zone::of("s.example.com SRV 0 0 5060 a.example.com\n a.example.com A 192.0.2.1");
        zone.0.insert(Question::Naptr("example.com".into()), Ok(Records::Naptr(records.into())));
        let found = zone.find("sip:example.com", offered("udp4"), Maddr::Refused, 1);
        assert_eq!(found.result.is_ok(), result, "NAPTR");
    }
}

#[test]
fn names_are_looked_up_to_255_characters() {
    let longest = "a".repeat(255);
    let uri = |host: &str| format!("sip:{host};transport=udp");
    let found = Zone::default().find(&uri(&longest), offered("udp4"), Maddr::Refused, 1);
    // The name of the SRV records would be longer.
    assert_eq!(found.asked, [format!("{longest} A/AAAA")]);
    let found = Zone::default().find(&uri(&format!("{longest}a")), offered("udp4"), Maddr::Refused, 1);
    assert_eq!((found.asked.len(), found.result), (0, Err(RouteError::Unresolved)));
}
