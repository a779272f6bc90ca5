//! Alice talks to Carol first, turns back to Bob once more, and moves him.

use session_core::EventKind;

use crate::demo::parties::{ALICE, BOB, CAROL};
use crate::demo::plot::Phase;
use crate::demo::stage::{Stage, within};
use crate::exit::Failure;

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let bob = stage.call_bob().await?;
    let carol_uri = stage.parties[CAROL].uri();
    let mut consultation = bob.consult(&carol_uri).await?;
    stage.calls().note(ALICE, CAROL, consultation.call().id());
    let call = stage.ring_at_carols(ALICE).await?;
    call.answer(&stage.parties[CAROL].manager).await?;
    within(consultation.answered(), "Carol's answer").await??;
    for (party, with) in [(ALICE, CAROL), (CAROL, ALICE)] {
        stage.flowing(party, with).await?;
    }
    stage.talk(Phase::Consulting).await?;

    consultation.swap().await?;
    let swapped = async {
        while let Some(step) = consultation.progress().await {
            if matches!(step, EventKind::ConsultSwapped { .. }) {
                return Ok(());
            }
        }
        Err(Failure::failed("the transfer ended before Alice turned back to Bob"))
    };
    within(swapped, "the turn back to Bob").await??;
    stage.talk(Phase::Swapped).await?;

    let mut transfer = consultation.complete().await.map_err(|(_, error)| error)?;
    stage.outcome(transfer.outcome()).await?;
    stage.moved().await?;
    stage.talk(Phase::After).await?;
    stage.end(&[(CAROL, BOB)]).await
}
