//! `patchcord transfer`: calls one party and moves it to another.

use std::sync::Arc;

use session_core::{Outcome, OutcomeKind, Session, SessionError, SessionManager, learned_name, outcome_name};

use crate::agent::{self, Agent};
use crate::args::{Kind, Switch, TransferArgs};
use crate::call;
use crate::console::Console;
use crate::exit::Failure;
use crate::recording::Recording;
use crate::stop::Stop;
use crate::text;

/// Calls, talks, transfers, reports.
pub(crate) async fn run(
    args: &TransferArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let builder = agent::configure(&args.listen, &args.audio, Switch::On)?;
    let agent = Agent::start(recording.of(builder), console).await?;
    let result = talk_and_move(args, &agent.manager, stop).await;
    agent.close().await;
    result
}

async fn talk_and_move(args: &TransferArgs, manager: &SessionManager, stop: &Stop) -> Result<(), Failure> {
    let session = call::place(manager, &args.first, stop).await?;
    tokio::select! {
        () = tokio::time::sleep(args.talk) => {}
        cause = session.ended() => {
            return Err(Failure::failed(format!(
                "{} ended the call before the transfer: {}", args.first, session_core::describe_cause(&cause?)
            )));
        }
        () = stop.wanted() => {
            session.hang_up().await?;
            return Err(Failure::failed("interrupted before the transfer"));
        }
    }
    let transfer = match args.kind {
        Kind::Blind => session.blind(&args.target).await,
    };
    let mut transfer = match transfer {
        Ok(transfer) => transfer,
        Err(error) => {
            hang_up(&session).await?;
            return Err(error.into());
        }
    };
    let outcome = tokio::select! {
        outcome = transfer.outcome() => Some(outcome?),
        () = stop.wanted() => None,
    };
    let Some(outcome) = outcome else {
        // The stack takes the call back first; the shutdown then ends it with BYE.
        transfer.cancel().await?;
        hang_up(&session).await?;
        return Err(Failure::failed("interrupted before the outcome of the transfer was known"));
    };
    match outcome.kind {
        OutcomeKind::Succeeded | OutcomeKind::Bridged => Ok(()),
        OutcomeKind::Failed
        | OutcomeKind::Recovered
        | OutcomeKind::Cancelled
        | OutcomeKind::TimedOut
        | OutcomeKind::PeerHungUp => {
            if outcome.call_kept || resume(&session).await {
                tokio::select! {
                    () = tokio::time::sleep(args.talk) => {}
                    _ = session.ended() => {}
                    () = stop.wanted() => {}
                }
            }
            hang_up(&session).await?;
            Err(Failure::failed(failure(&args.target, outcome)))
        }
    }
}

/// Takes a call back that the stack could not; it may be gone by now.
async fn resume(session: &Session) -> bool {
    match session.resume().await {
        Ok(_) => true,
        Err(error) => {
            tracing::info!(%error, "the call is not back");
            false
        }
    }
}

/// Ends the call, unless it is over already.
async fn hang_up(session: &Session) -> Result<(), Failure> {
    match session.hang_up().await {
        Ok(()) | Err(SessionError::Unknown | SessionError::Ended(_) | SessionError::WrongState { .. }) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn failure(target: &str, outcome: Outcome) -> String {
    let line = text::outcome(
        outcome_name(outcome.kind),
        outcome.code,
        outcome.failure.map(|failure| failure.to_string()).as_deref(),
        Some(learned_name(outcome.learned_from)),
    );
    format!("the transfer to {target} did not succeed: {line}")
}
