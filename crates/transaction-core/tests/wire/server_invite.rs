//! INVITE as a server.

use std::time::Duration;

use sip_message::{HeaderId, Method};
use transaction_core::{Config, TxEvent, TxFailure};

use crate::bench::{Bench, PEER, ended, flow, request};

fn arrived() -> (Bench, transaction_core::TxId, String) {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    (bench, tx, invite)
}

/// The ACK on the INVITE's branch, as it follows a refusal.
fn ack_of(invite: &str) -> String {
    invite.replace("INVITE", "ACK").replacen(
        "To: <sip:alice@192.0.2.10>",
        "To: <sip:alice@192.0.2.10>;tag=ours",
        1,
    )
}

#[test]
fn a_100_is_sent_after_200_milliseconds_without_an_answer() {
    let (mut bench, _, invite) = arrived();
    bench.advance_ms(199);
    bench.arrive(PEER, invite.clone());
    assert_eq!(bench.statuses(), []);
    bench.advance_ms(1);
    assert_eq!(bench.statuses(), [(200, 100)]);
    let trying = bench.last();
    assert_eq!(trying.message.to_tag(), None);
    assert_eq!(trying.outbound.hop.remote.to_string(), PEER);
    bench.arrive(PEER, invite);
    assert_eq!(bench.last().outbound, trying.outbound, "the same bytes");
    assert_eq!(bench.requests().len(), 1);
}

#[test]
fn an_answer_in_time_saves_the_100() {
    let (mut bench, tx, invite) = arrived();
    bench.advance_ms(150);
    bench.respond(tx, 180);
    bench.advance_ms(10_000);
    bench.arrive(PEER, invite);
    assert_eq!(bench.statuses(), [(150, 180), (10_150, 180)]);
}

#[test]
fn a_refusal_is_repeated_until_its_ack_and_the_ack_goes_no_further() {
    let (mut bench, tx, invite) = arrived();
    bench.respond(tx, 486);
    bench.advance_ms(8_000);
    assert_eq!(bench.statuses(), [(0, 486), (500, 486), (1_500, 486), (3_500, 486), (7_500, 486)]);
    let first = bench.sent[0].outbound.clone();
    assert!(bench.sent.iter().all(|sent| sent.outbound == first));
    bench.arrive(PEER, invite.clone());
    assert_eq!(bench.statuses().len(), 6, "a repeated INVITE is answered at once");
    bench.arrive(PEER, ack_of(&invite));
    bench.arrive(PEER, ack_of(&invite));
    bench.arrive(PEER, invite);
    bench.exhaust();
    assert_eq!(bench.statuses().len(), 6);
    assert!(!bench.events.iter().any(|(_, event)| matches!(event, TxEvent::StrayAck(_))));
    assert_eq!(bench.failures(), []);
    bench.assert_idle();
}

#[test]
fn the_confirmed_state_lasts_t4() {
    let (mut bench, tx, invite) = arrived();
    bench.respond(tx, 486);
    bench.arrive(PEER, ack_of(&invite));
    bench.advance_ms(4_999);
    assert_eq!(bench.transactions.len(), 1);
    bench.advance_ms(1);
    bench.assert_idle();
}

#[test]
fn a_refusal_that_is_never_acknowledged_fails_after_64_t1() {
    let (mut bench, tx, _) = arrived();
    bench.respond(tx, 486);
    bench.exhaust();
    assert_eq!(bench.failures(), [(32_000, tx, TxFailure::Timeout)]);
    assert_eq!(
        bench.statuses().iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    );
    bench.assert_idle();
}

#[test]
fn after_a_2xx_repeated_invites_are_absorbed_for_64_t1() {
    // covers: TR-247
    let (mut bench, tx, invite) = arrived();
    bench.respond(tx, 200);
    for _ in 0..3 {
        bench.advance_ms(10_000);
        bench.arrive(PEER, invite.clone());
    }
    bench.advance_ms(1_999);
    bench.arrive(PEER, invite.clone());
    assert_eq!(bench.statuses(), [(0, 200)], "neither answered nor repeated here");
    assert_eq!(bench.requests().len(), 1);
    bench.advance_ms(1);
    bench.assert_idle();
    assert_eq!(bench.failures(), []);
    bench.arrive(PEER, invite);
    assert_eq!(bench.requests().len(), 2, "after timer L it would be a new request");
}

