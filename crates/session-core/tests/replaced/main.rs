//! A call of ours is replaced (RFC 3891, table 2.4): what goes out on the wire, to the streams and to the application.

#![expect(clippy::disallowed_methods, reason = "the origin of virtual time")]

mod bench;
mod early;
mod left;
mod moved;
mod offers;
mod secured;

use std::time::Duration;

use session_core::{EventKind, OutcomeKind, SessionId, engine::Command};
use sip_message::{HeaderId, Message, Method, StatusCode};

use bench::{Bench, Peer, names};

const ALICE: &str = "<sip:alice@example.com>";

fn peers() -> (Peer, Peer) {
    (Peer::new("alice", 2), Peer::new("carol", 3))
}

/// Carol's call that replaces that of Alice, on Alice's word.
fn replace(bench: &mut Bench, alice: &Peer, carol: &mut Peer, direction: &str) -> (Message, u16) {
    let value = names(alice);
    let headers = [(HeaderId::Replaces, &*value), (HeaderId::ReferredBy, ALICE)];
    let invite = carol.invite(&headers, direction);
    let status = bench.deliver(carol, &invite);
    (invite, status)
}

/// The call that was told to be up.
fn established(bench: &mut Bench) -> SessionId {
    let up = bench.events().into_iter().find(|event| matches!(event.kind, EventKind::Established { .. }));
    up.and_then(|event| event.session).expect("a call is up")
}

fn direction(message: &Message) -> String {
    let body = String::from_utf8_lossy(message.body()).into_owned();
    let line =
        body.lines().find(|line| ["a=send", "a=recv", "a=inact"].iter().any(|it| line.starts_with(it)));
    line.unwrap_or_default().to_owned()
}

#[test]
fn the_new_call_is_answered_before_the_old_one_is_ended_and_the_media_moved_in_between() {
    // covers: TR-109, TR-114, TR-127
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    let old = bench.up(&mut alice);
    let (_, status) = replace(&mut bench, &alice, &mut carol, "sendrecv");
    assert_eq!(status, 200);
    let (ok, moved, bye) = (bench.at("200 3"), bench.at("Replace"), bench.at("BYE 2"));
    assert!(ok < moved && moved < bye, "{:?}", bench.order);
    assert!(
        bench.order.iter().all(|it| it != "180 3" && it != "OpenDevice"),
        "no ringing, no second microphone"
    );
    let bye = bench.last(&alice, Method::Bye);
    assert_eq!(bye.first(HeaderId::Reason), Some("SIP;cause=200;text=\"Call completed elsewhere\""));
    let new = established(&mut bench);
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::Replaced { .. })), 0, "told with the ACK");
    bench.ack(&mut carol, None);
    bench.answer(&alice, &bye, 200, None);
    let told: Vec<_> = bench
        .events()
        .into_iter()
        .filter(|event| matches!(event.kind, EventKind::Replaced { .. }))
        .map(|event| (event.session, event.kind))
        .collect();
    let [(Some(session), EventKind::Replaced { old: named, from, referred_by, verified: false })] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((*session, *named), (new, old));
    assert_eq!((&**from, referred_by.as_deref()), ("sip:carol@example.com", Some("sip:alice@example.com")));
    assert_eq!(bench.delivered, 0);
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::IncomingCall { .. })), 0);
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::CallEnded { .. })), 1);
    let bye = carol.request(Method::Bye, &[], None);
    assert_eq!(bench.deliver(&mut carol, &bye), 200);
    bench.nothing_is_left();
}

#[test]
fn a_hold_of_the_replaced_party_is_not_inherited() {
    // covers: TR-115, EC-77, EC-78
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    let old = bench.up(&mut alice);
    let hold = alice.invite(&[], "sendonly");
    assert_eq!(bench.deliver(&mut alice, &hold), 200);
    bench.ack(&mut alice, None);
    assert_eq!(direction(&bench.last_response(&alice)), "a=recvonly");
    let origin = |message: &Message| {
        let body = String::from_utf8_lossy(message.body()).into_owned();
        body.lines().find(|line| line.starts_with("o=")).map(str::to_owned)
    };
    let before = origin(&bench.last_response(&alice));
    replace(&mut bench, &alice, &mut carol, "sendrecv");
    let ok = bench.last_response(&carol);
    assert_eq!(direction(&ok), "a=sendrecv");
    assert_ne!(origin(&ok), before, "a session of its own");
    bench.ack(&mut carol, None);
    let held = bench
        .events()
        .into_iter()
        .any(|event| event.session != Some(old) && matches!(event.kind, EventKind::HoldChanged { .. }));
    assert!(!held);
}

