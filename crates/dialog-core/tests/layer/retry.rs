use std::time::Duration;

use dialog_core::{
    DialogConfig, EndReason, LegCommand, LegEvent, LegId, ReferAnswer, SubscriptionCommand, SubscriptionEvent,
};
use sip_message::{HeaderId, Method, StatusCode};
use transaction_core::TxFailure;

use crate::{
    bench::{ANSWER, Bench, PEER_TAG, Sent, invite},
    challenges::{REALM, challenge, keyed, number, shown, used},
};

const LIMIT: Duration = Duration::from_secs(20);

/// Challenges a request of a dialog, checks the second try and gives it.
#[track_caller]
fn again(bench: &mut Bench, first: &Sent, nonce: &str) -> Sent {
    let method = first.message.method().expect("a request");
    let events = bench.events.len();
    bench.challenge(first, 401, &[challenge(REALM, nonce)]);
    let second = bench.last_sent();
    assert_eq!(second.message.method(), Some(method));
    assert_eq!(number(&second), number(first) + 1, "{method}");
    for header in [HeaderId::CallId, HeaderId::From, HeaderId::To, HeaderId::ReferTo, HeaderId::Event] {
        assert_eq!(first.message.first(header), second.message.first(header), "{method} {header:?}");
    }
    assert_eq!(first.message.request_uri(), second.message.request_uri());
    assert_eq!(first.message.body(), second.message.body());
    assert_eq!(second.message.first(HeaderId::MaxForwards), Some("70"));
    assert_eq!(shown(&second.message, HeaderId::Authorization), [used(REALM, nonce, 1)]);
    assert_eq!(bench.events.len(), events, "{method}: nobody hears of it");
    second
}

#[test]
fn refer_subscribe_and_bye_are_sent_again_and_have_one_outcome_each() {
    // covers: TR-192, EC-62
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    let id = bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    let refer = again(&mut bench, &refer, "n1");
    bench.reply(&refer, 202, PEER_TAG, |response| response);
    let answered = |bench: &Bench| {
        let events = bench.subscription_events(id);
        events.iter().filter(|event| matches!(event, SubscriptionEvent::Answered(_))).count()
    };
    assert_eq!(answered(&bench), 1);

    // The event id is the number of the REFER that was accepted.
    let notify = |bench: &mut Bench, event: &str| {
        let established = bench.established(leg);
        let notify = bench
            .theirs(Method::Notify, &established)
            .header(HeaderId::Event, event)
            .header(HeaderId::SubscriptionState, "active;expires=60")
            .body("message/sipfrag", "SIP/2.0 100 Trying");
        bench.request(notify);
        bench.last_status()
    };
    assert_eq!(notify(&mut bench, &format!("refer;id={}", number(&refer) - 1)), 481);
    assert_eq!(notify(&mut bench, &format!("refer;id={}", number(&refer))), 200);

    bench.subscription(id, SubscriptionCommand::Unsubscribe);
    let subscribe = bench.last_of(Method::Subscribe);
    assert_eq!(subscribe.message.first(HeaderId::Event), Some(&*format!("refer;id={}", number(&refer))));
    let subscribe = again(&mut bench, &subscribe, "n2");
    assert_eq!(subscribe.message.first(HeaderId::Expires), Some("0"));
    bench.ok(&subscribe);
    let bye = bench.hang_up(leg);
    let bye = again(&mut bench, &bye, "n3");
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
    assert_eq!(answered(&bench), 1);
    bench.assert_clean();
}

#[test]
fn a_notify_is_sent_again_and_the_last_one_is_delivered_once() {
    // covers: TR-192, EC-62
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    let established = bench.established(leg);
    let refer = bench.theirs(Method::Refer, &established).contact("<sip:bob@192.0.2.20>");
    bench.request(refer.header(HeaderId::ReferTo, "<sip:carol@example.com>"));
    let id = bench.requested();
    bench.subscription(id, SubscriptionCommand::Accept { pending: false, lifetime: LIMIT });
    let notify = bench.last_of(Method::Notify);
    let notify = again(&mut bench, &notify, "n1");
    bench.ok(&notify);
    bench.advance(Duration::from_secs(1));
    let last = Some(sip_message::SubReason::Noresource);
    bench.subscription(id, SubscriptionCommand::Report { status: StatusCode::OK, headers: Vec::new(), last });
    let notify = bench.last_of(Method::Notify);
    // The nonce is used at once, and the host has another one by now.
    assert_eq!(shown(&notify.message, HeaderId::Authorization), [used(REALM, "n1", 2)]);
    let notify = again(&mut bench, &notify, "n2");
    bench.ok(&notify);
    let delivered = |event: &&SubscriptionEvent| matches!(event, SubscriptionEvent::Delivered);
    assert_eq!(bench.subscription_events(id).iter().filter(delivered).count(), 1);
}

