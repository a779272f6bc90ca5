//! The test matrix of call transfer: tables of axes, of which each number picks a cell that is a scenario.
//!
//! A table is the view of one role: the party under test has an engine, and whoever is to misbehave towards it is
//! scripted; in one table all have engines. A value of an axis is a piece of a scenario's text with what it does to the
//! outcome, so a new kind of transfer, result or misbehaviour is one value more in its axis ([`kinds`] for kinds).
//!
//! Each axis of a table turns in a period of its own, and no two have a divisor in common, so that any two axes meet in all
//! ways within the product of their periods. [`Coverage`] says which pairs of values some cells hold. What a cell comes to
//! follows from its values by the rules in `outcome.rs`, where it is known.

mod chaos;
mod coverage;
mod everybody;
pub mod kinds;
mod outcome;
mod refers;
mod results;
mod target;
mod transferee;
mod transferor;

use std::cmp::Reverse;

use crate::{
    check, crowd, ladder, play,
    scenario::{Scenario, ScenarioError},
    seed::Seed,
};

pub use coverage::Coverage;
use outcome::Target;
pub use outcome::{Outcome, Step, Then};

/// The tables, one a role.
pub const TABLES: [Table; 4] = [everybody::TABLE, transferor::TABLE, transferee::TABLE, target::TABLE];

/// The purpose of the draws that pick values where an axis has fewer than its period.
const PICK: u64 = 0x3a;

/// Lines of the trace that are shown of a cell that failed.
const TAIL: usize = 120;

/// The cells of one role.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Whose first transfer has the outcome that values speak of.
    pub whose: &'static str,
    /// The event by which it is told that it has begun.
    pub begins: &'static str,
    /// What becomes of the call of a target that is asked first.
    target: Target,
    /// What every cell has.
    pub base: &'static str,
    /// The axes.
    pub axes: &'static [Axis],
}

/// One axis.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// Its name.
    pub name: &'static str,
    /// Its values; the first is the plain one.
    pub values: &'static [Value],
}

/// One value of an axis.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// Its name.
    pub name: &'static str,
    /// What it does to the outcome.
    pub then: Then,
    /// Statements of a scenario. Those about parties are put first, in the order of their names.
    pub text: &'static str,
    /// Words in braces that it gives to the statements of all axes.
    pub words: &'static [(&'static str, &'static str)],
}

/// A value without words of its own.
const fn value(name: &'static str, then: Then, text: &'static str) -> Value {
    Value { name, then, text, words: &[] }
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its number, which is the seed of its run as well.
    pub number: u64,
    /// Its table's number.
    pub table: usize,
    /// By axis, the number of the value.
    pub picks: Vec<usize>,
}

/// A cell that broke an invariant.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which.
    pub cell: Cell,
    /// What it broke.
    pub broken: Vec<String>,
    /// The end of its trace.
    pub trace: String,
}

impl Cell {
    /// The cell of a number.
    pub fn new(number: u64) -> Self {
        let tables = TABLES.len() as u64;
        let table = (number % tables) as usize;
        // Two of five cells have at most two values that are not the usual ones, so that what they come to is known.
        let turn = number / tables;
        let (fives, of_five) = (turn / 5, turn % 5);
        let few = of_five >= 3;
        let round = if few { fives * 2 + of_five - 3 } else { fives * 3 + of_five };
        let mut seed = Seed::new(number, PICK);
        let axes = TABLES[table].axes;
        let pick = |(axis, period): (&Axis, u64)| {
            let values = axis.values.len() as u64;
            let turned = round % period;
            (if turned < values { turned } else { seed.draw() % values }) as usize
        };
        let mut picks: Vec<usize> = axes.iter().zip(periods(axes)).map(pick).collect();
        if few {
            let axes = picks.len() as u64;
            let kept = [round % axes, round / axes % axes].map(|axis| axis as usize);
            picks
                .iter_mut()
                .enumerate()
                .filter(|(axis, _)| !kept.contains(axis))
                .for_each(|(_, pick)| *pick = 0);
        }
        Self { number, table, picks }
    }

    /// Its values, with their axes.
    pub fn values(&self) -> impl Iterator<Item = (&'static Axis, &'static Value)> {
        let axes = TABLES[self.table].axes.iter();
        axes.zip(&self.picks).map(|(axis, pick)| (axis, &axis.values[*pick]))
    }

