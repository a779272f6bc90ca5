//! `patchcord answer`: answers every call.

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    CallHandling, Incoming, IncomingCall, ReferPolicy, ReplacesAuthorizer, Session, SessionError,
    SessionManager, TransferPolicy,
};

use crate::account;
use crate::agent::{self, Agent};
use crate::args::{AnswerArgs, Refer, Replaces, SoundArgs, Switch};
use crate::callers;
use crate::console::Console;
use crate::exit::Failure;
use crate::prompt::Prompt;
use crate::recording::Recording;
use crate::sound;
use crate::stop::Stop;

/// Answers until the user or `--for` ends it.
pub(crate) async fn run(
    args: &AnswerArgs,
    console: &Arc<Console>,
    stop: &Stop,
    recording: &Recording,
) -> Result<(), Failure> {
    let prompt = match args.refer {
        Refer::Ask => Some(Prompt::open()?),
        Refer::Deny | Refer::Allow => None,
    };
    match args.replaces {
        Replaces::Deny | Replaces::ReferredBy => {}
        Replaces::Trusted if !args.trunk.is_empty() || args.callers.users.is_some() => {}
        Replaces::Trusted => {
            tracing::warn!(
                "without --trunk and --users nobody is trusted: INVITEs with Replaces are refused"
            );
        }
        Replaces::Allow => {
            tracing::warn!("whoever knows the identifiers of a call can take it over: for laboratories only");
        }
    }
    if args.media == Switch::Off && (args.sound.record.is_some() || args.sound.dtmf.is_some()) {
        return Err(Failure::usage("--record and --dtmf need audio, and --media off leaves it out"));
    }
    let builder = agent::configure(&args.listen, &args.network, &args.audio, args.media)?;
    let builder =
        sound::configure(builder, &args.sound)?.max_calls(args.max_calls).transfer_policy(policy(args));
    let builder = callers::configure(account::configure(builder, &args.account)?, &args.callers)?;
    let builder = builder.call_handling(handling(args));
    let mut agent = Agent::start(recording.of(builder), console).await?;
    let registration = match account::register(&agent.manager, &args.account).await {
        Ok(registration) => registration,
        Err(failure) => {
            agent.close().await;
            return Err(failure);
        }
    };
    let refused = account::refused(registration.as_ref(), &args.account);
    tokio::pin!(refused);

    let lifetime = async {
        match args.lifetime {
            Some(lifetime) => tokio::time::sleep(lifetime).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(lifetime);
    let result = loop {
        tokio::select! {
            incoming = agent.incoming.next() => match incoming {
                Some(Incoming::Call(call)) => {
                    tokio::spawn(answer(call, args.after, args.sound.clone(), agent.manager.clone()));
                }
                Some(Incoming::Transfer(transfer)) => match &prompt {
                    Some(prompt) => prompt.ask(transfer),
                    None => drop(transfer),
                },
                None => break Ok(()),
            },
            failure = &mut refused => break Err(failure),
            () = &mut lifetime => break Ok(()),
            () = stop.wanted() => break Ok(()),
        }
    };
    agent.close().await;
    result
}

/// Rings, waits, answers. That the caller gave up meanwhile is told by the events.
async fn answer(call: IncomingCall, after: Duration, sound: SoundArgs, manager: SessionManager) {
    let id = call.session();
    let session = match ring_and_answer(call, after, &manager).await {
        Ok(Some(session)) if session.established().await.is_ok() => session,
        Ok(_) => return,
        Err(error) => {
            tracing::info!(session = %id, %error, "not answered");
            return;
        }
    };
    if let Err(failure) = sound::begin_one_of_many(&session, &sound).await {
        tracing::warn!(session = %id, reason = failure.reason, "the call goes on without");
    }
}

async fn ring_and_answer(
    call: IncomingCall,
    after: Duration,
    manager: &SessionManager,
) -> Result<Option<Session>, SessionError> {
    if !after.is_zero() {
        call.ring().await?;
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = call.ended() => return Ok(None),
        }
    }
    call.answer(manager).await.map(Some)
}

/// Who answers: the stack by itself where neither a wait before the answer nor anything in the call is wished for.
fn handling(args: &AnswerArgs) -> CallHandling {
    let is_plain = args.after.is_zero() && args.sound.record.is_none() && args.sound.dtmf.is_none();
    if is_plain { CallHandling::AnsweredAtOnce } else { CallHandling::Decided }
}

fn policy(args: &AnswerArgs) -> TransferPolicy {
    let mut policy = TransferPolicy {
        refer: match args.refer {
            Refer::Deny => ReferPolicy::Deny,
            Refer::Allow => ReferPolicy::Allow,
            Refer::Ask => ReferPolicy::Ask,
        },
        replaces: match args.replaces {
            Replaces::Trusted => ReplacesAuthorizer::Trusted,
            Replaces::ReferredBy => ReplacesAuthorizer::ReferredBy,
            Replaces::Allow => ReplacesAuthorizer::Allow,
            Replaces::Deny => ReplacesAuthorizer::Deny,
        },
        trunks: args.trunk.clone(),
        ..TransferPolicy::default()
    };
    policy.targets.networks.extend_from_slice(&args.allow_target);
    policy
}
