//! Answers that come after what they answer was given up.

use crate::golden::{golden, line};

#[test]
fn a_hold_that_is_accepted_after_it_was_given_up_is_undone() {
    // covers: TR-224
    let trace = golden("hold-late");
    let late = line(&trace, &["alice    * hold_changed", "local=true"]);
    assert!(line(&trace, &["alice    ! hold"]) < late, "{trace}");
    assert!(late < line(&trace, &["alice    * hold_changed", "local=false"]), "{trace}");
}

#[test]
fn a_target_is_not_left_on_hold_by_an_answer_that_comes_after_the_transfer() {
    let trace = golden("hold-late-attended");
    let over = line(&trace, &["alice    * transfer_recovered"]);
    let late = line(&trace, &["carol -> alice", "200 ", "recvonly"]);
    assert!(over < late && late < line(&trace, &["alice -> carol", "INVITE", "#3", "sendrecv"]), "{trace}");
}
