//! Calls of ours before they are up: reliable provisional responses, their PRACK, forks, early answers.

use dialog_core::{DialogConfig, EndReason, Invite, LegCommand, LegEvent, LegId, Reliability, Turn};
use sip_message::{HeaderId, Method};
use sip_transport::RouteError;

use crate::bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent, invite};

const SDP: &str = "application/sdp";

/// A reliable provisional response of a fork.
fn reliable(bench: &mut Bench, sent: &Sent, status: u16, tag: &str, rseq: u32, body: Option<&str>) {
    bench.reply(sent, status, tag, |response| {
        let response = response
            .header(HeaderId::Require, "100rel")
            .header(HeaderId::RSeq, rseq)
            .header(HeaderId::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
            .contact(&format!("<sip:{tag}@192.0.2.20>"));
        match body {
            Some(body) => response.body(SDP, body),
            None => response,
        }
    });
}

fn described(bench: &Bench, leg: LegId) -> Vec<(Turn, String)> {
    let events = bench.leg_events(leg).into_iter();
    let bodies = events.filter_map(|event| match event {
        LegEvent::Described { turn, body } => Some((turn, String::from_utf8_lossy(&body).into_owned())),
        _ => None,
    });
    bodies.collect()
}

fn raised(bench: &Bench, leg: LegId) -> usize {
    bench.leg_events(leg).iter().filter(|event| matches!(event, LegEvent::Reopened)).count()
}

#[test]
fn a_reliable_response_is_acknowledged_by_a_prack_that_names_it() {
    // covers: TR-230
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    assert!(sent.message.supported().any(|tag| tag == "100rel"));
    reliable(&mut bench, &sent, 180, PEER_TAG, 7, None);
    let prack = bench.last_of(Method::Prack).message;
    let cseq = sent.message.cseq().expect("a CSeq").number;
    assert_eq!(prack.first(HeaderId::RAck), Some(format!("7 {cseq} INVITE").as_str()));
    assert_eq!(prack.request_uri(), Some("sip:peer-tag@192.0.2.20"));
    assert_eq!((prack.to_tag(), prack.cseq().expect("a CSeq").number), (Some(PEER_TAG), cseq + 1));
    let events = bench.leg_events(leg);
    assert!(matches!(
        events.last(),
        Some(LegEvent::Provisional { status, described: false }) if status.as_u16() == 180
    ));
}

#[test]
fn repeated_and_early_numbers_are_neither_told_nor_acknowledged() {
    // covers: TR-230
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    for rseq in [7, 7, 9, 6, u32::MAX] {
        reliable(&mut bench, &sent, 180, PEER_TAG, rseq, None);
    }
    assert_eq!(bench.count_of(Method::Prack), 1);
    reliable(&mut bench, &sent, 183, PEER_TAG, 8, None);
    reliable(&mut bench, &sent, 183, PEER_TAG, 9, None);
    assert_eq!(bench.count_of(Method::Prack), 3);
    let told = bench.leg_events(leg).len();
    reliable(&mut bench, &sent, 183, PEER_TAG, 9, None);
    assert_eq!(bench.leg_events(leg).len(), told);
}

#[test]
fn a_prack_without_a_way_goes_when_the_response_comes_again() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    bench.no_route = Some(RouteError::Unresolved);
    reliable(&mut bench, &sent, 180, PEER_TAG, 1, None);
    assert_eq!(bench.count_of(Method::Prack), 0);
    bench.no_route = None;
    reliable(&mut bench, &sent, 180, PEER_TAG, 1, None);
    assert_eq!(bench.count_of(Method::Prack), 1);
}

#[test]
fn where_it_is_off_a_reliable_response_is_an_ordinary_one() {
    let mut bench = Bench::with(DialogConfig { reliability: Reliability::Never, ..Default::default() });
    let leg = bench.place();
    let sent = bench.last_sent();
    assert!(!sent.message.supported().any(|tag| tag == "100rel"));
    reliable(&mut bench, &sent, 183, PEER_TAG, 7, Some(ANSWER));
    assert_eq!(bench.count_of(Method::Prack), 0);
    bench.leg(leg, LegCommand::Reoffer { limit: std::time::Duration::from_secs(9) });
    assert_eq!(bench.order.last().map(String::as_str), Some("Misused"), "nothing is agreed yet");
}

