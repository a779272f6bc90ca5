//! Answers before the call is answered: what is shown of them, and what counts (RFC 3261 §13.2.1, RFC 6337 §2.2).

use dialog_core::{Invite, LegCommand, LegEvent, LegId, Turn};
use sip_message::{HeaderId, Method};
use sip_transport::RouteError;

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent, invite},
    challenges::{REALM, challenge, keyed, number},
};

const SDP: &str = "application/sdp";
const OTHER: &str = "v=0 other answer";

/// A 183 with an answer; with a number, a reliable one.
fn progress(bench: &mut Bench, sent: &Sent, tag: &str, rseq: Option<u32>, body: &str) {
    bench.reply(sent, 183, tag, |response| {
        let response = response.contact("<sip:bob@192.0.2.20>");
        let response = match rseq {
            Some(rseq) => response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, rseq),
            None => response,
        };
        response.body(SDP, body)
    });
}

/// The answers that were shown, with `reopened` before one that takes the place of another.
fn shown(bench: &Bench, leg: LegId) -> Vec<String> {
    let word = |event| match event {
        LegEvent::Described { turn: Turn::Answer, body } => {
            Some(String::from_utf8(body.to_vec()).expect("text"))
        }
        LegEvent::Reopened => Some("reopened".to_owned()),
        _ => None,
    };
    bench.leg_events(leg).into_iter().filter_map(word).collect()
}

#[test]
fn of_several_previews_in_one_early_dialog_the_first_is_shown_and_counts() {
    let mut bench = Bench::new();
    let leg = bench.place();
    let sent = bench.last_sent();
    progress(&mut bench, &sent, PEER_TAG, None, ANSWER);
    progress(&mut bench, &sent, PEER_TAG, None, OTHER);
    assert_eq!(shown(&bench, leg), [ANSWER]);
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert!(bench.has_up(leg));
    assert_eq!(shown(&bench, leg), [ANSWER]);
}

#[test]
fn an_answer_that_is_another_one_than_its_preview_takes_its_place() {
    for (answer, expected) in [(ANSWER, &[ANSWER][..]), (OTHER, &[ANSWER, "reopened", OTHER])] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        progress(&mut bench, &sent, PEER_TAG, None, ANSWER);
        progress(&mut bench, &sent, PEER_TAG, Some(1), answer);
        assert_eq!(shown(&bench, leg), expected);
        // Of a fork that is not followed nothing is shown.
        progress(&mut bench, &sent, "other-fork", None, "v=0 fork");
        progress(&mut bench, &sent, "other-fork", Some(1), "v=0 fork, too");
        assert_eq!(shown(&bench, leg), expected);
    }
}

#[test]
fn a_call_that_ends_while_the_answer_for_its_ack_is_made_is_acknowledged_and_ended_at_once() {
    let mut bench = Bench::new();
    bench.describe_at_once = false;
    let leg = bench.place_with(Invite { offerless: true, ..invite() });
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>").body(SDP, OFFER));
    assert!(bench.acks.is_empty());
    bench.leg(leg, LegCommand::HangUp { reason: None });
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye)), (1, 1));
    assert!(bench.acks[0].message.body().is_empty() && !bench.has_up(leg));
    assert_eq!(closings(&bench), 1);
}

fn closings(bench: &Bench) -> usize {
    bench.order.iter().filter(|word| *word == "Closing").count()
}

#[test]
fn a_call_whose_offer_cannot_be_answered_is_told_to_close() {
    let mut bench = Bench::new();
    bench.description = Some("");
    bench.place_with(Invite { offerless: true, ..invite() });
    let sent = bench.last_sent();
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>").body(SDP, OFFER));
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye), closings(&bench)), (1, 1, 1));
}

/// The numbers of the reliable responses that were acknowledged.
fn acknowledged(bench: &Bench) -> Vec<&str> {
    bench.sent.iter().filter_map(|sent| sent.message.first(HeaderId::RAck)).collect()
}

#[test]
fn what_had_no_way_for_its_prack_is_the_next_one_still() {
    for (first, unreachable) in [(4, 5), (1, 2), (2, 3)] {
        let mut bench = Bench::new();
        bench.place();
        let sent = bench.last_sent();
        progress(&mut bench, &sent, PEER_TAG, Some(first), ANSWER);
        bench.no_route = Some(RouteError::Unresolved);
        progress(&mut bench, &sent, PEER_TAG, Some(unreachable), ANSWER);
        bench.no_route = None;
        progress(&mut bench, &sent, PEER_TAG, Some(unreachable + 1), ANSWER);
        assert_eq!(acknowledged(&bench).len(), 1, "it is ahead of the next one");
        progress(&mut bench, &sent, PEER_TAG, Some(unreachable), ANSWER);
        progress(&mut bench, &sent, PEER_TAG, Some(unreachable + 1), ANSWER);
        let numbers = [first, unreachable, unreachable + 1].map(|number| format!("{number} 1 INVITE"));
        assert_eq!(acknowledged(&bench), numbers);
    }
    // Before the first was acknowledged, whichever comes is the first.
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    bench.no_route = Some(RouteError::Unresolved);
    progress(&mut bench, &sent, PEER_TAG, Some(1), ANSWER);
    bench.no_route = None;
    progress(&mut bench, &sent, PEER_TAG, Some(7), ANSWER);
    assert_eq!(acknowledged(&bench), ["7 1 INVITE"]);
}

#[test]
fn a_prack_that_goes_again_has_the_next_number_of_its_early_dialog() {
    let mut bench = Bench::with(keyed());
    bench.place();
    let sent = bench.last_sent();
    for (tag, rseq) in [("one", 1), ("one", 2), ("one", 3), ("two", 1)] {
        progress(&mut bench, &sent, tag, Some(rseq), ANSWER);
    }
    let first = bench.sent.iter().find(|it| it.message.to_tag() == Some("one")).expect("a PRACK").clone();
    bench.challenge(&first, 401, &[challenge(REALM, "n1")]);
    let again = bench.last_of(Method::Prack);
    assert_eq!((again.message.to_tag(), number(&again)), (Some("one"), number(&first) + 3));
}
