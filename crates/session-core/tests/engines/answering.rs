//! Calls that nobody decides about.

use std::time::Duration;

use session_core::{CallHandling, EventKind, engine::Command};

use crate::net::Net;

/// Bob would let calls ring that are delivered to him.
fn answering() -> Net {
    Net::configured(&[("alice", None), ("bob", None)], |config| config.calls = CallHandling::AnsweredAtOnce)
}

#[test]
fn a_call_is_answered_at_once_and_delivered_to_nobody() {
    let mut net = answering();
    let session = net.call(0, 1);
    assert_eq!(net.sent(1), ["SIP/2.0 200"]);
    let names: Vec<_> =
        net.parties[1].engine.tap().events.iter().map(session_core::SessionEvent::name).collect();
    assert!(names.contains(&"incoming_call") && names.contains(&"established"), "{names:?}");
    net.ask(0, Command::HangUp { session });
    net.nothing_is_left();
}

#[test]
fn a_call_that_nobody_decides_about_is_refused_where_another_one_would_be() {
    let mut net = answering();
    net.ask(1, Command::Drain);
    net.call(0, 1);
    assert_eq!(net.sent(1), ["SIP/2.0 503"]);
    let ended = |kind: &EventKind| matches!(kind, EventKind::CallEnded { .. });
    assert!(net.parties[0].engine.tap().events.iter().any(|event| ended(&event.kind)));
    net.run(Duration::from_secs(40));
    net.nothing_is_left();
}
