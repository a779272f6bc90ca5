//! The next hop, and flows that end.

use sip_message::{HeaderId, Method};
use sip_transport::{FlowEvent, FlowId, Hop, Transport};
use transaction_core::{TxCommand, TxEvent, TxFailure};

use crate::bench::{Bench, OTHER, PEER, Sent, address, draft, ended, flow, hop, request, response};

fn branch(sent: &Sent) -> String {
    sent.message.top_via().expect("Via").branch().expect("branch").to_owned()
}

fn unreachable(remote: &str) -> FlowEvent {
    FlowEvent::Unreachable { flow: flow(), remote: address(remote), branch: None }
}

/// The message could not be sent, whatever its remote.
fn unsent(sent: &Sent) -> FlowEvent {
    let remote = sent.outbound.hop.remote;
    FlowEvent::Unreachable { flow: flow(), remote, branch: Some(branch(sent).into()) }
}

#[test]
fn a_silent_hop_is_followed_by_the_next_with_a_new_branch() {
    for method in [Method::Invite, Method::Refer] {
        let mut bench = Bench::new();
        let tx = bench.request(draft(method), [hop(PEER), hop(OTHER)]);
        let first = bench.last();
        bench.advance_ms(32_000);
        let second = bench.last();
        assert_eq!(second.at, 32_000);
        assert_eq!(second.outbound.hop.remote.to_string(), OTHER);
        assert_ne!(branch(&first), branch(&second));
        bench.answer(&first, 200);
        assert_eq!(bench.responses(tx), [], "the old branch is over");
        bench.answer(&second, 200);
        assert_eq!(bench.responses(tx), [(32_000, 200)], "under the same name");
        bench.exhaust();
        assert_eq!(bench.failures(), []);
        bench.assert_idle();
    }
}

#[test]
fn when_the_last_hop_fails_the_request_fails() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER), hop(OTHER)]);
    bench.exhaust();
    assert_eq!(bench.failures(), [(64_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn an_unreachable_hop_is_followed_at_once() {
    for method in [Method::Invite, Method::Refer] {
        let mut bench = Bench::new();
        let tx = bench.request(draft(method), [hop(PEER), hop(OTHER)]);
        bench.receive(unreachable("192.0.2.20:5999"));
        assert_eq!(bench.sent.len(), 1, "another port is another hop");
        bench.receive(unreachable(PEER));
        assert_eq!(bench.last().outbound.hop.remote.to_string(), OTHER);
        bench.receive(unreachable(PEER));
        assert_eq!(bench.failures(), []);
        bench.receive(unreachable(OTHER));
        assert_eq!(bench.failures(), [(0, tx, TxFailure::Flow)]);
        bench.assert_idle();
    }
}

#[test]
fn a_request_that_cannot_be_sent_fails_and_no_other_to_that_remote_does() {
    for method in [Method::Invite, Method::Refer] {
        let mut bench = Bench::new();
        let earlier = bench.request(draft(Method::Invite), [hop(PEER)]);
        let first = bench.last();
        let failing = bench.request(draft(method), [hop(PEER), hop(OTHER)]);
        let second = bench.last();
        let later = bench.request(draft(Method::Refer), [hop(PEER)]);
        let third = bench.last();
        bench.receive(unsent(&second));
        assert_eq!(bench.failures(), [], "its next hop is tried");
        let moved = bench.last();
        assert_eq!(moved.outbound.hop.remote.to_string(), OTHER);
        bench.receive(unsent(&second));
        bench.receive(unsent(&moved));
        assert_eq!(bench.failures(), [(0, failing, TxFailure::Flow)]);
        bench.answer(&first, 200);
        bench.answer(&third, 202);
        assert_eq!((bench.responses(earlier), bench.responses(later)), (vec![(0, 200)], vec![(0, 202)]));
        bench.exhaust();
        bench.assert_idle();
    }
}

#[test]
fn a_branch_that_is_not_ours_fails_nothing() {
    let mut bench = Bench::new();
    bench.request(draft(Method::Refer), [hop(PEER)]);
    for branch in ["z9hG4bK0000", "z9hG4bK", "", "z9hG4bKpeer"] {
        let remote = address(PEER);
        bench.receive(FlowEvent::Unreachable { flow: flow(), remote, branch: Some(branch.into()) });
    }
    assert_eq!(bench.failures(), []);
    assert_eq!(bench.transactions.len(), 1);
}

#[test]
fn a_cancel_that_cannot_be_sent_leaves_its_invite_to_the_timer() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    bench.command(TxCommand::Cancel { tx, reason: None });
    let cancel = bench.last();
    assert!(cancel.is(Method::Cancel) && branch(&cancel) == branch(&invite));
    bench.receive(unsent(&cancel));
    assert_eq!((bench.failures(), bench.transactions.len()), (vec![], 1));
    bench.exhaust();
    assert_eq!(bench.times(Method::Cancel).len(), 1, "it is not repeated");
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn a_503_to_invite_is_acknowledged_as_often_as_it_comes_while_the_next_hop_is_tried() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER), hop(OTHER)]);
    let first = bench.last();
    bench.answer(&first, 503);
    let second = bench.last();
    assert!(second.is(Method::Invite) && branch(&first) != branch(&second));
    bench.advance_ms(500);
    bench.answer(&first, 503);
    let acks: Vec<_> = bench.sent.iter().filter(|sent| sent.is(Method::Ack)).cloned().collect();
    assert_eq!(acks.iter().map(|ack| ack.at).collect::<Vec<_>>(), [0, 500]);
    assert!(acks.iter().all(|ack| branch(ack) == branch(&first) && ack.outbound.hop == first.outbound.hop));
    assert_eq!(bench.responses(tx), []);
    bench.answer(&second, 503);
    assert_eq!(bench.responses(tx), [(500, 503)], "the last hop's 503 is the answer");
    bench.exhaust();
    assert_eq!(bench.failures(), []);
    bench.assert_idle();
}