#[test]
fn a_repeated_2xx_of_the_layer_above_passes_through() {
    // covers: TR-247
    let (mut bench, tx, _) = arrived();
    bench.respond(tx, 200);
    bench.advance_ms(500);
    bench.respond(tx, 200);
    assert_eq!(bench.statuses(), [(0, 200), (500, 200)]);
    assert_eq!(bench.sent[0].outbound, bench.sent[1].outbound);
}

#[test]
fn the_ack_to_a_2xx_goes_up_on_whatever_branch_it_comes() {
    let (mut bench, tx, invite) = arrived();
    bench.respond(tx, 200);
    bench.arrive(PEER, ack_of(&invite));
    bench.arrive(PEER, ack_of(&invite).replace("branch=z9hG4bKin", "branch=z9hG4bKack"));
    let acks = bench.events.iter().filter(|(_, event)| matches!(event, TxEvent::StrayAck(_))).count();
    assert_eq!(acks, 2);
    assert_eq!(bench.statuses(), [(0, 200)], "an ACK is never answered");
}

#[test]
fn the_response_goes_back_to_the_source_port_that_rport_asked_for() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin;rport");
    bench.arrive("192.0.2.77:40000", invite);
    bench.respond(bench.requested(), 486);
    let sent = bench.last();
    assert_eq!(sent.outbound.hop.remote.to_string(), "192.0.2.77:40000");
    let via = sent.message.first(HeaderId::Via);
    assert_eq!(via, Some("SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKin;received=192.0.2.77;rport=40000"));
}

#[test]
fn a_request_of_rfc_2543_is_matched_without_a_branch() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin").replace(";branch=z9hG4bKin", "");
    bench.arrive(PEER, invite.clone());
    let tx = bench.requested();
    bench.respond(tx, 486);
    bench.arrive(PEER, invite.clone());
    assert_eq!(bench.requests().len(), 1);
    assert_eq!(bench.statuses(), [(0, 486), (0, 486)]);
    let ack = ack_of(&invite);
    bench.arrive(PEER, ack.replace("tag=ours", "tag=theirs"));
    let strays = |bench: &Bench| {
        bench.events.iter().filter(|(_, event)| matches!(event, TxEvent::StrayAck(_))).count()
    };
    assert_eq!(strays(&bench), 1);
    bench.arrive(PEER, ack.clone());
    bench.arrive(PEER, ack.clone());
    assert_eq!(strays(&bench), 1, "a repeated ACK is known by its tag still");
    bench.arrive(PEER, ack.replace("tag=ours", "tag=theirs"));
    assert_eq!(strays(&bench), 2);
    bench.exhaust();
    assert_eq!(bench.statuses().len(), 2, "confirmed");
    assert_eq!(bench.failures(), []);
}

#[test]
fn a_stream_needs_no_repeats() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "z9hG4bKin").replace("UDP", "TCP");
    bench.arrive_reliably(PEER, invite.clone());
    bench.respond(bench.requested(), 486);
    bench.advance_ms(5_000);
    assert_eq!(bench.statuses(), [(0, 486)]);
    bench.arrive_reliably(PEER, ack_of(&invite));
    bench.advance_ms(10);
    bench.assert_idle();
    assert_eq!(bench.times(Method::Ack), []);
}

/// Statuses sent after the first 200 ms, without their repetitions.
fn after_trying(bench: &Bench) -> Vec<(u128, u16)> {
    let mut statuses = bench.statuses();
    statuses.retain(|(at, _)| *at > 200);
    statuses.dedup_by_key(|(_, status)| *status);
    statuses
}

