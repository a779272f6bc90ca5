//! A re-INVITE that is answered 500, because a later request of ours overtook it.

use std::time::Duration;

use dialog_core::ReofferError;
use sip_message::{HeaderId, Method, StatusCode};

use crate::{
    bench::{Bench, PEER_TAG},
    reoffer::{LIMIT, reoffer, results},
};

/// Refuses the INVITE that was sent last with 500.
fn refuse_500(bench: &mut Bench, retry_after: Option<u32>) {
    let sent = bench.last_of(Method::Invite);
    bench.reply(&sent, 500, PEER_TAG, |response| match retry_after {
        Some(seconds) => response.header(HeaderId::RetryAfter, seconds),
        None => response,
    });
}

#[test]
fn a_500_that_passes_is_offered_again_after_its_delay() {
    // covers: TR-196
    // By Retry-After; by a second where there is none or no time for it.
    for (retry_after, delay) in [(Some(3), 3_000), (Some(0), 0), (None, 1_000), (Some(10), 1_000)] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        reoffer(&mut bench, leg);
        bench.advance(Duration::from_millis(100));
        refuse_500(&mut bench, retry_after);
        assert!(bench.order.contains(&"RolledBack".to_owned()));
        if delay > 0 {
            bench.advance(Duration::from_millis(delay - 1));
            assert_eq!(bench.count_of(Method::Invite), 1, "{retry_after:?}");
        }
        bench.advance(Duration::from_millis(1));
        assert_eq!(bench.count_of(Method::Invite), 2, "{retry_after:?}");
        let sent = bench.last_of(Method::Invite);
        bench.pick_up(&sent, PEER_TAG);
        assert_eq!(results(&bench, leg), [Ok(())]);
    }
}

#[test]
fn a_500_stands_when_nothing_of_ours_can_be_its_cause_or_an_outage_is_told() {
    for (quiet, retry_after) in [(33, None), (0, Some(11))] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.advance(Duration::from_secs(quiet));
        reoffer(&mut bench, leg);
        refuse_500(&mut bench, retry_after);
        let refused = ReofferError::Refused(StatusCode::SERVER_INTERNAL_ERROR);
        assert_eq!(results(&bench, leg), [Err(refused)]);
        bench.advance(LIMIT);
        assert_eq!(bench.count_of(Method::Invite), 1);
        assert!(bench.ended(leg).is_none());
    }
}

#[test]
fn an_invite_that_a_later_request_overtook_is_offered_again() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.advance(Duration::from_secs(33));
    let up = bench.established(leg);
    let refer = bench
        .theirs(Method::Refer, &up)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::ReferTo, "<sip:carol@example.com>");
    reoffer(&mut bench, leg);
    bench.request(refer);
    let id = bench.requested();
    let lifetime = Duration::from_mins(1);
    bench.subscription(id, dialog_core::SubscriptionCommand::Accept { pending: false, lifetime });
    assert_eq!(bench.count_of(Method::Notify), 1);
    refuse_500(&mut bench, None);
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.count_of(Method::Invite), 2);
}

#[test]
fn endless_500_is_told_after_three_more_tries() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    reoffer(&mut bench, leg);
    for _ in 0..4 {
        assert!(results(&bench, leg).is_empty());
        refuse_500(&mut bench, Some(1));
        bench.advance(Duration::from_secs(1));
    }
    let refused = ReofferError::Refused(StatusCode::SERVER_INTERNAL_ERROR);
    assert_eq!(results(&bench, leg), [Err(refused)]);
    assert_eq!(bench.count_of(Method::Invite), 4);
    assert!(bench.ended(leg).is_none());
    // The next wish has its tries anew.
    reoffer(&mut bench, leg);
    refuse_500(&mut bench, Some(1));
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.count_of(Method::Invite), 6);
}
