use core::fmt::Display;

use bytes::Bytes;

use super::block::Block;
use super::lines::Lines;
use super::writer::{Body, Writer};
use crate::{
    BuildError, HeaderId, Limits, List, Message, NameAddr, ParseError, ParseErrorKind, StatusCode,
    header_id::HeaderSet, lex,
};

/// A response to a request: Via, From, To, Call-ID and `CSeq` are copied from it (RFC 3261 §8.2.6.2).
///
/// It borrows the request, its tag and its topmost Via until it is encoded.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    request: &'a Message,
    status: StatusCode,
    reason: Option<&'a str>,
    to_tag: Option<&'a str>,
    top_via: Option<&'a str>,
    record_routes: bool,
    dialog_forming: bool,
    lines: Lines,
    body: Option<Body>,
}

/// Headers that are copied, and hence cannot be given.
const COPIED: HeaderSet = HeaderSet::of(&[
    HeaderId::Via,
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::ContentLength,
]);

impl<'a> Response<'a> {
    /// Starts a response with the standard phrase of the code.
    pub fn to(request: &'a Message, status: StatusCode) -> Response<'a> {
        Response {
            request,
            status,
            reason: None,
            to_tag: None,
            top_via: None,
            record_routes: false,
            dialog_forming: false,
            lines: Lines::default(),
            body: None,
        }
    }

    /// Sets the reason phrase.
    #[must_use]
    pub fn reason(mut self, reason: &'a str) -> Response<'a> {
        self.reason = Some(reason);
        self
    }

    /// Gives the To a tag; left out of a 100, and where the request's To has a tag (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn to_tag(mut self, tag: &'a str) -> Response<'a> {
        self.to_tag = Some(tag);
        self
    }

    /// Replaces the topmost Via by one with `received` and `rport` as the transport saw them.
    ///
    /// See [`Via::received_from`](crate::Via::received_from).
    #[must_use]
    pub fn top_via(mut self, value: &'a str) -> Response<'a> {
        self.top_via = Some(value);
        self
    }

    /// Copies the Record-Route headers (RFC 3261 §12.1.1).
    #[must_use]
    pub fn record_routes(mut self) -> Response<'a> {
        self.record_routes = true;
        self
    }

    /// Copies the Record-Route headers and demands a Contact and a To tag, as a response that makes a dialog
    /// must have them (RFC 3261 §12.1.1).
    #[must_use]
    pub fn dialog_forming(mut self) -> Response<'a> {
        self.record_routes = true;
        self.dialog_forming = true;
        self
    }

