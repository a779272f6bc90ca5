//! Warm transfers: who hears what while the target decides, and that the caller is back in every case but one.

use std::time::Duration;

use session_core::{
    Acceptance, DecidedBy, EventKind, Failure, HoldAudio, MediaMode, Outcome, OutcomeKind,
    ReplacesAuthorizer, SampleRate, SessionEvent, SessionId, Source, StatusCode, TransferError,
    TransferRefusal, WarmOptions, WarmTransfer, Wav,
};
use tokio::time::timeout;

use crate::stage::{Calls, PATIENCE, Party, Three, answered, first_call, new_call};

/// What the caller hears while it waits.
const MUSIC: u16 = 300;
/// What the target is told.
const BRIEFING: u16 = 1200;

fn with_sound() -> WarmOptions {
    let mut options = WarmOptions::default();
    options.hold_audio = Some(HoldAudio::Tone { hz: MUSIC });
    options.briefing = Some(Source::Tone { hz: BRIEFING });
    options
}

fn quiet(acceptance: Acceptance) -> WarmOptions {
    let mut options = WarmOptions::default();
    options.acceptance = acceptance;
    options
}

async fn outcome(mut transfer: WarmTransfer) -> Outcome {
    timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome")
}

/// Begins a warm transfer to Carol, up to her answer.
async fn told(three: &mut Three, options: WarmOptions) -> WarmTransfer {
    let transfer = three.call.warm(&three.carol.uri(), options).await.expect("a warm transfer");
    three.alice.wait("answer", answered).await;
    transfer
}

fn decided(event: &SessionEvent) -> Option<(bool, DecidedBy)> {
    match event.kind {
        EventKind::TargetAccepted { by } => Some((true, by)),
        EventKind::TargetDeclined { by } => Some((false, by)),
        _ => None,
    }
}

async fn press(party: &Party, call: SessionId, digits: &str) {
    let session = party.manager.session(&call).await.expect("the call");
    session.send_digits(digits).await.expect("digits");
}

async fn ended(party: &mut Party, call: SessionId) {
    party
        .wait("end of the call", |event| {
            (event.session == Some(call) && matches!(event.kind, EventKind::CallEnded { .. })).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_target_that_is_told_and_presses_one_takes_the_caller_over() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let transfer = told(&mut three, with_sound()).await;
    let carols = first_call(&mut three.carol).await;
    three.carol.hears_at_last(carols, BRIEFING).await;
    three.bob.hears_at_last(bobs, MUSIC).await;
    press(&three.carol, carols, "71").await;
    assert_eq!(three.alice.wait("decision", decided).await, (true, DecidedBy::Digit));
    assert_eq!(outcome(transfer).await.kind, OutcomeKind::Succeeded);
    let (bobs, carols) = (new_call(&mut three.bob, bobs).await, new_call(&mut three.carol, carols).await);
    three.bob.hears_at_last(bobs, 880).await;
    three.carol.hears_at_last(carols, 660).await;
    assert!(three.alice.manager.sessions().await.expect("a list").is_empty(), "Alice is out");
    three.end().await;
}

#[tokio::test]
async fn a_target_that_declines_is_let_go_and_the_caller_hears_who_was_there_before() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let bobs = first_call(&mut three.bob).await;
    let transfer = told(&mut three, with_sound()).await;
    let carols = first_call(&mut three.carol).await;
    three.carol.hears_at_last(carols, BRIEFING).await;
    press(&three.carol, carols, "2").await;
    assert_eq!(three.alice.wait("decision", decided).await, (false, DecidedBy::Digit));
    let outcome = outcome(transfer).await;
    assert_eq!((outcome.kind, outcome.failure), (OutcomeKind::Recovered, Some(Failure::Declined)));
    assert!(outcome.call_kept);
    ended(&mut three.carol, carols).await;
    assert!(!three.alice.holds(three.call.id()).await);
    three.bob.hears_at_last(bobs, 440).await;
    three.alice.hears_at_last(three.call.id(), 660).await;
    three.end().await;
}

#[tokio::test]
async fn a_target_that_does_not_decide_in_time_is_let_go() {
    let mut three = Three::signalling(Calls::Answered).await;
    let mut options = quiet(Acceptance::default());
    options.deadline = Duration::from_millis(200);
    let transfer = told(&mut three, options).await;
    assert_eq!(three.alice.wait("decision", decided).await, (false, DecidedBy::Deadline));
    let outcome = outcome(transfer).await;
    assert_eq!((outcome.kind, outcome.failure), (OutcomeKind::TimedOut, Some(Failure::Undecided)));
    assert!(outcome.call_kept && !three.alice.holds(three.call.id()).await);
    let carols = first_call(&mut three.carol).await;
    ended(&mut three.carol, carols).await;
    three.end().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_the_call_to_the_target() {
    for carols in [Calls::Answered, Calls::Ringing] {
        let mut three = Three::signalling(carols).await;
        let bobs = first_call(&mut three.bob).await;
        let transfer =
            three.call.warm(&three.carol.uri(), quiet(Acceptance::Application)).await.expect("a transfer");
        let consultation = transfer.call().clone();
        if matches!(carols, Calls::Answered) {
            three.alice.wait("answer", answered).await;
        } else {
            let ringing = |event: &SessionEvent| matches!(event.kind, EventKind::ConsultRinging { .. });
            three.alice.wait("ringing", |event| ringing(event).then_some(())).await;
        }
        let session = three.bob.manager.session(&bobs).await.expect("Bob's call");
        session.hang_up().await.expect("an end");
        assert_eq!(outcome(transfer).await.kind, OutcomeKind::PeerHungUp);
        timeout(PATIENCE, consultation.ended()).await.expect("an end in time").expect("an end");
        three.end().await;
    }
}

#[tokio::test]
async fn a_busy_target_gives_the_caller_back() {
    let three = Three::signalling(Calls::Refused).await;
    let transfer = three.call.warm(&three.carol.uri(), WarmOptions::default()).await.expect("a transfer");
    let outcome = outcome(transfer).await;
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::BUSY_HERE)));
    assert!(outcome.call_kept && !three.alice.holds(three.call.id()).await);
    three.end().await;
}

