//! An agent hands its caller to a human: the caller hears music, the human is told what it is about and presses 1, and the two
//! are together. A second human presses 2, and the caller is back with the agent.

use session_core::{
    EventKind, HoldAudio, Incoming, IncomingQueue, OutcomeKind, ReferPolicy, SessionManager, Source,
    TransferPolicy, WarmOptions,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (agent, _incoming) = SessionManager::builder().identity("sip:agent@127.0.0.1").start().await?;
    // The caller follows a REFER, also to an address on this machine.
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    let (caller, incoming) = SessionManager::builder().transfer_policy(policy).start().await?;
    tokio::spawn(answer(caller.clone(), incoming, None));
    let (busy, incoming) = SessionManager::builder().start().await?;
    tokio::spawn(answer(busy.clone(), incoming, Some("2")));
    let (human, incoming) = SessionManager::builder().start().await?;
    tokio::spawn(answer(human.clone(), incoming, Some("1")));

    let call = agent.call(&address(&caller)).await?;
    call.established().await?;
    for (who, expected) in [(&busy, OutcomeKind::Recovered), (&human, OutcomeKind::Succeeded)] {
        let mut options = WarmOptions::default();
        options.hold_audio = Some(HoldAudio::Tone { hz: 300 });
        // An agent that speaks would say it in `transfer.call()`; here a tone stands for a recording.
        options.briefing = Some(Source::Tone { hz: 1_000 });
        let mut transfer = call.warm(&address(who), options).await?;
        while let Some(step) = transfer.progress().await {
            if let EventKind::TargetAccepted { by } | EventKind::TargetDeclined { by } = step {
                println!("decided {by}");
            }
        }
        let outcome = transfer.outcome().await?;
        println!(
            "{:?}, the caller is {}",
            outcome.kind,
            if outcome.call_kept { "back" } else { "handed over" }
        );
        if outcome.kind != expected {
            return Err(format!("{expected:?} was expected: {outcome:?}").into());
        }
    }
    for party in [agent, caller, busy, human] {
        party.shutdown().await;
    }
    Ok(())
}

fn address(of: &SessionManager) -> String {
    format!("sip:x@{}", of.local_addresses()[0].1)
}

/// Answers calls, and presses a key once the call is up.
async fn answer(manager: SessionManager, mut incoming: IncomingQueue, key: Option<&str>) {
    while let Some(Incoming::Call(call)) = incoming.next().await {
        let pressed = async {
            let call = call.answer(&manager).await?;
            call.established().await?;
            if let Some(key) = key { call.send_digits(key).await } else { Ok(()) }
        };
        if let Err(error) = pressed.await {
            eprintln!("not answered: {error}");
        }
    }
}
