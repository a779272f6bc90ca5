//! A back-to-back agent on loopback: callers reach it, it calls Carol for them, and then it wants to be out of the way. It
//! refers each caller to Carol in its own place (REFER with Replaces). The first one goes; the second one's phone refuses,
//! and the agent joins its two calls instead: they talk through it, until it asks Carol to take the call over.

use session_core::{
    AttendedOptions, EventKind, Fallback, Incoming, IncomingCall, IncomingQueue, OutcomeKind, ReferPolicy,
    Session, SessionManager, TransferPolicy,
};

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let (agent, mut calls) = SessionManager::builder().identity("sip:agent@127.0.0.1").start().await?;
    let (carol, carols_calls) = phone(ReferPolicy::Allow).await?;
    tokio::spawn(answer_calls(carol.clone(), carols_calls));

    for (refer, expected) in
        [(ReferPolicy::Allow, OutcomeKind::Succeeded), (ReferPolicy::Deny, OutcomeKind::Bridged)]
    {
        let (caller, callers_calls) = phone(refer).await?;
        // In the end somebody may call it in the agent's place.
        tokio::spawn(answer_calls(caller.clone(), callers_calls));
        let placed = caller.call(&address(&agent)).await?;
        let first = taken(&agent, next(&mut calls).await?).await?;
        placed.established().await?;
        let second = agent.call(&address(&carol)).await?;
        second.established().await?;
        println!("the agent has {} with the caller and {} with Carol", first.id(), second.id());

        let options = AttendedOptions { fallback: Some(Fallback::Bridge), ..AttendedOptions::default() };
        let mut transfer = first.attended_with(&second, options).await?;
        while let Some(step) = transfer.progress().await {
            match step {
                EventKind::ReferSent => println!("the caller is asked to take the agent's place"),
                EventKind::TransferBridging => println!("it does not; the two calls are joined"),
                _ => {}
            }
        }
        let outcome = transfer.outcome().await?;
        println!("{:?} (code {:?})", outcome.kind, outcome.code.map(session_core::StatusCode::as_u16));
        if outcome.kind != expected {
            return Err(format!("{expected:?} was expected").into());
        }
        println!("{}", transfer.report().await?);
        if outcome.kind == OutcomeKind::Bridged {
            // Later, perhaps: the other one may take the REFER. If it does not, they stay bridged.
            let outcome = agent.hand_over(&second.id()).await?.await?;
            println!("handed over by Carol: {:?}", outcome.kind);
            if outcome.kind != OutcomeKind::Succeeded {
                return Err("Carol takes a REFER".into());
            }
        }
        println!("the agent has {} calls\n", agent.sessions().await?.len());
        caller.shutdown().await;
    }
    for party in [agent, carol] {
        party.shutdown().await;
    }
    Ok(())
}

/// A user agent that does this with a REFER, also to an address on this machine.
async fn phone(refer: ReferPolicy) -> Result<(SessionManager, IncomingQueue), Failed> {
    let mut policy = TransferPolicy { refer, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    Ok(SessionManager::builder().transfer_policy(policy).start().await?)
}

fn address(of: &SessionManager) -> String {
    format!("sip:x@{}", of.local_addresses()[0].1)
}

async fn next(calls: &mut IncomingQueue) -> Result<IncomingCall, Failed> {
    match calls.next().await {
        Some(Incoming::Call(call)) => Ok(call),
        _ => Err("a call was expected".into()),
    }
}

/// Answers a call, and waits until it is up.
async fn taken(agent: &SessionManager, call: IncomingCall) -> Result<Session, Failed> {
    let session = call.answer(agent).await?;
    session.established().await?;
    Ok(session)
}

async fn answer_calls(phone: SessionManager, mut calls: IncomingQueue) {
    while let Ok(call) = next(&mut calls).await {
        if let Err(error) = call.answer(&phone).await {
            eprintln!("not answered: {error}");
        }
    }
}
