use core::fmt::{Display, Write as _};
use core::ops::Range;

use smallvec::SmallVec;

use super::writer::Writer;
use crate::{BuildError, HeaderId, HeaderName, lex};

/// The header lines a caller has given, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: SmallVec<[Line; INLINE_LINES]>,
    /// Name, if it is an extension's, and value of each line, one line behind the other.
    text: String,
}

/// Where a line stands in the text.
#[derive(Debug, Clone)]
struct Line {
    id: Option<HeaderId>,
    name: Range<usize>,
    /// Empty if the value failed to print.
    value: Range<usize>,
    printed: bool,
}

/// Lines held without an allocation of their own: what a response or an edit adds, and most requests.
const INLINE_LINES: usize = 8;

/// Room for the values of a usual message in bytes, so that the text is allocated once.
const USUAL_TEXT: usize = 512;

impl Lines {
    pub(super) fn push(&mut self, id: HeaderId, value: impl Display) {
        self.add(Some(id), "", value);
    }

    /// A well-known name is stored as such, so that it cannot slip past the rules of its header.
    pub(super) fn push_named(&mut self, name: &str, value: impl Display) {
        match HeaderName::of(name) {
            HeaderName::Known(id) => self.push(id, value),
            HeaderName::Unknown(name) => self.add(None, name, value),
        }
    }

    fn add(&mut self, id: Option<HeaderId>, name: &str, value: impl Display) {
        if self.text.is_empty() {
            self.text.reserve(USUAL_TEXT);
        }
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        // A string takes everything: what fails is the value.
        let printed = write!(self.text, "{value}").is_ok();
        if !printed {
            self.text.truncate(middle);
        }
        self.lines.push(Line { id, name: start..middle, value: middle..self.text.len(), printed });
    }

    pub(super) fn remove(&mut self, id: HeaderId) {
        let Lines { lines, text } = self;
        let mut gone = 0;
        lines.retain(|line| {
            for range in [&mut line.name, &mut line.value] {
                *range = range.start - gone..range.end - gone;
            }
            let kept = line.id != Some(id);
            if !kept {
                text.drain(line.name.start..line.value.end);
                gone += line.value.end - line.name.start;
            }
            kept
        });
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn name(&self, slot: usize) -> HeaderName<'_> {
        let line = &self.lines[slot];
        line.id.map_or_else(|| HeaderName::Unknown(&self.text[line.name.clone()]), HeaderName::Known)
    }

    pub(super) fn value(&self, slot: usize) -> &str {
        &self.text[self.lines[slot].value.clone()]
    }

    /// Takes bytes off the start of a value.
    pub(super) fn cut(&mut self, slot: usize, bytes: usize) {
        self.lines[slot].value.start += bytes;
    }

    pub(super) fn values(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        let of_header = move |line: &&Line| line.id == Some(id);
        self.lines.iter().filter(of_header).map(|line| &self.text[line.value.clone()])
    }

    pub(super) fn has(&self, id: HeaderId) -> bool {
        self.values(id).next().is_some()
    }

    /// Refuses a value that failed to print.
    pub(super) fn check_printed(&self, slot: usize) -> Result<(), BuildError> {
        if self.lines[slot].printed {
            Ok(())
        } else {
            Err(BuildError::Display(self.name(slot).as_str().into()))
        }
    }

    /// Refuses values that failed to print, headers that the encoder writes, and second lines of headers that may stand
    /// once.
    pub(super) fn check(&self, managed: &[HeaderId]) -> Result<(), BuildError> {
        let mut tally = Tally::default();
        for line in &self.lines {
            tally.count(line.id);
        }
        (0..self.len()).try_for_each(|slot| {
            self.check_printed(slot)?;
            tally.check(self.name(slot), managed)
        })
    }

    pub(super) fn write(&self, out: &mut Writer) -> Result<(), BuildError> {
        (0..self.len()).try_for_each(|slot| out.line(self.name(slot).as_str(), self.value(slot)))
    }
}

/// How many lines each header has.
pub(super) struct Tally([usize; HeaderId::COUNT]);

impl Default for Tally {
    fn default() -> Tally {
        Tally([0; HeaderId::COUNT])
    }
}

impl Tally {
    pub(super) fn count(&mut self, id: Option<HeaderId>) {
        if let Some(id) = id {
            self.0[id as usize] += 1;
        }
    }

    pub(super) const fn of(&self, id: HeaderId) -> usize {
        self.0[id as usize]
    }

    /// Checks a line that a caller has given.
    pub(super) fn check(&self, name: HeaderName<'_>, managed: &[HeaderId]) -> Result<(), BuildError> {
        match name {
            HeaderName::Known(id) if managed.contains(&id) => Err(BuildError::Managed(id)),
            HeaderName::Known(id) if id.is_single() && self.of(id) > 1 => Err(BuildError::Duplicate(id)),
            HeaderName::Unknown(name) if !lex::is_token(name) => Err(BuildError::HeaderName(name.into())),
            HeaderName::Known(_) | HeaderName::Unknown(_) => Ok(()),
        }
    }
}
