//! The driver on real sockets: what a manager does when something runs out or ends.

#![expect(clippy::disallowed_types, reason = "a socket is bound to see that the port is free")]

use std::time::Duration;

use session_core::{
    EndReason, EventFilter, EventKind, EventsError, Incoming, IncomingQueue, MediaMode, Overflow,
    RecoveryAction, Session, SessionError, SessionManager, StartError, SubscribeError,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn refused_with(result: Result<(), SessionError>) -> Option<u16> {
    match result {
        Err(SessionError::Ended(cause)) => match cause.reason {
            EndReason::Refused(status) => Some(status.as_u16()),
            _ => None,
        },
        _ => None,
    }
}

async fn settled(call: &Session) -> Result<(), SessionError> {
    timeout(PATIENCE, call.established()).await.expect("an answer in time")
}

fn answer_everything(manager: SessionManager, mut incoming: IncomingQueue) {
    tokio::spawn(async move {
        while let Some(Incoming::Call(call)) = incoming.next().await {
            call.answer(&manager).await.expect("an incoming call can be answered");
        }
    });
}

fn uri(manager: &SessionManager) -> String {
    format!("sip:x@{}", manager.local_addresses()[0].1)
}

#[tokio::test]
async fn without_a_port_a_call_is_refused_and_the_others_go_on() {
    let (callee, incoming) = SessionManager::builder()
        .listen("udp:127.0.77.1:0")
        .expect("a listen address")
        .media_ports(42_000..=42_005)
        .start()
        .await
        .expect("three pairs of ports");
    answer_everything(callee.clone(), incoming);
    let (caller, _incoming) = SessionManager::builder().start().await.expect("a caller");
    let mut refused = Vec::new();
    let mut up = Vec::new();
    for _ in 0..5 {
        let call = caller.call(&uri(&callee)).await.expect("a call");
        match settled(&call).await {
            Ok(()) => up.push(call),
            error => refused.extend(refused_with(error)),
        }
    }
    assert!((1..=3).contains(&up.len()), "{} calls with three pairs", up.len());
    assert!(refused.len() == 5 - up.len() && refused.iter().all(|code| *code == 503), "{refused:?}");
    let hold = timeout(PATIENCE, up[0].hold()).await.expect("the driver lives").expect("a hold");
    assert!(hold.local);
    caller.shutdown().await;
    callee.shutdown().await;
}

#[tokio::test]
async fn a_media_address_that_is_not_ours_stands_in_the_sdp_only() {
    let (callee, incoming) = SessionManager::builder()
        .media_address([192, 0, 2, 77].into())
        .start()
        .await
        .expect("the sockets are bound to our own address");
    answer_everything(callee.clone(), incoming);
    let (caller, _incoming) = SessionManager::builder().start().await.expect("a caller");
    let call = caller.call(&uri(&callee)).await.expect("a call");
    settled(&call).await.expect("up");
    let remote = call.media_info().await.expect("known").remote.expect("negotiated");
    assert_eq!(remote.ip(), std::net::IpAddr::from([192, 0, 2, 77]));
    caller.shutdown().await;
    callee.shutdown().await;
}

#[tokio::test]
async fn a_range_without_a_free_port_is_told_at_the_start() {
    let result = SessionManager::builder().media_ports(1..=1).start().await;
    assert!(matches!(result, Err(StartError::Media(_))));
}

#[tokio::test]
async fn an_application_that_stops_deciding_refuses_what_waits() {
    let (callee, incoming) = SessionManager::builder().media(MediaMode::Off).start().await.expect("a callee");
    let (caller, _incoming) =
        SessionManager::builder().media(MediaMode::Off).start().await.expect("a caller");
    let mut events = callee.subscribe().expect("events");
    let call = caller.call(&uri(&callee)).await.expect("a call");
    let seen = async {
        while let Some(delivery) = events.recv().await {
            if delivery.into_event().is_some_and(|event| matches!(event.kind, EventKind::IncomingCall { .. }))
            {
                return;
            }
        }
    };
    timeout(PATIENCE, seen).await.expect("the call arrives");
    drop(incoming);
    let code = refused_with(settled(&call).await);
    assert!(matches!(code, Some(480 | 503)), "{code:?}");
    caller.shutdown().await;
    callee.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_tells_the_summary_of_each_stream_and_frees_the_port() {
    let (callee, incoming) = SessionManager::builder().start().await.expect("a callee");
    answer_everything(callee.clone(), incoming);
    // An address of its own, where no other test takes the port once it is free.
    let own = SessionManager::builder().listen("udp:127.0.78.1:0").expect("a listen address");
    let (caller, _incoming) = own.start().await.expect("a caller");
    let mut events = caller.subscribe().expect("events");
    let call = caller.call(&uri(&callee)).await.expect("a call");
    settled(&call).await.expect("up");
    let local = caller.local_addresses()[0].1;
    timeout(PATIENCE, caller.shutdown()).await.expect("a shutdown in time");
    std::net::UdpSocket::bind(local).expect("the port is free again");
    let mut summaries = 0;
    while let Ok(delivery) = events.try_recv() {
        let event = delivery.into_event().expect("nothing is lost");
        summaries += u32::from(matches!(event.kind, EventKind::MediaSummary(_)));
    }
    assert_eq!(summaries, 1);
    callee.shutdown().await;
    assert!(matches!(caller.call("sip:x@127.0.0.1").await, Err(SessionError::Closed)));
}

#[tokio::test]
async fn a_shutdown_with_a_mute_peer_still_tells_the_end_of_the_call() {
    let mute = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket that never answers");
    let (caller, _incoming) =
        SessionManager::builder().media(MediaMode::Off).start().await.expect("a caller");
    let mut events = caller.subscribe().expect("events");
    let target = format!("sip:x@{}", mute.local_addr().expect("bound"));
    let call = caller.call(&target).await.expect("a call");
    timeout(PATIENCE, caller.shutdown()).await.expect("a shutdown in time");
    assert!(matches!(settled(&call).await, Err(SessionError::Ended(_))));
    let mut ended = 0;
    while let Ok(delivery) = events.try_recv() {
        let event = delivery.into_event().expect("nothing is lost");
        ended += u32::from(matches!(event.kind, EventKind::CallEnded { .. }));
    }
    assert_eq!(ended, 1);
}

#[tokio::test]
async fn an_observer_that_would_block_the_engine_is_refused() {
    let (manager, _incoming) =
        SessionManager::builder().media(MediaMode::Off).start().await.expect("a manager");
    let refused = |capacity, overflow| manager.subscribe_with(capacity, overflow, |_| true).map(drop);
    assert_eq!(refused(1, Overflow::Block), Err(EventsError::Blocking));
    assert_eq!(EventsError::Blocking.recovery(), RecoveryAction::FixInput);
    let none = EventsError::Subscribe(SubscribeError::Capacity { asked: 0 });
    assert_eq!(refused(0, Overflow::DropOldest), Err(none));
    for overflow in [Overflow::DropOldest, Overflow::Disconnect] {
        assert_eq!(refused(1, overflow), Ok(()));
    }
    manager.shutdown().await;
}

#[tokio::test]
async fn a_filtered_subscriber_gets_the_events_of_one_call_only() {
    let (callee, incoming) = SessionManager::builder().media(MediaMode::Off).start().await.expect("a callee");
    answer_everything(callee.clone(), incoming);
    let (caller, _incoming) =
        SessionManager::builder().media(MediaMode::Off).start().await.expect("a caller");
    let first = caller.call(&uri(&callee)).await.expect("a call");
    settled(&first).await.expect("up");
    let second = caller.call(&uri(&callee)).await.expect("a second call");
    settled(&second).await.expect("up");
    let of_second = EventFilter::default().session(second.id());
    let ends = of_second.kind(|kind| matches!(kind, EventKind::CallEnded { .. }));
    let mut ends = caller.subscribe_to(ends).expect("events");
    caller.shutdown().await;
    let mut seen = Vec::new();
    while let Ok(delivery) = ends.try_recv() {
        seen.push(delivery.into_event().expect("nothing is lost").session);
    }
    assert_eq!(seen, [Some(second.id())]);
    callee.shutdown().await;
}
