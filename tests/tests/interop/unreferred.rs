//! Peers that are asked to move and do it in their own way: they refuse, so that the two calls are joined here; they cannot be
//! replaced; they report nothing, or report although nobody has asked for it.

use patchcord_tests::{
    party::{Calls, Party, Setup},
    peer::{
        PATIENCE, PeerError,
        phone::{Make, Phone},
        sipjs::{Incoming, SipJs},
        sipp::{Plan, Sipp},
    },
};
use session_core::{
    AttendedOptions, Completion, Fallback, Outcome as Moved, OutcomeKind, ReferOptions, ReferSubscription,
    SemiAttendedPolicy, Session, Transfer,
};
use tokio::{task::block_in_place, time::timeout};

use super::{
    Outcome, address_of_kinds, enabled,
    seat::{FIRST_TONE, OUR_TONE, SECOND_TONE, Seat, hang_up, hear_each_other},
    table::{self, Row, test_name},
    uri,
};

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let row = |peer, role, kind, with: &str, media, expected: &str, test| Row {
        peer,
        role,
        kind,
        with: format!("`SessionManager`{with}"),
        media,
        expected: expected.to_owned(),
        outcome: table::Outcome::Passes,
        test,
    };
    let (bridge, both) = ("REFER answered 603, fallback to a bridge", "tones of the new pair, through us");
    let refused = test_name!(a_sipjs_that_declines_to_be_moved_is_bridged);
    let knows_none = test_name!(a_sipp_that_knows_no_refer_is_bridged);
    let irreplaceable = test_name!(a_baresip_that_cannot_be_replaced_is_bridged);
    let silent = test_name!(a_sipp_that_takes_the_refer_without_a_subscription);
    let talkative = test_name!(a_linphonec_that_reports_without_a_subscription);
    let ringing = test_name!(a_sipjs_that_rings_is_let_go_before_linphonec_calls_it);
    vec![
        row(
            "SIP.js",
            "transferee",
            bridge,
            ", linphonec (target)",
            both,
            "Bridged; it ends for both",
            refused,
        ),
        row(
            "linphonec",
            "target",
            bridge,
            ", SIP.js (transferee)",
            both,
            "Bridged; it ends for both",
            refused,
        ),
        row(
            "sipp",
            "transferee",
            "REFER answered 405, fallback to a bridge",
            ", SIP.js (target)",
            "its tone at the target, through us",
            "Bridged; it ends for both",
            knows_none,
        ),
        row(
            "SIP.js",
            "target",
            "REFER answered 405, fallback to a bridge",
            ", sipp (transferee)",
            "the transferee's tone, through us",
            "Bridged; it ends for both",
            knows_none,
        ),
        row(
            "baresip",
            "target",
            "attended, without Replaces, fallback to a bridge",
            ", linphonec (transferee)",
            both,
            "Bridged without a REFER; it ends for both",
            irreplaceable,
        ),
        row(
            "linphonec",
            "transferee",
            "attended, without Replaces, fallback to a bridge",
            ", baresip (target)",
            both,
            "Bridged without a REFER; it ends for both",
            irreplaceable,
        ),
        row(
            "sipp",
            "transferee",
            "blind without a subscription (RFC 4488), which it takes",
            "",
            "signalling only",
            "`Refer-Sub: false` there and back; AcceptedWithoutProgress, BYE",
            silent,
        ),
        row(
            "linphonec",
            "transferee",
            "blind without a subscription (RFC 4488), which it ignores",
            ", SIP.js (target)",
            "tones of the new pair",
            "its NOTIFYs are taken: Succeeded",
            talkative,
        ),
        row(
            "linphonec",
            "transferee",
            "semi-attended, dropped to blind (RFC 5589 §7.6)",
            ", SIP.js (target)",
            "tones of the new pair",
            "CANCEL, 487, then a REFER without Replaces; Succeeded",
            ringing,
        ),
    ]
}

async fn alice(block: u8, set: impl FnOnce(&mut Setup)) -> Party {
    let listen = format!("{}:5060", address_of_kinds(block, 1));
    let mut setup = Setup { listen, ..Setup::new("alice", OUR_TONE, Calls::Answer) };
    set(&mut setup);
    setup.start().await.expect("a party on its own address")
}

fn bridge(setup: &mut Setup) {
    setup.policy.fallback = Fallback::Bridge;
}

