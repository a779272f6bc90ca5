//! Documents of the dialog event package (RFC 4235): who is in which call. For both roles: the subscriber reads and merges
//! them, the notifier writes them.

mod element;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod write;

use sip_message::{ParseError, Replaces};

pub use self::{
    read::DialogInfoError,
    table::{DialogInfoSource, DialogInfoState, Merge},
};

/// The event package.
pub const DIALOG_PACKAGE: &str = "dialog";

/// The type of its documents.
pub const DIALOG_INFO_TYPE: &str = "application/dialog-info+xml";

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogInfo {
    /// Counts the documents of one subscription.
    pub version: u32,
    /// Whether it has all dialogs.
    pub extent: Extent,
    /// The URI of whom it tells.
    pub entity: Box<str>,
    /// The dialogs.
    pub dialogs: Vec<DialogEntry>,
}

/// How much a document tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All dialogs.
    Full,
    /// Those that have changed.
    Partial,
}

/// One dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogEntry {
    /// Its id in the documents of this subscription.
    pub id: Box<str>,
    /// Call-ID.
    pub call_id: Option<Box<str>>,
    /// The tag of whom the document tells.
    pub local_tag: Option<Box<str>>,
    /// The tag of the other side.
    pub remote_tag: Option<Box<str>>,
    /// Who has begun it.
    pub direction: Option<Direction>,
    /// How far it is.
    pub stage: Stage,
    /// What has led there.
    pub event: Option<StageEvent>,
    /// The status that has led there.
    pub code: Option<u16>,
    /// Seconds since it began.
    pub duration: Option<u64>,
    /// The dialog that it has replaced.
    pub replaced: Option<DialogIds>,
    /// Who has referred to it.
    pub referred_by: Option<Party>,
    /// The route set.
    pub routes: Vec<Box<str>>,
    /// Of whom the document tells.
    pub local: Option<Participant>,
    /// The other side.
    pub remote: Option<Participant>,
}

impl DialogEntry {
    /// A dialog with no more than the document must have.
    pub fn new(id: &str, stage: Stage) -> Self {
        Self {
            id: id.into(),
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            stage,
            event: None,
            code: None,
            duration: None,
            replaced: None,
            referred_by: None,
            routes: Vec::new(),
            local: None,
            remote: None,
        }
    }

    /// What an INVITE would need to take the place of the other side, sent to whom the document tells of (RFC 3891 §3);
    /// `None` without all three ids.
    pub fn replaces(&self) -> Option<Result<Replaces, ParseError>> {
        let (call_id, local, remote) =
            (self.call_id.as_ref()?, self.local_tag.as_ref()?, self.remote_tag.as_ref()?);
        Some(Replaces::new(call_id, local, remote))
    }
}

/// Who has begun a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Whom the document tells of.
    Initiator,
    /// The other side.
    Recipient,
}

/// How far a dialog is (RFC 4235 §3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The INVITE is under way.
    Trying,
    /// A provisional response without a tag has come.
    Proceeding,
    /// A provisional response with a tag has come: it rings.
    Early,
    /// It was answered.
    Confirmed,
    /// It is over.
    Terminated,
}

/// What has led to a stage (RFC 4235 §4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageEvent {
    /// It was cancelled.
    Cancelled,
    /// It was refused.
    Rejected,
    /// Another dialog has taken its place.
    Replaced,
    /// We ended it by BYE.
    LocalBye,
    /// The other side ended it by BYE.
    RemoteBye,
    /// An error.
    Error,
    /// Nothing came in time.
    Timeout,
}

/// The ids of a dialog, as whom the document tells of sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogIds {
    /// Call-ID.
    pub call_id: Box<str>,
    /// The tag of whom the document tells.
    pub local_tag: Box<str>,
    /// The tag of the other side.
    pub remote_tag: Box<str>,
}

/// A name with a URI, neither of them read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The display name.
    pub display: Option<Box<str>>,
    /// The URI.
    pub uri: Box<str>,
}

/// One side of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Participant {
    /// Who it is.
    pub identity: Option<Party>,
    /// Where it is.
    pub target: Option<Target>,
}

/// The Contact of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URI.
    pub uri: Box<str>,
    /// Its header parameters, names and values as written.
    pub params: Vec<(Box<str>, Box<str>)>,
}
