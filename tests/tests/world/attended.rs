//! Transfers to somebody who was asked first, from their traces: table 2.2.

use patchcord_tests::{journal::Way, play::Played};
use sip_message::{HeaderId, Message, Method};

use crate::golden::{at_ms, count, cseq, golden, golden_run, line};

/// The first request of this method that a party sent.
fn sent(played: &Played, party: usize, method: &Method) -> Message {
    let mut messages = played.journal.messages(party);
    let found =
        messages.find(|(_, way, message)| *way == Way::Out && message.method().as_ref() == Some(method));
    found.expect("such a request").2
}

#[test]
fn an_attended_transfer_has_the_whole_order_of_messages() {
    // covers: TR-167, TR-162, TR-109
    let trace = golden("attended-success");
    let order = [
        line(&trace, &["alice -> bob", "INVITE", "sendonly"]),
        line(&trace, &["alice -> carol", "INVITE", "sendonly"]),
        line(&trace, &["alice -> carol", "ACK", "#2"]),
        line(&trace, &["alice -> bob", "REFER", "Replaces"]),
        line(&trace, &["bob   -> alice", "202"]),
        line(&trace, &["bob   -> alice", "NOTIFY", "[100 "]),
        line(&trace, &["bob   -> carol", "INVITE", "Referred-By", "Replaces"]),
        line(&trace, &["carol -> bob", "200 OK (INVITE)"]),
        line(&trace, &["carol -> alice", "BYE"]),
        line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[200 "]),
        line(&trace, &["alice -> carol", "200 OK (BYE)"]),
        line(&trace, &["alice -> bob", "BYE"]),
        line(&trace, &["alice    * transfer_succeeded"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
    assert_eq!(count(&trace, &["alice    * transfer_", "Succeeded"]), 1, "{trace}");
}

#[test]
fn replaces_is_written_from_the_view_of_the_target_whoever_placed_the_calls() {
    // covers: TR-102, TR-119, TR-130
    for name in ["attended-success", "attended-called"] {
        let (trace, played) = golden_run(name);
        let refer = sent(&played, 0, &Method::Refer);
        let refer_to = refer.refer_to().expect("a Refer-To");
        let replaces = refer_to.replaces.as_ref().expect("a Replaces");
        // The call that the target ends is the one that is named, with the tags as the target has them.
        let bye = sent(&played, 2, &Method::Bye);
        assert_eq!(Ok(replaces.call_id()), bye.call_id(), "{trace}");
        assert_eq!(Some(replaces.to_tag()), bye.from_tag(), "{trace}");
        assert_eq!(Some(replaces.from_tag()), bye.to_tag(), "{trace}");
        let raw = refer.first(HeaderId::ReferTo).expect("a Refer-To");
        assert!(raw.contains("%3Bto-tag%3D") && raw.starts_with("<sip:carol@192.0.2.3:5060?"), "{raw}");
    }
}

#[test]
fn the_triggered_invite_is_a_call_of_its_own_with_replaces_once() {
    // covers: TR-135, TR-139, TR-174
    let (trace, played) = golden_run("attended-success");
    let invite = sent(&played, 1, &Method::Invite);
    assert_eq!(invite.request_uri(), Some("sip:carol@192.0.2.3:5060"), "{trace}");
    assert_eq!((invite.count(HeaderId::Replaces), invite.count(HeaderId::ReferredBy)), (1, 1), "{trace}");
    assert_eq!(count(&trace, &["bob   -> carol", "INVITE"]), 1);
}

#[test]
fn a_consultation_is_placed_after_the_hold_and_completed_on_command() {
    // covers: TR-167, TR-183
    let trace = golden("consult-success");
    let order = [
        line(&trace, &["alice -> bob", "INVITE", "sendonly"]),
        line(&trace, &["alice -> bob", "ACK", "#2"]),
        line(&trace, &["alice -> carol", "INVITE", "sendrecv"]),
        line(&trace, &["alice    * consult_ringing"]),
        line(&trace, &["alice    * consult_answered"]),
        line(&trace, &["alice    > complete"]),
        line(&trace, &["alice -> carol", "INVITE", "sendonly"]),
        line(&trace, &["alice -> bob", "REFER", "Replaces"]),
        line(&trace, &["carol    * replaced"]),
        line(&trace, &["alice    * transfer_succeeded"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
}

#[test]
fn a_consultation_can_be_completed_by_its_answer() {
    let trace = golden("consult-at-once");
    assert!(
        line(&trace, &["alice    * consult_answered"]) < line(&trace, &["REFER sip", "Replaces"]),
        "{trace}"
    );
}

#[test]
fn a_party_that_hangs_up_while_it_is_held_is_not_consulted_about() {
    let trace = golden("consult-crosses-bye");
    assert_eq!(count(&trace, &["alice -> carol"]), 0, "{trace}");
}

#[test]
fn a_target_that_is_busy_brings_the_party_back_without_a_refer() {
    let trace = golden("consult-busy");
    assert_eq!(count(&trace, &["REFER sip"]), 0, "{trace}");
    line(&trace, &["alice    * transfer_recovered", "486"]);
}

#[test]
fn a_target_that_does_not_answer_is_cancelled_after_the_consult_limit() {
    let trace = golden("consult-silent");
    let (invite, cancel) =
        (line(&trace, &["alice -> carol", "INVITE"]), line(&trace, &["alice -> carol", "CANCEL"]));
    assert_eq!(at_ms(&trace, cancel) - at_ms(&trace, invite), 10_000, "{trace}");
}

#[test]
fn a_consultation_that_is_given_up_is_cancelled_after_a_provisional_response() {
    // covers: TR-177
    let trace = golden("consult-cancelled");
    assert!(
        line(&trace, &["alice    > cancel-transfer"]) < line(&trace, &["alice -> carol", "CANCEL"]),
        "{trace}"
    );
    let trace = golden("consult-cancelled-crossed");
    let ringing = line(&trace, &["carol -> alice", "180"]);
    assert!(ringing < line(&trace, &["alice -> carol", "CANCEL"]), "not before it\n{trace}");
    let crossed = line(&trace, &["carol -> alice", "200 ", "(INVITE)"]);
    let (ack, bye) = (line(&trace, &["alice -> carol", "ACK"]), line(&trace, &["alice -> carol", "BYE"]));
    assert!(crossed < ack && ack < bye, "{trace}");
}

#[test]
fn completing_while_the_target_rings_waits_for_the_answer() {
    // covers: TR-166, TR-120
    let trace = golden("consult-early-wait");
    let answered = line(&trace, &["alice    * consult_answered"]);
    assert!(answered < line(&trace, &["REFER sip", "Replaces"]), "{trace}");
    assert_eq!(count(&trace, &["CANCEL"]), 0, "{trace}");
}

#[test]
fn completing_while_the_target_rings_cancels_and_only_then_refers_blind() {
    // covers: TR-166
    let trace = golden("consult-early-blind");
    let settled = line(&trace, &["carol -> alice", "487", "(INVITE)"]);
    assert!(settled < line(&trace, &["alice -> bob", "REFER"]), "{trace}");
    assert_eq!(count(&trace, &["sip:carol", "  Replaces"]) + count(&trace, &["Replaces=.."]), 0, "{trace}");
    let trace = golden("consult-early-blind-crossed");
    let bye = line(&trace, &["alice -> carol", "BYE"]);
    assert!(line(&trace, &["carol -> alice", "200 ", "(INVITE)"]) < bye, "{trace}");
    assert!(bye < line(&trace, &["alice -> bob", "REFER"]), "{trace}");
}

#[test]
fn completing_while_the_target_rings_can_be_refused() {
    // covers: TR-166
    let trace = golden("consult-early-refused");
    line(&trace, &["alice    ! complete"]);
}

#[test]
fn a_lost_party_leaves_the_consultation_as_a_call() {
    let trace = golden("consult-primary-lost");
    assert!(
        line(&trace, &["alice    * primary_lost"]) < line(&trace, &["alice    * transfer_peer_hung_up"]),
        "{trace}"
    );
    assert_eq!(count(&trace, &["REFER sip"]), 0, "{trace}");
}

#[test]
fn whoever_swaps_holds_the_one_before_it_resumes_the_other() {
    // covers: TR-217
    let trace = golden("consult-swap");
    let holds = line(&trace, &["alice -> carol", "INVITE", "#2", "sendonly"]);
    let resumes = line(&trace, &["alice -> bob", "INVITE", "#3", "sendrecv"]);
    assert!(holds < resumes && resumes < line(&trace, &["alice    * consult_swapped"]), "{trace}");
}

#[test]
fn a_target_that_hangs_up_in_the_consultation_brings_the_party_back() {
    let trace = golden("consult-target-hangs-up");
    line(&trace, &["alice    * transfer_recovered", "the consultation call ended"]);
}

#[test]
fn a_target_without_replaces_loses_nothing_and_gets_no_refer() {
    // covers: TR-173
    let trace = golden("consult-without-replaces");
    line(&trace, &["alice    ! complete", "Replaces"]);
    assert_eq!(count(&trace, &["REFER sip"]), 0, "{trace}");
}

#[test]
fn a_target_without_replaces_is_left_and_then_referred_to_blind() {
    // covers: TR-169, TR-173
    let trace = golden("consult-without-replaces-blind");
    let over = line(&trace, &["carol -> alice", "200 OK (BYE)"]);
    assert!(over < line(&trace, &["alice -> bob", "REFER"]), "{trace}");
    assert_eq!(count(&trace, &["sip:carol", "  Replaces"]) + count(&trace, &["Replaces=.."]), 0, "{trace}");
}

#[test]
fn a_consultation_that_cannot_be_held_is_completed_all_the_same() {
    // covers: TR-196
    let trace = golden("consult-hold-refused");
    assert!(line(&trace, &["carol -> alice", "488"]) < line(&trace, &["alice -> bob", "REFER"]), "{trace}");
}

#[test]
fn a_protected_target_is_asked_to_call_and_the_party_ends_its_call() {
    // covers: TR-168
    let trace = golden("attended-protected");
    assert_eq!(count(&trace, &["alice -> bob", "REFER"]), 0, "{trace}");
    let refer = line(&trace, &["alice -> carol", "REFER", "<sip:bob@192.0.2.2:5060?Replaces=..>"]);
    assert!(refer < line(&trace, &["carol -> bob", "INVITE", "Replaces"]), "{trace}");
    line(&trace, &["bob   -> alice", "BYE"]);
}

#[test]
fn an_address_of_record_is_referred_to_with_require_replaces() {
    // covers: TR-118
    let (trace, played) = golden_run("attended-aor");
    let refer = sent(&played, 0, &Method::Refer);
    let raw = refer.first(HeaderId::ReferTo).expect("a Refer-To");
    assert!(raw.contains("&Require=replaces") || raw.contains("?Require=replaces"), "{raw}");
    let invite = sent(&played, 1, &Method::Invite);
    assert!(invite.all(HeaderId::Require).any(|value| value.contains("replaces")), "{trace}");
}

#[test]
fn a_target_that_hangs_up_at_the_refer_is_no_success() {
    // covers: TR-107, TR-163
    let trace = golden("attended-target-hangs-up");
    line(&trace, &["carol -> bob", "603", "(INVITE)"]);
    line(&trace, &["alice    * transfer_recovered", "603"]);
}

#[test]
fn a_replaced_call_that_the_target_keeps_is_ended_by_the_transferor_after_its_grace() {
    let trace = golden("attended-not-replaced");
    let told = line(&trace, &["bob   -> alice", "NOTIFY", "[200 "]);
    let bye = line(&trace, &["alice -> carol", "BYE"]);
    // One way of the network later than T-FINAL.
    assert_eq!(at_ms(&trace, bye) - at_ms(&trace, told), 1_010, "{trace}");
}

#[test]
fn a_contact_that_leads_nowhere_is_followed_by_one_try_of_the_other_address() {
    // covers: TR-171, TR-020
    let trace = golden("attended-rerouted");
    assert_eq!(count(&trace, &["alice -> bob", "REFER sip"]), 2, "{trace}");
    line(&trace, &["alice -> bob", "REFER", "<sip:desk-7@192.0.2.3:5060?Replaces=..>"]);
    line(&trace, &["alice -> bob", "REFER", "<sip:carol@192.0.2.3:5060?Replaces=..&Require=replaces>"]);
    assert_eq!(count(&trace, &["bob   -> alice", "NOTIFY", "terminated"]), 2, "{trace}");
}

#[test]
fn after_a_refusal_both_calls_are_up_and_the_application_may_try_again() {
    // covers: TR-172, TR-113, TR-112
    let trace = golden("attended-refused");
    let refused = line(&trace, &["carol -> bob", "403", "(INVITE)"]);
    let recovered = line(&trace, &["alice    * transfer_recovered", "403"]);
    let again = line(&trace, &["alice    > attended bob carol", ""]);
    assert!(again < refused && refused < recovered, "{trace}");
    assert_eq!(count(&trace, &["alice    > attended bob carol"]), 2, "{trace}");
    assert_eq!(count(&trace, &["alice    * transfer_succeeded"]), 1, "{trace}");
}

#[test]
fn a_party_that_does_not_know_refer_is_called_by_the_target_instead() {
    // covers: TR-170
    let trace = golden("attended-reversed");
    let refused = line(&trace, &["bob   -> alice", "405", "(REFER)"]);
    assert!(refused < line(&trace, &["alice -> carol", "REFER", "Replaces"]), "{trace}");
}

#[test]
fn a_transfer_that_is_given_up_after_the_2xx_ends_the_reports_and_restores_both_calls() {
    // covers: TR-177, TR-022
    let trace = golden("attended-cancelled");
    line(&trace, &["alice -> bob", "SUBSCRIBE"]);
    line(&trace, &["alice -> carol", "INVITE", "#3", "sendrecv"]);
    line(
        &trace,
        &[
            "alice -> bob",
            "INVITE",
            "sendrecv",
            &cseq(&trace, line(&trace, &["alice -> bob", "INVITE", "#5"])),
        ],
    );
}

#[test]
fn a_target_that_the_party_cannot_reach_brings_it_back() {
    let trace = golden("attended-target-lost");
    line(&trace, &["alice    * transfer_recovered", "408"]);
}
