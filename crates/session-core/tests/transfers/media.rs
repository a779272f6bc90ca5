//! The media of a transfer's calls, by the operations' names.

use std::sync::Arc;

use session_core::{
    EventKind, HoldBy, MediaError, MediaMode, RecordLayout, ReplacesAuthorizer, SessionError, SessionEvent,
    SessionId, SessionMediaState, TransferError, TransferId, TransferRefusal,
};
use tokio::time::timeout;

use crate::stage::{Calls, PATIENCE, Three, answered, first_call, new_call, placed};

fn state_of(event: &SessionEvent, session: SessionId) -> Option<SessionMediaState> {
    match event.kind {
        EventKind::MediaStateChanged { state } if event.session == Some(session) => Some(state),
        _ => None,
    }
}

/// Alice's call with Bob, the one with Carol, and the transfer they belong to; Bob is on hold and Carol hears Alice.
async fn asked(three: &mut Three) -> (SessionId, SessionId, TransferId) {
    let call = three.call.id();
    let consultation = three.consultation().await;
    three.alice.wait("answer", answered).await;
    let transfers = three.alice.manager.get_sessions_with_transfers().await.expect("a list");
    let [transfer] = &transfers[..] else { panic!("one transfer: {transfers:?}") };
    (call, consultation, transfer.transfer)
}

#[tokio::test]
async fn the_users_audio_moves_by_command_and_back() {
    // covers: TM-016, TM-018
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let (call, consultation, transfer) = asked(&mut three).await;
    let carols = first_call(&mut three.carol).await;
    three.carol.hears_at_last(carols, 440).await;

    let manager = three.alice.manager.clone();
    manager.setup_transfer_media_coordination(&consultation, &call, &transfer).await.expect("coordinated");
    manager.setup_transfer_media_coordination(&consultation, &call, &transfer).await.expect("once more");
    let held = manager.prepare_session_for_media_transfer(&consultation, &transfer).await.expect("prepared");
    assert!(held.local, "the policy holds");
    manager.execute_media_transfer(&consultation, &call, &transfer).await.expect("switched");
    let resumed = manager.resume_session_media(&call, &transfer).await.expect("resumed");
    assert!(!resumed.local);
    let gap = three
        .alice
        .wait("switch", |event| match event.kind {
            EventKind::MediaSwitched { to, gap } if to == call => Some(gap),
            _ => None,
        })
        .await;
    assert!(gap.is_some(), "audio came after the switch");
    three.bob.hears_at_last(bobs, 440).await;
    three.alice.hears_at_last(call, 660).await;
    let states = manager.update_transfer_media_states(&transfer).await.expect("states");
    assert_eq!(
        states,
        [(call, SessionMediaState::Active), (consultation, SessionMediaState::Paused(HoldBy::Local))]
    );

    // Back again, without the phases.
    manager.hold_session_media(&call, &transfer).await.expect("held");
    manager.transfer_rtp_streams(&call, &consultation, &transfer).await.expect("moved");
    manager.resume_session_media(&consultation, &transfer).await.expect("resumed");
    three.carol.hears_at_last(carols, 440).await;
    assert!(manager.get_session_media_info(&call).await.expect("known").heard.is_none(), "one ear, one call");
    manager.cancel_transfer(&transfer).await.expect("given up");
    three.end().await;
}

