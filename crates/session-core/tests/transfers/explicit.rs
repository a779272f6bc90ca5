//! Transfers with an explicit subscription to their progress (RFC 7614).

use session_core::{
    EventKind, LearnedFrom, MediaMode, OutcomeKind, ReferOptions, ReferSubscription, ReplacesAuthorizer,
    StatusCode, SubscriptionEnd,
};

use crate::stage::{Calls, Three};

#[tokio::test]
async fn a_blind_transfer_is_followed_where_the_200_says() {
    for (carol, kind, code) in
        [(Calls::Answered, OutcomeKind::Succeeded, 200), (Calls::Refused, OutcomeKind::Recovered, 486)]
    {
        let mut three = Three::new(carol, MediaMode::Off, ReplacesAuthorizer::Deny).await;
        let options = ReferOptions { subscription: ReferSubscription::Explicit, ..ReferOptions::default() };
        let target = three.carol.uri();
        let transfer = three.call.blind_with(&target, options).await.expect("a transfer").id();
        let accepted = three.alice.wait("2xx to the REFER", |event| match event.kind {
            EventKind::TransferAccepted { status } => Some(status),
            _ => None,
        });
        // Any other REFER is accepted with 202 (decision D1).
        assert_eq!(accepted.await, StatusCode::OK);
        let ended = three.alice.wait("end of the subscription", |event| match event.kind {
            EventKind::SubscriptionEnded { end, .. } => Some(end),
            _ => None,
        });
        assert_eq!(ended.await, SubscriptionEnd::Terminated);
        let outcome = three.alice.outcome(transfer).await;
        assert_eq!((outcome.kind, outcome.learned_from), (kind, LearnedFrom::Notify));
        assert_eq!(outcome.code.map(StatusCode::as_u16), Some(code));
        three.end().await;
    }
}
