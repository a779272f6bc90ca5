//! A table in place of the DNS.

use std::{net::IpAddr, time::Duration};

use sip_transport::{
    Answer, LookupError, Naptr, Question, Records, Srv,
    io::{Resolver, StaticResolver, TABLE_TTL},
};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn srv(port: u16) -> Srv {
    Srv { priority: 0, weight: 0, port, target: "a.example.com".into() }
}

fn naptr(order: u16) -> Naptr {
    let (service, replacement) = ("SIP+D2U".into(), "_sip._udp.example.com".into());
    Naptr { order, preference: 0, service, replacement }
}

#[tokio::test]
async fn what_was_put_in_comes_out_in_order() {
    let table = StaticResolver::default()
        .naptr("Example.com", naptr(1))
        .naptr("example.com.", naptr(2))
        .srv("_sip._UDP.example.com", srv(5061))
        .srv("_sip._udp.example.com", srv(5060))
        .host("a.example.com", [ip("192.0.2.2"), ip("2001:db8::1")])
        .host("A.example.com", [ip("192.0.2.1")]);
    for (question, records) in [
        (Question::Naptr("example.com".into()), Records::Naptr([naptr(1), naptr(2)].into())),
        (Question::Srv("_sip._udp.example.com".into()), Records::Srv([srv(5061), srv(5060)].into())),
        (
            Question::Addresses("a.example.com".into()),
            Records::Addresses([ip("192.0.2.2"), ip("2001:db8::1"), ip("192.0.2.1")].into_iter().collect()),
        ),
    ] {
        assert_eq!(table.look_up(question).await, Ok(Answer { records, ttl: TABLE_TTL }));
    }
}

#[tokio::test]
async fn what_is_not_in_it_is_not_found() {
    let table = StaticResolver::default().host("example.com", []).host("a.example.com", [ip("192.0.2.1")]);
    for question in [
        Question::Addresses("example.com".into()),
        Question::Addresses("b.example.com".into()),
        Question::Srv("a.example.com".into()),
        Question::Naptr("a.example.com".into()),
    ] {
        assert_eq!(table.look_up(question).await, Err(LookupError::NotFound));
    }
}

#[tokio::test]
async fn it_fails_and_keeps_time_as_it_is_told() {
    let failing = Question::Addresses("a.example.com".into());
    let table = StaticResolver::default()
        .host("a.example.com", [ip("192.0.2.1")])
        .host("b.example.com", [ip("192.0.2.1")])
        .failure(failing.clone(), LookupError::Timeout)
        .ttl(Duration::from_secs(7));
    assert_eq!(table.look_up(failing).await, Err(LookupError::Timeout));
    let answer = table.look_up(Question::Addresses("b.example.com".into())).await.expect("it is there");
    assert_eq!(answer.ttl, Duration::from_secs(7));
}
