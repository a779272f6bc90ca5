//! REFER, NOTIFY, BYE and the like as a server.

use transaction_core::TxFailure;

use crate::bench::{Bench, PEER, request};

#[test]
fn a_repeated_refer_is_one_request_with_one_answer() {
    // covers: TR-248
    let mut bench = Bench::new();
    let refer = request("REFER", "z9hG4bKin");
    bench.arrive(PEER, refer.clone());
    bench.arrive(PEER, refer.clone());
    assert_eq!(bench.statuses(), []);
    bench.respond(bench.requested(), 202);
    bench.advance_ms(500);
    bench.arrive(PEER, refer.clone());
    bench.advance_ms(31_000);
    bench.arrive(PEER, refer.clone());
    assert_eq!(bench.requests().len(), 1);
    assert_eq!(bench.statuses(), [(0, 202), (500, 202), (31_500, 202)]);
    assert!(bench.sent.iter().all(|sent| sent.outbound == bench.sent[0].outbound), "the same bytes");
    bench.advance_ms(500);
    bench.assert_idle();
}

#[test]
fn a_refer_that_is_answered_in_time_gets_no_provisional_response() {
    // covers: TR-008
    let mut bench = Bench::new();
    bench.arrive(PEER, request("REFER", "z9hG4bKin"));
    let tx = bench.requested();
    for status in [100, 180, 183, 199] {
        bench.respond(tx, status);
    }
    bench.advance_ms(3_499);
    assert_eq!(bench.statuses(), [], "no 1xx over UDP before timer E is at T2");
    bench.respond(tx, 202);
    bench.exhaust();
    assert_eq!(bench.statuses(), [(3_499, 202)]);
    assert_eq!(bench.transactions.counters().withheld_responses, 4);
}

#[test]
fn a_100_follows_when_timer_e_has_reached_t2() {
    let mut bench = Bench::new();
    let notify = request("MESSAGE", "z9hG4bKin");
    bench.arrive(PEER, notify.clone());
    bench.advance_ms(3_500);
    assert_eq!(bench.statuses(), [(3_500, 100)]);
    bench.arrive(PEER, notify);
    assert_eq!(bench.statuses(), [(3_500, 100), (3_500, 100)]);
    bench.respond(bench.requested(), 200);
    bench.exhaust();
    assert_eq!(bench.statuses().last(), Some(&(3_500, 200)));
    assert_eq!(bench.failures(), []);
    bench.assert_idle();
}

#[test]
fn a_stream_may_carry_an_early_100_but_no_other_provisional() {
    let mut bench = Bench::new();
    bench.arrive_reliably(PEER, request("REFER", "z9hG4bKin").replace("UDP", "TCP"));
    let tx = bench.requested();
    bench.respond(tx, 180);
    bench.respond(tx, 100);
    bench.respond(tx, 202);
    bench.advance_ms(10);
    assert_eq!(bench.statuses(), [(0, 100), (0, 202)]);
    bench.assert_idle();
}

#[test]
fn a_request_is_never_answered_408() {
    // covers: TR-009
    let mut bench = Bench::new();
    bench.arrive(PEER, request("REFER", "z9hG4bKin"));
    let tx = bench.requested();
    bench.respond(tx, 408);
    bench.exhaust();
    bench.respond(tx, 202);
    assert!(bench.statuses().iter().all(|(_, status)| *status == 100), "{:?}", bench.statuses());
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::TuSilent)]);
    assert_eq!(bench.transactions.counters().withheld_responses, 1);
    assert_eq!(bench.transactions.counters().stale_commands, 1);
    bench.assert_idle();
}

#[test]
fn a_silent_layer_above_is_told_after_64_t1_and_nothing_is_sent() {
    // covers: TR-009
    let mut bench = Bench::new();
    bench.arrive(PEER, request("NOTIFY", "z9hG4bKin"));
    let tx = bench.requested();
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::TuSilent)]);
    assert!(bench.statuses().iter().all(|(_, status)| *status == 100));
    bench.assert_idle();
}

#[test]
fn only_the_first_final_response_counts() {
    let mut bench = Bench::new();
    bench.arrive(PEER, request("BYE", "z9hG4bKin"));
    let tx = bench.requested();
    bench.respond(tx, 200);
    bench.respond(tx, 481);
    assert_eq!(bench.statuses(), [(0, 200)]);
    assert_eq!(bench.transactions.counters().stale_commands, 1);
}

#[test]
fn the_same_branch_from_another_sender_is_another_request() {
    let mut bench = Bench::new();
    let bye = request("BYE", "z9hG4bKin");
    bench.arrive(PEER, bye.clone());
    let other = bye.replace("UDP 192.0.2.20:5060", "UDP 192.0.2.30:5060").replace("Call-ID: ", "Call-ID: b");
    bench.arrive("192.0.2.30:5060", other);
    assert_eq!(bench.requests().len(), 2);
    bench.arrive(PEER, bye.replace("UDP 192.0.2.20:5060", "udp 192.0.2.20:5060"));
    assert_eq!(bench.requests().len(), 2);
}
