//! Takes `transfer` and nothing else of this repository.

use transfer as _;

fn main() {}
