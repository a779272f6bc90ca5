//! STUN keep-alives by UDP (RFC 5626 §4.4.2, §8).

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use sip_transport::{
    CloseCause, FlowEvent, FlowId, KEPT_REMOTES, SHORTEST_BEAT, Transport, TransportCommand, TransportInput,
    TransportOutput,
};

use crate::bench::{Bench, address};

const US: &str = "192.0.2.10:5060";
const PROXY: &str = "192.0.2.20:5060";
const SEEN: &str = "203.0.113.7:40000";

/// The type of a Binding Request, and of its two answers.
const REQUEST: u8 = 0x01;
const SUCCESS: [u8; 2] = [1, 0x01];
const ERROR: [u8; 2] = [1, 0x11];

fn flow() -> FlowId {
    FlowId::from(1)
}

fn kept(every: Option<u64>) -> Bench {
    let mut bench = Bench::on(&[US]);
    keep(&mut bench, PROXY, every);
    bench
}

fn keep(bench: &mut Bench, remote: &str, every: Option<u64>) {
    let every = every.map(Duration::from_secs);
    bench.command(TransportCommand::Keep { flow: flow(), remote: address(remote), every });
}

/// The Binding Requests among what was sent.
fn requests(outputs: &[TransportOutput]) -> Vec<Bytes> {
    let sent = outputs.iter().filter_map(|output| match output {
        TransportOutput::KeepAlive { hop, wire } => {
            assert_eq!((hop.flow, hop.transport), (flow(), Transport::Udp));
            assert_eq!((wire.len(), wire[0], wire[1]), (20, 0, REQUEST));
            Some(wire.clone())
        }
        _ => None,
    });
    sent.collect()
}

/// The remotes that were told as failed.
fn failed(outputs: &[TransportOutput]) -> Vec<SocketAddr> {
    let told = outputs.iter().filter_map(|output| match output {
        TransportOutput::Flow(FlowEvent::Failed { flow: of, remote }) if *of == flow() => Some(*remote),
        _ => None,
    });
    told.collect()
}

/// How long it takes until the next request, and that request.
fn next(bench: &mut Bench) -> (Duration, Bytes) {
    let step = Duration::from_millis(100);
    (1..4_000)
        .find_map(|steps| Some((step * steps, requests(&bench.pass(step)).pop()?)))
        .expect("a request is sent")
}

/// An answer to a request, with attributes.
fn answer(request: &Bytes, kind: [u8; 2], attributes: &[u8]) -> Bytes {
    let mut wire = kind.to_vec();
    wire.extend((attributes.len() as u16).to_be_bytes());
    wire.extend(&request[4..]);
    wire.extend(attributes);
    wire.into()
}

/// A success response that says at which address we are seen.
fn success(request: &Bytes, seen: &str) -> Bytes {
    let SocketAddr::V4(seen) = address(seen) else { panic!("the tests are by IPv4") };
    let mut attribute = vec![0x00, 0x20, 0, 8, 0, 1];
    attribute.extend((seen.port() ^ 0x2112).to_be_bytes());
    attribute.extend((seen.ip().to_bits() ^ 0x2112_A442).to_be_bytes());
    answer(request, SUCCESS, &attribute)
}

fn hear(bench: &mut Bench, from: &str, bytes: Bytes) -> Vec<TransportOutput> {
    bench.receive(TransportInput::Bytes { flow: flow(), source: address(from), bytes })
}

/// Lets the next request be answered, and tells what that led to.
fn answered(bench: &mut Bench, seen: &str) -> Vec<TransportOutput> {
    let (_, request) = next(bench);
    hear(bench, PROXY, success(&request, seen))
}

#[test]
fn requests_go_out_every_24_to_29_seconds_or_as_the_other_side_asks() {
    for (every, least, longest) in [(None, 24, 29), (Some(100), 80, 100), (Some(1), 4, 5)] {
        assert!(Duration::from_secs(longest) >= SHORTEST_BEAT);
        let mut bench = kept(every);
        let mut names = Vec::new();
        for _ in 0..20 {
            let (after, request) = next(&mut bench);
            let range = Duration::from_secs(least)..=Duration::from_millis(longest * 1_000 + 100);
            assert!(range.contains(&after), "{every:?}: {after:?}");
            assert!(!names.contains(&request), "each has a name of its own");
            names.push(request.clone());
            assert!(failed(&hear(&mut bench, PROXY, success(&request, SEEN))).is_empty());
        }
        assert_eq!(bench.transports.counters().keep_alive, 20);
    }
}

