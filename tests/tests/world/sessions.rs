//! Reliable provisional responses, UPDATE and session timers.

use std::time::Duration;

use patchcord_tests::{journal::Way, play::Played};
use sip_message::{HeaderId, Message, Method};

use crate::golden::{at_ms, count, golden, golden_run, line};

/// The requests of a method that a party sent, with their times, in order.
fn sent(played: &Played, party: usize, method: &Method) -> Vec<(Duration, Message)> {
    let requests = played.journal.messages(party);
    let requests =
        requests.filter(|(_, way, message)| *way == Way::Out && message.method().as_ref() == Some(method));
    requests.map(|(at, _, message)| (at, message)).collect()
}

/// When each line with these words stands in a trace, in milliseconds.
fn times(trace: &str, words: &[&str]) -> Vec<u64> {
    let lines = trace.lines().enumerate();
    let found = lines.filter(|(_, line)| words.iter().all(|word| line.contains(word)));
    found.map(|(at, _)| at_ms(trace, at)).collect()
}

#[test]
fn a_reliable_183_is_acknowledged_once_and_its_description_is_the_answer() {
    // covers: TR-230
    let (trace, played) = golden_run("early-media");
    let pracks = sent(&played, 0, &Method::Prack);
    let acknowledged: Vec<_> = pracks.iter().map(|(_, prack)| prack.first(HeaderId::RAck)).collect();
    assert_eq!(acknowledged, [Some("7 1 INVITE")], "{trace}");
    assert!(pracks[0].1.body().is_empty(), "the 183 has answered the offer\n{trace}");
    line(&trace, &["alice    * established"]);
}

#[test]
fn a_reliable_180_is_repeated_until_its_prack_is_there() {
    // covers: TR-231
    let trace = golden("prack-lost");
    let mut rings = times(&trace, &["bob   -> alice", "180"]);
    // The INVITE was repeated in the moment of the first repetition.
    rings.dedup();
    let waits: Vec<u64> = rings.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [500, 1_000, 2_000, 4_000][..waits.len()], "T1, doubled (RFC 3262 §3)\n{trace}");
    assert!(waits.len() >= 2, "{trace}");
    assert_eq!(count(&trace, &["bob   -> alice", "200", "(PRACK)"]), 1, "{trace}");
    let answered = times(&trace, &["bob   -> alice", "200", "(PRACK)"])[0];
    assert!(rings.iter().all(|rings| *rings <= answered), "{trace}");
}

#[test]
fn without_a_prack_the_invite_is_refused_after_64_t1() {
    // covers: TR-231
    let trace = golden("prack-never");
    let rings = times(&trace, &["bob   -> alice", "180"])[0];
    let refused = times(&trace, &["bob   -> alice", "504", "(INVITE)"])[0];
    assert_eq!(refused - rings, 32_000, "{trace}");
    line(&trace, &["alice    * call_ended", "504"]);
}

#[test]
fn an_update_with_an_offer_that_meets_ours_is_refused_with_491() {
    // covers: TR-232
    let trace = golden("update-glare");
    let refused = line(&trace, &["alice -> bob", "491", "(UPDATE)"]);
    assert!(line(&trace, &["alice -> bob", "INVITE", "sendonly"]) < refused, "{trace}");
    assert!(refused < line(&trace, &["bob   -> alice", "200", "(INVITE)", "recvonly"]), "{trace}");
    let taken = line(&trace, &["alice -> bob", "200", "(UPDATE)", "[sdp"]);
    assert!(refused < taken, "{trace}");
}

#[test]
fn an_update_of_ours_that_is_refused_with_491_waits_as_a_re_invite_does() {
    // covers: TR-233
    let trace = golden("update-glare");
    let updates = times(&trace, &["alice -> bob", "UPDATE sip"]);
    let waited = updates[1] - times(&trace, &["bob   -> alice", "491", "(UPDATE)"])[0];
    assert!((2_100..=4_010).contains(&waited), "{waited}\n{trace}");
}

#[test]
fn a_session_is_refreshed_at_half_of_its_interval() {
    // covers: TR-234
    let (trace, played) = golden_run("session-refreshed");
    let updates: Vec<u128> = sent(&played, 0, &Method::Update).iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(updates.first().copied(), Some(45_020), "{trace}");
    assert!(updates.windows(2).all(|pair| pair[1] - pair[0] <= 60_000), "{trace}");
    assert!(updates.len() >= 5, "{trace}");
    assert_eq!(sent(&played, 1, &Method::Update).len(), 0, "one side refreshes\n{trace}");
}

#[test]
fn a_session_that_cannot_be_refreshed_ends_at_both_sides() {
    // covers: TR-234
    let trace = golden("session-expires");
    let ends = |whose: &str| times(&trace, &[whose, "BYE sip"])[0];
    // The interval less a third of it, from the last 2xx.
    assert_eq!(ends("bob   -> alice"), 60_010, "{trace}");
    assert_eq!(ends("alice -> bob"), 60_020, "{trace}");
    assert_eq!(count(&trace, &["call_ended", "not refreshed"]), 2, "{trace}");
}

#[test]
fn whoever_does_not_refresh_is_left_in_time_with_the_reason() {
    // covers: TR-234
    let (trace, played) = golden_run("session-not-refreshed");
    for party in [0, 2] {
        let byes = sent(&played, party, &Method::Bye);
        let reason = byes[0].1.first(HeaderId::Reason).unwrap_or_default();
        assert!(reason.contains("cause=408"), "{reason}\n{trace}");
        assert!(byes[0].0 < Duration::from_secs(62), "{trace}");
    }
}

#[test]
fn an_interval_that_is_too_short_is_raised_as_each_one_asks() {
    // covers: TR-234
    let (trace, played) = golden_run("session-interval-raised");
    let invites = sent(&played, 0, &Method::Invite);
    let of =
        |id: HeaderId| -> Vec<Option<&str>> { invites.iter().map(|(_, invite)| invite.first(id)).collect() };
    let asked = [Some("90"), Some("120"), Some("300"), Some("300;refresher=uac")];
    assert_eq!(of(HeaderId::SessionExpires), asked, "{trace}");
    assert_eq!(of(HeaderId::MinSe)[..3], [None, Some("120"), Some("300")], "{trace}");
    assert_eq!(invites[3].0.as_secs(), 150, "{trace}");
}