    /// Adds a Contact line.
    #[must_use]
    pub fn contact(mut self, value: &str) -> Response<'a> {
        self.push_parts(HeaderId::Contact, &[value]);
        self
    }

    /// Adds a header line; lines are written in the order in which they were added.
    #[must_use]
    pub fn header(mut self, id: HeaderId, value: impl Display) -> Response<'a> {
        self.push(id, value);
        self
    }

    /// Adds a header line in place.
    pub fn push(&mut self, id: HeaderId, value: impl Display) {
        self.lines.push(id, value);
    }

    /// Adds a header line in place, with a value of these parts, one behind the other: cheaper than what has to be formatted.
    pub fn push_parts(&mut self, id: HeaderId, parts: &[&str]) {
        self.lines.push_parts(id, parts);
    }

    /// Adds the lines of a block.
    #[must_use]
    pub fn block(mut self, block: &Block) -> Response<'a> {
        self.lines.append(&block.lines);
        self
    }

    /// Adds a header line by name; a well-known name, long or compact, counts as that header.
    #[must_use]
    pub fn extension(mut self, name: &str, value: impl Display) -> Response<'a> {
        self.lines.push_named(name, value);
        self
    }

    /// Sets the body and its Content-Type; a second call replaces the first.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Response<'a> {
        self.body = Some(Body::new(content_type, body));
        self
    }

    /// The status code.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Writes the response.
    ///
    /// Headers that the request lacks are left out, so that a request can be refused for lacking them; Via is
    /// needed always, for without it nobody can be answered. Errors: see [`BuildError`];
    /// [`LineTooLong`](BuildError::LineTooLong) for a header of the request too, of which the name is written long and To
    /// gets its tag, [`SourceValue`](BuildError::SourceValue) for a To with no room for one more parameter.
    pub fn encode(self) -> Result<Bytes, BuildError> {
        let request = self.request;
        if !request.is_request() {
            return Err(BuildError::Source("a response answers a request"));
        }
        let given = self.lines.check(COPIED)?;
        if self.body.is_some() && given.has(HeaderId::ContentType) {
            return Err(BuildError::Duplicate(HeaderId::ContentType));
        }
        if self.dialog_forming && !given.has(HeaderId::Contact) {
            return Err(BuildError::Missing(HeaderId::Contact));
        }
        if self.reason.is_some_and(|reason| lex::has_line_breaker(reason.as_bytes())) {
            return Err(BuildError::ControlCharacter("reason phrase".into()));
        }
        let reason = self.reason.unwrap_or(self.status.reason_phrase());
        let tag = self.new_tag()?;
        let status = self.status.to_digits();
        let timestamp = self.status == StatusCode::TRYING && !given.has(HeaderId::Timestamp);
        let mut vias = request.all(HeaderId::Via).map(List::new);
        let (top, rest) = vias
            .find_map(|mut list| list.next().map(|top| (top, list.rest())))
            .ok_or(BuildError::Missing(HeaderId::Via))?;
        let mut out = Writer::default();
        out.start([b"SIP/2.0 ", &status, b" ", reason.as_bytes()])?;
        match self.top_via {
            Some(marked) => out.header(HeaderId::Via, marked)?,
            None => out.copy(HeaderId::Via, &[top.as_bytes()])?,
        }
        // Every Via line in order, lists as they are: a line for each item of a long list would make the answer several
        // times as long as the request. Only the topmost value, which may be replaced, has a line of its own.
        core::iter::once(rest)
            .chain(vias.map(|list| list.rest()))
            .filter(|line| !line.is_empty())
            .try_for_each(|line| out.copy(HeaderId::Via, &[line.as_bytes()]))?;
        if self.record_routes {
            request
                .all(HeaderId::RecordRoute)
                .try_for_each(|value| out.copy(HeaderId::RecordRoute, &[value.as_bytes()]))?;
        }
        copy(request, HeaderId::From, &mut out)?;
        match (request.raw(HeaderId::To), tag) {
            (Some(value), Some(tag)) => out.copy(HeaderId::To, &[value, b";tag=", tag.as_bytes()])?,
            (Some(value), None) => out.copy(HeaderId::To, &[value])?,
            (None, _) => {}
        }
        copy(request, HeaderId::CallId, &mut out)?;
        copy(request, HeaderId::CSeq, &mut out)?;
        if timestamp {
            copy(request, HeaderId::Timestamp, &mut out)?;
        }
        self.lines.write(&mut out)?;
        out.finish(self.body.as_ref())?;
        out.bytes()
    }

    /// The To tag in a response that was encoded, without reading more than that.
    pub fn tag_in(wire: &[u8]) -> Option<&str> {
        let mut start = 0;
        let lines = memchr::memchr_iter(b'\n', wire).map(|end| {
            let line = wire[start..end].trim_ascii_end();
            start = end + 1;
            line
        });
        let value = lines.skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            (HeaderId::of_bytes(line[..colon].trim_ascii_end()) == Some(HeaderId::To))
                .then(|| &line[colon + 1..])
        })?;
        NameAddr::parse(lex::trim(core::str::from_utf8(value).ok()?)).ok()?.tag()
    }

    /// The tag that the request's To is to be given.
    fn new_tag(&self) -> Result<Option<&'a str>, BuildError> {
        let to = match self.request.to() {
            Ok(to) => Some(to),
            // Of two, the first is answered.
            Err(_) => self.request.first(HeaderId::To).and_then(|value| NameAddr::parse(value).ok()),
        };
        let tagless = to.filter(|to| to.tag().is_none());
        let tag = self.to_tag.filter(|_| tagless.is_some() && self.status != StatusCode::TRYING);
        if self.dialog_forming && tagless.is_some() && tag.is_none() {
            return Err(BuildError::Missing(HeaderId::To));
        }
        match tag {
            Some(tag) if !lex::is_token(tag) => Err(BuildError::Tag(tag.into())),
            Some(_) if tagless.is_some_and(|to| to.params.iter().count() >= Limits::PARAMETERS) => {
                Err(ParseError::new(ParseErrorKind::TooManyParts, 0).of_header(HeaderId::To).into())
            }
            tag => Ok(tag),
        }
    }
}

fn copy<'a>(request: &'a Message, id: HeaderId, out: &mut Writer<'a>) -> Result<(), BuildError> {
    request.raw(id).map_or(Ok(()), |value| out.copy(id, &[value]))
}