#[test]
fn a_call_that_we_hold_stays_held() {
    // covers: TR-116
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    let session = bench.up(&mut alice);
    bench.ask(Command::Hold { session });
    let hold = bench.last(&alice, Method::Invite);
    bench.answer(&alice, &hold, 200, Some("recvonly"));
    replace(&mut bench, &alice, &mut carol, "sendrecv");
    assert_eq!(direction(&bench.last_response(&carol)), "a=sendonly");
    let new = established(&mut bench);
    let told = bench.events().into_iter().any(|event| {
        event.session == Some(new)
            && matches!(event.kind, EventKind::HoldChanged { local: true, remote: false })
    });
    assert!(told);
    // And it is resumed like any other.
    bench.ack(&mut carol, None);
    bench.ask(Command::Resume { session: new });
    assert_eq!(direction(&bench.last(&carol, Method::Invite)), "a=sendrecv");
}

#[test]
fn a_stranger_with_the_right_ids_is_refused_and_the_old_call_is_as_it_was() {
    // covers: TR-112, SEC-10, SEC-13
    let mut bench = Bench::new();
    let (mut alice, mut mallory) = (Peer::new("alice", 2), Peer::new("mallory", 9));
    let old = bench.up(&mut alice);
    let value = names(&alice);
    let invite = mallory.invite(&[(HeaderId::Replaces, &value)], "sendrecv");
    assert_eq!(bench.deliver(&mut mallory, &invite), 403);
    assert!(
        !bench.order.iter().any(|it| it.ends_with(" 2") || it.starts_with(char::is_uppercase)),
        "{:?}",
        bench.order
    );
    let events = bench.events();
    let [told] = &events[..] else { panic!("{events:?}") };
    assert_eq!(told.session, Some(old));
    assert!(matches!(
        &told.kind,
        EventKind::ReplaceRefused { status: StatusCode::FORBIDDEN, from, referred_by: None }
            if from == "sip:mallory@example.com"
    ));
    let hold = alice.invite(&[], "sendonly");
    assert_eq!(bench.deliver(&mut alice, &hold), 200, "the old call goes on");
}

#[test]
fn an_offer_that_cannot_be_answered_is_488_and_the_old_calls_media_flow_on() {
    // covers: TR-113
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    bench.up(&mut alice);
    let value = names(&alice);
    let headers = [(HeaderId::Replaces, &*value), (HeaderId::ReferredBy, ALICE)];
    let strange = bench::sdp(carol.address, "sendrecv").replace("RTP/AVP 0", "RTP/AVP 97");
    let invite = carol.request(Method::Invite, &headers, Some(strange));
    assert_eq!(bench.deliver(&mut carol, &invite), 488);
    let touched =
        bench.order.iter().find(|it| ["Replace", "Close", "CloseDevice", "Apply", "BYE 2"].contains(&&***it));
    assert_eq!(touched, None);
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::CallEnded { .. })), 0, "nobody saw the new call");
    assert_eq!(bench.engine.leftovers().sessions, 1);
    // It may be tried again.
    let mut again = Peer::calling("carol", 3, "again");
    assert_eq!(replace(&mut bench, &alice, &mut again, "sendrecv").1, 200);
}

#[test]
fn without_a_port_it_is_503_and_the_old_call_is_as_it_was() {
    // covers: TR-113
    let mut bench = Bench::with(|_| {}, 1);
    let (mut alice, mut carol) = peers();
    bench.up(&mut alice);
    assert_eq!(replace(&mut bench, &alice, &mut carol, "sendrecv").1, 503);
    assert!(bench.last_response(&carol).has(HeaderId::RetryAfter));
    let mut stranger = Peer::new("mallory", 9);
    let value = names(&alice);
    let invite = stranger.invite(&[(HeaderId::Replaces, &value)], "sendrecv");
    assert_eq!(bench.deliver(&mut stranger, &invite), 403, "who may not is not told of ports");
    assert_eq!(bench.engine.leftovers().ports, 1);
}

#[test]
fn it_needs_no_call_slot_of_its_own() {
    let mut bench = Bench::with(|config| config.max_calls = 1, 40);
    let (mut alice, mut carol) = peers();
    bench.up(&mut alice);
    let mut dave = Peer::new("dave", 4);
    let call = dave.invite(&[], "sendrecv");
    assert_eq!(bench.deliver(&mut dave, &call), 486);
    assert_eq!(replace(&mut bench, &alice, &mut carol, "sendrecv").1, 200);
    // One at a time, and none for what is being ended.
    let mut second = Peer::calling("carol", 3, "second");
    assert_eq!(replace(&mut bench, &alice, &mut second, "sendrecv").1, 603);
}

