//! Three user agents on loopback: Alice moves Bob to Carol, and does every step of it herself.

use session_core::{
    Incoming, IncomingQueue, MediaMode, Refer, ReferDecision, ReferPolicy, SessionManager, TransferHandling,
    TransferPolicy, UriBuf,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (alice, _alice_incoming) = SessionManager::builder()
        .identity("sip:alice@127.0.0.1")
        .media(MediaMode::Off)
        .transfer_handling(TransferHandling::Manual)
        .start()
        .await?;
    // Bob follows a REFER by his policy, also to an address on this machine.
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse()?);
    let (bob, bob_incoming) =
        SessionManager::builder().media(MediaMode::Off).transfer_policy(policy).start().await?;
    let (carol, carol_incoming) = SessionManager::builder().media(MediaMode::Off).start().await?;
    tokio::spawn(answer_calls(bob.clone(), bob_incoming));
    tokio::spawn(answer_calls(carol.clone(), carol_incoming));

    let call = alice.call(&format!("sip:bob@{}", bob.local_addresses()[0].1)).await?;
    call.established().await?;
    call.hold().await?;
    let target: UriBuf = format!("sip:carol@{}", carol.local_addresses()[0].1).parse()?;
    let transfer = alice.send_refer_request(&call.id(), Refer::to_target(target)).await?;
    let decision = alice.process_refer_response(&transfer).await?;
    println!("the REFER was answered: {decision:?}");
    if decision == ReferDecision::GoOn {
        loop {
            let progress = alice.handle_transfer_notify(&transfer).await?;
            println!("NOTIFY: {}", String::from_utf8_lossy(&progress.sipfrag).trim_end());
            if progress.is_success() {
                alice.terminate_transferor_session(&call.id(), &transfer).await?;
                println!("Bob talks to Carol");
            }
            // After a failure Bob is taken back by itself.
            if progress.is_final() {
                break;
            }
        }
    }
    for party in [alice, bob, carol] {
        party.shutdown().await;
    }
    Ok(())
}

async fn answer_calls(manager: SessionManager, mut incoming: IncomingQueue) {
    while let Some(decision) = incoming.next().await {
        // A transfer that is dropped is rejected.
        if let Incoming::Call(call) = decision
            && let Err(error) = call.answer(&manager).await
        {
            eprintln!("not answered: {error}");
        }
    }
}
