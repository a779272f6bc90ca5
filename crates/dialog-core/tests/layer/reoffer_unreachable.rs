//! A re-INVITE whose way fails before anything answers it.

use std::time::Duration;

use dialog_core::{LegCommand, ReofferError};
use sip_message::Method;
use sip_transport::{CloseCause, FlowId, RouteError};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::{Bench, PEER_TAG},
    reoffer::{LIMIT, reoffer, results},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_invite_whose_way_has_failed_is_tried_again() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.fail(&sent, TxFailure::Flow);
    bench.receive(TxEvent::FlowEnded { flow: FlowId::from(1), cause: CloseCause::Lost });
    assert!(bench.order.contains(&"RolledBack".to_owned()));
    bench.advance(Duration::from_millis(999));
    assert_eq!(bench.count_of(Method::Invite), 1);
    bench.advance(Duration::from_millis(1));
    assert_eq!(bench.count_of(Method::Invite), 2);
    let again = bench.last_of(Method::Invite);
    bench.pick_up(&again, PEER_TAG);
    assert_eq!(results(&bench, leg), [Ok(())]);
}

#[test]
fn what_fails_four_times_is_unreachable_and_leaves_the_call() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    // The next wish has tries of its own.
    for wish in 1..=2 {
        reoffer(&mut bench, leg);
        for tries in 1..=4 {
            assert_eq!(results(&bench, leg).len(), wish - 1, "{tries}");
            let sent = bench.last_of(Method::Invite);
            bench.fail(&sent, TxFailure::Flow);
            bench.advance(SECOND);
        }
        assert_eq!(results(&bench, leg), vec![Err(ReofferError::Unreachable); wish]);
        bench.advance(LIMIT);
        assert_eq!(bench.count_of(Method::Invite), 4 * wish);
    }
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_connection_that_cannot_be_made_is_tried_again_and_a_name_without_address_is_not() {
    for (error, again) in
        [(RouteError::Unreachable(CloseCause::TimedOut), true), (RouteError::Unresolved, false)]
    {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.no_route = Some(error);
        bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
        bench.no_route = None;
        assert_eq!(results(&bench, leg).is_empty(), again);
        bench.advance(SECOND);
        assert_eq!(bench.count_of(Method::Invite), usize::from(again));
    }
}

#[test]
fn the_limit_of_the_wish_ends_the_new_try() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.advance(LIMIT.saturating_sub(SECOND / 2));
    bench.fail(&sent, TxFailure::Flow);
    bench.advance(SECOND);
    assert_eq!(results(&bench, leg), [Err(ReofferError::TimedOut)]);
    assert_eq!(bench.count_of(Method::Invite), 1);
}
