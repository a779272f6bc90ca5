//! Descriptions of any content as offer and as answer: no panic, and what is parsed prints to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::{LocalMedia, Negotiation, SessionDescription};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(description) = SessionDescription::parse(bytes) {
        let printed = description.to_string();
        // The lossy reading of bytes that are not UTF-8 can make a line longer than it was.
        if printed.len() <= bytes.len() {
            assert_eq!(SessionDescription::parse(printed.as_bytes()), Ok(description));
        }
    }
    let mut ours = Negotiation::new(LocalMedia::new([192, 0, 2, 1].into(), 4_000, 1));
    if ours.offered(bytes).is_ok() {
        let answer = ours.answer();
        assert!(SessionDescription::parse(&answer).is_ok());
        ours.desire(true);
        let offer = ours.offer();
        assert!(SessionDescription::parse(&offer).is_ok());
        let answered = ours.answered(bytes).is_ok();
        assert!(answered || ours.offer_pending());
    }
});
