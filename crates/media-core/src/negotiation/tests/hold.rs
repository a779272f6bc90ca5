//! Hold: what is offered, what is answered, which flag is set.

use super::*;

fn call() -> (Negotiation, Negotiation) {
    let (mut alice, mut bob) = (negotiation(1), negotiation(2));
    exchange(&mut alice, &mut bob);
    (alice, bob)
}

#[test]
fn every_offer_is_answered_by_the_matrix() {
    // covers: TR-214
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let rows = [
        (SendRecv, [SendRecv, SendOnly, Inactive]),
        (SendOnly, [RecvOnly, Inactive, Inactive]),
        (RecvOnly, [SendOnly, SendOnly, Inactive]),
        (Inactive, [Inactive, Inactive, Inactive]),
    ];
    for (offered, answers) in rows {
        let wishes = [
            (false, HoldDirection::SendOnly),
            (true, HoldDirection::SendOnly),
            (true, HoldDirection::Inactive),
        ];
        for ((held, hold), expected) in wishes.into_iter().zip(answers) {
            let mut ours = negotiation(1).with_hold(hold);
            ours.desire(held);
            ours.offered(&foreign(&format!("m=audio 5000 RTP/AVP 0\r\na={offered}\r\n")))
                .expect("acceptable");
            assert_eq!(direction(&ours.answer()), expected, "offer {offered}, held {held}, {hold:?}");
            assert_eq!(in_force(&ours).direction, expected);
            assert_eq!(in_force(&ours).held, held);
        }
    }
}

#[test]
fn every_wish_is_answered_by_the_matrix() {
    // covers: TR-214
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let rows = [
        (SendRecv, [SendRecv, SendOnly, RecvOnly, Inactive]),
        (SendOnly, [RecvOnly, Inactive, RecvOnly, Inactive]),
        (RecvOnly, [SendOnly, SendOnly, Inactive, Inactive]),
        (Inactive, [Inactive, Inactive, Inactive, Inactive]),
    ];
    for (offered, answers) in rows {
        for (wish, expected) in [SendRecv, SendOnly, RecvOnly, Inactive].into_iter().zip(answers) {
            let (mut alice, mut bob) = (negotiation(1), negotiation(2));
            alice.set_direction(offered);
            bob.set_direction(wish);
            let (offer, answer) = exchange(&mut alice, &mut bob);
            assert_eq!((direction(&offer), direction(&answer)), (offered, expected), "wish {wish}");
            assert_eq!(in_force(&bob).direction, expected);
            assert_eq!(in_force(&alice).direction, expected.reversed());
            assert!(!alice.local_hold() && !bob.local_hold());
        }
    }
}

#[test]
fn who_has_nothing_to_send_holds_by_inactive() {
    // covers: TR-213
    let (mut alice, mut bob) = call();
    alice.set_direction(Direction::RecvOnly);
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert_eq!((direction(&offer), bob.remote_hold()), (Direction::RecvOnly, false));
    alice.desire(true);
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert_eq!((direction(&offer), bob.remote_hold()), (Direction::Inactive, true));
    alice.desire(false);
    let (offer, _) = exchange(&mut alice, &mut bob);
    assert_eq!((direction(&offer), in_force(&bob).direction), (Direction::RecvOnly, Direction::SendOnly));
}

#[test]
fn a_hold_is_offered_as_sendonly_or_inactive() {
    // covers: TR-213
    for (hold, offered) in
        [(HoldDirection::SendOnly, Direction::SendOnly), (HoldDirection::Inactive, Direction::Inactive)]
    {
        let (alice, mut bob) = call();
        let mut alice = alice.with_hold(hold);
        alice.desire(true);
        let (offer, answer) = exchange(&mut alice, &mut bob);
        assert_eq!(direction(&offer), offered);
        assert_eq!(direction(&answer), offered.reversed());
        assert!(alice.local_hold() && !alice.remote_hold());
        assert!(!bob.local_hold() && bob.remote_hold());
        alice.desire(false);
        let (offer, _) = exchange(&mut alice, &mut bob);
        assert_eq!(direction(&offer), Direction::SendRecv);
        assert!(!alice.local_hold() && !bob.remote_hold());
        assert_eq!(in_force(&bob).direction, Direction::SendRecv);
    }
}

