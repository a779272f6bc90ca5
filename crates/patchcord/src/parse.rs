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
        let (parsed, result) = match read(file) {
            Ok(bytes) => message(file, bytes),
            Err(error) => (failed(file, format!("cannot be read: {error}")), Exit::Environment),
        };
        if result.code() > exit.code() {
            exit = result;
        }
        // invariant: strings, numbers and booleans always have a JSON form.
        let line = serde_json::to_string(&parsed).expect("invariant: a parsed message serialises");
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

fn message(file: &Path, bytes: Vec<u8>) -> (Parsed, Exit) {
    let message = match Message::parse(bytes.into()) {
        Ok(message) => message,
        Err(error) => return (failed(file, error.to_string()), Exit::Failed),
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
    let exit = if checked.is_ok() { Exit::Done } else { Exit::Failed };
    let parsed = Parsed {
        file: file.display().to_string(),
        ok: checked.is_ok(),
        why: checked.err().map(|error| error.to_string()),
        head: Some(head),
        headers: Some(headers),
        body_len: Some(message.body().len()),
    };
    (parsed, exit)
}

fn failed(file: &Path, why: String) -> Parsed {
    Parsed {
        file: file.display().to_string(),
        ok: false,
        why: Some(why),
        head: None,
        headers: None,
        body_len: None,
    }
}
