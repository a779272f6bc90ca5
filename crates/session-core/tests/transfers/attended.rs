//! Transfers to somebody who is asked first.

use session_core::{
    EventKind, Failure, LearnedFrom, MediaMode, OutcomeKind, ReplacesAuthorizer, Role, SessionError,
    SessionEvent, SessionId, SessionState, StatusCode, TransferError, TransferRefusal, TransferType,
};
use tokio::time::timeout;

use crate::stage::{Calls, PATIENCE, Three, answered, first_call, new_call, placed};

#[tokio::test]
async fn a_party_is_moved_to_the_target_that_was_asked_and_they_hear_each_other() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let consultation = three.consultation().await;
    let carols = first_call(&mut three.carol).await;
    three.alice.wait("answer", answered).await;
    assert_eq!(three.carol.hears(carols).await, Some(440), "Carol hears Alice");
    assert!(three.alice.holds(three.call.id()).await && !three.alice.holds(consultation).await);

    let call = three.call.id();
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
    timeout(PATIENCE, moved).await.expect("an outcome in time").expect("Bob is moved");
    for over in [call, consultation] {
        let found = three.alice.manager.session(&over).await;
        assert!(matches!(found, Err(SessionError::Unknown)), "Alice is out: {found:?}");
    }
    let (bobs, carols) = (new_call(&mut three.bob, bobs).await, new_call(&mut three.carol, carols).await);
    assert_eq!((three.bob.hears(bobs).await, three.carol.hears(carols).await), (Some(880), Some(660)));
    // A call that came of a transfer is a call like any other.
    let session = three.carol.manager.session(&carols).await.expect("Carol's call with Bob");
    assert!(timeout(PATIENCE, session.hold()).await.expect("in time").expect("a hold").local);
    three.end().await;
}

#[tokio::test]
async fn a_refused_replacement_leaves_both_calls_as_they_were() {
    for held in [None, Some(false), Some(true)] {
        let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::Deny).await;
        let other = placed(&three.alice, &three.carol).await;
        // The application may hold one of the two, as a phone does.
        match held {
            None => {}
            Some(true) => drop(three.call.hold().await.expect("a hold")),
            Some(false) => drop(other.hold().await.expect("a hold")),
        }
        let (call, other) = (three.call.id(), other.id());
        let moved = three.alice.manager.complete_attended_transfer(&call, &call, &other);
        let Err(TransferError::Ended(outcome)) = timeout(PATIENCE, moved).await.expect("an outcome in time")
        else {
            panic!("{held:?}: it cannot succeed");
        };
        assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::FORBIDDEN)));
        assert_eq!((outcome.learned_from, outcome.call_kept), (LearnedFrom::Notify, true));
        let holds = (three.alice.holds(call).await, three.alice.holds(other).await);
        assert_eq!(holds, (held == Some(true), held == Some(false)), "{held:?}");
        let refused = three.carol.wait("refusal", |event| match event.kind {
            EventKind::ReplaceRefused { status, .. } => Some(status),
            _ => None,
        });
        assert_eq!(refused.await, StatusCode::FORBIDDEN);
        three.end().await;
    }
}

#[tokio::test]
async fn a_refused_replacement_of_a_consultation_gives_the_party_back_and_keeps_the_target_on_hold() {
    let mut three = Three::new(Calls::Answered, MediaMode::Off, ReplacesAuthorizer::Deny).await;
    let consultation = three.consultation().await;
    three.alice.wait("answer", answered).await;
    let call = three.call.id();
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
    let ended = timeout(PATIENCE, moved).await.expect("an outcome in time");
    assert!(matches!(ended, Err(TransferError::Ended(outcome)) if outcome.call_kept), "{ended:?}");
    assert!(!three.alice.holds(call).await && three.alice.holds(consultation).await);
    three.end().await;
}

