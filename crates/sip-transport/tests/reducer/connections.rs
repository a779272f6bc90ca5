//! Connections that we make: for which requests, what waits for them, and what becomes of them.

use std::time::Duration;

use sip_transport::{
    CloseCause, Config, FlowEvent, FlowId, LookupError, Outbound, Question, RouteError, Transport,
    TransportCommand, TransportInput, TransportOutput,
};

use crate::bench::{Bench, address, answer, closes, connects, ended, inbound, questions, records, written};

const TCP: (Transport, &str) = (Transport::Tcp, "192.0.2.10:5060");
const TLS: (Transport, &str) = (Transport::Tls, "192.0.2.10:5061");
const UDP: (Transport, &str) = (Transport::Udp, "192.0.2.10:5060");
/// From this address connections are made, and none come in.
const TLS_CLIENT: (Transport, &str) = (Transport::Tls, "192.0.2.10:0");

pub(crate) fn request(transport: &str, sent_by: &str) -> String {
    format!(
        "OPTIONS sip:bob@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/{transport} {sent_by};branch=z9hG4bKa\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@192.0.2.10>;tag=a\r\nTo: <sip:bob@192.0.2.20>\r\nCall-ID: c\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

pub(crate) fn response(transport: &str, sent_by: &str) -> String {
    request(transport, sent_by).replacen("OPTIONS sip:bob@192.0.2.20 SIP/2.0", "SIP/2.0 200 OK", 1)
}

#[test]
fn a_connection_is_made_for_the_first_message_and_used_for_the_next() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hops = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop");
    let hop = hops[0];
    assert_eq!(
        (hop.transport, hop.remote, hop.local),
        (Transport::Tcp, address("192.0.2.20:5060"), address(TCP.1))
    );
    assert_eq!(bench.transports.connections(), 0, "a route alone opens nothing");
    let text = request("TCP", TCP.1);
    let outputs = bench.send(hop, text.clone());
    let [connect] = &connects(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!((connect.flow, connect.remote), (hop.flow, hop.remote));
    assert_eq!((connect.local, &*connect.name), (Some(address(TCP.1).ip()), "192.0.2.20"));
    assert!(written(&outputs).is_empty());
    assert!(bench.send(hop, text.clone()).is_empty(), "it waits, too");
    let outputs = bench.connect(hop.flow, "192.0.2.10:40000", None);
    assert_eq!(written(&outputs).len(), 2);
    assert_eq!(written(&bench.send(hop, text)).len(), 1);
    let again = bench.route("sip:carol@192.0.2.20;transport=tcp", None).expect("a hop");
    assert_eq!(again[0], hop, "the connection is used again");
    // The response comes back on it, with our listening address in its Via.
    assert_eq!(inbound(&bench.piece(hop.flow, response("TCP", TCP.1))).len(), 1);
    assert!(inbound(&bench.piece(hop.flow, response("TCP", "192.0.2.99:5060"))).is_empty());
    assert_eq!(bench.transports.counters().foreign_response, 1);
}

#[test]
fn a_dialogs_request_uses_its_live_connection_whatever_the_uri_says() {
    // covers: TR-202
    let mut bench = Bench::with(Config::default(), &[TCP, UDP, TLS]);
    let flow = bench.accept(1, "192.0.2.20:40000");
    for uri in [
        "sip:bob@10.0.0.1:5060",
        "sip:bob@pc.invalid;transport=tcp",
        "sip:bob@192.0.2.20:40000;transport=tcp",
    ] {
        let hops = bench.route(uri, Some(flow)).expect("a hop");
        assert_eq!(
            (hops.len(), hops[0].flow, hops[0].remote),
            (1, flow, address("192.0.2.20:40000")),
            "{uri}"
        );
    }
    assert_ne!(bench.route("sips:bob@192.0.2.20", Some(flow)).expect("a hop")[0].flow, flow, "no downgrade");
    bench.receive(TransportInput::Closed { flow, cause: CloseCause::Closed });
    let hops = bench.route("sip:bob@10.0.0.1:5060", Some(flow)).expect("hops");
    assert!(hops.iter().all(|hop| hop.flow != flow), "it is gone");
}

#[test]
fn a_connection_that_cannot_be_had_ends_what_waited() {
    for (name, end) in [("refused", Some(CloseCause::Refused)), ("silent", None)] {
        let mut bench = Bench::with(Config::default(), &[TCP]);
        let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
        bench.send(hop, request("TCP", TCP.1));
        let outputs = match end {
            Some(cause) => bench.receive(TransportInput::Closed { flow: hop.flow, cause }),
            None => bench.pass(Duration::from_secs(5)),
        };
        assert_eq!(ended(&outputs), [hop.flow], "{name}");
        assert_eq!(closes(&outputs).len(), usize::from(end.is_none()), "{name}");
        assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0), "{name}");
        assert_eq!(bench.transports.counters().failed_connections, 1, "{name}");
        let outputs = bench.send(hop, request("TCP", TCP.1));
        assert!(
            matches!(&outputs[..], [TransportOutput::Flow(FlowEvent::Unreachable { branch: Some(branch), .. })] if **branch == *"z9hG4bKa"),
            "{name}: {outputs:?}"
        );
        assert_ne!(bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0].flow, hop.flow);
    }
}

