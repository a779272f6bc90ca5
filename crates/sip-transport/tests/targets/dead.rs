//! Targets that failed lately come last.

use std::net::Ipv4Addr;

use sip_transport::{
    Random, Tick, Transport,
    targets::{DeadTargets, MAX_DEAD, Target},
};

/// The lot is always the same: 0 is the shortest wait, `u64::MAX` the longest.
struct Fixed(u64);

impl Random for Fixed {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}

const SHORTEST: u64 = 0;
const LONGEST: u64 = u64::MAX;

fn target(number: u32) -> Target {
    let ip = Ipv4Addr::from_bits(0x0a00_0000 + number).into();
    Target { transport: Transport::Tcp, ip, port: 5060 }
}

fn at(seconds: u64) -> Tick {
    Tick::from_micros(seconds * 1_000_000)
}

/// The order of target 1 and target 2.
fn first(dead: &DeadTargets, now: Tick) -> Target {
    let mut targets = [target(1), target(2)];
    dead.sort(&mut targets, now);
    targets[0]
}

/// How long target 1 is avoided after a failure at `now`, in microseconds; found by halving.
fn avoided(dead: &DeadTargets, now: Tick) -> u64 {
    let (mut low, mut high) = (0, 1_000_000_000);
    while low < high {
        let middle = low + (high - low) / 2;
        if first(dead, Tick::from_micros(now.as_micros() + middle)) == target(1) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[test]
fn a_target_that_failed_is_tried_behind_the_others() {
    let mut dead = DeadTargets::default();
    let (a, b, c, d) = (target(1), target(2), target(3), target(4));
    dead.failed(a, at(0), &mut Fixed(LONGEST));
    dead.failed(c, at(0), &mut Fixed(LONGEST));
    let mut targets = [a, b, c, d];
    dead.sort(&mut targets, at(1));
    assert_eq!(targets, [b, d, a, c]);
}

#[test]
fn if_all_failed_they_are_tried_in_order() {
    let mut dead = DeadTargets::default();
    dead.failed(target(2), at(0), &mut Fixed(LONGEST));
    dead.failed(target(1), at(1), &mut Fixed(LONGEST));
    assert_eq!(first(&dead, at(2)), target(1));
}

#[test]
fn the_time_doubles_with_each_failure_in_a_row_up_to_ten_minutes() {
    for (lot, halves) in [(SHORTEST, 1), (LONGEST, 2)] {
        let mut dead = DeadTargets::default();
        let mut now = at(0);
        for seconds in [5, 10, 20, 40, 80, 160, 320, 600, 600] {
            dead.failed(target(1), now, &mut Fixed(lot));
            let micros = seconds * 1_000_000 * halves / 2;
            assert_eq!(avoided(&dead, now), micros, "{seconds} s");
            now = Tick::from_micros(now.as_micros() + micros);
        }
    }
}

#[test]
fn an_answer_wipes_the_failures_out() {
    let mut dead = DeadTargets::default();
    for _ in 0..5 {
        dead.failed(target(1), at(0), &mut Fixed(LONGEST));
    }
    dead.worked(target(1));
    assert!(dead.is_empty());
    assert_eq!(first(&dead, at(0)), target(1));
    dead.failed(target(1), at(0), &mut Fixed(LONGEST));
    assert_eq!(avoided(&dead, at(0)), 5_000_000);
}

#[test]
fn failures_long_ago_are_not_in_a_row() {
    for (later, seconds) in [(599, 10), (600, 5)] {
        let mut dead = DeadTargets::default();
        dead.failed(target(1), at(0), &mut Fixed(LONGEST));
        let now = at(5 + later);
        dead.failed(target(1), now, &mut Fixed(LONGEST));
        assert_eq!(avoided(&dead, now), seconds * 1_000_000);
    }
}

#[test]
fn another_port_or_transport_is_another_target() {
    let mut dead = DeadTargets::default();
    dead.failed(Target { port: 5061, ..target(1) }, at(0), &mut Fixed(LONGEST));
    dead.failed(Target { transport: Transport::Udp, ..target(1) }, at(0), &mut Fixed(LONGEST));
    assert_eq!(first(&dead, at(1)), target(1));
}

#[test]
fn a_failure_without_end_does_not_overflow() {
    let mut dead = DeadTargets::default();
    for failure in 0..100 {
        dead.failed(target(1), at(failure * 600), &mut Fixed(LONGEST));
    }
    assert_eq!(avoided(&dead, at(99 * 600)), 600_000_000);
}

#[test]
fn failures_while_it_is_avoided_are_one_failure() {
    let mut dead = DeadTargets::default();
    for _ in 0..100 {
        dead.failed(target(1), at(0), &mut Fixed(LONGEST));
    }
    assert_eq!(avoided(&dead, at(0)), 5_000_000);
}

#[test]
fn of_1025_the_one_avoided_for_the_shortest_time_is_forgotten() {
    let mut dead = DeadTargets::default();
    let most = MAX_DEAD as u32;
    for number in 1..=most {
        // The second fails first.
        let when = u64::from(number != 2);
        dead.failed(target(number), at(when), &mut Fixed(LONGEST));
    }
    // A target that is there takes no other's place.
    dead.failed(target(3), at(1), &mut Fixed(LONGEST));
    assert_eq!(dead.len(), MAX_DEAD);
    assert_eq!(first(&dead, at(2)), target(1), "both are remembered");
    dead.worked(target(1));
    dead.failed(target(most + 1), at(1), &mut Fixed(LONGEST));
    assert_eq!((dead.len(), first(&dead, at(2))), (MAX_DEAD, target(1)), "there was room");
    dead.failed(target(most + 2), at(1), &mut Fixed(LONGEST));
    assert_eq!(dead.len(), MAX_DEAD);
    dead.failed(target(1), at(1), &mut Fixed(LONGEST));
    assert_eq!((dead.len(), first(&dead, at(2))), (MAX_DEAD, target(2)), "the second was forgotten");
}
