//! Session timers (RFC 4028): interval, roles, refresh, and the end of what nobody refreshes.

use std::time::Duration;

use dialog_core::{By, DialogConfig, EndReason, LegCommand, LegEvent, LegId, ReofferError, SessionTimers};
use sip_message::{HeaderId, Method};
use transaction_core::TxFailure;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent},
    theirs::Theirs,
};

const SDP: &str = "application/sdp";
const NO_UPDATE: &str = "INVITE, ACK, BYE, CANCEL";
const UPDATE: &str = "INVITE, ACK, BYE, CANCEL, UPDATE";

fn offering(interval: u32) -> Bench {
    let session_timers = SessionTimers::Offered { interval };
    Bench::with(DialogConfig { session_timers, ..DialogConfig::default() })
}

/// The 2xx of a peer.
fn answer(bench: &mut Bench, sent: &Sent, expires: &str, allow: &str) {
    bench.reply(sent, 200, PEER_TAG, |response| {
        let response = response.contact("<sip:bob@192.0.2.20>").header(HeaderId::Allow, allow);
        let response = match expires {
            "" => response,
            value => response.header(HeaderId::Require, "timer").header(HeaderId::SessionExpires, value),
        };
        response.body(SDP, ANSWER)
    });
}

fn placed(bench: &mut Bench, expires: &str, allow: &str) -> LegId {
    let leg = bench.place();
    let sent = bench.last_sent();
    answer(bench, &sent, expires, allow);
    assert!(bench.has_up(leg));
    bench.clear();
    leg
}

fn call(headers: &[(HeaderId, &str)]) -> Theirs {
    let call = Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    headers.iter().fold(call, |call, (id, value)| call.header(*id, value))
}

/// Headers of a call, and what they get: Session-Expires, and whether it is required.
type Row<'a> = (&'a [(HeaderId, &'a str)], Option<&'a str>, bool);

/// What we grant to a call of theirs.
fn granted(bench: &mut Bench, headers: &[(HeaderId, &str)]) -> (LegId, Option<String>, bool) {
    let (_, leg) = bench.incoming(call(headers));
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    let required = ok.require().any(|tag| tag == "timer");
    (leg, ok.first(HeaderId::SessionExpires).map(Into::into), required)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_call_of_ours_asks_for_the_set_interval_and_requires_nothing() {
    let mut bench = Bench::new();
    bench.place();
    let invite = bench.last_sent().message;
    assert_eq!(invite.first(HeaderId::SessionExpires), Some("1800"));
    assert!(invite.supported().any(|tag| tag == "timer"));
    assert!(!invite.has(HeaderId::Require) && !invite.has(HeaderId::MinSe));
    let mut off = Bench::with(DialogConfig { session_timers: SessionTimers::Off, ..Default::default() });
    off.place();
    let invite = off.last_sent().message;
    assert!(!invite.has(HeaderId::SessionExpires) && !invite.supported().any(|tag| tag == "timer"));
    let mut least = Bench::with(DialogConfig { min_se: 300, ..Default::default() });
    least.place();
    assert_eq!(least.last_sent().message.first(HeaderId::MinSe), Some("300"));
}

#[test]
fn a_422_is_answered_by_a_call_with_the_interval_that_it_asks_for() {
    // covers: TR-234
    let mut bench = offering(100);
    let leg = bench.place();
    let first = bench.last_sent();
    bench.reply(&first, 422, PEER_TAG, |response| response.header(HeaderId::MinSe, 600));
    let second = bench.last_sent();
    assert_ne!(first.tx, second.tx);
    assert_eq!(second.message.first(HeaderId::SessionExpires), Some("600"));
    assert_eq!(second.message.first(HeaderId::MinSe), Some("600"));
    assert_eq!(second.message.call_id(), first.message.call_id());
    assert_eq!(second.message.from_tag(), first.message.from_tag());
    let cseq = |sent: &Sent| sent.message.cseq().expect("a CSeq").number;
    assert_eq!(cseq(&second), cseq(&first) + 1);
    answer(&mut bench, &second, "600;refresher=uac", UPDATE);
    assert!(bench.has_up(leg));
    // What was asked for belongs to no dialog.
    bench.advance(secs(300));
    assert!(!bench.last_of(Method::Update).message.has(HeaderId::MinSe));
}

#[test]
fn a_422_that_asks_for_nothing_more_or_too_often_ends_the_call() {
    for least in ["", "90000", "0"] {
        let mut bench = offering(100);
        let leg = bench.place();
        let sent = bench.last_sent();
        bench.reply(&sent, 422, PEER_TAG, |response| match least {
            "" => response,
            least => response.header(HeaderId::MinSe, least),
        });
        let reason = bench.ended(leg).expect("ended").reason;
        assert_eq!(reason, EndReason::Refused(crate::bench::code(422)), "{least}");
    }
    let mut bench = offering(100);
    let leg = bench.place();
    for least in [200, 300, 400, 500] {
        let sent = bench.last_sent();
        bench.reply(&sent, 422, PEER_TAG, |response| response.header(HeaderId::MinSe, least));
    }
    assert_eq!(bench.count_of(Method::Invite), 4);
    assert!(bench.ended(leg).is_some());
}

#[test]
fn a_refresher_sends_update_without_an_offer_at_half_time() {
    // covers: TR-234
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "1800;refresher=uac", UPDATE);
    bench.advance(secs(899));
    assert_eq!(bench.sent.len(), 0);
    bench.advance(secs(1));
    for _ in 0..3 {
        let refresh = bench.last_of(Method::Update);
        assert!(refresh.message.body().is_empty());
        assert_eq!(refresh.message.first(HeaderId::SessionExpires), Some("1800;refresher=uac"));
        bench.reply(&refresh, 200, PEER_TAG, |response| {
            response.contact("<sip:bob@192.0.2.20>").header(HeaderId::SessionExpires, "1800;refresher=uac")
        });
        bench.clear();
        bench.advance(secs(899));
        assert_eq!(bench.sent.len(), 0);
        bench.advance(secs(1));
    }
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_peer_without_update_is_refreshed_by_a_re_invite_that_is_not_told() {
    // covers: TR-234
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "200;refresher=uac", NO_UPDATE);
    bench.advance(secs(100));
    let refresh = bench.last_of(Method::Invite);
    assert_eq!(refresh.message.body(), OFFER.as_bytes());
    assert_eq!(refresh.message.first(HeaderId::SessionExpires), Some("200;refresher=uac"));
    answer(&mut bench, &refresh, "200;refresher=uac", NO_UPDATE);
    let reoffered = bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::Reoffered(_)));
    assert!(!reoffered);
    assert_eq!(bench.count_of(Method::Update), 0);
    bench.advance(secs(99));
    assert_eq!(bench.count_of(Method::Invite), 1);
    bench.advance(secs(1));
    assert_eq!(bench.count_of(Method::Invite), 2);
}

