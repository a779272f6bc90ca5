use dialog_core::{DialogConfig, EndReason, LegCommand};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{Bench, OFFER},
    theirs::Theirs,
};

fn small() -> Bench {
    Bench::with(DialogConfig { legs: 2, ..DialogConfig::default() })
}

#[test]
fn one_call_beyond_the_limit_is_503_and_the_next_after_an_end_is_taken() {
    let mut bench = small();
    let call = |number: u32| Theirs {
        call_id: format!("call-{number}"),
        ..Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER)
    };
    bench.incoming(call(1));
    let (_, second) = bench.incoming(call(2));
    bench.request(call(3));
    assert_eq!(bench.last_status(), 503);
    assert!(bench.last_answer().has(HeaderId::RetryAfter));
    assert_eq!(bench.dialogs.load().legs, 2);
    bench.leg(second, LegCommand::HangUp { reason: None });
    bench.incoming(call(4));
}

#[test]
fn one_call_placed_beyond_the_limit_ends_with_overload() {
    let mut bench = small();
    bench.place();
    bench.place();
    let third = bench.place();
    assert_eq!(bench.ended(third).expect("ended").reason, EndReason::Overload);
    assert_eq!(bench.sent.len(), 2);
}

#[test]
fn the_same_id_is_not_placed_twice() {
    let mut bench = Bench::new();
    let leg = bench.place();
    bench.command(dialog_core::DialogCommand::Place { leg, invite: Box::new(crate::bench::invite()) });
    assert_eq!(bench.sent.len(), 1);
    assert_eq!(bench.order.last().map(String::as_str), Some("Misused"));
}

#[test]
fn an_unknown_leg_is_misused() {
    let mut bench = Bench::new();
    let leg = bench.ids.mint();
    bench.leg(leg, LegCommand::Ring);
    assert_eq!(bench.order, ["Misused"]);
}
