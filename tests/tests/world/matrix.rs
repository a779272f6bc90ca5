//! Some cells of the test matrix; `cargo xtask sim` takes more.

use patchcord_tests::matrix::{self, Cell, Outcome};

/// Whole turns of the small axes.
const CELLS: u64 = 400;

#[test]
fn cells_of_the_matrix_keep_the_invariants_and_come_to_what_their_values_say() {
    let cells: Vec<Cell> = (0..CELLS).map(Cell::new).collect();
    let failures = matrix::run(&cells);
    for failure in &failures {
        println!("{}\n{:#?}\n{}", failure.cell.name(), failure.broken, failure.trace);
    }
    assert!(failures.is_empty());
}

#[test]
fn a_good_share_of_cells_has_a_known_outcome() {
    let known = (0..5000).map(Cell::new).filter(|cell| cell.outcome() != Outcome::Unknown).count();
    assert!(known > 1000, "{known} of 5000");
}
