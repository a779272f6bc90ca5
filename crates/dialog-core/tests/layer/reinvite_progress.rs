//! Re-INVITEs in small steps: reliable responses to ours (RFC 3262 §4), and what theirs leave behind.

use std::time::Duration;

use dialog_core::{LegCommand, LegEvent, LegId};
use sip_message::{HeaderId, Method};
use sip_transport::RouteError;

use crate::bench::{ANSWER, Bench, OFFER, PEER_TAG, Sent};

const SDP: &str = "application/sdp";

fn reoffer(bench: &mut Bench, leg: LegId) -> Sent {
    bench.leg(leg, LegCommand::Reoffer { limit: Duration::from_secs(30) });
    bench.last_of(Method::Invite)
}

fn progress(bench: &mut Bench, sent: &Sent, rseq: u32, body: &str) {
    bench.reply(sent, 183, PEER_TAG, |response| {
        let response = response.header(HeaderId::Require, "100rel").header(HeaderId::RSeq, rseq);
        let response = response.contact("<sip:bob@192.0.2.20>");
        if body.is_empty() { response } else { response.body(SDP, body) }
    });
}

fn answers(bench: &Bench, leg: LegId) -> Vec<String> {
    let body = |event| match event {
        LegEvent::Described { body, .. } => Some(String::from_utf8(body.to_vec()).expect("text")),
        _ => None,
    };
    bench.leg_events(leg).into_iter().filter_map(body).collect()
}

/// The numbers of the responses that were acknowledged.
fn acknowledged(bench: &Bench) -> Vec<String> {
    let numbers = bench.sent.iter().filter_map(|sent| sent.message.first(HeaderId::RAck));
    numbers.map(|rack| rack.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_answer_to_a_re_invite_is_the_first_description_in_a_reliable_response_or_the_2xx() {
    for (bodies, expected) in [(["", ""], "v=0 last"), (["", ANSWER], ANSWER), ([ANSWER, "v=0 more"], ANSWER)]
    {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        for (rseq, body) in (5..).zip(bodies) {
            progress(&mut bench, &sent, rseq, body);
        }
        bench.reply(&sent, 200, PEER_TAG, |ok| ok.contact("<sip:bob@192.0.2.20>").body(SDP, "v=0 last"));
        assert_eq!(answers(&bench, leg), [expected]);
        assert_eq!(acknowledged(&bench), ["5", "6"]);
        assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::Reoffered(Ok(())))));
    }
}

#[test]
fn what_had_no_way_for_its_prack_is_the_next_one_still() {
    for (first, unreachable) in [(4, 5), (1, 2), (2, 3)] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        progress(&mut bench, &sent, first, "");
        bench.no_route = Some(RouteError::Unresolved);
        progress(&mut bench, &sent, unreachable, "");
        bench.no_route = None;
        for rseq in [unreachable + 1, unreachable, unreachable + 1] {
            progress(&mut bench, &sent, rseq, "");
        }
        assert_eq!(acknowledged(&bench), [first, unreachable, unreachable + 1].map(|rseq| rseq.to_string()));
    }
    // Before the first was acknowledged, whichever comes is the first.
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.no_route = Some(RouteError::Unresolved);
    progress(&mut bench, &sent, 1, "");
    bench.no_route = None;
    progress(&mut bench, &sent, 7, "");
    assert_eq!(acknowledged(&bench), ["7"]);
}

#[test]
fn a_re_invite_with_another_body_is_415_and_leaves_the_session() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let odd = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").body("text/plain", "hold me");
    bench.request(odd);
    assert_eq!(bench.last_status(), 415);
    assert_eq!(bench.last_answer().first(HeaderId::Accept), Some(SDP));
    assert!(answers(&bench, leg).is_empty());
    reoffer(&mut bench, leg);
    assert_eq!(bench.count_of(Method::Invite), 1, "nothing is under way");
}

#[test]
fn our_wish_goes_at_once_after_theirs_is_acknowledged_with_or_without_an_offer() {
    for offer in [true, false] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let up = bench.established(leg);
        let request = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>");
        bench.request(if offer { request.sdp(OFFER) } else { request });
        let ok = bench.last_answer();
        bench.ack(&ok, (!offer).then_some(ANSWER));
        assert!(bench.order.contains(&"Changed".to_owned()));
        reoffer(&mut bench, leg);
        assert_eq!(bench.count_of(Method::Invite), 1, "offer: {offer}");
    }
}
