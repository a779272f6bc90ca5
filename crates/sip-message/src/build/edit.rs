use core::fmt::{self, Display};

use bytes::Bytes;
use smallvec::SmallVec;

use super::draft::check_request_uri;
use super::lines::{Lines, Tally};
use super::writer::{COLON, LINE_END, Writer, check_length};
use crate::header::{Form, rows};
use crate::header_id::HeaderSet;
use crate::index::{Index, Line, Span, Start};
use crate::print::Digits;
use crate::{BuildError, HeaderId, HeaderName, List, Message};

/// Changes to a message, for one that passes it on (RFC 3261 §16.6, §16.7).
///
/// Each change sees what those before it have left. Values are kept as given and checked by
/// [`apply`](Self::apply). What is not changed keeps every byte: blanks, folds, line ends, compact names.
#[derive(Clone)]
pub struct Edit<'a> {
    message: &'a Message,
    /// The lines of the head as they are to stand.
    order: SmallVec<[Place; USUAL_PLACES]>,
    /// The new lines, those too that a later change has taken out again.
    new: Lines,
    uri: Option<String>,
    body: Option<Bytes>,
}

/// Where lines come from.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The message: lines one behind the other, as they are.
    Run { from: u8, to: u8 },
    /// The message; so many bytes are cut off the start of the value.
    Kept { slot: u8, cut: u16 },
    /// The new lines.
    New(usize),
    /// Content-Length, as the new body has it.
    Length,
}

/// Places held without an allocation: a change makes two or three of one, and a proxy makes five changes.
const USUAL_PLACES: usize = 16;

/// Headers that do not go: without them the message is none, cannot be answered, or does not end on a stream.
const LASTING: [HeaderId; 6] =
    [HeaderId::Via, HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq, HeaderId::ContentLength];

/// The header that the encoder writes.
const CONTENT_LENGTH: HeaderSet = HeaderSet::of(&[HeaderId::ContentLength]);

impl Message {
    /// Starts to change a copy of this message.
    pub fn edit(&self) -> Edit<'_> {
        let run = Place::Run { from: 0, to: self.index.lines.len() as u8 };
        Edit {
            message: self,
            order: SmallVec::from_iter([run]),
            new: Lines::default(),
            uri: None,
            body: None,
        }
    }
}