#[test]
fn without_an_ack_the_new_call_is_ended_when_the_old_one_is_gone_already() {
    // covers: TR-126
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    let old = bench.up(&mut alice);
    replace(&mut bench, &alice, &mut carol, "sendrecv");
    let new = established(&mut bench);
    let bye = bench.last(&alice, Method::Bye);
    bench.answer(&alice, &bye, 200, None);
    bench.run(Duration::from_millis(31_900));
    assert!(bench.order.iter().filter(|it| *it == "200 3").count() > 5, "repeated until the ACK");
    assert!(!bench.order.contains(&"BYE 3".to_owned()));
    bench.run(Duration::from_millis(200));
    let bye = bench.last(&carol, Method::Bye);
    bench.answer(&carol, &bye, 200, None);
    let events = bench.events();
    let ended: Vec<_> = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::CallEnded { .. }))
        .map(|event| event.session)
        .collect();
    assert_eq!(ended, [Some(old), Some(new)]);
    let told = events.iter().find(|event| matches!(event.kind, EventKind::ReplaceUnacknowledged { .. }));
    let told = told.expect("the event says so");
    assert!(matches!(told.kind, EventKind::ReplaceUnacknowledged { old: named } if named == old));
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::Replaced { .. })), 0);
    bench.nothing_is_left();
}

/// We call Alice, whose phone rings.
fn ringing(bench: &mut Bench, alice: &mut Peer) -> Message {
    let target = format!("sip:alice@{}", alice.address).parse().expect("a URI");
    bench.ask(Command::Call { target, options: session_core::CallOptions::default() });
    let invite = bench.last(alice, Method::Invite);
    bench.answer(alice, &invite, 180, None);
    alice.call_id = invite.call_id().expect("a Call-ID").into();
    alice.theirs = invite.from_tag().map(str::to_owned);
    bench.order.clear();
    bench.engine.tap().0.clear();
    invite
}

#[test]
fn a_ringing_call_of_ours_is_cancelled_after_the_2xx_to_the_new_one() {
    // covers: TR-110
    for crossing in [false, true] {
        let mut bench = Bench::new();
        let (mut alice, mut carol) = peers();
        let invite = ringing(&mut bench, &mut alice);
        let value = names(&alice);
        // Alice's device is known by what was called.
        let by = "<sip:alice@192.0.2.2>";
        let new = carol.invite(&[(HeaderId::Replaces, &*value), (HeaderId::ReferredBy, by)], "sendrecv");
        assert_eq!(bench.deliver(&mut carol, &new), 200);
        assert!(bench.at("200 3") < bench.at("CANCEL 2"), "{:?}", bench.order);
        assert!(bench.order.contains(&"OpenDevice".to_owned()), "there was no audio to be moved");
        let cancel = bench.last(&alice, Method::Cancel);
        let branch = |message: &Message| message.vias().next().map(str::to_owned);
        assert_eq!(branch(&cancel), branch(&invite));
        bench.ack(&mut carol, None);
        bench.answer(&alice, &cancel, 200, None);
        if crossing {
            bench.answer(&alice, &invite, 200, Some("sendrecv"));
            assert!(bench.at("ACK 2") < bench.at("BYE 2"), "{:?}", bench.order);
            let bye = bench.last(&alice, Method::Bye);
            bench.answer(&alice, &bye, 200, None);
        } else {
            bench.answer(&alice, &invite, 487, None);
        }
        assert_eq!(bench.count(|kind| matches!(kind, EventKind::Replaced { .. })), 1);
        assert_eq!(bench.count(|kind| matches!(kind, EventKind::CallEnded { .. })), 1);
        let bye = carol.request(Method::Bye, &[], None);
        bench.deliver(&mut carol, &bye);
        bench.nothing_is_left();
    }
}

#[test]
fn a_call_that_rings_here_is_not_picked_up() {
    // covers: TR-111, EC-73
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    let invite = alice.invite(&[], "sendrecv");
    bench.deliver(&mut alice, &invite);
    let session = bench.session.expect("delivered");
    bench.ask(Command::Ring { session });
    alice.theirs = bench.last_response(&alice).to_tag().map(str::to_owned);
    bench.order.clear();
    assert_eq!(replace(&mut bench, &alice, &mut carol, "sendrecv").1, 481);
    assert_eq!(bench.order.iter().filter(|it| it.ends_with(" 2")).count(), 0);
    bench.ask(Command::Answer { session, source: None });
    assert_eq!(bench.last_response(&alice).status(), Some(StatusCode::OK), "it rang on");
}

