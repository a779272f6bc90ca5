//! Offers that cannot be answered: 400 where they are malformed, 488 where they are not acceptable here.

use session_core::{EventKind, engine::Command};
use sip_message::{HeaderId, Method};

use crate::bench::{Bench, Peer, names, sdp};

/// What is wrong with an offer, and the status that says so.
fn offers(peer: &Peer) -> [(String, u16); 4] {
    let fine = sdp(peer.address, "sendrecv");
    [
        ("this is no session description".to_owned(), 400),
        (fine.replace("m=audio 40000", "m=audio forty"), 400),
        (fine.replace("RTP/AVP 0", "RTP/AVP 97"), 488),
        (fine.replace("m=audio", "m=video"), 488),
    ]
}

#[test]
fn a_first_offer_is_refused_by_what_is_wrong_with_it() {
    let mut bench = Bench::new();
    let mut alice = Peer::new("alice", 2);
    for (number, (offer, status)) in offers(&alice).into_iter().enumerate() {
        alice.call_id = format!("call-{number}");
        let invite = alice.request(Method::Invite, &[], Some(offer.clone()));
        assert_eq!(bench.deliver(&mut alice, &invite), status, "{offer}");
    }
    assert_eq!(bench.delivered, 0, "nobody decides about what cannot be answered");
    bench.nothing_is_left();
}

#[test]
fn a_later_offer_is_refused_by_what_is_wrong_with_it_and_the_call_goes_on() {
    // covers: TR-196
    let mut bench = Bench::new();
    let mut alice = Peer::new("alice", 2);
    bench.up(&mut alice);
    // A line that is not audio rejects the audio of a call, and that is an answer.
    for (offer, status) in offers(&alice).into_iter().take(3) {
        let again = alice.request(Method::Invite, &[], Some(offer.clone()));
        assert_eq!(bench.deliver(&mut alice, &again), status, "{offer}");
        bench.ack(&mut alice, None);
    }
    assert!(bench.order.iter().all(|it| it != "Apply" && it != "Close"), "{:?}", bench.order);
    let hold = alice.invite(&[], "sendonly");
    assert_eq!(bench.deliver(&mut alice, &hold), 200);
}

#[test]
fn the_offer_of_a_call_that_takes_anothers_place_is_refused_by_what_is_wrong_with_it() {
    let mut bench = Bench::new();
    let mut alice = Peer::new("alice", 2);
    bench.up(&mut alice);
    let value = names(&alice);
    let headers = [(HeaderId::Replaces, &*value), (HeaderId::ReferredBy, "<sip:alice@example.com>")];
    let mut carol = Peer::new("carol", 3);
    for (number, (offer, status)) in offers(&carol).into_iter().enumerate() {
        carol.call_id = format!("call-{number}");
        let invite = carol.request(Method::Invite, &headers, Some(offer.clone()));
        assert_eq!(bench.deliver(&mut carol, &invite), status, "{offer}");
    }
    assert_eq!(bench.engine.leftovers().sessions, 1);
}

#[test]
fn a_hold_counts_once_its_answer_is_there_and_not_when_it_is_refused() {
    // covers: EC-80, TR-224
    let mut bench = Bench::new();
    let mut alice = Peer::new("alice", 2);
    let session = bench.up(&mut alice);
    let changes = |bench: &mut Bench| bench.count(|kind| matches!(kind, EventKind::HoldChanged { .. }));
    bench.ask(Command::Hold { session });
    assert_eq!(changes(&mut bench), 0, "an offer holds nothing");
    let offer = bench.last(&alice, Method::Invite);
    bench.answer(&alice, &offer, 488, None);
    assert_eq!(changes(&mut bench), 0, "and a refused one never will");
    assert!(bench.order.iter().all(|it| it != "Apply"), "{:?}", bench.order);
    bench.ask(Command::Hold { session });
    let offer = bench.last(&alice, Method::Invite);
    bench.answer(&alice, &offer, 200, Some("recvonly"));
    assert_eq!(changes(&mut bench), 1);
}
