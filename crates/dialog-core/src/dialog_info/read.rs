//! Reads a document.

use super::{
    DialogEntry, DialogIds, DialogInfo, Direction, Extent, Participant, Party, Stage, StageEvent, Target,
    element::Element,
};

/// Most dialogs in a document and in a table: what one telephone or one group shows. More are an error, as half a list would
/// show somebody as free who is not.
pub(super) const DIALOGS: usize = 256;

/// Why a document cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DialogInfoError {
    /// Larger than a datagram can be.
    #[error("the document is larger than 65535 bytes")]
    Large,
    /// Nested deeper than 16 elements.
    #[error("the document is nested deeper than 16 elements")]
    Deep,
    /// More dialogs than 256.
    #[error("the document has more than 256 dialogs")]
    Dialogs,
    /// A document type, or an entity that XML does not define by itself.
    #[error("the document has a type or an entity of its own")]
    Entity,
    /// Not UTF-8, not XML, or no `dialog-info`.
    #[error("the document is no well-formed dialog-info")]
    Malformed,
    /// Something that must be there is missing, or has no value that RFC 4235 knows.
    #[error("the document lacks {0}, or it has no known value")]
    Value(&'static str),
}

impl From<quick_xml::Error> for DialogInfoError {
    fn from(_: quick_xml::Error) -> Self {
        Self::Malformed
    }
}

impl DialogInfo {
    /// Reads a document (RFC 4235 §4.4). What is of another namespace is passed over, and so are session descriptions.
    pub fn parse(document: &[u8]) -> Result<DialogInfo, DialogInfoError> {
        let text = std::str::from_utf8(document).map_err(|_| DialogInfoError::Malformed)?;
        let root = Element::read(text)?;
        if !root.is("dialog-info") {
            return Err(DialogInfoError::Malformed);
        }
        let extent = match required(&root, "state")? {
            "full" => Extent::Full,
            "partial" => Extent::Partial,
            _ => return Err(DialogInfoError::Value("state")),
        };
        let version = required(&root, "version")?;
        let mut dialogs = Vec::new();
        for element in root.children("dialog") {
            if dialogs.len() >= DIALOGS {
                return Err(DialogInfoError::Dialogs);
            }
            dialogs.push(dialog(element)?);
        }
        Ok(DialogInfo {
            version: version.trim().parse().map_err(|_| DialogInfoError::Value("version"))?,
            extent,
            entity: required(&root, "entity")?.into(),
            dialogs,
        })
    }
}

fn required<'a>(element: &'a Element, name: &'static str) -> Result<&'a str, DialogInfoError> {
    element.attribute(name).ok_or(DialogInfoError::Value(name))
}

fn optional(element: &Element, name: &str) -> Option<Box<str>> {
    element.attribute(name).map(Into::into)
}

fn dialog(element: &Element) -> Result<DialogEntry, DialogInfoError> {
    let state = element.child("state").ok_or(DialogInfoError::Value("state"))?;
    let stage = Stage::of(state.text()).ok_or(DialogInfoError::Value("state"))?;
    Ok(DialogEntry {
        call_id: optional(element, "call-id"),
        local_tag: optional(element, "local-tag"),
        remote_tag: optional(element, "remote-tag"),
        direction: element.attribute("direction").and_then(Direction::of),
        // What cannot be read of the rest says nothing; the stage is what matters.
        event: state.attribute("event").and_then(StageEvent::of),
        code: state.attribute("code").and_then(|code| code.trim().parse().ok()),
        duration: element.child("duration").and_then(|duration| duration.text().parse().ok()),
        replaced: element.child("replaces").and_then(ids),
        referred_by: element.child("referred-by").map(party),
        routes: element
            .child("route-set")
            .into_iter()
            .flat_map(|set| set.children("hop"))
            .map(|hop| hop.text().into())
            .collect(),
        local: element.child("local").map(participant),
        remote: element.child("remote").map(participant),
        ..DialogEntry::new(required(element, "id")?, stage)
    })
}

fn ids(element: &Element) -> Option<DialogIds> {
    Some(DialogIds {
        call_id: optional(element, "call-id")?,
        local_tag: optional(element, "local-tag")?,
        remote_tag: optional(element, "remote-tag")?,
    })
}

fn party(element: &Element) -> Party {
    Party { display: optional(element, "display"), uri: element.text().into() }
}

fn participant(element: &Element) -> Participant {
    let target = element.child("target").and_then(|target| {
        let params = target.children("param").filter_map(|param| {
            Some((optional(param, "pname")?, param.attribute("pval").unwrap_or_default().into()))
        });
        Some(Target { uri: optional(target, "uri")?, params: params.collect() })
    });
    Participant { identity: element.child("identity").map(party), target }
}

/// A closed list of words in both directions.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// Reads the word of the document.
            pub(super) fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The word in the document.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words!(Direction { Initiator = "initiator", Recipient = "recipient" });
words!(Stage {
    Trying = "trying",
    Proceeding = "proceeding",
    Early = "early",
    Confirmed = "confirmed",
    Terminated = "terminated",
});
words!(StageEvent {
    Cancelled = "cancelled",
    Rejected = "rejected",
    Replaced = "replaced",
    LocalBye = "local-bye",
    RemoteBye = "remote-bye",
    Error = "error",
    Timeout = "timeout",
});
