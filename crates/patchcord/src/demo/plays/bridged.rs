//! Bob does not let himself be moved, and Alice joins his call with one to Carol.

use crate::demo::parties::{ALICE, CAROL};
use crate::demo::plot::Phase;
use crate::demo::stage::Stage;
use crate::exit::Failure;

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let bob = stage.call_bob().await?;
    let carol_uri = stage.parties[CAROL].uri();
    let mut transfer = bob.blind(&carol_uri).await?;
    stage.placing(ALICE, CAROL).await?;
    let call = stage.ring_at_carols(ALICE).await?;
    call.answer(&stage.parties[CAROL].manager).await?;
    stage.outcome(transfer.outcome()).await?;
    stage.flowing(CAROL, ALICE).await?;
    stage.talk(Phase::After).await?;
    stage.hang_up(CAROL, ALICE).await?;
    stage.settled().await?;
    stage.end(&[]).await
}
