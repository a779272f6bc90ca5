use core::fmt;

use super::dialog_ids::DialogIds;
use crate::ParseError;

/// `Target-Dialog: call-id;local-tag=...;remote-tag=...` (RFC 4538 §7).
///
/// The tags are named from the recipient's side: `local_tag` is the recipient's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetDialog {
    ids: DialogIds,
}

impl TargetDialog {
    /// Makes a value; fails if the Call-ID could not be told from the parameters or a tag is no token.
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Result<TargetDialog, ParseError> {
        DialogIds::new(call_id, local_tag, remote_tag).map(|ids| TargetDialog { ids })
    }

    /// Parses a header value; each tag must be there exactly once.
    pub fn parse(value: &str) -> Result<TargetDialog, ParseError> {
        let (mut ids, params) = DialogIds::parse(value, ["local-tag", "remote-tag"])?;
        ids.keep_others(params, &["local-tag", "remote-tag"]);
        Ok(TargetDialog { ids })
    }

    /// The Call-ID, compared byte for byte.
    pub fn call_id(&self) -> &str {
        self.ids.call_id()
    }

    /// The recipient's tag: the sender's remote tag.
    pub fn local_tag(&self) -> &str {
        self.ids.first_tag()
    }

    /// The sender's tag.
    pub fn remote_tag(&self) -> &str {
        self.ids.second_tag()
    }

    /// Further parameters as written, each with its `;`; empty in most messages.
    pub fn params(&self) -> &str {
        self.ids.others()
    }
}

impl fmt::Display for TargetDialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};local-tag={};remote-tag={}", self.call_id(), self.local_tag(), self.remote_tag())?;
        f.write_str(self.params())
    }
}