#[tokio::test]
async fn the_application_decides_once_the_target_has_answered_and_only_once() {
    let mut three = Three::signalling(Calls::Answered).await;
    let transfer =
        three.call.warm(&three.carol.uri(), quiet(Acceptance::Application)).await.expect("a transfer");
    let too_early = transfer.accept().await;
    if let Err(TransferError::WrongState { wanted, .. }) = too_early {
        assert_eq!(wanted, "ConsultTalk");
        three.alice.wait("answer", answered).await;
        transfer.accept().await.expect("accepted");
    } else {
        // The answer was faster than the question.
        too_early.expect("accepted");
    }
    assert_eq!(three.alice.wait("decision", decided).await, (true, DecidedBy::Application));
    let again = transfer.decline().await;
    assert!(
        matches!(
            again,
            Err(TransferError::WrongState { .. } | TransferError::Refused(TransferRefusal::UnknownTransfer))
        ),
        "{again:?}"
    );
    assert_eq!(outcome(transfer).await.kind, OutcomeKind::Succeeded);
    three.end().await;

    let mut three = Three::signalling(Calls::Answered).await;
    let transfer = told(&mut three, quiet(Acceptance::Application)).await;
    transfer.decline().await.expect("declined");
    let outcome = outcome(transfer).await;
    assert_eq!((outcome.kind, outcome.failure), (OutcomeKind::Recovered, Some(Failure::Declined)));
    three.end().await;
}

#[tokio::test]
async fn a_briefing_that_was_heard_to_its_end_is_enough_where_that_is_said() {
    let mut three = Three::new(Calls::Answered, MediaMode::On, ReplacesAuthorizer::ReferredBy).await;
    let mut options = quiet(Acceptance::Briefed);
    let speech = Wav::new(vec![1_000; 2_400], SampleRate::Hz8000).once();
    options.briefing = Some(Source::Wav(speech));
    let transfer = told(&mut three, options).await;
    assert_eq!(three.alice.wait("decision", decided).await, (true, DecidedBy::Answer));
    assert_eq!(outcome(transfer).await.kind, OutcomeKind::Succeeded);
    three.end().await;
}

#[tokio::test]
async fn an_answer_is_enough_where_nothing_is_to_be_told() {
    let mut three = Three::signalling(Calls::Answered).await;
    let transfer = told(&mut three, quiet(Acceptance::Briefed)).await;
    assert_eq!(outcome(transfer).await.kind, OutcomeKind::Succeeded);
    three.end().await;
}

#[tokio::test]
async fn an_operation_that_is_refused_meanwhile_leaves_the_warm_transfer_alone() {
    let mut three = Three::signalling(Calls::Answered).await;
    let transfer = told(&mut three, quiet(Acceptance::Application)).await;
    // A step of manual handling, which this is not.
    three.alice.manager.handle_transfer_notify(&transfer.id()).await.expect_err("no manual transfer");
    transfer.decline().await.expect("the target can still decline");
    let outcome = outcome(transfer).await;
    assert_eq!((outcome.kind, outcome.failure), (OutcomeKind::Recovered, Some(Failure::Declined)));
    three.end().await;
}

#[tokio::test]
async fn a_transfer_that_is_given_up_is_not_decided_about_as_well() {
    let mut three = Three::signalling(Calls::Answered).await;
    let mut options = quiet(Acceptance::Application);
    options.deadline = Duration::from_millis(100);
    let transfer = told(&mut three, options).await;
    // Whichever comes first, the other comes to nothing.
    transfer.cancel().await.unwrap_or_default();
    let outcome = outcome(transfer).await;
    assert!(matches!(outcome.kind, OutcomeKind::Cancelled | OutcomeKind::TimedOut), "{outcome:?}");
    assert!(outcome.call_kept && !three.alice.holds(three.call.id()).await);
    three.end().await;
}