#[tokio::test]
async fn what_cannot_be_switched_is_refused_and_changes_nothing() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let (call, consultation, transfer) = asked(&mut three).await;
    let manager = three.alice.manager.clone();
    let other = three.alice.manager.call(&three.bob.uri()).await.expect("a call");
    timeout(PATIENCE, other.established()).await.expect("in time").expect("up");

    let refused = manager.execute_media_transfer(&consultation, &other.id(), &transfer).await;
    assert_eq!(refused, Err(SessionError::Media(MediaError::NotCoordinated).into()));
    let refused = manager.execute_media_transfer(&call, &consultation, &transfer).await;
    assert_eq!(refused, Err(SessionError::Media(MediaError::NoAudio).into()), "the audio is with Carol");
    let refused = manager.transfer_rtp_streams(&other.id(), &other.id(), &transfer).await;
    assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::SameCall)));
    let refused = manager.setup_transfer_media_coordination(&call, &call, &transfer).await;
    assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::SameCall)));

    let unknown = TransferId::from(u64::MAX >> 8);
    let refused = manager.setup_transfer_media_coordination(&call, &consultation, &unknown).await;
    assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::UnknownTransfer)));
    let refused = manager.hold_session_media(&call, &unknown).await;
    assert_eq!(refused, Err(TransferError::Refused(TransferRefusal::UnknownTransfer)));
    let gone = SessionId::from(u64::MAX >> 8);
    let refused = manager.start_transfer_media_monitoring(&gone, &transfer).await;
    assert_eq!(refused, Err(SessionError::Unknown.into()));
    manager.cleanup_transfer_media_coordination(&unknown).await.expect("nothing to let go of");

    let heard = manager.get_session_media_info(&consultation).await.expect("known").heard;
    assert!(heard.is_some(), "the audio stays where it was");
    manager.cancel_transfer(&transfer).await.expect("given up");
    three.end().await;
}

#[tokio::test]
async fn audio_takes_the_place_of_what_the_other_call_has_of_its_own() {
    // covers: TM-016, TM-018
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let (call, consultation, transfer) = asked(&mut three).await;
    let manager = three.alice.manager.clone();
    let other = placed(&three.alice, &three.bob).await;
    let theirs = new_call(&mut three.bob, bobs).await;
    let file = std::env::temp_dir().join(format!("patchcord-displaced-{}.wav", std::process::id()));
    let recording = other.record(&file, RecordLayout::Mono).await.expect("it has audio");

    manager.transfer_rtp_streams(&consultation, &other.id(), &transfer).await.expect("moved");
    let mut told = Vec::new();
    while told.len() < 2 {
        let event = three.alice.wait("end of the other audio", |event| match event.kind {
            EventKind::AudioReplaced if event.session == Some(other.id()) => Some("replaced"),
            EventKind::RecordingEnded { recording: ended, result: Ok(()) } if ended == recording => {
                Some("recorded")
            }
            _ => None,
        });
        told.push(event.await);
    }
    told.sort_unstable();
    assert_eq!(told, ["recorded", "replaced"]);
    std::fs::remove_file(&file).expect("the recording is there");
    three.alice.hears_at_last(other.id(), 660).await;
    three.bob.hears_at_last(theirs, 440).await;
    assert!(manager.get_session_media_info(&consultation).await.expect("known").heard.is_none());

    // Back again: what made room is gone for good.
    manager
        .setup_transfer_media_coordination(&other.id(), &consultation, &transfer)
        .await
        .expect("both are up");
    manager.execute_media_transfer(&other.id(), &consultation, &transfer).await.expect("moved");
    three.alice.hears_at_last(consultation, 880).await;
    assert!(manager.get_session_media_info(&other.id()).await.expect("known").heard.is_none());
    let refused = manager.execute_media_transfer(&other.id(), &call, &transfer).await;
    assert_eq!(refused, Err(SessionError::Media(MediaError::NoAudio).into()));
    manager.cancel_transfer(&transfer).await.expect("given up");
    three.end().await;
}

#[tokio::test]
async fn what_the_application_let_go_of_is_not_watched_again() {
    let mut three = Three::new(Calls::Answered, MediaMode::Off, ReplacesAuthorizer::ReferredBy).await;
    let (call, consultation, transfer) = asked(&mut three).await;
    let manager = three.alice.manager.clone();
    manager.cleanup_transfer_media_coordination(&transfer).await.expect("let go of");
    let summed = |event: &SessionEvent| {
        let summed = matches!(event.kind, EventKind::MediaMonitored(_)) && event.transfer == Some(transfer);
        event.session.filter(|_| summed)
    };
    let mut calls = [three.alice.wait("sum", summed).await, three.alice.wait("sum", summed).await];
    calls.sort_unstable();
    assert_eq!(calls, [call, consultation]);
    let states = manager.update_transfer_media_states(&transfer).await.expect("the transfer lives");
    assert!(states.is_empty(), "{states:?}");

    let moved = manager.complete_attended_transfer(&call, &call, &consultation);
    timeout(PATIENCE, moved).await.expect("an outcome in time").expect("Bob is moved");
    let again = three.alice.wait("the end", |event| match event.kind {
        EventKind::MediaMonitored(_) => Some(true),
        EventKind::TransferEnded(_) => Some(false),
        _ => None,
    });
    assert!(!again.await, "an event of the transfer brought a call in again");
    three.end().await;
}

