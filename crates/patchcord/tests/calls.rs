//! Calls and transfers between processes on loopback. Every wait is for a line of output, never for a time.

mod process;

use process::{Running, run};
use serde_json::Value;

fn answer(words: &[&str]) -> (Running, String) {
    let mut all = vec!["answer", "--listen", "udp:127.0.0.1:0", "--json"];
    all.extend_from_slice(words);
    let mut running = Running::start(&all);
    let listening = running.wait("listening");
    let address = listening["addresses"][0].as_str().expect("an address").to_owned();
    let address = address.strip_prefix("udp:").expect("udp").to_owned();
    (running, address)
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["event"].as_str()).collect()
}

fn find<'a>(lines: &'a [Value], event: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["event"] == event)
        .unwrap_or_else(|| panic!("no {event} in {:?}", names(lines)))
}

#[test]
fn a_call_is_answered_and_ended() {
    let (mut bob, address) = answer(&[]);
    let uri = format!("sip:bob@{address}");
    let (code, lines) = run(&["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "0.3", "--json"]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(find(&lines, "established")["placed"], true);
    assert_eq!(find(&lines, "finished")["exit_code"], 0);
    let summary = bob.wait("media_summary");
    assert!(summary["received"].as_u64().is_some_and(|received| received > 0), "{summary}");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_call_is_held_and_resumed() {
    let (mut bob, address) = answer(&["--echo"]);
    let uri = format!("sip:bob@{address}");
    let (code, lines) = run(&[
        "call",
        &uri,
        "--listen",
        "udp:127.0.0.1:0",
        "--duration",
        "0.6",
        "--hold-after",
        "0.2",
        "--json",
    ]);
    assert_eq!(code, Some(0), "{lines:?}");
    let holds: Vec<bool> = lines
        .iter()
        .filter(|line| line["event"] == "hold_changed")
        .filter_map(|line| line["local_hold"].as_bool())
        .collect();
    assert_eq!(holds, [true, false]);
    bob.wait("call_ended");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_transfer_moves_the_call_and_ends_with_0() {
    let (bob, bob_at) = answer(&["--refer", "allow", "--allow-target", "127.0.0.0/8", "--tone", "660"]);
    let (mut carol, carol_at) = answer(&["--tone", "880"]);
    let (first, target) = (format!("sip:bob@{bob_at}"), format!("sip:carol@{carol_at}"));
    let (code, lines) =
        run(&["transfer", &first, &target, "--listen", "udp:127.0.0.1:0", "--talk", "0.2", "--json"]);
    assert_eq!(code, Some(0), "{lines:?}");
    let end = find(&lines, "transfer_succeeded");
    assert_eq!(
        (&end["outcome"], &end["learned_from"], &end["code"]),
        (&"Succeeded".into(), &"notify".into(), &200.into())
    );
    let ends = names(&lines).into_iter().filter(|name| name.starts_with("transfer_") && is_end(name)).count();
    assert_eq!(ends, 1);
    carol.wait("established");
    carol.wait("media_flowing");
    assert_eq!(bob.stop(), Some(0));
    carol.wait("call_ended");
    assert_eq!(carol.stop(), Some(0));
}

fn is_end(name: &str) -> bool {
    ["succeeded", "bridged", "failed", "recovered", "cancelled", "timed_out", "peer_hung_up"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[test]
fn a_refused_transfer_brings_the_call_back_and_ends_with_1() {
    let (mut bob, bob_at) = answer(&[]);
    let first = format!("sip:bob@{bob_at}");
    let (code, lines) = run(&[
        "transfer",
        &first,
        "sip:carol@127.0.0.1:9",
        "--listen",
        "udp:127.0.0.1:0",
        "--talk",
        "0.2",
        "--json",
    ]);
    assert_eq!(code, Some(1), "{lines:?}");
    let end = find(&lines, "transfer_recovered");
    assert_eq!(
        (&end["outcome"], &end["learned_from"], &end["code"]),
        (&"Recovered".into(), &"local".into(), &603.into())
    );
    let holds: Vec<bool> = lines
        .iter()
        .filter(|line| line["event"] == "hold_changed")
        .filter_map(|line| line["local_hold"].as_bool())
        .collect();
    assert_eq!(holds, [true, false], "held for the transfer, and resumed");
    assert!(find(&lines, "finished")["reason"].as_str().is_some_and(|reason| reason.contains("603")));
    bob.wait("call_ended");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_call_beyond_the_limit_is_refused_with_486() {
    let (bob, address) = answer(&["--max-calls", "1"]);
    let uri = format!("sip:bob@{address}");
    let mut first =
        Running::start(&["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "60", "--json"]);
    first.wait("established");
    let (code, lines) = run(&["call", &uri, "--listen", "udp:127.0.0.1:0", "--json"]);
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(find(&lines, "call_ended")["code"], 486);
    assert_eq!(first.stop(), Some(0), "Ctrl-C ends an established call with BYE");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn an_unknown_host_fails_the_call_with_one_line() {
    let (code, lines) = run(&["call", "sip:bob@patchcord.invalid", "--listen", "udp:127.0.0.1:0", "--json"]);
    assert_eq!(code, Some(1), "{lines:?}");
    assert!(find(&lines, "finished")["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
}

#[test]
fn the_lifetime_ends_calls_with_bye_and_the_process_with_0() {
    let (mut bob, address) = answer(&["--for", "1"]);
    let uri = format!("sip:bob@{address}");
    let (code, lines) = run(&["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "60", "--json"]);
    assert_eq!(code, Some(0), "the other party hung up: {lines:?}");
    assert!(find(&lines, "call_ended")["reason"].as_str().is_some_and(|reason| reason.contains("hung up")));
    assert_eq!(bob.wait("finished")["exit_code"], 0);
    assert_eq!(bob.end(), Some(0));
}

#[test]
fn signalling_only_answers_without_rtp() {
    let (mut bob, address) = answer(&["--media", "off"]);
    let uri = format!("sip:bob@{address}");
    let (code, lines) = run(&["call", &uri, "--listen", "udp:127.0.0.1:0", "--duration", "0.2", "--json"]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(!names(&lines).contains(&"media_flowing"), "{lines:?}");
    bob.wait("call_ended");
    assert_eq!(bob.stop(), Some(0));
}

#[test]
fn a_recording_that_cannot_be_is_told_before_anybody_is_called() {
    let (bob, address) = answer(&[]);
    let uri = format!("sip:bob@{address}");
    let words = ["call", &uri, "--listen", "udp:127.0.0.1:0", "--json", "--record", "/absent/call.wav"];
    let (code, lines) = run(&words);
    assert_eq!(code, Some(3), "{lines:?}");
    assert!(names(&lines).iter().all(|name| *name != "calling" && *name != "established"), "{lines:?}");
    assert_eq!(bob.stop(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn digits_are_dialled_when_the_recording_is_refused() {
    let file = std::env::temp_dir().join(format!("patchcord-call-{}.wav", std::process::id()));
    // It can be recorded to a file here when the call is placed, and not any more when it is answered.
    let (mut bob, address) = answer(&["--after", "1"]);
    let uri = format!("sip:bob@{address}");
    let name = file.to_str().expect("UTF-8");
    let mut alice = Running::start(&[
        "call",
        &uri,
        "--listen",
        "udp:127.0.0.1:0",
        "--duration",
        "1",
        "--json",
        "--record",
        name,
        "--dtmf",
        "5",
    ]);
    bob.wait("incoming_call");
    std::fs::create_dir(&file).expect("the name is free");
    bob.wait("digit");
    assert_eq!(alice.end(), Some(3));
    std::fs::remove_dir(&file).expect("still empty");
    assert_eq!(bob.stop(), Some(0));
}
