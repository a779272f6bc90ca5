//! Two parties who talk through us, because the first one could not be moved.

use session_core::{EndCause, EndReason, Session};

use super::hang_up;
use crate::console::Console;
use crate::exit::Failure;
use crate::stop::Stop;

/// Stays between the two until one of them hangs up, which ends the other call, or the user wants the end. Whoever hangs
/// up has talked as long as wanted; a bridge that broke has failed.
pub(super) async fn keep(session: &Session, console: &Console, stop: &Stop) -> Result<(), Failure> {
    console.say("The two talk through us until one of them hangs up; Ctrl-C ends both calls.");
    tokio::select! {
        cause = session.ended() => ended(&cause?),
        () = stop.wanted() => hang_up(session).await,
    }
}

/// The end of the first party's call; where the target has hung up it is we who end it.
fn ended(cause: &EndCause) -> Result<(), Failure> {
    match cause.reason {
        EndReason::Bye => Ok(()),
        _ => Err(Failure::failed(format!("the bridge broke: {}", session_core::describe_cause(cause)))),
    }
}