#[tokio::test]
async fn two_calls_of_ours_become_one_of_the_others() {
    // The target may have placed its call, too: Replaces names it from the target's side all the same.
    for placed_by_target in [false, true] {
        let mut three = Three::signalling(Calls::Answered).await;
        let mine = first_call(&mut three.alice).await;
        let other = if placed_by_target {
            let _carols = placed(&three.carol, &three.alice).await;
            let id = new_call(&mut three.alice, mine).await;
            three.alice.manager.session(&id).await.expect("a call that came in")
        } else {
            placed(&three.alice, &three.carol).await
        };
        let mut transfer = three.call.attended(&other).await.expect("a transfer");
        let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
        assert_eq!(outcome.kind, OutcomeKind::Succeeded, "{placed_by_target}: {outcome:?}");
        timeout(PATIENCE, other.ended()).await.expect("in time").expect("Carol ends the replaced call");
        assert_eq!(three.bob.manager.sessions().await.expect("a list").len(), 1);
        three.end().await;
    }
}

#[tokio::test]
async fn swapping_turns_to_the_one_and_holds_the_other() {
    let mut three = Three::signalling(Calls::Answered).await;
    let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    timeout(PATIENCE, consultation.answered()).await.expect("in time").expect("an answer");
    let (first, target) = (three.call.id(), consultation.call().id());
    for active in [first, target, first] {
        consultation.swap().await.expect("a swap");
        let swapped = |event: &SessionEvent| match event.kind {
            EventKind::ConsultSwapped { active } => Some(active),
            _ => None,
        };
        assert_eq!(three.alice.wait("swap", swapped).await, active);
        assert_eq!(three.alice.holds(first).await, active == target);
        assert_eq!(three.alice.holds(target).await, active == first);
    }
    let mut steps = 0;
    let mut transfer = consultation.complete().await.map_err(|(_, error)| error).expect("completed");
    while timeout(PATIENCE, transfer.progress()).await.expect("in time").is_some() {
        steps += 1;
    }
    assert!(steps > 5, "consulting, answered, swapped, sent, accepted: {steps}");
    let outcome = transfer.outcome().await.expect("an outcome");
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Succeeded, Some(StatusCode::OK)));
    three.end().await;
}

#[tokio::test]
async fn a_consultation_can_be_given_up_while_it_rings_and_when_it_is_up() {
    for calls in [Calls::Ringing, Calls::Answered] {
        let mut three = Three::signalling(calls).await;
        let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
        let target = consultation.call().clone();
        three
            .alice
            .wait("the target's phone", |event| {
                matches!(event.kind, EventKind::ConsultRinging { .. } | EventKind::ConsultAnswered)
                    .then_some(())
            })
            .await;
        let outcome = timeout(PATIENCE, consultation.abort()).await.expect("in time").expect("an outcome");
        assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::Cancelled, true));
        timeout(PATIENCE, target.ended()).await.expect("in time").expect("the target is let go");
        assert!(!three.alice.holds(three.call.id()).await, "the first party is back");
        three.end().await;
    }
}

#[tokio::test]
async fn a_target_that_refuses_the_consultation_gives_the_party_back() {
    let mut three = Three::signalling(Calls::Refused).await;
    let call = three.call.id();
    let consultation = three.consultation().await;
    let ended = three.alice.wait("outcome", |event| match event.kind {
        EventKind::TransferEnded(outcome) => Some(outcome),
        _ => None,
    });
    let outcome = ended.await;
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::BUSY_HERE)));
    assert_eq!((outcome.failure, outcome.learned_from), (Some(Failure::Consultation), LearnedFrom::Local));
    assert!(!three.alice.holds(call).await);
    let late = three.alice.manager.complete_attended_transfer(&call, &call, &consultation).await;
    assert!(matches!(late, Err(TransferError::Session(SessionError::Unknown))), "{late:?}");
    three.end().await;
}

