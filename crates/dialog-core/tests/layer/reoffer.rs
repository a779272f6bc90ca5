use std::time::Duration;

use dialog_core::{By, EndReason, LegCommand, LegEvent, LegId, Refer, ReofferError};
use sip_message::{HeaderId, Method, StatusCode};
use sip_transport::{FlowId, Random as _, RouteError};
use transaction_core::TxFailure;

use crate::bench::{Bench, OFFER, PEER_TAG, Seeded, Sent, uri};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn reoffer(bench: &mut Bench, leg: LegId) -> Sent {
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    bench.last_of(Method::Invite)
}

pub(crate) fn results(bench: &Bench, leg: LegId) -> Vec<Result<(), ReofferError>> {
    bench
        .leg_events(leg)
        .into_iter()
        .filter_map(|event| match event {
            LegEvent::Reoffered(result) => Some(result),
            _ => None,
        })
        .collect()
}

#[test]
fn a_new_offer_is_answered_and_acknowledged() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    assert_eq!(sent.message.body(), OFFER.as_bytes());
    assert_eq!(sent.message.contact_count(), 1);
    bench.reply(&sent, 100, PEER_TAG, |response| response);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.order, ["route", "NeedDescription", "INVITE", "Described", "route", "ACK", "Reoffered"]);
    assert_eq!(results(&bench, leg), [Ok(())]);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(&bench.resent[0].wire, bench.acks[0].message.bytes());
    assert_eq!(bench.acks.len(), 1);
}

#[test]
fn a_2xx_to_an_offer_that_is_repeated_over_another_flow_is_acknowledged_there() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.pick_up(&sent, PEER_TAG);
    bench.flow = 2;
    bench.pick_up(&sent, PEER_TAG);
    let acks = &bench.acks[bench.acks.len() - 2..];
    assert_eq!(acks[0].message.cseq().expect("a CSeq"), acks[1].message.cseq().expect("a CSeq"));
    assert_eq!((bench.routes.last().expect("asked").flow, bench.resent.len()), (Some(FlowId::from(2)), 0));
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.resent[0].hop.flow, FlowId::from(2));
    assert_eq!(results(&bench, leg).len(), 1);
}

#[test]
fn a_repeated_2xx_is_acknowledged_whatever_was_offered_since() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let offers: Vec<Sent> = (0..9)
        .map(|_| {
            let sent = reoffer(&mut bench, leg);
            bench.pick_up(&sent, PEER_TAG);
            sent
        })
        .collect();
    let newest = reoffer(&mut bench, leg);
    assert!(bench.resent.is_empty());
    for (index, sent) in offers.iter().enumerate().skip(1) {
        bench.pick_up(sent, PEER_TAG);
        assert_eq!(bench.resent.len(), index, "the ACK to offer {index} is sent again");
        assert_eq!(&bench.resent[index - 1].wire, bench.acks[index].message.bytes());
    }
    bench.pick_up(&offers[0], PEER_TAG);
    assert_eq!(bench.resent.len(), 8, "beyond the eight newest nothing is kept");
    bench.pick_up(&newest, PEER_TAG);
    assert_eq!(results(&bench, leg).len(), 10);
}

#[test]
fn several_wishes_in_a_row_are_two_invites_at_most() {
    // covers: TR-225
    let mut bench = Bench::new();
    let leg = bench.placed();
    for _ in 0..4 {
        reoffer(&mut bench, leg);
    }
    assert_eq!(bench.count_of(Method::Invite), 1, "one in flight");
    let sent = bench.last_of(Method::Invite);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.count_of(Method::Invite), 2);
    let sent = bench.last_of(Method::Invite);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(bench.count_of(Method::Invite), 2);
    assert_eq!(results(&bench, leg), [Ok(()), Ok(())]);
}

#[test]
fn the_delay_after_491_depends_on_who_owns_the_call_id() {
    // covers: TR-194
    for owner in [true, false] {
        let mut seen = Vec::new();
        let mut seeds = Seeded(7);
        for _ in 0..500 {
            let mut bench = Bench::new();
            bench.random = Seeded(seeds.next_u64());
            let leg = if owner { bench.placed() } else { bench.answered_call() };
            let sent = reoffer(&mut bench, leg);
            bench.reply(&sent, 491, PEER_TAG, |response| response);
            let before = bench.now.as_micros();
            while bench.count_of(Method::Invite) < 2 {
                let (_, at) = bench.next_timer().expect("a timer");
                let by = at.as_micros() - bench.now.as_micros();
                bench.advance(Duration::from_micros(by));
            }
            seen.push((bench.now.as_micros() - before) / 1000);
            assert!(results(&bench, leg).is_empty());
        }
        let range = if owner { 2100..=4000 } else { 0..=2000 };
        assert!(seen.iter().all(|delay| range.contains(delay) && delay % 10 == 0), "{seen:?}");
        assert!(
            seen.iter().max() > Some(&(range.end() - 200))
                && seen.iter().min() < Some(&(range.start() + 200))
        );
    }
}

