//! Table 2.4 as it is implemented, compared with its committed copy; and who may replace what.

use std::{fmt::Write, net::SocketAddr};

use dialog_core::{IncomingCall, LegId, Peer, Replacing};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};

use super::{
    authorisation::authorise,
    machine::{Action, Event, NewEnd, State, Verdict, step},
};
use crate::{ReplacesAuthorizer, TransferPolicy};

const STATES: [State; 4] = [State::Checking, State::Preparing, State::Answered, State::Over];

fn events() -> [Event; 7] {
    [
        Event::Asked(Verdict::Permitted),
        Event::Asked(Verdict::Forbidden(StatusCode::FORBIDDEN)),
        Event::Up,
        Event::Acknowledged,
        Event::NewEnded(NewEnd::Unacknowledged),
        Event::NewEnded(NewEnd::Other(StatusCode::NOT_ACCEPTABLE_HERE)),
        Event::OldEnded,
    ]
}

fn table() -> String {
    let mut table = String::from("# Replaced target from check 10 on: state | event | next | actions.\n");
    for state in STATES {
        writeln!(table).expect("invariant: a String takes all text");
        for event in events() {
            let row = match step(state, event) {
                None => "ignored".into(),
                Some(step) => {
                    let actions: Vec<_> = step.actions.iter().map(|action| format!("{action:?}")).collect();
                    format!("{:?} | {}", step.next, actions.join(", "))
                }
            };
            writeln!(table, "{state:?} | {event:?} | {row}").expect("invariant: a String takes all text");
        }
    }
    table
}

#[test]
fn the_table_is_the_committed_one() {
    let table = table();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/replacing/table.txt"), &table)
            .expect("invariant: the source folder can be written");
    }
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/replacing/table.txt"))
        .unwrap_or_default();
    assert!(committed == table, "run with UPDATE_TABLES=1 and read the difference:\n{table}");
}

/// The old call is touched in one row only, and there its media first.
#[test]
fn the_old_call_is_touched_only_after_the_2xx_of_the_new_one() {
    for state in STATES {
        for event in events() {
            let Some(step) = step(state, event) else { continue };
            if step.actions.contains(&Action::HangUpOld) || step.actions.contains(&Action::MoveMedia) {
                assert_eq!((state, event), (State::Preparing, Event::Up));
                assert_eq!(step.actions.as_slice(), [Action::MoveMedia, Action::HangUpOld]);
            }
        }
    }
}

/// Each attempt is told once: where it is over, and nowhere else.
#[test]
fn what_came_of_it_is_told_exactly_once() {
    for state in STATES {
        for event in events() {
            let Some(step) = step(state, event) else { continue };
            let told = |action: &&Action| match action {
                Action::TellReplaced | Action::TellRefused(_) | Action::TellUnacknowledged => true,
                Action::Answer | Action::Reject(_) | Action::MoveMedia | Action::HangUpOld => false,
            };
            let told = step.actions.iter().filter(told).count();
            assert_eq!(told, usize::from(step.next == State::Over), "{state:?} {event:?}");
        }
    }
}

/// The replaced party is sip:bob@example.com with the Contact sip:bob@192.0.2.20:5080.
fn replaced() -> Replacing {
    Replacing {
        leg: LegId::from(1),
        early: false,
        remote: NameAddrBuf::new(uri("sip:bob@example.com;user=phone")),
        remote_target: uri("sip:bob@192.0.2.20:5080;transport=udp"),
        source: Some(address("192.0.2.20:5060")),
        verified_name: None,
        verified_user: None,
    }
}

fn call(source: &str, referred_by: Option<&str>) -> IncomingCall {
    IncomingCall {
        request_uri: uri("sip:alice@192.0.2.1"),
        from: NameAddrBuf::new(uri("sip:carol@example.com")),
        to: NameAddrBuf::new(uri("sip:alice@example.com")),
        source: address(source),
        local: address("192.0.2.1:5060"),
        has_offer: true,
        replaces: None,
        replacing: None,
        verified_name: None,
        verified_user: None,
        referred_by: referred_by.map(|text| NameAddrBuf::new(uri(text))),
        registration: None,
        peer: Peer::default(),
    }
}

fn uri(text: &str) -> UriBuf {
    text.parse().expect("invariant: a literal of the test")
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("invariant: a literal of the test")
}

fn policy(replaces: ReplacesAuthorizer) -> TransferPolicy {
    let trunks = ["198.51.100.0/24", "2001:db8::/32"].map(|text| text.parse().expect("invariant: a literal"));
    TransferPolicy { replaces, trunks: trunks.to_vec(), ..TransferPolicy::default() }
}

/// What each authoriser says, in the order `Trusted`, `ReferredBy`, `Allow`, `Deny`.
fn verdicts(call: &IncomingCall, replaced: &Replacing) -> [Option<bool>; 4] {
    [
        ReplacesAuthorizer::Trusted,
        ReplacesAuthorizer::ReferredBy,
        ReplacesAuthorizer::Allow,
        ReplacesAuthorizer::Deny,
    ]
    .map(|authorizer| authorise(call, replaced, &policy(authorizer)))
}

const NOBODY: [Option<bool>; 4] = [None, None, Some(false), None];
const REFERRED: [Option<bool>; 4] = [None, Some(false), Some(false), None];
const TRUSTED: [Option<bool>; 4] = [Some(true), Some(true), Some(true), None];

