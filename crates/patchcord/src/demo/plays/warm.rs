//! Bob waits with music while Carol is told what he wants; she presses a key to take him over.

use session_core::{HoldAudio, Source, WarmOptions};

use crate::demo::parties::{ALICE, BOB, CAROL};
use crate::demo::plot::{BRIEFING, MUSIC, Phase};
use crate::demo::stage::{Stage, within};
use crate::exit::Failure;

/// The key by which the target takes the caller over, unless the options say otherwise.
const ACCEPT: &str = "1";

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let bob = stage.call_bob().await?;
    let carol_uri = stage.parties[CAROL].uri();
    let mut options = WarmOptions::default();
    options.hold_audio = Some(HoldAudio::Tone { hz: MUSIC });
    options.briefing = Some(Source::Tone { hz: BRIEFING });
    let mut transfer = bob.warm(&carol_uri, options).await?;
    stage.calls().note(ALICE, CAROL, transfer.call().id());
    let call = stage.ring_at_carols(ALICE).await?;
    let carols = call.answer(&stage.parties[CAROL].manager).await?;
    within(carols.established(), "Carol's answer").await??;
    for (party, with) in [(ALICE, CAROL), (CAROL, ALICE)] {
        stage.flowing(party, with).await?;
    }
    stage.talk(Phase::Consulting).await?;
    carols.send_digits(ACCEPT).await?;
    stage.outcome(transfer.outcome()).await?;
    stage.moved().await?;
    stage.talk(Phase::After).await?;
    stage.end(&[(CAROL, BOB)]).await
}
