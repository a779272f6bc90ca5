//! Reads documents of the dialog package; nothing may panic, and what was read is written and read back the same.

#![no_main]

use dialog_core::dialog_info::{DialogInfo, DialogInfoState};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut state = DialogInfoState::default();
    // Several documents with a zero byte between them.
    for document in data.split(|byte| *byte == 0) {
        let Ok(document) = DialogInfo::parse(document) else { continue };
        let written = document.to_string();
        // Escaping makes it longer, and beyond the limit it is refused.
        if written.len() <= 65_535 {
            assert_eq!(DialogInfo::parse(written.as_bytes()).as_ref(), Ok(&document));
        }
        state.merge(document);
        assert!(state.dialogs().len() <= DialogInfoState::DIALOGS);
    }
});
