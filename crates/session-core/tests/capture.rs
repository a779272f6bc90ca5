//! A capture of managers that talk with each other.

use std::time::Duration;

use session_core::{Builder, Capture, CaptureReport, Incoming, SessionManager};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A short call between two managers with these captures, until both have ended.
async fn call(caller: Capture, callee: Capture) {
    let start = async |capture| {
        let builder: Builder = SessionManager::builder().capture(capture);
        builder.start().await.expect("loopback is there")
    };
    let (alice, _none) = start(caller).await;
    let (bob, mut incoming) = start(callee).await;
    let answering = bob.clone();
    let answers = tokio::spawn(async move {
        let Some(Incoming::Call(call)) = incoming.next().await else { panic!("a call") };
        call.answer(&answering).await.expect("it can be answered");
    });
    let call = alice.call(&format!("sip:bob@{}", bob.local_addresses()[0].1)).await.expect("a call");
    timeout(PATIENCE, call.established()).await.expect("in time").expect("an answer");
    answers.await.expect("answered");
    call.hang_up().await.expect("the call is up");
    alice.shutdown().await;
    bob.shutdown().await;
}

/// The report, and how often each datagram stands in the file, INVITEs counted.
fn end(capture: &Capture, path: &std::path::Path) -> (CaptureReport, usize) {
    let report = capture.finish();
    let file = std::fs::read(path).expect("the file is there");
    std::fs::remove_file(path).expect("the file is ours");
    (report, file.windows(11).filter(|text| text == b"INVITE sip:").count())
}

#[tokio::test]
async fn managers_that_share_a_capture_record_each_datagram_once_or_at_both_ends() {
    let path = std::env::temp_dir().join(format!("patchcord-capture-{}.pcap", std::process::id()));
    for (sent_only, invites) in [(true, 1), (false, 2)] {
        let capture = Capture::create(&path).expect("a temporary file");
        let one = if sent_only { capture.sent_only() } else { capture.clone() };
        call(one.clone(), one).await;
        let (report, found) = end(&capture, &path);
        assert_eq!((found, report.missing()), (invites, 0), "sent only: {sent_only}");
        assert!(report.failure.is_none() && report.written >= 5, "{report:?}");
    }
}
