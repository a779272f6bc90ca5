//! Takes `dialog_core` and nothing else of this repository.

use dialog_core as _;

fn main() {}
