//! The torture messages of RFC 4475 and RFC 5118, each against its row of a table.
//!
//! The octets come from the archives in the RFCs, which `cargo xtask setup` gets where it can. Messages of our own with the
//! same traps are here in any case.

mod archive;
mod facts;
mod table;

use bytes::Bytes;
use sip_message::{Message, ParseError};

use table::Row;

const RFC_4475: &str = include_str!("rfc4475.txt");
const RFC_5118: &str = include_str!("rfc5118.txt");

/// What our own messages are changes of.
const BASE: &str = "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK-1\r\n\
    From: <sip:alice@192.0.2.7>;tag=a1\r\n\
    To: <sip:bob@192.0.2.4>\r\n\
    Call-ID: 77@192.0.2.7\r\n\
    CSeq: 2 INVITE\r\n\
    Max-Forwards: 70\r\n\
    Contact: <sip:alice@192.0.2.7>\r\n\
    Content-Length: 0\r\n\r\n";

#[test]
fn the_messages_of_rfc_4475_give_what_the_table_says() {
    // `test` is in the archive but not in the RFC: it lacks a version and has a line without a colon.
    judge(4475, RFC_4475, 49, &["test"]);
}

#[test]
fn the_messages_of_rfc_5118_give_what_the_table_says() {
    judge(5118, RFC_5118, 12, &[]);
}

#[test]
fn our_own_messages_have_the_same_traps_and_give_what_their_table_says() {
    let ours = table::rows(include_str!("ours.txt"));
    for (rfc, table) in [("4475", RFC_4475), ("5118", RFC_5118)] {
        for row in table::rows(table) {
            let same = |our: &Row| our.name == row.name && our.section == rfc;
            assert!(ours.iter().any(same), "no message of our own for {} of RFC {rfc}", row.name);
        }
    }
    settle(ours.iter().map(|row| (row, row.changed(BASE).into())));
}

#[test]
fn what_is_read_departs_from_the_grammar_as_the_table_says() {
    let rows = table::rows(include_str!("grammar.txt"));
    settle(rows.iter().map(|row| (row, row.changed(BASE).into())));
}

fn judge(rfc: u32, table: &'static str, count: usize, beside: &[&str]) {
    let rows = table::rows(table);
    assert_eq!(rows.len(), count, "RFC {rfc} has {count} messages, and each has a row");
    for row in rows.iter().filter(|row| row.verdict == "reads") {
        let asked = |key: &str| row.facts.iter().any(|(asked, _)| *asked == key);
        assert!(facts::ALWAYS.into_iter().all(asked), "{} does not say all that was read", row.name);
    }
    let Some(text) = archive::text(rfc) else {
        eprintln!(
            "RFC {rfc} is not there: none of its {count} messages was read; `cargo xtask setup` gets it"
        );
        return;
    };
    let mut messages = archive::messages(&text);
    messages.retain(|name, _| !beside.contains(&name.as_str()));
    assert!(messages.keys().all(|name| rows.iter().any(|row| row.name == name)), "a message has no row");
    settle(rows.iter().map(|row| {
        let octets = messages.remove(row.name).expect(row.name);
        if row.changes.is_empty() {
            return (row, octets);
        }
        assert_ne!(
            facts::verdict(&Message::parse(octets.clone())),
            row.verdict,
            "{} needs no change",
            row.name
        );
        (row, row.changed(core::str::from_utf8(&octets).expect(row.name)).into())
    }));
}

/// Compares each message with its row, and fails with all that differ.
fn settle<'a>(messages: impl Iterator<Item = (&'a Row, Bytes)>) {
    let mut wrong = Vec::new();
    for (row, octets) in messages {
        let place = format!("{} ({})", row.name, row.section);
        match (differences(row, &Message::parse(octets)), row.owed) {
            (found, None) => wrong.extend(found.into_iter().map(|found| format!("{place}: {found}"))),
            (found, Some(_)) if found.is_empty() => wrong.push(format!("{place}: is owed no more")),
            (_, Some(what)) => eprintln!("{place}: owed: {what}"),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where the message does not give what its row says.
fn differences(row: &Row, parsed: &Result<Message, ParseError>) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |key: &str, wanted: &str, given: String| {
        if given != wanted {
            found.push(format!("{key}\n  wanted {wanted}\n  given  {given}"));
        }
    };
    compare("verdict", row.verdict, facts::verdict(parsed));
    if let Ok(message) = parsed {
        row.facts.iter().for_each(|(key, wanted)| compare(key, wanted, facts::fact(message, key)));
    }
    found
}