#[test]
fn a_refresh_is_not_sent_again_after_its_subscription_was_given_up() {
    for (unsubscribed, tries) in [(false, 2), (true, 1)] {
        let mut bench = Bench::with(keyed());
        let leg = bench.placed();
        let id = bench.refer(leg);
        let refer = bench.last_of(Method::Refer);
        bench.reply(&refer, 202, PEER_TAG, |response| response);
        let established = bench.established(leg);
        let notify = bench
            .theirs(Method::Notify, &established)
            .header(HeaderId::Event, "refer")
            .header(HeaderId::SubscriptionState, "active;expires=60")
            .body("message/sipfrag", "SIP/2.0 100 Trying");
        bench.request(notify);
        bench.advance(Duration::from_secs(50));
        let refresh = bench.last_of(Method::Subscribe);
        if unsubscribed {
            bench.subscription(id, SubscriptionCommand::Unsubscribe);
        }
        bench.challenge(&refresh, 401, &[challenge(REALM, "n1")]);
        let refreshes = bench.sent.iter().filter(|sent| sent.message.expires().is_some_and(|it| it > 0));
        assert_eq!(refreshes.count(), tries);
    }
}

#[test]
fn a_reinvite_is_sent_again_with_its_offer_and_its_ack_has_the_new_number() {
    // covers: TR-192
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let first = bench.last_of(Method::Invite);
    let second = again(&mut bench, &first, "n1");
    bench.reply(&second, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.20>").body("application/sdp", ANSWER)
    });
    assert_eq!(number(&bench.acks[0]), number(&second));
    assert_eq!(bench.acks[0].tx, second.tx);
    let told = |event: &&LegEvent| matches!(event, LegEvent::Reoffered(Ok(())));
    assert_eq!(bench.leg_events(leg).iter().filter(told).count(), 1);
    assert!(!bench.order.contains(&"RolledBack".to_owned()));
}

#[test]
fn the_wish_of_a_reinvite_that_has_run_out_is_not_sent_again() {
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let first = bench.last_of(Method::Invite);
    bench.advance(LIMIT);
    assert_eq!(bench.cancelled, [(first.tx, None)]);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Invite), 1);
    let told = |event: &&LegEvent| matches!(event, LegEvent::Reoffered(_));
    assert_eq!(bench.leg_events(leg).iter().filter(told).count(), 1);
}

#[test]
fn a_call_that_was_given_up_is_not_placed_again() {
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let first = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.cancelled, [(first.tx, None)]);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Invite), 1);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
    bench.assert_clean();
}

#[test]
fn a_cancel_after_the_second_try_is_for_the_second_try() {
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.cancelled, [(second.tx, None)]);
    bench.reply(&second, 487, PEER_TAG, |response| response);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Cancelled);
    bench.assert_clean();
}

#[test]
fn a_late_answer_to_the_first_try_changes_nothing() {
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let first = bench.last_sent();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    bench.clear();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    bench.reply(&first, 486, PEER_TAG, |response| response);
    bench.fail(&first, TxFailure::Timeout);
    assert!(bench.order.is_empty(), "{:?}", bench.order);
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refer_of_a_call_that_is_ending_is_not_sent_again() {
    let mut bench = Bench::with(keyed());
    let leg = bench.placed();
    let id = bench.refer(leg);
    let refer = bench.last_of(Method::Refer);
    let bye = bench.hang_up(leg);
    bench.challenge(&refer, 401, &[challenge(REALM, "n1")]);
    assert_eq!(bench.count_of(Method::Refer), 1);
    let refused = ReferAnswer::Refused { status: StatusCode::UNAUTHORIZED, retry_after: None };
    let events = bench.subscription_events(id);
    assert!(matches!(events[0], SubscriptionEvent::Answered(answer) if answer == refused), "{events:?}");
    bench.ok(&bye);
    bench.assert_clean();
}

#[test]
fn the_bye_of_a_surplus_fork_is_sent_again_as_well() {
    let mut bench = Bench::with(keyed());
    bench.place();
    let sent = bench.last_sent();
    bench.pick_up(&sent, PEER_TAG);
    bench.pick_up(&sent, "other-fork");
    let bye = bench.last_of(Method::Bye);
    let bye = again(&mut bench, &bye, "n1");
    assert_eq!(bye.message.to_tag(), Some("other-fork"));
    bench.ok(&bye);
}

fn requiring(bench: &mut Bench, require: &str, further: &[(HeaderId, &str)]) -> (LegId, Sent) {
    let mut call = invite();
    call.headers.push((HeaderId::Require, require.into()));
    call.headers.extend(further.iter().map(|(id, value)| (*id, (*value).into())));
    let leg = bench.place_with(call);
    (leg, bench.last_sent())
}

fn requires(sent: &Sent) -> Vec<String> {
    sent.message.require().map(str::to_owned).collect()
}

#[test]
fn what_the_peer_does_not_support_is_left_out_where_it_may_be() {
    let mut bench = Bench::new();
    let (_, first) = requiring(&mut bench, "100rel, Timer", &[]);
    bench.reply(&first, 420, PEER_TAG, |response| response.header(HeaderId::Unsupported, "timer"));
    let second = bench.last_sent();
    assert_eq!(number(&second), number(&first) + 1);
    assert_eq!(requires(&second), ["100rel"]);
    bench.reply(&second, 420, PEER_TAG, |response| response.header(HeaderId::Unsupported, "100rel"));
    assert_eq!(bench.count_of(Method::Invite), 2, "once; a peer that finds more each time is not followed");
}

#[test]
fn what_the_request_is_about_is_not_left_out() {
    // covers: TR-139
    let replaces = "call;to-tag=a;from-tag=b";
    for unsupported in [Some("replaces"), Some("foo"), None] {
        let mut bench = Bench::new();
        let (leg, first) = requiring(&mut bench, "replaces, 100rel", &[(HeaderId::Replaces, replaces)]);
        bench.reply(&first, 420, PEER_TAG, |response| match unsupported {
            Some(tags) => response.header(HeaderId::Unsupported, tags),
            None => response,
        });
        assert_eq!(bench.count_of(Method::Invite), 1);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(StatusCode::BAD_EXTENSION));
    }
    let mut bench = Bench::with(keyed());
    let (_, first) = requiring(&mut bench, "replaces, 100rel", &[(HeaderId::Replaces, replaces)]);
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let second = bench.last_sent();
    bench.reply(&second, 420, PEER_TAG, |response| response.header(HeaderId::Unsupported, "100rel"));
    let third = bench.last_sent();
    assert_eq!(number(&third), number(&first) + 2);
    for sent in [first, second, third] {
        assert_eq!(sent.message.count(HeaderId::Replaces), 1);
        assert_eq!(requires(&sent)[0], "replaces");
    }
}

