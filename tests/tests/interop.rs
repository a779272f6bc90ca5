//! Independent peers: sipp and baresip against patchcord, each on an address of its own with port 5060.
//!
//! Runs only with `PATCHCORD_INTEROP=1`, which `cargo xtask interop` sets inside a private network namespace; then a peer
//! that is not installed is a failure. `docs/interop.md` lists what is expected of whom.

use std::net::Ipv4Addr;

use patchcord_tests::{
    party::{Calls, Party, Setup},
    peer::{
        PATIENCE, PeerError,
        application::Application,
        baresip::Baresip,
        network,
        sipp::{Plan, Report, Sipp},
    },
};
use serde_json::Value;
use session_core::{LearnedFrom, OutcomeKind, SessionId};
use tokio::{task::block_in_place, time::timeout};

type Outcome = Result<(), PeerError>;

/// Whether interoperability is tested; if not, it says so.
fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("PATCHCORD_INTEROP").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: not run, because PATCHCORD_INTEROP is not 1; use `cargo xtask interop`");
    }
    enabled
}

/// The address of a peer in a test: every test has a block of its own, so that tests can run side by side.
fn address(test: u8, peer: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 10, test * 4 + peer)
}

fn listen(address: Ipv4Addr) -> String {
    format!("udp:{address}:5060")
}

fn uri(user: &str, address: Ipv4Addr) -> String {
    format!("sip:{user}@{address}")
}

