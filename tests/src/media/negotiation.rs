//! Session descriptions: read, and agreed on.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use media_core::{LocalMedia, Negotiation, SessionDescription};

use super::Case;

#[path = "../../../benches/sdp/src/bodies.rs"]
mod bodies;

/// The body that `cargo xtask bench sdp` has for a telephone, 264 bytes.
pub(super) fn parse() -> Option<Case> {
    let body = bodies::BODIES.iter().find(|body| body.name.ends_with("telephone"))?;
    Some(Box::new(move || SessionDescription::parse(black_box(body.text.as_bytes())).map(black_box).is_ok()))
}

/// A call's first offer and its answer, by both sides: the offer written, read and answered, and the answer read.
pub(super) fn agree() -> Case {
    let side =
        |last: u8| LocalMedia::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), 40_000, u64::from(last));
    let (caller, called) = (side(1), side(2));
    Box::new(move || {
        let mut caller = Negotiation::new(black_box(&caller).clone());
        let mut called = Negotiation::new(black_box(&called).clone());
        let offer = caller.offer();
        if called.offered(&offer).is_err() {
            return false;
        }
        let answer = called.answer();
        caller.answered(&answer).is_ok() && caller.in_force().is_some() && called.in_force().is_some()
    })
}
