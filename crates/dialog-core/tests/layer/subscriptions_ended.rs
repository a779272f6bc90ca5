//! What is still heard of a subscription or a wish of ours that is over, or one with another.

use std::time::Duration;

use dialog_core::{LegCommand, LegEvent, Refer, SubscriptionCommand, SubscriptionEnd};
use sip_message::{HeaderId, Method};
use sip_transport::RouteError;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, uri},
    subscribing::{EVENT, active, end, forked, notify},
    update::settled,
};

#[test]
fn only_a_fetch_waits_for_further_notifiers_after_the_first_has_ended_it() {
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    bench.request(notify(&sent.message, "bob", 2, EVENT, "terminated;reason=timeout"));
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    bench.request(notify(&sent.message, "carol", 1, EVENT, "active;expires=600"));
    assert_ne!(bench.last_status(), 200);
    assert!(forked(&bench).is_empty());
    assert!(bench.is_clean(), "nothing is waited for");
}

#[test]
fn a_wish_that_finds_a_refresh_waiting_is_told_of_their_common_offer() {
    // covers: TR-225
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        let response = response.contact("<sip:bob@192.0.2.20>").header(HeaderId::Allow, "INVITE, ACK, BYE");
        response.header(HeaderId::SessionExpires, "200;refresher=uac").body("application/sdp", ANSWER)
    });
    let up = bench.established(leg);
    bench.clear();
    bench.advance(Duration::from_secs(99));
    bench.describe_at_once = false;
    let theirs = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(theirs);
    bench.advance(Duration::from_secs(1));
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(30) });
    assert_eq!(bench.count_of(Method::Invite), 0, "theirs is first");
    bench.describe_at_once = true;
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    let invite = bench.last_of(Method::Invite);
    bench.pick_up(&invite, PEER_TAG);
    assert_eq!(settled(&bench, leg), [Ok(())]);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Reoffered(_))));
}

#[test]
fn a_provisional_response_to_our_last_subscribe_ends_nothing() {
    let mut bench = Bench::new();
    let (id, sent) = active(&mut bench);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let last = bench.last_of(Method::Subscribe);
    bench.reply(&last, 100, "bob", |response| response);
    assert_eq!(end(&bench, id), None);
    bench.ok(&last);
    bench.request(notify(&sent.message, "bob", 2, EVENT, "terminated;reason=timeout"));
    assert_eq!((bench.last_status(), end(&bench, id)), (200, Some(SubscriptionEnd::Terminated)));
}

#[test]
fn a_refresh_that_fails_is_tried_again_in_half_of_the_time_that_is_left() {
    // covers: TR-048
    for fail in [true, false] {
        let mut bench = Bench::new();
        let (id, _) = active(&mut bench);
        bench.advance(Duration::from_secs(568));
        let refresh = bench.last_of(Method::Subscribe);
        if fail {
            bench.fail(&refresh, transaction_core::TxFailure::Timeout);
        } else {
            bench.reply(&refresh, 503, "bob", |response| response);
        }
        bench.advance(Duration::from_millis(15_999));
        assert_eq!(bench.count_of(Method::Subscribe), 2);
        bench.advance(Duration::from_millis(1));
        assert_eq!(bench.count_of(Method::Subscribe), 3);
        assert_eq!(end(&bench, id), None);
    }
}

#[test]
fn a_refresh_that_is_too_brief_goes_again_at_once_with_what_is_wanted_and_nothing_else_does() {
    for (status, least, again) in [(423, "900", true), (423, "", false), (503, "900", false)] {
        let mut bench = Bench::new();
        active(&mut bench);
        bench.advance(Duration::from_secs(568));
        let refresh = bench.last_of(Method::Subscribe);
        bench.reply(&refresh, status, "bob", |response| match least {
            "" => response,
            least => response.header(HeaderId::MinExpires, least),
        });
        assert_eq!(bench.count_of(Method::Subscribe), if again { 3 } else { 2 }, "{status} {least}");
        assert_eq!(bench.last_of(Method::Subscribe).message.expires(), Some(if again { 900 } else { 600 }));
    }
}

#[test]
fn without_a_way_a_refresh_is_tried_later_and_the_last_subscribe_is_the_end() {
    let mut bench = Bench::new();
    let (id, _) = active(&mut bench);
    bench.no_route = Some(RouteError::Unresolved);
    bench.advance(Duration::from_secs(568));
    assert_eq!((bench.count_of(Method::Subscribe), end(&bench, id)), (1, None));
    bench.no_route = None;
    bench.advance(Duration::from_secs(16));
    assert_eq!(bench.count_of(Method::Subscribe), 2);

    bench.no_route = Some(RouteError::Unresolved);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    assert_eq!(end(&bench, id), Some(SubscriptionEnd::Terminated));
    assert_eq!(bench.count_of(Method::Subscribe), 2);
}

#[test]
fn after_the_call_a_refresh_is_not_sent_any_more_and_the_last_subscribe_is() {
    // covers: TR-258
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let id = bench.ids.mint();
    let refer = Refer::to(uri("sip:carol@example.com")).into();
    bench.leg(leg, LegCommand::Refer { subscription: id, refer });
    let sent = bench.last_of(Method::Refer);
    bench.reply(&sent, 202, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    let active = bench.theirs(Method::Notify, &up).header(HeaderId::Event, "refer");
    let active = active.header(HeaderId::SubscriptionState, "active;expires=600");
    bench.request(active.body("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n"));
    bench.route_at_once = false;
    bench.advance(Duration::from_secs(568));
    let way = bench.routes.pop().expect("that of the refresh");
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    bench.route_at_once = true;
    bench.answer_route(&way);
    assert_eq!(bench.count_of(Method::Subscribe), 0);
    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    assert_eq!(bench.last_of(Method::Subscribe).message.expires(), Some(0));
}
