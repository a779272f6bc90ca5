//! Files of any content as recordings: no panic, and never more than ten minutes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::wav::{MAX_WAV_SECONDS, parse_wav};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(wav) = parse_wav(bytes) {
        let most = (MAX_WAV_SECONDS + 1) * wav.rate().hz() as usize;
        assert!(!wav.samples().is_empty() && wav.samples().len() <= most);
    }
});
