//! Wishes for a new offer whose time runs out, and refusals at the edge of their time (TR-225).

use std::time::Duration;

use dialog_core::{LegCommand, LegId, ReofferError};
use sip_message::Method;

use crate::{
    bench::{Bench, PEER_TAG, Sent, code},
    update::settled,
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn wish(bench: &mut Bench, leg: LegId, limit: u64) -> Sent {
    bench.leg(leg, LegCommand::Reoffer { limit: secs(limit) });
    bench.last_of(Method::Invite)
}

#[test]
fn a_wish_behind_an_invite_that_was_cancelled_does_not_cancel_it_again() {
    // covers: TR-225
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = wish(&mut bench, leg, 3);
    bench.reply(&sent, 180, PEER_TAG, |response| response);
    bench.advance(secs(3));
    wish(&mut bench, leg, 5);
    bench.advance(secs(5));
    assert_eq!(bench.cancelled, [(sent.tx, None)]);
    assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut); 2]);
}

#[test]
fn an_offer_that_was_accepted_is_in_time_however_long_the_way_of_its_ack_is_looked_for() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = wish(&mut bench, leg, 3);
    bench.route_at_once = false;
    bench.pick_up(&sent, PEER_TAG);
    bench.advance(secs(4));
    assert!(settled(&bench, leg).is_empty() && bench.cancelled.is_empty());
    let way = bench.routes.pop().expect("that of the ACK");
    bench.answer_route(&way);
    assert_eq!(settled(&bench, leg), [Ok(())]);
}

#[test]
fn a_500_may_be_for_an_ack_of_ours_that_was_lost_only_while_that_is_repeated() {
    for (after, stands) in [(31_999, false), (32_000, true)] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.advance(Duration::from_millis(after));
        let sent = wish(&mut bench, leg, 30);
        bench.reply(&sent, 500, PEER_TAG, |response| response);
        bench.advance(secs(1));
        assert_eq!(bench.count_of(Method::Invite), if stands { 1 } else { 2 }, "{after} ms");
        let refused: &[_] = &[Err(ReofferError::Refused(code(500)))];
        assert_eq!(settled(&bench, leg), if stands { refused } else { &[] });
    }
}

#[test]
fn glare_for_a_wish_that_has_run_out_is_not_waited_for() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.advance(secs(40));
    let sent = wish(&mut bench, leg, 3);
    bench.advance(secs(3));
    bench.reply(&sent, 491, PEER_TAG, |response| response);
    assert!(bench.timers.is_empty(), "{:?}", bench.timers);
}

#[test]
fn a_wish_that_runs_out_behind_an_invite_leaves_that_alone() {
    // covers: TR-225
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = wish(&mut bench, leg, 30);
    bench.reply(&sent, 180, PEER_TAG, |response| response);
    wish(&mut bench, leg, 3);
    bench.advance(secs(3));
    assert_eq!((settled(&bench, leg), bench.cancelled.len()), (vec![Err(ReofferError::TimedOut)], 0));
    bench.advance(Duration::from_millis(26_999));
    assert!(bench.cancelled.is_empty());
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.cancelled, [(sent.tx, None)], "that has its own time");
    assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut); 2]);
}
