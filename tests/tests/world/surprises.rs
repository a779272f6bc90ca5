//! What other user agents do on the wire, played by scripted parties, so that it stays tested where such a peer is
//! missing.

use patchcord_tests::journal::Way;
use sip_message::HeaderId;

use crate::golden::{count, cseq, golden, golden_run, line};

#[test]
fn a_malformed_subscription_state_without_contact_is_read_by_its_body() {
    // covers: TR-042, TR-092
    let trace = golden("surprise-1-success");
    let told = line(&trace, &["bob   -> alice", "NOTIFY", "reason=reason=noresource"]);
    line(&trace, &["alice -> bob", "200", "(NOTIFY)", &cseq(&trace, told)]);
}

#[test]
fn a_failure_with_an_active_subscription_takes_the_party_back_at_once() {
    // covers: TR-163
    let trace = golden("surprise-1-failure");
    let told = line(&trace, &["bob   -> alice", "NOTIFY", "active", "[486 "]);
    let resumed = line(&trace, &["alice    * transfer_recovered", "486"]);
    assert!(told < resumed, "{trace}");
}

#[test]
fn terminated_with_a_provisional_status_is_not_the_end() {
    let trace = golden("surprise-2");
    line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[100 "]);
    line(&trace, &["alice    * transfer_succeeded", "learned from notify"]);
    assert_eq!(count(&trace, &["alice -> bob", "481"]), 0, "{trace}");
}

#[test]
fn a_request_uri_that_holds_a_broken_refer_to_replaces_nothing() {
    let trace = golden("surprise-3");
    assert_eq!(count(&trace, &["carol    * replaced"]), 0, "{trace}");
    assert_eq!(count(&trace, &["carol -> alice", "BYE"]), 2, "both calls go on to the end\n{trace}");
}

#[test]
fn lower_case_escapes_and_from_tag_first_find_the_call() {
    // covers: TR-100, TR-132
    let (trace, played) = golden_run("surprise-5-lower-case");
    line(&trace, &["carol    * replaced"]);
    let mut sent = played.journal.messages(1).filter(|(_, way, _)| *way == Way::Out);
    let invite = sent.find(|(_, _, message)| message.has(HeaderId::Replaces)).expect("an INVITE").2;
    let referred_by = invite.first(HeaderId::ReferredBy);
    assert_eq!(referred_by, Some("<sip:alice@192.0.2.1:5060>;tag=7"), "copied as it came\n{trace}");
}

#[test]
fn refer_to_and_referred_by_without_brackets_are_followed() {
    // covers: TR-003, TR-141
    let trace = golden("surprise-5-bare");
    line(&trace, &["bob   -> carol", "INVITE", "Referred-By: sip:alice@192.0.2.1"]);
}

#[test]
fn without_referred_by_nobody_replaces_a_call() {
    // covers: TR-112
    let trace = golden("surprise-5-referred-by");
    let refused = line(&trace, &["carol -> bob", "403", "(INVITE)"]);
    assert!(refused < line(&trace, &["carol    * replaced"]), "{trace}");
    assert_eq!(count(&trace, &["carol -> alice", "BYE"]), 1, "{trace}");
}

#[test]
fn reports_of_who_said_that_it_would_not_report_are_answered_200() {
    // covers: TR-072
    let trace = golden("surprise-6");
    assert_eq!(count(&trace, &["alice -> bob", "200", "(NOTIFY)"]), 2, "{trace}");
}

#[test]
fn a_bye_of_the_target_before_the_result_is_no_failure() {
    let trace = golden("surprise-9");
    let bye = line(&trace, &["carol -> alice", "BYE"]);
    let answered = line(&trace, &["carol -> bob", "200", "(INVITE)"]);
    assert!(bye < answered, "{trace}");
    assert_eq!(count(&trace, &["alice    * transfer_recover"]), 0, "{trace}");
}

#[test]
fn a_re_invite_that_is_not_acknowledged_does_not_keep_a_call_from_being_replaced() {
    let trace = golden("surprise-10");
    let replaced = line(&trace, &["carol    * replaced"]);
    assert!(replaced < line(&trace, &["carol -> alice", "481", "(SUBSCRIBE)"]), "{trace}");
}

#[test]
fn a_number_in_event_and_a_body_without_an_end_are_understood() {
    // covers: TR-021, TR-092
    golden("surprise-11-id");
}

#[test]
fn every_spelling_of_event_type_and_state_is_understood() {
    // covers: TR-021, TR-092
    let trace = golden("surprise-11-mixed");
    line(&trace, &["alice    * transfer_progress", "180"]);
}

#[test]
fn a_busy_target_and_a_party_that_waits_on_hold_are_taken_back_by_the_transferor() {
    // covers: TR-163
    let trace = golden("surprise-12");
    let told = line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[486 "]);
    let resumes = line(&trace, &["alice -> bob", "INVITE", "sendrecv", "#4"]);
    assert!(told < resumes, "{trace}");
}
