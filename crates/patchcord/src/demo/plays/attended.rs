//! Alice calls Carol first, and moves Bob to her as soon as she has answered.

use session_core::{AttendedOptions, Completion, StatusCode};

use crate::demo::parties::{ALICE, BOB, CAROL};
use crate::demo::plot::Phase;
use crate::demo::stage::Stage;
use crate::exit::Failure;

/// What Carol does when she is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// She answers Alice, and then Bob in her place.
    Answers,
    /// She answers Alice, but nobody in her place.
    Refuses,
    /// She refuses Alice's call with 486.
    Busy,
}

pub(super) async fn play(stage: &mut Stage<'_>, carol: Asked) -> Result<(), Failure> {
    let bob = stage.call_bob().await?;
    let carol_uri = stage.parties[CAROL].uri();
    let options = AttendedOptions::default();
    let mut consultation = bob.consult_with(&carol_uri, options, Completion::OnAnswer).await?;
    stage.calls().note(ALICE, CAROL, consultation.call().id());
    let call = stage.ring_at_carols(ALICE).await?;
    match carol {
        Asked::Answers | Asked::Refuses => drop(call.answer(&stage.parties[CAROL].manager).await?),
        Asked::Busy => call.reject(StatusCode::BUSY_HERE).await?,
    }
    stage.outcome(consultation.outcome()).await?;
    match carol {
        Asked::Answers => {
            stage.moved().await?;
            stage.talk(Phase::After).await?;
            stage.end(&[(CAROL, BOB)]).await
        }
        Asked::Refuses => {
            stage.talk(Phase::After).await?;
            stage.end(&[(ALICE, CAROL), (ALICE, BOB)]).await
        }
        Asked::Busy => {
            stage.settled().await?;
            stage.talk(Phase::After).await?;
            stage.end(&[(ALICE, BOB)]).await
        }
    }
}