#[test]
fn the_ids_or_the_address_alone_permit_nothing() {
    // covers: TR-112, SEC-10
    assert_eq!(verdicts(&call("203.0.113.9:5060", None), &replaced()), NOBODY);
    assert_eq!(verdicts(&call("192.0.2.20:5060", None), &replaced()), NOBODY, "the same address");
    let spoofed =
        IncomingCall { from: NameAddrBuf::new(uri("sip:bob@example.com")), ..call("192.0.2.20:5060", None) };
    assert_eq!(verdicts(&spoofed, &replaced()), NOBODY, "the same From");
}

#[test]
fn who_was_referred_by_the_replaced_party_may() {
    for named in [
        "sip:bob@example.com",
        "sip:bob@EXAMPLE.com:5061;transport=tcp",
        "sip:%62ob@example.com",
        "sip:bob@192.0.2.20",
        "sip:bob@192.0.2.20:5060",
    ] {
        assert_eq!(verdicts(&call("203.0.113.9:5060", Some(named)), &replaced()), REFERRED, "{named}");
    }
    for other in [
        "sips:bob@example.com",
        "sip:Bob@example.com",
        "sip:bob@example.org",
        "sip:example.com",
        "sip:bob@192.0.2.21",
        "sip:mallory@example.com?X=sip:bob@example.com",
        "tel:+15550100",
    ] {
        assert_eq!(verdicts(&call("203.0.113.9:5060", Some(other)), &replaced()), NOBODY, "{other}");
    }
    let number = Replacing { remote: NameAddrBuf::new(uri("tel:+1-555-0100")), ..replaced() };
    assert_eq!(verdicts(&call("203.0.113.9:5060", Some("tel:+15550100")), &number), REFERRED);
}

#[test]
fn a_trunk_speaks_for_itself_and_for_no_other() {
    let from = |source: Option<&str>| Replacing { source: source.map(address), ..replaced() };
    let new = call("198.51.100.7:5060", None);
    assert_eq!(verdicts(&new, &from(Some("198.51.100.9:5062"))), TRUSTED);
    assert_eq!(verdicts(&new, &from(Some("[::ffff:198.51.100.9]:5062"))), TRUSTED);
    assert_eq!(verdicts(&new, &from(Some("203.0.113.1:5060"))), NOBODY, "only the sender");
    assert_eq!(verdicts(&new, &from(None)), NOBODY, "nothing came from the replaced party");
    let outside = call("203.0.113.1:5060", None);
    assert_eq!(verdicts(&outside, &from(Some("198.51.100.9:5062"))), NOBODY, "only the replaced party");
    assert_eq!(verdicts(&new, &from(Some("[2001:db8::9]:5060"))), NOBODY, "two trunks");
}

#[test]
fn a_verified_name_is_trusted_and_is_not_replaced_by_a_weaker_way() {
    // covers: SEC-10
    let secure = || Replacing { verified_name: Some("bob.example.com".into()), ..replaced() };
    let named = |name: Option<&str>, by| IncomingCall {
        verified_name: name.map(Into::into),
        ..call("203.0.113.9:5060", by)
    };
    let bob = Some("sip:bob@example.com");
    assert_eq!(verdicts(&named(Some("BOB.example.com"), None), &secure()), TRUSTED);
    assert_eq!(verdicts(&named(Some("carol.example.com"), None), &secure()), NOBODY);
    assert_eq!(verdicts(&named(Some("carol.example.com"), bob), &secure()), REFERRED);
    assert_eq!(verdicts(&named(None, bob), &secure()), NOBODY, "anybody can write a header");
    assert_eq!(verdicts(&named(Some("carol.example.com"), None), &replaced()), NOBODY);
    let sips = || Replacing { remote_target: uri("sips:bob@192.0.2.20"), ..replaced() };
    assert_eq!(verdicts(&call("203.0.113.9:5060", bob), &sips()), NOBODY);
    let by_sips = IncomingCall { request_uri: uri("sips:alice@192.0.2.1"), ..call("203.0.113.9:5060", bob) };
    assert_eq!(verdicts(&by_sips, &sips()), REFERRED);
}

#[test]
fn a_user_who_has_proved_it_is_trusted_and_is_not_replaced_by_one_who_has_not() {
    // covers: TR-112, SEC-10
    let proved = || Replacing { verified_user: Some("bob".into()), ..replaced() };
    let by = |user: Option<&str>, referrer| IncomingCall {
        verified_user: user.map(Into::into),
        ..call("203.0.113.9:5060", referrer)
    };
    let bob = Some("sip:bob@example.com");
    assert_eq!(verdicts(&by(Some("bob"), None), &proved()), TRUSTED);
    assert_eq!(verdicts(&by(Some("carol"), None), &proved()), NOBODY, "another user");
    assert_eq!(verdicts(&by(Some("Bob"), None), &proved()), NOBODY, "user names are compared as they are");
    assert_eq!(verdicts(&by(Some("carol"), bob), &proved()), REFERRED);
    assert_eq!(verdicts(&by(None, bob), &proved()), NOBODY, "anybody can write a header");
    assert_eq!(verdicts(&by(Some("bob"), None), &replaced()), NOBODY, "nobody knows who is replaced");
}