fn sipp(scenario: &str, own: Ipv4Addr, remote: Ipv4Addr) -> Result<Sipp, PeerError> {
    Sipp::start(&Plan { scenario, own, remote, user: "bob", keys: &[] })
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

fn last_outcome(events: &[Value]) -> (Option<&str>, Option<&str>, Option<u64>) {
    let last =
        events.iter().rev().find(|event| event.get("outcome").is_some_and(|outcome| !outcome.is_null()));
    let field = |name: &str| last.and_then(|event| event[name].as_str());
    (field("outcome"), field("learned_from"), last.and_then(|event| event["code"].as_u64()))
}

// ---- sipp calls us ----

#[test]
fn sipp_calls_answer_and_hangs_up() -> Outcome {
    if !enabled("sipp calls answer") {
        return Ok(());
    }
    let (ours, peer) = (address(0, 1), address(0, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let report = sipp("uac", peer, ours)?.finish(PATIENCE)?;
    assert!(report.log.contains("answered"), "{}", report.log);
    answer.wait_for("call_ended", PATIENCE)?;
    Ok(())
}

#[test]
fn sipp_cancels_while_answer_rings() -> Outcome {
    if !enabled("sipp cancels") {
        return Ok(());
    }
    let (ours, peer) = (address(1, 1), address(1, 2));
    let mut answer = Application::start(&["answer", "--listen", &listen(ours), "--after", "20"])?;
    sipp("uac-cancel", peer, ours)?.finish(PATIENCE)?;
    answer.wait_for("call_ended", PATIENCE)?;
    Ok(())
}

#[test]
fn sipp_asks_for_options() -> Outcome {
    if !enabled("sipp asks for options") {
        return Ok(());
    }
    let (ours, peer) = (address(2, 1), address(2, 2));
    let _answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let report = sipp("options", peer, ours)?.finish(PATIENCE)?;
    assert!(report.log.contains("allows"), "{}", report.log);
    Ok(())
}

// ---- we call sipp ----

#[test]
fn call_holds_and_resumes_sipp() -> Outcome {
    if !enabled("call to sipp") {
        return Ok(());
    }
    let (ours, peer) = (address(3, 1), address(3, 2));
    let sipp = sipp("uas", peer, ours)?;
    let call = Application::start(&[
        "call",
        &uri("bob", peer),
        "--listen",
        &listen(ours),
        "--duration",
        "3",
        "--hold-after",
        "1",
    ])?;
    let (code, events) = call.finish(PATIENCE)?;
    let report = sipp.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    assert_eq!(names(&events).iter().filter(|name| **name == "hold_changed").count(), 2, "{events:#?}");
    let offers: Vec<&str> = report.log.lines().filter_map(|line| line.strip_prefix("re-INVITE ")).collect();
    assert_eq!(offers, ["a=sendonly", "a=sendrecv"], "{}", report.log);
    Ok(())
}

#[test]
fn call_tells_that_sipp_is_busy() -> Outcome {
    if !enabled("call to a busy sipp") {
        return Ok(());
    }
    let (ours, peer) = (address(4, 1), address(4, 2));
    let sipp = sipp("uas-busy", peer, ours)?;
    let call = Application::start(&["call", &uri("bob", peer), "--listen", &listen(ours)])?;
    let (code, events) = call.finish(PATIENCE)?;
    sipp.finish(PATIENCE)?;
    assert_eq!(code, Some(1), "{events:#?}");
    let ended = events.iter().find(|event| event["event"] == "call_ended");
    assert_eq!(ended.and_then(|event| event["code"].as_u64()), Some(486), "{events:#?}");
    Ok(())
}

// ---- sipp as transferee of our transfer ----

struct Moved {
    code: Option<i32>,
    events: Vec<Value>,
    report: Report,
}

/// `patchcord transfer` of a sipp that plays this scenario.
fn transfer(test: u8, scenario: &str) -> Result<Moved, PeerError> {
    let (ours, peer, target) = (address(test, 1), address(test, 2), address(test, 3));
    let sipp = sipp(scenario, peer, ours)?;
    let transfer = Application::start(&[
        "transfer",
        &uri("bob", peer),
        &uri("carol", target),
        "--talk",
        "1",
        "--listen",
        &listen(ours),
    ])?;
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    let report = sipp.finish(PATIENCE)?;
    Ok(Moved { code, events, report })
}

fn succeeds(test: u8, scenario: &str) -> Outcome {
    if !enabled(scenario) {
        return Ok(());
    }
    let moved = transfer(test, scenario)?;
    assert_eq!(moved.code, Some(0), "{:#?}\n{}", moved.events, moved.report.messages);
    assert_eq!(
        last_outcome(&moved.events),
        (Some("Succeeded"), Some("notify"), Some(200)),
        "{:#?}",
        moved.events
    );
    let (ours, target) = (address(test, 1), address(test, 3));
    assert!(moved.report.log.contains(&format!("Refer-To: <sip:carol@{target}>")), "{}", moved.report.log);
    assert!(moved.report.log.contains(&format!("@{ours}")), "Referred-By names us: {}", moved.report.log);
    Ok(())
}

/// The transfer fails, sipp is taken back by a re-INVITE, and hung up on.
fn recovers(test: u8, scenario: &str, wanted: &str, code: Option<u64>) -> Outcome {
    if !enabled(scenario) {
        return Ok(());
    }
    let moved = transfer(test, scenario)?;
    assert_eq!(moved.code, Some(1), "{:#?}\n{}", moved.events, moved.report.messages);
    let (outcome, _, told) = last_outcome(&moved.events);
    assert_eq!((outcome, told), (Some(wanted), code), "{:#?}", moved.events);
    let resumed = moved.events.iter().rfind(|event| event["event"] == "hold_changed");
    assert_eq!(resumed.and_then(|event| event["local_hold"].as_bool()), Some(false), "{:#?}", moved.events);
    Ok(())
}

#[test]
fn transferee_as_in_rfc_3515() -> Outcome {
    succeeds(5, "transferee")
}

#[test]
fn transferee_with_malformed_subscription_state() -> Outcome {
    succeeds(6, "transferee-malformed")
}

#[test]
fn transferee_that_says_terminated_with_100() -> Outcome {
    succeeds(7, "transferee-terminated-100")
}

#[test]
fn transferee_that_never_terminates() -> Outcome {
    succeeds(8, "transferee-active-200")
}

#[test]
fn transferee_without_contact_in_notify() -> Outcome {
    succeeds(9, "transferee-no-contact")
}

#[test]
fn transferee_whose_target_is_busy() -> Outcome {
    recovers(10, "transferee-busy", "Recovered", Some(486))
}

#[test]
fn transferee_whose_target_declines() -> Outcome {
    recovers(11, "transferee-declined", "Recovered", Some(603))
}

#[test]
fn transferee_that_refuses_the_refer() -> Outcome {
    recovers(12, "transferee-refuses", "Recovered", Some(603))
}

#[test]
fn transferee_that_terminates_without_a_result() -> Outcome {
    recovers(13, "transferee-no-body", "Recovered", None)
}

#[test]
fn transferee_that_never_reports_the_end() -> Outcome {
    recovers(14, "transferee-no-final", "TimedOut", None)
}

#[test]
fn transferee_that_hangs_up_instead_of_reporting() -> Outcome {
    if !enabled("transferee-bye") {
        return Ok(());
    }
    let moved = transfer(15, "transferee-bye")?;
    let (outcome, learned_from, _) = last_outcome(&moved.events);
    assert_eq!((outcome, learned_from), (Some("PeerHungUp"), Some("bye")), "{:#?}", moved.events);
    assert_eq!(moved.code, Some(1));
    Ok(())
}

// ---- sipp as transferor ----

#[test]
fn answer_follows_a_refer_of_sipp() -> Outcome {
    if !enabled("sipp as transferor") {
        return Ok(());
    }
    let (ours, peer, target) = (address(16, 1), address(16, 2), address(16, 3));
    let mut answer = Application::start(&[
        "answer",
        "--listen",
        &listen(ours),
        "--refer",
        "allow",
        "--allow-target",
        "127.0.10.0/24",
    ])?;
    let mut carol = Application::start(&["answer", "--listen", &listen(target), "--after", "1"])?;
    let target = uri("carol", target);
    let plan = Plan {
        scenario: "transferor",
        own: peer,
        remote: ours,
        user: "bob",
        keys: &[("target_uri", &target)],
    };
    let report = Sipp::start(&plan)?.finish(PATIENCE)?;
    assert!(report.log.contains("SIP/2.0 200"), "{}", report.log);
    assert!(report.log.contains("terminated"), "{}", report.log);
    carol.wait_for("established", PATIENCE)?;
    answer.wait_for("transfer_succeeded", PATIENCE)?;
    Ok(())
}

#[test]
fn answer_refuses_a_refer_of_sipp_by_default() -> Outcome {
    if !enabled("sipp as refused transferor") {
        return Ok(());
    }
    let (ours, peer, target) = (address(17, 1), address(17, 2), address(17, 3));
    let _answer = Application::start(&["answer", "--listen", &listen(ours)])?;
    let target = uri("carol", target);
    let plan = Plan {
        scenario: "transferor-refused",
        own: peer,
        remote: ours,
        user: "bob",
        keys: &[("target_uri", &target)],
    };
    Sipp::start(&plan)?.finish(PATIENCE)?;
    Ok(())
}

#[test]
fn a_transfer_from_sipp_to_a_sipp_target_carries_referred_by() -> Outcome {
    if !enabled("sipp as target") {
        return Ok(());
    }
    let (ours, peer, target) = (address(18, 1), address(18, 2), address(18, 3));
    let answer = Application::start(&[
        "answer",
        "--listen",
        &listen(ours),
        "--refer",
        "allow",
        "--allow-target",
        "127.0.10.0/24",
        "--for",
        "5",
    ])?;
    let called = sipp("uas", target, ours)?;
    let target = uri("carol", target);
    let plan = Plan {
        scenario: "transferor",
        own: peer,
        remote: ours,
        user: "bob",
        keys: &[("target_uri", &target)],
    };
    Sipp::start(&plan)?.finish(PATIENCE)?;
    let (code, events) = answer.finish(PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}");
    let report = called.finish(PATIENCE)?;
    assert!(report.log.contains(&format!("sip:sipp@{peer}")), "Referred-By is copied: {}", report.log);
    Ok(())
}

// ---- baresip ----

const OUR_TONE: u16 = 440;
const THEIR_TONE: u16 = 600;
const TARGET_TONE: u16 = 800;

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
    assert!(
        matches!(held.kind, session_core::EventKind::HoldChanged { local: false, remote: true }),
        "{held:?}"
    );
    baresip.command("resume", "")?;
    let resumed = party.wait_named("hold_changed").await;
    assert!(
        matches!(resumed.kind, session_core::EventKind::HoldChanged { local: false, remote: false }),
        "{resumed:?}"
    );
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

#[test]
fn the_transfer_command_moves_a_call_of_a_running_baresip_to_another_answer() -> Outcome {
    if !enabled("patchcord transfer of baresip") {
        return Ok(());
    }
    let (ours, peer, target) = (address(22, 1), address(22, 2), address(22, 3));
    let mut baresip = Baresip::start("bob", peer, THEIR_TONE)?;
    let mut carol = Application::start(&["answer", "--listen", &listen(target), "--tone", "800"])?;
    let transfer = Application::start(&[
        "transfer",
        &uri("bob", peer),
        &uri("carol", target),
        "--talk",
        "1",
        "--listen",
        &listen(ours),
    ])?;
    let (code, events) = transfer.finish(2 * PATIENCE)?;
    assert_eq!(code, Some(0), "{events:#?}\n{}", baresip.output());
    assert_eq!(last_outcome(&events).0, Some("Succeeded"), "{events:#?}");
    if network::is_private() {
        carol.wait_for("media_flowing", PATIENCE)?;
    }
    baresip.command("hangup", "")?;
    carol.wait_for("call_ended", PATIENCE)?;
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
