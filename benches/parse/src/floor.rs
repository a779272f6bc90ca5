//! What cannot be undercut by much: lines, colons and the typed parts found by memchr, and nothing checked. This is no
//! parser: it takes one blank after a colon, long header names as they are usually written, no folds and no lists.

use std::hint::black_box;

use memchr::memchr;

use crate::messages::Seen;

/// More header lines than any of the messages has.
const MAX_LINES: usize = 48;

/// Where a line starts, where its colon is and where it ends, as offsets in the message.
#[derive(Clone, Copy, Default)]
struct Line {
    start: u32,
    colon: u32,
    end: u32,
}

/// The header lines of a message.
pub(crate) struct Lines {
    lines: [Line; MAX_LINES],
    count: usize,
}

impl Lines {
    /// Passes over the start line, and finds the lines up to the empty one.
    pub(crate) fn find(text: &[u8]) -> Option<Lines> {
        let mut found = Lines { lines: [Line::default(); MAX_LINES], count: 0 };
        let mut start = memchr(b'\n', text)? + 1;
        loop {
            let line = &text[start..];
            let length = memchr(b'\n', line)?;
            if length <= 1 {
                return Some(found);
            }
            let colon = start + memchr(b':', &line[..length])?;
            let place = found.lines.get_mut(found.count)?;
            *place = Line { start: start as u32, colon: colon as u32, end: (start + length - 1) as u32 };
            found.count += 1;
            start += length + 1;
        }
    }
}

/// Finds the lines, and in those that a full reading types: addresses, tags, sent-by, branches, Call-ID and `CSeq`.
pub(crate) fn full(text: &[u8]) -> Option<Seen> {
    let found = Lines::find(text)?;
    let mut seen = Seen::default();
    for line in &found.lines[..found.count] {
        let value = &text[line.colon as usize + 2..line.end as usize];
        match &text[line.start as usize..line.colon as usize] {
            b"Via" => {
                seen.vias += 1;
                let sent_by = memchr(b' ', value)? + 1;
                let parameters = memchr(b';', value)?;
                black_box(&value[sent_by..parameters]);
                seen.octets += parameter(&value[parameters..], b"branch=").map_or(0, <[u8]>::len);
            }
            b"From" | b"To" => {
                seen.octets += parameter(after_address(value)?, b"tag=").map_or(0, <[u8]>::len);
            }
            b"Contact" => {
                seen.contacts += 1;
                black_box(after_address(value)?);
            }
            b"Call-ID" => seen.octets += black_box(value).len(),
            b"CSeq" => {
                let (number, method) = value.split_at(memchr(b' ', value)?);
                black_box(method);
                seen.cseq = number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            }
            _ => {}
        }
    }
    Some(seen)
}

fn after_address(value: &[u8]) -> Option<&[u8]> {
    let open = memchr(b'<', value)?;
    let close = open + memchr(b'>', &value[open..])?;
    black_box(&value[open + 1..close]);
    Some(&value[close + 1..])
}

/// The value of the parameter whose name and `=` are given.
fn parameter<'a>(mut text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    loop {
        text = &text[memchr(b';', text)? + 1..];
        if let Some(value) = text.strip_prefix(name) {
            return Some(black_box(&value[..memchr(b';', value).unwrap_or(value.len())]));
        }
    }
}
