//! baresip as caller, transferee, target and transferor, its audio measured.

use std::net::Ipv4Addr;

use patchcord_tests::{
    party::{Calls, Party, Setup},
    peer::{PATIENCE, baresip::Baresip, network, phone::Keys},
};
use session_core::{EventKind, LearnedFrom, OutcomeKind, SessionId};
use tokio::{task::block_in_place, time::timeout};

use super::{
    Outcome, address, enabled,
    table::{self, Row, test_name},
    uri,
};

const OUR_TONE: u16 = 440;
const THEIR_TONE: u16 = 600;
const TARGET_TONE: u16 = 800;

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |role, kind, with: &str, expected: &str, test| Row {
        peer: "baresip",
        role,
        kind,
        with: with.to_owned(),
        media: "its tone at our end",
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    vec![
        row(
            "caller",
            "dials, plays 600 Hz, hangs up",
            "`SessionManager`",
            "we hear 600 Hz",
            test_name!(baresip_calls_and_is_heard),
        ),
        row(
            "called",
            "holds and resumes",
            "`SessionManager`",
            "HoldChanged remote, then not",
            test_name!(baresip_holds_and_resumes_us),
        ),
        row(
            "transferee",
            "follows our blind transfer",
            "`SessionManager`",
            "Succeeded by notify; the new party hears 600 Hz",
            test_name!(baresip_is_moved_to_another_party_and_both_hear_each_other),
        ),
        row(
            "target",
            "answers the referred call",
            "`SessionManager`",
            "Succeeded; the moved party hears 600 Hz",
            test_name!(baresip_is_the_target_of_a_transfer),
        ),
        row(
            "transferor",
            "REFERs us",
            "`SessionManager`",
            "we are moved, both hear each other",
            test_name!(baresip_moves_us_to_another_party),
        ),
        row(
            "caller",
            "presses each of the sixteen keys",
            "`SessionManager`",
            "each digit once, in order",
            test_name!(baresip_presses_keys_and_we_know_which),
        ),
    ]
}

async fn party(name: &'static str, tone: u16, own: Ipv4Addr) -> Party {
    let setup = Setup { listen: format!("{own}:5060"), ..Setup::new(name, tone, Calls::Answer) };
    setup.start().await.expect("a party on its own address")
}

