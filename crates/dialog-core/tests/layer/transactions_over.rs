//! Requests of theirs whose transaction is over before they are answered.

use dialog_core::{By, EndReason, LegCommand, LegEvent, SubscriptionEnd, SubscriptionEvent};
use sip_message::{HeaderId, Method};
use transaction_core::{TxEvent, TxFailure};

use crate::{
    bench::{Bench, OFFER, code},
    theirs::Theirs,
};

fn call() -> Theirs {
    Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
}

#[test]
fn a_call_that_can_be_answered_no_more_ends_without_a_response() {
    let mut bench = Bench::new();
    let (tx, leg) = bench.incoming(call());
    bench.receive(TxEvent::Failed { tx, failure: TxFailure::Timeout });
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Network, EndReason::Unreachable));
    assert!(bench.answered.is_empty());
    bench.assert_clean();
}

#[test]
fn a_re_invite_that_can_be_answered_no_more_is_rolled_back() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    bench.describe_at_once = false;
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    let tx = bench.request(reinvite);
    bench.receive(TxEvent::Failed { tx, failure: TxFailure::Timeout });
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refer_that_can_be_answered_no_more_is_declined() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let refer = bench.theirs(Method::Refer, &up).contact("<sip:bob@192.0.2.20>");
    let tx = bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    let id = bench.requested();
    bench.receive(TxEvent::Failed { tx, failure: TxFailure::Timeout });
    assert!(matches!(
        bench.subscription_events(id).last(),
        Some(SubscriptionEvent::Ended(SubscriptionEnd::Refused))
    ));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_call_is_redirected_by_refusing_it_with_a_status_below_400() {
    let mut bench = Bench::new();
    let (_, leg) = bench.incoming(call());
    bench.leg(leg, LegCommand::Reject { status: code(302), retry_after: None });
    assert_eq!(bench.last_status(), 302);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(code(302)));
}