#[test]
fn what_waits_for_a_connection_is_bounded_by_number_and_by_size() {
    let small = request("TCP", TCP.1);
    let large = small.replacen("Call-ID: c", &format!("Call-ID: c\r\nSubject: {}", "x".repeat(7_600)), 1);
    for (text, most) in [(small, 64), (large.clone(), 256_000 / large.len())] {
        let mut bench = Bench::with(Config::default(), &[TCP]);
        let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
        for _ in 0..most {
            assert!(
                bench
                    .send(hop, text.clone())
                    .iter()
                    .all(|output| !matches!(output, TransportOutput::Flow(_)))
            );
        }
        let outputs = bench.send(hop, text.clone());
        assert!(matches!(
            outputs[..],
            [TransportOutput::Flow(FlowEvent::Unreachable { branch: Some(_), .. })]
        ));
        assert_eq!(bench.transports.counters().queue_full, 1);
        assert_eq!(written(&bench.connect(hop.flow, "192.0.2.10:40000", None)).len(), most);
    }
}

#[test]
fn what_waits_for_a_connection_can_be_taken_back_and_what_is_written_cannot() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    let (one, other) = (request("TCP", TCP.1), request("TCP", TCP.1).replace("z9hG4bKa", "z9hG4bKb"));
    bench.send(hop, one.clone());
    bench.send(hop, other.clone());
    let withdraw = |wire: &String| TransportCommand::Withdraw(Outbound { hop, wire: wire.clone().into() });
    let outputs = bench.command(withdraw(&one));
    assert!(
        matches!(&outputs[..], [TransportOutput::Flow(FlowEvent::Unreachable { branch: Some(branch), .. })] if **branch == *"z9hG4bKa"),
        "{outputs:?}"
    );
    assert!(bench.command(withdraw(&one)).is_empty(), "it is gone already");
    let outputs = bench.connect(hop.flow, "192.0.2.10:40000", None);
    let [sent] = &written(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(sent.wire, other);
    assert!(bench.command(withdraw(&other)).is_empty());
}

#[test]
fn the_end_of_a_connection_tells_its_cause() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let mut caused = |end: &dyn Fn(FlowId, &mut Bench) -> Vec<TransportOutput>| {
        let flow = bench.accept(1, "192.0.2.20:40000");
        bench.piece(flow, request("TCP", "192.0.2.20"));
        let outputs = end(flow, &mut bench);
        outputs.iter().find_map(|output| match output {
            TransportOutput::Flow(FlowEvent::Ended { cause, .. }) => Some(*cause),
            _ => None,
        })
    };
    for cause in [CloseCause::Closed, CloseCause::Lost, CloseCause::WriteQueue] {
        assert_eq!(caused(&|flow, bench| bench.receive(TransportInput::Closed { flow, cause })), Some(cause));
    }
    let garbage = caused(&|flow, bench| bench.piece(flow, &b"A b SIP/2.0\r\nl:-1\r\n\r\n"[..]));
    assert_eq!(garbage, Some(CloseCause::Malformed));
    let slow = caused(&|flow, bench| {
        bench.piece(flow, &b"OPTIONS"[..]);
        bench.pass(Duration::from_secs(10))
    });
    assert_eq!(slow, Some(CloseCause::TimedOut));
    assert_eq!(caused(&|_, bench| bench.pass(Duration::from_hours(24))), Some(CloseCause::Closed));
}

