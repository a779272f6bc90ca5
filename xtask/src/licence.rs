//! Licence expressions (SPDX) against a list of allowed licences.

/// Whether the expression can be satisfied with allowed licences only: one side of each `OR`, both of each `AND`.
///
/// `MIT/Apache-2.0`, the old spelling of `OR`, is understood. A licence `WITH` an exception is allowed if the list
/// has it in that form or has the licence alone, as an exception only ever permits more. What does not parse is not
/// allowed.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, at: 0, allowed };
    parser.any() == Some(true) && parser.at == tokens.len()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    at: usize,
    allowed: &'a [String],
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut ok = self.all()?;
        while self.eat("OR") {
            ok |= self.all()?;
        }
        Some(ok)
    }

    fn all(&mut self) -> Option<bool> {
        let mut ok = self.one()?;
        while self.eat("AND") {
            ok &= self.one()?;
        }
        Some(ok)
    }

    fn one(&mut self) -> Option<bool> {
        if self.eat("(") {
            let ok = self.any()?;
            return self.eat(")").then_some(ok);
        }
        let licence = self.word()?;
        let mut ok = self.has(licence);
        if self.eat("WITH") {
            let exception = self.word()?;
            ok |= self.has(&format!("{licence} WITH {exception}"));
        }
        Some(ok)
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = *self.tokens.get(self.at)?;
        self.at += 1;
        (!["OR", "AND", "WITH", "(", ")"].contains(&word)).then_some(word)
    }

    fn eat(&mut self, token: &str) -> bool {
        let next = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(next);
        next
    }

    fn has(&self, licence: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == licence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged_by_their_operators() {
        let allowed: Vec<String> = ["MIT", "Unicode-3.0", "Apache-2.0"].map(str::to_owned).into();
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0 OR MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(GPL-3.0 OR AGPL-3.0) AND MIT", false),
            ("MIT/GPL-2.0", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("GPL-3.0 WITH Classpath-exception-2.0", false),
            ("GPL-3.0 OR MIT AND GPL-3.0", false),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn an_exception_can_be_allowed_alone() {
        let allowed = ["Apache-2.0 WITH LLVM-exception".to_owned()];
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception", &allowed));
        assert!(!is_allowed("Apache-2.0", &allowed));
    }
}