#[test]
fn a_503_to_another_method_moves_on_too() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER), hop(OTHER)]);
    bench.answer(&bench.last(), 503);
    bench.answer(&bench.last(), 202);
    assert_eq!(bench.responses(tx), [(0, 202)]);
    bench.exhaust();
    bench.assert_idle();
}

#[test]
fn a_hop_that_answered_is_not_given_up_for_silence() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER), hop(OTHER)]);
    bench.answer(&bench.last(), 100);
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
}

#[test]
fn a_cancelled_invite_tries_no_other_hop() {
    let mut bench = Bench::new();
    let silent = bench.request(draft(Method::Invite), [hop(PEER), hop(OTHER)]);
    bench.command(TxCommand::Cancel { tx: silent, reason: None });
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, silent, TxFailure::Timeout)]);
    let refused = bench.request(draft(Method::Invite), [hop(PEER), hop(OTHER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    bench.command(TxCommand::Cancel { tx: refused, reason: None });
    bench.answer(&invite, 503);
    assert_eq!(bench.responses(refused).last(), Some(&(32_000, 503)));
    assert!(bench.sent.iter().all(|sent| sent.outbound.hop.remote.to_string() == PEER));
}

#[test]
fn a_ringing_invite_and_a_server_transaction_outlive_a_transport_error() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    bench.arrive(PEER, request("BYE", "z9hG4bKin"));
    let bye = bench.requested();
    bench.receive(unreachable(PEER));
    assert_eq!(bench.failures(), []);
    bench.arrive(PEER, response(&invite.message, 200, "peer"));
    assert_eq!(bench.responses(tx).len(), 2);
    bench.respond(bye, 200);
    bench.arrive(PEER, request("BYE", "z9hG4bKin"));
    assert_eq!(bench.statuses(), [(0, 200), (0, 200)]);
}

#[test]
fn the_end_of_a_flow_ends_its_transactions_and_no_others() {
    let mut bench = Bench::new();
    let elsewhere = Hop { flow: FlowId::from(2), ..hop(OTHER) };
    let calling = bench.request(draft(Method::Invite), [hop(PEER)]);
    let moving = bench.request(draft(Method::Refer), [hop(PEER), elsewhere]);
    let other = bench.request(draft(Method::Refer), [elsewhere]);
    bench.arrive(PEER, request("INVITE", "z9hG4bKa"));
    let pending = bench.requested();
    bench.arrive(PEER, request("INVITE", "z9hG4bKb"));
    let accepted = bench.requested();
    bench.respond(accepted, 200);
    bench.receive(ended(flow()));
    assert_eq!(bench.failures(), [(0, calling, TxFailure::Flow)]);
    assert!(
        matches!(bench.events.last(), Some((_, TxEvent::FlowEnded { flow: gone, .. })) if *gone == flow())
    );
    // What waits for an answer of ours gets it over a new connection (RFC 3261 §18.2.2).
    assert_eq!(bench.transactions.len(), 3);
    let left = [moving, other, pending];
    assert!(bench.timers().iter().all(|timer| left.contains(&timer.tx)), "{:?}", bench.timers());
}

#[test]
fn an_element_that_answers_503_over_its_stream_is_not_asked_by_udp() {
    let stream =
        |remote| Hop { flow: FlowId::from(2), transport: Transport::Tcp, above: Some(1300), ..hop(remote) };
    let large = || draft(Method::Invite).header(HeaderId::Subject, "x".repeat(2000));
    let mut bench = Bench::new();
    bench.request(large(), [stream(PEER), hop(PEER), stream(OTHER), hop(OTHER)]);
    let first = bench.last();
    bench.arrive_reliably(PEER, response(&first.message, 503, "peer"));
    let next = bench.last().outbound.hop;
    assert_eq!((next.transport, next.remote.to_string()), (Transport::Tcp, OTHER.to_owned()));
    // Without any other element the 503 is the answer.
    let mut bench = Bench::new();
    let tx = bench.request(large(), [stream(PEER), hop(PEER)]);
    let first = bench.last();
    bench.arrive_reliably(PEER, response(&first.message, 503, "peer"));
    assert_eq!(bench.responses(tx), [(0, 503)]);
    // Where there is no connection, UDP is what is left.
    let mut bench = Bench::new();
    bench.request(large(), [stream(PEER), hop(PEER)]);
    bench.receive(ended(FlowId::from(2)));
    assert_eq!(bench.last().outbound.hop.transport, Transport::Udp);
}

#[test]
fn the_cancel_of_an_invite_that_is_answered_487_is_no_reason_to_avoid() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    bench.command(TxCommand::Cancel { tx, reason: None });
    bench.answer(&invite, 487);
    bench.advance_ms(33_000);
    assert_eq!(bench.avoided, []);
}

