//! Offers that cross.

use crate::golden::{at_ms, count, golden, line};

/// How long `whose` waited from the ACK of the 491 until its INVITE went again, in milliseconds.
fn waited(trace: &str, whose: &str, refused: &str, again: &str) -> u64 {
    let (acknowledged, again) =
        (line(trace, &[whose, "ACK", refused]), line(trace, &[whose, "INVITE sip", again]));
    at_ms(trace, again) - at_ms(trace, acknowledged)
}

#[test]
fn whoever_owns_the_call_id_waits_two_to_four_seconds() {
    // covers: TR-194, TR-195
    let trace = golden("glare-owner");
    assert_eq!(count(&trace, &["alice -> bob", "491", "(INVITE)", "#1"]), 1, "{trace}");
    let waited = waited(&trace, "alice -> bob", "#2", "#3");
    assert!((2_100..=4_000).contains(&waited) && waited.is_multiple_of(10), "{waited}\n{trace}");
    let answered = line(&trace, &["bob   -> alice", "200", "#3", "recvonly"]);
    assert!(answered < line(&trace, &["alice    * hold_changed", "local=true"]), "{trace}");
}

#[test]
fn the_other_one_waits_two_seconds_at_most() {
    // covers: TR-194, TR-195
    let trace = golden("glare-other");
    assert_eq!(count(&trace, &["bob   -> alice", "491", "(INVITE)", "#2"]), 1, "{trace}");
    let waited = waited(&trace, "bob   -> alice", "#1", "#2");
    assert!(waited <= 2_000 && waited.is_multiple_of(10), "{waited}\n{trace}");
}
