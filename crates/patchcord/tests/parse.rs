//! `patchcord parse`, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn message(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages").join(name)
}

fn parse(files: &[PathBuf]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchcord"))
        .arg("parse")
        .args(files)
        .arg("--json")
        .output()
        .expect("the binary runs")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn a_request_is_told_with_canonical_names_and_unfolded_values() {
    let file = message("invite.sip");
    let output = parse(std::slice::from_ref(&file));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        lines(&output),
        [json!({
            "file": file.to_str(),
            "ok": true,
            "kind": "request",
            "method": "INVITE",
            "uri": "sip:bob@192.0.2.2",
            "headers": [
                ["via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-one, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-two"],
                ["via", "SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK-three"],
                ["max-forwards", "70"],
                ["from", "\"Alice\" <sip:alice@example.org>;tag=a1"],
                ["to", "<sip:bob@192.0.2.2>"],
                ["call-id", "one@192.0.2.1"],
                ["cseq", "1 INVITE"],
                ["subject", "a call that is folded"],
                ["x-odd-name", "value  with  blanks"],
                ["contact", "<sip:alice@192.0.2.1>"],
                ["content-type", "text/plain"],
                ["content-length", "5"],
            ],
            "body_len": 5,
        })]
    );
}

#[test]
fn a_response_has_status_and_reason() {
    let output = parse(&[message("busy.sip")]);
    assert_eq!(output.status.code(), Some(0));
    let line = &lines(&output)[0];
    assert_eq!(
        (&line["kind"], &line["status"], &line["reason"]),
        (&json!("response"), &json!(486), &json!("Busy Here"))
    );
    assert_eq!((&line["method"], &line["uri"], &line["why"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&line["headers"][5], &line["body_len"]), (&json!(["content-length", "0"]), &json!(0)));
}

#[test]
fn each_file_has_its_line_and_the_worst_is_the_exit_code() {
    let output =
        parse(&[message("noise.sip"), message("busy.sip"), message("empty.sip"), message("no-call-id.sip")]);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let ok: Vec<&Value> = lines.iter().map(|line| &line["ok"]).collect();
    assert_eq!(ok, [&json!(false), &json!(true), &json!(false), &json!(false)]);
    for line in lines.iter().filter(|line| line["ok"] == json!(false)) {
        assert!(line["why"].as_str().is_some_and(|why| !why.is_empty()), "{line}");
    }
    let incomplete = &lines[3];
    assert!(incomplete["why"].as_str().is_some_and(|why| why.contains("Call-ID")), "{incomplete}");
    assert_eq!(incomplete["method"], json!("OPTIONS"), "what can be read is told");
}

#[test]
fn a_file_that_cannot_be_read_is_the_environments_fault() {
    let output = parse(&[message("absent.sip"), message("busy.sip")]);
    assert_eq!(output.status.code(), Some(3));
    let lines = lines(&output);
    assert_eq!(lines.len(), 2);
    assert!(lines[0]["why"].as_str().is_some_and(|why| why.starts_with("cannot be read")), "{}", lines[0]);
}
