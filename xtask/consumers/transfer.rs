//! Takes `transfer` and nothing else of this repository.

use transfer::{TransferPolicy, Transfers};

fn main() {
    let transfers = Transfers::new(TransferPolicy::default());
    assert!(!transfers.policy().permits([10, 0, 0, 1].into()));
}
