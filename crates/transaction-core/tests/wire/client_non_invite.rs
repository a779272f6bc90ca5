//! REFER, NOTIFY, BYE and the like as a client.

use sip_message::Method;
use transaction_core::TxFailure;

use crate::bench::{Bench, PEER, draft, hop, reliable};

#[test]
fn an_unanswered_refer_over_udp_is_sent_eleven_times_and_fails_after_32_seconds() {
    // covers: TR-201
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER)]);
    bench.exhaust();
    let times = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(bench.times(Method::Refer), times);
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    let first = &bench.sent[0].outbound.wire;
    assert!(bench.sent.iter().all(|sent| sent.outbound.wire == *first), "every copy is the same bytes");
    bench.assert_idle();
}

#[test]
fn a_reliable_transport_is_written_to_once() {
    // covers: TR-201
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [reliable(PEER)]);
    bench.exhaust();
    assert_eq!(bench.times(Method::Refer), [0]);
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn a_provisional_response_slows_the_repeats_to_t2() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER)]);
    bench.advance_ms(600);
    bench.answer(&bench.last(), 100);
    bench.advance_ms(12_000);
    assert_eq!(bench.times(Method::Refer), [0, 500, 1_500, 5_500, 9_500]);
    assert_eq!(bench.responses(tx), [(600, 100)]);
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn the_final_response_is_passed_up_once_and_repeats_are_absorbed_for_t4() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Bye), [hop(PEER)]);
    let bye = bench.last();
    bench.answer(&bye, 200);
    bench.advance_ms(4_900);
    bench.answer(&bye, 200);
    assert_eq!(bench.responses(tx), [(0, 200)]);
    assert_eq!(bench.transactions.counters().stray_responses, 0);
    bench.advance_ms(200);
    bench.assert_idle();
    bench.answer(&bye, 200);
    assert_eq!(bench.responses(tx), [(0, 200)]);
    assert_eq!(bench.transactions.counters().stray_responses, 1);
}

#[test]
fn a_response_needs_our_branch_the_method_and_one_via() {
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Bye), [hop(PEER)]);
    let bye = bench.last();
    let text = String::from_utf8(crate::bench::response(&bye.message, 200, "peer").to_vec()).expect("text");
    let forged = text.replacen("branch=z9hG4bK0", "branch=z9hG4bK1", 1);
    assert_ne!(forged, text);
    bench.arrive(PEER, forged);
    bench.arrive(PEER, text.replace("1 BYE", "1 INVITE"));
    assert_eq!(bench.transactions.counters().stray_responses, 2);
    let second = text.replacen("From:", "Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx\r\nFrom:", 1);
    bench.arrive(PEER, second);
    assert_eq!(bench.transactions.counters().malformed_responses, 1);
    assert_eq!(bench.responses(tx), []);
    bench.arrive(PEER, text);
    assert_eq!(bench.responses(tx), [(0, 200)]);
}

#[test]
fn a_refer_is_never_cancelled() {
    // covers: TR-052
    let mut bench = Bench::new();
    let tx = bench.request(draft(Method::Refer), [hop(PEER)]);
    bench.answer(&bench.last(), 100);
    bench.command(transaction_core::TxCommand::Cancel { tx, reason: None });
    bench.exhaust();
    assert_eq!(bench.times(Method::Cancel), []);
    assert_eq!(bench.transactions.counters().stale_commands, 1);
}

#[test]
fn the_request_carries_the_hops_via_and_contact() {
    let mut bench = Bench::new();
    bench.request(draft(Method::Refer).contact_user(Some("alice")), [hop(PEER)]);
    let refer = bench.last();
    let via = refer.message.top_via().expect("Via");
    assert_eq!((via.transport, via.host.to_string(), via.port), ("UDP", "192.0.2.10".to_owned(), Some(5060)));
    assert!(via.has_magic_cookie());
    assert_eq!(via.rport(), Some(None));
    assert_eq!(refer.message.first(sip_message::HeaderId::Contact), Some("<sip:alice@192.0.2.10:5060>"));
}