#[test]
fn a_wish_that_meets_the_refresh_is_answered() {
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "200;refresher=uac", NO_UPDATE);
    bench.advance(secs(100));
    bench.leg(leg, LegCommand::Reoffer { limit: secs(9) });
    for _ in 0..2 {
        let invite = bench.last_of(Method::Invite);
        answer(&mut bench, &invite, "200;refresher=uac", NO_UPDATE);
    }
    assert_eq!(bench.count_of(Method::Invite), 2);
    let events = bench.leg_events(leg);
    assert_eq!(events.iter().filter(|event| matches!(event, LegEvent::Reoffered(Ok(())))).count(), 1);
}

#[test]
fn a_session_that_the_peer_does_not_refresh_is_ended_before_it_expires() {
    // covers: TR-234
    for (expires, end) in [("1800;refresher=uas", 1768), ("90;refresher=uas", 60)] {
        let mut bench = offering(1800);
        let leg = placed(&mut bench, expires, UPDATE);
        bench.advance(secs(end - 1));
        assert_eq!(bench.sent.len(), 0);
        bench.advance(secs(1));
        let bye = bench.last_of(Method::Bye);
        assert_eq!(bye.message.first(HeaderId::Reason), Some("SIP;cause=408;text=\"Session not refreshed\""));
        bench.ok(&bye);
        let cause = bench.ended(leg).expect("ended");
        assert_eq!((cause.by, cause.reason), (By::Network, EndReason::SessionExpired));
        bench.assert_clean();
    }
}

#[test]
fn their_refresh_counts_anew_and_keeps_the_roles() {
    // covers: TR-234
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "90;refresher=uas", UPDATE);
    let up = bench.established(leg);
    for _ in 0..3 {
        bench.advance(secs(45));
        let refresh = bench.theirs(Method::Update, &up).contact("<sip:bob@192.0.2.20>");
        let refresh = refresh.header(HeaderId::Supported, "timer");
        bench.request(refresh.header(HeaderId::SessionExpires, "90;refresher=uac"));
        assert_eq!(bench.last_answer().first(HeaderId::SessionExpires), Some("90;refresher=uac"));
    }
    bench.advance(secs(59));
    assert!(bench.sent.is_empty() && bench.ended(leg).is_none());
    bench.advance(secs(1));
    assert_eq!(bench.count_of(Method::Bye), 1);
}

