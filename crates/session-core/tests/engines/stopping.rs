//! What calls are told when all are hung up.

use std::time::Duration;

use session_core::{OutcomeKind, engine::Command};

use crate::net::{Net, OK};

#[test]
fn a_call_that_nobody_has_decided_on_is_480_and_not_declined_when_we_stop() {
    let mut net = Net::new(&[("alice", OK), ("bob", None)]);
    net.call(0, 1);
    net.ask(1, Command::HangUpAll);
    net.run(Duration::from_secs(1));
    let sent = net.sent(1);
    assert!(sent.contains(&"SIP/2.0 480".to_owned()), "{sent:?}");
    assert!(!sent.contains(&"SIP/2.0 603".to_owned()), "{sent:?}");
    net.nothing_is_left();
}

#[test]
fn a_drain_lets_what_is_under_way_go_on_and_follows_no_new_refer() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None), ("dave", OK)]);
    let calls = [0, 3].map(|party| net.call(party, 1));
    let [carol, dave] = [2, 3].map(|party: usize| -> sip_message::UriBuf {
        format!("sip:x@{}", net.parties[party].address).parse().expect("test URI")
    });
    net.ask(0, Command::Blind { session: calls[0], target: carol });
    net.run(Duration::from_secs(1));
    net.ask(1, Command::Drain);
    net.ask(3, Command::Blind { session: calls[1], target: dave });
    net.run(Duration::from_secs(1));
    assert_eq!(net.outcomes(3), [(OutcomeKind::Recovered, Some(503), true)]);
    // Carol answers: the transfer that was under way comes to pass.
    let ringing = net.parties[2].engine.tap().events.iter().find_map(|event| event.session).expect("a call");
    net.ask(2, Command::Answer { session: ringing, source: None });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)]);
    for party in 0..4 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}

#[test]
fn a_transfer_asked_of_us_is_deactivated_before_its_calls_end_when_we_stop() {
    // covers: TR-257
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let session = net.call(0, 1);
    net.run(Duration::from_secs(1));
    let target = format!("sip:x@{}", net.parties[2].address).parse().expect("a URI");
    net.ask(0, Command::Blind { session, target });
    net.run(Duration::from_secs(3));
    net.ask(1, Command::HangUpAll);
    net.run(Duration::from_secs(2));
    let wire = net.parties[1].engine.tap().wire.clone();
    let at = |line: &str| wire.iter().position(|message| message.contains(line)).expect("was sent");
    let last = at("Subscription-State: terminated");
    assert!(wire[last].contains("terminated;reason=deactivated"), "{}", wire[last]);
    assert!(last < at("BYE sip:"), "the NOTIFY has a dialog to go in");
    assert_eq!(wire.iter().filter(|message| message.contains("Subscription-State: terminated")).count(), 1);
    let outcomes = net.outcomes(0);
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_ne!(outcomes[0].0, OutcomeKind::Succeeded, "{outcomes:?}");
    net.nothing_is_left();
}
