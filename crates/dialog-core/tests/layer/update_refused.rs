//! What follows an UPDATE of ours that comes to nothing (RFC 3311 §5.3, RFC 5057 §5).

use std::time::Duration;

use dialog_core::{By, EndReason, LegCommand, LegEvent, LegId, ReofferError};
use sip_message::{HeaderId, Method, StatusCode};
use transaction_core::TxFailure;

use crate::{
    bench::{ANSWER, Bench, PEER_TAG, Sent, code},
    update::{agreed, agreed_incoming, settled},
};

const LIMIT: Duration = Duration::from_mins(1);
const SDP: &str = "application/sdp";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn wish(bench: &mut Bench, leg: LegId) -> Sent {
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    bench.last_of(Method::Update)
}

/// Refuses the last UPDATE.
fn refuse(bench: &mut Bench, status: u16, headers: &[(HeaderId, &str)]) {
    let sent = bench.last_of(Method::Update);
    bench.reply(&sent, status, PEER_TAG, |response| {
        headers.iter().fold(response, |response, (id, value)| response.header(*id, value))
    });
}

/// A call of ours that we refresh by UPDATE every 900 seconds; the first is under way.
fn refreshing(bench: &mut Bench) -> LegId {
    let leg = refreshed(bench);
    bench.advance(secs(900));
    assert_eq!(bench.count_of(Method::Update), 1);
    leg
}

/// One whose refresh is due after 900 seconds.
fn refreshed(bench: &mut Bench) -> LegId {
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| {
        response
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, UPDATE")
            .header(HeaderId::SessionExpires, "1800;refresher=uac")
            .body(SDP, ANSWER)
    });
    assert!(bench.has_up(leg));
    bench.clear();
    leg
}

fn rolled_back(bench: &Bench, leg: LegId) -> usize {
    bench.leg_events(leg).iter().filter(|event| matches!(event, LegEvent::RolledBack)).count()
}

#[test]
fn an_offer_that_is_refused_or_not_to_be_sent_is_rolled_back_once_and_the_call_goes_on() {
    // covers: TR-196
    let later = [(HeaderId::RetryAfter, "11")];
    let rows: [(u16, &[(HeaderId, &str)]); 7] =
        [(405, &[]), (501, &[]), (488, &[]), (503, &[]), (500, &[]), (500, &later), (422, &[])];
    for (status, headers) in rows {
        let mut bench = Bench::new();
        let (leg, sent) = agreed(&mut bench);
        wish(&mut bench, leg);
        refuse(&mut bench, status, headers);
        assert_eq!(settled(&bench, leg), [Err(ReofferError::Refused(code(status)))]);
        assert_eq!((rolled_back(&bench, leg), bench.count_of(Method::Update)), (1, 1), "{status}");
        assert!(bench.cancelled.is_empty() && bench.count_of(Method::Bye) == 0, "{status}");
        bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
        bench.advance(secs(60));
        assert!(bench.has_up(leg) && bench.count_of(Method::Invite) == 1, "{status}");
        assert_eq!(settled(&bench, leg).len(), 1, "{status}");
    }
    for failure in [TxFailure::Flow, TxFailure::Unencodable, TxFailure::Overload] {
        let mut bench = Bench::new();
        let (leg, _) = agreed(&mut bench);
        let update = wish(&mut bench, leg);
        bench.fail(&update, failure);
        assert_eq!(settled(&bench, leg), [Err(ReofferError::Unreachable)]);
        assert_eq!(rolled_back(&bench, leg), 1);
        assert!(bench.ended(leg).is_none());
        // The next wish finds nothing in its way.
        let next = wish(&mut bench, leg);
        assert_ne!(next.tx, update.tx);
    }
}

#[test]
fn an_offer_that_is_refused_for_now_goes_again_when_the_peer_says_and_three_times_at_most() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    wish(&mut bench, leg);
    for number in 1..=3 {
        refuse(&mut bench, 500, &[(HeaderId::RetryAfter, "10")]);
        assert_eq!(rolled_back(&bench, leg), number);
        bench.advance(Duration::from_millis(9_999));
        assert_eq!(bench.count_of(Method::Update), number);
        bench.advance(Duration::from_millis(1));
        assert_eq!(bench.count_of(Method::Update), number + 1);
        assert!(settled(&bench, leg).is_empty());
    }
    refuse(&mut bench, 500, &[(HeaderId::RetryAfter, "10")]);
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Refused(StatusCode::SERVER_INTERNAL_ERROR))]);
    bench.advance(secs(20));
    assert_eq!(bench.count_of(Method::Update), 4);
}

