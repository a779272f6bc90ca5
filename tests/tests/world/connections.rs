//! Calls and transfers over TCP and TLS, from their traces.

use patchcord_tests::journal::What;

use crate::golden::{at_ms, count, golden, golden_run, line};

/// Connections that were opened in a trace.
fn opened(trace: &str) -> usize {
    count(trace, &["~ opens"])
}

#[test]
fn a_call_uses_one_connection_which_stays_when_it_is_over() {
    // covers: TR-202
    let trace = golden("tcp-call");
    assert_eq!(opened(&trace), 1, "{trace}");
    let (bye, ended) = (line(&trace, &["alice -> bob", "BYE"]), line(&trace, &["is told that"]));
    assert!(at_ms(&trace, ended) - at_ms(&trace, bye) > 60_000, "only the end of the run closes it\n{trace}");
}

#[test]
fn transfers_over_tcp_come_to_the_same_as_over_udp() {
    // Two connections for a blind transfer, a third one for the call that replaces the consultation.
    for (name, connections) in [("tcp-blind", 2), ("tcp-attended", 3), ("tcp-consult", 3)] {
        let (trace, played) = golden_run(name);
        assert_eq!(opened(&trace), connections, "{trace}");
        let datagram = |what: &What| matches!(what, What::Sent { connection: None, .. });
        assert!(!played.journal.entries.iter().any(|entry| datagram(&entry.what)), "nothing goes by UDP");
        let invite = |message: &str| count(&trace, &["alice -> bob", message]);
        assert_eq!((invite("INVITE"), invite("REFER")), (2, 1), "nothing is sent twice\n{trace}");
    }
}

#[test]
fn a_connection_whose_other_side_is_verified_carries_an_attended_transfer() {
    let trace = golden("tls-attended");
    assert_eq!(opened(&trace), 3, "{trace}");
    line(&trace, &["opens TLS#3 with carol"]);
    line(&trace, &["bob   -> carol", "INVITE sip:carol@192.0.2.3:5061;transport=tls", "Replaces"]);
}

