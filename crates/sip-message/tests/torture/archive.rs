//! The messages of an RFC, octet for octet, out of the archive in its appendix.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use flate2::read::GzDecoder;

/// A record of a tar archive, in bytes.
const RECORD: usize = 512;

/// The text of the RFC, where `cargo xtask setup` could get it.
pub(crate) fn text(rfc: u32) -> Option<String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    std::fs::read_to_string(target.join(format!("rfc/rfc{rfc}.txt"))).ok()
}

/// The files of the archive, by name without folder and extension.
pub(crate) fn messages(text: &str) -> BTreeMap<String, Bytes> {
    let mut archive = Vec::new();
    GzDecoder::new(&*packed(text)).read_to_end(&mut archive).expect("the archive is whole");
    let mut files = BTreeMap::new();
    let mut rest = &archive[..];
    while rest.len() > RECORD && rest[0] != 0 {
        let (head, after) = rest.split_at(RECORD);
        let name = field(&head[..100]);
        let size = usize::from_str_radix(field(&head[124..136]).trim(), 8).expect("a size is octal");
        let name = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".dat");
        if !name.is_empty() {
            files.insert(name.to_owned(), whole(&after[..size]));
        }
        rest = &after[size.next_multiple_of(RECORD)..];
    }
    files
}

/// The octets between the two marks: base64, between page breaks that have several words a line.
fn packed(text: &str) -> Vec<u8> {
    let lines = text
        .lines()
        .skip_while(|line| line.trim() != "-- BEGIN MESSAGE ARCHIVE --")
        .take_while(|line| line.trim() != "-- END MESSAGE ARCHIVE --");
    let (mut octets, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for line in lines.map(str::trim).filter(|line| !line.contains(' ')) {
        for byte in line.bytes() {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => continue,
            };
            bits = bits << 6 | u32::from(digit);
            held += 6;
            if held >= 8 {
                held -= 8;
                octets.push((bits >> held) as u8);
            }
        }
    }
    octets
}

/// A field of a tar header: text up to the first NUL.
fn field(bytes: &[u8]) -> &str {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    core::str::from_utf8(text).expect("a tar header is ASCII")
}

/// The archive of RFC 5118 has lost the CR of every line end, and three messages of both have lost the empty line that
/// they are printed with. Both are put back.
fn whole(message: &[u8]) -> Bytes {
    let mut octets = message.to_vec();
    if !message.contains(&b'\r') {
        octets = message.split(|octet| *octet == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    }
    if !octets.windows(4).any(|end| end == b"\r\n\r\n") {
        octets.extend(b"\r\n");
    }
    octets.into()
}
