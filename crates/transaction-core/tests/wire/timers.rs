//! Each timer at its exact time, with the base timers of the RFC and with others.

use std::time::Duration;

use sip_message::Method;
use transaction_core::{Config, Timing, TxFailure};

use crate::bench::{Bench, PEER, draft, hop, reliable, request, response};

const RFC: Timing =
    Timing { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };

/// 64*T1 is 6.4 s, and T2 no power of two times T1.
const FAST: Timing = Timing {
    t1: Duration::from_millis(100),
    t2: Duration::from_millis(700),
    t4: Duration::from_millis(1_100),
};

/// 64*T1 is 64 s.
const SLOW: Timing =
    Timing { t1: Duration::from_secs(1), t2: Duration::from_secs(8), t4: Duration::from_secs(10) };

const ALL: [Timing; 3] = [RFC, FAST, SLOW];

fn bench(timing: Timing) -> Bench {
    Bench::with(Config { timing, ..Config::default() })
}

fn ms(duration: Duration) -> u128 {
    duration.as_millis()
}

/// The transaction that is there ends at this moment, and not a millisecond before.
fn ends_at(bench: &mut Bench, end: Duration) {
    bench.advance(end.saturating_sub(bench.now() + Duration::from_millis(1)));
    assert_eq!(bench.transactions.len(), 1);
    bench.advance_ms(1);
    bench.assert_idle();
}

/// The intervals from one time to the next.
fn intervals(times: &[u128]) -> Vec<u128> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn arrived(timing: Timing, method: &str) -> (Bench, String) {
    let mut bench = bench(timing);
    let text = request(method, "z9hG4bKin");
    bench.arrive(PEER, text.clone());
    (bench, text)
}

/// The ACK on the INVITE's branch.
fn ack(invite: &str) -> String {
    invite.replace("INVITE", "ACK")
}

#[test]
fn timer_a_doubles_until_timer_b() {
    for timing in ALL {
        let mut bench = bench(timing);
        let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
        ends_at(&mut bench, timing.t1 * 64);
        let times: Vec<u128> = [0, 1, 3, 7, 15, 31, 63].map(|times| ms(timing.t1 * times)).into();
        assert_eq!(bench.times(Method::Invite), times);
        assert_eq!(bench.failures(), [(ms(timing.t1 * 64), tx, TxFailure::Timeout)]);
    }
}

#[test]
fn timer_d_is_64_t1_but_32_seconds_at_least() {
    for (timing, end) in [(RFC, 32), (FAST, 32), (SLOW, 64)] {
        let mut bench = bench(timing);
        bench.request(draft(Method::Invite), [hop(PEER)]);
        bench.answer(&bench.last(), 486);
        ends_at(&mut bench, Duration::from_secs(end));
    }
}

#[test]
fn timer_e_doubles_up_to_t2_until_timer_f() {
    for (timing, first) in [
        (RFC, vec![500, 1_000, 2_000, 4_000, 4_000]),
        (FAST, vec![100, 200, 400, 700, 700]),
        (SLOW, vec![1_000, 2_000, 4_000, 8_000, 8_000]),
    ] {
        let mut bench = bench(timing);
        let tx = bench.request(draft(Method::Refer), [hop(PEER)]);
        ends_at(&mut bench, timing.t1 * 64);
        let intervals = intervals(&bench.times(Method::Refer));
        assert_eq!(intervals[..5], first);
        assert!(intervals[5..].iter().all(|interval| *interval == ms(timing.t2)));
        assert_eq!(bench.failures(), [(ms(timing.t1 * 64), tx, TxFailure::Timeout)]);
    }
}

#[test]
fn timer_e_is_t2_after_a_provisional_response() {
    for timing in ALL {
        let mut bench = bench(timing);
        bench.request(draft(Method::Refer), [hop(PEER)]);
        bench.answer(&bench.last(), 100);
        bench.advance(timing.t1 + timing.t2 * 3);
        // The end of E that was under way, then T2 each.
        let times: Vec<_> = (0..4).map(|times| ms(timing.t1 + timing.t2 * times)).collect();
        assert_eq!(bench.times(Method::Refer)[1..], times);
        ends_at(&mut bench, timing.t1 * 64);
    }
}

#[test]
fn timer_k_is_t4() {
    for timing in ALL {
        let mut bench = bench(timing);
        bench.request(draft(Method::Bye), [hop(PEER)]);
        bench.answer(&bench.last(), 200);
        ends_at(&mut bench, timing.t4);
    }
}

#[test]
fn timer_m_is_64_t1() {
    for timing in ALL {
        let mut bench = bench(timing);
        bench.request(draft(Method::Invite), [hop(PEER)]);
        bench.answer(&bench.last(), 200);
        ends_at(&mut bench, timing.t1 * 64);
    }
}

#[test]
fn a_cancelled_invite_waits_64_t1_from_its_cancel() {
    for timing in ALL {
        let mut bench = bench(timing);
        let tx = bench.request(draft(Method::Invite), [hop(PEER)]);
        bench.answer(&bench.last(), 180);
        bench.advance_ms(10_000);
        bench.command(transaction_core::TxCommand::Cancel { tx, reason: None });
        bench.answer(&bench.last(), 200);
        bench.advance(timing.t4);
        ends_at(&mut bench, Duration::from_secs(10) + timing.t1 * 64);
        assert_eq!(bench.failures(), [(10_000 + ms(timing.t1 * 64), tx, TxFailure::Timeout)]);
    }
}

