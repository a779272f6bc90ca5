//! What the crate reads from the wire and what it writes to it.

#![expect(clippy::unwrap_used, reason = "an unwrap that fails is a test that fails")]

mod addresses;
mod answering;
mod authentication;
mod blocks;
mod building;
mod callers;
mod edits;
mod framing;
mod generated;
mod headers;
mod limits;
mod measured;
#[path = "../messages/mod.rs"]
mod messages;
mod multipart;
mod mutations;
mod negotiation;
mod properties;
mod reading;
mod refer_to;
mod replaces;
mod rfc5589;
mod sipfrag;
mod slow;
mod subscription;
mod times;
mod torture;
mod uris;
mod values;
mod vectors;

use bytes::Bytes;
use sip_message::{Message, ParseError};

/// Parses text in which every line ends with LF as if it ended with CRLF.
fn message(text: &str) -> Message {
    try_message(text).expect("the message is well-formed")
}

fn try_message(text: &str) -> Result<Message, ParseError> {
    Message::parse(Bytes::from(text.replace('\n', "\r\n")))
}

/// A request with the mandatory headers, the given lines and no body.
fn request_with(method: &str, lines: &str) -> Message {
    message(&request_text(method, lines))
}

fn request_text(method: &str, lines: &str) -> String {
    format!(
        "{method} sip:bob@192.0.2.4 SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\n\
         From: <sip:alice@192.0.2.7>;tag=a1\n\
         To: <sip:bob@192.0.2.4>\n\
         Call-ID: 77@192.0.2.7\n\
         CSeq: 2 {method}\n\
         Max-Forwards: 70\n\
         {lines}Content-Length: 0\n\n"
    )
}

/// The bytes as text.
fn text(bytes: &Bytes) -> &str {
    core::str::from_utf8(bytes).expect("what is written is UTF-8")
}
