//! Parties that cannot be referred and are bridged, from their traces.

use crate::golden::{at_ms, count, golden, line};

#[test]
fn a_party_whose_allow_names_no_refer_is_bridged_with_a_target_that_is_called_for_it() {
    // covers: TR-170, EC-72
    let trace = golden("bridge-blind");
    assert_eq!(count(&trace, &["REFER sip"]), 0, "{trace}");
    let order = [
        line(&trace, &["alice -> bob", "INVITE", "sendonly"]),
        line(&trace, &["alice    * transfer_bridging"]),
        line(&trace, &["alice -> carol", "INVITE", "sendrecv"]),
        line(&trace, &["carol -> alice", "200 OK (INVITE)"]),
        line(&trace, &["alice    * transfer_bridged"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
    // He was on hold while she was called.
    assert_eq!(count(&trace, &["alice -> bob", "INVITE", "sendrecv"]), 2, "{trace}");
}

#[test]
fn a_party_that_declines_is_bridged_with_the_target_and_both_are_taken_off_hold() {
    // covers: TR-170
    let trace = golden("bridge-attended");
    let declined = line(&trace, &["bob   -> alice", "603"]);
    for party in ["alice -> bob", "alice -> carol"] {
        let resumed = trace
            .lines()
            .enumerate()
            .skip(declined)
            .find(|(_, line)| [party, "INVITE", "sendrecv"].iter().all(|word| line.contains(word)));
        let (resumed, _) = resumed.unwrap_or_else(|| panic!("{party} is not resumed\n{trace}"));
        assert!(resumed < line(&trace, &["alice    * transfer_bridged"]), "{trace}");
    }
    assert_eq!(count(&trace, &["BYE"]), count(&trace, &["200 OK (BYE)"]) * 2, "{trace}");
}

#[test]
fn who_hangs_up_on_a_bridge_ends_the_other_call_too() {
    // covers: TR-170
    let trace = golden("bridge-hung-up");
    assert!(line(&trace, &["carol -> alice", "BYE"]) < line(&trace, &["alice -> bob", "BYE"]), "{trace}");
}

#[test]
fn a_target_that_is_busy_brings_the_party_back() {
    // covers: TR-163
    let trace = golden("bridge-target-busy");
    assert!(
        line(&trace, &["carol -> alice", "486"]) < line(&trace, &["alice    * transfer_recovered"]),
        "{trace}"
    );
}

#[test]
fn a_target_without_replaces_is_bridged_and_not_named() {
    // covers: TR-173, EC-72
    let trace = golden("bridge-without-replaces");
    assert_eq!(count(&trace, &["REFER sip"]) + count(&trace, &["INVITE", "Replaces"]), 0, "{trace}");
}

#[test]
fn a_bridge_is_handed_over_without_a_hold() {
    // covers: EC-55
    let trace = golden("bridge-handed-over");
    let bridged = line(&trace, &["alice    * transfer_bridged"]);
    let refer = trace.lines().position(|line| line.contains("alice -> carol") && line.contains("Replaces"));
    assert!(refer.is_some_and(|refer| refer > bridged), "{trace}");
    line(&trace, &["alice    * transfer_succeeded"]);
    let held = trace.lines().skip(bridged).filter(|line| line.contains("sendonly")).count();
    assert_eq!(held, 0, "{trace}");
}

#[test]
fn a_call_that_takes_the_place_of_a_bridged_one_is_bridged_in_its_stead() {
    // covers: EC-70, TR-110
    let trace = golden("bridge-replaced");
    line(&trace, &["dave  -> alice", "INVITE", "Replaces"]);
    // Bob is only hung up on when everybody hangs up.
    assert_eq!(at_ms(&trace, line(&trace, &["alice -> bob", "BYE"])), 15_000, "{trace}");
    let trace = golden("bridge-moved-on");
    line(&trace, &["carol -> alice", "REFER"]);
    // Alice holds Bob before her REFER and resumes him; the second time it is Carol who holds, until dave has answered.
    let offers = trace.lines().filter(|line| line.contains("alice -> bob    INVITE"));
    let directions: Vec<&str> =
        offers.map(|line| if line.contains("sendonly") { "sendonly" } else { "sendrecv" }).collect();
    assert_eq!(directions, ["sendrecv", "sendonly", "sendrecv", "sendonly", "sendrecv"], "{trace}");
    // Bob is only hung up on when everybody hangs up.
    assert_eq!(at_ms(&trace, line(&trace, &["alice -> bob", "BYE"])), 15_000, "{trace}");
}
