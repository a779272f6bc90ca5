//! Calls by themselves: forks, offers in 2xx, redirection, and processes that stop and start.

use patchcord_tests::journal::Way;
use sip_message::Method;

use crate::golden::{at_ms, count, golden, golden_run, line};

#[test]
fn a_call_rings_is_answered_and_hung_up() {
    let trace = golden("basic-call");
    let order = [
        line(&trace, &["alice -> bob", "INVITE", "[sdp sendrecv]"]),
        line(&trace, &["bob   -> alice", "180"]),
        line(&trace, &["bob   -> alice", "200", "(INVITE)", "[sdp sendrecv]"]),
        line(&trace, &["alice -> bob", "ACK"]),
        line(&trace, &["bob   -> alice", "BYE"]),
        line(&trace, &["alice -> bob", "200", "(BYE)"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
    assert_eq!(count(&trace, &[" -> "]), order.len(), "and nothing else\n{trace}");
}

#[test]
fn of_three_answers_the_first_is_kept_and_the_others_are_acknowledged_and_ended() {
    // covers: TR-199, TR-247
    let (trace, played) = golden_run("fork-three-answers");
    let mut sent: Vec<(String, String)> = Vec::new();
    for (_, way, message) in played.journal.messages(0) {
        if let (Way::Out, Some(method), Some(tag)) = (way, message.method(), message.to_tag()) {
            sent.push((method.to_string(), tag.to_owned()));
        }
    }
    let of = |method: &str| -> Vec<&str> {
        sent.iter().filter(|(sent, _)| sent == method).map(|(_, tag)| tag.as_str()).collect()
    };
    // The last one acknowledges the re-INVITE.
    assert_eq!(of("ACK"), ["desk", "mobile", "home", "mobile", "desk"], "{trace}");
    assert_eq!(of("BYE"), ["mobile", "home", "desk"], "{trace}");
    assert_eq!(of("INVITE"), ["desk"], "{trace}");
    let kept = line(&trace, &["alice -> bob", "BYE sip:desk@192.0.2.2:5060"]);
    assert!(line(&trace, &["alice    > hang-up-all"]) < kept, "{trace}");
}

#[test]
fn an_invite_without_an_offer_is_answered_with_one() {
    let (trace, played) = golden_run("offerless-invite");
    assert_eq!(count(&trace, &["alice -> bob", "INVITE sip", "[sdp"]), 0, "{trace}");
    assert_eq!(count(&trace, &["bob   -> alice", "200", "(INVITE)", "[sdp sendrecv]"]), 2, "{trace}");
    assert_eq!(count(&trace, &["alice -> bob", "ACK", "[sdp sendrecv]"]), 2, "{trace}");
    let offers = played.journal.messages(1).filter(|(_, way, message)| {
        *way == Way::Out && message.status().is_some() && !message.body().is_empty()
    });
    let origins: Vec<String> = offers
        .map(|(_, _, message)| {
            let body = String::from_utf8_lossy(message.body()).into_owned();
            body.lines().find(|line| line.starts_with("o=")).unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(origins[0], origins[1], "nothing has changed, and the version says so (RFC 3264 §8)\n{trace}");
}

#[test]
fn a_redirection_is_followed_to_the_best_contact_and_from_there_to_the_next() {
    let trace = golden("redirect");
    let order = [
        line(&trace, &["bob   -> alice", "302", "(INVITE)"]),
        line(&trace, &["alice -> bob", "ACK"]),
        line(&trace, &["alice -> carol", "INVITE sip:carol@192.0.2.3:5060"]),
        line(&trace, &["carol -> alice", "486", "(INVITE)"]),
        line(&trace, &["alice -> dave", "INVITE sip:dave@192.0.2.4:5060"]),
        line(&trace, &["alice    * established"]),
    ];
    assert!(order.is_sorted(), "{order:?}\n{trace}");
}

#[test]
fn two_that_redirect_to_each_other_are_asked_once() {
    let trace = golden("redirect-loop");
    assert_eq!(count(&trace, &["INVITE sip"]), 2, "{trace}");
    assert_eq!(count(&trace, &["alice    * call_ended", "301"]), 1, "{trace}");
}

#[test]
fn a_process_that_is_stopped_ends_every_call_as_its_state_asks_for() {
    let trace = golden("stop-and-restart");
    let stops = line(&trace, &["alice    > hang-up-all"]);
    let of_stop = |words: &[&str]| {
        let at = line(&trace, words);
        assert!(stops < at && at_ms(&trace, at) == at_ms(&trace, stops), "{words:?}\n{trace}");
    };
    of_stop(&["alice -> bob", "BYE"]);
    of_stop(&["alice -> carol", "CANCEL"]);
    of_stop(&["alice -> dave", "480", "(INVITE)"]);
    let further = line(&trace, &["alice -> dave", "503", "(INVITE)"]);
    let starts = line(&trace, &["alice    > restart"]);
    assert!(stops < further && further < starts, "{trace}");
    assert!(line(&trace, &["carol -> alice", "487"]) < further, "{trace}");
}

#[test]
fn what_a_process_has_forgotten_it_answers_481() {
    // covers: TR-241
    let (trace, played) = golden_run("restart-in-calls");
    let starts = line(&trace, &["alice    > restart"]);
    let refused = line(&trace, &["alice -> bob", "481", "(INVITE)"]);
    assert!(starts < refused && refused < line(&trace, &["bob      * call_ended call#1"]), "{trace}");
    line(&trace, &["alice -> dave", "481", "(CANCEL)"]);
    let of_invites = played.journal.messages(0).filter(|(_, way, message)| {
        *way == Way::Out && message.method() == Some(Method::Invite) && message.to_tag().is_none()
    });
    let mut names: Vec<_> = of_invites
        .flat_map(|(_, _, message)| {
            [message.call_id().map(str::to_owned).ok(), message.from_tag().map(str::to_owned)]
        })
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4, "nothing is named as in the life before\n{trace}");
}
