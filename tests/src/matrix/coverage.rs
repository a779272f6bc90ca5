//! Which pairs of values cells hold.

use std::{collections::BTreeSet, fmt};

use super::{Cell, TABLES, Table};

/// The pairs that some cells hold, a table at a time.
#[derive(Debug, Default)]
pub struct Coverage {
    pairs: [BTreeSet<(usize, usize, usize, usize)>; TABLES.len()],
}

impl Coverage {
    /// Of these cells.
    pub fn of(cells: &[Cell]) -> Self {
        let mut coverage = Self::default();
        for cell in cells {
            for (one, first) in cell.picks.iter().enumerate() {
                for (other, second) in cell.picks.iter().enumerate().skip(one + 1) {
                    coverage.pairs[cell.table].insert((one, *first, other, *second));
                }
            }
        }
        coverage
    }

    /// How many pairs of a table are held, and how many there are.
    pub fn pairs(&self, table: usize) -> (usize, usize) {
        (self.pairs[table].len(), all_pairs(&TABLES[table]))
    }
}

fn all_pairs(table: &Table) -> usize {
    let sizes: Vec<usize> = table.axes.iter().map(|axis| axis.values.len()).collect();
    let pairs = |at: usize| sizes[at] * sizes[at + 1..].iter().sum::<usize>();
    (0..sizes.len()).map(pairs).sum()
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, table) in TABLES.iter().enumerate() {
            let (held, all) = self.pairs(number);
            let axes: Vec<String> =
                table.axes.iter().map(|axis| format!("{} {}", axis.values.len(), axis.name)).collect();
            writeln!(f, "{}: {held} of {all} pairs of {}", table.name, axes.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_cells_hold_every_pair_of_values() {
        let cells: Vec<Cell> = (0..5000).map(Cell::new).collect();
        let coverage = Coverage::of(&cells);
        for (number, table) in TABLES.iter().enumerate() {
            let (held, all) = coverage.pairs(number);
            assert_eq!(held, all, "{}\n{coverage}", table.name);
        }
    }
}
