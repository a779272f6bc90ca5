//! What a message says, in the words of the table.

use core::fmt::Display;
use core::fmt::Write as _;

use sip_message::header::{self, Form};
use sip_message::{HeaderId, Message, NameAddr, Params, ParseError, StartLine, Via};

/// What is asked of every message that is read.
pub(crate) const ALWAYS: [&str; 6] = ["start", "from", "to", "call-id", "cseq", "counts"];

pub(crate) fn verdict(parsed: &Result<Message, ParseError>) -> String {
    let message = match parsed {
        Ok(message) => message,
        Err(error) => return refusal("parse", *error),
    };
    match message.check().map_err(|error| refusal("check", error)).and_then(|()| typed(message)) {
        Ok(()) => "reads".into(),
        Err(refused) => refused,
    }
}

/// Reads every header that has a type.
fn typed(message: &Message) -> Result<(), String> {
    message.contacts().map_err(|error| refusal("header", error))?;
    for row in header::rows() {
        let values: Vec<&str> = match row.form {
            Form::List => message.items(row.id).collect(),
            Form::Single | Form::Lines => message.all(row.id).collect(),
        };
        for value in values {
            (row.reprint)(value).map_err(|error| format!("{} in {}", refusal("header", error), row.id))?;
        }
    }
    Ok(())
}

fn refusal(by: &str, error: ParseError) -> String {
    let header = error.header().map(|id| format!(" in {id}")).unwrap_or_default();
    format!("{by} refuses {:?} {}{header}", error.kind(), error.status())
}

/// The answer to one key of the table; an error reads as its kind.
pub(crate) fn fact(message: &Message, key: &str) -> String {
    let (what, which) = key.split_once(' ').unwrap_or((key, ""));
    let number = || which.parse::<usize>().expect("the key ends in a number") - 1;
    match what {
        "start" => match message.start_line() {
            StartLine::Request { method, uri } => format!("{method} {uri}"),
            StartLine::Status { code, reason } => format!("{code} {reason:?}"),
        },
        "target" => said(message.request_target().map(|uri| {
            let user = uri.user().map(|user| format!(" user {user}")).unwrap_or_default();
            let host =
                if uri.is_sip() { format!(" at {}", place(&uri.host(), uri.port())) } else { String::new() };
            format!("{:?}{user}{host}", uri.scheme())
        })),
        "from" => said(message.from().map(address)),
        "to" => said(message.to().map(address)),
        "call-id" => said(message.call_id()),
        "cseq" => said(message.cseq()),
        "counts" => format!(
            "vias {}, contacts {}, max-forwards {}, body {}",
            message.vias().count(),
            message.contact_count(),
            said(message.max_forwards().map(|hops| hops.map_or("-".into(), |hops| hops.to_string()))),
            message.body().len()
        ),
        "octets" => message.bytes().len().to_string(),
        "via" => said(Via::parse(message.vias().nth(number()).expect(key)).map(via)),
        "contact" => said(message.contacts().map(|contacts| address(contacts[number()]))),
        "items" => message.items(HeaderId::of(which).expect(key)).count().to_string(),
        "header" => match HeaderId::of(which) {
            Some(id) => format!("{:?}", message.first(id).expect(key)),
            None => format!("{:?}", String::from_utf8_lossy(message.extension(which).next().expect(key))),
        },
        "cookie" => said(message.top_via().map(|via| if via.has_magic_cookie() { "yes" } else { "no" })),
        _ => panic!("nobody knows how to ask for {key}"),
    }
}

fn said(value: Result<impl Display, ParseError>) -> String {
    value.map_or_else(|error| format!("{:?}", error.kind()), |value| value.to_string())
}

fn address(address: NameAddr<'_>) -> String {
    let display = address.display_name().map(|name| format!("{name:?} ")).unwrap_or_default();
    format!("{display}<{}>{}", address.uri, params(address.params))
}

fn via(via: Via<'_>) -> String {
    let received = via.received().map(|address| format!(" from {address}")).unwrap_or_default();
    format!("{} {}{}{received}", via.transport, place(&via.host, via.port), params(via.params))
}

fn place(host: &dyn Display, port: Option<u16>) -> String {
    port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

/// The parameters without the blanks that may stand around `;` and `=`.
fn params(params: Params<'_>) -> String {
    let mut text = String::new();
    for (name, value) in params.iter() {
        // Writing to a String cannot fail.
        let _ = match value {
            Some(value) => write!(text, ";{name}={value}"),
            None => write!(text, ";{name}"),
        };
    }
    text
}