#[test]
fn a_transfer_that_was_under_way_in_the_replaced_call_is_still_reported() {
    // covers: TR-122
    let mut bench = Bench::with(|config| config.hold_before_transfer = false, 40);
    let (mut alice, mut carol) = peers();
    let session = bench.up(&mut alice);
    bench.ask(Command::Blind { session, target: "sip:dave@192.0.2.5".parse().expect("a URI") });
    let refer = bench.last(&alice, Method::Refer);
    bench.answer(&alice, &refer, 202, None);
    replace(&mut bench, &alice, &mut carol, "sendrecv");
    bench.ack(&mut carol, None);
    let bye = bench.last(&alice, Method::Bye);
    bench.answer(&alice, &bye, 200, None);
    let headers = [(HeaderId::Event, "refer"), (HeaderId::SubscriptionState, "terminated;reason=noresource")];
    let notify = alice.request(Method::Notify, &headers, Some("SIP/2.0 200 OK\r\n".into()));
    assert_eq!(bench.deliver(&mut alice, &notify), 200, "the usage outlived its call");
    bench.run(Duration::from_secs(3));
    let outcomes: Vec<_> = bench
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::TransferEnded(outcome) => Some(outcome.kind),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes.len(), 1);
    assert_ne!(outcomes[0], OutcomeKind::TimedOut);
    let bye = carol.request(Method::Bye, &[], None);
    bench.deliver(&mut carol, &bye);
    bench.nothing_is_left();
}

#[test]
fn an_offerless_call_gets_audio_of_its_own_with_the_ack() {
    let mut bench = Bench::new();
    let (mut alice, mut carol) = peers();
    bench.up(&mut alice);
    let value = names(&alice);
    let headers = [(HeaderId::Replaces, &*value), (HeaderId::ReferredBy, ALICE)];
    let invite = carol.request(Method::Invite, &headers, None);
    assert_eq!(bench.deliver(&mut carol, &invite), 200);
    assert!(bench.at("200 3") < bench.at("BYE 2"));
    assert_eq!(direction(&bench.last_response(&carol)), "a=sendrecv");
    let answer = bench::sdp(carol.address, "sendrecv");
    bench.ack(&mut carol, Some(answer));
    assert!(bench.at("OpenDevice") < bench.at("Open"), "{:?}", bench.order);
    assert!(bench.order.contains(&"CloseDevice".to_owned()), "that of the old call");
    let new = established(&mut bench);
    bench.ask(Command::HangUp { session: new });
    let byes = [bench.last(&alice, Method::Bye), bench.last(&carol, Method::Bye)];
    bench.answer(&alice, &byes[0], 200, None);
    bench.answer(&carol, &byes[1], 200, None);
    bench.nothing_is_left();
}

#[test]
fn a_bye_that_finds_nothing_or_crosses_theirs_is_the_usual_end() {
    // covers: EC-67
    for crossing in [false, true] {
        let mut bench = Bench::new();
        let (mut alice, mut carol) = peers();
        bench.up(&mut alice);
        replace(&mut bench, &alice, &mut carol, "sendrecv");
        let ours = bench.last(&alice, Method::Bye);
        if crossing {
            let bye = alice.request(Method::Bye, &[], None);
            assert_eq!(bench.deliver(&mut alice, &bye), 200);
        }
        bench.answer(&alice, &ours, 481, None);
        bench.ack(&mut carol, None);
        assert_eq!(bench.count(|kind| matches!(kind, EventKind::Replaced { .. })), 1);
        // What comes late for the old call finds nothing.
        let late = alice.invite(&[], "sendrecv");
        assert_eq!(bench.deliver(&mut alice, &late), 481);
        let bye = carol.request(Method::Bye, &[], None);
        bench.deliver(&mut carol, &bye);
        bench.nothing_is_left();
    }
}

#[test]
fn a_trunk_may_replace_its_own_calls_and_is_told_to_be_verified() {
    let trunk = "192.0.2.0/28".parse().expect("a network");
    let mut bench = Bench::with(|config| config.policy.trunks.push(trunk), 40);
    let (mut alice, mut carol) = peers();
    bench.up(&mut alice);
    let value = names(&alice);
    let invite = carol.invite(&[(HeaderId::Replaces, &*value)], "sendrecv");
    assert_eq!(bench.deliver(&mut carol, &invite), 200);
    bench.ack(&mut carol, None);
    assert_eq!(bench.count(|kind| matches!(kind, EventKind::Replaced { verified: true, .. })), 1);
}
