//! Observers and callbacks of the application that are stuck, slow or broken harm no call; and the graceful end.

use std::{future::ready, pin::pin, time::Duration};

use session_core::{
    EndReason, EventFilter, EventKind, Incoming, IncomingCall, IncomingQueue, MediaMode, OutcomeKind,
    Overflow, ReferPolicy, Resolver, Session, SessionError, SessionManager, TransferError, TransferPolicy,
    TransferStage, report::Reporter,
};
use tokio::{sync::oneshot, time::timeout};

const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("in time")
}

async fn party() -> (SessionManager, IncomingQueue) {
    let mut policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
    policy.targets.networks.push("127.0.0.0/8".parse().expect("a network"));
    SessionManager::builder().media(MediaMode::Off).transfer_policy(policy).start().await.expect("a party")
}

fn uri(manager: &SessionManager) -> String {
    format!("sip:x@{}", manager.local_addresses()[0].1)
}

fn answer_everything(manager: &SessionManager, mut incoming: IncomingQueue) {
    let manager = manager.clone();
    tokio::spawn(async move {
        while let Some(Incoming::Call(call)) = incoming.next().await {
            call.answer(&manager).await.expect("an incoming call can be answered");
        }
    });
}

async fn next_call(incoming: &mut IncomingQueue) -> IncomingCall {
    match soon(incoming.next()).await {
        Some(Incoming::Call(call)) => call,
        other => panic!("no call: {other:?}"),
    }
}

fn code(result: Result<(), SessionError>) -> Option<u16> {
    match result {
        Err(SessionError::Ended(cause)) => match cause.reason {
            EndReason::Refused(status) => Some(status.as_u16()),
            _ => None,
        },
        _ => None,
    }
}

async fn up(caller: &SessionManager, callee: &SessionManager) -> Session {
    let call = caller.call(&uri(callee)).await.expect("a call");
    soon(call.established()).await.expect("up");
    call
}

#[tokio::test]
async fn a_subscriber_that_never_reads_harms_nobody_and_the_counter_shows_it() {
    // covers: TR-045
    let ((alice, _none), (bob, calls)) = (party().await, party().await);
    answer_everything(&bob, calls);
    let stuck = alice.subscribe_with(2, Overflow::DropOldest, |_| true).expect("a subscription");
    let mut reads = alice.subscribe().expect("a subscription");
    assert_eq!(alice.event_counters().subscribers, 2);
    for _ in 0..3 {
        let call = up(&alice, &bob).await;
        soon(call.hold()).await.expect("a hold");
        soon(call.hang_up()).await.expect("an end");
    }
    soon(alice.shutdown()).await;
    let mut batch = Vec::new();
    let taken = soon(reads.recv_batch(&mut batch, 1024)).await;
    let counters = alice.event_counters();
    assert!(taken >= 9 && taken == batch.len(), "{taken} events in one batch");
    assert_eq!(reads.lost(), 0);
    assert!(counters.lost > 0, "{counters:?}");
    assert_eq!(counters.lost, stuck.lost());
    assert_eq!(counters.queued, counters.published * 2);
    soon(bob.shutdown()).await;
}

#[tokio::test]
async fn a_filter_that_panics_wants_nothing_and_harms_no_call() {
    let ((alice, _none), (bob, calls)) = (party().await, party().await);
    answer_everything(&bob, calls);
    let broken = alice
        .subscribe_with(64, Overflow::DropOldest, |event| {
            assert!(!matches!(event.kind, EventKind::Established { .. }), "a fault of the application's");
            true
        })
        .expect("a subscription");
    let call = up(&alice, &bob).await;
    soon(call.hang_up()).await.expect("an end");
    soon(alice.shutdown()).await;
    assert_eq!(alice.event_counters().filter_panics, 1);
    assert!(!broken.is_empty(), "what it did not panic at is there");
    soon(bob.shutdown()).await;
}

#[tokio::test]
async fn a_decision_that_panics_or_takes_for_ever_harms_no_other_call() {
    let ((alice, _none), (bob, mut calls)) = (party().await, party().await);
    let (broken, slow, good) = (
        alice.call(&uri(&bob)).await.expect("a call"),
        alice.call(&uri(&bob)).await.expect("a call"),
        alice.call(&uri(&bob)).await.expect("a call"),
    );
    let panics = next_call(&mut calls).await;
    tokio::spawn(async move {
        let _held = panics;
        panic!("a fault of the application's");
    });
    let (go_on, waits) = oneshot::channel::<()>();
    let (takes_long, manager) = (next_call(&mut calls).await, bob.clone());
    let decides = tokio::spawn(async move {
        waits.await.expect("the test goes on");
        drop(takes_long);
    });
    let answered = next_call(&mut calls).await.answer(&manager).await;
    answered.expect("an answer");
    // Which of the three is which is for the network to say: one is up, one refused, one waits.
    let mut results = Vec::new();
    let mut waiting = [&broken, &slow, &good].map(|call| Box::pin(call.established()));
    while results.len() < 2 {
        let [first, second, third] = &mut waiting;
        let (place, result) = soon(async {
            tokio::select! {
                result = first, if !results.iter().any(|(place, _)| *place == 0) => (0, result),
                result = second, if !results.iter().any(|(place, _)| *place == 1) => (1, result),
                result = third, if !results.iter().any(|(place, _)| *place == 2) => (2, result),
            }
        })
        .await;
        results.push((place, result));
    }
    assert_eq!(results.iter().filter(|(_, result)| result.is_ok()).count(), 1);
    assert!(results.into_iter().any(|(_, result)| code(result).is_some_and(|code| code >= 400)));
    assert!(!decides.is_finished());
    go_on.send(()).expect("the slow decision waits");
    soon(alice.shutdown()).await;
    soon(bob.shutdown()).await;
}