#[tokio::test]
async fn a_party_that_leaves_while_the_target_is_asked_leaves_us_with_the_target() {
    let mut three = Three::signalling(Calls::Answered).await;
    let bobs = first_call(&mut three.bob).await;
    let mut consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    timeout(PATIENCE, consultation.answered()).await.expect("in time").expect("an answer");
    three.bob.manager.session(&bobs).await.expect("Bob's call").hang_up().await.expect("an end");
    let lost = |event: &SessionEvent| matches!(event.kind, EventKind::PrimaryLost).then_some(());
    three.alice.wait("loss", lost).await;
    let outcome = timeout(PATIENCE, consultation.outcome()).await.expect("in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::PeerHungUp, false));
    assert!(!three.alice.holds(consultation.call().id()).await, "the target is still there");
    three.end().await;
}

#[tokio::test]
async fn each_kind_of_transfer_begins_by_its_name() {
    for kind in [TransferType::Blind, TransferType::Attended, TransferType::Consultative] {
        let mut three = Three::signalling(Calls::Answered).await;
        let call = three.call.id();
        let begun = three.alice.manager.initiate_transfer(&call, &three.carol.uri(), kind).await;
        let transfer = begun.expect("a transfer");
        if kind == TransferType::Consultative {
            three.alice.wait("answer", answered).await;
            let infos = three.alice.manager.get_sessions_with_transfers().await.expect("a list");
            let info = infos.iter().find(|info| info.transfer == transfer).expect("it is live");
            assert_eq!((info.session, info.role, info.state), (call, Role::Transferor, "ConsultTalk"));
            let consultation = info.consultation.expect("the target is asked");
            let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
            let completed = timeout(PATIENCE, moved).await.expect("an outcome in time");
            assert_eq!(completed.expect("Bob is moved"), transfer, "it is the same transfer");
        }
        assert_eq!(three.alice.outcome(transfer).await.kind, OutcomeKind::Succeeded, "{kind:?}");
        three.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let three = Three::signalling(Calls::Ringing).await;
    let manager = three.alice.manager.clone();
    let call = three.call.id();
    let gone = SessionId::from(9_999);
    let ringing = manager.call(&three.carol.uri()).await.expect("a call");
    let other = placed(&three.alice, &three.bob).await;
    let not_up = |result: &Result<_, TransferError>| {
        let wrong =
            SessionError::WrongState { state: SessionState::Calling, wanted: SessionState::Established };
        *result == Err(TransferError::Session(wrong))
    };
    for kind in [TransferType::Blind, TransferType::Attended, TransferType::Consultative] {
        assert!(
            not_up(&manager.initiate_transfer(&ringing.id(), &three.carol.uri(), kind).await),
            "{kind:?}"
        );
        let unknown = manager.initiate_transfer(&gone, &three.carol.uri(), kind).await;
        assert_eq!(unknown, Err(TransferError::Session(SessionError::Unknown)), "{kind:?}");
        let nowhere = manager.initiate_transfer(&call, "nowhere", kind).await;
        assert!(matches!(nowhere, Err(TransferError::Session(SessionError::Target(_)))), "{kind:?}");
    }
    assert!(not_up(&manager.complete_attended_transfer(&call, &call, &ringing.id()).await));
    assert!(not_up(&manager.complete_attended_transfer(&ringing.id(), &ringing.id(), &call).await));
    let same = manager.complete_attended_transfer(&call, &call, &call).await;
    assert_eq!(same, Err(TransferError::Refused(TransferRefusal::SameCall)));
    assert!(not_up(&manager.complete_attended_transfer(&call, &other.id(), &ringing.id()).await));
    assert!(not_up(&manager.complete_attended_transfer(&ringing.id(), &call, &other.id()).await));
    ringing.hang_up().await.expect("an end");
    assert!(!three.alice.holds(call).await && !three.alice.holds(other.id()).await);
    assert!(manager.get_sessions_with_transfers().await.expect("a list").is_empty());

    // One transfer at a time; and while the target only rings there is nobody to turn to.
    let consultation = three.call.consult(&three.carol.uri()).await.expect("a consultation");
    let second = three.call.consult(&three.carol.uri()).await.expect_err("one at a time");
    assert!(matches!(second, TransferError::WrongState { wanted: "Idle", .. }), "{second:?}");
    let swap = consultation.swap().await.expect_err("nobody to turn to");
    assert!(matches!(swap, TransferError::WrongState { wanted: "ConsultTalk", .. }), "{swap:?}");
    timeout(PATIENCE, consultation.abort()).await.expect("in time").expect("an outcome");
    three.end().await;
}
