//! `patchcord call`: one call out, with audio.

use std::sync::Arc;
use std::time::Duration;

use session_core::{EndCause, Session, SessionManager};

use crate::account;
use crate::agent::{self, Agent};
use crate::args::{CallArgs, Switch};
use crate::console::Console;
use crate::exit::Failure;
use crate::recording::Recording;
use crate::sound;
use crate::stop::Stop;

/// Calls, talks, hangs up.
pub(crate) async fn run(
    args: &CallArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let builder = agent::configure(&args.listen, &args.network, &args.audio, Switch::On)?;
    let builder = account::configure(sound::configure(builder, &args.sound)?, &args.account)?;
    let agent = Agent::start(recording.of(builder), console).await?;
    let result = converse(args, &agent.manager, stop).await;
    agent.close().await;
    result
}

async fn converse(args: &CallArgs, manager: &SessionManager, stop: &Stop) -> Result<(), Failure> {
    account::registered(manager, &args.account, stop).await?;
    let session = place(manager, &args.uri, stop).await?;
    // The call goes on without what was refused, and how it went is told at its end.
    let begun = sound::begin(&session, &args.sound).await;
    tokio::select! {
        result = hold_and_wait(args, &session) => result?,
        cause = session.ended() => return ended_early(&cause?).and(begun),
        () = stop.wanted() => {}
    }
    session.hang_up().await?;
    begun
}

/// Places a call and waits for the answer; Ctrl-C meanwhile gives up with CANCEL.
pub(crate) async fn place(manager: &SessionManager, uri: &str, stop: &Stop) -> Result<Session, Failure> {
    let session = manager.call(uri).await?;
    let answered = tokio::select! {
        answered = session.established() => answered,
        () = stop.wanted() => {
            session.hang_up().await?;
            return Err(Failure::failed("interrupted before the call was answered"));
        }
    };
    answered.map_err(|error| Failure::failed(format!("{uri}: {error}")))?;
    Ok(session)
}

async fn hold_and_wait(args: &CallArgs, session: &Session) -> Result<(), Failure> {
    let Some(hold_after) = args.hold_after else {
        tokio::time::sleep(args.duration).await;
        return Ok(());
    };
    tokio::time::sleep(hold_after).await;
    session.hold().await?;
    let rest = halves(args.duration, hold_after);
    tokio::time::sleep(rest).await;
    session.resume().await?;
    tokio::time::sleep(rest).await;
    Ok(())
}

/// Half of what is left of the call when it is put on hold.
fn halves(duration: Duration, hold_after: Duration) -> Duration {
    duration.saturating_sub(hold_after) / 2
}

/// A call that the other party hung up was a call; one that broke was not.
fn ended_early(cause: &EndCause) -> Result<(), Failure> {
    use session_core::EndReason;
    match cause.reason {
        EndReason::Bye => Ok(()),
        _ => Err(Failure::failed(format!("the call broke: {}", session_core::describe_cause(cause)))),
    }
}
