//! Blind transfers, holds and races, from their traces.

use crate::golden::{at_ms, count, cseq, golden, line, time_ms};

#[test]
fn a_blind_transfer_succeeds_and_the_transferor_hangs_up_after_the_final_notify() {
    // covers: TR-161, TR-162, TR-252
    let trace = golden("blind-success");
    let hold = line(&trace, &["alice -> bob", "INVITE", "sendonly"]);
    let refer = line(&trace, &["alice -> bob", "REFER", "Refer-To"]);
    let last = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[200 "]);
    let bye = line(&trace, &["alice -> bob", "BYE"]);
    let first = line(&trace, &["bob   -> alice", "NOTIFY", "active", "[100 "]);
    let accepted = line(&trace, &["bob   -> alice", "202", "(REFER)"]);
    assert!(hold < refer && refer < accepted && accepted < first && first < last && last < bye, "{trace}");
    let acknowledged = line(&trace, &["alice -> bob", "ACK", &cseq(&trace, hold)]);
    assert!(hold < acknowledged && acknowledged < refer, "the hold is complete before the REFER\n{trace}");
    let answered = line(&trace, &["alice -> bob", "200", "(NOTIFY)", &cseq(&trace, last)]);
    assert!(answered < bye, "the final NOTIFY is answered before the BYE\n{trace}");
}

#[test]
fn a_blind_transfer_without_hold_sends_the_refer_at_once() {
    // covers: TR-160, TR-161, TR-174
    let trace = golden("blind-without-hold");
    assert_eq!(
        count(&trace, &["alice -> bob", "INVITE sip"]),
        1,
        "the REFER changes nothing in the call\n{trace}"
    );
    assert_eq!(count(&trace, &["alice -> bob", "REFER sip"]), 1);
    let last = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[200 "]);
    assert!(last < line(&trace, &["alice -> bob", "BYE sip"]), "{trace}");
    line(&trace, &["bob   -> carol", "INVITE", "Referred-By: <sip:alice@192.0.2.1:5060>"]);
}

#[test]
fn a_busy_target_brings_the_held_party_back() {
    // covers: TR-163, TR-178
    let trace = golden("target-busy");
    line(&trace, &["alice    * transfer_recovered", "486"]);
    let told = line(&trace, &["bob   -> alice", "NOTIFY", "[486 "]);
    let resume =
        trace.lines().skip(told).position(|line| line.contains("alice -> bob") && line.contains("INVITE"));
    assert!(resume.is_some(), "{trace}");
    let bye = line(&trace, &["-> ", "BYE sip"]);
    assert!(line(&trace, &["alice    > hang-up-all"]) < bye, "only the end of the run hangs up\n{trace}");
}

#[test]
fn a_target_that_declines_brings_the_held_party_back() {
    let trace = golden("target-declines");
    line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[603 "]);
}

#[test]
fn a_silent_target_is_cancelled_at_the_ring_limit() {
    // covers: TR-007, TR-164
    let trace = golden("target-silent");
    let (invite, cancel) =
        (line(&trace, &["bob   -> carol", "INVITE"]), line(&trace, &["bob   -> carol", "CANCEL"]));
    assert_eq!(at_ms(&trace, cancel) - at_ms(&trace, invite), 10_000, "the ring limit\n{trace}");
    assert!(cancel < line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[487 "]), "{trace}");
    let (refer, accepted) =
        (line(&trace, &["alice -> bob", "REFER"]), line(&trace, &["bob   -> alice", "202", "(REFER)"]));
    assert!(at_ms(&trace, accepted) - at_ms(&trace, refer) < 500, "at once, while the target rings\n{trace}");
}

#[test]
fn crossing_byes_end_the_call_once_and_the_transfer_has_succeeded() {
    let trace = golden("crossing-bye");
    let (ours, theirs) =
        (line(&trace, &["alice -> bob", "BYE sip"]), line(&trace, &["bob   -> alice", "BYE sip"]));
    // covers: TR-246
    let answers = |way: &str| count(&trace, &[way, "200", "(BYE)"]) + count(&trace, &[way, "481", "(BYE)"]);
    assert!(
        ours < line(&trace, &["alice -> bob", "200", "(BYE)"]),
        "theirs comes before ours is answered\n{trace}"
    );
    assert_eq!((answers("alice -> bob"), answers("bob   -> alice")), (1, 1), "{trace}");
    assert!(ours < theirs, "{trace}");
    assert_eq!(count(&trace, &["alice    *", "transfer_", "Succeeded"]), 1, "{trace}");
}

#[test]
fn a_transferee_that_hangs_up_cancels_its_new_call_and_reports_before_its_bye() {
    // covers: TR-256
    let trace = golden("transferee-hangs-up");
    line(&trace, &["bob   -> carol", "CANCEL"]);
    let report = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[487 "]);
    assert!(report < line(&trace, &["bob   -> alice", "BYE"]), "{trace}");
}

#[test]
fn a_transferee_that_hangs_up_during_a_report_still_reports_before_its_bye() {
    // covers: TR-252, TR-256
    let trace = golden("transferee-hangs-up-in-a-report");
    let report = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[487 "]);
    let answered = line(&trace, &["alice -> bob", "200", "(NOTIFY)", &cseq(&trace, report)]);
    assert!(answered < line(&trace, &["bob   -> alice", "BYE"]), "{trace}");
}

#[test]
fn a_cancelled_transfer_takes_the_call_back() {
    let trace = golden("cancel-transfer");
    line(&trace, &["alice -> bob", "SUBSCRIBE"]);
}

#[test]
fn a_refused_refer_takes_the_call_back_and_calls_nobody() {
    // covers: TR-243
    let trace = golden("refer-refused");
    assert!(
        line(&trace, &["alice    > hang-up-all"]) < line(&trace, &["BYE sip"]),
        "the call goes on\n{trace}"
    );
    line(&trace, &["bob   -> alice", "603", "(REFER)"]);
}

#[test]
fn an_unanswered_refer_is_given_up_after_64_t1_and_keeps_the_call() {
    // covers: TR-201
    let trace = golden("refer-unanswered");
    let is_refer = |line: &&str| line.contains("alice -> bob") && line.contains("REFER sip");
    let sends: Vec<u64> = trace.lines().filter(is_refer).map(time_ms).collect();
    let since: Vec<u64> = sends.iter().map(|at| at - sends[0]).collect();
    assert_eq!(since, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500], "{trace}");
    assert_eq!(
        at_ms(&trace, line(&trace, &["alice    * transfer_recovering"])) - sends[0],
        32_000,
        "{trace}"
    );
}

#[test]
fn a_target_that_hangs_up_at_once_was_reached_all_the_same() {
    // covers: TR-254
    let trace = golden("target-hangs-up-at-once");
    line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[200 "]);
    assert_eq!(count(&trace, &["bob   -> alice", "NOTIFY", "terminated"]), 1, "{trace}");
}

#[test]
fn a_lost_final_notify_is_sent_again() {
    // covers: TR-018
    let trace = golden("notify-lost");
    let last: Vec<&str> =
        trace.lines().filter(|line| line.contains("NOTIFY sip") && line.contains("terminated")).collect();
    assert_eq!(last.len(), 3, "lost twice\n{trace}");
    assert!(last.iter().all(|line| line.contains("#2") && line.contains("reason=noresource")), "{trace}");
    assert_eq!(count(&trace, &["NOTIFY sip", "#3"]), 0, "nothing after it\n{trace}");
}

#[test]
fn without_any_notify_the_transfer_still_ends() {
    golden("notify-never");
}

#[test]
fn a_notify_before_the_2xx_counts() {
    // covers: TR-011, TR-248, EC-01
    let trace = golden("refer-accepted-late");
    let answered = line(&trace, &["alice -> bob", "200", "(NOTIFY)", "#1"]);
    assert!(answered < line(&trace, &["alice    * transfer_accepted"]), "the NOTIFY comes first\n{trace}");
    assert_eq!(count(&trace, &["alice -> bob", "REFER sip"]), 3, "{trace}");
    assert_eq!(
        count(&trace, &["bob   -> alice", "202 ", "(REFER)"]),
        3,
        "the same answer each time\n{trace}"
    );
    assert_eq!(count(&trace, &["bob   -> carol", "INVITE sip"]), 1, "{trace}");
}

#[test]
fn hold_glare_is_settled_by_491_and_the_transfer_goes_on() {
    let trace = golden("hold-glare");
    // covers: TR-251
    assert!(count(&trace, &["491", "(INVITE)"]) >= 1, "{trace}");
    let refer = line(&trace, &["alice -> bob", "REFER"]);
    let settled =
        trace.lines().take(refer).filter(|line| line.contains("-> ") && line.contains("ACK")).count();
    let offers =
        trace.lines().take(refer).filter(|line| line.contains("-> ") && line.contains("INVITE sip")).count();
    assert_eq!(settled, offers, "the REFER leaves after every ACK\n{trace}");
}

#[test]
fn two_sided_hold_ends_two_way_when_each_has_resumed() {
    // covers: TR-217
    let trace = golden("two-sided-hold");
    let mut ours = trace.lines().filter(|line| line.contains("alice    * hold_changed"));
    let states = [
        "local=true remote=false",
        "local=true remote=true",
        "local=false remote=true",
        "local=false remote=false",
    ];
    for state in states {
        assert!(ours.next().is_some_and(|line| line.ends_with(state)), "{state}\n{trace}");
    }
    assert_eq!(ours.next(), None, "{trace}");
}

#[test]
fn of_three_wishes_in_ten_milliseconds_the_last_comes_true() {
    // covers: TR-225, EC-83
    let trace = golden("hold-toggled");
    assert!(count(&trace, &["alice -> bob", "INVITE sip"]) <= 1 + 2, "{trace}");
    let last = trace.lines().rfind(|line| line.contains("alice    * hold_changed"));
    assert!(last.is_some_and(|line| line.ends_with("local=true remote=false")), "{trace}");
}

#[test]
fn a_secured_call_is_moved_and_the_new_one_has_keys_of_its_own() {
    // covers: EC-82, TM-100, TM-106
    let trace = golden("blind-secured");
    line(&trace, &["alice", "transfer_succeeded"]);
}

#[test]
fn a_decision_to_accept_is_awaited_and_followed() {
    // covers: TR-014, TR-025
    let trace = golden("decision-accepted");
    assert_eq!(
        count(&trace, &["NOTIFY", "pending"]),
        count(&trace, &["NOTIFY", "pending", "[100 "]),
        "{trace}"
    );
    let pending = line(&trace, &["bob   -> alice", "NOTIFY", "pending"]);
    let decided = line(&trace, &["bob      > accept-transfer"]);
    assert!(pending < decided && decided < line(&trace, &["bob   -> carol", "INVITE"]), "{trace}");
}

#[test]
fn a_decision_to_reject_is_told_by_notify() {
    // covers: TR-026
    let trace = golden("decision-rejected");
    line(&trace, &["alice    * transfer_recovered", "603", "notify"]);
    line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[603 "]);
}

#[test]
fn an_unsubscribed_transferee_goes_on_with_its_call() {
    // covers: TR-022
    let trace = golden("unsubscribed");
    line(&trace, &["alice -> bob", "SUBSCRIBE"]);
    assert_eq!(count(&trace, &["bob   -> carol", "CANCEL"]), 0, "{trace}");
    line(&trace, &["bob      * transfer_connected"]);
}

#[test]
fn a_transferor_that_hangs_up_does_not_stop_the_transferee_and_answers_its_reports() {
    // covers: TR-165, TR-240, TR-253
    let trace = golden("transferor-hangs-up");
    let bye = line(&trace, &["alice -> bob", "BYE sip"]);
    let report = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[200 "]);
    assert!(bye < report, "{trace}");
    line(&trace, &["alice -> bob", "200", "(NOTIFY)", &cseq(&trace, report)]);
    assert_eq!(count(&trace, &["bob   -> carol", "CANCEL"]), 0, "{trace}");
}

#[test]
fn a_refer_that_crosses_a_bye_is_answered_481_and_ends_cleanly() {
    // covers: TR-244, EC-14
    let trace = golden("refer-crosses-bye");
    line(&trace, &["bob   -> alice", "481", "(REFER)"]);
}

#[test]
fn a_hold_that_crosses_a_bye_is_answered_481() {
    // covers: TR-245
    let trace = golden("hold-crosses-bye");
    line(&trace, &["bob   -> alice", "481", "(INVITE)"]);
}

#[test]
fn a_partition_delays_the_outcome_and_does_not_change_it() {
    golden("partition");
}
