//! Words in brackets in a scripted message.
//!
//! `[cseq]`: the `CSeq` number of the message that the step waited for. `[contact]`: our Contact. `[1.call-id]`,
//! `[1.local-tag]`, `[1.remote-tag]`, `[1.target]`: of our first dialog, and so on. `[refer-to]`, `[refer-to-uri]`,
//! `[replaces]`: of the last REFER that came, whole, without its headers, and the Replaces among them, unescaped.

/// Puts a value in the place of every word in brackets that has one; others stay as they are.
pub(super) fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = rest.find(']').and_then(|end| Some((end, value(&rest[1..end])?)));
        if let Some((end, value)) = word {
            filled.push_str(&value);
            rest = &rest[end + 1..];
        } else {
            filled.push('[');
            rest = &rest[1..];
        }
    }
    filled.push_str(rest);
    filled
}
