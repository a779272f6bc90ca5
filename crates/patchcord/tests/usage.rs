//! Exit codes and texts of wrong usage and of an environment that does not allow it.

use std::net::UdpSocket;
use std::process::{Command, Output, Stdio};

fn patchcord(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchcord"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_wrong_value_ends_with_2_and_names_the_flag_and_what_is_allowed() {
    let output = patchcord(&["answer", "--max-calls", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = stderr(&output);
    assert!(text.contains("--max-calls") && text.contains("from 1 to 100000"), "{text}");
}

#[test]
fn no_verb_is_wrong_usage_and_help_is_none() {
    assert_eq!(patchcord(&[]).status.code(), Some(2));
    for words in [
        &["--help"][..],
        &["demo", "--help"],
        &["answer", "--help"],
        &["call", "--help"],
        &["transfer", "--help"],
        &["parse", "--help"],
    ] {
        let output = patchcord(words);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("Usage: patchcord"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 120, "{words:?}: {line}");
        }
    }
}

#[test]
fn what_needs_audio_does_not_go_without() {
    for flags in [["--record", "/nowhere/calls.wav"], ["--dtmf", "1"]] {
        let output = patchcord(&[&["answer", "--media", "off"][..], &flags].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("--media off"), "{}", stderr(&output));
    }
}

#[test]
fn a_port_in_use_is_the_environments_fault_in_one_line() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let listen = format!("udp:{}", taken.local_addr().expect("a bound socket has an address"));
    let output = patchcord(&["answer", "--listen", &listen]);
    assert_eq!(output.status.code(), Some(3));
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&listen["udp:".len()..]) && text.contains("in use"), "{text}");
}

#[test]
fn a_foreign_address_is_the_environments_fault() {
    let output = patchcord(&["answer", "--listen", "udp:192.0.2.1:5060"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn more_calls_than_descriptors_are_refused_at_the_start() {
    let output = patchcord(&["answer", "--listen", "udp:127.0.0.1:0", "--max-calls", "100000", "--for", "0"]);
    // A machine may allow a million descriptors; then there is nothing to refuse.
    match output.status.code() {
        Some(3) => assert!(stderr(&output).contains("descriptors"), "{}", stderr(&output)),
        code => assert_eq!(code, Some(0), "{}", stderr(&output)),
    }
}

#[test]
fn asking_without_a_terminal_is_wrong_usage() {
    let output = patchcord(&["answer", "--listen", "udp:127.0.0.1:0", "--refer", "ask"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--refer ask"), "{}", stderr(&output));
}

#[test]
fn a_recording_that_cannot_be_read_is_the_environments_fault() {
    let output = patchcord(&["answer", "--listen", "udp:127.0.0.1:0", "--play", "absent.wav"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("absent.wav"), "{}", stderr(&output));
}
