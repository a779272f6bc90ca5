use core::fmt::{Display, Write as _};

use smallvec::SmallVec;

use super::writer::{COLON, LINE_END, Writer};
use crate::print::push_number;
use crate::{BuildError, HeaderId, HeaderName, Limits, header_id::HeaderSet, lex};

/// The header lines a caller has given, in order, as they go on the wire.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: SmallVec<[Line; INLINE_LINES]>,
    /// `name: value` and CRLF of each line, one line behind the other.
    text: String,
}

/// Where a line stands in the text. A text that is longer than `u32` reaches is one of [`Fault::TooLong`].
#[derive(Debug, Clone, Copy)]
struct Line {
    id: Option<HeaderId>,
    fault: Option<Fault>,
    start: u32,
    /// Start and end of the value; empty if it failed to print.
    value: (u32, u32),
}

/// Why a line cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Unprinted,
    ControlCharacter,
    TooLong,
}

/// Lines held without an allocation of their own: what an edit, a response and most requests add.
const INLINE_LINES: usize = 12;

/// Room for the lines of a usual message in bytes, so that the text is allocated once.
const USUAL_TEXT: usize = 640;

/// Headers that may stand once.
const SINGLE: HeaderSet = {
    let mut single = HeaderSet::EMPTY;
    let mut at = 0;
    while at < HeaderId::all().len() {
        if HeaderId::all()[at].is_single() {
            single = single.with(HeaderId::all()[at]);
        }
        at += 1;
    }
    single
};

impl Line {
    fn value(self) -> core::ops::Range<usize> {
        self.value.0 as usize..self.value.1 as usize
    }

    /// The same line so many bytes further behind.
    const fn shifted(self, bytes: u32) -> Line {
        let value = (self.value.0 + bytes, self.value.1 + bytes);
        Line { start: self.start + bytes, value, ..self }
    }

    /// Where the line behind it starts.
    const fn end(self) -> u32 {
        self.value.1 + LINE_END.len() as u32
    }
}

impl Lines {
    pub(super) fn push(&mut self, id: HeaderId, value: impl Display) {
        self.add(Some(id), id.name(), |text| write!(text, "{value}").is_ok());
    }

    /// Adds a line whose value is these parts, one behind the other.
    pub(super) fn push_parts(&mut self, id: HeaderId, parts: &[&str]) {
        self.add(Some(id), id.name(), |text| {
            for part in parts {
                text.push_str(part);
            }
            true
        });
    }

    /// Adds a line whose value is a number and what stands behind it.
    pub(super) fn push_number(&mut self, id: HeaderId, number: u64, rest: [&str; 2]) {
        self.add(Some(id), id.name(), |text| {
            push_number(text, number);
            for part in rest {
                text.push_str(part);
            }
            true
        });
    }

    /// A well-known name is stored as such, so that it cannot slip past the rules of its header.
    pub(super) fn push_named(&mut self, name: &str, value: impl Display) {
        match HeaderName::of(name) {
            HeaderName::Known(id) => self.push(id, value),
            HeaderName::Unknown(name) => self.add(None, name, |text| write!(text, "{value}").is_ok()),
        }
    }

    /// Adds the lines of others behind these.
    pub(super) fn append(&mut self, others: &Lines) {
        self.make_room();
        let shift = self.text.len() as u32;
        self.text.push_str(&others.text);
        self.lines.extend(others.lines.iter().map(|line| line.shifted(shift)));
    }

    fn make_room(&mut self) {
        if self.text.is_empty() {
            self.text.reserve(USUAL_TEXT);
        }
    }

    #[inline]
    fn add(&mut self, id: Option<HeaderId>, name: &str, print: impl FnOnce(&mut String) -> bool) {
        self.make_room();
        let start = self.text.len();
        self.text.push_str(name);
        self.text.push_str(COLON);
        let at = self.text.len();
        // A string takes everything: what fails is the value.
        let printed = print(&mut self.text);
        let fault = self.finish(start, at, printed);
        let value = (at as u32, self.text.len() as u32);
        self.text.push_str(LINE_END);
        self.lines.push(Line { id, fault, start: start as u32, value });
    }

    /// Takes the blanks off both ends of the value at the end of the text; tells what is wrong with its line.
    fn finish(&mut self, start: usize, at: usize, printed: bool) -> Option<Fault> {
        if !printed {
            self.text.truncate(at);
            return Some(Fault::Unprinted);
        }
        let value = &self.text.as_bytes()[at..];
        if [value.first(), value.last()].into_iter().flatten().any(|byte| lex::is_blank(*byte)) {
            let trimmed = lex::trim(&self.text[at..]).to_owned();
            self.text.replace_range(at.., &trimmed);
        }
        if self.text.len() - start > Limits::LINE {
            // Nobody will write it, and what is not kept cannot outgrow the places of the lines.
            self.text.truncate(at);
            return Some(Fault::TooLong);
        }
        lex::has_line_breaker(&self.text.as_bytes()[at..]).then_some(Fault::ControlCharacter)
    }

