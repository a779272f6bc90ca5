//! Answers before the call is up: early media, and forks.

use session_core::engine::Command;
use sip_message::Method;

use crate::bench::{Bench, Peer};

fn call(bench: &mut Bench, to: &Peer) -> sip_message::Message {
    let target = format!("sip:{}@{}", to.name, to.address).parse().expect("a URI");
    bench.ask(Command::Call { target, options: session_core::CallOptions::default() });
    bench.last(to, Method::Invite)
}

fn applied(bench: &Bench) -> usize {
    bench.order.iter().filter(|it| *it == "Apply").count()
}

#[test]
fn an_early_answer_is_played_and_the_2xx_applies_nothing_again() {
    let mut bench = Bench::new();
    let bob = Peer::new("bob", 2);
    let invite = call(&mut bench, &bob);
    bench.answer(&bob, &invite, 183, Some("sendrecv"));
    assert_eq!(applied(&bench), 1);
    bench.answer(&bob, &invite, 200, Some("sendrecv"));
    assert_eq!((applied(&bench), bench.at("Apply") < bench.at("ACK 2")), (1, true), "{:?}", bench.order);
    assert!(!bench.order.iter().any(|it| it.starts_with("BYE")));
}

#[test]
fn another_fork_that_picks_up_is_heard_instead() {
    let mut bench = Bench::new();
    let bob = Peer::new("bob", 2);
    let mut desk = bob.clone();
    desk.tag = "desk".into();
    let invite = call(&mut bench, &bob);
    bench.answer(&desk, &invite, 183, Some("sendrecv"));
    bench.answer(&bob, &invite, 183, Some("sendrecv"));
    assert_eq!(applied(&bench), 1, "the first one is followed");
    bench.answer(&bob, &invite, 200, Some("sendrecv"));
    assert_eq!(applied(&bench), 2, "{:?}", bench.order);
    assert!(!bench.order.iter().any(|it| it.starts_with("BYE")));
}
