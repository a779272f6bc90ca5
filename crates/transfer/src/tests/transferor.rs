//! Blind transfers of ours: the way to success and the ways of the REFER.

use dialog_core::{
    By, EndReason, NotifiedState::*, ReferAnswer, ReofferError, SubscriptionEnd, SubscriptionEvent,
};

use super::rig::{Rig, code, uri};
use crate::{Hold, HoldPolicy, ReferOptions, TransferCommand, TransferPolicy, TransferTimerName};

const REFER: &str = "[refer sent]; refer sip:carol@example.com; arm Guard 120s";

#[test]
fn a_blind_transfer_holds_refers_reports_and_hangs_up() {
    // covers: TR-161, TR-162, TR-252
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let (transfer, begun) = rig.blind(leg, Hold::First);
    assert_eq!(begun, "ok; [initiated sip:carol@example.com]; hold 10s; arm Hold 12s");
    assert_eq!(rig.reoffered(leg, Ok(())), format!("disarm Hold; {REFER}"));
    let sub = rig.subscription();
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]");
    assert_eq!(rig.notified(sub, Active, Some(100)), "[progress 100]");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    assert_eq!(rig.notified(sub, Active, Some(180)), "");
    assert_eq!(
        rig.notified(sub, Terminated, Some(200)),
        format!("disarm Guard; hangup {leg}; arm Closing 34s")
    );
    assert_eq!(
        rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated)),
        "[subscription Terminated]"
    );
    assert_eq!(rig.leg(leg, dialog_core::LegEvent::Closing), "");
    assert_eq!(
        rig.ended(leg, By::Local, EndReason::Bye),
        "disarm Closing; [ended Succeeded Notify 200 - kept=false]"
    );
    assert_eq!(rig.ended.len(), 1);
    assert_eq!(rig.ended[0].0, transfer);
    rig.assert_nothing_left();
    assert_eq!(rig.transfers.watched(), 0);
}

#[test]
fn without_hold_the_refer_changes_neither_call_nor_media() {
    // covers: TR-160
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    assert_eq!(rig.blind(leg, Hold::No).1, format!("ok; [initiated sip:carol@example.com]; {REFER}"));
    let other = rig.call();
    assert_eq!(rig.blind(other, Hold::Already).1, format!("ok; [initiated sip:carol@example.com]; {REFER}"));
}

#[test]
fn any_2xx_accepts_the_refer() {
    // covers: EC-03
    for status in [200, 202, 204, 299] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        rig.blind(leg, Hold::No);
        assert_eq!(rig.accepted(rig.subscription(), status), format!("[accepted {status}]"));
    }
}

#[test]
fn a_notify_that_overtakes_the_2xx_is_kept() {
    // covers: EC-01
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    assert_eq!(rig.notified(sub, Active, Some(100)), "");
    assert_eq!(rig.notified(sub, Active, Some(180)), "");
    assert_eq!(rig.accepted(sub, 202), "[accepted 202]; [progress 180]");

    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    assert_eq!(rig.notified(sub, Terminated, Some(200)), "");
    assert_eq!(
        rig.accepted(sub, 202),
        format!("disarm Guard; [accepted 202]; hangup {leg}; arm Closing 34s")
    );
}

#[test]
fn the_whole_report_may_come_before_the_answer() {
    for (status, outcome) in [(200, None), (486, Some("Recovered Notify 486 Target kept=true"))] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        rig.blind(leg, Hold::No);
        let sub = rig.subscription();
        rig.notified(sub, Terminated, Some(status));
        let ended = rig.sub(sub, SubscriptionEvent::Ended(SubscriptionEnd::Terminated));
        match outcome {
            None => assert_eq!(
                ended,
                format!("[subscription Terminated]; disarm Guard; hangup {leg}; arm Closing 34s")
            ),
            Some(outcome) => assert_eq!(rig.outcome(), outcome),
        }
    }
}