#[test]
fn what_a_flow_takes_with_it_is_told_in_the_order_of_its_beginning() {
    let mut bench = Bench::new();
    let clients: Vec<_> = (0..20).map(|_| bench.request(draft(Method::Options), [hop(PEER)])).collect();
    for number in 0..20 {
        bench.arrive(PEER, request("OPTIONS", &format!("z9hG4bK{number}")));
    }
    bench.answer(&bench.sent[3].clone(), 200);
    bench.receive(ended(flow()));
    let failed = bench.failures().into_iter().map(|(_, tx, _)| tx);
    assert!(failed.eq(clients.iter().enumerate().filter(|(number, _)| *number != 3).map(|(_, tx)| *tx)));
    assert_eq!(bench.transactions.len(), bench.requests().len(), "those of the peer wait for their answers");
}

#[test]
fn a_hop_that_is_silent_or_answers_503_is_to_be_avoided_and_one_that_refuses_is_not() {
    for method in [Method::Invite, Method::Refer] {
        let mut bench = Bench::new();
        bench.request(draft(method), [hop(PEER), hop(OTHER)]);
        bench.answer(&bench.last(), 503);
        assert_eq!(bench.avoided, [address(PEER)]);
        bench.advance_ms(32_000);
        assert_eq!(bench.avoided, [address(PEER), address(OTHER)], "silence, with no other hop to try");

        let mut bench = Bench::new();
        bench.request(draft(method), [hop(PEER), hop(OTHER)]);
        bench.answer(&bench.last(), 486);
        bench.request(draft(method), [hop(PEER)]);
        bench.answer(&bench.last(), 100);
        bench.advance_ms(40_000);
        bench.request(draft(method), [hop(PEER)]);
        bench.receive(unreachable(PEER));
        assert_eq!(bench.avoided, [], "it answered, or transport knows already");
    }
}