#[test]
fn an_invite_that_the_layer_above_leaves_alone_is_answered_408_after_three_minutes() {
    let (mut bench, tx, invite) = arrived();
    bench.advance_ms(179_999);
    assert_eq!((bench.statuses(), bench.failures()), (vec![(200, 100)], vec![]));
    bench.advance_ms(1);
    assert_eq!(after_trying(&bench), [(180_000, 408)]);
    assert_eq!(bench.failures(), [(180_000, tx, TxFailure::TuSilent)]);
    let timeout = bench.last();
    assert!(timeout.message.to_tag().is_some());
    assert_eq!(timeout.outbound.hop.remote.to_string(), PEER);
    bench.respond(tx, 200);
    assert_eq!(bench.transactions.counters().stale_commands, 1, "too late");
    bench.advance_ms(500);
    bench.arrive(PEER, invite.clone());
    assert_eq!(bench.statuses()[1..], [(180_000, 408), (180_500, 408), (180_500, 408)]);
    assert_eq!(bench.last().outbound, timeout.outbound, "the same bytes");
    bench.arrive(PEER, ack_of(&invite));
    bench.exhaust();
    assert_eq!(bench.failures().len(), 1, "told once");
    assert_eq!(bench.statuses().len(), 4);
    bench.assert_idle();
}

#[test]
fn each_provisional_response_gives_three_minutes_more() {
    let (mut bench, tx, _) = arrived();
    for minute in [1, 3, 5] {
        bench.advance_ms(60_000);
        bench.respond(tx, 180);
        bench.advance_ms(60_000);
        assert_eq!(bench.statuses().last(), Some(&(minute * 60_000, 180)));
    }
    bench.advance_ms(119_999);
    assert_eq!(bench.failures(), []);
    bench.exhaust();
    assert_eq!(bench.statuses()[4], (480_000, 408));
    assert_eq!(bench.sent[4].message.to_tag(), Some("ours"), "the tag of the response before");
    // Nobody acknowledges it: timer H ends it, and nobody is told again.
    assert_eq!(bench.failures(), [(480_000, tx, TxFailure::TuSilent)]);
    assert_eq!(bench.statuses().last(), Some(&(511_500, 408)));
    bench.assert_idle();
}

#[test]
fn the_time_that_silence_may_last_is_a_setting() {
    let silence = Duration::from_millis(150);
    let mut bench = Bench::with(Config { silence, ..Config::default() });
    bench.arrive(PEER, request("INVITE", "z9hG4bKin"));
    bench.advance_ms(5_000);
    assert_eq!(bench.statuses()[..2], [(150, 408), (650, 408)], "and no 100 before or after");
    let mut bench = Bench::with(Config { silence: Duration::from_hours(1), ..Config::default() });
    bench.arrive(PEER, request("INVITE", "z9hG4bKin"));
    bench.advance_ms(3_599_999);
    assert_eq!(bench.statuses().len(), 1);
    bench.advance_ms(1);
    assert_eq!(bench.statuses()[1], (3_600_000, 408));
}

#[test]
fn a_flow_that_ends_after_the_408_is_not_told_for_it() {
    let (mut bench, tx, _) = arrived();
    bench.advance_ms(181_000);
    bench.receive(ended(flow()));
    bench.exhaust();
    assert_eq!(bench.failures(), [(180_000, tx, TxFailure::TuSilent)]);
    bench.assert_idle();
}

#[test]
fn a_ringing_invite_outlives_its_connection_and_is_answered_and_cancelled_over_another() {
    let text = request("INVITE", "z9hG4bKin").replace("UDP", "TCP");
    for cancel in [false, true] {
        let mut bench = Bench::new();
        bench.arrive_reliably(PEER, text.clone());
        let tx = bench.requested();
        bench.respond(tx, 180);
        bench.receive(ended(flow()));
        if cancel {
            bench.arrive_reliably(PEER, text.replace("INVITE", "CANCEL"));
            assert!(bench.events.iter().any(|(_, event)| matches!(event, TxEvent::Cancelled { .. })));
        }
        bench.respond(tx, 486);
        assert_eq!(bench.statuses().last(), Some(&(0, 486)));
        assert_eq!(bench.failures(), []);
    }
}

#[test]
fn what_cannot_be_answered_is_not_answered_100_after_the_silence() {
    let mut bench = Bench::new();
    let to = "To: <sip:alice@192.0.2.10>";
    bench.arrive(PEER, request("INVITE", "z9hG4bKa").replace(to, &format!("{to}{}", ";a=1".repeat(64))));
    bench.advance_ms(213_000);
    assert!(bench.statuses().iter().all(|(at, _)| *at <= 200), "{:?}", bench.statuses());
    bench.exhaust();
    bench.assert_idle();
}
