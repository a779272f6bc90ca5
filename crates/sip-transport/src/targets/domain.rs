//! Domain names as questions carry them.

/// Longest name that is looked up, in characters: RFC 1035 §2.3.4 allows 255 octets on the wire.
const MAX_NAME: usize = 255;

/// The name in lower case and without a final dot; `None` for the root, which has no hosts, and beyond the limit.
pub(crate) fn domain_name(text: &str) -> Option<Box<str>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    (1..=MAX_NAME).contains(&text.len()).then(|| text.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_equal() {
        assert_eq!(domain_name("Example.COM.").as_deref(), Some("example.com"));
        assert_eq!(domain_name("."), None);
        assert_eq!(domain_name(""), None);
    }

    #[test]
    fn the_longest_name_is_255_characters() {
        let longest = "a".repeat(MAX_NAME);
        assert_eq!(domain_name(&longest).as_deref(), Some(&*longest));
        assert_eq!(domain_name(&format!("{longest}.")).as_deref(), Some(&*longest));
        assert_eq!(domain_name(&format!("{longest}a")), None);
    }
}
