//! Takes `media_core` and nothing else of this repository.

use media_core as _;

fn main() {}
