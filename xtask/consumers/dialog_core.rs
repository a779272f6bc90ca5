//! Takes `dialog_core` and nothing else of this repository.

use dialog_core::{DialogConfig, Dialogs};

fn main() {
    let dialogs = Dialogs::new(DialogConfig::default());
    assert!(dialogs.is_empty());
}