#[test]
fn an_answer_in_a_reliable_response_is_told_once_and_the_2xx_brings_none() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    reliable(&mut bench, &sent, 183, PEER_TAG, 1, Some(ANSWER));
    assert_eq!(described(&bench, leg), [(Turn::Answer, ANSWER.to_owned())]);
    // A body that follows an answer is none (RFC 6337 §2.2).
    reliable(&mut bench, &sent, 180, PEER_TAG, 2, Some("v=0 another"));
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert!(bench.has_up(leg));
    assert_eq!(described(&bench, leg).len(), 1);
    // Numbers go on in the dialog: INVITE, two PRACKs, BYE.
    bench.leg(leg, LegCommand::HangUp { reason: None });
    let first = sent.message.cseq().expect("a CSeq").number;
    assert_eq!(bench.last_of(Method::Bye).message.cseq().expect("a CSeq").number, first + 3);
    assert_eq!(bench.acks[0].message.cseq().expect("a CSeq").number, first);
}

#[test]
fn a_preview_is_told_and_the_same_answer_in_the_2xx_is_not_told_again() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 183, PEER_TAG, |response| response.body(SDP, ANSWER));
    assert!(matches!(
        bench.leg_events(leg).as_slice(),
        [.., LegEvent::Provisional { described: true, .. }, LegEvent::Described { turn: Turn::Answer, .. }]
    ));
    bench.pick_up(&sent, PEER_TAG);
    assert!(bench.has_up(leg));
    assert_eq!((described(&bench, leg).len(), raised(&bench, leg)), (1, 0));
}

#[test]
fn each_fork_has_its_own_target_route_set_and_numbers() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.reply(&sent, 183, "a", |response| {
        response
            .header(HeaderId::Require, "100rel")
            .header(HeaderId::RSeq, 10)
            .header(HeaderId::RecordRoute, "<sip:proxy.example.com;lr>")
            .contact("<sip:a@192.0.2.20>")
            .body(SDP, "v=0 a")
    });
    reliable(&mut bench, &sent, 183, "b", 20, Some("v=0 b"));
    let pracks: Vec<_> = bench.sent.iter().filter(|it| it.message.method() == Some(Method::Prack)).collect();
    assert_eq!(pracks[0].message.first(HeaderId::Route), Some("<sip:proxy.example.com;lr>"));
    assert_eq!(pracks[0].message.request_uri(), Some("sip:a@192.0.2.20"));
    assert_eq!(pracks[1].message.first(HeaderId::Route), None);
    assert_eq!(pracks[1].message.request_uri(), Some("sip:b@192.0.2.20"));
    let rack = |at: usize| pracks[at].message.rack().ok().flatten().map(|rack| rack.response);
    assert_eq!((rack(0), rack(1)), (Some(10), Some(20)));
    assert_eq!(described(&bench, leg), [(Turn::Answer, "v=0 a".to_owned())], "the first one is followed");
    // The other fork answers the call: what came early is void, and its own answer counts.
    bench.reply(&sent, 200, "b", |response| response.contact("<sip:b@192.0.2.20>"));
    assert!(bench.has_up(leg));
    assert_eq!(raised(&bench, leg), 1);
    assert_eq!(described(&bench, leg).last(), Some(&(Turn::Answer, "v=0 b".to_owned())));
}

#[test]
fn the_bye_to_a_surplus_fork_has_a_number_above_its_pracks() {
    // covers: TR-199
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    for rseq in 1..4 {
        reliable(&mut bench, &sent, 180, "b", rseq, None);
    }
    let last = bench.last_of(Method::Prack).message.cseq().expect("a CSeq").number;
    bench.pick_up(&sent, "a");
    bench.pick_up(&sent, "b");
    let bye = bench.last_of(Method::Bye).message;
    assert_eq!(bye.to_tag(), Some("b"));
    assert!(bye.cseq().expect("a CSeq").number > last);
}

#[test]
fn a_fork_that_ends_opens_the_offer_again_for_the_next_one() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    reliable(&mut bench, &sent, 183, "a", 1, Some("v=0 a"));
    bench.reply(&sent, 199, "a", |response| response);
    assert_eq!(raised(&bench, leg), 1);
    reliable(&mut bench, &sent, 183, "b", 1, Some("v=0 b"));
    assert_eq!(described(&bench, leg).last(), Some(&(Turn::Answer, "v=0 b".to_owned())));
    bench.reply(&sent, 200, "b", |response| response.contact("<sip:b@192.0.2.20>"));
    assert_eq!((raised(&bench, leg), described(&bench, leg).len()), (1, 2));
}

