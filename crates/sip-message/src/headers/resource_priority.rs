use core::fmt;

use crate::{ParseError, ParseErrorKind, lex};

/// `dsn.flash`: Resource-Priority and Accept-Resource-Priority (RFC 4412 §3), one item of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourcePriority<'a> {
    /// Whose priorities they are; compare without regard to case.
    pub namespace: &'a str,
    /// The priority; compare without regard to case.
    pub priority: &'a str,
}

impl<'a> ResourcePriority<'a> {
    /// Parses `namespace.priority`, each a token without dots; else [`ParseErrorKind::Value`].
    pub fn parse(value: &'a str) -> Result<ResourcePriority<'a>, ParseError> {
        match lex::trim(value).split_once('.') {
            Some((namespace, priority))
                if lex::is_token(namespace) && lex::is_token(priority) && !priority.contains('.') =>
            {
                Ok(ResourcePriority { namespace, priority })
            }
            _ => Err(ParseError::of(ParseErrorKind::Value, value, lex::trim(value))),
        }
    }
}

impl fmt::Display for ResourcePriority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.priority)
    }
}
