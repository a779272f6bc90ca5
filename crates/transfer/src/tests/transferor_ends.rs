//! Blind transfers of ours: recovery, cancelling, hanging up, time.

use dialog_core::{
    By, EndReason, LegEvent, NotifiedState::*, ReferAnswer, ReofferError, SubscriptionEnd, SubscriptionEvent,
};

use super::rig::{Rig, code, wrong};
use crate::{Hold, TransferPolicy, TransferTimerName};

/// A held call whose REFER was accepted.
fn accepted(rig: &mut Rig) -> (dialog_core::LegId, crate::TransferId, dialog_core::SubscriptionId) {
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    rig.reoffered(leg, Ok(()));
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    (leg, transfer, sub)
}

#[test]
fn a_failure_takes_the_call_back() {
    // covers: TR-163
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, _, sub) = accepted(&mut rig);
    assert_eq!(
        rig.notified(sub, Terminated, Some(486)),
        "disarm Guard; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(rig.reoffered(leg, Ok(())), "disarm Resume; [ended Recovered Notify 486 Target kept=true]");
    rig.assert_nothing_left();
    assert_eq!(rig.blind(leg, Hold::No).1.split(';').next(), Some("ok"));
}

#[test]
fn every_final_failure_is_one_and_its_subscription_is_left_to_run_out() {
    for status in [302, 404, 487, 503, 603] {
        let mut rig = Rig::new(TransferPolicy::default());
        let (leg, _, sub) = accepted(&mut rig);
        assert_eq!(
            rig.notified(sub, Active, Some(status)),
            "disarm Guard; [recovering]; resume 10s; arm Resume 12s"
        );
        rig.reoffered(leg, Ok(()));
        assert_eq!(rig.outcome(), format!("Recovered Notify {status} Target kept=true"));
        rig.assert_nothing_left();
    }
}

#[test]
fn a_call_that_is_gone_or_silent_is_hung_up() {
    for error in [
        ReofferError::Refused(code(481)),
        ReofferError::Refused(code(408)),
        ReofferError::TimedOut,
        ReofferError::Unreachable,
    ] {
        let mut rig = Rig::new(TransferPolicy::default());
        let (leg, _, sub) = accepted(&mut rig);
        rig.notified(sub, Terminated, Some(486));
        assert_eq!(
            rig.reoffered(leg, Err(error)),
            format!("disarm Resume; hangup {leg}; [ended Failed Notify 486 Target kept=false]")
        );
        rig.assert_nothing_left();
    }
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(486));
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Resume),
        format!("hangup {leg}; [ended Failed Notify 486 Target kept=false]")
    );
    rig.assert_nothing_left();
}

#[test]
fn a_resumption_that_is_refused_is_asked_for_again() {
    // covers: TR-163
    for error in [500, 503, 488, 400, 600]
        .map(|status| ReofferError::Refused(code(status)))
        .into_iter()
        .chain([ReofferError::Description])
    {
        let mut rig = Rig::new(TransferPolicy::default());
        let (leg, transfer, sub) = accepted(&mut rig);
        rig.notified(sub, Terminated, Some(486));
        assert_eq!(rig.reoffered(leg, Err(error)), "arm Retry 1s");
        assert_eq!(rig.transfers.transfers().next().map(|info| info.state), Some("Recovering"));
        // What the application asks for meanwhile is not the answer.
        assert_eq!(rig.reoffered(leg, Ok(())), "");
        assert_eq!(rig.expire(transfer, TransferTimerName::Retry), "resume 9s");
        assert_eq!(rig.reoffered(leg, Err(error)), "arm Retry 2s");
        assert_eq!(rig.expire(transfer, TransferTimerName::Retry), "resume 7s");
        assert_eq!(
            rig.reoffered(leg, Ok(())),
            "disarm Resume; [ended Recovered Notify 486 Target kept=true]"
        );
        rig.assert_nothing_left();
    }
}

