//! Alice moves Bob to Carol without asking her.

use session_core::StatusCode;

use crate::demo::parties::{ALICE, BOB, CAROL};
use crate::demo::plot::Phase;
use crate::demo::stage::{Stage, within};
use crate::exit::Failure;

/// What Carol does with the referred call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referred {
    /// She answers.
    Answers,
    /// She refuses it with 486.
    Busy,
    /// She lets it ring.
    Silent,
    /// Her cable is pulled while it rings.
    Gone,
}

pub(super) async fn play(stage: &mut Stage<'_>, carol: Referred) -> Result<(), Failure> {
    let bob = stage.call_bob().await?;
    let carol_uri = stage.parties[CAROL].uri();
    let mut transfer = bob.blind(&carol_uri).await?;
    let call = stage.ring_at_carols(BOB).await?;
    match carol {
        Referred::Answers => drop(call.answer(&stage.parties[CAROL].manager).await?),
        Referred::Busy => call.reject(StatusCode::BUSY_HERE).await?,
        Referred::Silent => within(call.ended(), "the end of Bob's patience").await?,
        // It rings on there, and nobody else knows.
        Referred::Gone => stage.parties[CAROL].unplug(),
    }
    stage.outcome(transfer.outcome()).await?;
    match carol {
        Referred::Answers => {
            stage.moved().await?;
            stage.talk(Phase::After).await?;
            stage.end(&[(CAROL, BOB)]).await
        }
        Referred::Busy | Referred::Silent | Referred::Gone => {
            stage.settled().await?;
            stage.talk(Phase::After).await?;
            stage.end(&[(ALICE, BOB)]).await
        }
    }
}