#[test]
fn where_we_do_not_listen_a_route_waits_for_the_connection_and_names_its_end() {
    let mut bench = Bench::with(Config::default(), &[UDP, TLS_CLIENT]);
    let (route, outputs) = bench.ask("sips:bob@192.0.2.20", None);
    let [connect] = &connects(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!((connect.transport, connect.remote), (Transport::Tls, address("192.0.2.20:5061")));
    assert!(!bench.transports.is_idle());
    let (second, outputs) = bench.ask("sips:carol@192.0.2.20", None);
    assert!(connects(&outputs).is_empty(), "one connection serves both");
    let outputs = bench.connect(connect.flow, "192.0.2.10:40000", Some("192.0.2.20"));
    let routed: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            TransportOutput::Flow(FlowEvent::Routed { route, result }) => {
                Some((*route, result.clone().expect("hops")[0]))
            }
            _ => None,
        })
        .collect();
    assert_eq!(routed.iter().map(|(route, _)| *route).collect::<Vec<_>>(), [route, second]);
    assert!(
        routed.iter().all(|(_, hop)| (hop.local, hop.flow) == (address("192.0.2.10:40000"), connect.flow))
    );
    assert_eq!(inbound(&bench.piece(connect.flow, response("TLS", "192.0.2.10:40000"))).len(), 1);
    assert!(bench.transports.is_idle());
}

#[test]
fn a_route_that_waits_goes_on_to_the_next_target_and_ends_with_the_last() {
    let mut bench = Bench::with(Config::default(), &[UDP, TLS_CLIENT]);
    let (route, outputs) = bench.ask("sips:bob@example.com:5061", None);
    let question = questions(&outputs).remove(0);
    let outputs = bench.resolve(route, question, Ok(records(&["192.0.2.21", "192.0.2.22"])));
    let first = connects(&outputs).remove(0);
    assert_eq!((first.remote, &*first.name), (address("192.0.2.21:5061"), "example.com"));
    let refused = |flow| TransportInput::Closed { flow, cause: CloseCause::Refused };
    let outputs = bench.receive(refused(first.flow));
    let second = connects(&outputs).remove(0);
    assert_eq!(second.remote, address("192.0.2.22:5061"));
    let outputs = bench.receive(refused(second.flow));
    assert_eq!(answer(route, outputs), Err(RouteError::Unreachable(CloseCause::Refused)));
    assert!(bench.transports.is_idle() && bench.timers.is_empty());
    assert_eq!(bench.transports.connections(), 0);
}

#[test]
fn tls_connections_are_used_again_only_for_the_name_they_were_verified_for() {
    let mut bench = Bench::with(Config::default(), &[TLS]);
    let mut route = |name: &str| {
        let (route, outputs) = bench.ask(&format!("sips:bob@{name}:5061"), None);
        match questions(&outputs).pop() {
            Some(question) => {
                let outputs = bench.resolve(route, question, Ok(records(&["192.0.2.20"])));
                answer(route, outputs).expect("a hop")[0]
            }
            None => answer(route, outputs).expect("a hop")[0],
        }
    };
    let (one, other) = (route("one.example"), route("other.example"));
    assert_ne!(one.flow, other.flow);
    assert_eq!(route("ONE.example").flow, one.flow);
    bench.send(one, request("TLS", TLS.1));
    bench.connect(one.flow, "192.0.2.10:40000", Some("also.example"));
    assert_eq!(bench.ask("sips:bob@also.example:5061", None).1.len(), 2, "its address is asked for");
}

