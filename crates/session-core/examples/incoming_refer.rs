//! Three user agents on loopback: Alice asks Bob three times to call Carol. Bob is asked each time (`ReferPolicy::Ask`): he
//! refuses, he lets the stack do it, and he does it himself and reports.

use session_core::{
    Incoming, IncomingQueue, IncomingTransfer, MediaMode, OutcomeKind, ReferPolicy, Session, SessionManager,
    StatusCode, TransferNotify, TransferPolicy,
};

type Failed = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let (alice, _alice_incoming) =
        SessionManager::builder().identity("sip:alice@127.0.0.1").media(MediaMode::Off).start().await?;
    // Bob is only asked about targets that are permitted: here those on this machine.
    let mut policy = TransferPolicy { refer: ReferPolicy::Ask, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    let (bob, bob_incoming) =
        SessionManager::builder().media(MediaMode::Off).transfer_policy(policy).start().await?;
    let (carol, carol_incoming) = SessionManager::builder().media(MediaMode::Off).start().await?;
    tokio::spawn(decide(bob.clone(), bob_incoming));
    tokio::spawn(answer_calls(carol.clone(), carol_incoming));

    let mut call = call_up(&alice, &bob).await?;
    for expected in [OutcomeKind::Recovered, OutcomeKind::Succeeded, OutcomeKind::Succeeded] {
        let target = format!("sip:carol@{}", carol.local_addresses()[0].1);
        let outcome = call.blind(&target).await?.await?;
        println!("Alice: {:?}, code {:?}, call kept: {}", outcome.kind, outcome.code, outcome.call_kept);
        if outcome.kind != expected {
            return Err(format!("{expected:?} was expected").into());
        }
        if !outcome.call_kept {
            call = call_up(&alice, &bob).await?;
        }
    }
    for party in [alice, bob, carol] {
        party.shutdown().await;
    }
    Ok(())
}

async fn call_up(from: &SessionManager, to: &SessionManager) -> Result<Session, Failed> {
    let call = from.call(&format!("sip:bob@{}", to.local_addresses()[0].1)).await?;
    call.established().await?;
    Ok(call)
}

/// Bob: answers calls, and decides about each transfer in another way.
async fn decide(bob: SessionManager, mut incoming: IncomingQueue) {
    let mut asked = 0;
    while let Some(decision) = incoming.next().await {
        let done = match decision {
            Incoming::Call(call) => call.answer(&bob).await.map(drop).map_err(Failed::from),
            Incoming::Transfer(transfer) => {
                asked += 1;
                println!("Bob: transfer {asked} to {}", transfer.target());
                match asked {
                    1 => transfer.reject().await.map_err(Failed::from),
                    2 => transfer.accept().await.map_err(Failed::from),
                    _ => by_himself(&bob, transfer).await,
                }
            }
        };
        if let Err(error) = done {
            eprintln!("Bob: not done: {error}");
        }
    }
}

/// The REFER is accepted, and the stack calls nobody: Bob does, and says what came of it.
async fn by_himself(bob: &SessionManager, transfer: IncomingTransfer) -> Result<(), Failed> {
    let (id, target) = (transfer.transfer(), transfer.target().to_string());
    transfer.handle_myself().await?;
    let answered = match bob.call(&target).await {
        Ok(call) => call.established().await,
        Err(error) => Err(error),
    };
    let status = if answered.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    println!("Bob: called by himself, reports {status}");
    bob.send_transfer_notify(&id, status, TransferNotify::Final).await?;
    Ok(())
}

async fn answer_calls(manager: SessionManager, mut incoming: IncomingQueue) {
    while let Some(decision) = incoming.next().await {
        // A transfer that is dropped is rejected.
        if let Incoming::Call(call) = decision
            && let Err(error) = call.answer(&manager).await
        {
            eprintln!("Carol: not answered: {error}");
        }
    }
}
