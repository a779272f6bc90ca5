//! Takes `sip_transport` and nothing else of this repository.

use sip_transport::{Config, Transports};

fn main() {
    let transports = Transports::new(Config::default());
    assert!(transports.is_idle());
}