#[test]
fn a_replacement_that_is_refused_over_tcp_leaves_both_calls() {
    let trace = golden("tcp-replaces-refused");
    let refused = line(&trace, &["carol -> bob", "403"]);
    assert!(refused < line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[403 "]), "{trace}");
}

#[test]
fn a_call_to_where_nobody_listens_fails_when_that_is_known() {
    let trace = golden("tcp-nobody-listens");
    let refused = line(&trace, &["alice    ~ is told that the connection was refused"]);
    let ended = line(&trace, &["alice    * call_ended"]);
    assert_eq!(at_ms(&trace, refused), at_ms(&trace, ended), "{trace}");
}

#[test]
fn a_target_that_cannot_be_connected_to_is_given_up_after_five_seconds() {
    let trace = golden("tcp-blind-refused");
    let (opens, closes) =
        (line(&trace, &["bob      ~ opens TCP#2"]), line(&trace, &["bob      ~ closes TCP#2"]));
    assert!((5_000..5_050).contains(&(at_ms(&trace, closes) - at_ms(&trace, opens))), "{trace}");
    assert!(closes < line(&trace, &["bob   -> alice", "NOTIFY", "terminated", "[503 "]), "{trace}");
}

#[test]
fn requests_of_a_dialog_whose_connection_is_gone_go_over_a_new_one() {
    // covers: TR-202
    for (name, request) in
        [("tcp-partition", "BYE"), ("tcp-connection-lost", "REFER"), ("tcp-restart", "BYE")]
    {
        let trace = golden(name);
        let lost = line(&trace, &["alice    ~ is told that the connection was lost: TCP#1"]);
        let again = line(&trace, &["alice    ~ opens TCP#2 with bob"]);
        assert!(lost < again && again < line(&trace, &["alice -> bob", request]), "{trace}");
    }
    line(&golden("tcp-restart"), &["bob   -> alice", "481", "(BYE)"]);
}

#[test]
fn a_response_whose_connection_is_gone_goes_over_a_new_one() {
    let trace = golden("tcp-response-anew");
    let lost = line(&trace, &["bob   -> alice", "200 OK (INVITE)", "(lost)"]);
    let again = line(&trace, &["bob      ~ opens TCP#2 with alice"]);
    assert!(lost < again, "RFC 3261 §18.2.2\n{trace}");
    let established = line(&trace, &["alice    * established"]);
    assert!(again < established && established < line(&trace, &["alice -> bob", "ACK"]), "{trace}");
}

#[test]
fn an_acknowledgement_whose_connection_is_gone_goes_over_a_new_one() {
    for (name, from) in [("tcp-ack-anew", "alice -> bob"), ("tcp-hold-ack-anew", "bob   -> alice")] {
        let trace = golden(name);
        let lost = line(&trace, &[from, "ACK", "(lost)"]);
        let later = trace.lines().skip(lost + 1).find(|line| line.contains(from) && line.contains("ACK"));
        assert!(later.is_some_and(|line| !line.contains("(lost)")), "{trace}");
    }
}

#[test]
fn a_hold_in_force_by_an_answer_is_resumed_when_its_own_offer_is_lost() {
    let trace = golden("tcp-hold-glare-lost");
    let held = line(&trace, &["alice    * hold_changed call#1 local=true"]);
    let lost = line(&trace, &["alice -> bob", "INVITE", "[sdp sendonly]", "(lost)"]);
    let resumed = trace.lines().skip(lost).position(|line| line.contains("hold_changed call#1 local=false"));
    assert!(held < lost && resumed.is_some(), "{trace}");
}

#[test]
fn each_call_of_a_mixed_world_goes_by_what_its_target_listens_by() {
    let trace = golden("mixed-blind");
    line(&trace, &["alice -> bob", "REFER sip:bob@192.0.2.2:5060;transport=tcp"]);
    line(&trace, &["bob   -> carol", "INVITE sip:carol@192.0.2.3:5060 #1"]);
    assert_eq!(opened(&trace), 1, "{trace}");
    let trace = golden("mixed-attended");
    line(&trace, &["bob   -> carol", "INVITE sip:carol@192.0.2.3:5060 #1", "Replaces"]);
    assert_eq!(opened(&trace), 1, "{trace}");
}

#[test]
fn a_target_that_the_transferee_has_no_transport_for_is_refused_and_the_party_is_back() {
    let trace = golden("mixed-unreachable");
    line(&trace, &["bob      * call_ended", "no listener for the URI's transport"]);
    line(&trace, &["alice    * transfer_recovered"]);
}

#[test]
fn a_long_invite_goes_by_tcp_where_that_is_listened_to_and_else_by_udp() {
    let invite = |name: &str| {
        let (trace, played) = golden_run(name);
        let sent = played.journal.entries.iter().find_map(|entry| match &entry.what {
            What::Sent { message, connection, .. } if message.starts_with(b"INVITE") => {
                Some((message.len(), *connection))
            }
            _ => None,
        });
        let (length, connection) = sent.unwrap_or_else(|| panic!("an INVITE\n{trace}"));
        assert!(length > 1_300, "{length}");
        (trace, connection)
    };
    let (trace, connection) = invite("long-invite-tcp");
    assert_eq!(connection, Some(1), "{trace}");
    let (trace, connection) = invite("long-invite-refused");
    assert_eq!(connection, None, "{trace}");
    let refused = line(&trace, &["the connection was refused"]);
    assert!(refused < line(&trace, &["alice -> bob", "INVITE"]), "{trace}");
    // The ACK is as long, and nobody repeats it.
    assert!(line(&trace, &["alice -> bob", "ACK"]) < line(&trace, &["alice    > hang-up"]), "{trace}");
    assert_eq!(count(&trace, &["bob   -> alice", "200 OK (INVITE)"]), 1, "{trace}");
}

#[test]
fn a_scripted_party_goes_on_over_a_connection_of_its_own_when_that_of_the_call_is_broken() {
    let trace = golden("tcp-scripted");
    let lost = line(&trace, &["bob      ~ is told that the connection was lost: TCP#1"]);
    let (opens, last) = (line(&trace, &["bob      ~ opens TCP#2"]), line(&trace, &["NOTIFY", "[200 OK]"]));
    assert!(lost < opens && opens < last, "{trace}");
    assert_eq!(opened(&trace), 2, "{trace}");
}

#[test]
fn a_scripted_party_that_opened_a_connection_is_answered_over_it() {
    let trace = golden("tls-scripted");
    line(&trace, &["alice    ~ opens TLS#1 with bob"]);
    assert_eq!(opened(&trace), 1, "{trace}");
    assert_eq!(
        count(&trace, &["bob   -> alice", "NOTIFY sip:alice@192.0.2.1:5061;transport=tls"]),
        2,
        "{trace}"
    );
}
