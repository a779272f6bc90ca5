//! Reliable responses of ours: their numbers, their end, and what waits behind them (RFC 3262 §3).

use std::time::Duration;

use dialog_core::{LegCommand, LegEvent, LegId};
use sip_message::{HeaderId, Message, Method};

use crate::{
    bench::{ANSWER, Bench, OFFER, Seeded},
    theirs::Theirs,
    update::{agreed_incoming, settled},
};

const LIMIT: Duration = Duration::from_mins(1);

fn required() -> Theirs {
    Theirs::outside(Method::Invite)
        .contact("<sip:bob@192.0.2.20>")
        .header(HeaderId::Require, "100rel")
        .sdp(OFFER)
}

/// A PRACK that names a response.
fn prack(bench: &mut Bench, response: &Message, cseq: u32, rack: &str) -> u16 {
    let to_tag = response.to_tag().map(Into::into);
    let prack = Theirs { to_tag, ..Theirs::outside(Method::Prack) };
    bench.request(prack.cseq(cseq).header(HeaderId::RAck, rack));
    bench.last_status()
}

fn rung(bench: &mut Bench) -> (LegId, Message, u32) {
    let (_, leg) = bench.incoming(required());
    bench.leg(leg, LegCommand::Ring);
    let ringing = bench.last_answer();
    let number = ringing.rseq().expect("a reliable response");
    (leg, ringing, number)
}

#[test]
fn the_first_number_is_between_one_and_two_to_the_31_less_one() {
    // The states whose next numbers begin with 32 zeros and 32 ones.
    for (seed, number) in [(0xbe6d_f32f_185a_864d, 1), (0x14c8_a60a_5148_be3d, (1 << 31) - 1)] {
        let mut bench = Bench::new();
        let (_, leg) = bench.incoming(required());
        bench.random = Seeded(seed);
        bench.leg(leg, LegCommand::Ring);
        assert_eq!(bench.last_answer().rseq(), Some(number));
    }
}

#[test]
fn after_its_prack_a_call_may_ring_as_long_as_it_likes() {
    let mut bench = Bench::new();
    let (leg, ringing, number) = rung(&mut bench);
    assert_eq!(prack(&mut bench, &ringing, 2, &format!("{number} 1 INVITE")), 200);
    bench.advance(Duration::from_secs(50));
    assert!(bench.ended(leg).is_none());
}

#[test]
fn a_prack_for_another_request_than_an_invite_or_another_invite_is_481() {
    let mut bench = Bench::new();
    let (_, ringing, number) = rung(&mut bench);
    assert_eq!(prack(&mut bench, &ringing, 2, &format!("{number} 1 UPDATE")), 481);
    assert_eq!(prack(&mut bench, &ringing, 3, &format!("{number} 2 INVITE")), 481);
    assert_eq!(prack(&mut bench, &ringing, 4, "nonsense"), 400);
    assert_eq!(prack(&mut bench, &ringing, 5, &format!("{number} 1 INVITE")), 200);
}

#[test]
fn a_2xx_waits_for_our_answer_to_an_offer_of_theirs() {
    let mut bench = Bench::new();
    let (leg, update) = agreed_incoming(&mut bench);
    bench.describe_at_once = false;
    bench.request(update.cseq(3).sdp("v=0 theirs"));
    let before = bench.answered.len();
    bench.leg(leg, LegCommand::Accept { contact_user: None });
    assert_eq!(bench.answered.len(), before);
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    let methods: Vec<Option<Method>> =
        bench.answered[before..].iter().map(|it| it.message.cseq().ok().map(|cseq| cseq.method)).collect();
    assert_eq!(methods, [Some(Method::Update), Some(Method::Invite)]);
    assert!(bench.has_up(leg));
}

#[test]
fn what_waits_behind_a_response_also_waits_for_our_answer_to_an_offer_of_theirs() {
    let mut bench = Bench::new();
    let (leg, update) = agreed_incoming(&mut bench);
    bench.leg(leg, LegCommand::Ring);
    let ringing = bench.last_answer();
    bench.leg(leg, LegCommand::Ring);
    bench.describe_at_once = false;
    bench.request(update.cseq(3).sdp("v=0 theirs"));
    let rack = format!("{} 1 INVITE", ringing.rseq().expect("a reliable response"));
    assert_eq!(prack(&mut bench, &ringing, 4, &rack), 200);
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    let statuses: Vec<u16> = bench.answered.iter().rev().take(3).map(|it| it.status).collect();
    assert_eq!(statuses, [180, 200, 200], "the 180 comes last");
}

#[test]
fn an_update_of_theirs_that_is_faster_than_the_way_of_our_re_invite_goes_first() {
    let mut bench = Bench::new();
    let leg = bench.answered_call();
    let up = bench.established(leg);
    bench.route_at_once = false;
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let way = bench.routes.pop().expect("a way is looked for");
    bench.describe_at_once = false;
    let update = bench.theirs(Method::Update, &up).contact("<sip:bob@192.0.2.20>").cseq(9);
    bench.request(update.sdp("v=0 theirs"));
    bench.answer_route(&way);
    let asked = bench.order.iter().filter(|word| *word == "NeedDescription").count();
    assert_eq!((asked, bench.count_of(Method::Invite)), (1, 0));
    (bench.describe_at_once, bench.route_at_once) = (true, true);
    bench.leg(leg, LegCommand::Describe { body: Ok(ANSWER.into()) });
    assert_eq!((bench.last_status(), bench.count_of(Method::Invite)), (200, 1));
}

#[test]
fn an_offer_that_cannot_be_written_down_is_the_descriptions_fault() {
    let mut bench = Bench::new();
    let leg = bench.placed();
    bench.leg(leg, LegCommand::Reoffer { limit: LIMIT });
    let sent = bench.last_of(Method::Invite);
    bench.fail(&sent, transaction_core::TxFailure::Unencodable);
    assert_eq!(settled(&bench, leg), [Err(dialog_core::ReofferError::Description)]);
    assert!(bench.leg_events(leg).iter().any(|event| matches!(event, LegEvent::RolledBack)));
}
