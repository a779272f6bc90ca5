//! `patchcord parse`: raw SIP messages as JSON.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use session_core::message::{Limits, Message, StartLine};

use crate::args::ParseArgs;
use crate::exit::Exit;

/// One line of output.
#[derive(Debug, Serialize)]
struct Parsed {
    file: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(flatten)]
    head: Option<Head>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<(String, String)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_len: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Head {
    Request { method: String, uri: String },
    Response { status: u16, reason: String },
}

/// Parses each file in turn; the worst result is the exit code.
pub(crate) fn run(args: &ParseArgs) -> Exit {
    let mut exit = Exit::Done;
    let mut stdout = io::stdout().lock();
    for file in &args.files {
        let name = file.display().to_string();
        let (line, result) = match read(file) {
            Ok(bytes) => {
                let (line, ok) = json_line(&name, bytes);
                (line, if ok { Exit::Done } else { Exit::Failed })
            }
            Err(error) => (to_json(&failed(&name, format!("cannot be read: {error}"))), Exit::Environment),
        };
        if result.code() > exit.code() {
            exit = result;
        }
        if let Err(error) = writeln!(stdout, "{line}") {
            tracing::warn!(%error, "stdout cannot be written");
            return Exit::Environment;
        }
    }
    exit
}

/// Reads a file, at most one byte more than a message may have: the parser refuses that.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(Limits::MESSAGE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One message as one JSON line, and whether it is a well-formed message; `file` is the name that is told.
///
/// The fields are those of `patchcord parse` (`docs/cli.md`).
pub fn json_line(file: &str, bytes: Vec<u8>) -> (String, bool) {
    let parsed = message(file, bytes);
    (to_json(&parsed), parsed.ok)
}

fn to_json(parsed: &Parsed) -> String {
    // invariant: strings, numbers and booleans always have a JSON form.
    serde_json::to_string(parsed).expect("invariant: a parsed message serialises")
}

fn message(file: &str, bytes: Vec<u8>) -> Parsed {
    let message = match Message::parse(bytes.into()) {
        Ok(message) => message,
        Err(error) => return failed(file, error.to_string()),
    };
    let head = match message.start_line() {
        StartLine::Request { method, uri } => {
            Head::Request { method: method.to_string(), uri: uri.to_owned() }
        }
        StartLine::Status { code, reason } => {
            Head::Response { status: code.as_u16(), reason: reason.to_owned() }
        }
    };
    let headers =
        message.canonical_headers().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    // What can be read is told, even where it is not all that a message must have.
    let checked = message.check();
    Parsed {
        file: file.to_owned(),
        ok: checked.is_ok(),
        why: checked.err().map(|error| error.to_string()),
        head: Some(head),
        headers: Some(headers),
        body_len: Some(message.body().len()),
    }
}

fn failed(file: &str, why: String) -> Parsed {
    Parsed { file: file.to_owned(), ok: false, why: Some(why), head: None, headers: None, body_len: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::json_line;

    proptest! {
        #[test]
        fn whatever_the_bytes_the_line_is_one_json_object_that_says_whether_it_is_ok(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let (line, ok) = json_line("x", bytes);
            prop_assert!(!line.contains('\n'));
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            prop_assert_eq!(&value["ok"], &serde_json::Value::Bool(ok));
            prop_assert_eq!(value.get("why").is_none(), ok);
        }

        #[test]
        fn header_lines_are_told_in_order_with_their_values(
            values in proptest::collection::vec("[a-zA-Z0-9 ]{0,20}", 0..20),
        ) {
            let mut text = String::from(
                "OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKa\r\n\
                 f: <sip:b@h>;tag=1\r\nt: <sip:a@h>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n",
            );
            text.extend(values.iter().flat_map(|value| ["X-Own: ", value, "\r\n"]));
            text.push_str("\r\n");
            let (line, ok) = json_line("x", text.into_bytes());
            prop_assert!(ok, "{}", line);
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            let headers = value["headers"].as_array().expect("a list");
            prop_assert_eq!(&headers[1][0], "from");
            let own: Vec<&str> = headers[6..].iter().map(|header| header[1].as_str().expect("text")).collect();
            let want: Vec<&str> = values.iter().map(|value| value.trim()).collect();
            prop_assert_eq!(own, want);
        }
    }
}
