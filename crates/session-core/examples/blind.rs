//! Three user agents on loopback: Alice calls Bob, then moves him to Carol, and says how she knows.

use session_core::{
    Incoming, IncomingQueue, MediaMode, OutcomeKind, ReferPolicy, SessionManager, TransferPolicy,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (alice, _alice_incoming) = SessionManager::builder().media(MediaMode::Off).start().await?;
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    let (bob, bob_incoming) =
        SessionManager::builder().media(MediaMode::Off).transfer_policy(policy).start().await?;
    let (carol, carol_incoming) = SessionManager::builder().media(MediaMode::Off).start().await?;
    tokio::spawn(answer_everything(bob.clone(), bob_incoming));
    tokio::spawn(answer_everything(carol.clone(), carol_incoming));

    let call = alice.call(&format!("sip:bob@{}", bob.local_addresses()[0].1)).await?;
    call.established().await?;
    let mut transfer = call.blind(&format!("sip:carol@{}", carol.local_addresses()[0].1)).await?;
    while let Some(step) = transfer.progress().await {
        println!("{step:?}");
    }
    let outcome = transfer.outcome().await?;
    println!("{:?} (code {:?}, learned from {:?})", outcome.kind, outcome.code, outcome.learned_from);
    for party in [alice, bob, carol] {
        party.shutdown().await;
    }
    if outcome.kind == OutcomeKind::Succeeded {
        Ok(())
    } else {
        Err(format!("Bob was not moved: {outcome:?}").into())
    }
}

async fn answer_everything(manager: SessionManager, mut incoming: IncomingQueue) {
    while let Some(decision) = incoming.next().await {
        let answered = match decision {
            Incoming::Call(call) => call.answer(&manager).await.map(drop).map_err(|error| error.to_string()),
            Incoming::Transfer(transfer) => transfer.reject().await.map_err(|error| error.to_string()),
        };
        if let Err(error) = answered {
            eprintln!("not answered: {error}");
        }
    }
}