#[test]
fn an_offer_without_an_answer_or_a_description_changes_nothing() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    wish(&mut bench, leg);
    refuse(&mut bench, 200, &[]);
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Description)]);
    assert_eq!(rolled_back(&bench, leg), 1);

    bench.description = Some("");
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Description); 2]);
    assert_eq!((bench.count_of(Method::Update), rolled_back(&bench, leg)), (1, 1), "nothing was offered");
    bench.description = None;
    wish(&mut bench, leg);
    assert_eq!(bench.count_of(Method::Update), 2);
}

#[test]
fn a_wish_that_runs_out_before_its_update_is_sent_takes_it_back() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    bench.route_at_once = false;
    bench.leg(leg, LegCommand::Reoffer { limit: secs(3) });
    let late = bench.routes.pop().expect("a way is looked for");
    bench.advance(secs(3));
    assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut)]);
    bench.route_at_once = true;
    bench.answer_route(&late);
    assert_eq!(bench.count_of(Method::Update), 0);

    bench.describe_at_once = false;
    bench.leg(leg, LegCommand::Reoffer { limit: secs(3) });
    bench.advance(secs(3));
    bench.leg(leg, LegCommand::Describe { body: Ok("v=0 late".into()) });
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Misused(_))));
    bench.describe_at_once = true;
    assert_eq!(bench.count_of(Method::Update), 0);
    wish(&mut bench, leg);
    assert_eq!(bench.count_of(Method::Update), 1);
}

#[test]
fn without_a_way_an_update_with_an_offer_is_unreachable() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    bench.no_route = Some(sip_transport::RouteError::Unresolved);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(settled(&bench, leg), [Err(ReofferError::Unreachable)]);
    assert_eq!(rolled_back(&bench, leg), 0);
    bench.no_route = None;
    wish(&mut bench, leg);
}

#[test]
fn an_offer_of_theirs_that_is_faster_than_the_way_of_ours_goes_first() {
    let mut bench = Bench::new();
    let (leg, update) = agreed_incoming(&mut bench);
    bench.route_at_once = false;
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let way = bench.routes.pop().expect("a way is looked for");
    bench.describe_at_once = false;
    bench.request(update.cseq(3).sdp("v=0 theirs"));
    bench.answer_route(&way);
    assert_eq!(bench.count_of(Method::Update), 0);
    bench.describe_at_once = true;
    bench.route_at_once = true;
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    assert_eq!(bench.last_status(), 200);
    assert_eq!(bench.count_of(Method::Update), 1, "ours follows");
    assert!(settled(&bench, leg).is_empty());
}

#[test]
fn a_call_of_theirs_whose_caller_does_not_know_it_or_is_silent_is_refused_and_ends() {
    for (status, by) in [(Some(481), By::Remote), (Some(408), By::Remote), (None, By::Network)] {
        let mut bench = Bench::new();
        let (leg, _) = agreed_incoming(&mut bench);
        let update = wish(&mut bench, leg);
        match status {
            Some(status) => refuse(&mut bench, status, &[]),
            None => bench.fail(&update, TxFailure::Timeout),
        }
        assert_eq!(bench.last_status(), 500);
        assert!(bench.order.contains(&"Closing".to_owned()));
        let cause = bench.ended(leg).expect("ended");
        assert_eq!((cause.by, cause.reason), (by, EndReason::Gone));
        assert_eq!(settled(&bench, leg), [Err(ReofferError::Ended)]);
        bench.assert_clean();
    }
}

#[test]
fn a_call_that_ends_with_an_offer_under_way_takes_it_back_and_one_with_a_refresh_has_nothing_to_take_back() {
    let mut bench = Bench::new();
    let (leg, _) = agreed(&mut bench);
    wish(&mut bench, leg);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(rolled_back(&bench, leg), 1);

    let mut bench = Bench::new();
    let leg = refreshing(&mut bench);
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(rolled_back(&bench, leg), 0);
}

