//! A ladder diagram as text: lifelines, arrows between them, remarks beside them.

/// Columns before the first lifeline, where the time stands.
const TIME: usize = 12;
/// Columns from one lifeline to the next; three lifelines fit in a terminal of 100.
const SPACING: usize = 42;
/// Columns after the last lifeline.
const MARGIN: usize = 4;

/// Draws rows of a ladder with some lifelines.
#[derive(Debug, Clone, Copy)]
pub struct Lifelines {
    count: usize,
}

impl Lifelines {
    /// A ladder of so many lifelines; at least one.
    pub fn new(count: usize) -> Self {
        Self { count: count.max(1) }
    }

    /// The columns of a row.
    pub fn width(self) -> usize {
        self.line(self.count - 1) + MARGIN
    }

    /// A row of words, each over its lifeline, with what stands in the column of time.
    pub fn heading(self, time: &str, words: &[String]) -> String {
        let mut row = vec![' '; self.width()];
        for (place, word) in words.iter().enumerate().take(self.count) {
            let word = shortened(word, SPACING - 2);
            let from = (self.line(place) + 1).saturating_sub(word.chars().count().div_ceil(2));
            put(&mut row, from.min(self.width().saturating_sub(word.chars().count())), &word);
        }
        put(&mut row, 0, time);
        finish(row)
    }

    /// A row of lifelines alone.
    pub fn bare(self) -> String {
        finish(self.row(""))
    }

    /// An arrow from one lifeline to another, with its label.
    pub fn arrow(self, time: &str, from: usize, to: usize, label: &str) -> String {
        let mut row = self.row(time);
        let (left, right) = (self.line(from.min(to)) + 1, self.line(from.max(to)).saturating_sub(1));
        if left >= right {
            return self.remark(time, from, label);
        }
        for cell in row.iter_mut().take(right + 1).skip(left) {
            *cell = '-';
        }
        put(&mut row, if from < to { right } else { left }, if from < to { ">" } else { "<" });
        let label = format!(" {} ", shortened(label, right - left - 4));
        put(&mut row, left + (right - left + 1 - label.chars().count()) / 2, &label);
        finish(row)
    }

    /// A remark beside a lifeline, on the side where there is room.
    pub fn remark(self, time: &str, place: usize, words: &str) -> String {
        let mut row = self.row(time);
        let words = shortened(words, SPACING - 3);
        put(&mut row, self.line(place), "*");
        let is_last = place + 1 == self.count && place > 0;
        let from = self.line(place);
        put(&mut row, if is_last { from - 1 - words.chars().count() } else { from + 2 }, &words);
        finish(row)
    }

    fn row(self, time: &str) -> Vec<char> {
        let mut row = vec![' '; self.width()];
        for place in 0..self.count {
            put(&mut row, self.line(place), "|");
        }
        put(&mut row, 0, time);
        row
    }

    /// The column of a lifeline; beyond the last it is the last.
    fn line(self, place: usize) -> usize {
        TIME + place.min(self.count - 1) * SPACING
    }
}

fn finish(row: Vec<char>) -> String {
    row.into_iter().collect::<String>().trim_end().to_owned()
}

fn put(row: &mut [char], from: usize, text: &str) {
    for (cell, character) in row.iter_mut().skip(from).zip(text.chars()) {
        *cell = character;
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(2)).collect();
    short.push_str("..");
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_wider_than_the_ladder() {
        let long = "a label that is much longer than the space between two lifelines of a ladder is wide";
        let lines = Lifelines::new(2);
        let words = [long.to_owned(), long.to_owned()];
        for row in [
            lines.heading("ms", &words),
            lines.arrow("12", 0, 1, long),
            lines.arrow("12", 1, 0, long),
            lines.remark("12", 0, long),
            lines.remark("12", 1, long),
            lines.bare(),
        ] {
            assert!(row.chars().count() <= lines.width(), "{row}");
        }
    }

    #[test]
    fn an_arrow_to_itself_or_beyond_the_last_lifeline_is_a_remark() {
        let lines = Lifelines::new(1);
        assert_eq!(lines.arrow("", 0, 0, "REFER"), lines.remark("", 0, "REFER"));
        assert_eq!(lines.arrow("", 0, 7, "REFER"), lines.remark("", 0, "REFER"));
    }
}
