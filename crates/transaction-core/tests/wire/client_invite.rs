//! INVITE as a client.

use sip_message::{HeaderId, Method};
use sip_transport::Purpose;
use transaction_core::{TxCommand, TxEvent, TxFailure};

use crate::bench::{Bench, PEER, draft, ended, flow, hop, reliable, response};

#[test]
fn an_unanswered_invite_over_udp_is_sent_seven_times_and_fails_after_32_seconds() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    bench.exhaust();
    assert_eq!(bench.times(Method::Invite), [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn an_invite_on_a_stream_is_sent_once() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [reliable(PEER)]);
    bench.exhaust();
    assert_eq!(bench.times(Method::Invite), [0]);
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
}

#[test]
fn after_a_provisional_response_it_waits_without_a_timer() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 100);
    bench.answer(&invite, 180);
    assert_eq!(bench.timers(), []);
    bench.advance_ms(120_000);
    bench.answer(&invite, 183);
    assert_eq!(bench.times(Method::Invite), [0]);
    assert_eq!(bench.responses(tx), [(0, 100), (0, 180), (120_000, 183)]);
}

#[test]
fn a_refusal_is_acknowledged_on_the_same_branch_and_as_often_as_it_comes() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite).header(HeaderId::Route, "<sip:192.0.2.20;lr>"), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 486);
    let ack = bench.last();
    assert!(ack.is(Method::Ack));
    assert_eq!(ack.outbound.hop, invite.outbound.hop);
    assert_eq!(ack.message.request_uri(), invite.message.request_uri());
    let vias: Vec<_> = ack.message.vias().collect();
    assert_eq!(vias, invite.message.vias().collect::<Vec<_>>());
    assert_eq!(ack.message.to_tag(), Some("peer"));
    assert_eq!(ack.message.from_tag(), Some("ours"));
    assert_eq!(ack.message.call_id().expect("Call-ID"), "call@192.0.2.10");
    assert_eq!(ack.message.first(HeaderId::CSeq), Some("1 ACK"));
    assert_eq!(ack.message.first(HeaderId::Route), Some("<sip:192.0.2.20;lr>"));
    bench.advance_ms(31_900);
    bench.answer(&invite, 486);
    assert_eq!(bench.last().outbound, ack.outbound, "the same bytes");
    assert_eq!(bench.times(Method::Ack), [0, 31_900]);
    assert_eq!(bench.responses(tx), [(0, 486)], "passed up once");
    bench.advance_ms(200);
    bench.assert_idle();
}

#[test]
fn on_a_stream_a_refusal_ends_at_once() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [reliable(PEER)]);
    let invite = bench.last();
    bench.arrive_reliably(PEER, response(&invite.message, 486, "peer"));
    bench.advance_ms(10);
    assert_eq!(bench.times(Method::Ack), [0]);
    assert_eq!(bench.responses(tx), [(0, 486)]);
    bench.assert_idle();
}

#[test]
fn repeated_2xx_and_those_of_other_forks_go_up_for_64_t1() {
    // covers: TR-247
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 180);
    bench.arrive(PEER, response(&invite.message, 200, "fork-a"));
    bench.advance_ms(500);
    bench.arrive(PEER, response(&invite.message, 200, "fork-a"));
    bench.arrive(PEER, response(&invite.message, 200, "fork-b"));
    bench.advance_ms(31_400);
    bench.arrive(PEER, response(&invite.message, 200, "fork-b"));
    assert_eq!(bench.responses(tx), [(0, 180), (0, 200), (500, 200), (500, 200), (31_900, 200)]);
    assert_eq!(bench.times(Method::Ack), [], "the ACK to a 2xx is not the transaction's");
    bench.advance_ms(100);
    bench.assert_idle();
    bench.arrive(PEER, response(&invite.message, 200, "fork-b"));
    assert_eq!(bench.responses(tx).len(), 5);
    assert_eq!(bench.transactions.counters().stray_responses, 1);
    assert_eq!(bench.failures(), []);
}

#[test]
fn a_2xx_that_is_repeated_when_its_flow_is_gone_goes_up() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [reliable(PEER)]);
    let invite = bench.last();
    bench.arrive_reliably(PEER, response(&invite.message, 200, "peer"));
    bench.receive(ended(flow()));
    bench.advance_ms(500);
    bench.arrive_reliably(PEER, response(&invite.message, 200, "peer"));
    assert_eq!(bench.responses(tx), [(0, 200), (500, 200)]);
    assert_eq!(bench.failures(), []);
    bench.advance_ms(31_500);
    bench.assert_idle();
}

#[test]
fn the_ack_to_a_2xx_has_a_branch_of_its_own_and_comes_back_for_repeats() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    bench.answer(&invite, 200);
    bench.command(TxCommand::Ack { tx, hops: [hop(PEER)].into_iter().collect(), draft: draft(Method::Ack) });
    let ack = bench.last();
    assert!(ack.is(Method::Ack));
    let branch = |sent: &crate::bench::Sent| sent.message.top_via().expect("Via").branch().map(str::to_owned);
    assert_ne!(branch(&ack), branch(&invite));
    let Some((_, TxEvent::Acked { tx: of, outbound })) = bench.events.last().cloned() else {
        panic!("the ACK is told");
    };
    assert_eq!((of, &outbound), (tx, &ack.outbound));
    bench.command(TxCommand::Resend(outbound));
    assert_eq!(bench.last().outbound, ack.outbound);
}

#[test]
fn a_branch_cannot_be_guessed() {
    let mut bench = Bench::new();
    bench.request(draft(Method::Invite), [hop(PEER)]);
    let invite = bench.last();
    let via = invite.message.top_via().expect("Via");
    let token = via.branch().and_then(|branch| branch.strip_prefix("z9hG4bK")).expect("cookie");
    let foreign = sip_transport::Guard::new(&mut crate::bench::Seeded(7));
    assert_eq!(foreign.read(Purpose::Branch, token), None);
}

#[test]
fn a_request_that_cannot_be_encoded_is_refused_and_leaves_nothing() {
    let mut bench = Bench::new();
    let bad = bench.request(draft(Method::Invite).header(HeaderId::Subject, "a\r\nEvil: b"), [hop(PEER)]);
    let ack = bench.request(draft(Method::Ack), [hop(PEER)]);
    let nowhere = bench.request(draft(Method::Invite), []);
    assert_eq!(
        bench.failures(),
        [(0, bad, TxFailure::Unencodable), (0, ack, TxFailure::Unencodable), (0, nowhere, TxFailure::Flow)]
    );
    bench.assert_idle();
}

#[test]
fn a_late_timer_of_another_machine_or_of_nobody_changes_nothing() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
    let before = (bench.sent.len(), bench.timers());
    for name in
        [transaction_core::TimerName::K, transaction_core::TimerName::G, transaction_core::TimerName::D]
    {
        bench.fire(transaction_core::TxTimer { tx, name });
    }
    let nobody = bench.mint();
    bench.fire(transaction_core::TxTimer { tx: nobody, name: transaction_core::TimerName::A });
    assert_eq!((bench.sent.len(), bench.timers()), before);
    assert_eq!(bench.events.len(), 0);
}
