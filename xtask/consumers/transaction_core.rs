//! Takes `transaction_core` and nothing else of this repository.

use transaction_core as _;

fn main() {}
