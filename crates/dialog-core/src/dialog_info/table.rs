//! What a subscriber knows of the dialogs, and the versions of a notifier (RFC 4235 §4.3).

use super::{DialogEntry, DialogInfo, Extent, Stage, read::DIALOGS};

/// The table of a subscriber; one for each subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialogInfoState {
    version: Option<u32>,
    dialogs: Vec<DialogEntry>,
    incomplete: bool,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The table is as the document says.
    Current,
    /// The document came late, or again; it changed nothing.
    Stale,
    /// The table has what the document says, but another one is missing before it, or did not fit: a refresh brings the full
    /// state.
    Incomplete,
}

impl DialogInfoState {
    /// Most dialogs in the table.
    pub const DIALOGS: usize = DIALOGS;

    /// Takes a document.
    ///
    /// Dialogs that are over are forgotten. Partial documents are merged by the dialogs' ids; after a gap in the versions
    /// the table counts as incomplete until a full document comes.
    pub fn merge(&mut self, document: DialogInfo) -> Merge {
        let stale = self.version.is_some_and(|known| match document.extent {
            // A full one that comes again says the same.
            Extent::Full => document.version < known,
            Extent::Partial => document.version <= known,
        });
        if stale {
            return Merge::Stale;
        }
        match document.extent {
            Extent::Full => {
                self.dialogs.clear();
                self.incomplete = false;
            }
            Extent::Partial => {
                self.incomplete |=
                    self.version.is_none_or(|known| document.version > known.saturating_add(1));
            }
        }
        self.version = Some(document.version);
        for dialog in document.dialogs {
            self.put(dialog);
        }
        if self.incomplete { Merge::Incomplete } else { Merge::Current }
    }

    fn put(&mut self, dialog: DialogEntry) {
        let at = self.dialogs.iter().position(|known| known.id == dialog.id);
        match (at, dialog.stage) {
            (Some(at), Stage::Terminated) => {
                self.dialogs.remove(at);
            }
            (None, Stage::Terminated) => {}
            (Some(at), _) => self.dialogs[at] = dialog,
            (None, _) if self.dialogs.len() < DIALOGS => self.dialogs.push(dialog),
            (None, _) => self.incomplete = true,
        }
    }

    /// The dialogs that are not over, in the order in which they came.
    pub fn dialogs(&self) -> &[DialogEntry] {
        &self.dialogs
    }

    /// Whether a document is missing; a refresh brings the full state.
    pub const fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Whether nobody talks to them and nothing rings, as far as is known; `None` before the first full state and while it is
    /// incomplete.
    pub fn is_free(&self) -> Option<bool> {
        (self.version.is_some() && !self.incomplete).then_some(self.dialogs.is_empty())
    }
}

/// The documents of a notifier; one for each subscription, because it counts its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogInfoSource {
    entity: Box<str>,
    next: u32,
}

impl DialogInfoSource {
    /// For one subscription to the dialogs of `entity`, a URI.
    pub fn new(entity: &str) -> Self {
        Self { entity: entity.into(), next: 0 }
    }

    /// The next document. The first one of a subscription, and every answer to a refresh, must have the full state
    /// (RFC 4235 §3.9, §4.3). Of more dialogs than [`DialogInfoState::DIALOGS`] it has the first ones.
    pub fn document(&mut self, extent: Extent, mut dialogs: Vec<DialogEntry>) -> DialogInfo {
        dialogs.truncate(DIALOGS);
        let version = self.next;
        self.next = self.next.wrapping_add(1);
        DialogInfo { version, extent, entity: self.entity.clone(), dialogs }
    }
}
