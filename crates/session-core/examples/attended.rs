//! Three user agents on loopback: Alice talks to Bob, asks Carol, turns back to Bob, and then moves him to her.

use session_core::{
    EventKind, Incoming, IncomingQueue, MediaMode, OutcomeKind, ReferPolicy, SessionManager, TransferPolicy,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (alice, _alice_incoming) =
        SessionManager::builder().identity("sip:alice@127.0.0.1").media(MediaMode::Off).start().await?;
    // Bob follows a REFER, also to an address on this machine.
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    let (bob, bob_incoming) =
        SessionManager::builder().media(MediaMode::Off).transfer_policy(policy).start().await?;
    // Carol lets somebody take over a call whom the other party of that call has sent: the default.
    let (carol, carol_incoming) = SessionManager::builder().media(MediaMode::Off).start().await?;
    tokio::spawn(answer_everything(bob.clone(), bob_incoming));
    tokio::spawn(answer_everything(carol.clone(), carol_incoming));

    let call = alice.call(&format!("sip:bob@{}", bob.local_addresses()[0].1)).await?;
    call.established().await?;
    let mut consultation = call.consult(&format!("sip:carol@{}", carol.local_addresses()[0].1)).await?;
    consultation.answered().await?;
    println!("Bob is on hold, Alice talks to Carol in {}", consultation.call().id());
    consultation.swap().await?;
    while let Some(step) = consultation.progress().await {
        println!("{step:?}");
        if matches!(step, EventKind::ConsultSwapped { .. }) {
            break;
        }
    }
    println!("Carol is on hold, Alice talks to Bob again");
    let mut transfer = consultation.complete().await.map_err(|(_, error)| error)?;
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