#[test]
fn long_requests_have_a_hop_by_tcp_before_the_one_by_udp() {
    let mut bench = Bench::with(Config::default(), &[UDP, TCP]);
    let hops = bench.route("sip:bob@192.0.2.20", None).expect("hops");
    let kinds: Vec<_> = hops.iter().map(|hop| (hop.transport, hop.above)).collect();
    assert_eq!(kinds, [(Transport::Tcp, Some(1_300)), (Transport::Udp, None)]);
    let by_udp = Config { stream_above: None, ..Config::default() };
    assert_eq!(Bench::with(by_udp, &[UDP, TCP]).route("sip:bob@192.0.2.20", None).expect("hops").len(), 1);
    let mut bench = Bench::with(Config::default(), &[UDP, (Transport::Tcp, "192.0.2.10:0")]);
    assert_eq!(
        bench.route("sip:bob@192.0.2.20", None).expect("hops").len(),
        1,
        "nothing listens for the answer"
    );
}

#[test]
fn most_plans_are_forgotten_oldest_first_and_none_opens_anything() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hops: Vec<_> = (0..1_025)
        .map(|n| {
            bench
                .route(&format!("sip:bob@198.51.{}.{};transport=tcp", n / 250, n % 250 + 1), None)
                .expect("a hop")[0]
        })
        .collect();
    assert_eq!((bench.transports.connections(), bench.timers.len()), (0, 0));
    let first = bench.send(hops[0], request("TCP", TCP.1));
    assert!(matches!(first[..], [TransportOutput::Flow(FlowEvent::Unreachable { .. })]), "{first:?}");
    assert_eq!(connects(&bench.send(hops[1], request("TCP", TCP.1))).len(), 1);
}

#[test]
fn connections_we_make_are_bounded_too() {
    let config = Config { connections: 2, ..Config::default() };
    let mut bench = Bench::with(config, &[TCP, UDP, TLS_CLIENT]);
    let send = |bench: &mut Bench, last: u8| {
        let hop = bench.route(&format!("sip:bob@192.0.2.{last};transport=tcp"), None).expect("a hop")[0];
        bench.send(hop, request("TCP", TCP.1))
    };
    assert_eq!(connects(&send(&mut bench, 20)).len(), 1);
    assert_eq!(connects(&send(&mut bench, 21)).len(), 1);
    let outputs = send(&mut bench, 22);
    assert!(matches!(outputs[..], [TransportOutput::Flow(FlowEvent::Unreachable { .. })]), "{outputs:?}");
    assert_eq!(bench.route("sips:bob@192.0.2.23", None), Err(RouteError::Overload));
}

#[test]
fn pings_go_out_and_whoever_answered_one_has_to_answer_the_next() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    let ping = |outputs: &[TransportOutput]| {
        outputs.iter().any(
            |output| matches!(output, TransportOutput::KeepAlive { wire, .. } if wire[..] == *b"\r\n\r\n"),
        )
    };
    // Between 96 and 120 s (RFC 5626 §4.4.1).
    assert!(!ping(&bench.pass(Duration::from_secs(95))));
    assert!(ping(&bench.pass(Duration::from_secs(25))));
    // Who never answers one does not speak RFC 5626; the connection stays.
    assert!(closes(&bench.pass(Duration::from_secs(10))).is_empty());
    assert!(ping(&bench.pass(Duration::from_mins(2))));
    bench.piece(hop.flow, &b"\r\n"[..]);
    assert!(ping(&bench.pass(Duration::from_mins(2))));
    bench.pass(Duration::from_secs(9));
    bench.piece(hop.flow, &b"\r\n"[..]);
    assert!(closes(&bench.pass(Duration::from_secs(1))).is_empty(), "answered in time");
    // Now it is silent.
    let outputs = bench.pass(Duration::from_secs(130));
    assert_eq!((closes(&outputs), ended(&outputs)), (vec![hop.flow], vec![hop.flow]));
    assert_eq!(bench.transports.counters().silent_connections, 1);
}