/// Its RTP comes from the address in its SDP only where the network can be told so.
async fn hears_baresip(party: &mut Party, session: SessionId) {
    if network::is_private() {
        party.hears(session, THEIR_TONE).await;
    } else {
        println!("audio of baresip: not checked, because in the host's network its RTP comes from 127.0.0.1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_calls_and_is_heard() -> Outcome {
    if !enabled("baresip as caller") {
        return Ok(());
    }
    let (ours, peer) = (address(19, 1), address(19, 2));
    let mut party = party("alice", OUR_TONE, ours).await;
    let mut baresip = block_in_place(|| Baresip::start("bob", peer, THEIR_TONE))?;
    baresip.command("dial", &uri("alice", ours))?;
    block_in_place(|| baresip.wait_for("CALL_ESTABLISHED"))?;
    let session = party.established().await;
    hears_baresip(&mut party, session).await;
    baresip.command("hangup", "")?;
    party.wait_named("call_ended").await;
    party.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_presses_keys_and_we_know_which() -> Outcome {
    // covers: TM-045
    if !enabled("baresip presses keys") {
        return Ok(());
    }
    let (ours, peer) = (address(22, 1), address(22, 2));
    let mut party = party("alice", OUR_TONE, ours).await;
    let mut baresip = block_in_place(|| Baresip::start("bob", peer, THEIR_TONE))?;
    baresip.command("dial", &uri("alice", ours))?;
    block_in_place(|| baresip.wait_for("CALL_ESTABLISHED"))?;
    let session = party.established().await;
    hears_baresip(&mut party, session).await;
    if network::is_private() {
        for pressed in "0123456789*#ABCD".chars() {
            baresip.press(pressed)?;
            let told = party.wait_named("digit").await;
            let EventKind::Digit { digit, .. } = told.kind else { panic!("{told:?}") };
            assert_eq!(digit.to_char(), pressed);
        }
        hears_baresip(&mut party, session).await;
    }
    baresip.command("hangup", "")?;
    party.wait_named("call_ended").await;
    party.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_holds_and_resumes_us() -> Outcome {
    if !enabled("baresip holds") {
        return Ok(());
    }
    let (ours, peer) = (address(20, 1), address(20, 2));
    let mut party = party("alice", OUR_TONE, ours).await;
    let mut baresip = block_in_place(|| Baresip::start("bob", peer, THEIR_TONE))?;
    let session = party.manager.call(&uri("bob", peer)).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("in time").expect("answered");
    hears_baresip(&mut party, session.id()).await;
    baresip.command("hold", "")?;
    let held = party.wait_named("hold_changed").await;
    assert!(matches!(held.kind, EventKind::HoldChanged { local: false, remote: true }), "{held:?}");
    baresip.command("resume", "")?;
    let resumed = party.wait_named("hold_changed").await;
    assert!(matches!(resumed.kind, EventKind::HoldChanged { local: false, remote: false }), "{resumed:?}");
    hears_baresip(&mut party, session.id()).await;
    session.hang_up().await.expect("hung up");
    block_in_place(|| baresip.wait_for("CALL_CLOSED"))?;
    party.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_is_moved_to_another_party_and_both_hear_each_other() -> Outcome {
    if !enabled("baresip as transferee") {
        return Ok(());
    }
    let (ours, peer, target) = (address(21, 1), address(21, 2), address(21, 3));
    let (alice, mut carol) =
        (party("alice", OUR_TONE, ours).await, party("carol", TARGET_TONE, target).await);
    let mut baresip = block_in_place(|| Baresip::start("bob", peer, THEIR_TONE))?;
    let session = alice.manager.call(&uri("bob", peer)).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("in time").expect("answered");
    let mut transfer = session.blind(&uri("carol", target)).await.expect("a transfer");
    let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
    let trace = baresip.output();
    assert_eq!(
        (outcome.kind, outcome.learned_from),
        (OutcomeKind::Succeeded, LearnedFrom::Notify),
        "{trace}"
    );
    let carols = carol.established().await;
    hears_baresip(&mut carol, carols).await;
    alice.manager.shutdown().await;
    carol.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_is_the_target_of_a_transfer() -> Outcome {
    if !enabled("baresip as target") {
        return Ok(());
    }
    let (ours, peer, target) = (address(23, 1), address(23, 2), address(23, 3));
    let (alice, mut bob) = (party("alice", OUR_TONE, ours).await, party("bob", TARGET_TONE, peer).await);
    let mut baresip = block_in_place(|| Baresip::start("carol", target, THEIR_TONE))?;
    let session = alice.manager.call(&uri("bob", peer)).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("in time").expect("answered");
    let mut transfer = session.blind(&uri("carol", target)).await.expect("a transfer");
    let outcome = timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded, "{}", baresip.output());
    let new = bob.transferred_to().await;
    hears_baresip(&mut bob, new).await;
    bob.manager.shutdown().await;
    block_in_place(|| baresip.wait_for("CALL_CLOSED"))?;
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn baresip_moves_us_to_another_party() -> Outcome {
    if !enabled("baresip as transferor") {
        return Ok(());
    }
    let (ours, peer, target) = (address(24, 1), address(24, 2), address(24, 3));
    let (mut alice, mut carol) =
        (party("alice", OUR_TONE, ours).await, party("carol", TARGET_TONE, target).await);
    let mut baresip = block_in_place(|| Baresip::start("bob", peer, THEIR_TONE))?;
    baresip.command("dial", &uri("alice", ours))?;
    block_in_place(|| baresip.wait_for("CALL_ESTABLISHED"))?;
    alice.established().await;
    baresip.command("transfer", &uri("carol", target))?;
    let new = alice.transferred_to().await;
    let ended = alice.wait_for("the end of the transfer", PATIENCE, |event| event.outcome().is_some()).await;
    assert_eq!(ended.outcome(), Some("Succeeded"));
    alice.hears(new, TARGET_TONE).await;
    let carols = carol.established().await;
    carol.hears(carols, OUR_TONE).await;
    alice.manager.shutdown().await;
    carol.manager.shutdown().await;
    Ok(())
}