#[tokio::test]
async fn every_call_of_a_transfer_is_summed_up_before_its_end() {
    // covers: TM-084
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let (call, consultation, transfer) = asked(&mut three).await;
    let quality = three
        .alice
        .wait("a watched report", |event| {
            let watched = event.transfer == Some(transfer) && event.session == Some(consultation);
            (watched && matches!(event.kind, EventKind::MediaQuality(_))).then_some(())
        })
        .await;
    assert_eq!(quality, ());
    let moved = three.alice.manager.complete_attended_transfer(&call, &call, &consultation);
    timeout(PATIENCE, moved).await.expect("an outcome in time").expect("Bob is moved");
    let mut summed = Vec::new();
    let outcome = async {
        while let Some(delivery) = three.alice.events.recv().await {
            let event: Arc<SessionEvent> = delivery.into_event().expect("nothing is lost");
            match &event.kind {
                EventKind::MediaMonitored(summary) => summed.push((event.session, summary.packets > 0)),
                EventKind::TransferEnded(_) => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, outcome).await.expect("an end in time");
    assert_eq!(summed.len(), 2, "{summed:?}");
    assert!(summed.contains(&(Some(consultation), true)), "{summed:?}");
    assert!(summed.iter().any(|(session, _)| *session == Some(call)));

    // Bob was moved: his two calls.
    let mut summed = Vec::new();
    let outcome = async {
        while let Some(delivery) = three.bob.events.recv().await {
            let event: Arc<SessionEvent> = delivery.into_event().expect("nothing is lost");
            match &event.kind {
                EventKind::MediaMonitored(_) => summed.push(event.session),
                EventKind::TransferEnded(_) => return,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, outcome).await.expect("an end in time");
    assert!(summed.len() == 2 && summed.contains(&Some(bobs)), "{summed:?}");
    three.end().await;
}

#[tokio::test]
async fn the_state_of_media_follows_from_what_is_negotiated() {
    // covers: TR-224
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let (call, bobs) = (three.call.id(), first_call(&mut three.bob).await);
    let mut states = Vec::new();
    while states.last() != Some(&SessionMediaState::Active) {
        states.push(three.alice.wait("state", |event| state_of(event, call)).await);
    }
    assert_eq!(
        states,
        [SessionMediaState::Negotiating, SessionMediaState::Configured, SessionMediaState::Active]
    );
    three.call.hold().await.expect("held");
    let paused = three.alice.wait("pause", |event| state_of(event, call)).await;
    assert_eq!(paused, SessionMediaState::Paused(HoldBy::Local));
    let info = three.call.media_info().await.expect("known");
    assert_eq!(info.media, paused);
    three
        .bob
        .wait("their pause", |event| {
            let state = state_of(event, bobs)?;
            (state == SessionMediaState::Paused(HoldBy::Remote)).then_some(())
        })
        .await;
    three.call.resume().await.expect("resumed");
    while three.alice.wait("state", |event| state_of(event, call)).await != SessionMediaState::Active {}
    three.end().await;
}

#[tokio::test]
async fn a_busy_target_leaves_both_parties_with_each_others_audio() {
    // covers: TR-163, TR-178
    let mut three = Three::new(Calls::Refused, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let (call, bobs) = (three.call.id(), first_call(&mut three.bob).await);
    three.bob.hears_at_last(bobs, 440).await;
    let transfer = three.call.blind(&three.carol.uri()).await.expect("it begins");
    let outcome = timeout(PATIENCE, transfer).await.expect("in time").expect("an outcome");
    assert!(outcome.call_kept, "{outcome:?}");
    assert!(!three.alice.holds(call).await);
    three.bob.hears_at_last(bobs, 440).await;
    three.alice.hears_at_last(call, 660).await;
    three.end().await;
}