    pub(super) fn remove(&mut self, id: HeaderId) {
        let Lines { lines, text } = self;
        let mut gone = 0;
        lines.retain(|line| {
            line.start -= gone;
            line.value = (line.value.0 - gone, line.value.1 - gone);
            let kept = line.id != Some(id);
            if !kept {
                text.drain(line.start as usize..line.end() as usize);
                gone += line.end() - line.start;
            }
            kept
        });
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn name(&self, slot: usize) -> HeaderName<'_> {
        let line = &self.lines[slot];
        // The value of a line without an id is never cut.
        let name = || &self.text[line.start as usize..line.value.0 as usize - COLON.len()];
        line.id.map_or_else(|| HeaderName::Unknown(name()), HeaderName::Known)
    }

    pub(super) fn value(&self, slot: usize) -> &str {
        &self.text[self.lines[slot].value()]
    }

    /// Takes bytes off the start of the value of a well-known header. [`write`](Self::write) does not see it.
    pub(super) fn cut(&mut self, slot: usize, bytes: usize) {
        self.lines[slot].value.0 += bytes as u32;
    }

    pub(super) fn values(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        let of_header = move |line: &&Line| line.id == Some(id);
        self.lines.iter().filter(of_header).map(|line| &self.text[line.value()])
    }

    /// Whether a line of that header has a value.
    pub(super) fn gives(&self, id: HeaderId) -> bool {
        self.lines.iter().any(|line| line.id == Some(id) && line.value.0 < line.value.1)
    }

    /// Refuses a value that failed to print.
    pub(super) fn check_printed(&self, slot: usize) -> Result<(), BuildError> {
        if self.lines[slot].fault == Some(Fault::Unprinted) {
            Err(BuildError::Display(self.name(slot).as_str().into()))
        } else {
            Ok(())
        }
    }

    /// Refuses values that failed to print, headers that the encoder writes, and second lines of headers that may stand
    /// once. Tells which headers there are.
    pub(super) fn check(&self, managed: HeaderSet) -> Result<Tally, BuildError> {
        let mut tally = Tally::default();
        let mut plain = true;
        for line in &self.lines {
            tally.count(line.id);
            plain &= line.id.is_some() && line.fault != Some(Fault::Unprinted);
        }
        if !plain || !tally.fits(managed) {
            (0..self.len()).try_for_each(|slot| {
                self.check_printed(slot)?;
                tally.check(self.name(slot), managed)
            })?;
        }
        Ok(tally)
    }

    /// Refuses a line that cannot be written.
    pub(super) fn check_line(&self, slot: usize) -> Result<(), BuildError> {
        let name = || self.name(slot).as_str().into();
        match self.lines[slot].fault {
            None | Some(Fault::Unprinted) => Ok(()),
            Some(Fault::ControlCharacter) => Err(BuildError::ControlCharacter(name())),
            Some(Fault::TooLong) => Err(BuildError::LineTooLong(name())),
        }
    }

    /// Writes the lines as they were given.
    pub(super) fn write<'a>(&'a self, out: &mut Writer<'a>) -> Result<(), BuildError> {
        if self.lines.iter().any(|line| line.fault.is_some()) {
            (0..self.len()).try_for_each(|slot| self.check_line(slot))?;
        }
        out.lines(&self.text, self.len());
        Ok(())
    }
}

/// Which headers have a line, and which have several.
#[derive(Default)]
pub(super) struct Tally {
    once: HeaderSet,
    twice: HeaderSet,
}

impl Tally {
    pub(super) fn count(&mut self, id: Option<HeaderId>) {
        if let Some(id) = id {
            if self.once.has(id) {
                self.twice = self.twice.with(id);
            }
            self.once = self.once.with(id);
        }
    }

    pub(super) const fn has(&self, id: HeaderId) -> bool {
        self.once.has(id)
    }

    /// Whether no line of a well-known header would be refused by [`check`](Self::check).
    const fn fits(&self, managed: HeaderSet) -> bool {
        !self.once.meets(managed) && !self.twice.meets(SINGLE)
    }

    /// Checks a line that a caller has given.
    pub(super) fn check(&self, name: HeaderName<'_>, managed: HeaderSet) -> Result<(), BuildError> {
        match name {
            HeaderName::Known(id) if managed.has(id) => Err(BuildError::Managed(id)),
            HeaderName::Known(id) if id.is_single() && self.twice.has(id) => Err(BuildError::Duplicate(id)),
            HeaderName::Unknown(name) if !lex::is_token(name) => Err(BuildError::HeaderName(name.into())),
            HeaderName::Known(_) | HeaderName::Unknown(_) => Ok(()),
        }
    }
}
