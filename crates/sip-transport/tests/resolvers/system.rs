//! The system's resolver, as far as it needs no network.

use std::net::IpAddr;

use sip_transport::{
    LookupError, Question, Records,
    io::{Resolver, SYSTEM_TTL, SystemResolver},
};

#[tokio::test]
async fn the_name_of_this_host_is_found() {
    let answer = SystemResolver.look_up(Question::Addresses("localhost".into())).await.expect("found");
    let Records::Addresses(addresses) = answer.records else { panic!("no addresses") };
    assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    assert!((1..addresses.len()).all(|at| !addresses[..at].contains(&addresses[at])), "{addresses:?}");
    assert_eq!(answer.ttl, SYSTEM_TTL);
}

#[tokio::test]
async fn what_is_no_name_is_not_found() {
    let result = SystemResolver.look_up(Question::Addresses("a..b".into())).await;
    assert_eq!(result, Err(LookupError::NotFound));
}

#[tokio::test]
async fn it_asks_for_addresses_only() {
    for question in [Question::Naptr("localhost".into()), Question::Srv("_sip._udp.localhost".into())] {
        assert_eq!(SystemResolver.look_up(question).await, Err(LookupError::Unsupported));
    }
}
