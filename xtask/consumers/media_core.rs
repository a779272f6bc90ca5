//! Takes `media_core` and nothing else of this repository.

use media_core::{LocalMedia, Negotiation};

fn main() {
    let mut negotiation = Negotiation::new(LocalMedia::new([192, 0, 2, 1].into(), 4000, 1));
    assert!(negotiation.offer().starts_with(b"v=0\r\n"));
}
