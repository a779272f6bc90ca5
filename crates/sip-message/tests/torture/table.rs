//! A table of verdicts: `name section verdict`, and below it, indented, `key: value` for what is read.
//!
//! - `reads`: the message is read, passes `check`, and so does each header that has a type.
//! - `parse refuses Kind Code`: there is no message. `check refuses ..`: there is one, and it is answered so.
//! - `header refuses ..`: the message is fit to be handled, a header of it is not.
//!
//! `why` says in our words what the message is about. `but: this => that` changes the message first; `\n` is a line end
//! there, [`SIGNS`] has the others. A row with `owed` does not hold yet: the test prints it, and fails as soon as it holds.

/// Octets that do not show in a table.
const SIGNS: [(&str, &str); 7] = [
    ("\\n", "\r\n"),
    ("\\l", "\n"),
    ("\\s", " "),
    ("\\t", "\t"),
    ("\\0", "\0"),
    ("\\x01", "\x01"),
    ("\\x7f", "\x7f"),
];

/// A message's row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The section that has the message; the RFC whose trap it is, for a message of our own.
    pub(crate) section: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) changes: Vec<(String, String)>,
    /// What is asked of the message, and what it answers.
    pub(crate) facts: Vec<(&'static str, &'static str)>,
    pub(crate) owed: Option<&'static str>,
}

impl Row {
    /// The message with the changes of the row.
    pub(crate) fn changed(&self, message: &str) -> String {
        self.changes.iter().fold(message.to_owned(), |message, (this, that)| {
            assert!(message.contains(this), "{}: there is no {this:?} to change", self.name);
            message.replacen(this, that, 1)
        })
    }
}

pub(crate) fn rows(table: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(fact) = line.strip_prefix("  ") {
            let row = rows.last_mut().expect("a fact stands below a name");
            match fact.split_once(": ").expect("a fact has a key and a value") {
                ("why", _) => {}
                ("but", change) => row.changes.push(change_of(change)),
                ("owed", what) => row.owed = Some(what),
                fact => row.facts.push(fact),
            }
        } else {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().expect("name, section and verdict");
            let (name, section, verdict) = (word(), word(), word());
            rows.push(Row { name, section, verdict, changes: Vec::new(), facts: Vec::new(), owed: None });
        }
    }
    rows
}

fn change_of(text: &str) -> (String, String) {
    let plain =
        |text: &str| SIGNS.iter().fold(text.to_owned(), |text, (sign, octets)| text.replace(sign, octets));
    let (this, that) = text.split_once(" =>").expect("a change says what becomes what");
    (plain(this), plain(that.strip_prefix(' ').unwrap_or(that)))
}
