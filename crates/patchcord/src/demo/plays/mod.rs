//! The plays: who does what in a scenario.

mod attended;
mod bridged;
mod consultative;
mod unattended;
mod warm;

use crate::exit::Failure;

use super::stage::Stage;

pub(crate) use attended::Asked;
pub(crate) use unattended::Referred;

/// A play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    /// Alice moves Bob without asking Carol, who takes it so.
    Unattended(Referred),
    /// Alice calls Carol first and moves Bob as soon as she has answered; Carol takes it so.
    Attended(Asked),
    /// Alice talks to Carol first, and to Bob once more.
    Consultative,
    /// Carol is told what Bob wants while he waits, and takes him over.
    Warm,
    /// Bob refuses to be moved, and Alice joins her two calls.
    Bridged,
}

impl Play {
    /// Plays it.
    pub(crate) async fn on(self, stage: &mut Stage<'_>) -> Result<(), Failure> {
        match self {
            Self::Unattended(carol) => unattended::play(stage, carol).await,
            Self::Attended(carol) => attended::play(stage, carol).await,
            Self::Consultative => consultative::play(stage).await,
            Self::Warm => warm::play(stage).await,
            Self::Bridged => bridged::play(stage).await,
        }
    }
}