#[test]
fn a_call_keeps_its_silent_connection() {
    let mut bench = Bench::with(Config { keep_alive: None, ..Config::default() }, &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    assert!(closes(&bench.pass(Duration::from_hours(23))).is_empty());
    assert_eq!(closes(&bench.pass(Duration::from_hours(1))), [hop.flow]);
}

#[test]
fn a_request_to_a_sips_uri_goes_by_tls_whatever_its_route_says() {
    let mut bench = Bench::with(Config::default(), &[UDP, TCP, TLS]);
    let flow = bench.accept(2, "192.0.2.20:40000");
    for uri in ["sip:192.0.2.20;lr", "sip:192.0.2.20;lr;transport=tcp"] {
        let route = bench.mint();
        let uri = sip_message::UriBuf::parse(uri).expect("test URI");
        let secure = sip_transport::Route { route, uri, secure: true, flow: Some(flow) };
        let hops = answer(route, bench.command(TransportCommand::Route(secure))).expect("a hop");
        assert!(hops.iter().all(|hop| hop.transport == Transport::Tls), "{hops:?}");
    }
}

#[test]
fn a_response_that_waits_for_a_connection_that_cannot_be_had_is_counted() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let flow = bench.accept(1, "192.0.2.20:40000");
    let outputs = bench.piece(flow, request("TCP", "192.0.2.20:5070"));
    let reply = inbound(&outputs)[0].reply;
    bench.receive(TransportInput::Closed { flow, cause: CloseCause::Lost });
    let outputs = bench.send(reply, response("TCP", "192.0.2.20:5070"));
    let again = connects(&outputs).remove(0).flow;
    bench.receive(TransportInput::Closed { flow: again, cause: CloseCause::Refused });
    assert_eq!(bench.transports.counters().lost_responses, 1);
}

#[test]
fn a_connection_that_comes_in_twice_is_one() {
    let config = Config { per_source: 1, ..Config::default() };
    let mut bench = Bench::with(config, &[TCP]);
    let flow = bench.accept(1, "192.0.2.20:1");
    let twice = TransportInput::Accepted { flow, listener: FlowId::from(1), remote: address("192.0.2.20:1") };
    assert!(bench.receive(twice).is_empty());
    bench.receive(TransportInput::Closed { flow, cause: CloseCause::Closed });
    bench.accept(1, "192.0.2.20:2");
}

#[test]
fn a_kept_connection_comes_back_with_growing_waits() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    assert!(
        bench.command(TransportCommand::Keep { flow: hop.flow, remote: hop.remote, every: None }).is_empty()
    );
    let lost = |flow| TransportInput::Closed { flow, cause: CloseCause::Lost };
    assert_eq!(ended(&bench.receive(lost(hop.flow))), [hop.flow]);
    // A wait of 30 s, doubled with each failure, less up to a half by chance, never above 30 min (RFC 5626 §4.5).
    let mut flow = FlowId::from(0);
    for failure in 0..10 {
        let longest = Duration::from_secs(30 << failure).min(Duration::from_mins(30));
        assert!(
            connects(&bench.pass((longest / 2).saturating_sub(Duration::from_secs(1)))).is_empty(),
            "{failure}"
        );
        let outputs = bench.pass(longest / 2 + Duration::from_secs(1));
        flow = connects(&outputs).first().expect("tried again").flow;
        if failure < 9 {
            assert!(ended(&bench.receive(lost(flow))).is_empty(), "nobody knew this one");
        }
    }
    let outputs = bench.connect(flow, "192.0.2.10:40001", None);
    assert!(outputs.iter().any(|output| matches!(output, TransportOutput::Flow(FlowEvent::Recovered { was, now }) if *was == hop.flow && *now == flow)));
    // The next loss starts from the first wait, under the new name.
    assert_eq!(ended(&bench.receive(lost(flow))), [flow]);
    assert_eq!(connects(&bench.pass(Duration::from_secs(30))).len(), 1);
}

#[test]
fn a_connection_that_is_let_go_does_not_come_back() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    bench.command(TransportCommand::Keep { flow: hop.flow, remote: hop.remote, every: None });
    bench.receive(TransportInput::Closed { flow: hop.flow, cause: CloseCause::Lost });
    bench.command(TransportCommand::LetGo { flow: hop.flow, remote: hop.remote });
    assert!(bench.timers.is_empty());
    assert!(bench.pass(Duration::from_hours(1)).is_empty());
}

