//! The real driver on real sockets: three user agents on loopback, SIP and RTP, the audio measured.

use std::time::Duration;

use patchcord_tests::party::{Calls, PATIENCE, Party, Setup};
use session_core::{
    Direction, EndReason, LearnedFrom, OutcomeKind, RecoveryAction, ReferPolicy, Session, SessionError,
    StartError, StatusCode, TransferType,
};
use tokio::{net::UdpSocket, time::timeout};

const ALICE: u16 = 440;
const BOB: u16 = 600;
const CAROL: u16 = 800;

async fn party(name: &'static str, tone: u16, calls: Calls) -> Party {
    Setup::new(name, tone, calls).start().await.expect("a party on loopback")
}

/// Alice has called Bob and both are up.
async fn call(alice: &mut Party, bob: &mut Party) -> (Session, session_core::SessionId) {
    let session = alice.manager.call(&bob.uri()).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("an answer in time").expect("an answer");
    let theirs = bob.established().await;
    (session, theirs)
}

async fn shut_down(parties: impl IntoIterator<Item = Party>) {
    for party in parties {
        timeout(PATIENCE, party.manager.shutdown()).await.expect("nothing is left in time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_moves_the_call_and_the_audio() {
    let (mut alice, mut bob, mut carol) = (
        party("alice", ALICE, Calls::Answer).await,
        party("bob", BOB, Calls::Answer).await,
        party("carol", CAROL, Calls::Answer).await,
    );
    let (session, bobs) = call(&mut alice, &mut bob).await;
    bob.hears(bobs, ALICE).await;
    alice.hears(session.id(), BOB).await;
    let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
    let outcome =
        timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.learned_from), (OutcomeKind::Succeeded, LearnedFrom::Notify));
    let new = bob.transferred_to().await;
    let carols = carol.established().await;
    bob.hears(new, CAROL).await;
    carol.hears(carols, BOB).await;
    timeout(PATIENCE, session.ended()).await.expect("the end in time").expect("an end");
    assert!(alice.manager.sessions().await.expect("a list").is_empty());
    shut_down([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_target_gives_the_call_back_with_its_audio() {
    let (mut alice, mut bob, carol) = (
        party("alice", ALICE, Calls::Answer).await,
        party("bob", BOB, Calls::Answer).await,
        party("carol", CAROL, Calls::Reject(StatusCode::BUSY_HERE)).await,
    );
    let (session, bobs) = call(&mut alice, &mut bob).await;
    let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
    let outcome =
        timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.learned_from), (OutcomeKind::Recovered, LearnedFrom::Notify));
    assert_eq!(outcome.code, Some(StatusCode::BUSY_HERE));
    assert!(outcome.call_kept);
    alice.hears(session.id(), BOB).await;
    bob.hears(bobs, ALICE).await;
    shut_down([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_target_gives_the_call_back_after_the_ring_limit() {
    let mut setup = Setup::new("bob", BOB, Calls::Answer);
    setup.policy.ring_limit = Duration::from_secs(2);
    let (mut alice, mut bob, carol) = (
        party("alice", ALICE, Calls::Answer).await,
        setup.start().await.expect("a party"),
        party("carol", CAROL, Calls::Ring).await,
    );
    let (session, _) = call(&mut alice, &mut bob).await;
    let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
    let outcome =
        timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.call_kept), (OutcomeKind::Recovered, true));
    shut_down([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refer_gives_the_call_back_and_calls_nobody() {
    let mut setup = Setup::new("bob", BOB, Calls::Answer);
    setup.policy.refer = ReferPolicy::Deny;
    let (mut alice, mut bob, carol) = (
        party("alice", ALICE, Calls::Answer).await,
        setup.start().await.expect("a party"),
        party("carol", CAROL, Calls::Answer).await,
    );
    let (session, _) = call(&mut alice, &mut bob).await;
    let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
    let outcome =
        timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::DECLINE)));
    assert!(carol.manager.sessions().await.expect("a list").is_empty());
    shut_down([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_asked_can_accept_and_reject() {
    for (accepts, wanted) in [(true, OutcomeKind::Succeeded), (false, OutcomeKind::Recovered)] {
        let mut setup = Setup::new("bob", BOB, Calls::Answer);
        setup.policy.refer = ReferPolicy::Ask;
        setup.accepts_transfers = accepts;
        let (mut alice, mut bob, carol) = (
            party("alice", ALICE, Calls::Answer).await,
            setup.start().await.expect("a party"),
            party("carol", CAROL, Calls::Answer).await,
        );
        let (session, _) = call(&mut alice, &mut bob).await;
        let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
        let outcome =
            timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
        assert_eq!(outcome.kind, wanted);
        shut_down([alice, bob, carol]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_listed_while_it_goes_on_and_can_be_cancelled_by_its_id() {
    let (mut alice, mut bob, mut carol) = (
        party("alice", ALICE, Calls::Answer).await,
        party("bob", BOB, Calls::Answer).await,
        party("carol", CAROL, Calls::Ring).await,
    );
    let (session, _) = call(&mut alice, &mut bob).await;
    let id = alice
        .manager
        .initiate_transfer(&session.id(), &carol.uri(), TransferType::Blind)
        .await
        .expect("a transfer");
    carol.wait_named("incoming_call").await;
    let listed = alice.manager.get_sessions_with_transfers().await.expect("a list");
    assert_eq!(
        listed.iter().map(|info| (info.transfer, info.session)).collect::<Vec<_>>(),
        [(id, session.id())]
    );
    timeout(PATIENCE, alice.manager.cancel_transfer(&id))
        .await
        .expect("an answer in time")
        .expect("cancelled");
    let ended = alice.wait_named("transfer_cancelled").await;
    assert_eq!(ended.outcome(), Some("Cancelled"));
    assert!(alice.manager.get_sessions_with_transfers().await.expect("a list").is_empty());
    shut_down([alice, bob, carol]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_and_resume_are_in_force_when_they_are_told() {
    let (mut alice, mut bob) =
        (party("alice", ALICE, Calls::Answer).await, party("bob", BOB, Calls::Answer).await);
    let (session, bobs) = call(&mut alice, &mut bob).await;
    bob.hears(bobs, ALICE).await;
    let held = timeout(PATIENCE, session.hold()).await.expect("an answer in time").expect("held");
    assert_eq!((held.local, held.remote, held.direction), (true, false, Direction::SendOnly));
    let theirs = bob.wait_named("hold_changed").await;
    assert_eq!(theirs.session, Some(bobs));
    let info = bob.manager.get_session_media_info(&bobs).await.expect("media");
    assert_eq!((info.local_hold, info.remote_hold, info.direction), (false, true, Some(Direction::RecvOnly)));
    let resumed = timeout(PATIENCE, session.resume()).await.expect("an answer in time").expect("resumed");
    assert_eq!((resumed.local, resumed.direction), (false, Direction::SendRecv));
    alice.hears(session.id(), BOB).await;
    bob.hears(bobs, ALICE).await;
    shut_down([alice, bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_more_than_allowed_is_refused_with_486() {
    let mut setup = Setup::new("bob", BOB, Calls::Answer);
    setup.max_calls = 1;
    let (mut alice, mut bob) =
        (party("alice", ALICE, Calls::Answer).await, setup.start().await.expect("a party"));
    let (first, _) = call(&mut alice, &mut bob).await;
    let second = alice.manager.call(&bob.uri()).await.expect("a call");
    let refused = timeout(PATIENCE, second.established()).await.expect("an answer in time");
    let Err(SessionError::Ended(cause)) = refused else { panic!("not refused: {refused:?}") };
    assert_eq!(cause.reason, EndReason::Refused(StatusCode::BUSY_HERE));
    first.hang_up().await.expect("hung up");
    bob.wait_named("call_ended").await;
    call(&mut alice, &mut bob).await;
    shut_down([alice, bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_decides_about_is_refused_with_480() {
    let (alice, bob) = (party("alice", ALICE, Calls::Answer).await, party("bob", BOB, Calls::Drop).await);
    let session = alice.manager.call(&bob.uri()).await.expect("a call");
    let refused = timeout(PATIENCE, session.established()).await.expect("an answer in time");
    let Err(SessionError::Ended(cause)) = refused else { panic!("not refused: {refused:?}") };
    assert_eq!(cause.reason, EndReason::Refused(StatusCode::TEMPORARILY_UNAVAILABLE));
    shut_down([alice, bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_datagrams_stop_nothing() {
    let (mut alice, mut bob) =
        (party("alice", ALICE, Calls::Answer).await, party("bob", BOB, Calls::Answer).await);
    let stranger = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let source = stranger.local_addr().expect("its address");
    let long = vec![b'x'; 65_000];
    let no_via = b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n".as_slice();
    let lying = b"OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 99999\r\n\r\n"
        .as_slice();
    let rubbish: [&[u8]; 7] =
        [b"", b"\r\n\r\n", b"\0\0\0\0", b"SIP/2.0 200 OK\r\n\r\n", no_via, lying, &long];
    for _ in 0..20 {
        for datagram in rubbish {
            stranger.send_to(datagram, bob.address).await.expect("sent");
        }
    }
    // What is well-formed is answered all the same, also to the stranger.
    let options = format!(
        "OPTIONS sip:bob@{bob} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bKx;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:s@{source}>;tag=1\r\nTo: <sip:bob@{bob}>\r\nCall-ID: o@x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        bob = bob.address
    );
    let mut answer = vec![0; 65_535];
    let ok = async {
        loop {
            stranger.send_to(options.as_bytes(), bob.address).await.expect("sent");
            let (length, _) = stranger.recv_from(&mut answer).await.expect("received");
            if answer[..length].starts_with(b"SIP/2.0 200 ") {
                return String::from_utf8_lossy(&answer[..length]).into_owned();
            }
        }
    };
    let ok = timeout(PATIENCE, ok).await.expect("an answer to OPTIONS");
    assert!(ok.lines().any(|line| line.starts_with("Allow:") && line.contains("REFER")), "{ok}");
    let (session, bobs) = call(&mut alice, &mut bob).await;
    bob.hears(bobs, ALICE).await;
    session.hang_up().await.expect("hung up");
    shut_down([alice, bob]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_told_as_such_with_advice() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let address = taken.local_addr().expect("its address");
    let mut setup = Setup::new("alice", ALICE, Calls::Answer);
    setup.listen = address.to_string();
    match setup.start().await {
        Err(error @ StartError::AddressInUse(told)) => {
            assert_eq!(told, address);
            assert_eq!(error.recovery(), RecoveryAction::FixConfiguration);
        }
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it started on a port that is in use"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_policy_forbids_is_refused_before_anything_is_sent() {
    let mut setup = Setup::new("bob", BOB, Calls::Answer);
    // Without a list, only public addresses may be the target of somebody else's word.
    setup.policy.targets.networks.clear();
    let (mut alice, mut bob, carol) = (
        party("alice", ALICE, Calls::Answer).await,
        setup.start().await.expect("a party"),
        party("carol", CAROL, Calls::Answer).await,
    );
    let (session, _) = call(&mut alice, &mut bob).await;
    let mut transfer = session.blind(&carol.uri()).await.expect("a transfer");
    let outcome =
        timeout(PATIENCE, transfer.outcome()).await.expect("an outcome in time").expect("an outcome");
    assert_eq!((outcome.kind, outcome.code), (OutcomeKind::Recovered, Some(StatusCode::FORBIDDEN)));
    assert!(carol.manager.sessions().await.expect("a list").is_empty());
    shut_down([alice, bob, carol]).await;
}
