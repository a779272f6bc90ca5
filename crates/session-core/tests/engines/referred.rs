//! What a transfer shows to the application, to logs and to the parties.

#![expect(clippy::disallowed_types, reason = "a subscriber of tracing may write from any thread")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use session_core::{
    AttendedOptions, CallerIdentity, Completion, DiversionHeader, EventKind, OutcomeKind, ReferredByCopy,
    SessionId, StatusCode, TransferPolicy, engine::Command,
};

use crate::net::{Net, OK};

/// A log that is kept.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics while writing")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics while writing").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn target(net: &Net, party: usize) -> sip_message::UriBuf {
    format!("sip:x@{}", net.parties[party].address).parse().expect("test URI")
}

/// Call-IDs and tags of everything that was sent.
fn identifiers(net: &mut Net) -> Vec<String> {
    let wire = net.parties.iter_mut().flat_map(|party| &party.engine.tap().wire);
    let lines = wire.flat_map(|message| message.lines());
    let found = lines.filter_map(|line| {
        let call_id = line.strip_prefix("Call-ID: ");
        call_id.or_else(|| line.split_once(";tag=").map(|(_, tag)| tag.split(';').next().unwrap_or(tag)))
    });
    let mut found: Vec<String> = found.map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// The headers of the last INVITE that a party has sent.
fn last_invite(net: &mut Net, party: usize) -> String {
    let wire = &net.parties[party].engine.tap().wire;
    wire.iter().rev().find(|message| message.starts_with("INVITE ")).cloned().expect("an INVITE")
}

#[test]
fn neither_logs_nor_events_nor_counters_hold_what_names_a_call() {
    // covers: SEC-12
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    tracing::subscriber::with_default(subscriber, || {
        let session = net.call(0, 1);
        let (target, options) = (target(&net, 2), AttendedOptions::default());
        net.ask(0, Command::Consult { session, target, options, completion: Completion::OnAnswer });
        net.run(Duration::from_secs(5));
        for party in 0..3 {
            net.ask(party, Command::HangUpAll);
        }
        net.run(Duration::from_mins(5));
    });
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)]);
    let secrets = identifiers(&mut net);
    assert!(secrets.len() > 8, "{secrets:?}");
    let mut shown = log.text();
    assert!(shown.contains("a call was to be replaced"), "{shown}");
    for party in &mut net.parties {
        for event in &party.engine.tap().events {
            shown.extend([format!("{event:?} {:?} {:?}", event.peer(), event.reason())]);
        }
        shown.extend([format!("{:?}", party.engine.leftovers())]);
    }
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} is shown");
    }
}

#[test]
fn the_application_can_tell_at_every_time_who_talks_to_whom() {
    // covers: SEC-17
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let session = net.call(0, 1);
    let (target, options) = (target(&net, 2), AttendedOptions::default());
    net.ask(0, Command::Consult { session, target, options, completion: Completion::OnAnswer });
    net.run(Duration::from_secs(5));
    // Who each party is said to talk to, by events alone.
    let talks = |net: &mut Net, party: usize| {
        let mut talks: Vec<(SessionId, String)> = Vec::new();
        for event in &net.parties[party].engine.tap().events {
            let id = event.session;
            match &event.kind {
                EventKind::Established { peer, .. } => {
                    talks.push((id.expect("a call"), peer.clone()));
                }
                EventKind::CallEnded { .. } => talks.retain(|(call, _)| Some(*call) != id),
                EventKind::Replaced { old, .. } => talks.retain(|(call, _)| call != old),
                _ => {}
            }
        }
        talks.into_iter().map(|(_, peer)| peer).collect::<Vec<_>>()
    };
    assert_eq!(talks(&mut net, 0), Vec::<String>::new());
    assert_eq!(talks(&mut net, 1), ["sip:carol@192.0.2.3:5060"]);
    assert_eq!(talks(&mut net, 2), ["sip:bob@192.0.2.2:5060"]);
    let replaced = net.parties[2].engine.tap().events.iter().find_map(|event| match &event.kind {
        EventKind::Replaced { from, referred_by, verified, .. } => {
            Some((from.clone(), referred_by.clone(), *verified))
        }
        _ => None,
    });
    let (from, by, verified) = replaced.expect("Carol's call was replaced");
    assert_eq!((from.as_str(), by.as_deref()), ("sip:bob@192.0.2.2:5060", Some("sip:alice@192.0.2.1:5060")));
    assert!(!verified, "nobody has proved anything by UDP");
    for party in 0..3 {
        net.ask(party, Command::HangUpAll);
    }
    net.nothing_is_left();
}

