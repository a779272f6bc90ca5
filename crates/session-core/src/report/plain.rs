//! Text of the other side's, made harmless for a terminal, a log and a diagram.

use crate::describe::printable;

/// Characters of one text that are kept; a URI of a person is shorter, and a report is read by people.
pub(super) const MOST_CHARACTERS: usize = 120;

/// A text of at most [`MOST_CHARACTERS`] as it is [printable].
pub(super) fn plain(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => printable(&text[..end]).into_owned() + "..",
        None => printable(text).into_owned(),
    }
}

/// The URI of an address of the other side's, without headers: they may name a dialog, whose ids are secrets (RFC 3891 §8).
pub(super) fn plain_uri(address: &str) -> String {
    let uri = address
        .split_once('<')
        .map_or(address, |(_, rest)| rest.split_once('>').map_or(rest, |(uri, _)| uri));
    plain(uri.split_once('?').map_or(uri, |(bare, _)| bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n\u{202e}c\u{7f}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}c\\u{7f}");
        assert_eq!(plain("Zoë 中"), "Zoë 中");
    }

    #[test]
    fn a_text_is_cut_one_beyond_the_bound() {
        let most = "x".repeat(MOST_CHARACTERS);
        assert_eq!(plain(&most), most);
        assert_eq!(plain(&format!("{most}x")), format!("{most}.."));
    }

    #[test]
    fn an_address_loses_its_name_and_the_dialog_that_it_names() {
        assert_eq!(plain_uri("\"Bob > all\" <sip:bob@192.0.2.2>;x=1"), "sip:bob@192.0.2.2");
        assert_eq!(plain_uri("<sip:bob@192.0.2.2"), "sip:bob@192.0.2.2");
        assert_eq!(plain_uri("sip:carol@192.0.2.3?Replaces=secret%3Bto-tag"), "sip:carol@192.0.2.3");
    }
}