#[test]
fn a_refresh_that_fails_lets_the_session_end_in_time() {
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "300;refresher=uac", UPDATE);
    bench.advance(secs(150));
    let refresh = bench.last_of(Method::Update);
    bench.reply(&refresh, 503, PEER_TAG, |response| response);
    // UPDATE failed, so a re-INVITE tries it.
    let refresh = bench.last_of(Method::Invite);
    bench.reply(&refresh, 503, PEER_TAG, |response| response);
    bench.advance(secs(117));
    assert_eq!(bench.count_of(Method::Bye), 0);
    bench.advance(secs(1));
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::SessionExpired);
    assert_eq!(bench.count_of(Method::Invite), 1, "not tried without end");
    bench.assert_clean();
}

#[test]
fn a_refresh_that_nobody_answers_or_knows_ends_the_call() {
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "300;refresher=uac", UPDATE);
    bench.advance(secs(150));
    let refresh = bench.last_of(Method::Update);
    bench.fail(&refresh, TxFailure::Timeout);
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Gone);
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "300;refresher=uac", UPDATE);
    bench.advance(secs(150));
    let refresh = bench.last_of(Method::Update);
    bench.reply(&refresh, 481, PEER_TAG, |response| response);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Gone);
    assert_eq!(bench.count_of(Method::Bye), 0);
}

#[test]
fn a_refresh_that_is_too_short_goes_again_with_min_se() {
    // covers: TR-234
    for allow in [UPDATE, NO_UPDATE] {
        let mut bench = offering(1800);
        let leg = placed(&mut bench, "200;refresher=uac", allow);
        bench.advance(secs(100));
        let refresh = bench.last_sent();
        bench.reply(&refresh, 422, PEER_TAG, |response| response.header(HeaderId::MinSe, 400));
        bench.advance(Duration::ZERO);
        let again = bench.last_sent();
        assert_ne!(again.tx, refresh.tx);
        assert_eq!(again.message.method(), refresh.message.method());
        assert_eq!(again.message.first(HeaderId::SessionExpires), Some("400;refresher=uac"));
        assert_eq!(again.message.first(HeaderId::MinSe), Some("400"));
        assert!(bench.ended(leg).is_none());
    }
}

#[test]
fn a_2xx_without_an_interval_turns_the_timer_off() {
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "200;refresher=uac", UPDATE);
    bench.advance(secs(100));
    let refresh = bench.last_of(Method::Update);
    bench.reply(&refresh, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    bench.clear();
    bench.advance(secs(4000));
    assert!(bench.sent.is_empty() && bench.ended(leg).is_none());
}

#[test]
fn what_the_caller_asks_for_is_granted_by_the_table_of_the_rfc() {
    let timer = (HeaderId::Supported, "timer");
    let expires = |value| (HeaderId::SessionExpires, value);
    // In order: who supports, what is asked, what is granted, whether it is required.
    let rows: [Row<'_>; 8] = [
        (&[], None, false),
        (&[expires("600")], Some("600;refresher=uas"), false),
        (&[timer, expires("600")], Some("600;refresher=uac"), true),
        (&[timer, expires("600;refresher=uac")], Some("600;refresher=uac"), true),
        (&[timer, expires("600;refresher=uas")], Some("600;refresher=uas"), true),
        (&[timer], Some("1800;refresher=uas"), true),
        (&[timer, expires("7200")], Some("1800;refresher=uac"), true),
        (&[timer, expires("7200"), (HeaderId::MinSe, "3600")], Some("3600;refresher=uac"), true),
    ];
    for (headers, said, required) in rows {
        let mut bench = offering(1800);
        let (_, granted, requires) = granted(&mut bench, headers);
        assert_eq!((granted.as_deref(), requires), (said, required), "{headers:?}");
    }
    let mut off = Bench::with(DialogConfig { session_timers: SessionTimers::Off, ..Default::default() });
    assert_eq!(granted(&mut off, &[timer, expires("600")]).1, None);
}

#[test]
fn an_interval_that_nobody_may_ask_for_makes_no_storm_of_refreshes() {
    let mut bench = offering(1800);
    placed(&mut bench, "0;refresher=uac", UPDATE);
    bench.advance(secs(15));
    assert_eq!(bench.sent.len(), 0);
    bench.advance(secs(1));
    assert_eq!(bench.count_of(Method::Update), 1);
    assert_eq!(bench.last_sent().message.first(HeaderId::SessionExpires), Some("90;refresher=uac"));
    // The first is below what we count by, the second asks for more than a day.
    assert_eq!(granted(&mut offering(1800), &[(HeaderId::SessionExpires, "31")]).1, None);
    let long = [(HeaderId::SessionExpires, "4294967295"), (HeaderId::MinSe, "4294967295")];
    assert_eq!(granted(&mut offering(1800), &long).1, None);
}

