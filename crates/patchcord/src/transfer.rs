//! `patchcord transfer`: calls one party and moves it to another.

mod bridge;
mod report;

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    AttendedOptions, Builder, Completion, Consultation, EventKind, Outcome, OutcomeKind, ReferOptions,
    ReferTarget, Role, Session, SessionError, SessionManager, Transfer, TransferError, TransferPolicy,
    TransferRefusal, WarmOptions, learned_name, outcome_name,
};

use crate::account;
use crate::agent::{self, Agent};
use crate::args::{Fallback, Kind, ReferTo, Switch, TransferArgs};
use crate::call;
use crate::console::Console;
use crate::exit::Failure;
use crate::recording::Recording;
use crate::sound;
use crate::stop::Stop;
use crate::text;

/// Calls, talks, transfers, reports.
pub(crate) async fn run(
    args: &TransferArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let warm = warm(args)?;
    let agent = Agent::start(recording.of(configure(args)?), console).await?;
    let begun =
        agent::subscribe(&agent.manager, |event| matches!(event.kind, EventKind::TransferInitiated { .. }))?;
    let result = talk_and_move(args, warm, &agent.manager, stop).await;
    if let Some(form) = args.report {
        report::tell(form, &agent, begun, console).await;
    }
    let result = match result {
        Ok(Left::Nobody) => Ok(()),
        Ok(Left::Bridged(session)) => bridge::keep(&session, console, stop).await,
        Err(failure) => Err(failure),
    };
    agent.close().await;
    result
}

fn configure(args: &TransferArgs) -> Result<Builder, Failure> {
    let mut policy = TransferPolicy::default();
    if let Some(limit) = args.consult_limit {
        policy.attended.consult_limit = limit;
    }
    let builder = agent::configure(&args.listen, &args.network, &args.audio, Switch::On)?;
    let mut refer = ReferOptions::default();
    let mut builder = sound::configure(builder, &args.sound)?.transfer_policy(policy);
    if let Some(profile) = &args.profile {
        refer = profile.refer_options();
        builder = builder.profile(*profile);
    }
    match args.fallback {
        Some(Fallback::None) => refer.fallback = Some(session_core::Fallback::None),
        Some(Fallback::Bridge) => refer.fallback = Some(session_core::Fallback::Bridge),
        // That of the profile.
        None => {}
    }
    args.add_headers(&mut refer);
    account::configure(builder.refer_options(refer), &args.account)
}

/// How the transfer went as far as it was waited for.
enum Went {
    /// To its end.
    Ended(Outcome),
    /// It could not be begun, or not be completed.
    Refused(TransferError),
    /// The user does not want to wait.
    Interrupted,
}

/// Who needs us after a transfer that succeeded.
enum Left {
    /// Nobody: the two talk without us.
    Nobody,
    /// The two, who talk through us; the end of this call is the end of it.
    Bridged(Session),
}

async fn talk_and_move(
    args: &TransferArgs,
    warm: WarmOptions,
    manager: &SessionManager,
    stop: &Stop,
) -> Result<Left, Failure> {
    account::registered(manager, &args.account, stop).await?;
    let session = call::place(manager, &args.first, stop).await?;
    if let Err(failure) = sound::begin(&session, &args.sound).await {
        session.hang_up().await?;
        return Err(failure);
    }
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
    let went = tokio::select! {
        went = transfer(args, &session, warm) => went,
        () = stop.wanted() => Went::Interrupted,
    };
    let (failure, kept) = match went {
        Went::Ended(outcome) => match outcome.kind {
            OutcomeKind::Succeeded | OutcomeKind::AcceptedWithoutProgress => return Ok(Left::Nobody),
            OutcomeKind::Bridged => return Ok(Left::Bridged(session)),
            OutcomeKind::Failed
            | OutcomeKind::Recovered
            | OutcomeKind::Cancelled
            | OutcomeKind::TimedOut
            | OutcomeKind::PeerHungUp => (failure(&args.target, outcome), outcome.call_kept),
        },
        Went::Refused(error) => (Failure::from(error), true),
        Went::Interrupted => {
            give_up(manager).await;
            hang_up(&session).await?;
            return Err(Failure::failed("interrupted before the outcome of the transfer was known"));
        }
    };
    // Both are there already where the stack could do it.
    give_up(manager).await;
    hang_up_others(manager, &session).await?;
    if kept || resume(&session).await {
        tokio::select! {
            () = tokio::time::sleep(args.talk) => {}
            _ = session.ended() => {}
            () = stop.wanted() => {}
        }
    }
    hang_up(&session).await?;
    Err(failure)
}

