//! Parties that cannot be referred are bridged by Alice, who has their calls. What they hear tells whether they are.

use session_core::{
    Codec, EventKind, Fallback, HoldAudio, LearnedFrom, OutcomeKind, ReferPolicy, SessionError, SessionId,
    SessionManager, Source, TransferError, TransferPolicy, TransferRefusal,
};
use tokio::time::timeout;

use crate::stage::{Calls, PATIENCE, Party, REPORTS, Three, first_call, new_call, placed, take_calls};

const A_LAW: &[Codec] = &[Codec::Pcma];
const BOTH: &[Codec] = &[Codec::Pcma, Codec::Pcmu];

/// A party that falls back to a bridge, and says what it does about a REFER.
async fn party(name: &str, hz: u16, refer: ReferPolicy, codecs: &[Codec]) -> Party {
    let mut policy = TransferPolicy { refer, fallback: Fallback::Bridge, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse().expect("a network"));
    let (manager, incoming) = SessionManager::builder()
        .identity(&format!("sip:{name}@127.0.0.1"))
        .source(Source::Tone { hz })
        .ears()
        .codecs(codecs)
        .rtcp_interval(REPORTS)
        .transfer_policy(policy)
        .start()
        .await
        .expect("a free port");
    let events = manager.subscribe().expect("events");
    tokio::spawn(take_calls(manager.clone(), incoming, Calls::Answered));
    Party { manager, events }
}

/// Alice is in a call with Bob.
async fn three(bobs: ReferPolicy, carols: &[Codec]) -> Three {
    let alice = party("alice", 440, ReferPolicy::Deny, BOTH).await;
    let bob = party("bob", 660, bobs, A_LAW).await;
    let carol = party("carol", 880, ReferPolicy::Allow, carols).await;
    let call = placed(&alice, &bob).await;
    Three { alice, bob, carol, call }
}

async fn over(party: &mut Party, call: SessionId) {
    party
        .wait("the end of a call", |event| {
            let ended = matches!(event.kind, EventKind::CallEnded { .. });
            (ended && event.session == Some(call)).then_some(())
        })
        .await;
}

/// Waits until the other side holds a call, or does no more.
async fn on_hold(party: &mut Party, call: SessionId, held: bool) {
    party
        .wait("a hold or its end", |event| {
            let changed = matches!(event.kind, EventKind::HoldChanged { remote, .. } if remote == held);
            (event.session == Some(call) && changed).then_some(())
        })
        .await;
}

async fn pressed(party: &mut Party, call: SessionId, wanted: char) {
    party
        .wait("a digit", |event| {
            let heard = matches!(event.kind, EventKind::Digit { digit, .. } if digit.to_char() == wanted);
            (event.session == Some(call) && heard).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_blind_transfer_of_a_party_that_declines_it_becomes_a_bridge_and_both_hear_each_other() {
    // covers: TR-170
    // As they are sent, or decoded and encoded.
    for carols in [A_LAW, &[Codec::Pcmu]] {
        let mut three = three(ReferPolicy::Deny, carols).await;
        let bobs = first_call(&mut three.bob).await;
        let transfer = three.call.blind(&three.carol.uri()).await.expect("it begins");
        let outcome = timeout(PATIENCE, transfer).await.expect("in time").expect("an outcome");
        assert_eq!((outcome.kind, outcome.learned_from), (OutcomeKind::Bridged, LearnedFrom::Local));
        assert_eq!(outcome.code.map(session_core::StatusCode::as_u16), Some(603));
        let carols = first_call(&mut three.carol).await;
        three.bob.hears_at_last(bobs, 880).await;
        three.carol.hears_at_last(carols, 660).await;
        // Alice neither speaks nor hears.
        let info = three.alice.manager.get_session_media_info(&three.call.id()).await.expect("known");
        assert!(info.heard.is_none(), "{info:?}");

        // What either presses reaches the other one.
        let bob = three.bob.manager.session(&bobs).await.expect("a call");
        let carol = three.carol.manager.session(&carols).await.expect("a call");
        bob.send_digits("5").await.expect("room");
        pressed(&mut three.carol, carols, '5').await;
        carol.send_digits("#").await.expect("room");
        pressed(&mut three.bob, bobs, '#').await;

        // Bob puts Alice on hold with music, which Carol hears, and who knows that she waits.
        bob.hold_audio(HoldAudio::Tone { hz: 300 }).await.expect("music");
        bob.hold().await.expect("held");
        on_hold(&mut three.carol, carols, true).await;
        three.carol.hears_at_last(carols, 300).await;
        bob.resume().await.expect("resumed");
        on_hold(&mut three.carol, carols, false).await;
        three.bob.hears_at_last(bobs, 880).await;
        three.carol.hears_at_last(carols, 660).await;

        // Carol hangs up, and Bob's call is over too.
        carol.hang_up().await.expect("an end");
        over(&mut three.bob, bobs).await;
        three.end().await;
    }
}

#[tokio::test]
async fn two_calls_are_bridged_where_the_party_declines_and_handed_over_by_the_other() {
    // covers: TR-170
    let mut three = three(ReferPolicy::Deny, A_LAW).await;
    let bobs = first_call(&mut three.bob).await;
    let other = placed(&three.alice, &three.carol).await;
    let (call, other) = (three.call.id(), other.id());
    let refused = three.alice.manager.hand_over(&call).await.map(|transfer| transfer.id());
    assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::NotBridged)));
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &other);
    let transfer = timeout(PATIENCE, moved).await.expect("in time").expect("bridged");
    assert_eq!(three.alice.outcome(transfer).await.kind, OutcomeKind::Bridged);
    let carols = first_call(&mut three.carol).await;
    three.bob.hears_at_last(bobs, 880).await;
    three.carol.hears_at_last(carols, 660).await;

    // Bob declines again, and they stay bridged.
    let stays = three.alice.manager.hand_over(&call).await.expect("a REFER");
    let outcome = timeout(PATIENCE, stays).await.expect("in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::Recovered, true));
    three.carol.hears_at_last(carols, 660).await;

    // Carol takes the REFER, and calls Bob in the place of Alice.
    let handed = three.alice.manager.hand_over(&other).await.expect("a REFER");
    let outcome = timeout(PATIENCE, handed).await.expect("in time").expect("an outcome");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded, "{outcome:?}");
    for over in [call, other] {
        let found = three.alice.manager.session(&over).await;
        assert!(matches!(found, Err(SessionError::Unknown)), "Alice is out: {found:?}");
    }
    let (bobs, carols) = (new_call(&mut three.bob, bobs).await, new_call(&mut three.carol, carols).await);
    three.bob.hears_at_last(bobs, 880).await;
    three.carol.hears_at_last(carols, 660).await;
    three.end().await;
}

