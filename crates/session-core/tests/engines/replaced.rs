//! An attended transfer as its target sees it: three engines, the new call placed by a transferee that was referred.

use std::time::Duration;

use session_core::{
    AttendedOptions, Completion, EventKind, SessionId,
    engine::{Command, Reply},
};

use crate::net::{Net, OK};

/// Carol's calls that were told to be up, in order.
fn calls(net: &mut Net) -> Vec<SessionId> {
    let events = &net.parties[2].engine.tap().events;
    let up = events.iter().filter(|event| matches!(event.kind, EventKind::Established { .. }));
    up.filter_map(|event| event.session).collect()
}

#[test]
fn the_target_is_told_once_by_whom_and_does_not_stay_on_hold() {
    // covers: TR-114, TR-115, SEC-13
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let session = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    let options = AttendedOptions::default();
    let asked = net.ask(0, Command::Consult { session, target, options, completion: Completion::OnCommand });
    net.run(Duration::from_secs(1));
    let Some(Ok(Reply::Consultation(transfer, _))) = net.reply(0, asked) else {
        panic!("{:?}", net.reply(0, asked))
    };
    let transfer = *transfer;
    net.ask(0, Command::Complete { transfer });
    net.run(Duration::from_secs(2));
    let calls = calls(&mut net);
    let [old, new] = calls[..] else { panic!("{calls:?}") };
    let events = net.parties[2].engine.tap().events.clone();
    let replaced: Vec<_> =
        events.iter().filter(|event| matches!(event.kind, EventKind::Replaced { .. })).collect();
    let [told] = &replaced[..] else { panic!("{replaced:?}") };
    let EventKind::Replaced { old: named, from, referred_by, verified: false } = &told.kind else {
        panic!("{told:?}")
    };
    assert_eq!((told.session, *named), (Some(new), old));
    assert!(from.starts_with("sip:bob@"), "{from}");
    assert!(referred_by.as_ref().is_some_and(|by| by.starts_with("sip:alice@")), "{referred_by:?}");
    let rang = events.iter().filter(|event| matches!(event.kind, EventKind::IncomingCall { .. })).count();
    assert_eq!(rang, 1, "the consultation call, and no second one");
    let holds = |of: SessionId| {
        let held = |event: &&session_core::SessionEvent| {
            event.session == Some(of) && matches!(event.kind, EventKind::HoldChanged { remote: true, .. })
        };
        events.iter().filter(held).count()
    };
    assert_eq!((holds(old), holds(new)), (1, 0), "Alice had put the consultation call on hold");
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}