#[test]
fn each_side_ends_its_own_hold() {
    // covers: TR-217
    let (mut alice, mut bob) = call();
    alice.desire(true);
    exchange(&mut alice, &mut bob);
    bob.desire(true);
    let (offer, answer) = exchange(&mut bob, &mut alice);
    assert_eq!((direction(&offer), direction(&answer)), (Direction::SendOnly, Direction::Inactive));
    for side in [&alice, &bob] {
        assert!(side.local_hold() && side.remote_hold());
        assert_eq!(in_force(side).direction, Direction::Inactive);
    }
    alice.desire(false);
    let (offer, answer) = exchange(&mut alice, &mut bob);
    assert_eq!((direction(&offer), direction(&answer)), (Direction::SendRecv, Direction::SendOnly));
    assert!(!alice.local_hold() && alice.remote_hold());
    assert!(bob.local_hold() && !bob.remote_hold());
    bob.desire(false);
    let (offer, answer) = exchange(&mut bob, &mut alice);
    assert_eq!((direction(&offer), direction(&answer)), (Direction::SendRecv, Direction::SendRecv));
    for side in [&alice, &bob] {
        assert!(!side.local_hold() && !side.remote_hold());
        assert_eq!(in_force(side).direction, Direction::SendRecv);
    }
}

#[test]
fn an_offer_shows_our_wish_and_never_mirrors_the_peers_hold() {
    // covers: TR-215, EC-76
    let (mut alice, mut bob) = call();
    bob.desire(true);
    exchange(&mut bob, &mut alice);
    assert_eq!(in_force(&alice).direction, Direction::RecvOnly);
    assert_eq!(direction(&alice.offer()), Direction::SendRecv);
    alice.rollback();
    // Also when we hold: a refresh repeats the hold.
    alice.desire(true);
    assert_eq!(direction(&alice.offer()), Direction::SendOnly);
}

#[test]
fn the_hold_flag_waits_for_a_valid_answer() {
    // covers: TR-218, TR-224
    let (mut alice, mut bob) = call();
    alice.desire(true);
    alice.offer();
    assert!(alice.desired_hold() && !alice.local_hold());
    // Refused, timed out, or answered with nonsense: no hold.
    assert!(alice.answered(b"nonsense").is_err());
    assert!(!alice.local_hold());
    alice.rollback();
    assert!(!alice.local_hold() && in_force(&alice).direction == Direction::SendRecv);
    exchange(&mut alice, &mut bob);
    // Direction and flag are both told.
    assert!(alice.local_hold() && in_force(&alice).direction == Direction::SendOnly);
    assert!(bob.remote_hold() && in_force(&bob).direction == Direction::RecvOnly);
}

#[test]
fn an_unspecified_address_is_a_hold() {
    // covers: TR-216
    for place in [
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP6 ::\r\n",
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP6 ::ffff:0.0.0.0\r\n",
    ] {
        let (mut alice, _) = call();
        alice.offered(&foreign(place)).expect("acceptable");
        let answer = alice.answer();
        assert!(!in_force(&alice).remote_valid && alice.remote_hold());
        assert_eq!(direction(&answer), Direction::SendRecv);
        assert!(!text(answer).contains("0.0.0.0"));
    }
    let session = String::from_utf8(foreign("m=audio 5000 RTP/AVP 0\r\n")).expect("text");
    let session = session.replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0");
    let (mut alice, _) = call();
    alice.offered(session.as_bytes()).expect("acceptable");
    alice.answer();
    assert!(!in_force(&alice).remote_valid && !in_force(&alice).rejected());
    // And back.
    alice.offered(&foreign("m=audio 5000 RTP/AVP 0\r\n")).expect("acceptable");
    alice.answer();
    assert!(in_force(&alice).remote_valid && !alice.remote_hold());
}

#[test]
fn the_answer_to_an_inactive_offer_tells_nothing_about_the_peer() {
    let (alice, mut bob) = call();
    let mut alice = alice.with_hold(HoldDirection::Inactive);
    alice.desire(true);
    exchange(&mut alice, &mut bob);
    assert!(!alice.remote_hold());
    bob.desire(true);
    exchange(&mut bob, &mut alice);
    assert!(alice.remote_hold());
    exchange(&mut alice, &mut bob);
    assert!(alice.remote_hold());
}
