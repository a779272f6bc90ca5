//! `patchcord transfer --fallback bridge`, between processes on loopback: who takes no REFER is joined with the target.

mod process;

use process::{Running, run};

/// Answers calls, and follows no REFER.
fn answer(words: &[&str]) -> (Running, String) {
    let mut all = vec!["answer", "--listen", "udp:127.0.0.1:0", "--json"];
    all.extend_from_slice(words);
    let mut running = Running::start(&all);
    let listening = running.wait("listening");
    let address = listening["addresses"][0].as_str().expect("an address");
    let uri = format!("sip:x@{}", address.strip_prefix("udp:").expect("udp"));
    (running, uri)
}

/// A transfer of Bob to Carol in which he cannot be moved.
fn transfer(first: &str, target: &str, words: &[&str]) -> Running {
    let mut all = vec!["transfer", first, target, "--listen", "udp:127.0.0.1:0", "--talk", "0.2"];
    all.extend_from_slice(&["--fallback", "bridge", "--json"]);
    all.extend_from_slice(words);
    Running::start(&all)
}

#[test]
fn a_party_that_declines_is_joined_with_the_target_until_one_of_them_hangs_up() {
    // covers: TR-170
    let ((mut bob, first), (mut carol, target)) = (answer(&["--tone", "660"]), answer(&["--tone", "880"]));
    let mut alice = transfer(&first, &target, &["--report", "json"]);
    alice.wait("transfer_bridging");
    let bridged = alice.wait("transfer_bridged");
    assert_eq!(
        (&bridged["outcome"], &bridged["learned_from"], &bridged["code"]),
        (&"Bridged".into(), &"local".into(), &603.into())
    );
    // The report does not wait for the end of the bridge.
    let report = alice.wait("transfer_report");
    let text = report["report"]["text"].as_str().expect("a text");
    assert!(text.contains("talk through us"), "{text}");
    carol.wait("media_flowing");
    assert_eq!(carol.stop(), Some(0), "she hangs up");
    bob.wait("call_ended");
    assert_eq!(alice.end(), Some(0), "the bridge is over, and the transfer has succeeded");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_target_that_cannot_be_called_for_the_bridge_brings_the_party_back_and_ends_with_1() {
    // covers: TR-163
    let (mut bob, first) = answer(&[]);
    let words = ["--listen", "udp:127.0.0.1:0", "--talk", "0.2", "--fallback", "bridge", "--json"];
    let (code, lines) = run(&[&["transfer", first.as_str(), "sip:carol@127.0.0.1:9"], &words[..]].concat());
    assert_eq!(code, Some(1), "{lines:#?}");
    let last = lines.iter().rev().find_map(|line| line["outcome"].as_str());
    assert_eq!(last, Some("Recovered"));
    bob.wait("call_ended");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_bridge_of_every_kind_ends_with_both_calls_when_the_user_wants_it() {
    for (kind, carols) in [
        ("blind", &[][..]),
        ("attended", &[]),
        ("consultative", &[]),
        ("semi-attended", &["--after", "0.3"]),
        ("protect-target", &[]),
        ("warm", &["--dtmf", "1"]),
    ] {
        let ((mut bob, first), (mut carol, target)) = (answer(&[]), answer(carols));
        let mut alice = transfer(&first, &target, &["--kind", kind]);
        assert_eq!(alice.wait("transfer_bridged")["outcome"], "Bridged", "{kind}");
        assert_eq!(alice.stop(), Some(0), "{kind}");
        for party in [&mut bob, &mut carol] {
            party.wait("call_ended");
        }
        assert_eq!((bob.stop(), carol.stop()), (Some(0), Some(0)), "{kind}");
    }
}
