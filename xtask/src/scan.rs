//! Reading Rust sources without a parser: code apart from comments and texts.

use std::ops::Range;

/// The source with every comment, string and character literal blanked; lines and columns stay where they are.
///
/// What is left is code only, so that a word in a message or a comment is no finding.
pub(crate) fn code_only(source: &str) -> String {
    blank(source, true)
}

/// The source with every comment blanked; texts stay.
pub(crate) fn without_comments(source: &str) -> String {
    blank(source, false)
}

fn blank(source: &str, texts_too: bool) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, blanked) = match piece(&chars, at) {
            Piece::Code(end) => (end, false),
            Piece::Comment(end) => (end, true),
            Piece::Text(end) => (end, texts_too),
        };
        for &char in &chars[at..end] {
            out.push(if blanked && char != '\n' { ' ' } else { char });
        }
        at = end;
    }
    out
}

enum Piece {
    Code(usize),
    Comment(usize),
    Text(usize),
}

/// The piece of source that begins at `at`, with the place where it ends.
fn piece(chars: &[char], at: usize) -> Piece {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => {
            Piece::Comment(at + rest.iter().position(|&char| char == '\n').unwrap_or(rest.len()))
        }
        ['/', '*', ..] => Piece::Comment(at + block_comment(rest)),
        ['"', ..] => Piece::Text(at + quoted(rest, '"')),
        ['\'', '\\', ..] => Piece::Text(at + quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Piece::Text(at + 3),
        [first, ..] if first.is_alphanumeric() || *first == '_' => word(chars, at),
        _ => Piece::Code(at + 1),
    }
}

/// A word is code, unless it is the prefix of a raw string.
fn word(chars: &[char], at: usize) -> Piece {
    let end = at
        + chars[at..]
            .iter()
            .position(|char| !(char.is_alphanumeric() || *char == '_'))
            .unwrap_or(chars.len() - at);
    let name: String = chars[at..end].iter().collect();
    if !["r", "br", "cr"].contains(&name.as_str()) {
        return Piece::Code(end);
    }
    let hashes = chars[end..].iter().take_while(|&&char| char == '#').count();
    if chars.get(end + hashes) != Some(&'"') {
        return Piece::Code(end);
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = end + hashes + 1;
    let length = chars[body..].windows(closing.len()).position(|window| window == closing);
    Piece::Text(length.map_or(chars.len(), |length| body + length + closing.len()))
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            char if char == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// The lines (from 0) that are test code: all of a file that holds tests only, else the inline test modules.
///
/// Takes the output of [`code_only`]. A module marked `#[cfg(test)]` reaches to the line of its closing brace.
pub(crate) fn test_lines(path: &str, code: &str) -> Vec<Range<usize>> {
    if is_test_file(path) {
        return vec![Range { start: 0, end: code.lines().count() }];
    }
    let lines: Vec<&str> = code.lines().collect();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let inside = ranges.last().is_some_and(|range| range.contains(&start));
        if inside || !line.trim_start().starts_with("#[cfg(test)]") {
            continue;
        }
        ranges.push(start..item_end(&lines, start));
    }
    ranges
}

fn is_test_file(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let file = parts.last().copied().unwrap_or_default();
    file == "tests.rs" || file.ends_with("_tests.rs") || parts[..parts.len() - 1].contains(&"tests")
}

/// The line after the item that begins at `start`: after its braces are closed, or after its semicolon.
fn item_end(lines: &[&str], start: usize) -> usize {
    let mut depth = 0_usize;
    for (number, line) in lines.iter().enumerate().skip(start) {
        for char in line.chars() {
            match char {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return number + 1;
                    }
                }
                ';' if depth == 0 => return number + 1,
                _ => {}
            }
        }
    }
    lines.len()
}

/// The places where `word` stands in the code as a whole word at both ends that are letters, as lines from 1.
pub(crate) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    code.lines()
        .enumerate()
        .filter(|(_, line)| contains_word(line, word))
        .map(|(index, _)| index + 1)
        .collect()
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_word);
        let after = line[at + word.len()..].chars().next().is_some_and(is_word);
        let (first, last) = (word.chars().next(), word.chars().next_back());
        !(before && first.is_some_and(is_word) || after && last.is_some_and(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_blanked_and_code_stays() {
        let source = r##"let a = "sleep(1)"; // sleep(2)
/* sleep(3) /* nested */ still */ sleep(4);
let b = r#"a "quoted" sleep(5)"#; let c = '"'; let d: &'static str = "\" sleep(6)"; sleep(7);
let e = b"x"; let f = b'\''; fn r<'a>(x: &'a u8) {}
"##;
        let code = code_only(source);
        assert_eq!(code.lines().count(), source.lines().count());
        assert!(!code.contains("sleep(1)") && !code.contains("sleep(2)") && !code.contains("sleep(3)"));
        assert!(!code.contains("sleep(5)") && !code.contains("sleep(6)"));
        assert!(code.contains("sleep(4);") && code.contains("sleep(7);"));
        assert!(code.contains("fn r<'a>(x: &'a u8) {}"));
        assert_eq!(lines_with(&code, "sleep("), [2, 3]);
        assert!(without_comments(source).contains("sleep(1)"));
        assert!(!without_comments(source).contains("sleep(2)"));
    }

    #[test]
    fn unfinished_pieces_end_with_the_file() {
        for source in ["\"open", "/* open", "r#\"open", "'\\", "// last"] {
            assert_eq!(code_only(source).chars().count(), source.chars().count(), "{source}");
        }
    }

    #[test]
    fn an_inline_test_module_is_test_code_and_the_rest_is_not() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\nfn b() {}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
        assert_eq!(test_lines("crates/x/src/a.rs", code), [1..5, 6..8]);
        assert_eq!(test_lines("crates/x/src/a/tests.rs", code), [Range { start: 0, end: 9 }]);
        assert_eq!(test_lines("crates/x/tests/a.rs", code), [Range { start: 0, end: 9 }]);
    }

    #[test]
    fn words_are_whole_words() {
        assert_eq!(lines_with("Instant::now()\nMyInstant::now()\nInstant::nowhere()", "Instant::now"), [1]);
        assert_eq!(lines_with("asleep(1)\nx.sleep(1)", "sleep("), [2]);
    }
}
