//! A call that is on hold for long, and lasts longer than the sequence numbers of its RTP.

use std::time::Duration;

use session_core::{EventKind, StreamSummary};

use crate::golden::golden_run;

/// From the resumption to the end, 50 packets a second; 65,536 are there before the numbers begin anew.
const TALK: Duration = Duration::from_mins(22);

/// Plays the scenario: both sides hear every packet of the other.
fn no_packet_is_lost(scenario: &str) {
    let (trace, played) = golden_run(scenario);
    for node in 0..2 {
        let summaries = played.journal.events(node).filter_map(|event| match &event.kind {
            EventKind::MediaSummary(summary) => Some(**summary),
            _ => None,
        });
        let [summary]: [StreamSummary; 1] = summaries
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|all| panic!("one, not {all:?}\n{trace}"));
        assert_eq!((summary.lost, summary.late), (0, 0), "{node}: {summary:?}");
        assert!(u128::from(summary.received) > TALK.as_millis() / 20, "{node}: {summary:?}");
        assert!(summary.received > 1 << 16, "{node}: {summary:?}");
        assert!(summary.mos.is_some_and(|mos| mos > 4.0), "{node}: {summary:?}");
    }
}

#[test]
fn ten_minutes_of_hold_and_a_wrap_cost_no_packet_and_no_call() {
    // covers: EC-81
    no_packet_is_lost("hold-ten-minutes");
}

/// Sequence numbers begin below 32,768 (RFC 3711 §3.3.1), so 65,536 packets raise the counter of each direction: a side that
/// had another one would open nothing from there on.
#[test]
fn the_rollover_counters_of_srtp_rise_after_a_hold_and_cost_no_packet() {
    // covers: TM-103, EC-82
    no_packet_is_lost("hold-ten-minutes-secured");
}