#[test]
fn a_connection_that_is_let_go_while_it_is_opened_again_stays_away() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", None).expect("a hop")[0];
    bench.send(hop, request("TCP", TCP.1));
    bench.connect(hop.flow, "192.0.2.10:40000", None);
    bench.command(TransportCommand::Keep { flow: hop.flow, remote: hop.remote, every: None });
    bench.receive(TransportInput::Closed { flow: hop.flow, cause: CloseCause::Lost });
    let flow = connects(&bench.pass(Duration::from_secs(30))).first().expect("tried again").flow;
    bench.command(TransportCommand::LetGo { flow: hop.flow, remote: hop.remote });
    bench.receive(TransportInput::Closed { flow, cause: CloseCause::Refused });
    assert!(bench.timers.is_empty(), "{:?}", bench.timers);
}

#[test]
fn who_was_told_a_connection_that_is_not_ready_is_told_its_end() {
    let mut bench = Bench::with(Config::default(), &[TCP]);
    let (flow, remote) = (FlowId::from(900), crate::bench::address("192.0.2.20:40000"));
    bench.receive(TransportInput::Accepted { flow, listener: FlowId::from(1), remote });
    let hop = bench.route("sip:bob@192.0.2.20;transport=tcp", Some(flow)).expect("a hop")[0];
    assert_eq!(hop.flow, flow);
    bench.send(hop, request("TCP", TCP.1));
    assert_eq!(ended(&bench.receive(TransportInput::Closed { flow, cause: CloseCause::Lost })), [flow]);
}

#[test]
fn a_large_request_is_not_offered_tcp_where_that_failed_lately() {
    let mut bench = Bench::with(Config::default(), &[UDP, TCP]);
    let hops = bench.route("sip:bob@192.0.2.20", None).expect("hops");
    bench.send(hops[0], request("TCP", TCP.1));
    bench.receive(TransportInput::Closed { flow: hops[0].flow, cause: CloseCause::Refused });
    let kinds = |bench: &mut Bench| -> Vec<_> {
        let hops = bench.route("sip:bob@192.0.2.20", None).expect("hops");
        hops.iter().map(|hop| hop.transport).collect()
    };
    assert_eq!(kinds(&mut bench), [Transport::Udp]);
    bench.pass(Duration::from_secs(5));
    assert_eq!(kinds(&mut bench), [Transport::Tcp, Transport::Udp]);
}

#[test]
fn naptr_decides_between_transports_and_the_dead_server_comes_last() {
    let mut bench = Bench::with(Config::default(), &[UDP, TCP]);
    let (route, _) = bench.ask("sip:bob@example.com", None);
    let naptr = sip_transport::Naptr {
        order: 10,
        preference: 10,
        service: "SIP+D2T".into(),
        replacement: "_sip._tcp.example.com".into(),
    };
    let naptr = sip_transport::Records::Naptr([naptr].into());
    let outputs = bench.resolve(route, Question::Naptr("example.com".into()), Ok(naptr));
    assert_eq!(questions(&outputs), [Question::Srv("_sip._tcp.example.com".into())]);
    let srv = |priority, target: &str| sip_transport::Srv {
        priority,
        weight: 0,
        port: 5070,
        target: target.into(),
    };
    let srv = sip_transport::Records::Srv([srv(1, "one.example.com"), srv(2, "two.example.com")].into());
    bench.resolve(route, Question::Srv("_sip._tcp.example.com".into()), Ok(srv));
    bench.resolve(route, Question::Addresses("one.example.com".into()), Ok(records(&["192.0.2.21"])));
    let outputs =
        bench.resolve(route, Question::Addresses("two.example.com".into()), Ok(records(&["192.0.2.22"])));
    let hops = answer(route, outputs).expect("hops");
    let remotes: Vec<_> = hops.iter().map(|hop| (hop.transport, hop.remote)).collect();
    assert_eq!(
        remotes,
        [(Transport::Tcp, address("192.0.2.21:5070")), (Transport::Tcp, address("192.0.2.22:5070"))]
    );
    bench.send(hops[0], request("TCP", TCP.1));
    bench.receive(TransportInput::Closed { flow: hops[0].flow, cause: CloseCause::Refused });
    let hops = bench.route("sip:bob@example.com", None).expect("all is known");
    assert_eq!(hops[0].remote, address("192.0.2.22:5070"));
    assert_eq!(bench.resolve(route, Question::Naptr("x".into()), Err(LookupError::NotFound)).len(), 0);
}