#[test]
fn a_result_that_is_known_counts_though_the_refer_is_never_answered() {
    for answer in [ReferAnswer::TimedOut, ReferAnswer::Unreachable] {
        for (status, completes) in [(200, true), (486, false)] {
            let mut rig = Rig::new(TransferPolicy::default());
            let leg = rig.call();
            rig.blind(leg, Hold::No);
            let sub = rig.subscription();
            rig.notified(sub, Terminated, Some(status));
            let answered = rig.sub(sub, SubscriptionEvent::Answered(answer));
            if completes {
                assert_eq!(answered, format!("disarm Guard; hangup {leg}; arm Closing 34s"));
            } else {
                assert_eq!(answered, "disarm Guard; [ended Recovered Notify 486 Target kept=true]");
            }
        }
    }
    // The reports of a subscription whose REFER was never answered are followed.
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.notified(sub, Active, Some(100));
    assert_eq!(rig.sub(sub, SubscriptionEvent::Answered(ReferAnswer::TimedOut)), "[progress 100]");
    assert!(rig.cancel(transfer).starts_with("ok; disarm Guard; unsubscribe; [ended Cancelled"));
    rig.assert_nothing_left();
    // A refusal is trusted all the same (RFC 6665 §4.1.2.4 knows no subscription then).
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.notified(sub, Terminated, Some(200));
    rig.refused(sub, 603, None);
    assert_eq!(rig.outcome(), "Recovered Local 603 Refused kept=true");
}

#[test]
fn a_100_is_no_success() {
    // covers: EC-02
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(rig.notified(sub, Active, Some(100)), "[progress 100]");
    assert_eq!(rig.transfers.transfers().next().map(|info| info.state), Some("Progress"));
}

#[test]
fn a_success_that_does_not_end_the_subscription_is_followed_by_an_unsubscribe() {
    // covers: EC-09
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(
        rig.notified(sub, Active, Some(200)),
        format!("disarm Guard; unsubscribe; hangup {leg}; arm Closing 34s")
    );
}

#[test]
fn whatever_a_notify_says_before_a_2xx_is_progress_and_no_success() {
    // covers: EC-86
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(rig.notified(sub, Pending, Some(100)), "[awaiting approval]");
    assert_eq!(rig.notified(sub, Pending, None), "");
    assert_eq!(rig.notified(sub, Active, None), "");
    assert_eq!(rig.notified(sub, Active, Some(183)), "[progress 183]");
    assert_eq!(rig.notified(sub, Active, Some(180)), "[progress 180]");
    assert_eq!(rig.notified(sub, Active, Some(100)), "[progress 100]");
    let done = rig.notified(sub, Active, Some(200));
    assert_eq!(done, format!("disarm Guard; unsubscribe; hangup {leg}; arm Closing 34s"));
}

#[test]
fn a_redirected_refer_is_a_failure() {
    // covers: TR-029
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    let refused = rig.refused(rig.subscription(), 302, None);
    assert_eq!(refused, "disarm Guard; [ended Recovered Local 302 Refused kept=true]");
    rig.assert_nothing_left();
}

#[test]
fn every_refusal_keeps_the_call_and_tells_the_code() {
    // covers: EC-19, EC-21
    for (status, failure) in [
        (400, "Refused"),
        (401, "Refused"),
        (403, "Refused"),
        (405, "NotSupported"),
        (407, "Refused"),
        (420, "Refused"),
        (480, "Refused"),
        (488, "Refused"),
        (501, "NotSupported"),
        (503, "Refused"),
        (600, "Refused"),
        (603, "Refused"),
    ] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        rig.blind(leg, Hold::First);
        rig.reoffered(leg, Ok(()));
        let refused = rig.refused(rig.subscription(), status, None);
        assert_eq!(refused, "disarm Guard; [recovering]; resume 10s; arm Resume 12s", "{status}");
        rig.reoffered(leg, Ok(()));
        assert_eq!(rig.outcome(), format!("Recovered Local {status} {failure} kept=true"));
        rig.assert_nothing_left();
    }
}