#[test]
fn the_call_that_is_asked_for_is_the_transferees_own() {
    // covers: SEC-06, TR-262, TR-204
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let session = net.call(0, 1);
    let first = last_invite(&mut net, 0);
    let target = target(&net, 2);
    net.ask(0, Command::Blind { session, target });
    net.run(Duration::from_secs(2));
    let invite = last_invite(&mut net, 1);
    let line = |message: &str, name: &str| {
        message.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default()
    };
    assert!(line(&invite, "From: ").starts_with("From: <sip:bob@192.0.2.2:5060>;tag="), "{invite}");
    assert_eq!(line(&invite, "Referred-By: "), "Referred-By: <sip:alice@192.0.2.1:5060>");
    assert_ne!(line(&invite, "Call-ID: "), line(&first, "Call-ID: "));
    for name in
        ["Identity: ", "P-Asserted-Identity: ", "P-Preferred-Identity: ", "Diversion: ", "History-Info: "]
    {
        assert_eq!(line(&invite, name), "");
    }
    net.ask(1, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn policy_gives_the_call_that_is_asked_for_another_name_and_says_who_diverted_it() {
    // covers: EC-53, TR-264, TR-142
    let mut policy = TransferPolicy::default();
    policy.referred.identity = CallerIdentity::OnBehalfOfReferrer;
    policy.referred.diversion = DiversionHeader::HistoryInfo;
    policy.referred.referred_by = ReferredByCopy::AddIfMissing;
    let mut net = Net::with(&[("alice", OK), ("bob", OK), ("carol", OK)], &policy);
    let session = net.call(0, 1);
    let target = target(&net, 2);
    net.ask(0, Command::Blind { session, target });
    net.run(Duration::from_secs(2));
    let invite = last_invite(&mut net, 1);
    assert!(invite.contains("\r\nFrom: <sip:alice@192.0.2.1:5060>;tag="), "{invite}");
    assert!(invite.contains(
        "\r\nHistory-Info: <sip:alice@192.0.2.1:5060>;index=1, <sip:x@192.0.2.3:5060>;index=1.1;mp=1\r\n"
    ));
    assert_eq!(invite.matches("\r\nReferred-By: ").count(), 1);
    net.ask(1, Command::HangUpAll);
    net.nothing_is_left();
}

#[test]
fn a_party_that_takes_the_call_back_by_itself_has_the_call_that_it_had() {
    // covers: EC-24
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::BUSY_HERE))]);
    let session = net.call(0, 1);
    let target = target(&net, 2);
    net.ask(0, Command::Blind { session, target });
    let bobs = net.parties[1].engine.tap().events.iter().find_map(|event| event.session).expect("Bob's call");
    net.run(Duration::from_secs(5));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(486), true)]);
    let calls = |net: &mut Net| {
        let events = &net.parties[0].engine.tap().events;
        events.iter().filter(|event| matches!(event.kind, EventKind::Established { .. })).count()
    };
    for command in [Command::Hold { session: bobs }, Command::Resume { session: bobs }] {
        net.ask(1, command);
        net.run(Duration::from_secs(1));
    }
    let holds: Vec<(bool, bool)> = net.parties[0]
        .engine
        .tap()
        .events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::HoldChanged { local, remote } => Some((local, remote)),
            _ => None,
        })
        .collect();
    assert_eq!(holds[holds.len() - 2..], [(false, true), (false, false)], "{holds:?}");
    assert_eq!(calls(&mut net), 1, "no other call came of it");
    net.ask(0, Command::HangUp { session });
    net.nothing_is_left();
}

#[test]
fn the_call_that_a_held_party_places_is_not_on_hold() {
    // covers: EC-75
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let session = net.call(0, 1);
    let target = target(&net, 2);
    net.ask(0, Command::Blind { session, target });
    net.run(Duration::from_secs(2));
    let held = net.parties[0].engine.tap().wire.iter().any(|message| message.contains("a=sendonly"));
    assert!(held, "Bob was on hold when he was referred");
    let invite = last_invite(&mut net, 1);
    assert!(invite.contains("m=audio"), "{invite}");
    for direction in ["a=sendonly", "a=recvonly", "a=inactive", "c=IN IP4 0.0.0.0"] {
        assert!(!invite.contains(direction), "{direction} in {invite}");
    }
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)]);
}
