//! The table of verdicts: `name section verdict`, and below it, indented, `key: value` for what is read.
//!
//! - `reads`: the message is read, passes `check`, and so does each header that has a type.
//! - `parse refuses Kind Code`: there is no message. `check refuses ..`: there is one, and it is answered so.
//! - `header refuses ..`: the message is fit to be handled, a header of it is not.
//!
//! `why` says in our words what the message is about. `mend` corrects what the RFC has wrong; without it the verdict must
//! be another. A row with `owed` does not hold yet: the test prints it, and fails as soon as it holds.

/// A message's row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) section: &'static str,
    pub(crate) verdict: &'static str,
    /// What is asked of the message, and what it answers.
    pub(crate) facts: Vec<(&'static str, &'static str)>,
    /// Text of the message, and what takes its place: for an error of the RFC's own.
    pub(crate) mend: Option<(&'static str, &'static str)>,
    pub(crate) owed: Option<&'static str>,
}

pub(crate) fn rows(table: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => {
                let mut words = line.splitn(3, ' ');
                let mut word = || words.next().expect("name, section and verdict");
                let (name, section, verdict) = (word(), word(), word());
                rows.push(Row { name, section, verdict, facts: Vec::new(), mend: None, owed: None });
            }
            Some(fact) => {
                let row = rows.last_mut().expect("a fact stands below a name");
                match fact.split_once(": ").expect("a fact has a key and a value") {
                    ("why", _) => {}
                    ("owed", what) => row.owed = Some(what),
                    ("mend", texts) => row.mend = texts.split_once(" => "),
                    fact => row.facts.push(fact),
                }
            }
        }
    }
    rows
}
