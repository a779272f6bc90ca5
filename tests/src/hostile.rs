//! Messages of 64 KiB that are made to be slow to read: one short text again and again, in every typed header and in the
//! Request-URI, behind the beginning of an honest value. The bench counts the instructions that each kind costs, so that
//! work that is not linear in the length shows as a number.

use bytes::Bytes;
use sip_message::{
    HeaderId, Limits, List, Message, ParseError,
    header::{self, Form},
};

/// The text that is repeated, by the name of its case. A fold has so many blanks that no header has more folds than it may.
pub const UNITS: [(&str, &str); 14] = [
    ("hostile-backslashes", "\\"),
    ("hostile-blanks", " "),
    ("hostile-brackets", "<"),
    ("hostile-commas", ","),
    ("hostile-comments", "("),
    ("hostile-equals", "="),
    ("hostile-escapes", "%"),
    ("hostile-folds", "\r\n          "),
    ("hostile-items", ",a"),
    ("hostile-lines", "\r\na:"),
    ("hostile-parameters", ";a=b"),
    ("hostile-quotes", "\""),
    ("hostile-semicolons", ";"),
    ("hostile-words", "reason="),
];

/// What stands before the repeated text, so that it meets every part of the grammars.
const BEGINNINGS: [&str; 6] = ["", "<sip:a@h", "<sip:a@h>;a=", "a;b=\"", "1 (", "SIP/2.0/UDP h;a="];

/// How many messages [`messages`] makes of one unit.
pub const MESSAGES: usize = BEGINNINGS.len();

/// One message for each beginning, each as long as the limit and with every typed header in it.
pub fn messages(unit: &str) -> Vec<Bytes> {
    let rows = header::rows();
    let share = Limits::MESSAGE / (rows.len() + 1) - "\r\nAuthentication-Info: x".len();
    let message = |beginning: &str| {
        let filled = |unit: &str| unit.repeat((share - beginning.len()) / unit.len().max(1));
        let visible: String = unit.chars().filter(|character| !character.is_whitespace()).collect();
        let mut text = format!("OPTIONS sip:h{}x SIP/2.0", filled(&visible));
        // What is no number there ends the reading at the head.
        for row in rows.iter().filter(|row| row.id != HeaderId::ContentLength) {
            text.extend(["\r\n", row.id.name(), ": ", beginning, &filled(unit), "x"]);
        }
        text.push_str("\r\n\r\n");
        Bytes::from(text)
    };
    BEGINNINGS.map(message).into()
}

/// Reads a message and every typed value in it, and prints each; gives how many could be read.
///
/// # Errors
///
/// The head is refused; that too is an answer.
pub fn read(message: Bytes) -> Result<usize, ParseError> {
    let message = Message::parse(message)?;
    let target = usize::from(message.request_target().is_ok()) + usize::from(message.check().is_ok());
    let values = header::rows().iter().map(|row| {
        let read = |value: &&str| (row.reprint)(value).is_ok();
        message
            .all(row.id)
            .map(|value| match row.form {
                Form::List => List::new(value).take(Limits::LIST_ITEMS).filter(read).count(),
                Form::Single | Form::Lines => usize::from(read(&value)),
            })
            .sum::<usize>()
    });
    Ok(target + values.sum::<usize>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_too_many_lines_pass_the_head_and_are_nearly_as_long_as_the_limit() {
        for (name, unit) in UNITS {
            for message in messages(unit) {
                let length = message.len();
                assert!(length <= Limits::MESSAGE && length > Limits::MESSAGE * 9 / 10, "{name}: {length}");
                assert_eq!(read(message).is_ok(), name != "hostile-lines", "{name}");
            }
        }
    }
}
