//! Where requests go, and from where.

use std::time::Duration;

use sip_transport::{
    Addresses, FlowId, LookupError, RouteError, TimerOp, TransportInput, TransportOutput, TransportTimer,
};

use crate::bench::{Bench, address, answer};

fn addresses(texts: &[&str]) -> Addresses {
    texts.iter().map(|text| text.parse().expect("test address")).collect()
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
    assert_eq!(Bench::on(&[]).route("sip:bob@192.0.2.20", None), Err(RouteError::Family));
}

#[test]
fn a_name_is_looked_up_and_its_addresses_become_hops() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, outputs) = bench.ask("sip:bob@example.com:5070", None);
    let timer = TransportTimer::Resolve(route);
    let [TransportOutput::Timer(armed), TransportOutput::Resolve { route: asked, host, port }] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(*armed, TimerOp::Arm(timer, Duration::from_secs(5)));
    assert_eq!((*asked, &**host, *port), (route, "example.com", 5070));
    assert!(!bench.transports.is_idle());
    let found = addresses(&["192.0.2.21", "2001:db8::b", "192.0.2.22", "192.0.2.21"]);
    let outputs = bench.receive(TransportInput::Resolved { route, result: Ok(found) });
    assert!(matches!(outputs[0], TransportOutput::Timer(TimerOp::Disarm(disarmed)) if disarmed == timer));
    let hops = answer(route, outputs).expect("hops");
    let remotes: Vec<_> = hops.iter().map(|hop| hop.remote).collect();
    assert_eq!(remotes, [address("192.0.2.21:5070"), address("192.0.2.22:5070")]);
    assert!(bench.transports.is_idle());
}

#[test]
fn no_request_gets_more_than_four_hops() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    for count in [4, 5] {
        let (route, _) = bench.ask("sip:bob@example.com", None);
        let found = (0..count).map(|last| format!("192.0.2.{}", 20 + last)).collect::<Vec<_>>();
        let found = addresses(&found.iter().map(String::as_str).collect::<Vec<_>>());
        let outputs = bench.receive(TransportInput::Resolved { route, result: Ok(found) });
        assert_eq!(answer(route, outputs).expect("hops").len(), 4);
    }
}

#[test]
fn a_name_without_a_usable_address_is_told_by_reason() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    for (result, error) in [
        (Ok(addresses(&[])), RouteError::Unresolved),
        (Ok(addresses(&["0.0.0.0", "224.0.0.1"])), RouteError::Unresolved),
        (Ok(addresses(&["2001:db8::b"])), RouteError::Family),
        (Err(LookupError::NotFound), RouteError::Unresolved),
        (Err(LookupError::Timeout), RouteError::Unresolved),
    ] {
        let (route, _) = bench.ask("sip:bob@example.com", None);
        let outputs = bench.receive(TransportInput::Resolved { route, result });
        assert_eq!(answer(route, outputs), Err(error));
    }
}

#[test]
fn a_silent_resolver_is_given_up_and_its_late_answer_ignored() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let (route, _) = bench.ask("sip:bob@example.com", None);
    let outputs = bench.expire(TransportTimer::Resolve(route));
    assert_eq!(answer(route, outputs), Err(RouteError::Unresolved));
    assert!(bench.transports.is_idle());
    let late = TransportInput::Resolved { route, result: Ok(addresses(&["192.0.2.21"])) };
    assert!(bench.receive(late).is_empty());
    assert!(bench.expire(TransportTimer::Resolve(route)).is_empty());
    assert_eq!(bench.transports.counters().late_answer, 1);
}

#[test]
fn sixty_four_names_wait_and_one_more_is_refused() {
    let mut bench = Bench::on(&["192.0.2.10:5060"]);
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let (route, outputs) = bench.ask("sip:bob@example.com", None);
        assert_eq!(outputs.len(), 2);
        waiting.push(route);
    }
    assert_eq!(bench.route("sip:bob@example.com", None), Err(RouteError::Overload));
    assert!(bench.route("sip:bob@192.0.2.20", None).is_ok(), "numeric hosts need no place");
    let outputs = bench.expire(TransportTimer::Resolve(waiting[0]));
    assert_eq!(answer(waiting[0], outputs), Err(RouteError::Unresolved));
    assert_eq!(bench.ask("sip:bob@example.com", None).1.len(), 2);
}
