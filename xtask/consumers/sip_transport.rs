//! Takes `sip_transport` and nothing else of this repository.

use sip_transport as _;

fn main() {}
