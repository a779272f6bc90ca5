//! Takes `patchcord` and nothing else of this repository.

use patchcord::parse::json_line;

fn main() {
    let (line, ok) = json_line("note", b"not a message".to_vec());
    assert!(!ok && line.starts_with('{'));
}