#[test]
fn a_party_that_refuses_to_be_taken_back_is_not_hung_up_on() {
    let refused = || Err(ReofferError::Refused(code(500)));
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, transfer, _) = accepted(&mut rig);
    rig.cancel(transfer);
    for again in ["arm Retry 1s", "arm Retry 2s", "arm Retry 4s"] {
        assert_eq!(rig.reoffered(leg, refused()), again);
        rig.expire(transfer, TransferTimerName::Retry);
    }
    assert_eq!(rig.reoffered(leg, refused()), "disarm Resume; [ended Cancelled Local - Cancelled kept=held]");
    rig.assert_nothing_left();

    // T-RESUME limits all tries together.
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(486));
    let begun = rig.now;
    rig.wait(11);
    assert_eq!(rig.reoffered(leg, refused()), "arm Retry 1s");
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Resume),
        "disarm Retry; [ended Failed Notify 486 Target kept=held]"
    );
    assert_eq!(rig.now.since(begun).as_secs(), 12);
    rig.assert_nothing_left();

    // Between two tries the call can end, or the party turn out to have been moved.
    let (leg, _, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(486));
    rig.reoffered(leg, refused());
    assert_eq!(rig.bye(leg), "disarm Retry; disarm Resume; [ended Failed Notify 486 Target kept=false]");
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.cancel(transfer);
    rig.reoffered(leg, refused());
    assert_eq!(
        rig.notified(sub, Terminated, Some(200)),
        format!("disarm Retry; disarm Resume; hangup {leg}; arm Closing 34s")
    );
}

#[test]
fn a_refused_re_invite_of_a_call_that_the_application_holds_changes_nothing() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::Already);
    rig.refused(rig.subscription(), 404, None);
    assert_eq!(
        rig.reoffered(leg, Err(ReofferError::Refused(code(500)))),
        "disarm Resume; [ended Recovered Local 404 Refused kept=true]"
    );
}

#[test]
fn a_re_invite_refused_for_the_whole_usage_has_no_call_any_more() {
    for status in [404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604] {
        let refused = || Err(ReofferError::Refused(code(status)));
        let mut rig = Rig::new(TransferPolicy::default());
        let (leg, _, sub) = accepted(&mut rig);
        rig.notified(sub, Terminated, Some(486));
        assert_eq!(
            rig.reoffered(leg, refused()),
            format!("disarm Resume; hangup {leg}; [ended Failed Notify 486 Target kept=false]"),
            "{status}"
        );
        // No REFER is sent in a call that ends.
        let leg = rig.call();
        rig.blind(leg, Hold::First);
        assert_eq!(
            rig.reoffered(leg, refused()),
            format!("disarm Hold; hangup {leg}; [ended Failed Local {status} Hold kept=false]")
        );
        rig.assert_nothing_left();
    }
}

#[test]
fn a_call_the_application_holds_stays_as_it_is() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::Already);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(
        rig.notified(sub, Terminated, Some(486)),
        "disarm Guard; [ended Recovered Notify 486 Target kept=true]"
    );
}

#[test]
fn a_subscription_without_a_result_does_not_hang_the_transfer() {
    // covers: EC-07, EC-20
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, _, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, None);
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Recovered Terminated - NoResult kept=true");

    for (end, outcome) in [
        (SubscriptionEnd::NoNotify, "TimedOut Guard - NoNotify kept=true"),
        (SubscriptionEnd::Expired, "TimedOut Guard - NoResult kept=true"),
        (SubscriptionEnd::Terminated, "Recovered Terminated - NoResult kept=true"),
    ] {
        let mut rig = Rig::new(TransferPolicy::default());
        let (leg, _, sub) = accepted(&mut rig);
        rig.sub(sub, SubscriptionEvent::Ended(end));
        rig.reoffered(leg, Ok(()));
        assert_eq!(rig.outcome(), outcome);
        rig.assert_nothing_left();
    }
}