async fn call(alice: &Party, to: &str) -> Session {
    let session = alice.manager.call(to).await.expect("a call");
    timeout(PATIENCE, session.established()).await.expect("in time").expect("answered");
    session
}

async fn outcome(transfer: &mut Transfer) -> Moved {
    timeout(PATIENCE, transfer.outcome()).await.expect("in time").expect("an outcome")
}

/// How Alice moves somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Blind,
    /// Without a subscription to the reports.
    Unsubscribed,
    /// As soon as the target has answered.
    Attended,
}

/// Alice calls Bob, and moves him to Carol: it ends so, and the two hear each other until Carol hangs up.
async fn brings_together(
    alice: &Party,
    [bob, carol]: [&mut Seat; 2],
    way: Way,
    wanted: OutcomeKind,
) -> Outcome {
    let session = call(alice, &bob.uri()).await;
    block_in_place(|| bob.phone.hears(Some(OUR_TONE)))?;
    let target = carol.uri();
    let ended = match way {
        Way::Blind => outcome(&mut session.blind(&target).await.expect("a transfer")).await,
        Way::Unsubscribed => {
            outcome(&mut session.blind_with(&target, unsubscribed()).await.expect("a transfer")).await
        }
        Way::Attended => {
            let options = AttendedOptions::default();
            let consultation = session.consult_with(&target, options, Completion::OnAnswer).await;
            let mut consultation = consultation.expect("a consultation");
            timeout(PATIENCE, consultation.outcome()).await.expect("in time").expect("an outcome")
        }
    };
    assert_eq!(ended.kind, wanted, "{ended:?}\n{}", bob.phone.output());
    block_in_place(|| -> Result<(), PeerError> {
        carol.phone.answered()?;
        hear_each_other(bob, carol)?;
        hang_up(carol, bob)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sipjs_that_declines_to_be_moved_is_bridged() -> Outcome {
    // covers: TR-170
    if !enabled("a SIP.js that declines to be moved") {
        return Ok(());
    }
    let [first, target] = [2, 3].map(|peer| address_of_kinds(12, peer));
    let alice = alice(12, bridge).await;
    let bob = block_in_place(|| SipJs::start_refusing("bob", first, FIRST_TONE, 603))?;
    let mut bob = Seat::new(Make::SipJs, "bob", FIRST_TONE, uri("bob", first), Box::new(bob));
    let mut carol = block_in_place(|| Seat::start(Make::Linphone, "carol", target, SECOND_TONE))?;
    brings_together(&alice, [&mut bob, &mut carol], Way::Blind, OutcomeKind::Bridged).await?;
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sipp_that_knows_no_refer_is_bridged() -> Outcome {
    // covers: TR-170
    if !enabled("a sipp that knows no REFER") {
        return Ok(());
    }
    let [ours, first, target] = [1, 2, 3].map(|peer| address_of_kinds(13, peer));
    let alice = alice(13, bridge).await;
    let sipp = Sipp::start(&Plan { tone: Some(FIRST_TONE), ..Plan::new("transferee-405", first, ours) })?;
    let mut carol = block_in_place(|| SipJs::start("carol", target, SECOND_TONE))?;
    let session = call(&alice, &uri("bob", first)).await;
    let mut transfer = session.blind(&uri("carol", target)).await.expect("a transfer");
    let outcome = outcome(&mut transfer).await;
    assert_eq!(outcome.kind, OutcomeKind::Bridged, "{outcome:?}");
    block_in_place(|| -> Result<(), PeerError> {
        carol.answered()?;
        carol.hears(Some(FIRST_TONE))?;
        carol.hang_up()?;
        sipp.finish(PATIENCE).map(drop)
    })?;
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baresip_that_cannot_be_replaced_is_bridged() -> Outcome {
    // covers: TR-173
    if !enabled("a baresip that cannot be replaced") {
        return Ok(());
    }
    let [first, target] = [2, 3].map(|peer| address_of_kinds(14, peer));
    let mut alice = alice(14, bridge).await;
    let mut bob = block_in_place(|| Seat::start(Make::Linphone, "bob", first, FIRST_TONE))?;
    let mut carol = block_in_place(|| Seat::start(Make::Baresip, "carol", target, SECOND_TONE))?;
    brings_together(&alice, [&mut bob, &mut carol], Way::Attended, OutcomeKind::Bridged).await?;
    alice.wait_for("the end of the transfer", PATIENCE, |event| event.outcome().is_some()).await;
    assert!(!alice.seen().iter().any(|event| event.name() == "refer_sent"), "{:#?}", alice.seen());
    alice.manager.shutdown().await;
    Ok(())
}

/// A REFER that asks for no subscription.
fn unsubscribed() -> ReferOptions {
    ReferOptions { subscription: ReferSubscription::Suppress, ..ReferOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sipp_that_takes_the_refer_without_a_subscription() -> Outcome {
    // covers: TR-077
    if !enabled("a sipp that takes a REFER without a subscription") {
        return Ok(());
    }
    let [ours, first, target] = [1, 2, 3].map(|peer| address_of_kinds(15, peer));
    let alice = alice(15, |_| ()).await;
    let sipp = Sipp::start(&Plan::new("transferee-refer-sub", first, ours))?;
    let session = call(&alice, &uri("bob", first)).await;
    let mut transfer = session.blind_with(&uri("carol", target), unsubscribed()).await.expect("a transfer");
    let outcome = outcome(&mut transfer).await;
    let report = block_in_place(|| sipp.finish(PATIENCE))?;
    assert_eq!(outcome.kind, OutcomeKind::AcceptedWithoutProgress, "{outcome:?}\n{}", report.messages);
    assert!(report.log.contains("Refer-Sub: false"), "{}\n{}", report.log, report.messages);
    assert!(report.messages.contains("\nBYE sip:"), "{}", report.messages);
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linphonec_that_reports_without_a_subscription() -> Outcome {
    if !enabled("a linphonec that reports without a subscription") {
        return Ok(());
    }
    let [first, target] = [2, 3].map(|peer| address_of_kinds(16, peer));
    let alice = alice(16, |_| ()).await;
    let mut bob = block_in_place(|| Seat::start(Make::Linphone, "bob", first, FIRST_TONE))?;
    let mut carol = block_in_place(|| Seat::start(Make::SipJs, "carol", target, SECOND_TONE))?;
    brings_together(&alice, [&mut bob, &mut carol], Way::Unsubscribed, OutcomeKind::Succeeded).await?;
    alice.manager.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sipjs_that_rings_is_let_go_before_linphonec_calls_it() -> Outcome {
    // covers: TR-166
    if !enabled("a SIP.js that rings is let go") {
        return Ok(());
    }
    let [first, target] = [2, 3].map(|peer| address_of_kinds(17, peer));
    let alice = alice(17, |setup| {
        setup.policy.attended.semi_attended = SemiAttendedPolicy::CancelThenBlind;
    });
    let mut alice = alice.await;
    let mut bob = block_in_place(|| Seat::start(Make::Linphone, "bob", first, FIRST_TONE))?;
    let mut carol = block_in_place(|| SipJs::start_with("carol", target, SECOND_TONE, Incoming::Ring))?;
    let session = call(&alice, &bob.uri()).await;
    block_in_place(|| bob.phone.hears(Some(OUR_TONE)))?;
    let consultation = session.consult(&uri("carol", target)).await.expect("a consultation");
    alice.wait_named("consult_ringing").await;
    let mut transfer = consultation.complete().await.map_err(|(_, error)| error).expect("completed");
    let ended = |call: u64| {
        move |event: &serde_json::Value| {
            event["event"] == "state" && event["state"] == "Terminated" && event["call"] == call
        }
    };
    block_in_place(|| -> Result<(), PeerError> {
        carol.wait_for("the end of the first call", PATIENCE, ended(1))?;
        let second = |event: &serde_json::Value| event["event"] == "incoming" && event["call"] == 2;
        let called = carol.wait_for("a second call", PATIENCE, second)?;
        assert!(called["replaces"].is_null(), "{called}");
        carol.say("answer")
    })?;
    let outcome = outcome(&mut transfer).await;
    assert_eq!(outcome.kind, OutcomeKind::Succeeded, "{outcome:?}\n{}", bob.phone.output());
    let mut carol = Seat::new(Make::SipJs, "carol", SECOND_TONE, uri("carol", target), Box::new(carol));
    block_in_place(|| -> Result<(), PeerError> {
        hear_each_other(&mut bob, &mut carol)?;
        hang_up(&mut carol, &mut bob)
    })?;
    alice.manager.shutdown().await;
    Ok(())
}
