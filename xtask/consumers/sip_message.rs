//! Takes `sip_message` and nothing else of this repository.

use sip_message as _;

fn main() {}
