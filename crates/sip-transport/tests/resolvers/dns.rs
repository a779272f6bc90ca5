//! The DNS itself, against a name server on loopback.

use std::{net::IpAddr, time::Duration};

use hickory_resolver::proto::{op::ResponseCode, rr::Record};
use sip_message::Uri;
use sip_transport::{
    Answer, LookupError, Naptr, Question, Random, Records, Srv, Tick, Transport,
    io::{DnsConfig, DnsResolver, Resolver},
    targets::{DeadTargets, MAX_RECORDS, Maddr, Offered, Selection, Step, Targets},
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::name_server::{NameServer, Otherwise, alias, host, is_aaaa, naptr, srv};

/// Long enough for loopback on a busy machine, and short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

async fn served(records: Vec<Record>, otherwise: Otherwise) -> (NameServer, DnsResolver) {
    let server = NameServer::serve(records, otherwise).await;
    let config = DnsConfig { servers: vec![server.address], ..DnsConfig::default() };
    let resolver = DnsResolver::new(&config).expect("a resolver");
    (server, resolver)
}

fn addresses(name: &str) -> Question {
    Question::Addresses(name.into())
}

fn answer(records: Records, seconds: u64) -> Answer {
    Answer { records, ttl: Duration::from_secs(seconds) }
}

fn ips(all: &[&str]) -> Records {
    Records::Addresses(all.iter().map(|ip| ip.parse().expect("an address")).collect())
}

#[tokio::test]
async fn each_kind_of_record_is_read() {
    let records = vec![
        naptr("example.com", 10, "S", "SIP+D2T", "", "_sip._tcp.example.com"),
        naptr("example.com", 20, "s", "SIP+D2U", "", "_SIP._udp.Example.com"),
        srv("_sip._tcp.example.com", 1, 5070, "a.example.com"),
        srv("_sip._tcp.example.com", 2, 5071, "."),
        host("a.example.com", "192.0.2.1"),
        host("a.example.com", "2001:db8::1"),
        host("a.example.com", "192.0.2.2"),
    ];
    let (_server, resolver) = served(records, Otherwise::Missing).await;
    let one = |order, service: &str, replacement: &str| Naptr {
        order,
        preference: 50,
        service: service.into(),
        replacement: replacement.into(),
    };
    let naptrs = [one(10, "SIP+D2T", "_sip._tcp.example.com"), one(20, "SIP+D2U", "_SIP._udp.Example.com")];
    let found = resolver.look_up(Question::Naptr("example.com".into())).await;
    assert_eq!(found, Ok(answer(Records::Naptr(naptrs.into()), 300)));

    let one = |priority, port, target: &str| Srv { priority, weight: 0, port, target: target.into() };
    let srvs = [one(1, 5070, "a.example.com"), one(2, 5071, ".")];
    let found = resolver.look_up(Question::Srv("_sip._tcp.example.com".into())).await;
    assert_eq!(found, Ok(answer(Records::Srv(srvs.into()), 200)));

    let found = resolver.look_up(addresses("a.example.com")).await;
    assert_eq!(found, Ok(answer(ips(&["2001:db8::1", "192.0.2.1", "192.0.2.2"]), 100)));
}

#[tokio::test]
async fn records_that_sip_has_no_use_for_are_none() {
    let records = vec![
        naptr("example.com", 1, "u", "E2U+sip", "!^.*$!sip:a@example.com!", "."),
        naptr("example.com", 1, "a", "SIP+D2U", "", "a.example.com"),
        naptr("example.com", 1, "s", "SIP+D2U", "!a!b!", "_sip._udp.example.com"),
    ];
    let (_server, resolver) = served(records, Otherwise::Missing).await;
    let found = resolver.look_up(Question::Naptr("example.com".into())).await;
    assert_eq!(found, Err(LookupError::NotFound));
}

#[tokio::test]
async fn an_alias_is_followed_and_the_shortest_time_counts() {
    let records = vec![
        alias("a.example.com", "b.example.com"),
        host("b.example.com", "192.0.2.1"),
        host("b.example.com", "2001:db8::1"),
    ];
    let (_server, resolver) = served(records, Otherwise::Missing).await;
    assert_eq!(
        resolver.look_up(addresses("a.example.com")).await,
        Ok(answer(ips(&["2001:db8::1", "192.0.2.1"]), 50))
    );
}

#[tokio::test]
async fn nothing_is_kept_and_no_other_domain_is_tried() {
    let (server, resolver) = served(vec![host("a.example.com", "192.0.2.1")], Otherwise::Missing).await;
    for _ in 0..2 {
        assert!(resolver.look_up(addresses("a.example.com")).await.is_ok());
    }
    assert_eq!(
        resolver.look_up(Question::Srv("_sip._udp.b.example.com".into())).await,
        Err(LookupError::NotFound)
    );
    let mut asked = server.asked();
    asked.sort();
    let host = ["a.example.com. A", "a.example.com. A", "a.example.com. AAAA", "a.example.com. AAAA"];
    assert_eq!(asked[1..], host);
    assert_eq!(asked[0], "_sip._udp.b.example.com. SRV");
}

#[tokio::test]
async fn no_such_name_is_not_found_and_an_error_of_the_server_is_not() {
    for (otherwise, error) in [
        (Otherwise::Missing, LookupError::NotFound),
        (Otherwise::Fails(ResponseCode::NoError), LookupError::NotFound),
        (Otherwise::Fails(ResponseCode::ServFail), LookupError::Timeout),
        (Otherwise::Fails(ResponseCode::Refused), LookupError::Timeout),
    ] {
        let (_server, resolver) = served(Vec::new(), otherwise).await;
        for question in [
            Question::Naptr("example.com".into()),
            Question::Srv("example.com".into()),
            addresses("example.com"),
        ] {
            assert_eq!(resolver.look_up(question.clone()).await, Err(error), "{question} {otherwise:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_name_is_not_asked_for() {
    let (server, resolver) = served(Vec::new(), Otherwise::Missing).await;
    for name in ["a..b", &"a".repeat(64), "a b"] {
        assert_eq!(resolver.look_up(addresses(name)).await, Err(LookupError::NotFound), "{name}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_longer_than_the_limit() {
    let server = NameServer::serve(Vec::new(), Otherwise::Silent).await;
    let servers = vec![server.address];
    let long = Duration::from_hours(1);
    for config in [
        DnsConfig { servers: servers.clone(), attempt: long, limit: SHORT },
        DnsConfig { servers, attempt: SHORT / 4, limit: long },
    ] {
        let resolver = DnsResolver::new(&config).expect("a resolver");
        let result = resolver.look_up(Question::Naptr("example.com".into())).await;
        assert_eq!(result, Err(LookupError::Timeout), "{config:?}");
    }
    assert!(!server.asked().is_empty());
}

/// Some name servers say nothing to questions for AAAA records (RFC 4074 §4.1).
#[tokio::test]
async fn a_server_that_is_silent_about_ipv6_does_not_hide_the_rest() {
    let server = NameServer::serve(vec![host("a.example.com", "192.0.2.1")], Otherwise::Silent).await;
    let config =
        DnsConfig { servers: vec![server.address], attempt: Duration::from_secs(1), ..DnsConfig::default() };
    let resolver = DnsResolver::new(&config).expect("a resolver");
    assert_eq!(resolver.look_up(addresses("a.example.com")).await, Ok(answer(ips(&["192.0.2.1"]), 100)));
    assert!(server.asked().iter().any(|question| is_aaaa(question)));
}

#[tokio::test]
async fn of_many_records_the_first_32_are_taken() {
    for (sent, taken) in [(MAX_RECORDS, MAX_RECORDS), (MAX_RECORDS + 1, MAX_RECORDS)] {
        let hosts = (0..sent).map(|n| host("a.example.com", &format!("192.0.2.{n}")));
        let services = (0..sent).map(|n| srv("_sip._udp.example.com", n as u16, 5060, "a.example.com"));
        let (_server, resolver) = served(hosts.chain(services).collect(), Otherwise::Missing).await;
        let Ok(Records::Addresses(all)) =
            resolver.look_up(addresses("a.example.com")).await.map(|a| a.records)
        else {
            panic!("no addresses")
        };
        assert_eq!(all.len(), taken);
        let question = Question::Srv("_sip._udp.example.com".into());
        let Ok(Records::Srv(all)) = resolver.look_up(question).await.map(|a| a.records) else {
            panic!("no SRV")
        };
        assert_eq!(all.len(), taken);
    }
}

struct Fixed;

impl Random for Fixed {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Asks until the targets are known.
async fn targets(resolver: &dyn Resolver, uri: &str, offered: Offered) -> Targets {
    let mut step = Selection::start(&Uri::parse(uri).expect("test URI"), offered, Maddr::Refused);
    loop {
        match step.expect("targets") {
            Step::Ask(selection, question) => {
                let result = resolver.look_up(question).await;
                step = selection.answer(&mut Fixed, result.map(|answer| answer.records));
            }
            Step::Done { targets, .. } => return targets,
        }
    }
}

/// RFC 3263 §4.1 to §4.3: NAPTR leads to SRV, SRV to addresses; the first server is dead, the second one is reached.
#[tokio::test]
async fn a_domain_is_reached_whose_first_server_is_dead() {
    // Bound and not listening: the port is nobody else's, and refuses.
    let dead = TcpSocket::new_v4().expect("a socket");
    dead.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback is there");
    let alive = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let dead_port = dead.local_addr().expect("it is bound").port();
    let alive_port = alive.local_addr().expect("it is bound").port();
    let records = vec![
        naptr("example.com", 10, "s", "SIPS+D2T", "", "_sips._tcp.example.com"),
        naptr("example.com", 20, "s", "SIP+D2T", "", "_sip._tcp.example.com"),
        naptr("example.com", 30, "s", "SIP+D2U", "", "_sip._udp.example.com"),
        srv("_sip._tcp.example.com", 1, dead_port, "one.example.com"),
        srv("_sip._tcp.example.com", 2, alive_port, "two.example.com"),
        host("one.example.com", "127.0.0.1"),
        host("two.example.com", "127.0.0.1"),
    ];
    let (server, resolver) = served(records, Otherwise::Missing).await;
    let local: IpAddr = "127.0.0.1".parse().expect("an address");
    let offered = Offered::from_iter([(Transport::Udp, local), (Transport::Tcp, local)]);
    let mut found = targets(&resolver, "sip:bob@example.com", offered).await;
    assert_eq!(server.asked()[..2], ["example.com. NAPTR", "_sip._tcp.example.com. SRV"]);
    assert_eq!(found.iter().map(|target| target.port).collect::<Vec<_>>(), [dead_port, alive_port]);

    let mut failed = DeadTargets::default();
    let mut reached = None;
    for target in &found {
        assert_eq!(target.transport, Transport::Tcp);
        match TcpStream::connect(target.remote()).await {
            Ok(_) => reached = Some(*target),
            Err(_) => failed.failed(*target, Tick::default(), &mut Fixed),
        }
    }
    assert_eq!(reached.map(|target| target.port), Some(alive_port));
    failed.sort(&mut found, Tick::from_micros(1));
    assert_eq!(found[0].port, alive_port, "the next request goes to the living one at once");
}
