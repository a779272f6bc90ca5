//! The table's bound, and what goes on at it.

use sip_message::{HeaderId, Method};
use transaction_core::{Config, TxCommand, TxFailure};

use crate::bench::{Bench, OTHER, PEER, draft, hop, request};

fn small(capacity: usize) -> Bench {
    Bench::with(Config { capacity, ..Config::default() })
}

#[test]
fn the_table_takes_its_capacity_and_one_more_is_refused_with_503() {
    let mut bench = small(3);
    bench.request(draft(Method::Refer), [hop(PEER)]);
    bench.arrive(PEER, request("BYE", "z9hG4bKa"));
    bench.arrive(PEER, request("INVITE", "z9hG4bKb"));
    assert_eq!((bench.transactions.len(), bench.statuses()), (3, vec![]));
    bench.arrive(PEER, request("INVITE", "z9hG4bKc"));
    assert_eq!(bench.statuses(), [(0, 503)]);
    assert!(bench.last().message.has(HeaderId::RetryAfter));
    let refused = bench.request(draft(Method::Refer), [hop(PEER)]);
    assert_eq!(bench.failures(), [(0, refused, TxFailure::Overload)]);
    assert_eq!((bench.transactions.len(), bench.requests().len()), (3, 2));
    assert_eq!(bench.transactions.counters().overload, 2);
}

#[test]
fn what_is_known_goes_on_when_the_table_is_full() {
    let mut bench = small(1);
    let invite = request("INVITE", "z9hG4bKa");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    bench.respond(tx, 180);
    bench.arrive(PEER, invite.clone());
    bench.arrive(PEER, invite.replace("INVITE", "CANCEL"));
    bench.respond(tx, 487);
    bench.arrive(PEER, invite.replace("INVITE", "ACK"));
    bench.advance_ms(5_000);
    let statuses: Vec<_> = bench.statuses().iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses, [180, 180, 200, 487]);
    bench.assert_idle();
}

#[test]
fn a_full_table_still_sends_the_cancel_and_tries_the_next_hop() {
    let mut bench = small(1);
    let tx = bench.request(draft(Method::Invite), [hop(PEER), hop(OTHER)]);
    bench.answer(&bench.last(), 503);
    let invite = bench.last();
    assert_eq!(invite.outbound.hop.remote.to_string(), OTHER);
    bench.answer(&invite, 180);
    bench.command(TxCommand::Cancel { tx, reason: None });
    assert_eq!(bench.times(Method::Cancel), [0]);
    assert_eq!(bench.transactions.len(), 1);
    assert_eq!(bench.transactions.counters().not_remembered, 2);
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    bench.assert_idle();
}

#[test]
fn the_last_eighth_is_kept_for_requests_in_dialogs_and_for_our_own() {
    let mut bench = small(16);
    for number in 0..15 {
        bench.arrive(PEER, request("INVITE", &format!("z9hG4bK{number}")));
    }
    assert_eq!((bench.requests().len(), bench.statuses()), (14, vec![(0, 503)]));
    let bye = request("BYE", "z9hG4bKbye")
        .replace("To: <sip:alice@192.0.2.10>", "To: <sip:alice@192.0.2.10>;tag=ours");
    bench.arrive(PEER, bye.clone());
    bench.request(draft(Method::Bye), [hop(PEER)]);
    assert_eq!((bench.transactions.len(), bench.failures()), (16, vec![]));
    bench.arrive(PEER, bye.replace("z9hG4bKbye", "z9hG4bKbye2"));
    assert_eq!(bench.statuses(), [(0, 503), (0, 503)]);
}