/// Moves the first party, and waits for the outcome.
async fn transfer(args: &TransferArgs, session: &Session, warm: WarmOptions) -> Went {
    let completion = match args.kind {
        Kind::Blind => {
            return match session.blind(&args.target).await {
                Ok(transfer) => outcome(transfer).await,
                Err(error) => Went::Refused(error),
            };
        }
        Kind::Warm => {
            return match session.warm(&args.target, warm).await {
                Ok(transfer) => transfer.await.map_or_else(Went::Refused, Went::Ended),
                Err(TransferError::Ended(outcome)) => Went::Ended(outcome),
                Err(error) => Went::Refused(error),
            };
        }
        Kind::Attended | Kind::ProtectTarget => Completion::OnAnswer,
        Kind::Consultative | Kind::SemiAttended => Completion::OnCommand,
    };
    let options = attended(args);
    let mut consultation = match session.consult_with(&args.target, options, completion).await {
        Ok(consultation) => consultation,
        Err(TransferError::Ended(outcome)) => return Went::Ended(outcome),
        Err(error) => return Went::Refused(error),
    };
    let target = consultation.call().clone();
    if args.kind == Kind::SemiAttended {
        alerted(&mut consultation).await;
    } else {
        tokio::select! {
            outcome = consultation.outcome() => return outcome.map_or_else(Went::Refused, Went::Ended),
            () = talked(&target, args.talk), if args.kind == Kind::Consultative => {}
        }
    }
    match consultation.complete().await {
        Ok(transfer) => outcome(transfer).await,
        // It ended by itself: the outcome says how.
        Err((mut consultation, TransferError::Refused(TransferRefusal::UnknownTransfer))) => {
            consultation.outcome().await.map_or_else(Went::Refused, Went::Ended)
        }
        Err((_, error)) => Went::Refused(error),
    }
}

/// How the two are joined.
fn attended(args: &TransferArgs) -> AttendedOptions {
    AttendedOptions {
        refer_to: args.refer_to.map(|address| match address {
            ReferTo::Contact => ReferTarget::Contact,
            ReferTo::Aor => ReferTarget::AddressOfRecord,
        }),
        protect_target: args.kind == Kind::ProtectTarget,
        ..AttendedOptions::default()
    }
}

/// What the target is told, and how long it may decide.
fn warm(args: &TransferArgs) -> Result<WarmOptions, Failure> {
    let mut options = WarmOptions::default();
    options.attended = attended(args);
    options.briefing = args.briefing.as_deref().map(sound::spoken_once).transpose()?;
    if let Some(limit) = args.decide_limit {
        options.deadline = limit;
    }
    Ok(options)
}

async fn outcome(mut transfer: Transfer) -> Went {
    transfer.outcome().await.map_or_else(Went::Refused, Went::Ended)
}

/// Waits until the target rings, has answered, or will do neither, which the outcome tells.
async fn alerted(consultation: &mut Consultation) {
    while let Some(step) = consultation.progress().await {
        if matches!(step, EventKind::ConsultRinging { .. } | EventKind::ConsultAnswered) {
            return;
        }
    }
}

/// Waits until the target has answered and been talked to; for ever if it does not answer, which the outcome tells.
async fn talked(target: &Session, talk: Duration) {
    if target.established().await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(talk).await;
}

/// Gives up what is under way, whatever stage it is in: the stack ends the call to a target that is asked, and takes the
/// first party back.
async fn give_up(manager: &SessionManager) {
    let transfers = match manager.get_sessions_with_transfers().await {
        Ok(transfers) => transfers,
        Err(error) => return tracing::info!(%error, "the transfer is not known any more"),
    };
    for transfer in transfers.iter().filter(|transfer| transfer.role == Role::Transferor) {
        if let Err(error) = manager.cancel_transfer(&transfer.transfer).await {
            tracing::info!(%error, "the transfer has ended meanwhile");
        }
    }
}

/// Ends the call to a target that was asked, where the transfer has left it up.
async fn hang_up_others(manager: &SessionManager, session: &Session) -> Result<(), Failure> {
    for other in manager.sessions().await?.iter().filter(|other| other.session != session.id()) {
        match manager.session(&other.session).await {
            Ok(other) => hang_up(&other).await?,
            Err(error) => tracing::info!(%error, "a call has ended meanwhile"),
        }
    }
    Ok(())
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

fn failure(target: &str, outcome: Outcome) -> Failure {
    let line = text::outcome(
        outcome_name(outcome.kind),
        outcome.code,
        outcome.failure.map(|failure| failure.to_string()).as_deref(),
        Some(learned_name(outcome.learned_from)),
    );
    Failure::failed(format!("the transfer to {target} did not succeed: {line}"))
}
