//! sipp wants our password in the middle of a call, for the REFER and for each NOTIFY, and looks at the proof.

use patchcord_tests::{
    party::{Calls, Setup},
    peer::{
        PATIENCE,
        application::Application,
        sipp::{Plan, Sipp},
        sockets::Connections,
    },
};
use session_core::{Credential, Keyring, LearnedFrom, OutcomeKind, Secret};
use tokio::{task::block_in_place, time::timeout};

use super::{
    Outcome, address_of_kinds, enabled, listen,
    over::Over,
    seat::OUR_TONE,
    table::{self, Row, test_name},
    uri,
};

const PASSWORD: &str = "correct-horse";

/// What sipp says when the proof is right.
const PROVED: &str = "proved:true";

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |role, kind, expected: &str, test| Row {
        peer: "sipp",
        role,
        kind,
        with: "`SessionManager` with a key of its realm".to_owned(),
        media: "signalling only",
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    vec![
        row(
            "transferee",
            "REFER answered 401, then taken",
            "a second REFER with a proof that sipp verifies; Succeeded by notify",
            test_name!(sipp_wants_a_password_for_our_refer),
        ),
        row(
            "transferee",
            "REFER over TCP answered 401, then taken",
            "the same, over one connection",
            test_name!(sipp_wants_a_password_for_our_refer_over_tcp),
        ),
        row(
            "transferor",
            "NOTIFY answered 401, then taken",
            "a second NOTIFY with a proof that sipp verifies, and proofs from then on; Succeeded",
            test_name!(sipp_wants_a_password_for_our_notifications),
        ),
    ]
}

fn key(realm: &str) -> Keyring {
    let mut keys = Keyring::new();
    let secret = Secret::password(PASSWORD.to_owned());
    keys.add(Credential::of_realm(realm, "alice", secret)).expect("room for one");
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_wants_a_password_for_our_refer() -> Outcome {
    if !enabled("sipp wants a password for our REFER") {
        return Ok(());
    }
    it_wants_a_password_for_our_refer(0, Over::Udp).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_wants_a_password_for_our_refer_over_tcp() -> Outcome {
    if !enabled("sipp wants a password for our REFER over TCP") {
        return Ok(());
    }
    it_wants_a_password_for_our_refer(18, Over::Tcp).await
}

async fn it_wants_a_password_for_our_refer(block: u8, over: Over) -> Outcome {
    let [ours, peer, target] = [1, 2, 3].map(|peer| address_of_kinds(block, peer));
    let connections = Connections::of(peer)?;
    let realm = peer.to_string();
    let keys = [("realm", realm.as_str()), ("password", PASSWORD)];
    let plan = Plan { keys: &keys, over: over.table(), ..Plan::new("transferee-challenges", peer, ours) };
    let sipp = Sipp::start(&plan)?;
    let setup = Setup {
        listen: format!("{ours}:5060"),
        transport: over.token(),
        keys: Some(key(&realm)),
        ..Setup::new("alice", OUR_TONE, Calls::Answer)
    };
    let alice = setup.start().await.expect("a party on its own address");
    let session = alice.manager.call(&over.uri("bob", &realm)).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("in time").expect("answered");
    let target = over.uri("carol", &target.to_string());
    let mut transfer = session.blind(&target).await.expect("a transfer");
    let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
    let report = block_in_place(|| sipp.finish(PATIENCE))?;
    assert_eq!(
        (outcome.kind, outcome.learned_from),
        (OutcomeKind::Succeeded, LearnedFrom::Notify),
        "{}",
        report.messages
    );
    assert!(report.log.contains(PROVED), "{}\n{}", report.log, report.messages);
    assert_eq!(report.messages.matches("\nREFER sip:").count(), 2, "{}", report.messages);
    assert_eq!(connections.since()?.len(), usize::from(over.connects()));
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sipp_wants_a_password_for_our_notifications() -> Outcome {
    if !enabled("sipp wants a password for our NOTIFYs") {
        return Ok(());
    }
    let [ours, peer, target] = [1, 2, 3].map(|peer| address_of_kinds(1, peer));
    let realm = peer.to_string();
    let setup = Setup {
        listen: format!("{ours}:5060"),
        keys: Some(key(&realm)),
        ..Setup::new("bob", OUR_TONE, Calls::Answer)
    };
    let mut bob = setup.start().await.expect("a party on its own address");
    let mut carol = Application::start(&["answer", "--listen", &listen(target)])?;
    let target = uri("carol", target);
    let keys = [("realm", realm.as_str()), ("password", PASSWORD), ("target_uri", target.as_str())];
    let sipp = Sipp::start(&Plan { keys: &keys, ..Plan::new("transferor-challenges", peer, ours) })?;
    let report = block_in_place(|| sipp.finish(PATIENCE))?;
    assert!(report.log.contains(PROVED), "{}\n{}", report.log, report.messages);
    assert!(!report.log.contains("proved:false"), "{}\n{}", report.log, report.messages);
    assert!(report.log.contains("SIP/2.0 200"), "{}", report.log);
    assert_eq!(report.messages.matches("SIP/2.0 401").count(), 1, "{}", report.messages);
    let ended = bob.wait_for("the end of the transfer", PATIENCE, |event| event.outcome().is_some()).await;
    assert_eq!(ended.outcome(), Some("Succeeded"));
    block_in_place(|| carol.wait_for("established", PATIENCE))?;
    bob.manager.shutdown().await;
    Ok(())
}
