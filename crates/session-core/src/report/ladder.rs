//! A report's messages as a ladder: as text, and as a Mermaid diagram.

use std::fmt::Write as _;

use super::{Lifelines, Passed, Step, TransferReport};

/// Our own lifeline.
const US: usize = 0;

impl TransferReport {
    /// The messages and what happened here as a ladder for a terminal: we on the left, then the other parties. Times are
    /// milliseconds since the transfer began.
    pub fn ladder(&self) -> String {
        let lines = Lifelines::new(self.calls.len() + 1);
        let names: Vec<String> =
            std::iter::once("we".to_owned()).chain(self.calls.iter().map(|part| part.peer.clone())).collect();
        let mut text = format!("{}\n{}\n", lines.heading("      ms", &names), lines.bare());
        let (first, omitted, last) = self.steps.parts();
        let mut draw = |step: &Step| {
            let time = format!("{:>8}", step.at.as_millis());
            let row = match &step.what {
                Passed::Message { sent, label, times, .. } => {
                    let (from, to) = self.ends(step, *sent);
                    lines.arrow(&time, from, to, &repeated(label, *times))
                }
                Passed::Remark(words) => lines.remark(&time, self.party(step), words),
            };
            let _ = writeln!(text, "{row}");
        };
        first.iter().for_each(&mut draw);
        if omitted > 0 {
            let note = Passed::Remark(left_out(omitted));
            draw(&Step {
                at: last.front().map(|step| step.at).unwrap_or_default(),
                session: self.session,
                what: note,
            });
        }
        last.iter().for_each(&mut draw);
        text
    }

    /// The same as a Mermaid `sequenceDiagram`.
    pub fn mermaid(&self) -> String {
        let mut text = "sequenceDiagram\n    participant P0 as we\n".to_owned();
        // Writing to a String cannot fail.
        for (place, part) in self.calls.iter().enumerate() {
            let _ = writeln!(text, "    participant P{} as {}", place + 1, literal(&part.peer));
        }
        let (first, omitted, last) = self.steps.parts();
        let mut draw = |step: &Step| {
            let _ = match &step.what {
                Passed::Message { sent, label, times, .. } => {
                    let (from, to) = self.ends(step, *sent);
                    writeln!(text, "    P{from}->>P{to}: {}", literal(&repeated(label, *times)))
                }
                Passed::Remark(words) => {
                    writeln!(text, "    Note over P{}: {}", self.party(step), literal(words))
                }
            };
        };
        first.iter().for_each(&mut draw);
        if omitted > 0 {
            draw(&Step { at: self.took, session: self.session, what: Passed::Remark(left_out(omitted)) });
        }
        last.iter().for_each(&mut draw);
        text
    }

    /// The lifeline of a step's other party.
    fn party(&self, step: &Step) -> usize {
        self.calls.iter().position(|part| part.session == step.session).map_or(US, |place| place + 1)
    }

    fn ends(&self, step: &Step, sent: bool) -> (usize, usize) {
        let party = self.party(step);
        if sent { (US, party) } else { (party, US) }
    }
}

fn repeated(label: &str, times: u32) -> String {
    if times == 1 { label.to_owned() } else { format!("{label} ({times} times)") }
}

fn left_out(count: u32) -> String {
    format!("{count} further steps are left out")
}

/// A text that means nothing to Mermaid: what it may take for syntax is written as its code.
fn literal(text: &str) -> String {
    let mut literal = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || " .,:@/()-_=+'*".contains(character) {
            literal.push(character);
        } else {
            let _ = write!(literal, "#{};", u32::from(character));
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn what_is_syntax_to_mermaid_is_written_as_a_code() {
        assert_eq!(literal("sip:a@h;x=1 <b> #%%"), "sip:a@h#59;x=1 #60;b#62; #35;#37;#37;");
    }
}
