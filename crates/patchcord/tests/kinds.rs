//! Each kind of transfer to a target that is called first, between processes on loopback.

mod process;

use process::{Running, run};
use serde_json::Value;

fn answer(words: &[&str]) -> (Running, String) {
    let mut all = vec!["answer", "--listen", "udp:127.0.0.1:0", "--json", "--allow-target", "127.0.0.0/8"];
    all.extend_from_slice(words);
    let mut running = Running::start(&all);
    let listening = running.wait("listening");
    let address = listening["addresses"][0].as_str().expect("an address");
    let uri = format!("sip:x@{}", address.strip_prefix("udp:").expect("udp"));
    (running, uri)
}

/// Moves Bob to Carol, and gives the exit code and the events.
fn moved(kind: &str, bob: &[&str], carol: &[&str]) -> (Option<i32>, Vec<Value>) {
    moved_with(&["--kind", kind, "--json"], bob, carol)
}

fn moved_with(words: &[&str], bob: &[&str], carol: &[&str]) -> (Option<i32>, Vec<Value>) {
    let ((bob, first), (carol, target)) = (answer(bob), answer(carol));
    let mut all = vec!["transfer", &first, &target, "--listen", "udp:127.0.0.1:0", "--talk", "0.2"];
    all.extend_from_slice(words);
    let (code, lines) = run(&all);
    assert_eq!((bob.stop(), carol.stop()), (Some(0), Some(0)));
    (code, lines)
}

fn position(lines: &[Value], event: &str) -> usize {
    let found = lines.iter().position(|line| line["event"] == event);
    found.unwrap_or_else(|| panic!("no {event} in {lines:#?}"))
}

#[test]
fn a_ringing_target_is_enough_to_complete() {
    let (code, lines) = moved("semi-attended", &["--refer", "allow"], &["--after", "0.5"]);
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(position(&lines, "consult_answered") < position(&lines, "refer_sent"));
    assert_eq!(lines[position(&lines, "transfer_succeeded")]["outcome"], "Succeeded");
}

#[test]
fn a_protected_target_is_the_one_that_is_referred() {
    // Bob takes no REFER, and needs none.
    let (code, lines) = moved("protect-target", &["--refer", "deny"], &["--refer", "allow"]);
    assert_eq!(code, Some(0), "{lines:#?}");
    assert_eq!(lines[position(&lines, "transfer_succeeded")]["outcome"], "Succeeded");
}

#[test]
fn a_target_that_presses_one_takes_the_caller_over() {
    let (code, lines) = moved("warm", &["--refer", "allow"], &["--dtmf", "1"]);
    assert_eq!(code, Some(0), "{lines:#?}");
    assert_eq!(lines[position(&lines, "target_accepted")]["reason"], "by a key");
    assert!(position(&lines, "target_accepted") < position(&lines, "transfer_succeeded"));
}

#[test]
fn a_target_that_presses_two_does_not_and_the_caller_is_back() {
    let (code, lines) = moved("warm", &["--refer", "allow"], &["--dtmf", "2"]);
    assert_eq!(code, Some(1), "{lines:#?}");
    assert!(position(&lines, "target_declined") < position(&lines, "transfer_recovered"));
    let reason = lines[position(&lines, "finished")]["reason"].as_str().expect("a reason");
    assert!(reason.contains("the target does not take the call over"), "{reason}");
}

#[test]
fn a_report_says_what_happened_in_the_end() {
    let words = ["--profile", "generic", "--header", "X-Case:4711", "--report", "json", "--json"];
    let (code, lines) = moved_with(&words, &["--refer", "allow"], &[]);
    assert_eq!(code, Some(0), "{lines:#?}");
    let at = position(&lines, "transfer_report");
    assert!(position(&lines, "transfer_succeeded") < at && at < position(&lines, "finished"));
    let report = &lines[at]["report"];
    assert!(report["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{report:#}");
    assert!(report.to_string().contains("REFER"), "{report:#}");
}