#[test]
fn a_refusal_that_speaks_of_the_dialog_is_judged_by_a_re_invite() {
    // covers: TR-266, EC-85
    for status in [404, 410, 416, 481, 482, 483, 484, 485, 502, 604] {
        for hold in [Hold::First, Hold::Already, Hold::No] {
            let mut rig = Rig::new(TransferPolicy::default());
            let leg = rig.call();
            rig.blind(leg, hold);
            if hold == Hold::First {
                rig.reoffered(leg, Ok(()));
            }
            let ask = if hold == Hold::Already { "hold" } else { "resume" };
            let refused = rig.refused(rig.subscription(), status, None);
            assert_eq!(
                refused,
                format!("disarm Guard; [recovering]; {ask} 10s; arm Resume 12s"),
                "{status} {hold:?}"
            );
            if status % 2 == 0 {
                assert_eq!(
                    rig.reoffered(leg, Ok(())),
                    format!("disarm Resume; [ended Recovered Local {status} Refused kept=true]")
                );
            } else {
                assert_eq!(
                    rig.reoffered(leg, Err(ReofferError::Refused(code(481)))),
                    format!("disarm Resume; hangup {leg}; [ended Failed Local {status} Refused kept=false]")
                );
            }
            rig.assert_nothing_left();
        }
    }
}

#[test]
fn a_refer_that_meets_another_is_sent_once_more() {
    for (status, retry_after) in [(491, None), (500, Some(3))] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        let (transfer, _) = rig.blind(leg, Hold::No);
        let first = rig.subscription();
        let waiting = rig.refused(first, status, retry_after);
        assert!(waiting.starts_with("arm Retry "), "{waiting}");
        assert_eq!(
            rig.expire(transfer, TransferTimerName::Retry),
            "[refer sent]; refer sip:carol@example.com"
        );
        let second = rig.subscription();
        assert_ne!(first, second);
        assert_eq!(rig.notified(first, Terminated, Some(200)), "");
        let refused = rig.refused(second, status, retry_after);
        let retry = retry_after.map(|seconds| format!(" retry={seconds}s")).unwrap_or_default();
        let ended = format!("[ended Recovered Local {status} Refused kept=true{retry}]");
        assert_eq!(refused, format!("disarm Guard; {ended}"));
        rig.assert_nothing_left();
    }
}

#[test]
fn a_refer_does_not_wait_longer_than_a_party_on_hold_would() {
    for (retry_after, waits) in [(Some(32), true), (Some(33), false), (Some(u32::MAX), false), (None, false)]
    {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        rig.blind(leg, Hold::No);
        let answered = rig.refused(rig.subscription(), 500, retry_after);
        assert_eq!(answered == "arm Retry 32s", waits, "{answered}");
        assert_eq!(answered.contains("ended"), !waits, "{answered}");
    }
}

#[test]
fn the_owner_of_the_call_id_waits_longer_after_491() {
    for placed in [true, false] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.mint();
        rig.up(leg, "203.0.113.9", placed);
        for _ in 0..50 {
            let (transfer, _) = rig.blind(leg, Hold::No);
            let before = rig.now;
            rig.refused(rig.subscription(), 491, None);
            rig.expire(transfer, TransferTimerName::Retry);
            let waited = rig.now.since(before).as_millis();
            let range = if placed { 2100..=4000 } else { 0..=2000 };
            assert!(range.contains(&waited), "{waited}");
            rig.cancel(transfer);
            rig.refused(rig.subscription(), 487, None);
        }
    }
}

#[test]
fn refer_timeout_keeps_the_call() {
    let mut rig = Rig::new(TransferPolicy::default());
    for (answer, outcome) in [
        (ReferAnswer::TimedOut, "Recovered Guard - ReferTimeout kept=true"),
        (ReferAnswer::Unreachable, "Recovered Local - Unreachable kept=true"),
    ] {
        let leg = rig.call();
        rig.blind(leg, Hold::No);
        let answered = rig.sub(rig.subscription(), SubscriptionEvent::Answered(answer));
        assert_eq!(answered, format!("disarm Guard; [ended {outcome}]"));
        rig.assert_nothing_left();
    }
}