#[test]
fn an_extension_that_the_peer_insists_on_is_required_if_we_have_it() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let first = bench.last_sent();
    bench.reply(&first, 421, PEER_TAG, |response| response.header(HeaderId::Require, "Replaces"));
    let second = bench.last_sent();
    assert_eq!(requires(&second), ["Replaces"]);
    bench.reply(&second, 421, PEER_TAG, |response| response.header(HeaderId::Require, "replaces"));
    assert_eq!(bench.count_of(Method::Invite), 2);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Refused(StatusCode::EXTENSION_REQUIRED));

    for require in ["precondition", "replaces, sec-agree"] {
        let mut bench = Bench::with(DialogConfig::default());
        bench.place();
        let first = bench.last_sent();
        bench.reply(&first, 421, PEER_TAG, |response| response.header(HeaderId::Require, require));
        assert_eq!(bench.count_of(Method::Invite), 1, "{require}");
    }
}

#[test]
fn so_many_extensions_may_be_insisted_on() {
    for (count, tries) in [(8, 2), (9, 1)] {
        let tags: Vec<Box<str>> = (0..count).map(|number| format!("tag-{number}").into()).collect();
        let mut bench = Bench::with(DialogConfig { supported: tags.clone(), ..DialogConfig::default() });
        bench.place();
        let first = bench.last_sent();
        bench.reply(&first, 421, PEER_TAG, |response| response.header(HeaderId::Require, tags.join(",")));
        assert_eq!(bench.count_of(Method::Invite), tries);
    }
}

#[test]
fn other_refusals_are_reported_as_before() {
    for status in [422, 494, 488, 503] {
        let mut bench = Bench::with(keyed());
        let leg = bench.place();
        let first = bench.last_sent();
        bench.reply(&first, status, PEER_TAG, |response| response);
        assert_eq!(bench.count_of(Method::Invite), 1);
        let reason = bench.ended(leg).expect("ended").reason;
        assert!(matches!(reason, EndReason::Refused(refused) if refused.as_u16() == status), "{reason:?}");
        bench.assert_clean();
    }
}

#[test]
fn a_prack_of_a_fork_that_has_lost_takes_no_number_of_the_call() {
    let mut bench = Bench::with(keyed());
    let leg = bench.place();
    let sent = bench.last_sent();
    for tag in ["lost", PEER_TAG] {
        bench.reply(&sent, 180, tag, |response| {
            let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, 1);
            response.contact("<sip:bob@192.0.2.20>")
        });
    }
    let prack = bench.sent.iter().find(|it| it.message.to_tag() == Some("lost")).expect("a PRACK").clone();
    bench.pick_up(&sent, PEER_TAG);
    let before = number(&bench.last_of(Method::Prack));
    bench.challenge(&prack, 401, &[challenge(REALM, "n1")]);
    let again = bench.last_of(Method::Prack);
    assert_eq!((again.message.to_tag(), number(&again)), (Some("lost"), number(&prack) + 1));
    let bye = bench.hang_up(leg);
    assert_eq!(number(&bye), before + 1, "the number after our own PRACK's");
}