#[tokio::test]
async fn a_back_to_back_agent_joins_two_of_its_three_calls_and_leaves_the_third() {
    // covers: EC-55, TR-170
    for refer in [ReferPolicy::Allow, ReferPolicy::Deny] {
        let mut three = three(refer, A_LAW).await;
        let bobs = first_call(&mut three.bob).await;
        // Dave wants Bob moved to Carol; he has a call with Alice, as they have.
        let mut dave = party("dave", 1_000, ReferPolicy::Deny, A_LAW).await;
        let transferor = placed(&three.alice, &dave).await.id();
        let daves = first_call(&mut dave).await;
        let consultation = placed(&three.alice, &three.carol).await;
        let carols = first_call(&mut three.carol).await;
        let manager = three.alice.manager.clone();
        let (call, consultation) = (three.call.id(), consultation.id());

        // Nothing is touched where the transferor is not there.
        let gone = SessionId::from(u64::MAX >> 8);
        let refused = manager.complete_attended_transfer(&gone, &call, &consultation).await;
        assert_eq!(refused, Err(SessionError::Unknown.into()));
        let refused = manager.complete_attended_transfer(&consultation, &call, &consultation).await;
        assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::SameCall)));
        assert!(!three.alice.holds(call).await && !three.alice.holds(consultation).await);

        let moved = manager.complete_attended_transfer(&transferor, &call, &consultation);
        let transfer = timeout(PATIENCE, moved).await.expect("in time").expect("moved");
        let outcome = three.alice.outcome(transfer).await;
        let (bobs, carols) = if refer == ReferPolicy::Allow {
            assert_eq!(outcome.kind, OutcomeKind::Succeeded);
            (new_call(&mut three.bob, bobs).await, new_call(&mut three.carol, carols).await)
        } else {
            assert_eq!(outcome.kind, OutcomeKind::Bridged);
            (bobs, carols)
        };
        over(&mut dave, daves).await;
        three.bob.hears_at_last(bobs, 880).await;
        three.carol.hears_at_last(carols, 660).await;
        timeout(PATIENCE, dave.manager.shutdown()).await.expect("a shutdown in time");
        three.end().await;
    }
}

#[tokio::test]
async fn a_back_to_back_transfer_that_fails_leaves_all_three_calls_as_they_were() {
    let mut three = three(ReferPolicy::Deny, A_LAW).await;
    let bobs = first_call(&mut three.bob).await;
    let dave = party("dave", 1_000, ReferPolicy::Deny, A_LAW).await;
    let transferor = placed(&three.alice, &dave).await.id();
    // The target is called for it, and hangs up before it is through.
    let (call, consultation) = (three.call.id(), placed(&three.alice, &three.carol).await.id());
    let carols = first_call(&mut three.carol).await;
    let manager = three.alice.manager.clone();
    let carol = three.carol.manager.session(&carols).await.expect("a call");
    carol.hang_up().await.expect("an end");
    over(&mut three.alice, consultation).await;
    let moved = manager.complete_attended_transfer(&transferor, &call, &consultation);
    assert_eq!(timeout(PATIENCE, moved).await.expect("in time"), Err(SessionError::Unknown.into()));
    assert!(manager.session(&transferor).await.is_ok(), "the transferor is still there");
    assert!(!three.alice.holds(call).await);
    three.bob.hears_at_last(bobs, 440).await;
    timeout(PATIENCE, dave.manager.shutdown()).await.expect("a shutdown in time");
    three.end().await;
}

#[tokio::test]
async fn a_back_to_back_transfer_that_nobody_waits_for_any_more_ends_the_transferors_call_all_the_same() {
    let three = three(ReferPolicy::Deny, A_LAW).await;
    let mut dave = party("dave", 1_000, ReferPolicy::Deny, A_LAW).await;
    let transferor = placed(&three.alice, &dave).await.id();
    let daves = first_call(&mut dave).await;
    let consultation = placed(&three.alice, &three.carol).await.id();
    let (manager, call) = (three.alice.manager.clone(), three.call.id());
    let mut moves = Box::pin(manager.complete_attended_transfer(&transferor, &call, &consultation));
    // The first poll gives it to the engine; then the future is dropped.
    let begun = std::future::poll_fn(|cx| std::task::Poll::Ready(moves.as_mut().poll(cx).is_pending())).await;
    assert!(begun, "it takes some messages");
    drop(moves);
    over(&mut dave, daves).await;
    timeout(PATIENCE, dave.manager.shutdown()).await.expect("a shutdown in time");
    three.end().await;
}