#[test]
fn a_refer_the_dialog_layer_does_not_take_is_a_failure() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::No);
    rig.sub(rig.subscription(), SubscriptionEvent::Misused(dialog_core::Misuse::Full));
    assert_eq!(rig.outcome(), "Recovered Local - Unreachable kept=true");
    rig.assert_nothing_left();

    // The leg says so in the same step; what it says later is about another command.
    rig.blind(leg, Hold::No);
    rig.leg(leg, dialog_core::LegEvent::Misused(dialog_core::Misuse::Full));
    assert_eq!(rig.ended.len(), 2);
    rig.blind(leg, Hold::No);
    rig.wait(1);
    assert_eq!(rig.leg(leg, dialog_core::LegEvent::Misused(dialog_core::Misuse::State)), "");
    assert_eq!(rig.ended.len(), 2);
}

#[test]
fn a_hold_that_fails_does_not_stop_the_transfer_unless_it_must() {
    for error in [ReofferError::Refused(code(488)), ReofferError::Unreachable, ReofferError::Description] {
        let mut rig = Rig::new(TransferPolicy::default());
        let leg = rig.call();
        rig.blind(leg, Hold::First);
        assert_eq!(rig.reoffered(leg, Err(error)), format!("disarm Hold; {REFER}"));
        // It was not held, so there is nothing to take back.
        let sub = rig.subscription();
        rig.accepted(sub, 202);
        rig.notified(sub, Terminated, Some(486));
        assert_eq!(rig.outcome(), "Recovered Notify 486 Target kept=true");

        let mut rig =
            Rig::new(TransferPolicy { hold_failure: HoldPolicy::Fail, ..TransferPolicy::default() });
        let leg = rig.call();
        rig.blind(leg, Hold::First);
        rig.reoffered(leg, Err(error));
        let status = if error == ReofferError::Refused(code(488)) { "488" } else { "-" };
        assert_eq!(rig.outcome(), format!("Recovered Local {status} Hold kept=true"));
        rig.assert_nothing_left();
    }
}

#[test]
fn a_hold_without_an_answer_may_have_been_done_and_is_taken_back() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::First);
    assert_eq!(rig.reoffered(leg, Err(ReofferError::TimedOut)), format!("disarm Hold; {REFER}"));
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    let failed = rig.notified(sub, Terminated, Some(486));
    assert_eq!(failed, "disarm Guard; [recovering]; resume 10s; arm Resume 12s");
}

#[test]
fn a_hold_nobody_settles_is_treated_as_done() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    assert_eq!(rig.expire(transfer, TransferTimerName::Hold), REFER);
    let sub = rig.subscription();
    rig.accepted(sub, 202);
    assert_eq!(
        rig.notified(sub, Terminated, Some(603)),
        "disarm Guard; [recovering]; resume 10s; arm Resume 12s"
    );

    let mut rig = Rig::new(TransferPolicy { hold_failure: HoldPolicy::Fail, ..TransferPolicy::default() });
    let leg = rig.call();
    let (transfer, _) = rig.blind(leg, Hold::First);
    assert_eq!(rig.expire(transfer, TransferTimerName::Hold), "[recovering]; resume 10s; arm Resume 12s");
}

#[test]
fn a_hold_that_finds_no_call_ends_it() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    rig.blind(leg, Hold::First);
    assert_eq!(
        rig.reoffered(leg, Err(ReofferError::Refused(code(481)))),
        format!("disarm Hold; hangup {leg}; [ended Failed Local 481 Hold kept=false]")
    );
}

#[test]
fn referred_by_and_target_reach_the_refer() {
    let mut rig = Rig::new(TransferPolicy::default());
    let leg = rig.call();
    let transfer = rig.mint();
    let us = "<sip:us@example.com>".parse().expect("invariant: a literal of the test");
    rig.command(TransferCommand::Blind {
        transfer,
        leg,
        target: uri("tel:+4930123"),
        hold: Hold::No,
        referred_by: Some(us),
        options: ReferOptions::default(),
    });
    let text = format!("{:?}", rig.outputs);
    assert!(text.contains("refer_to: \"tel:+4930123\""), "{text}");
    assert!(text.contains("\"sip:us@example.com\""), "{text}");
}
