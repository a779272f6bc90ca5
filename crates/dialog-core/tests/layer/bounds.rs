//! What is counted because a bound was met: at the bound nothing, one beyond it an event.

use dialog_core::{DialogConfig, EndReason};
use sip_message::{HeaderId, Method};

use crate::{
    bench::{ANSWER, Bench, OFFER, PEER_TAG},
    theirs::Theirs,
};

/// The longest route set, and the most forks of an INVITE.
const MOST: usize = 16;

fn routes(count: usize) -> String {
    vec!["<sip:192.0.2.9;lr>"; count].join(", ")
}

#[test]
fn an_invite_with_one_route_beyond_the_limit_is_400_and_counted() {
    let mut bench = Bench::new();
    let call = |count: usize| Theirs {
        call_id: format!("call-{count}"),
        ..Theirs::outside(Method::Invite)
            .contact("<sip:bob@192.0.2.20>")
            .header(HeaderId::RecordRoute, &routes(count))
            .sdp(OFFER)
    };
    bench.incoming(call(MOST));
    assert_eq!(bench.dialogs.counters().long_route_sets, 0);
    bench.request(call(MOST + 1));
    assert_eq!((bench.last_status(), bench.dialogs.counters().long_route_sets), (400, 1));
}

#[test]
fn a_2xx_with_one_route_beyond_the_limit_ends_the_call_and_is_counted() {
    for (count, counted) in [(MOST, 0), (MOST + 1, 1)] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        bench.reply(&sent, 200, PEER_TAG, |response| {
            response
                .contact("<sip:bob@192.0.2.20>")
                .header(HeaderId::RecordRoute, routes(count))
                .body("application/sdp", ANSWER)
        });
        assert_eq!(bench.dialogs.counters().long_route_sets, counted);
        assert_eq!(bench.count_of(Method::Bye), usize::from(counted == 1));
        assert_eq!(bench.has_up(leg), counted == 0);
    }
}

#[test]
fn a_call_beyond_the_limit_is_counted_in_both_directions() {
    let mut bench = Bench::with(DialogConfig { legs: 1, ..DialogConfig::default() });
    bench.place();
    assert_eq!(bench.dialogs.counters(), dialog_core::Counters::default());
    let second = bench.place();
    assert_eq!(bench.ended(second).expect("ended").reason, EndReason::Overload);
    bench.request(Theirs::outside(Method::Invite).contact("<sip:bob@192.0.2.20>").sdp(OFFER));
    assert_eq!(bench.last_status(), 503);
    let counters = bench.dialogs.counters();
    assert_eq!((counters.calls_not_placed, counters.refused_overloaded), (1, 1));
}

#[test]
fn a_fork_beyond_the_limit_is_left_alone_and_counted() {
    let mut bench = Bench::new();
    bench.place();
    let sent = bench.last_sent();
    for number in 0..MOST {
        bench.reply(&sent, 180, &format!("fork-{number}"), |response| response);
    }
    assert_eq!(bench.dialogs.counters().early_dialogs_ignored, 0);
    bench.reply(&sent, 180, "beyond", |response| response);
    assert_eq!(bench.dialogs.counters().early_dialogs_ignored, 1);
    for number in 0..MOST {
        bench.pick_up(&sent, &format!("fork-{number}"));
    }
    assert_eq!((bench.count_of(Method::Bye), bench.dialogs.counters().forks_ignored), (MOST - 1, 0));
    bench.pick_up(&sent, "beyond");
    assert_eq!((bench.count_of(Method::Bye), bench.dialogs.counters().forks_ignored), (MOST - 1, 1));
}

#[test]
fn a_fork_with_one_route_beyond_the_limit_has_no_early_dialog_and_is_not_acknowledged() {
    for (count, counted) in [(MOST, 0), (MOST + 1, 1)] {
        let mut bench = Bench::new();
        let leg = bench.place();
        let sent = bench.last_sent();
        bench.reply(&sent, 183, "b", |response| {
            response
                .header(HeaderId::Require, "100rel")
                .header(HeaderId::RSeq, 1)
                .header(HeaderId::RecordRoute, routes(count))
                .contact("<sip:b@192.0.2.20>")
                .body("application/sdp", ANSWER)
        });
        assert_eq!(bench.count_of(Method::Prack), usize::from(counted == 0));
        assert_eq!(bench.dialogs.counters().long_route_sets, counted);
        bench.pick_up(&sent, PEER_TAG);
        assert!(bench.has_up(leg));
        bench.reply(&sent, 200, "b", |response| {
            response.contact("<sip:b@192.0.2.20>").header(HeaderId::RecordRoute, routes(count))
        });
        assert_eq!(bench.dialogs.counters().forks_ignored, counted);
        assert_eq!(bench.acks.len(), 2 - usize::try_from(counted).expect("small"));
    }
}