#[test]
fn a_491_is_rolled_back_and_offered_again_until_it_is_taken() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.reply(&sent, 491, PEER_TAG, |response| response);
    assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
    // Asked again while it waits: the same wish.
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(bench.count_of(Method::Invite), 1);
    bench.advance(Duration::from_secs(4));
    assert_eq!(bench.count_of(Method::Invite), 2);
    let sent = bench.last_of(Method::Invite);
    bench.pick_up(&sent, PEER_TAG);
    assert_eq!(results(&bench, leg), [Ok(())]);
}

#[test]
fn endless_491_ends_with_the_limit() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let mut answered = 0;
    for _ in 0..120 {
        if bench.count_of(Method::Invite) > answered {
            answered += 1;
            let sent = bench.last_of(Method::Invite);
            bench.reply(&sent, 491, PEER_TAG, |response| response);
        }
        bench.advance(Duration::from_millis(100));
    }
    assert_eq!(results(&bench, leg), [Err(ReofferError::TimedOut)]);
    assert!((3..=5).contains(&answered));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn an_invite_that_takes_too_long_is_cancelled_and_reported_once() {
    // covers: TR-238
    for late_2xx in [false, true] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        bench.reply(&sent, 100, PEER_TAG, |response| response);
        bench.advance(LIMIT);
        assert_eq!(bench.cancelled, [(sent.tx, None)]);
        assert_eq!(results(&bench, leg), [Err(ReofferError::TimedOut)]);
        if late_2xx {
            bench.pick_up(&sent, PEER_TAG);
            assert_eq!(bench.acks.len(), 1);
            assert!(bench.order.contains(&"Described".to_owned()));
        } else {
            bench.reply(&sent, 487, PEER_TAG, |response| response);
            assert!(matches!(bench.leg_events(leg).last(), Some(LegEvent::RolledBack)));
        }
        assert_eq!(results(&bench, leg).len(), 1);
        let again = reoffer(&mut bench, leg);
        assert_ne!(again.tx, sent.tx);
    }
}

#[test]
fn a_refused_offer_leaves_the_call_as_it_was() {
    // covers: TR-196, TR-241
    const TRANSACTION: &[u16] = &[
        400, 401, 402, 403, 406, 407, 412, 413, 414, 415, 417, 420, 421, 422, 423, 428, 429, 436, 437, 438,
        486, 487, 488, 493, 494, 503, 504, 505, 513, 580, 600, 603, 606,
    ];
    for status in TRANSACTION {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        bench.reply(&sent, *status, PEER_TAG, |response| response);
        let refused = StatusCode::new(*status).expect("a status");
        assert_eq!(results(&bench, leg), [Err(ReofferError::Refused(refused))]);
        assert!(bench.order.contains(&"RolledBack".to_owned()));
        assert!(bench.ended(leg).is_none() && bench.count_of(Method::Bye) == 0, "{status}");
    }
}

#[test]
fn a_status_that_ends_the_usage_ends_the_call() {
    // covers: TR-241, TR-267
    for status in [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        bench.reply(&sent, status, PEER_TAG, |response| response);
        if status == 481 {
            assert_eq!(bench.count_of(Method::Bye), 0, "nobody is there to hear it");
        } else {
            let bye = bench.last_of(Method::Bye);
            bench.ok(&bye);
        }
        let cause = bench.ended(leg).expect("ended");
        assert_eq!((cause.by, cause.reason), (By::Remote, EndReason::Gone), "{status}");
        assert_eq!(results(&bench, leg).len(), 1);
        bench.assert_clean();
    }
}

#[test]
fn silence_or_408_ends_the_call_with_a_bye() {
    for silence in [false, true] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        if silence {
            bench.fail(&sent, TxFailure::Timeout);
        } else {
            bench.reply(&sent, 408, PEER_TAG, |response| response);
        }
        assert_eq!(results(&bench, leg), [Err(ReofferError::TimedOut)]);
        let bye = bench.last_of(Method::Bye);
        bench.ok(&bye);
        assert_eq!(bench.ended(leg).expect("ended").reason, EndReason::Gone);
        assert_eq!(bench.order.iter().filter(|word| *word == "RolledBack").count(), 1);
        bench.assert_clean();
    }
}

#[test]
fn what_cannot_be_sent_or_described_leaves_the_call() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.no_route = Some(RouteError::Unresolved);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    bench.no_route = None;
    bench.description = Some("");
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    bench.description = None;
    let sent = reoffer(&mut bench, leg);
    bench.reply(&sent, 200, PEER_TAG, |response| response.contact("<sip:bob@192.0.2.20>"));
    assert_eq!(
        results(&bench, leg),
        [Err(ReofferError::Unreachable), Err(ReofferError::Description), Err(ReofferError::Description)]
    );
    assert!(bench.ended(leg).is_none());
    assert_eq!(bench.acks.len(), 1, "also a useless 2xx is acknowledged");
}

