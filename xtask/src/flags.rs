//! The flags of a verb.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::process::Failure;

/// A flag that a verb knows.
pub(crate) struct Flag {
    /// With its dashes: `--seeds`.
    pub(crate) name: &'static str,
    /// What stands for the value in the help, or `None` for a switch.
    pub(crate) value: Option<&'static str>,
    pub(crate) about: &'static str,
}

impl Flag {
    pub(crate) const fn switch(name: &'static str, about: &'static str) -> Self {
        Self { name, value: None, about }
    }

    pub(crate) const fn with(name: &'static str, value: &'static str, about: &'static str) -> Self {
        Self { name, value: Some(value), about }
    }
}

/// The flags given on the command line.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    given: BTreeMap<&'static str, String>,
}

impl Flags {
    /// Reads `--flag`, `--flag value` and `--flag=value`; anything the verb does not know is an error.
    pub(crate) fn parse(known: &'static [Flag], args: Vec<String>) -> Result<Self, Failure> {
        let mut given = BTreeMap::new();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            let flag = known.iter().find(|flag| flag.name == name).ok_or_else(|| {
                Failure::new(format!("unknown flag `{name}`; `cargo xtask help` lists them"))
            })?;
            let value = match (flag.value, inline) {
                (None, None) => String::new(),
                (None, Some(_)) => return Err(Failure::new(format!("`{name}` takes no value"))),
                (Some(_), Some(value)) => value,
                (Some(what), None) => {
                    args.next().ok_or_else(|| Failure::new(format!("`{name}` needs a value: {what}")))?
                }
            };
            given.insert(flag.name, value);
        }
        Ok(Self { given })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    pub(crate) fn number<N: FromStr>(&self, name: &str, default: N) -> Result<N, Failure> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Failure::new(format!("`{name} {text}`: not a number that fits")))
            }
        }
    }

    /// The parts of a list given as `a,b,c`.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.text(name)?.split(',').map(str::trim).filter(|part| !part.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: &[Flag] = &[Flag::switch("--gate", "a switch"), Flag::with("--seeds", "N", "a number")];

    fn parse(args: &[&str]) -> Result<Flags, Failure> {
        Flags::parse(KNOWN, args.iter().map(|&arg| arg.to_owned()).collect())
    }

    #[test]
    fn values_are_read_in_both_spellings() {
        for args in [&["--gate", "--seeds", "7"][..], &["--seeds=7", "--gate"]] {
            let flags = parse(args).expect("the flags are known");
            assert!(flags.has("--gate"));
            assert_eq!(flags.number("--seeds", 1).expect("a number"), 7);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for args in [&["--other"][..], &["--seeds"], &["--gate=1"], &["word"]] {
            assert!(parse(args).is_err(), "{args:?}");
        }
        assert!(parse(&["--seeds", "many"]).expect("parsed as text").number("--seeds", 1).is_err());
    }
}
