//! Who is replaced and how, from the traces: table 2.4.

use patchcord_tests::journal::{self, Way};
use sip_message::{HeaderId, Method};

use crate::golden::{at_ms, count, golden, golden_run, line};

#[test]
fn every_reason_to_refuse_has_its_answer_and_the_call_goes_on() {
    // covers: TR-103, TR-104, TR-106
    let (trace, played) = golden_run("replaces-refused");
    let answers: Vec<u16> = played
        .journal
        .messages(1)
        .filter(|(_, way, _)| *way == Way::Out)
        .filter_map(|(_, _, message)| journal::response(&message))
        .filter(|(status, method)| *method == Method::Invite && status.as_u16() >= 300)
        .map(|(status, _)| status.as_u16())
        .collect();
    assert_eq!(answers, [400, 400, 400, 420, 488, 481, 481, 486, 403, 403, 488, 603, 481], "{trace}");
    assert!(line(&trace, &["carol    * call_ended"]) > line(&trace, &["alice -> carol", "BYE"]), "{trace}");
}

#[test]
fn a_replaced_call_is_ended_after_the_2xx_and_nothing_rings() {
    // covers: TR-109, TR-114, TR-127
    let (trace, played) = golden_run("replaces-accepted");
    let answered = line(&trace, &["carol -> alice", "200 OK (INVITE)", "#1"]);
    let bye = line(&trace, &["carol -> alice", "BYE"]);
    assert!(answered < bye && bye < line(&trace, &["carol    * replaced"]), "{trace}");
    assert_eq!(count(&trace, &["carol -> alice", "180"]), 1, "only the first call\n{trace}");
    let mut byes = played.journal.messages(1).map(|(_, _, message)| message);
    let bye = byes.find(|message| message.method() == Some(Method::Bye)).expect("a BYE");
    assert!(bye.has(HeaderId::Reason), "{trace}");
}

#[test]
fn a_late_re_invite_or_notify_in_the_replaced_dialog_is_481() {
    let trace = golden("replaces-accepted");
    line(&trace, &["carol -> alice", "481", "(INVITE)"]);
    line(&trace, &["carol -> alice", "481", "(NOTIFY)"]);
}

#[test]
fn the_target_still_holds_in_the_new_call_and_is_not_held_any_more() {
    // covers: TR-115, TR-116
    let trace = golden("replaces-held");
    line(&trace, &["carol -> bob", "200 OK (INVITE)", "sendonly"]);
    let replaced = line(&trace, &["carol    * replaced"]);
    assert!(
        replaced < line(&trace, &["carol    * hold_changed call#2", "local=false remote=false"]),
        "{trace}"
    );
}

#[test]
fn an_own_call_that_rings_is_cancelled_after_the_2xx() {
    // covers: TR-110
    let trace = golden("replaces-own-early");
    let answered = line(&trace, &["carol -> alice", "200 OK (INVITE)"]);
    assert!(answered < line(&trace, &["carol -> alice", "CANCEL"]), "{trace}");
}

#[test]
fn an_own_call_that_is_answered_while_it_is_cancelled_gets_ack_and_bye() {
    // covers: TR-110
    for name in ["replaces-own-early-crossed", "replaces-own-early-answered"] {
        let trace = golden(name);
        let (ack, bye) = (line(&trace, &["carol -> alice", "ACK"]), line(&trace, &["carol -> alice", "BYE"]));
        assert!(line(&trace, &["carol -> alice", "CANCEL"]) < ack && ack < bye, "{trace}");
        assert!(bye < line(&trace, &["carol    > hang-up-all"]), "{trace}");
    }
}

#[test]
fn a_call_that_only_rings_here_rings_on() {
    // covers: TR-111
    let trace = golden("replaces-foreign-early");
    line(&trace, &["carol -> alice", "481", "(INVITE)"]);
    line(&trace, &["carol    * established call#1"]);
}

#[test]
fn a_call_that_ends_while_it_is_to_be_replaced_is_603() {
    // covers: TR-107
    let trace = golden("replaces-crosses-bye");
    line(&trace, &["carol -> alice", "603", "(INVITE)"]);
}

#[test]
fn byes_of_both_ends_of_a_replaced_call_are_both_answered() {
    // covers: TR-246
    let trace = golden("replaces-byes-cross");
    line(&trace, &["carol -> alice", "200 OK (BYE)"]);
    line(&trace, &["alice -> carol", "200 OK (BYE)"]);
    assert_eq!(count(&trace, &["carol    * call_ended call#1"]), 1, "{trace}");
}

#[test]
fn a_new_call_that_is_never_acknowledged_is_ended_after_64_t1() {
    // covers: TR-126
    let trace = golden("replaces-unacknowledged");
    let answered = line(&trace, &["carol -> bob", "200 OK (INVITE)"]);
    let bye = line(&trace, &["carol -> bob", "BYE"]);
    assert_eq!(at_ms(&trace, bye) - at_ms(&trace, answered), 32_000, "{trace}");
    line(&trace, &["carol    * replace_unacknowledged"]);
}
