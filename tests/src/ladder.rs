//! A journal as a text that people can read: one line for each message, event and command, with its time.

use std::fmt::Write as _;

use bytes::Bytes;
use session_core::{EventKind, SessionEvent, SessionId, TransferId};
use sip_message::{HeaderId, Message, StartLine};

use crate::journal::{Entry, Journal, What};

/// The whole ladder: messages as they are sent, events, commands.
pub fn ladder(journal: &Journal, names: &[String]) -> String {
    lines(&journal.entries, names)
}

/// The last `count` lines.
pub fn tail(journal: &Journal, names: &[String], count: usize) -> String {
    let text = ladder(journal, names);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Every byte of every message, with all times: what two runs of one seed have in common.
pub fn verbatim(journal: &Journal, names: &[String]) -> String {
    let mut text = String::new();
    for entry in &journal.entries {
        // Writing to a String cannot fail.
        let _ = match &entry.what {
            What::Sent { message, copies, .. } => {
                writeln!(
                    text,
                    "{:?} {} sent {copies} {}",
                    entry.at,
                    names[entry.node],
                    message.escape_ascii()
                )
            }
            What::Received { message, .. } => {
                writeln!(text, "{:?} {} received {}", entry.at, names[entry.node], message.escape_ascii())
            }
            What::Stream { connection, transport, with, news } => {
                let (name, with) = (&names[entry.node], &names[*with]);
                writeln!(text, "{:?} {name} {news} {transport}#{connection} {with}", entry.at)
            }
            What::Event(event) => writeln!(text, "{:?} {} {event:?}", entry.at, names[entry.node]),
            What::Asked(what) | What::Refused(what) => {
                writeln!(text, "{:?} {} {what}", entry.at, names[entry.node])
            }
        };
    }
    text
}

fn lines(entries: &[Entry], names: &[String]) -> String {
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut text = String::new();
    let mut numbers: Vec<Numbers> = names.iter().map(|_| Numbers::default()).collect();
    for entry in entries {
        let seconds = entry.at.as_secs_f64();
        let who = &names[entry.node];
        let line = match &entry.what {
            What::Sent { to, address, message, copies, .. } => {
                let to = to.map_or_else(|| address.to_string(), |to| names[to].clone());
                let fate = match copies {
                    0 => "  (lost)",
                    1 => "",
                    _ => "  (twice)",
                };
                format!("{who:width$} -> {to:width$}  {}{fate}", describe(message))
            }
            What::Received { .. } => continue,
            What::Stream { connection, transport, with, news } => {
                format!("{who:width$}    ~ {news} {transport}#{connection} with {}", names[*with])
            }
            What::Event(event) => match describe_event(event, &mut numbers[entry.node]) {
                Some(event) => format!("{who:width$}    * {event}"),
                None => continue,
            },
            What::Asked(what) => format!("{who:width$}    > {what}"),
            What::Refused(what) => format!("{who:width$}    ! {what}"),
        };
        let _ = writeln!(text, "{seconds:11.6} {}", line.trim_end());
    }
    text
}

/// A message in one line: start line, and of what it carries the words that matter in a transfer.
pub fn describe(bytes: &Bytes) -> String {
    let Ok(message) = Message::parse(bytes.clone()) else { return "not a message".to_owned() };
    let mut line = match message.start_line() {
        StartLine::Request { method, uri } => format!("{method} {uri}"),
        StartLine::Status { code, reason } => match message.cseq() {
            Ok(cseq) => format!("{} {reason} ({})", code.as_u16(), cseq.method),
            Err(_) => format!("{} {reason}", code.as_u16()),
        },
    };
    if let Ok(cseq) = message.cseq() {
        let _ = write!(line, " #{}", cseq.number);
    }
    for id in [
        HeaderId::ReferTo,
        HeaderId::ReferredBy,
        HeaderId::SubscriptionState,
        HeaderId::RetryAfter,
        HeaderId::Route,
    ] {
        if let Some(value) = message.first(id) {
            let _ = write!(line, "  {}: {}", id.name(), without_ids(value));
        }
    }
    // What is in them is drawn at random.
    for id in [HeaderId::Authorization, HeaderId::ProxyAuthorization, HeaderId::RSeq, HeaderId::RAck] {
        if message.has(id) {
            let _ = write!(line, "  {}", id.name());
        }
    }
    if message.has(HeaderId::Replaces) {
        line.push_str("  Replaces");
    }
    let body = String::from_utf8_lossy(message.body());
    if let Some(status) = body.strip_prefix("SIP/2.0 ") {
        let _ = write!(line, "  [{}]", status.trim_end());
    } else if body.starts_with("v=0") {
        let directions = ["sendonly", "recvonly", "inactive"];
        let direction = directions.into_iter().find(|direction| body.contains(&format!("a={direction}")));
        let _ = write!(line, "  [sdp {}]", direction.unwrap_or("sendrecv"));
    }
    line
}

/// A Refer-To without the ids of the call that its Replaces names: they are drawn at random, and what else is drawn is not
/// to change a golden trace.
fn without_ids(value: &str) -> String {
    const REPLACES: &str = "Replaces=";
    let Some(at) = value.find(REPLACES).map(|at| at + REPLACES.len()) else { return value.to_owned() };
    let rest = value[at..].find(['&', '>']).map_or("", |end| &value[at + end..]);
    format!("{}..{rest}", &value[..at])
}

/// Calls and transfers of one party, numbered as they appear: an engine mints its identifiers from one counter, and what
/// else it counts is not to change a golden trace.
#[derive(Default)]
struct Numbers {
    calls: Vec<SessionId>,
    transfers: Vec<TransferId>,
}

impl Numbers {
    fn call(&mut self, session: SessionId) -> String {
        format!("call#{}", number(&mut self.calls, session))
    }

    fn transfer(&mut self, transfer: TransferId) -> String {
        format!("transfer#{}", number(&mut self.transfers, transfer))
    }
}

fn number<I: PartialEq>(known: &mut Vec<I>, id: I) -> usize {
    let at = known.iter().position(|known| *known == id).unwrap_or_else(|| {
        known.push(id);
        known.len() - 1
    });
    at + 1
}

fn describe_event(event: &SessionEvent, numbers: &mut Numbers) -> Option<String> {
    // The state of media and the ends of connections follow from what is seen anyway. Figures of RTP would make a golden
    // trace depend on the last bit of a floating-point number.
    if matches!(
        event.name(),
        "media_quality"
            | "media_summary"
            | "media_monitored"
            | "media_state"
            | "connection_ended"
            | "message"
    ) {
        return None;
    }
    let mut line = event.name().to_owned();
    if let Some(session) = event.session {
        let _ = write!(line, " {}", numbers.call(session));
    }
    if let Some(transfer) = event.transfer {
        let _ = write!(line, " {}", numbers.transfer(transfer));
    }
    let peer = match &event.kind {
        EventKind::TransferConnected { to: other }
        | EventKind::MediaSwitched { to: other, .. }
        | EventKind::TransferConsulting { consultation: other }
        | EventKind::ConsultSwapped { active: other }
        | EventKind::ReplaceUnacknowledged { old: other } => Some(numbers.call(*other)),
        EventKind::Replaced { old, from, verified, .. } => {
            Some(format!("{} for {from} verified={verified}", numbers.call(*old)))
        }
        _ => event.peer(),
    };
    if let Some(peer) = peer {
        let _ = write!(line, " {peer}");
    }
    if let Some(code) = event.code() {
        let _ = write!(line, " {}", code.as_u16());
    }
    if let (Some(outcome), Some(learned_from)) = (event.outcome(), event.learned_from()) {
        let _ = write!(line, " {outcome} learned from {learned_from}");
    }
    if let Some(reason) = event.reason() {
        let _ = write!(line, ": {reason}");
    }
    if let EventKind::HoldChanged { local, remote } = &event.kind {
        let _ = write!(line, " local={local} remote={remote}");
    }
    Some(line)
}
