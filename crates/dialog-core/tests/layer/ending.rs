use std::time::Duration;

use dialog_core::{By, EndReason, LegCommand, LegEvent, Refer};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::bench::{Bench, OFFER, PEER_TAG, uri};

#[test]
fn our_bye_closes_at_once_and_ends_with_its_answer() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::HangUp { reason: Some("SIP;cause=200".into()) });
    let bye = bench.last_of(Method::Bye);
    assert_eq!(bye.message.first(HeaderId::Reason), Some("SIP;cause=200"));
    assert_eq!(bench.order, ["Closing", "route", "BYE"]);
    bench.ok(&bye);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Local, EndReason::Bye));
    assert_eq!(bench.dialogs.tombstones(), 1);
    bench.assert_clean();
}

#[test]
fn a_bye_that_fails_ends_our_side_all_the_same() {
    // covers: TR-206
    for status in [481, 408, 500] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.leg(leg, LegCommand::HangUp { reason: None });
        let bye = bench.last_of(Method::Bye);
        bench.reply(&bye, status, PEER_TAG, |response| response);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
        bench.assert_clean();
    }
    for failure in [TxFailure::Timeout, TxFailure::Flow] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.leg(leg, LegCommand::HangUp { reason: None });
        let bye = bench.last_of(Method::Bye);
        bench.fail(&bye, failure);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
        bench.assert_clean();
    }
}

#[test]
fn their_bye_is_answered_and_ends_the_call() {
    // covers: TR-197, TR-259
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up).header(HeaderId::Reason, "SIP;cause=480");
    bench.request(bye);
    assert_eq!(bench.last_status(), 200);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Remote, EndReason::Bye));
    assert_eq!(cause.header.as_deref(), Some("SIP;cause=480"));
    bench.assert_clean();
}

#[test]
fn a_re_invite_that_waits_for_its_answer_gets_487_when_they_hang_up() {
    // covers: TR-197
    let mut bench = Bench::new();
    bench.describe_at_once = false;
    let leg = {
        bench.describe_at_once = true;
        let leg = bench.placed();
        bench.describe_at_once = false;
        leg
    };
    let up = bench.established(leg);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(reinvite);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    let mut statuses: Vec<u16> = bench.answered.iter().map(|answered| answered.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 487]);
    bench.assert_clean();
}

#[test]
fn crossing_byes_are_both_answered() {
    // covers: TR-246
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let ours = bench.last_of(Method::Bye);
    let theirs = bench.theirs(Method::Bye, &up);
    bench.request(theirs);
    assert_eq!(bench.last_status(), 200);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Bye);
    bench.ok(&ours);
    bench.assert_clean();
}

#[test]
fn whatever_comes_after_the_end_is_481() {
    // covers: TR-245
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(reinvite.clone());
    assert_eq!(bench.last_status(), 481, "while our BYE is under way");
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    for method in [Method::Invite, Method::Bye, Method::Refer] {
        let late = bench.theirs(method, &up).contact("<sip:bob@192.0.2.20>");
        bench.request(late);
        assert_eq!(bench.last_status(), 481, "{method}");
    }
    bench.advance(Duration::from_secs(33));
    bench.request(reinvite);
    assert_eq!(bench.last_status(), 481);
}

#[test]
fn an_ended_dialog_is_remembered_for_64_t1() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    let ended = |bench: &mut Bench| {
        let cx = sip_transport::Cx {
            now: bench.now,
            unix: sip_transport::UnixTime::default(),
            random: &mut bench.random,
            ids: &mut bench.ids,
            guard: &bench.guard,
        };
        bench.dialogs.has_ended(&cx, &up.dialog)
    };
    bench.advance(Duration::from_secs(31));
    assert!(ended(&mut bench));
    bench.advance(Duration::from_secs(2));
    assert!(!ended(&mut bench));
}

#[test]
fn a_contact_in_their_requests_moves_the_target_of_ours() {
    // covers: TR-235, TR-236
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    bench.description = Some("");
    let refused = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.66>").sdp(OFFER);
    bench.request(refused);
    assert_eq!(bench.last_status(), 488);
    bench.description = None;
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    let refer = bench.last_of(Method::Refer);
    assert_eq!(refer.message.request_uri(), Some("sip:bob@192.0.2.20"), "an error moves nothing");
    let notify = bench
        .theirs(Method::Notify, &up)
        .contact("<sip:bob@192.0.2.30>")
        .header(HeaderId::Event, "refer")
        .header(HeaderId::SubscriptionState, "active;expires=60")
        .body("message/sipfrag", "SIP/2.0 100 Trying\r\n");
    bench.request(notify);
    let reinvite = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.40>").sdp(OFFER);
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    let ours = bench.last_of(Method::Invite);
    assert_eq!(ours.message.request_uri(), Some("sip:bob@192.0.2.30"));
    bench.reply(&ours, 200, PEER_TAG, |response| {
        response.contact("<sip:bob@192.0.2.35>").body("application/sdp", "answer")
    });
    assert_eq!(bench.acks.last().expect("an ACK").message.request_uri(), Some("sip:bob@192.0.2.35"));
    bench.request(reinvite);
    assert_eq!(bench.last_status(), 200);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.last_of(Method::Bye).message.request_uri(), Some("sip:bob@192.0.2.40"));
}

#[test]
fn the_dialogs_flow_is_used_again_until_it_ends() {
    // covers: TR-202
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    assert_eq!(bench.routes.last().expect("asked").flow, Some(sip_transport::FlowId::from(1)));
    bench.receive(transaction_core::TxEvent::FlowEnded {
        flow: sip_transport::FlowId::from(1),
        cause: sip_transport::CloseCause::Lost,
    });
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.routes.last().expect("asked").flow, None);
}

#[test]
fn events_of_a_call_end_with_ended() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    let events = bench.leg_events(leg);
    assert!(matches!(events.last(), Some(LegEvent::Ended(_))));
    assert_eq!(events.iter().filter(|event| matches!(event, LegEvent::Reoffered(_))).count(), 1);
    // The re-INVITE that was in flight is answered late; nobody cares any more.
    let reinvite = bench.last_of(Method::Invite);
    bench.reply(&reinvite, 481, PEER_TAG, |response| response);
    bench.assert_clean();
}

#[test]
fn a_re_invite_that_is_under_way_when_the_call_ends_is_cancelled_once() {
    // covers: TR-238, TR-258
    for by_us in [true, false] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(9) });
        let reinvite = bench.last_of(Method::Invite);
        if by_us {
            bench.leg(leg, LegCommand::HangUp { reason: None });
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
        } else {
            let up = bench.established(leg);
            let bye = bench.theirs(Method::Bye, &up);
            bench.request(bye);
        }
        assert!(bench.ended(leg).is_some());
        // It rings, and would do so for ever.
        bench.reply(&reinvite, 180, PEER_TAG, |response| response);
        assert_eq!(bench.cancelled, [(reinvite.tx, None)]);
    }
}
