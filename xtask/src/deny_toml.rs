//! The lists of `deny.toml` that the verb `bans` checks.
//!
//! A reader for the few shapes that file uses: sections, texts, and arrays of texts or of `{ crate = ".." }`.

use crate::process::Failure;

/// What `deny.toml` asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) licences: Vec<String>,
    pub(crate) banned: Vec<String>,
    pub(crate) registries: Vec<String>,
}

impl Policy {
    /// Reads the policy; an empty list of licences or registries is an error, as it would forbid everything.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let policy = Self {
            licences: list(text, "licenses", "allow"),
            banned: list(text, "bans", "deny"),
            registries: list(text, "sources", "allow-registry"),
        };
        if policy.licences.is_empty() || policy.registries.is_empty() {
            return Err(Failure::new("deny.toml: [licenses] allow or [sources] allow-registry is missing"));
        }
        Ok(policy)
    }
}

/// The texts of an array; of a table in it, the text of `crate` (or `name`), with its version left out.
fn list(text: &str, section: &str, key: &str) -> Vec<String> {
    let Some(body) = array_text(text, section, key) else { return Vec::new() };
    elements(&body)
        .into_iter()
        .map(|element| {
            let name = match element.strip_prefix('{') {
                None => first_text(&element),
                Some(table) => ["crate", "name"]
                    .iter()
                    .find_map(|key| first_text(table.trim_start().strip_prefix(key)?))
                    .or_else(|| first_text(table)),
            };
            name.unwrap_or_default()
        })
        .map(|name| {
            name.split(['@', ':']).next().filter(|_| section == "bans").map_or(name.clone(), str::to_owned)
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// What stands between the brackets of `key = [ .. ]` in `[section]`, without comments.
fn array_text(text: &str, section: &str, key: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .map(without_comment)
        .skip_while(|line| line.trim() != format!("[{section}]"))
        .skip(1)
        .take_while(|line| !(line.starts_with('[') && line.trim_end().ends_with(']')))
        .skip_while(|line| line.split('=').next().map(str::trim) != Some(key));
    let first = lines.next()?;
    let mut body = first.split_once('=')?.1.trim().strip_prefix('[')?.to_owned();
    for line in lines {
        if depth_of(&body) < 0 {
            break;
        }
        body.push('\n');
        body.push_str(line);
    }
    let end = body.rfind(']')?;
    body.truncate(end);
    Some(body)
}

/// How many brackets are open after this text, -1 once the array's own is closed.
fn depth_of(body: &str) -> i32 {
    let mut quoted = false;
    body.chars().fold(0, |depth, char| {
        if char == '"' {
            quoted = !quoted;
        }
        match char {
            '[' if !quoted => depth + 1,
            ']' if !quoted => depth - 1,
            _ => depth,
        }
    })
}

/// The elements of an array: what commas divide outside of braces and texts.
fn elements(body: &str) -> Vec<String> {
    let (mut quoted, mut depth) = (false, 0_i32);
    let mut elements = vec![String::new()];
    for char in body.chars() {
        match char {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        if char == ',' && !quoted && depth == 0 {
            elements.push(String::new());
        } else if let Some(last) = elements.last_mut() {
            last.push(char);
        }
    }
    elements.iter().map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|char| {
        if char == '"' {
            quoted = !quoted;
        }
        char == '#' && !quoted
    });
    end.map_or(line, |end| &line[..end])
}

fn first_text(text: &str) -> Option<String> {
    let body = text.split_once('"')?.1;
    Some(body.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
[graph]
targets = []

[licenses]
confidence-threshold = 0.9
allow = [
    "MIT", # the usual
    "Apache-2.0 WITH LLVM-exception",
]

[bans]
multiple-versions = "warn"
deny = [
    { crate = "openssl-sys", reason = "C, and [not] needed" },
    { name = "old@0.1", use-instead = "new" },
    "plain:1.0",
]

[sources]
unknown-git = "deny"
allow-registry = ["https://github.com/rust-lang/crates.io-index"]
"#;

    #[test]
    fn the_lists_are_read_in_each_shape() {
        let policy = Policy::parse(SAMPLE).expect("the sample is complete");
        assert_eq!(policy.licences, ["MIT", "Apache-2.0 WITH LLVM-exception"]);
        assert_eq!(policy.banned, ["openssl-sys", "old", "plain"]);
        assert_eq!(policy.registries, ["https://github.com/rust-lang/crates.io-index"]);
    }

    #[test]
    fn a_policy_without_licences_is_an_error() {
        assert!(Policy::parse(&SAMPLE.replace("allow = [", "other = [")).is_err());
        assert!(Policy::parse("").is_err());
    }
}
