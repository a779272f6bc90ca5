//! Takes `transaction_core` and nothing else of this repository.

use transaction_core::{Config, Transactions};

fn main() {
    let transactions = Transactions::new(Config::default());
    assert!(transactions.is_empty());
}
