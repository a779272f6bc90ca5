//! The torture messages of RFC 4475 and RFC 5118, each against its row of a table.
//!
//! The octets come from the archives in the RFCs. `cargo xtask setup` gets those where it can; where it cannot, the
//! messages of `wire/torture.rs`, which have the same traps, are what is left.

mod archive;
mod facts;
mod table;

use sip_message::Message;

use table::Row;

#[test]
fn the_messages_of_rfc_4475_give_what_the_table_says() {
    // `test` is in the archive but not in the RFC: it lacks a version and has a line without a colon.
    judge(4475, include_str!("rfc4475.txt"), 49, &["test"]);
}

#[test]
fn the_messages_of_rfc_5118_give_what_the_table_says() {
    judge(5118, include_str!("rfc5118.txt"), 12, &[]);
}

fn judge(rfc: u32, table: &'static str, count: usize, beside: &[&str]) {
    let rows = table::rows(table);
    assert_eq!(rows.len(), count, "RFC {rfc} has {count} messages, and each has a row");
    let Some(text) = archive::text(rfc) else {
        eprintln!(
            "RFC {rfc} is not there: none of its {count} messages was read; `cargo xtask setup` gets it"
        );
        return;
    };
    let mut messages = archive::messages(&text);
    messages.retain(|name, _| !beside.contains(&name.as_str()));
    let mut wrong = Vec::new();
    for row in rows {
        let place = format!("RFC {rfc} §{} {}", row.section, row.name);
        let mut octets = messages.remove(row.name).expect(&place);
        if let Some((wrong, right)) = row.mend {
            assert_ne!(
                facts::verdict(&Message::parse(octets.clone())),
                row.verdict,
                "{place} needs no mending"
            );
            octets = core::str::from_utf8(&octets).expect(&place).replacen(wrong, right, 1).into();
        }
        let parsed = Message::parse(octets);
        match (differences(&row, &parsed), row.owed) {
            (found, None) => wrong.extend(found.into_iter().map(|found| format!("{place}: {found}"))),
            (found, Some(_)) if found.is_empty() => wrong.push(format!("{place}: is owed no more")),
            (_, Some(what)) => eprintln!("{place}: owed: {what}"),
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    assert_eq!(messages.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "these have no row");
}

/// Where the message does not give what its row says.
fn differences(row: &Row, parsed: &Result<Message, sip_message::ParseError>) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |key: &str, wanted: &str, given: String| {
        if given != wanted {
            found.push(format!("{key}\n  wanted {wanted}\n  given  {given}"));
        }
    };
    compare("verdict", row.verdict, facts::verdict(parsed));
    let Ok(message) = parsed else { return found };
    for (key, wanted) in &row.facts {
        compare(key, wanted, facts::fact(message, key));
    }
    let missing = facts::ALWAYS.iter().filter(|key| !row.facts.iter().any(|(asked, _)| asked == *key));
    if row.verdict == "reads" {
        missing.for_each(|key| compare(key, "", facts::fact(message, key)));
    }
    found
}
