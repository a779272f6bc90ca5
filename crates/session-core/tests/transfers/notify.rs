//! Waiting for a NOTIFY can be given up: what comes stays for the next call.

use std::future::Future;

use session_core::{
    Decision, Refer, ReferDecision, StatusCode, TransferError, TransferHandling, TransferId, TransferNotify,
    TransferProgress,
};
use tokio::time::timeout;

use crate::stage::{Calls, PATIENCE, Three, first_call};

/// Alice has referred Bob by hand; he has accepted it and reports by hand.
struct Referred {
    three: Three,
    transfer: TransferId,
    asked: TransferId,
}

impl Referred {
    async fn new() -> Self {
        let mut three = Three::signalling(Calls::Ringing).await;
        let bobs = first_call(&mut three.bob).await;
        for (manager, call) in [(&three.alice.manager, three.call.id()), (&three.bob.manager, bobs)] {
            manager.set_transfer_handling(&call, TransferHandling::Manual).await.expect("a call");
        }
        three.call.hold().await.expect("held");
        let refer = Refer::to_target(three.carol.uri().parse().expect("a URI"));
        let session = three.call.id();
        let (referred, asked) =
            tokio::join!(three.alice.manager.send_refer_request(&session, refer), async {
                let asked = three.bob.wait("REFER", |event| event.transfer).await;
                let decided = three.bob.manager.handle_refer_request(&asked, Decision::HandleMyself).await;
                decided.map(|()| asked)
            });
        let (transfer, asked) = (referred.expect("a REFER"), asked.expect("accepted"));
        let decision = three.alice.manager.process_refer_response(&transfer).await.expect("answered");
        assert_eq!(decision, ReferDecision::GoOn);
        let referred = Self { three, transfer, asked };
        assert_eq!(referred.next().await.status, Some(StatusCode::TRYING));
        referred
    }

    async fn next(&self) -> TransferProgress {
        let next = self.three.alice.manager.handle_transfer_notify(&self.transfer);
        timeout(PATIENCE, next).await.expect("a NOTIFY in time").expect("a NOTIFY")
    }

    /// Bob reports; the NOTIFY is answered when this returns.
    async fn report(&self, status: StatusCode, notify: TransferNotify) {
        let reported = self.three.bob.manager.send_transfer_notify(&self.asked, status, notify);
        timeout(PATIENCE, reported).await.expect("in time").expect("reported");
    }

    /// Polls a future while the managers do what they were asked before.
    async fn polled<F: Future + Unpin>(&self, waiting: &mut F) -> Option<F::Output> {
        tokio::select! {
            biased;
            done = waiting => Some(done),
            _ = self.three.alice.manager.sessions() => None,
        }
    }

    async fn end(self) {
        let outcome = self.three.alice.manager.cancel_transfer(&self.transfer).await;
        // It has ended, or does.
        assert!(matches!(outcome, Ok(()) | Err(TransferError::Refused(_))), "{outcome:?}");
        self.three.end().await;
    }
}

#[tokio::test]
async fn a_notify_that_comes_after_its_future_was_dropped_stays_for_the_next_call() {
    let referred = Referred::new().await;
    let manager = referred.three.alice.manager.clone();
    let mut dropped = Box::pin(manager.handle_transfer_notify(&referred.transfer));
    assert!(referred.polled(&mut dropped).await.is_none(), "nothing was reported");
    drop(dropped);
    referred.report(StatusCode::RINGING, TransferNotify::Progress).await;
    assert_eq!(referred.next().await.status, Some(StatusCode::RINGING));
    referred.end().await;
}

#[tokio::test]
async fn a_notify_that_has_come_to_a_future_that_is_dropped_stays_for_the_next_call() {
    let referred = Referred::new().await;
    let manager = referred.three.alice.manager.clone();
    let mut dropped = Box::pin(manager.handle_transfer_notify(&referred.transfer));
    assert!(referred.polled(&mut dropped).await.is_none());
    referred.report(StatusCode::RINGING, TransferNotify::Progress).await;
    drop(dropped);
    assert_eq!(referred.next().await.status, Some(StatusCode::RINGING));
    referred.end().await;
}

#[tokio::test]
async fn the_next_call_takes_over_from_one_that_was_dropped_and_not_from_one_that_waits() {
    let referred = Referred::new().await;
    let manager = referred.three.alice.manager.clone();
    let mut first = Box::pin(manager.handle_transfer_notify(&referred.transfer));
    assert!(referred.polled(&mut first).await.is_none());
    let second = manager.handle_transfer_notify(&referred.transfer).await;
    assert!(matches!(second, Err(TransferError::WrongState { state: "Waiting", .. })), "{second:?}");
    drop(first);
    let (next, ()) =
        tokio::join!(referred.next(), referred.report(StatusCode::RINGING, TransferNotify::Progress));
    assert_eq!(next.status, Some(StatusCode::RINGING));
    referred.end().await;
}

#[tokio::test]
async fn a_failure_that_was_dropped_is_there_after_the_transfer_is_over() {
    let referred = Referred::new().await;
    let manager = referred.three.alice.manager.clone();
    let mut dropped = Box::pin(manager.handle_transfer_notify(&referred.transfer));
    assert!(referred.polled(&mut dropped).await.is_none());
    drop(dropped);
    referred.report(StatusCode::BUSY_HERE, TransferNotify::Final).await;
    let mut referred = referred;
    assert!(referred.three.alice.outcome(referred.transfer).await.call_kept);
    let last = referred.next().await;
    assert_eq!((last.status, last.terminated), (Some(StatusCode::BUSY_HERE), true));
    let after = manager.handle_transfer_notify(&referred.transfer).await;
    assert!(matches!(after, Err(TransferError::Refused(_))), "{after:?}");
    referred.end().await;
}