#[test]
fn an_interval_below_the_least_is_422() {
    // covers: TR-234
    let mut bench = Bench::with(DialogConfig { min_se: 300, ..Default::default() });
    let (timer, short) = ((HeaderId::Supported, "timer"), (HeaderId::SessionExpires, "299"));
    bench.request(call(&[timer, short]));
    assert_eq!(bench.last_status(), 422);
    assert_eq!(bench.last_answer().first(HeaderId::MinSe), Some("300"));
    assert!(bench.events.is_empty());
    // It was a proxy that asked.
    assert_eq!(granted(&mut bench, &[short]).1.as_deref(), Some("299;refresher=uas"));
    let mut bench = Bench::with(DialogConfig { min_se: 300, ..Default::default() });
    let leg = bench.placed();
    let up = bench.established(leg);
    for method in [Method::Invite, Method::Update] {
        let request = bench.theirs(method, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
        bench.request(request.header(HeaderId::Supported, "timer").header(HeaderId::SessionExpires, "299"));
        assert_eq!((bench.last_status(), bench.ended(leg)), (422, None));
    }
    // Nobody is served by less than the RFC's least.
    let mut bench = Bench::with(DialogConfig { min_se: 5, ..Default::default() });
    bench.request(call(&[timer, (HeaderId::SessionExpires, "89")]));
    assert_eq!(bench.last_answer().first(HeaderId::MinSe), Some("90"));
}

#[test]
fn as_callee_we_refresh_where_it_is_ours_and_end_where_it_is_theirs() {
    // covers: TR-234
    let mut bench = offering(1800);
    let allow = (HeaderId::Allow, UPDATE);
    let (leg, ..) = granted(&mut bench, &[allow, (HeaderId::SessionExpires, "600")]);
    bench.clear();
    bench.advance(secs(300));
    let refresh = bench.last_of(Method::Update);
    assert_eq!(refresh.message.first(HeaderId::SessionExpires), Some("600;refresher=uac"));
    assert!(bench.ended(leg).is_none());
    let mut bench = offering(1800);
    let (leg, ..) = granted(&mut bench, &[(HeaderId::Supported, "timer"), (HeaderId::SessionExpires, "600")]);
    bench.clear();
    bench.advance(secs(568));
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::SessionExpired);
}

#[test]
fn a_wish_outlives_a_refusal_of_its_interval_only_for_a_few_tries() {
    let mut bench = offering(1800);
    let leg = placed(&mut bench, "200;refresher=uac", NO_UPDATE);
    bench.leg(leg, LegCommand::Reoffer { limit: secs(30) });
    for least in [300, 400, 500, 600] {
        let invite = bench.last_of(Method::Invite);
        bench.reply(&invite, 422, PEER_TAG, |response| response.header(HeaderId::MinSe, least));
        bench.advance(Duration::ZERO);
    }
    assert_eq!(bench.count_of(Method::Invite), 4);
    let refused = ReofferError::Refused(crate::bench::code(422));
    assert!(
        bench
            .leg_events(leg)
            .iter()
            .any(|event| matches!(event, LegEvent::Reoffered(Err(error)) if *error == refused))
    );
}

#[test]
fn an_update_before_the_call_is_up_settles_no_interval() {
    let mut bench = Bench::new();
    let timed = [(HeaderId::Supported, "timer"), (HeaderId::SessionExpires, "1800;refresher=uac")];
    let (_, leg) = bench.incoming(call(&timed));
    bench.leg(leg, LegCommand::Ring);
    let to_tag = bench.last_answer().to_tag().map(Into::into);
    let early = Theirs { to_tag, ..Theirs::outside(Method::Update).contact("<sip:bob@192.0.2.20>") };
    let early = early.cseq(2).header(HeaderId::Supported, "timer");
    bench.request(early.header(HeaderId::SessionExpires, "90;refresher=uac"));
    let answer = bench.last_answer();
    assert_eq!(answer.status(), Some(sip_message::StatusCode::OK));
    assert!(!answer.has(HeaderId::SessionExpires), "there is no session to be refreshed yet");
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    let ok = bench.last_answer();
    assert_eq!(ok.first(HeaderId::SessionExpires), Some("1800;refresher=uac"));
    bench.ack(&ok, None);
    bench.advance(secs(200));
    assert!(bench.ended(leg).is_none() && bench.count_of(Method::Bye) == 0);
}
