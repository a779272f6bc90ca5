use core::fmt;

use super::dialog_ids::DialogIds;
use crate::ParseError;

/// `Join: call-id;to-tag=...;from-tag=...` (RFC 3911 §7.1); the tags are named as in [`Replaces`](crate::Replaces).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Join {
    ids: DialogIds,
}

impl Join {
    /// Parses a header value; each tag must be there exactly once.
    pub fn parse(value: &str) -> Result<Join, ParseError> {
        let (mut ids, params) = DialogIds::parse(value, ["to-tag", "from-tag"])?;
        ids.keep_others(params, &["to-tag", "from-tag"]);
        Ok(Join { ids })
    }

    /// The Call-ID, compared byte for byte.
    pub fn call_id(&self) -> &str {
        self.ids.call_id()
    }

    /// The tag of the party that receives the header.
    pub fn to_tag(&self) -> &str {
        self.ids.first_tag()
    }

    /// The tag of that party's peer.
    pub fn from_tag(&self) -> &str {
        self.ids.second_tag()
    }

    /// Further parameters as written, each with its `;`; empty in most messages.
    pub fn params(&self) -> &str {
        self.ids.others()
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id(), self.to_tag(), self.from_tag())?;
        f.write_str(self.params())
    }
}
