//! REFERs that wait for an INVITE in flight (TR-251).

use std::time::Duration;

use dialog_core::{LegCommand, Refer, ReferAnswer, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent};
use sip_message::{HeaderId, Method};

use crate::bench::{Bench, PEER_TAG, uri};

#[test]
fn one_that_is_withdrawn_takes_no_other_with_it() {
    // covers: TR-251
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(10) });
    let invite = bench.last_of(Method::Invite);
    let ids = ["sip:carol@example.com", "sip:dave@example.com", "sip:erin@example.com"].map(|target| {
        let subscription = bench.ids.mint();
        bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri(target)).into() });
        subscription
    });
    bench.subscription(ids[1], SubscriptionCommand::Unsubscribe);
    assert!(matches!(
        bench.subscription_events(ids[1])[..],
        [
            SubscriptionEvent::Answered(ReferAnswer::Unreachable),
            SubscriptionEvent::Ended(SubscriptionEnd::Refused)
        ]
    ));
    bench.pick_up(&invite, PEER_TAG);
    let sent: Vec<&str> =
        bench.sent.iter().filter_map(|sent| sent.message.first(HeaderId::ReferTo)).collect();
    assert_eq!(sent, ["<sip:carol@example.com>", "<sip:erin@example.com>"]);
}