#[test]
fn the_guard_ends_the_wait_and_a_late_success_still_counts() {
    // covers: EC-25
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.notified(sub, Active, Some(180));
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Guard),
        "unsubscribe; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(
        rig.notified(sub, Terminated, Some(200)),
        format!("disarm Resume; hangup {leg}; arm Closing 34s")
    );
    rig.ended(leg, By::Local, EndReason::Bye);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.assert_nothing_left();

    let (leg, transfer, _) = accepted(&mut rig);
    rig.expire(transfer, TransferTimerName::Guard);
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "TimedOut Guard - Guard kept=true");
    rig.assert_nothing_left();
}

#[test]
fn a_transfer_can_be_given_up_at_every_stage() {
    // covers: TR-177
    // While the hold is under way no REFER leaves; what it did is undone.
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    assert_eq!(rig.cancel(transfer), "ok; [recovering]");
    // What is given up already has nothing more to be done about it, and whoever asks waits for its end.
    assert_eq!(rig.cancel(transfer), "ok");
    assert_eq!(rig.reoffered(leg, Ok(())), "disarm Hold; resume 10s; arm Resume 12s");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();

    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    rig.cancel(transfer);
    rig.reoffered(leg, Err(ReofferError::Refused(code(488))));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();

    // After the 2xx the reports are stopped.
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.notified(sub, Active, Some(180));
    assert_eq!(
        rig.cancel(transfer),
        "ok; disarm Guard; unsubscribe; [recovering]; resume 10s; arm Resume 12s"
    );
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();

    // While a REFER waits to be sent again.
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    rig.refused(rig.subscription(), 491, None);
    assert_eq!(
        rig.cancel(transfer),
        "ok; disarm Guard; disarm Retry; [ended Cancelled Local - Cancelled kept=true]"
    );
    rig.assert_nothing_left();
}

#[test]
fn a_refer_given_up_before_its_answer_is_withdrawn_at_once() {
    // covers: TR-177
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    // It may not have left yet, and then it must not any more.
    assert_eq!(
        rig.cancel(transfer),
        "ok; disarm Guard; unsubscribe; [ended Cancelled Local - Cancelled kept=true]"
    );
    rig.assert_nothing_left();
    assert_eq!(rig.accepted(sub, 202), "");
    rig.assert_nothing_left();

    let (transfer, _) = rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.cancel(transfer);
    rig.refused(sub, 603, None);
    rig.assert_nothing_left();

    // The same while the call is being taken back.
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    rig.reoffered(leg, Ok(()));
    let sub = rig.subscription();
    assert_eq!(
        rig.cancel(transfer),
        "ok; disarm Guard; unsubscribe; [recovering]; resume 10s; arm Resume 12s"
    );
    assert_eq!(rig.accepted(sub, 202), "");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();

    // One that never left, behind an INVITE without an answer, says so.
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    rig.reoffered(leg, Err(ReofferError::TimedOut));
    let sub = rig.subscription();
    rig.cancel(transfer);
    assert_eq!(rig.sub(sub, SubscriptionEvent::Answered(ReferAnswer::Unreachable)), "");
    assert_eq!(rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Refused)), "");
    rig.reoffered(leg, Ok(()));
    assert_eq!(rig.outcome(), "Cancelled Local - Cancelled kept=true");
    rig.assert_nothing_left();

    // The guard withdraws it, too, and once is enough.
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    assert_eq!(
        rig.expire(transfer, TransferTimerName::Guard),
        "unsubscribe; [ended TimedOut Guard - Guard kept=true]"
    );
    rig.assert_nothing_left();
}

