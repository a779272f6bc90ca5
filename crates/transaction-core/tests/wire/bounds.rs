//! The table's bound, and what goes on at it.

use std::cell::Cell;

use sip_message::{HeaderId, Method};
use transaction_core::{Config, TxCommand, TxEvent, TxFailure};

use crate::bench::{Bench, OTHER, PEER, draft, hop, request};

/// A table that takes whatever comes up to its capacity.
fn small(capacity: usize) -> Bench {
    Bench::with(Config { capacity, calls: 100, others: 100, ..Config::default() })
}

fn in_dialog(request: &str) -> String {
    request.replace("To: <sip:alice@192.0.2.10>", "To: <sip:alice@192.0.2.10>;tag=ours")
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
    let counters = bench.transactions.counters();
    assert_eq!((counters.refused_calls, counters.refused_own), (1, 1));
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
fn new_calls_are_refused_first_then_other_requests_then_those_in_dialogs() {
    let mut bench = Bench::with(Config { capacity: 20, ..Config::default() });
    let mut number = 0;
    let mut fill = |bench: &mut Bench, method: &str, dialog: bool, most: usize| {
        for _ in 0..most {
            number += 1;
            let text = request(method, &format!("z9hG4bK{number}"));
            bench.arrive(PEER, if dialog { in_dialog(&text) } else { text });
        }
        (bench.transactions.len(), bench.statuses().len())
    };
    assert_eq!(fill(&mut bench, "INVITE", false, 15), (15, 0));
    assert_eq!(fill(&mut bench, "INVITE", false, 1), (15, 1), "75 % for new calls");
    assert_eq!(fill(&mut bench, "OPTIONS", false, 3), (18, 1));
    assert_eq!(fill(&mut bench, "OPTIONS", false, 1), (18, 2), "90 % for other requests outside of dialogs");
    assert_eq!(fill(&mut bench, "INVITE", true, 1), (19, 2), "a re-INVITE is no new call");
    assert_eq!(fill(&mut bench, "BYE", true, 1), (20, 2));
    assert_eq!(fill(&mut bench, "PRACK", true, 1), (20, 3));
    let counters = bench.transactions.counters();
    let refused = (counters.refused_calls, counters.refused_others, counters.refused_in_dialogs);
    assert_eq!(refused, (1, 1, 1));
    // What needs no room is served all the same.
    let invite = request("INVITE", "z9hG4bK1");
    bench.arrive(PEER, invite.replace("INVITE", "CANCEL"));
    bench.respond(bench.requests()[0], 487);
    bench.arrive(PEER, invite.replace("INVITE", "ACK"));
    bench.arrive(PEER, in_dialog(&request("ACK", "z9hG4bKack")));
    let statuses: Vec<_> = bench.statuses().iter().skip(3).map(|(_, status)| *status).collect();
    assert_eq!(statuses, [200, 487]);
    assert!(matches!(bench.events.last(), Some((_, TxEvent::StrayAck(_)))));
}

fn retry_after(bench: &Bench) -> u32 {
    let value = bench.last().message.first(HeaderId::RetryAfter).map(str::to_owned);
    value.and_then(|value| value.parse().ok()).expect("Retry-After in seconds")
}

#[test]
fn a_refused_client_is_asked_to_wait_as_long_as_the_table_drains() {
    let mut bench = small(100);
    let number = Cell::new(0);
    let arrive = |bench: &mut Bench| {
        number.set(number.get() + 1);
        bench.arrive(PEER, request("OPTIONS", &format!("z9hG4bK{}", number.get())));
    };
    // Ten requests begin in each second, stay for 32 s each, and fill the table.
    for second in 0..10 {
        (0..10).for_each(|_| arrive(&mut bench));
        for tx in bench.requests().into_iter().skip(10 * second) {
            bench.respond(tx, 200);
        }
        bench.advance_ms(1000);
    }
    bench.sent.clear();
    let waits = |bench: &mut Bench, count: usize| {
        let waits: Vec<u32> = (0..count)
            .map(|_| {
                arrive(bench);
                retry_after(bench)
            })
            .collect();
        (waits.iter().min().copied(), waits.iter().max().copied())
    };
    // Nothing has ended yet: 32 s, a quarter less or more.
    let (least, most) = waits(&mut bench, 50);
    assert!(least >= Some(24) && most <= Some(40) && least < most, "{least:?} to {most:?}");
    bench.advance_ms(29_500);
    // 80 have ended in the last eight seconds.
    assert_eq!(bench.transactions.len(), 20);
    (0..80).for_each(|_| arrive(&mut bench));
    assert_eq!(bench.statuses().len(), 50);
    let (least, most) = waits(&mut bench, 10);
    assert!(least >= Some(2) && most <= Some(3), "a few are before them: {least:?} to {most:?}");
    let (least, most) = waits(&mut bench, 100);
    assert!(least < Some(5) && most > Some(8), "those refused before come back too: {least:?} to {most:?}");
    assert_eq!(bench.transactions.counters().refused_others, 160);
}

#[test]
fn a_share_of_more_than_all_is_all() {
    let mut bench = Bench::with(Config { capacity: 2, calls: 255, ..Config::default() });
    for number in 0..3 {
        bench.arrive(PEER, request("INVITE", &format!("z9hG4bK{number}")));
    }
    assert_eq!((bench.transactions.len(), bench.statuses()), (2, vec![(0, 503)]));
}
