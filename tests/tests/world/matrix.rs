//! Some cells of the test matrix; `cargo xtask sim` takes more.

use patchcord_tests::matrix::{self, Cell};

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
fn most_kinds_and_results_have_cells_with_a_definite_outcome() {
    let definite = (0..5000).map(Cell::new).filter(|cell| cell.then() != matrix::Then::Anything).count();
    assert!(definite > 250, "{definite} of 5000");
}