    /// What it is, in words.
    pub fn name(&self) -> String {
        let values: Vec<String> =
            self.values().map(|(axis, value)| format!("{} {}", axis.name, value.name)).collect();
        format!("{}: {}", TABLES[self.table].name, values.join(", "))
    }

    /// What it comes to, by the rules of the tables.
    pub fn outcome(&self) -> Outcome {
        let asks = self.values().any(|(_, value)| value.words.contains(&kinds::ASKS));
        let target = if asks { TABLES[self.table].target } else { Target::Unasked };
        outcome::outcome(self.values().map(|(_, value)| value.then), target)
    }

    /// The text of its scenario.
    pub fn text(&self) -> String {
        let table = &TABLES[self.table];
        let mut all = table.base.to_owned();
        for (_, value) in self.values() {
            all.push('\n');
            all.push_str(value.text);
        }
        for (word, meaning) in self.values().flat_map(|(_, value)| value.words) {
            all = all.replace(&format!("{{{word}}}"), meaning);
        }
        let (mut parties, rest): (Vec<&str>, Vec<&str>) =
            all.lines().partition(|line| line.starts_with("party "));
        parties.sort_unstable();
        let text = format!("title {}\n{}\n{}\n", self.name(), parties.join("\n"), rest.join("\n"));
        let whose = table.whose;
        match self.outcome() {
            Outcome::OneOf(outcomes) => {
                let outcomes: Vec<&str> = outcomes.into_iter().collect();
                format!("{text}expect {whose} outcome {} *\n", outcomes.join("|"))
            }
            Outcome::Nothing => format!("{text}expect {whose} event {} 0\n", table.begins),
            Outcome::Unknown => text,
        }
    }

    /// Its scenario.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text of a value.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Scenario::parse(&self.text())
    }

    /// Plays it and judges.
    ///
    /// # Errors
    ///
    /// What it broke.
    pub fn run(&self) -> Result<(), Box<Failure>> {
        let scenario = match self.scenario() {
            Ok(scenario) => scenario,
            Err(error) => return Err(Box::new(self.failure(vec![error.to_string()], self.text()))),
        };
        let played = play::play(&scenario, self.number);
        let mut broken = check::broken(&played);
        broken.extend(played.unexpected.iter().cloned());
        if broken.is_empty() {
            return Ok(());
        }
        Err(Box::new(self.failure(broken, ladder::tail(&played.journal, &played.names, TAIL))))
    }

    fn failure(&self, broken: Vec<String>, trace: String) -> Failure {
        Failure { cell: self.clone(), broken, trace }
    }
}

/// In how many rounds each axis turns: no two have a divisor in common, and the largest are as small as can be.
fn periods(axes: &[Axis]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_by_key(|axis| Reverse(axes[*axis].values.len()));
    let mut periods = vec![1; axes.len()];
    for (rank, axis) in order.into_iter().enumerate() {
        // The first one is a prime, which leaves the others their divisors.
        let fits = |it: &u64| match rank {
            0 => (2..*it).all(|divisor| !it.is_multiple_of(divisor)),
            _ => periods.iter().all(|other| is_coprime(*it, *other)),
        };
        let values = axes[axis].values.len().max(2) as u64;
        // There is always a prime below the double of a number (Bertrand), and so a free one below this many doublings.
        periods[axis] = (values..values << axes.len()).find(fits).unwrap_or(values);
    }
    periods
}

fn is_coprime(one: u64, other: u64) -> bool {
    if other == 0 { one == 1 } else { is_coprime(other, one % other) }
}

/// Runs cells on all processors; the failures, in the order of their numbers.
pub fn run(cells: &[Cell]) -> Vec<Failure> {
    let mut failures = Vec::new();
    crowd::each(cells, Cell::run, |_, result| failures.extend(result.err().map(|failure| *failure)));
    failures.sort_by_key(|failure| failure.cell.number);
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_piece_of_a_scenario() {
        for number in 0..5000 {
            let cell = Cell::new(number);
            if let Err(error) = cell.scenario() {
                panic!("{error}\n{}", cell.text());
            }
            assert!(!cell.text().contains('{'), "a word without meaning\n{}", cell.text());
        }
    }

    #[test]
    fn a_number_is_one_cell() {
        assert_eq!(Cell::new(4711).text(), Cell::new(4711).text());
        assert_ne!(Cell::new(4711).text(), Cell::new(4715).text());
    }
}