#[test]
fn our_wish_waits_for_their_re_invite() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let request = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(request);
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    assert_eq!(bench.count_of(Method::Invite), 0);
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    assert_eq!(bench.count_of(Method::Invite), 1);
}

#[test]
fn theirs_goes_first_while_ours_waits_for_its_route() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.route_at_once = false;
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let first = bench.routes.pop().expect("a question");
    let up = bench.established(leg);
    let request = bench.theirs(Method::Invite, &up).contact("<sip:bob@192.0.2.20>").sdp(OFFER);
    bench.request(request);
    assert_eq!(bench.last_status(), 200);
    bench.answer_route(&first);
    assert_eq!(bench.count_of(Method::Invite), 0);
    let ok = bench.last_answer();
    bench.ack(&ok, None);
    let second = bench.routes.pop().expect("asked again");
    bench.answer_route(&second);
    assert_eq!(bench.count_of(Method::Invite), 1);
}

#[test]
fn a_refer_leaves_after_the_invite_in_flight() {
    // covers: TR-251
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    assert_eq!(bench.count_of(Method::Refer), 0);
    bench.pick_up(&sent, PEER_TAG);
    let order: Vec<&str> =
        bench.order.iter().map(String::as_str).filter(|word| matches!(*word, "ACK" | "REFER")).collect();
    assert_eq!(order, ["ACK", "REFER"]);
}

#[test]
fn numbers_rise_over_all_methods_in_the_order_of_sending() {
    // covers: TR-190
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.route_at_once = false;
    let subscription = bench.ids.mint();
    bench.leg(leg, LegCommand::Refer { subscription, refer: Refer::to(uri("sip:carol@example.com")).into() });
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let (refer, invite) = (bench.routes[0].clone(), bench.routes[1].clone());
    bench.answer_route(&invite);
    bench.answer_route(&refer);
    let numbers: Vec<u32> =
        bench.sent.iter().map(|sent| sent.message.cseq().expect("a CSeq").number).collect();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(bench.sent[0].message.method(), Some(Method::Invite));
    assert_eq!(bench.sent[1].message.first(HeaderId::ReferTo), Some("<sip:carol@example.com>"));
}

#[test]
fn a_2xx_is_acknowledged_before_the_bye_also_when_the_call_ends_in_the_same_step() {
    for command in [
        LegCommand::HangUp { reason: None },
        LegCommand::Unacceptable { status: StatusCode::NOT_ACCEPTABLE_HERE },
    ] {
        let mut bench = Bench::new();
        let leg = bench.placed();
        let sent = reoffer(&mut bench, leg);
        bench.route_at_once = false;
        bench.pick_up(&sent, PEER_TAG);
        bench.leg(leg, command);
        assert_eq!(results(&bench, leg), [Err(ReofferError::Ended)]);
        for route in std::mem::take(&mut bench.routes) {
            bench.answer_route(&route);
        }
        let order: Vec<&str> =
            bench.order.iter().map(String::as_str).filter(|word| matches!(*word, "ACK" | "BYE")).collect();
        assert_eq!(order, ["ACK", "BYE"]);
        assert_eq!(
            bench.acks[0].message.cseq().expect("a CSeq").number,
            sent.message.cseq().expect("a CSeq").number
        );
        let bye = bench.last_of(Method::Bye);
        bench.ok(&bye);
        bench.assert_clean();
    }
}

#[test]
fn a_2xx_is_acknowledged_also_when_their_bye_is_faster_than_the_route() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let up = bench.established(leg);
    let sent = reoffer(&mut bench, leg);
    bench.route_at_once = false;
    bench.pick_up(&sent, PEER_TAG);
    let bye = bench.theirs(Method::Bye, &up);
    bench.request(bye);
    for route in std::mem::take(&mut bench.routes) {
        bench.answer_route(&route);
    }
    assert_eq!((bench.acks.len(), bench.count_of(Method::Bye)), (1, 0));
    bench.assert_clean();
}

#[test]
fn without_a_route_for_the_ack_the_bye_still_goes() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    let sent = reoffer(&mut bench, leg);
    bench.route_at_once = false;
    bench.pick_up(&sent, PEER_TAG);
    let ack = bench.routes.pop().expect("a question");
    bench.no_route = Some(RouteError::Unresolved);
    bench.answer_route(&ack);
    bench.no_route = None;
    for route in std::mem::take(&mut bench.routes) {
        bench.answer_route(&route);
    }
    let bye = bench.last_of(Method::Bye);
    bench.ok(&bye);
    let cause = bench.ended(leg).expect("ended");
    assert_eq!((cause.by, cause.reason), (By::Network, EndReason::NoRoute(RouteError::Unresolved)));
    bench.assert_clean();
}
