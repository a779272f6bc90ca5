//! Subscriptions that REFERs make, in less usual ways.

use patchcord_tests::journal::Way;
use sip_message::Method;

use crate::golden::{count, golden, golden_run, line};

#[test]
fn a_refer_that_is_forked_makes_two_subscriptions_and_their_results_are_not_merged() {
    // covers: TR-031, TR-062
    let (trace, played) = golden_run("subscription-fork");
    let notified = played.journal.messages(0).filter(|(_, way, message)| {
        *way == Way::Out && message.cseq().is_ok_and(|cseq| cseq.method == Method::Notify)
    });
    let answers: Vec<(String, u16)> = notified
        .filter_map(|(_, _, message)| Some((message.from_tag()?.to_owned(), message.status()?.as_u16())))
        .collect();
    assert_eq!(answers.len(), 4, "{trace}");
    assert!(answers.iter().all(|(_, status)| *status == 200), "{answers:?}\n{trace}");
    let failed = line(&trace, &["bob   -> alice", "NOTIFY", "[480"]);
    let succeeded = line(&trace, &["bob   -> alice", "NOTIFY", "[200 OK]"]);
    let outcome = line(&trace, &["alice    * transfer_succeeded"]);
    assert!(failed < succeeded && succeeded < outcome, "{trace}");
    assert_eq!(count(&trace, &["alice    * transfer_recovering"]), 0, "{trace}");
}

#[test]
fn a_first_report_that_was_overtaken_is_made_again_and_a_silent_target_is_heard_of() {
    // covers: TR-010, TR-046
    let trace = golden("report-overtaken");
    let refused = line(&trace, &["alice -> bob", "500", "(NOTIFY)"]);
    let again = trace.lines().skip(refused).position(|line| line.contains("NOTIFY") && line.contains("[100"));
    assert!(again.is_some(), "{trace}");
    line(&trace, &["bob   -> alice", "NOTIFY", "[408"]);
    line(&trace, &["alice    * transfer_recovered", "408"]);
}