impl Edit<'_> {
    /// Adds a line before the first of that header, or at the top of the head if there is none.
    pub fn prepend(&mut self, id: HeaderId, value: impl Display) -> &mut Self {
        let at = self.first(id).unwrap_or(0);
        self.insert(at, id, value)
    }

    /// Adds a line at the end of the head.
    pub fn push(&mut self, id: HeaderId, value: impl Display) -> &mut Self {
        self.insert(self.order.len(), id, value)
    }

    /// Adds a line by name at the end of the head; a well-known name, long or compact, counts as that header.
    pub fn extension(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.order.push(Place::New(self.new.len()));
        self.new.push_named(name, value);
        self
    }

    /// Replaces all lines of that header by one in the place of the first, or adds it at the end of the head.
    pub fn set(&mut self, id: HeaderId, value: impl Display) -> &mut Self {
        let at = self.vacate(id);
        self.insert(at, id, value)
    }

    /// Replaces the first value of that header: the first item of a list, which gets a line of its own, or the first
    /// line. Without a value to replace, adds a line as [`prepend`](Self::prepend) does.
    pub fn set_top(&mut self, id: HeaderId, value: impl Display) -> &mut Self {
        let Some(at) = self.top(id) else { return self.prepend(id, value) };
        self.take_top(at, id);
        self.insert(at, id, value)
    }

    /// Removes all lines of that header.
    pub fn remove(&mut self, id: HeaderId) -> &mut Self {
        self.remove_all(|edit, place| edit.id(place) == Some(id))
    }

    /// Removes the first value of that header, if it has one: the first item of a list, or the whole line that holds
    /// no other.
    pub fn remove_top(&mut self, id: HeaderId) -> &mut Self {
        if let Some(at) = self.top(id) {
            self.take_top(at, id);
        }
        self
    }

    /// Removes all lines of that name, in any case; a well-known name counts as that header.
    pub fn remove_extension(&mut self, name: &str) -> &mut Self {
        match HeaderName::of(name) {
            HeaderName::Known(id) => self.remove(id),
            HeaderName::Unknown(_) => self.remove_all(|edit, place| {
                edit.id(place).is_none() && edit.name(place).as_str().eq_ignore_ascii_case(name)
            }),
        }
    }

    /// Replaces the Request-URI.
    pub fn set_uri(&mut self, uri: &str) -> &mut Self {
        self.uri = Some(uri.into());
        self
    }

    /// Replaces the body and its Content-Type; Content-Length follows, and is added if it was absent.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) -> &mut Self {
        self.set(HeaderId::ContentType, content_type);
        let at = self.vacate(HeaderId::ContentLength);
        self.order.insert(at, Place::Length);
        self.body = Some(body.into());
        self
    }

    /// Writes the changed message, which has the limits of [`Limits`](crate::Limits), and makes its index from the old
    /// one.
    ///
    /// Bytes after the body are dropped. Allocates once, and where parsing the result would: for lines that are folded
    /// or very many. Errors: see [`BuildError`]; [`Missing`](BuildError::Missing) if Via, From, To, Call-ID, `CSeq` or
    /// Content-Length was there and is no more, [`SourceValue`](BuildError::SourceValue) if the message has a
    /// [`fault`](Message::fault), [`Source`](BuildError::Source) for the Request-URI of a response.
    pub fn apply(&self) -> Result<Message, BuildError> {
        if let Some(fault) = self.message.fault() {
            return Err(BuildError::SourceValue(fault));
        }
        self.check()?;
        let mut index = Index::empty();
        index.folded = self.message.index.folded;
        let length = Digits::of(self.body.as_ref().map_or(0, Bytes::len) as u64);
        let mut out = Writer::default();
        self.write(&length, &mut out, &mut index)?;
        let bytes = out.bytes()?;
        if let Some(second) = index.link() {
            return Err(BuildError::SourceValue(second));
        }
        Message::new(bytes, index).map_err(BuildError::SourceValue)
    }

    fn insert(&mut self, at: usize, id: HeaderId, value: impl Display) -> &mut Self {
        self.order.insert(at, Place::New(self.new.len()));
        self.new.push(id, value);
        self
    }

    fn remove_all(&mut self, fits: impl Fn(&Self, Place) -> bool) -> &mut Self {
        while let Some(at) = self.find(&fits) {
            self.order.remove(at);
        }
        self
    }

    /// Gives the first line that fits a place of its own, and tells which.
    fn find(&mut self, fits: impl Fn(&Self, Place) -> bool) -> Option<usize> {
        let alone = |slot| Place::Kept { slot, cut: 0 };
        for (at, place) in self.order.iter().enumerate() {
            let Place::Run { from, to } = *place else {
                if fits(self, *place) {
                    return Some(at);
                }
                continue;
            };
            let Some(slot) = (from..to).find(|slot| fits(self, alone(*slot))) else { continue };
            let parts = [Place::Run { from, to: slot }, alone(slot), Place::Run { from: slot + 1, to }];
            self.order.remove(at);
            self.order.insert_many(at, parts);
            return Some(at + 1);
        }
        None
    }

    /// Removes all lines of a header; gives where the first was, or else the end.
    fn vacate(&mut self, id: HeaderId) -> usize {
        let first = self.first(id);
        self.remove(id);
        first.unwrap_or(self.order.len())
    }

    /// Where the first line of a header is.
    fn first(&mut self, id: HeaderId) -> Option<usize> {
        self.find(|edit, place| edit.id(place) == Some(id))
    }

    /// Where the line with the first value of a header is.
    fn top(&mut self, id: HeaderId) -> Option<usize> {
        let list = is_list(id);
        self.find(|edit, place| {
            edit.id(place) == Some(id) && (!list || List::new(edit.value(place)).next().is_some())
        })
    }

    fn take_top(&mut self, at: usize, id: HeaderId) {
        let value = self.value(self.order[at]);
        let second = if is_list(id) { List::new(value).nth(1) } else { None };
        let cut = second.map(|second| second.as_ptr().addr() - value.as_ptr().addr());
        match (cut, &mut self.order[at]) {
            (Some(more), Place::Kept { cut, .. }) => *cut += more as u16,
            (Some(more), Place::New(slot)) => self.new.cut(*slot, more),
            (None, _) | (_, Place::Run { .. } | Place::Length) => drop(self.order.remove(at)),
        }
    }

    fn lines(&self, from: u8, to: u8) -> &[Line] {
        &self.message.index.lines[usize::from(from)..usize::from(to)]
    }

    fn line(&self, slot: u8) -> &Line {
        &self.message.index.lines[usize::from(slot)]
    }

    /// Which header a line is; a run is none.
    fn id(&self, place: Place) -> Option<HeaderId> {
        match place {
            Place::Run { .. } => None,
            Place::Kept { slot, .. } => self.line(slot).id,
            Place::New(slot) => self.new.name(slot).id(),
            Place::Length => Some(HeaderId::ContentLength),
        }
    }

    fn name(&self, place: Place) -> HeaderName<'_> {
        match place {
            Place::Run { .. } => HeaderName::Unknown(""),
            Place::Kept { slot, .. } => self.message.name_of(self.line(slot)),
            Place::New(slot) => self.new.name(slot),
            Place::Length => HeaderName::Known(HeaderId::ContentLength),
        }
    }

    /// The value of a well-known header's line.
    fn value(&self, place: Place) -> &str {
        match place {
            Place::Kept { slot, cut } => &self.message.value_of(self.line(slot))[usize::from(cut)..],
            Place::New(slot) => self.new.value(slot),
            Place::Run { .. } | Place::Length => "",
        }
    }

    fn check(&self) -> Result<(), BuildError> {
        let mut tally = Tally::default();
        for place in &self.order {
            match *place {
                Place::Run { from, to } => self.lines(from, to).iter().for_each(|line| tally.count(line.id)),
                place => tally.count(self.id(place)),
            }
        }
        for place in &self.order {
            let Place::New(slot) = *place else { continue };
            self.new.check_printed(slot)?;
            tally.check(self.new.name(slot), CONTENT_LENGTH)?;
        }
        let was_there = |id| self.message.has(id) || (id == HeaderId::ContentLength && self.body.is_some());
        match LASTING.into_iter().find(|&id| was_there(id) && !tally.has(id)) {
            Some(id) => Err(BuildError::Missing(id)),
            None => self.uri.as_deref().map_or(Ok(()), check_request_uri),
        }
    }

    fn write<'w>(
        &'w self,
        length: &'w Digits,
        out: &mut Writer<'w>,
        index: &mut Index,
    ) -> Result<(), BuildError> {
        let head = &self.message.bytes()[..self.message.index.body.0];
        let lines = head.strip_suffix(b"\r\n").or(head.strip_suffix(b"\n")).unwrap_or(head);
        index.start = self.write_start(lines, out)?;
        for place in &self.order {
            self.write_place(lines, *place, length, out, index)?;
        }
        out.put(&head[lines.len()..]);
        let body = out.position();
        out.put(self.body.as_deref().unwrap_or(self.message.body()));
        index.body = (body, out.position());
        Ok(())
    }

    /// Writes all up to the first header line of `lines`, which end before the empty line.
    fn write_start<'w>(&'w self, lines: &'w [u8], out: &mut Writer<'w>) -> Result<Start, BuildError> {
        let old = &self.message.index;
        let start = &lines[..old.lines.first().map_or(lines.len(), |line| line.name.start())];
        let Some(new) = &self.uri else {
            out.put(start);
            return Ok(old.start);
        };
        let Start::Request { method, uri, version_known } = old.start else {
            return Err(BuildError::Source("a response has no Request-URI"));
        };
        let (before, after) = (&start[..uri.start()], &start[uri.end()..]);
        let length = method.as_str().len() + 1 + new.len() + after.trim_ascii_end().len();
        check_length("start line", length)?;
        out.put(before);
        let uri = Span::new(out.position(), out.position() + new.len());
        out.put(new.as_bytes());
        out.put(after);
        Ok(Start::Request { method, uri, version_known })
    }

    /// Writes the lines of one place, and their places into the index.
    fn write_place<'w>(
        &'w self,
        lines: &'w [u8],
        place: Place,
        length: &'w Digits,
        out: &mut Writer<'w>,
        index: &mut Index,
    ) -> Result<(), BuildError> {
        let at = out.position();
        let start = |slot: u8| {
            let line = self.message.index.lines.get(usize::from(slot));
            line.map_or(lines.len(), |line| line.name.start())
        };
        match place {
            Place::Run { from, to } => {
                let old = self.lines(from, to);
                out.count_lines(old.len());
                let (begin, end) = (start(from), start(to));
                out.put(&lines[begin..end]);
                for line in old {
                    index.lines.push(line.moved(begin, at, 0));
                }
                return Ok(());
            }
            Place::Kept { slot, cut } => {
                let (line, cut) = (self.line(slot), usize::from(cut));
                out.count_lines(1);
                out.put(&lines[start(slot)..line.value.start()]);
                out.put(&lines[line.value.start() + cut..start(slot + 1)]);
                index.lines.push(line.moved(start(slot), at, cut));
                return Ok(());
            }
            Place::New(slot) => {
                self.new.check_line(slot)?;
                out.count_lines(1);
                for part in [self.new.name(slot).as_str(), COLON, self.new.value(slot), LINE_END] {
                    out.put(part.as_bytes());
                }
            }
            Place::Length => {
                out.count_lines(1);
                for part in [b"Content-Length: ", length.as_bytes(), b"\r\n"] {
                    out.put(part);
                }
            }
        }
        index.lines.push(Line::written(self.name(place), at, out.position()));
        Ok(())
    }
}

fn is_list(id: HeaderId) -> bool {
    rows().iter().any(|row| row.id == id && row.form == Form::List)
}

/// Shows where the lines come from; values may hold credentials.
impl fmt::Debug for Edit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit")
            .field("message", self.message)
            .field("lines", &self.order)
            .finish_non_exhaustive()
    }
}
