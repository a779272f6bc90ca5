//! Where requests go, and from where.

use std::time::Duration;

use sip_transport::{
    Config, FlowId, LookupError, Question, RouteError, TransportCommand, TransportInput, TransportTimer,
    targets::Maddr,
};

use crate::bench::{Bench, address, answer, questions, records};

fn host(name: &str) -> Question {
    Question::Addresses(name.into())
}

#[test]
fn the_nearest_listening_address_is_taken() {
    let mut bench =
        Bench::on(&["127.0.0.1:5060", "192.0.2.10:5060", "198.51.100.10:5060", "[2001:db8::a]:5060"]);
    for (uri, local) in [
        ("sip:bob@127.0.0.1:5070", "127.0.0.1:5060"),
        ("sip:bob@127.0.0.9", "127.0.0.1:5060"),
        ("sip:bob@192.0.2.10:5070", "192.0.2.10:5060"),
        ("sip:bob@192.0.2.99", "192.0.2.10:5060"),
        ("sip:bob@198.51.100.99", "198.51.100.10:5060"),
        ("sip:bob@[2001:db8::b]", "[2001:db8::a]:5060"),
    ] {
        let hops = bench.route(uri, None).expect("a hop");
        assert_eq!((hops.len(), hops[0].local), (1, address(local)), "{uri}");
    }
}

#[test]
fn the_dialogs_flow_is_kept_where_it_fits() {
    let mut bench =
        Bench::on(&["192.0.2.10:5060", "198.51.100.10:5060", "[2001:db8::a]:5060", "127.0.0.1:5060"]);
    let local =
        |bench: &mut Bench, uri, flow| bench.route(uri, Some(FlowId::from(flow))).expect("a hop")[0].local;
    assert_eq!(local(&mut bench, "sip:bob@192.0.2.99", 2), address("198.51.100.10:5060"));
    assert_eq!(local(&mut bench, "sip:bob@192.0.2.99", 3), address("192.0.2.10:5060"), "another family");
    assert_eq!(
        local(&mut bench, "sip:bob@192.0.2.99", 4),
        address("192.0.2.10:5060"),
        "loopback does not leave"
    );
    assert_eq!(local(&mut bench, "sip:bob@192.0.2.99", 9), address("192.0.2.10:5060"), "a flow that is gone");
}

#[test]
fn of_two_equal_addresses_the_older_flow_is_taken() {
    let mut bench = Bench::on(&["192.0.2.10:5062", "192.0.2.10:5060"]);
    assert_eq!(bench.route("sip:bob@192.0.2.99", None).expect("a hop")[0].flow, FlowId::from(1));
}

#[test]
fn what_cannot_be_routed_is_told_by_reason() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    for (uri, error) in [
        ("sips:bob@192.0.2.20", RouteError::Transport),
        ("sip:bob@192.0.2.20;transport=tls", RouteError::Transport),
        ("tel:+15551234", RouteError::Scheme),
        ("sip:bob@[2001:db8::b]", RouteError::Family),
        ("sip:bob@0.0.0.0", RouteError::Unresolved),
    ] {
        assert_eq!(bench.route(uri, None), Err(error), "{uri}");
    }
    assert_eq!(Bench::on(&[]).route("sip:bob@192.0.2.20", None), Err(RouteError::Transport));
}

#[test]
fn a_name_is_looked_up_and_its_addresses_become_hops() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, outputs) = bench.ask("sip:bob@example.com:5070", None);
    assert_eq!(questions(&outputs), [host("example.com")]);
    assert_eq!(bench.timers.get(&TransportTimer::Resolve(route)), Some(&Duration::from_secs(6)));
    assert!(!bench.transports.is_idle());
    let found = records(&["192.0.2.21", "2001:db8::b", "192.0.2.22", "192.0.2.21"]);
    let outputs = bench.resolve(route, host("example.com"), Ok(found));
    let hops = answer(route, outputs).expect("hops");
    let remotes: Vec<_> = hops.iter().map(|hop| hop.remote).collect();
    assert_eq!(remotes, [address("192.0.2.21:5070"), address("192.0.2.22:5070")]);
    assert!(bench.transports.is_idle() && bench.timers.is_empty());
}

#[test]
fn an_answer_is_kept_for_its_time_and_used_without_asking() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, _) = bench.ask("sip:bob@example.com:5070", None);
    bench.resolve(route, host("example.com"), Ok(records(&["192.0.2.21"])));
    bench.pass(Duration::from_secs(59));
    assert_eq!(
        bench.route("sip:bob@EXAMPLE.com:5070", None).expect("known")[0].remote,
        address("192.0.2.21:5070")
    );
    bench.pass(Duration::from_secs(1));
    assert_eq!(questions(&bench.ask("sip:bob@example.com:5070", None).1), [host("example.com")]);
}

