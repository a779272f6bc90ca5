//! Takes `session_core` and nothing else of this repository.

use session_core as _;

fn main() {}
