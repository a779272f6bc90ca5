//! The canonical name (RFC 7022).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns a CNAME of 16 characters: 96 random bits in base64 (RFC 7022 §4.2, §5).
///
/// Drawn once per process it is a short-term persistent name, which lets a receiver play the streams of one call in
/// step; drawn for each call it cannot be used to follow a user from call to call. The bits come from a cryptographic
/// source.
pub fn cname(random: [u8; 12]) -> String {
    let (triples, _) = random.as_chunks::<3>();
    triples.iter().fold(String::with_capacity(16), |mut name, &[a, b, c]| {
        let bits = u32::from_be_bytes([0, a, b, c]);
        for shift in [18, 12, 6, 0] {
            name.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_96_bits_in_base64() {
        assert_eq!(cname([0; 12]), "AAAAAAAAAAAAAAAA");
        assert_eq!(cname([255; 12]), "////////////////");
        // RFC 4648 §9's own bytes, and the example of its §10.
        assert_eq!(&cname([0x14, 0xFB, 0x9C, 0x03, 0xD9, 0x7E, 0, 0, 0, 0, 0, 0])[..8], "FPucA9l+");
        assert_eq!(cname(*b"foobarfoobar"), "Zm9vYmFyZm9vYmFy");
    }
}
