//! The demo, as a process: its scenarios end as they should, and its report says so.

mod process;

use process::{Running, run};
use serde_json::Value;

fn report(scenario: &str) -> Value {
    let (code, lines) = run(&["demo", scenario, "--json"]);
    let report = lines.iter().find(|line| line["event"] == "report").cloned().expect("a report");
    let bad: Vec<&Value> =
        report["checks"].as_array().expect("checks").iter().filter(|check| check["ok"] != true).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)));
    assert_eq!(report["scenario"], scenario);
    assert_eq!(lines.last().expect("a last line")["event"], "finished");
    let parties: Vec<&str> = ["alice", "bob", "carol"]
        .into_iter()
        .filter(|party| lines.iter().any(|line| line["party"] == *party))
        .collect();
    assert_eq!(parties.len(), 3, "each event names its party");
    report
}

fn hears(report: &Value) -> Vec<Option<u64>> {
    report["parties"].as_array().expect("parties").iter().map(|party| party["hears_hz"].as_u64()).collect()
}

fn near(found: Option<u64>, hz: u64) -> bool {
    found.is_some_and(|found| found.abs_diff(hz) <= 15)
}

#[test]
fn a_blind_transfer_leaves_bob_and_carol_talking() {
    let report = report("blind");
    let heard = hears(&report);
    assert!(heard[0].is_none() && near(heard[1], 880) && near(heard[2], 660), "{heard:?}");
    assert_eq!((&report["outcome"], &report["learned_from"]), (&"Succeeded".into(), &"notify".into()));
}

#[test]
fn a_busy_target_gives_bob_back() {
    let report = report("target-busy");
    let heard = hears(&report);
    assert!(near(heard[0], 660) && near(heard[1], 440) && heard[2].is_none(), "{heard:?}");
    assert_eq!((&report["outcome"], &report["code"]), (&"Recovered".into(), &486.into()));
}

#[test]
fn a_silent_target_gives_bob_back() {
    let report = report("target-silent");
    let heard = hears(&report);
    assert!(near(heard[0], 660) && near(heard[1], 440) && heard[2].is_none(), "{heard:?}");
    assert_eq!(report["outcome"], "Recovered");
}

#[test]
fn a_caller_that_waits_hears_music_until_the_target_takes_it_over() {
    let report = report("warm");
    let heard = hears(&report);
    assert!(heard[0].is_none() && near(heard[1], 880) && near(heard[2], 660), "{heard:?}");
}

#[test]
fn a_network_that_loses_packets_does_not_stop_a_transfer() {
    assert_eq!(report("lossy")["outcome"], "Succeeded");
}

#[test]
fn a_target_whose_cable_is_pulled_gives_bob_back() {
    let report = report("kill");
    let heard = hears(&report);
    assert!(near(heard[0], 660) && near(heard[1], 440), "{heard:?}");
    assert_eq!(report["outcome"], "Recovered");
}

#[test]
fn a_party_that_takes_no_refer_talks_to_the_target_through_alice() {
    // covers: TR-170
    let report = report("fallback");
    let heard = hears(&report);
    assert!(heard[0].is_none() && near(heard[1], 880) && near(heard[2], 660), "{heard:?}");
    assert_eq!(
        (&report["outcome"], &report["learned_from"], &report["code"]),
        (&"Bridged".into(), &"local".into(), &603.into())
    );
    let first = &report["refer_to_first_media_ms"];
    // He has no new call.
    assert!(first["at_bob"].is_null() && first["at_carol"].as_f64() > Some(0.0), "{first}");
}

#[test]
fn an_interrupted_demo_ends_cleanly_and_with_1() {
    let mut demo = Running::start(&["demo", "--json"]);
    demo.wait("established");
    assert_eq!(demo.stop(), Some(1));
}