#[test]
fn an_avoided_target_comes_last_for_a_while() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, _) = bench.ask("sip:bob@example.com:5070", None);
    let found = records(&["192.0.2.21", "192.0.2.22"]);
    let hops = answer(route, bench.resolve(route, host("example.com"), Ok(found))).expect("hops");
    let first = |bench: &mut Bench| bench.route("sip:bob@example.com:5070", None).expect("known")[0].remote;
    assert_eq!(first(&mut bench), address("192.0.2.21:5070"));
    bench.command(TransportCommand::Avoid(hops[0]));
    assert_eq!(first(&mut bench), address("192.0.2.22:5070"));
    bench.pass(Duration::from_secs(5));
    assert_eq!(first(&mut bench), address("192.0.2.21:5070"), "its time is over");
    bench.receive(TransportInput::SendFailed { flow: FlowId::from(1), remote: address("192.0.2.21:5070") });
    assert_eq!(first(&mut bench), address("192.0.2.22:5070"), "the socket says that it is unreachable");
}

#[test]
fn no_request_gets_more_than_four_hops() {
    for count in [4, 5] {
        let mut bench = Bench::on(&["192.0.2.10:5060"]);
        let (route, _) = bench.ask("sip:bob@example.com:5070", None);
        let found = (0..count).map(|last| format!("192.0.2.{}", 20 + last)).collect::<Vec<_>>();
        let found = records(&found.iter().map(String::as_str).collect::<Vec<_>>());
        let outputs = bench.resolve(route, host("example.com"), Ok(found));
        assert_eq!(answer(route, outputs).expect("hops").len(), 4);
    }
}

#[test]
fn a_name_without_a_usable_address_is_told_by_reason() {
    for (result, error) in [
        (Ok(records(&[])), RouteError::Unresolved),
        (Ok(records(&["0.0.0.0", "224.0.0.1"])), RouteError::Unresolved),
        (Ok(records(&["2001:db8::b"])), RouteError::Family),
        (Err(LookupError::NotFound), RouteError::Unresolved),
        (Err(LookupError::Timeout), RouteError::Unresolved),
    ] {
        let mut bench = Bench::on(&["192.0.2.10:5060"]);
        let (route, _) = bench.ask("sip:bob@example.com:5070", None);
        let outputs = bench.resolve(route, host("example.com"), result);
        assert_eq!(answer(route, outputs), Err(error));
    }
}

#[test]
fn a_silent_resolver_is_given_up_and_its_late_answer_is_kept_for_the_next() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, _) = bench.ask("sip:bob@example.com:5070", None);
    let outputs = bench.pass(Duration::from_secs(6));
    assert_eq!(answer(route, outputs), Err(RouteError::Unresolved));
    assert!(bench.transports.is_idle());
    assert_eq!(
        bench.route("sip:carol@example.com:5070", None),
        Err(RouteError::Unresolved),
        "not asked again at once"
    );
    assert!(bench.resolve(route, host("example.com"), Ok(records(&["192.0.2.21"]))).is_empty());
    assert!(bench.expire(TransportTimer::Resolve(route)).is_empty());
    assert_eq!(bench.transports.counters().late_answer, 1);
    assert!(bench.route("sip:bob@example.com:5070", None).is_ok());
}

#[test]
fn an_answer_to_another_question_is_not_taken_for_this_one() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, outputs) = bench.ask("sip:bob@example.com", None);
    assert_eq!(questions(&outputs), [Question::Naptr("example.com".into())]);
    assert!(bench.resolve(route, host("example.com"), Ok(records(&["192.0.2.21"]))).is_empty());
    assert_eq!(bench.transports.counters().late_answer, 1);
    let next = bench.resolve(route, Question::Naptr("example.com".into()), Err(LookupError::NotFound));
    assert_eq!(questions(&next), [Question::Srv("_sip._udp.example.com".into())]);
    let found =
        bench.resolve(route, Question::Srv("_sip._udp.example.com".into()), Err(LookupError::NotFound));
    // The address is known by now.
    assert_eq!(answer(route, found).expect("a hop")[0].remote, address("192.0.2.21:5060"));
}

#[test]
fn sixty_four_names_wait_and_one_more_is_refused() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let (route, outputs) = bench.ask("sip:bob@example.com:5070", None);
        assert_eq!(questions(&outputs).len(), 1);
        waiting.push(route);
    }
    assert_eq!(bench.route("sip:bob@example.com:5070", None), Err(RouteError::Overload));
    assert!(bench.route("sip:bob@192.0.2.20", None).is_ok(), "numeric hosts need no place");
    let outputs = bench.expire(TransportTimer::Resolve(waiting[0]));
    assert_eq!(answer(waiting[0], outputs), Err(RouteError::Unresolved));
    assert_eq!(questions(&bench.ask("sip:bob@example.net:5070", None).1).len(), 1);
}

#[test]
fn maddr_is_followed_only_where_it_is_allowed() {
    let uri = "sip:bob@192.0.2.20;maddr=192.0.2.30";
    assert_eq!(Bench::on(&["192.0.2.10:5060"]).route(uri, None), Err(RouteError::Maddr));
    let config = Config { maddr: Maddr::Followed, ..Config::default() };
    let mut bench = Bench::with(config, &[(sip_transport::Transport::Udp, "192.0.2.10:5060")]);
    assert_eq!(bench.route(uri, None).expect("a hop")[0].remote, address("192.0.2.30:5060"));
}
