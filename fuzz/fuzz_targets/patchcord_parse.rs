//! `patchcord parse` makes one JSON object of whatever it reads.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (line, _) = patchcord::parse::json_line("fuzz", bytes.to_vec());
    assert!(line.starts_with('{') && line.ends_with('}') && !line.contains('\n'));
});