#[test]
fn a_bye_before_the_last_notify_waits_for_it() {
    // covers: EC-13, EC-06
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, _, sub) = accepted(&mut rig);
    assert_eq!(rig.bye(leg), "disarm Guard; arm Final 1s");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    assert_eq!(
        rig.notified(sub, Terminated, Some(200)),
        "disarm Final; [ended Succeeded Notify 200 - kept=false]"
    );
    rig.assert_nothing_left();

    let (leg, transfer, _) = accepted(&mut rig);
    rig.bye(leg);
    assert_eq!(rig.cancel(transfer), wrong("Parting", "a call that can be taken back"));
    rig.expire(transfer, TransferTimerName::Final);
    assert_eq!(rig.outcome(), "PeerHungUp Bye - CallEnded kept=false");
    rig.assert_nothing_left();

    let (leg, _, sub) = accepted(&mut rig);
    rig.bye(leg);
    rig.notified(sub, Terminated, Some(486));
    assert_eq!(rig.outcome(), "Failed Notify 486 Target kept=false");
    rig.assert_nothing_left();
}

#[test]
fn a_bye_that_crosses_the_refer_ends_both() {
    // covers: TR-244, EC-14
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    assert_eq!(rig.bye(leg), "disarm Guard; arm Final 1s");
    assert_eq!(rig.refused(sub, 481, None), "disarm Final; [ended PeerHungUp Bye - CallEnded kept=false]");
    rig.assert_nothing_left();

    // The 2xx and the result were overtaken by the BYE.
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.bye(leg);
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]");
    rig.notified(sub, Terminated, Some(200));
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.assert_nothing_left();

    let leg = rig.call();
    rig.blind(leg, Hold::First);
    assert_eq!(rig.bye(leg), "disarm Hold; [ended PeerHungUp Bye - CallEnded kept=false]");
    rig.assert_nothing_left();
}

#[test]
fn a_call_hung_up_here_ends_its_transfer_and_leaves_the_subscription_alone() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, _, sub) = accepted(&mut rig);
    assert_eq!(rig.leg(leg, LegEvent::Closing), "disarm Guard; [ended Failed Local - CallEnded kept=false]");
    assert_eq!(rig.notified(sub, Terminated, Some(200)), "");
    assert_eq!(rig.ended(leg, By::Local, EndReason::Bye), "");
    assert_eq!(rig.ended.len(), 1);
    rig.assert_nothing_left();
}

#[test]
fn a_call_that_ends_while_it_is_taken_back_is_lost() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, _, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(486));
    assert_eq!(rig.reoffered(leg, Err(ReofferError::Ended)), "");
    assert_eq!(rig.bye(leg), "disarm Resume; [ended Failed Notify 486 Target kept=false]");
    rig.assert_nothing_left();
}

#[test]
fn a_bye_of_ours_that_is_not_heard_of_does_not_keep_the_transfer() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (leg, transfer, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(200));
    assert_eq!(rig.cancel(transfer), wrong("Completing", "a call that can be taken back"));
    rig.expire(transfer, TransferTimerName::Closing);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.assert_nothing_left();

    // The BYEs cross.
    let (crossing, _, sub) = accepted(&mut rig);
    rig.notified(sub, Terminated, Some(200));
    rig.bye(crossing);
    assert_eq!(rig.outcome(), "Succeeded Notify 200 - kept=false");
    rig.bye(leg);
    rig.assert_nothing_left();
}

#[test]
fn timers_that_were_disarmed_do_nothing() {
    let mut rig = Rig::new(TransferPolicy::default());
    let (_, transfer, _) = accepted(&mut rig);
    for name in [TransferTimerName::Hold, TransferTimerName::Resume, TransferTimerName::Watchdog] {
        assert_eq!(rig.stale(transfer, name), "");
    }
    assert_eq!(rig.transfers.ignored(), 3);
}

#[test]
fn a_peer_that_refuses_for_a_while_says_for_how_long() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    assert_eq!(
        rig.refused(rig.subscription(), 503, Some(30)),
        "disarm Guard; [ended Recovered Local 503 Refused kept=true retry=30s]"
    );
    rig.assert_nothing_left();
}