#[test]
fn early_dialogs_are_remembered_up_to_the_limit() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    for number in 0..16 {
        reliable(&mut bench, &sent, 180, &format!("fork-{number}"), 1, None);
    }
    assert_eq!(bench.count_of(Method::Prack), 16);
    reliable(&mut bench, &sent, 180, "beyond", 1, None);
    assert_eq!(bench.count_of(Method::Prack), 16);
    reliable(&mut bench, &sent, 180, "fork-3", 2, None);
    assert_eq!(bench.count_of(Method::Prack), 17);
}

fn offerless() -> Invite {
    Invite { offerless: true, ..invite() }
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_the_prack() {
    let mut bench = Bench::new();
    let leg = bench.place_with(offerless());
    let sent = bench.last_sent();
    assert!(sent.message.body().is_empty());
    reliable(&mut bench, &sent, 183, PEER_TAG, 1, Some(OFFER));
    let prack = bench.last_of(Method::Prack).message;
    assert_eq!(prack.body(), ANSWER.as_bytes());
    assert_eq!(described(&bench, leg), [(Turn::Offer, OFFER.to_owned())]);
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert!(bench.has_up(leg));
    assert!(bench.acks[0].message.body().is_empty());
    assert_eq!(described(&bench, leg).len(), 1);
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack() {
    let mut bench = Bench::new();
    let leg = bench.place_with(offerless());
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>").body(SDP, OFFER));
    assert_eq!(bench.acks[0].message.body(), ANSWER.as_bytes());
    assert!(bench.has_up(leg));
    assert_eq!(described(&bench, leg), [(Turn::Offer, OFFER.to_owned())]);
}

#[test]
fn an_offer_that_cannot_be_answered_ends_the_call_after_its_ack() {
    let mut bench = Bench::new();
    let leg = bench.place_with(offerless());
    let sent = bench.last_sent();
    bench.description = Some("");
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>").body(SDP, OFFER));
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye)), (1, 1));
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    bench.assert_clean();
}

#[test]
fn an_offer_in_a_reliable_response_that_cannot_be_answered_cancels() {
    let mut bench = Bench::new();
    let leg = bench.place_with(offerless());
    let sent = bench.last_sent();
    bench.description = Some("");
    reliable(&mut bench, &sent, 183, PEER_TAG, 1, Some(OFFER));
    assert_eq!(bench.cancelled.len(), 1);
    bench.reply(&sent, 487, PEER_TAG, |response| response);
    assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::NotAcceptable);
    bench.assert_clean();
}

#[test]
fn a_second_fork_with_an_offer_is_answered_too_and_the_one_that_picks_up_is_kept() {
    let mut bench = Bench::new();
    let leg = bench.place_with(offerless());
    let sent = bench.last_sent();
    reliable(&mut bench, &sent, 183, "a", 1, Some("v=0 a"));
    reliable(&mut bench, &sent, 183, "b", 1, Some("v=0 b"));
    assert_eq!(bench.last_of(Method::Prack).message.body(), ANSWER.as_bytes());
    assert_eq!(raised(&bench, leg), 1);
    bench.reply(&sent, 200, "a", |response| response.contact("<sip:a@192.0.2.20>"));
    assert_eq!(described(&bench, leg).last(), Some(&(Turn::Offer, "v=0 a".to_owned())));
    assert!(bench.acks[0].message.body().is_empty(), "it has its answer");
    assert!(bench.has_up(leg));
}

#[test]
fn a_reliable_response_to_a_cancelled_call_is_acknowledged_and_not_told() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    bench.leg(leg, LegCommand::HangUp { reason: None });
    reliable(&mut bench, &sent, 183, PEER_TAG, 1, Some(ANSWER));
    assert_eq!(bench.count_of(Method::Prack), 1);
    assert!(described(&bench, leg).is_empty());
}

#[test]
fn pracks_under_way_are_bounded_and_the_next_response_is_taken_when_it_comes_again() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    for rseq in 1..=32 {
        reliable(&mut bench, &sent, 180, PEER_TAG, rseq, None);
    }
    assert_eq!(bench.count_of(Method::Prack), 32);
    assert_eq!(bench.dialogs.counters().reliable_responses_ignored, 0);
    let told = bench.leg_events(leg).len();
    reliable(&mut bench, &sent, 180, PEER_TAG, 33, None);
    assert_eq!((bench.count_of(Method::Prack), bench.leg_events(leg).len()), (32, told));
    assert_eq!(bench.dialogs.counters().reliable_responses_ignored, 1);
    let prack = bench.last_of(Method::Prack);
    bench.ok(&prack);
    reliable(&mut bench, &sent, 180, PEER_TAG, 33, None);
    assert_eq!(bench.count_of(Method::Prack), 33);
}
