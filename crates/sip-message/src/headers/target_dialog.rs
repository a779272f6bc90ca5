use core::fmt;

use super::dialog_ids;
use crate::{ParseError, ParseErrorKind, lex};

/// `Target-Dialog: call-id;local-tag=...;remote-tag=...` (RFC 4538 §7).
///
/// The tags are named from the recipient's side: `local_tag` is the recipient's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetDialog {
    /// The Call-ID, compared byte for byte.
    pub call_id: String,
    /// The recipient's tag: the sender's remote tag.
    pub local_tag: String,
    /// The sender's tag.
    pub remote_tag: String,
}

impl TargetDialog {
    /// Makes a value; fails if the Call-ID could not be told from the parameters or a tag is no token.
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Result<TargetDialog, ParseError> {
        if !dialog_ids::is_call_id(call_id) {
            return Err(ParseError::new(ParseErrorKind::Value, 0));
        }
        if !lex::is_token(local_tag) || !lex::is_token(remote_tag) {
            return Err(ParseError::new(ParseErrorKind::Parameter, 0));
        }
        Ok(TargetDialog {
            call_id: call_id.into(),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
        })
    }

    /// Parses a header value; each tag must be there exactly once.
    pub fn parse(value: &str) -> Result<TargetDialog, ParseError> {
        let (call_id, params) = dialog_ids::split(value)?;
        Ok(TargetDialog {
            call_id: call_id.into(),
            local_tag: dialog_ids::one_tag(params, "local-tag")?.into(),
            remote_tag: dialog_ids::one_tag(params, "remote-tag")?.into(),
        })
    }
}

impl fmt::Display for TargetDialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};local-tag={};remote-tag={}", self.call_id, self.local_tag, self.remote_tag)
    }
}