#[test]
fn a_refresh_that_meets_glare_or_is_refused_for_now_goes_again_by_update() {
    // covers: TR-233
    let mut bench = Bench::new();
    let leg = refreshing(&mut bench);
    for number in 1..=5 {
        refuse(&mut bench, 491, &[]);
        bench.advance(Duration::from_millis(2_090));
        assert_eq!(bench.count_of(Method::Update), number);
        bench.advance(Duration::from_millis(1_910));
        assert_eq!(bench.count_of(Method::Update), number + 1, "glare is nobody's refusal");
    }
    assert_eq!((bench.count_of(Method::Invite), rolled_back(&bench, leg)), (0, 0));

    let mut bench = Bench::new();
    let leg = refreshing(&mut bench);
    for number in 1..=3 {
        refuse(&mut bench, 500, &[(HeaderId::RetryAfter, "10")]);
        bench.advance(Duration::from_millis(9_999));
        assert_eq!(bench.count_of(Method::Update), number);
        bench.advance(Duration::from_millis(1));
        assert_eq!(bench.count_of(Method::Update), number + 1);
    }
    assert_eq!(bench.count_of(Method::Invite), 0);
    refuse(&mut bench, 500, &[(HeaderId::RetryAfter, "10")]);
    assert_eq!((bench.count_of(Method::Update), bench.count_of(Method::Invite)), (4, 1));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn the_tries_of_a_refresh_are_counted_anew_for_the_next_one() {
    let mut bench = Bench::new();
    refreshing(&mut bench);
    for round in 1..=2 {
        for _ in 0..3 {
            refuse(&mut bench, 500, &[(HeaderId::RetryAfter, "1")]);
            bench.advance(secs(1));
        }
        assert_eq!((bench.count_of(Method::Update), bench.count_of(Method::Invite)), (4 * round, 0));
        refuse(&mut bench, 200, &[(HeaderId::SessionExpires, "1800;refresher=uac")]);
        bench.advance(secs(899));
        assert_eq!(bench.count_of(Method::Update), 4 * round);
        bench.advance(secs(1));
        assert_eq!(bench.count_of(Method::Update), 4 * round + 1);
    }
}

#[test]
fn a_refresh_that_the_peer_does_not_take_by_update_goes_by_re_invite() {
    // covers: TR-234
    let failed: [&dyn Fn(&mut Bench); 5] = [
        &|bench| refuse(bench, 405, &[]),
        &|bench| refuse(bench, 501, &[]),
        &|bench| refuse(bench, 488, &[]),
        &|bench| refuse(bench, 500, &[(HeaderId::RetryAfter, "11")]),
        &|bench| {
            let sent = bench.last_of(Method::Update);
            bench.fail(&sent, TxFailure::Flow);
        },
    ];
    for fail in failed {
        let mut bench = Bench::new();
        let leg = refreshing(&mut bench);
        fail(&mut bench);
        assert_eq!((bench.count_of(Method::Update), bench.count_of(Method::Invite)), (1, 1));
        let invite = bench.last_of(Method::Invite);
        bench.pick_up(&invite, PEER_TAG);
        assert!(settled(&bench, leg).is_empty(), "nobody has wished for it");
        assert!(bench.ended(leg).is_none());
    }
    let mut bench = Bench::new();
    let leg = refreshed(&mut bench);
    bench.route_at_once = false;
    bench.advance(secs(900));
    let way = bench.routes.pop().expect("a way is looked for");
    bench.no_route = Some(sip_transport::RouteError::Unresolved);
    bench.answer_route(&way);
    bench.no_route = None;
    let way = bench.routes.pop().expect("that of the re-INVITE");
    bench.answer_route(&way);
    assert_eq!((bench.count_of(Method::Update), bench.count_of(Method::Invite)), (0, 1));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_refresh_is_not_taken_back_by_a_wish_that_runs_out() {
    let mut bench = Bench::new();
    let leg = refreshed(&mut bench);
    bench.advance(secs(899));
    bench.leg(leg, LegCommand::Reoffer { limit: secs(3) });
    let invite = bench.last_of(Method::Invite);
    bench.reply(&invite, 491, PEER_TAG, |response| response.header(HeaderId::RetryAfter, "9"));
    bench.route_at_once = false;
    bench.advance(secs(1));
    let way = bench.routes.pop().expect("that of the refresh");
    bench.advance(secs(3));
    assert_eq!(settled(&bench, leg), [Err(ReofferError::TimedOut)]);
    bench.answer_route(&way);
    assert_eq!(bench.count_of(Method::Update), 1);
}

#[test]
fn a_call_whose_refresh_is_not_answered_is_ended_by_bye_and_one_that_is_not_known_without() {
    for (status, byes) in [(Some(408), 1), (None, 1), (Some(481), 0), (Some(404), 1), (Some(410), 1)] {
        let mut bench = Bench::new();
        let leg = refreshing(&mut bench);
        let sent = bench.last_of(Method::Update);
        match status {
            Some(status) => refuse(&mut bench, status, &[]),
            None => bench.fail(&sent, TxFailure::Timeout),
        }
        assert_eq!((bench.count_of(Method::Bye), bench.count_of(Method::Invite)), (byes, 0), "{status:?}");
        if byes > 0 {
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
        }
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Gone);
        bench.assert_clean();
    }
}

#[test]
fn an_answer_to_an_update_moves_the_target() {
    // covers: TR-235
    let mut bench = Bench::new();
    let leg = refreshing(&mut bench);
    let refresh = bench.last_of(Method::Update);
    bench.reply(&refresh, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.77>"));
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!(bench.last_of(Method::Bye).message.request_uri(), Some("sip:bob@192.0.2.77"));
}