#[test]
fn a_remote_that_has_answered_and_does_not_any_more_has_failed_after_seven_requests() {
    let mut bench = kept(None);
    answered(&mut bench, SEEN);
    let (_, first) = next(&mut bench);
    // 0.5 s, doubled with each, and after the seventh 8 s more (RFC 8489 §6.2.1): 39.5 s in all.
    let outputs = bench.pass(Duration::from_millis(39_300));
    assert_eq!(requests(&outputs), vec![first; 6], "the same request again");
    assert!(failed(&outputs).is_empty());
    assert_eq!(failed(&bench.pass(Duration::from_millis(300))), [address(PROXY)]);
    assert_eq!(bench.transports.counters().failed_remotes, 1);
    assert!(bench.timers.is_empty());
    assert!(bench.pass(Duration::from_hours(1)).is_empty(), "it is not kept any longer");
}

#[test]
fn an_answer_to_a_repeated_request_is_as_good_as_one_to_the_first() {
    let mut bench = kept(None);
    answered(&mut bench, SEEN);
    let (_, request) = next(&mut bench);
    bench.pass(Duration::from_secs(30));
    assert!(failed(&hear(&mut bench, PROXY, success(&request, SEEN))).is_empty());
    assert!(next(&mut bench).0 >= Duration::from_secs(24));
}

#[test]
fn a_remote_that_never_answered_is_asked_again_and_has_not_failed() {
    let mut bench = kept(None);
    let outputs = bench.pass(Duration::from_mins(30));
    assert!(requests(&outputs).len() > 100, "the way through a NAT is kept open");
    assert!(failed(&outputs).is_empty());
}

#[test]
fn another_address_of_ours_is_a_failure() {
    let mut bench = kept(None);
    assert!(failed(&answered(&mut bench, SEEN)).is_empty());
    assert!(failed(&answered(&mut bench, SEEN)).is_empty());
    // An answer that names none says nothing of it.
    let (_, request) = next(&mut bench);
    assert!(failed(&hear(&mut bench, PROXY, answer(&request, SUCCESS, b""))).is_empty());
    assert_eq!(failed(&answered(&mut bench, "203.0.113.7:40001")), [address(PROXY)]);
    assert!(bench.timers.is_empty());
}

#[test]
fn an_error_response_of_a_remote_that_has_followed_requests_is_a_failure() {
    for knows in [true, false] {
        let mut bench = kept(None);
        if knows {
            answered(&mut bench, SEEN);
        }
        let (_, request) = next(&mut bench);
        let outputs = hear(&mut bench, PROXY, answer(&request, ERROR, b""));
        assert_eq!(!failed(&outputs).is_empty(), knows);
        assert_eq!(bench.timers.is_empty(), knows);
    }
}

#[test]
fn what_nobody_waits_for_says_nothing() {
    let mut bench = kept(None);
    answered(&mut bench, SEEN);
    let (_, request) = next(&mut bench);
    let elsewhere = success(&request, "203.0.113.9:1");
    assert!(hear(&mut bench, "192.0.2.66:5060", elsewhere.clone()).is_empty(), "of another remote");
    let mut other = elsewhere.to_vec();
    other[19] ^= 1;
    assert!(hear(&mut bench, PROXY, other.into()).is_empty(), "to another request");
    assert!(hear(&mut bench, PROXY, request.clone()).is_empty(), "a request of theirs");
    hear(&mut bench, PROXY, success(&request, SEEN));
    assert!(hear(&mut bench, PROXY, elsewhere).is_empty(), "the second answer");
    assert_eq!(bench.transports.counters().malformed, 0);
}

#[test]
fn what_is_let_go_or_has_lost_its_socket_is_asked_no_more() {
    let mut bench = kept(None);
    bench.command(TransportCommand::LetGo { flow: flow(), remote: address(PROXY) });
    assert!(bench.timers.is_empty());
    keep(&mut bench, PROXY, None);
    keep(&mut bench, "192.0.2.21:5060", None);
    assert_eq!(bench.timers.len(), 2);
    bench.receive(TransportInput::Closed { flow: flow(), cause: CloseCause::Lost });
    assert!(bench.timers.is_empty());
}

#[test]
fn so_many_remotes_are_kept_and_no_more() {
    let mut bench = Bench::on(&[US]);
    let remote = |number: usize| format!("198.51.{}.{}:5060", number / 200, 1 + number % 200);
    for number in 0..=KEPT_REMOTES {
        keep(&mut bench, &remote(number), None);
    }
    assert_eq!(bench.timers.len(), KEPT_REMOTES);
    assert_eq!(bench.transports.counters().unkept_remotes, 1);
    // One that is kept already is asked for once more.
    keep(&mut bench, &remote(0), Some(60));
    assert_eq!(bench.transports.counters().unkept_remotes, 1);
    bench.command(TransportCommand::LetGo { flow: flow(), remote: address(&remote(1)) });
    keep(&mut bench, &remote(KEPT_REMOTES), None);
    assert_eq!(bench.timers.len(), KEPT_REMOTES);
}