/// A resolver that panics.
struct Broken;

impl Resolver for Broken {
    fn look_up(&self, _question: sip_transport::Question) -> sip_transport::io::LookUp<'_> {
        Box::pin(async { panic!("a fault of the application's") })
    }
}

#[tokio::test]
async fn a_resolver_that_panics_has_not_answered_and_harms_no_other_call() {
    let (bob, calls) = party().await;
    answer_everything(&bob, calls);
    let (alice, _none) =
        SessionManager::builder().media(MediaMode::Off).resolver(Broken).start().await.expect("a party");
    let call = alice.call("sip:x@nowhere.invalid").await.expect("a call");
    let error = soon(call.established()).await.expect_err("no address");
    assert!(error.network().is_some(), "{error}");
    let other = up(&alice, &bob).await;
    soon(other.hang_up()).await.expect("an end");
    soon(alice.shutdown()).await;
    soon(bob.shutdown()).await;
}

#[tokio::test]
async fn a_drain_takes_nothing_new_lets_the_transfer_finish_and_stops() {
    let ((alice, _none), (bob, bobs), (carol, mut carols)) = (party().await, party().await, party().await);
    answer_everything(&bob, bobs);
    let call = up(&alice, &bob).await;
    let events = EventFilter::default().kind(|kind| TransferStage::reported_by(kind).is_some());
    let mut stages = alice.subscribe_to(events).expect("a subscription");
    let mut transfer = call.blind(&uri(&carol)).await.expect("a transfer");
    let rings = next_call(&mut carols).await;
    let mut drain = pin!(alice.drain(PATIENCE));
    tokio::select! {
        biased;
        () = &mut drain => panic!("it waits for the transfer"),
        () = ready(()) => {}
    }
    assert_eq!(alice.call(&uri(&bob)).await.map(|call| call.id()), Err(SessionError::Draining));
    let id = transfer.id();
    assert_eq!(alice.transfer_report(&id).await, Err(TransferError::NoReport));
    let late = bob.call(&uri(&alice)).await.expect("a call");
    assert_eq!(code(soon(late.established()).await), Some(503));
    rings.answer(&carol).await.expect("an answer");
    soon(drain).await;
    let outcome = soon(transfer.outcome()).await.expect("an outcome");
    assert_eq!(outcome.kind, OutcomeKind::Succeeded);
    let report = soon(transfer.report()).await.expect("a report outlives the manager");
    assert_eq!((report.transfer, report.stage), (id, TransferStage::Completed));
    let mut told = Vec::new();
    while let Some(delivery) = soon(stages.recv()).await {
        told.extend(delivery.into_event().and_then(|event| event.stage()));
        if told.last().is_some_and(|stage| stage.is_last()) {
            break;
        }
    }
    told.dedup();
    let all = [
        TransferStage::Initiated,
        TransferStage::Accepted,
        TransferStage::Progress,
        TransferStage::Completed,
    ];
    assert_eq!(told, all);
    assert!(matches!(alice.call(&uri(&bob)).await, Err(SessionError::Closed)));
    soon(bob.shutdown()).await;
    soon(carol.shutdown()).await;
}

#[tokio::test]
async fn a_drain_does_not_wait_longer_than_its_limit() {
    let ((alice, _none), (bob, bobs), (carol, mut carols)) = (party().await, party().await, party().await);
    answer_everything(&bob, bobs);
    let call = up(&alice, &bob).await;
    let mut transfer = call.blind(&uri(&carol)).await.expect("a transfer");
    let _rings = next_call(&mut carols).await;
    soon(alice.drain(Duration::ZERO)).await;
    let outcome = soon(transfer.outcome()).await.expect("every transfer has an outcome");
    assert_ne!(outcome.kind, OutcomeKind::Succeeded);
    soon(bob.shutdown()).await;
    soon(carol.shutdown()).await;
}

#[tokio::test]
async fn the_manager_has_the_last_reports_of_both_roles() {
    let ((alice, _none), (bob, bobs), (carol, carols)) = (party().await, party().await, party().await);
    answer_everything(&bob, bobs);
    answer_everything(&carol, carols);
    let only_last = EventFilter::default().kind(|kind| matches!(kind, EventKind::TransferEnded(_)));
    let mut ends = bob.subscribe_to(only_last).expect("a subscription");
    let call = up(&alice, &bob).await;
    let mut transfer = call.blind(&uri(&carol)).await.expect("a transfer");
    let mine = soon(transfer.report()).await.expect("a report");
    assert_eq!(alice.transfer_report(&transfer.id()).await, Ok(mine));
    let end = soon(ends.recv()).await.and_then(session_core::Delivery::into_event).expect("an event");
    let theirs = bob.transfer_report(&end.transfer.expect("of a transfer")).await.expect("kept");
    assert_eq!(theirs.role, session_core::Role::Transferee);
    const { assert!(Reporter::KEPT > 1) };
    for manager in [alice, bob, carol] {
        soon(manager.shutdown()).await;
    }
}
