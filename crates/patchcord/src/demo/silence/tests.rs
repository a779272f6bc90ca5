use std::net::SocketAddr;

use session_core::{By, EndCause, EndReason, TracedMessage, Transport};

use super::*;
use crate::demo::parties::{BOB, CAROL};

fn event(at_ms: u64, call: Option<u64>, kind: EventKind) -> SessionEvent {
    let at = Duration::from_millis(at_ms);
    SessionEvent { seq: at_ms, at, session: call.map(SessionId::from), transfer: None, kind }
}

fn up() -> EventKind {
    EventKind::Established { peer: "sip:a@h".to_owned(), placed: true }
}

fn held(remote: bool) -> EventKind {
    EventKind::HoldChanged { local: false, remote }
}

fn over() -> EventKind {
    EventKind::CallEnded {
        cause: EndCause { by: By::Remote, reason: EndReason::Bye, header: None, details: Vec::new() },
    }
}

fn longest(events: Vec<SessionEvent>) -> u64 {
    let record = Record::having(events.into_iter().map(|event| (BOB, event)));
    u64::try_from(longest_due(&record, BOB).as_millis()).expect("a short time")
}

#[test]
fn silence_is_due_while_every_call_is_on_hold() {
    let call = |at, kind| event(at, Some(1), kind);
    let events = vec![call(10, up()), call(100, held(true)), call(250, held(false)), call(300, held(true))];
    assert_eq!(longest(events.clone()), 150, "the second has just begun");
    let mut moved = events;
    moved.extend([event(700, Some(2), up()), call(900, over()), event(2_000, Some(2), over())]);
    assert_eq!(longest(moved), 400, "it ends with the answer of the new call");
}

#[test]
fn no_silence_is_due_without_a_call() {
    assert_eq!(longest(vec![event(5, Some(1), over()), event(900, None, EventKind::ReferSent)]), 0);
    assert_eq!(
        longest(vec![event(5, Some(1), up()), event(9, Some(1), over()), event(900, Some(2), up())]),
        0
    );
}

#[test]
fn a_hold_until_the_end_counts_as_far_as_the_last_event() {
    let call = |at, kind| event(at, Some(1), kind);
    assert_eq!(
        longest(vec![call(0, up()), call(100, held(true)), event(350, None, EventKind::ReferSent)]),
        250
    );
}

fn message(at_ms: u64, sent: bool, first_line: &str, call_id: &str) -> SessionEvent {
    let bytes = format!(
        "{first_line}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:c@h>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    let address: SocketAddr = ([192, 0, 2, 1], 5060).into();
    let traced = TracedMessage {
        sent,
        transport: Transport::Udp,
        local: address,
        remote: address,
        summary: first_line.to_owned(),
        bytes: bytes.into_bytes().into(),
    };
    event(at_ms, None, EventKind::Message(traced))
}

#[test]
fn the_switch_begins_with_the_200_and_ends_with_the_audio_of_the_new_call() {
    let invite = message(10, true, "INVITE sip:c@h SIP/2.0", "new@h");
    let switched = EventKind::MediaSwitched { to: SessionId::from(2), gap: Some(Duration::from_millis(41)) };
    let record = Record::having([
        (BOB, invite),
        (BOB, message(15, false, "SIP/2.0 200 OK", "other@h")),
        (BOB, message(20, false, "SIP/2.0 200 OK", "new@h")),
        (BOB, event(30, Some(1), EventKind::MediaFlowing)),
        (BOB, event(55, Some(2), EventKind::MediaFlowing)),
        (CAROL, message(18, true, "SIP/2.0 200 OK", "new@h")),
        (CAROL, event(50, Some(2), EventKind::MediaFlowing)),
        (CAROL, event(60, Some(1), switched)),
    ]);
    let call = Some(SessionId::from(2));
    assert_eq!(at_switch(&record, BOB, BOB, call), Some(Duration::from_millis(35)));
    assert_eq!(
        at_switch(&record, CAROL, BOB, call),
        Some(Duration::from_millis(41)),
        "what the streams say, if longer"
    );
    assert_eq!(at_switch(&record, BOB, BOB, None), None, "nobody was moved");
    assert_eq!(at_switch(&record, BOB, BOB, Some(SessionId::from(3))), None, "no audio came");
}