#[test]
fn timer_g_doubles_up_to_t2_until_timer_h() {
    for (timing, first) in [
        (RFC, vec![500, 1_000, 2_000, 4_000, 4_000]),
        (FAST, vec![100, 200, 400, 700, 700]),
        (SLOW, vec![1_000, 2_000, 4_000, 8_000, 8_000]),
    ] {
        let (mut bench, _) = arrived(timing, "INVITE");
        let tx = bench.requested();
        bench.respond(tx, 486);
        ends_at(&mut bench, timing.t1 * 64);
        let times: Vec<u128> = bench.statuses().iter().map(|(at, _)| *at).collect();
        assert_eq!(intervals(&times)[..5], first);
        assert!(intervals(&times)[5..].iter().all(|interval| *interval == ms(timing.t2)));
        assert_eq!(bench.failures(), [(ms(timing.t1 * 64), tx, TxFailure::Timeout)]);
    }
}

#[test]
fn timer_i_is_t4() {
    for timing in ALL {
        let (mut bench, invite) = arrived(timing, "INVITE");
        bench.respond(bench.requested(), 486);
        bench.arrive(PEER, ack(&invite));
        ends_at(&mut bench, timing.t4);
    }
}

#[test]
fn timer_l_is_64_t1() {
    for timing in ALL {
        let (mut bench, _) = arrived(timing, "INVITE");
        bench.respond(bench.requested(), 200);
        ends_at(&mut bench, timing.t1 * 64);
    }
}

#[test]
fn timer_j_is_64_t1() {
    for timing in ALL {
        let (mut bench, _) = arrived(timing, "BYE");
        bench.respond(bench.requested(), 200);
        ends_at(&mut bench, timing.t1 * 64);
    }
}

#[test]
fn the_late_100_comes_when_a_clients_timer_e_is_at_t2_and_silence_lasts_64_t1() {
    for (timing, late) in [(RFC, 3_500), (FAST, 700), (SLOW, 7_000)] {
        let (mut bench, _) = arrived(timing, "REFER");
        let tx = bench.requested();
        bench.advance_ms(late - 1);
        assert_eq!(bench.statuses(), []);
        bench.advance_ms(1);
        assert_eq!(bench.statuses(), [(late.into(), 100)]);
        ends_at(&mut bench, timing.t1 * 64);
        assert_eq!(bench.failures(), [(ms(timing.t1 * 64), tx, TxFailure::TuSilent)]);
    }
}

#[test]
fn the_100_to_invite_and_the_408_do_not_follow_the_base_timers() {
    for timing in ALL {
        let (mut bench, invite) = arrived(timing, "INVITE");
        bench.advance_ms(180_000);
        assert_eq!(bench.statuses(), [(200, 100), (180_000, 408)]);
        bench.arrive(PEER, ack(&invite));
        ends_at(&mut bench, Duration::from_mins(3) + timing.t4);
    }
}

#[test]
fn on_a_stream_d_i_j_and_k_are_nothing_and_the_others_are_the_same() {
    for timing in ALL {
        // The wheel's next slot.
        let at_once = Duration::from_millis(10);
        for (method, status, end) in [
            (Method::Invite, Some(486), at_once),
            (Method::Invite, Some(200), timing.t1 * 64),
            (Method::Invite, None, timing.t1 * 64),
            (Method::Bye, Some(200), at_once),
            (Method::Bye, None, timing.t1 * 64),
        ] {
            let mut bench = bench(timing);
            bench.request(draft(method), [reliable(PEER)]);
            let sent = bench.last();
            if let Some(status) = status {
                bench.arrive_reliably(PEER, response(&sent.message, status, "peer"));
            }
            ends_at(&mut bench, end);
            assert_eq!(bench.times(method), [0]);
        }
        for (method, status, acknowledged, end) in [
            ("INVITE", 486, false, timing.t1 * 64),
            ("INVITE", 486, true, at_once),
            ("INVITE", 200, false, timing.t1 * 64),
            ("BYE", 200, false, at_once),
        ] {
            let mut bench = bench(timing);
            let text = request(method, "z9hG4bKin");
            bench.arrive_reliably(PEER, text.clone());
            bench.respond(bench.requested(), status);
            if acknowledged {
                bench.arrive_reliably(PEER, ack(&text));
            }
            ends_at(&mut bench, end);
            assert_eq!(bench.statuses(), [(0, status)]);
        }
    }
}

#[test]
fn a_t1_of_nothing_is_a_millisecond() {
    let mut bench = bench(Timing { t1: Duration::ZERO, ..RFC });
    let tx = bench.request(draft(Method::Options), [hop(PEER)]);
    bench.exhaust();
    // 64 ms, and the wheel's slot.
    assert_eq!(bench.failures(), [(70, tx, TxFailure::Timeout)]);
}
