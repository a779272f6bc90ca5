use core::fmt::{self, Display};
use std::borrow::Cow;

use bytes::Bytes;

use super::lines::Lines;
use super::writer::{Body, Writer};
use crate::header_id::HeaderSet;
use crate::lex::{self, Class};
use crate::{BuildError, CSeq, HeaderId, Method, ParseError, ParseErrorKind};

/// A request whose Via and Contact are not known yet: they come from the hop it is sent on.
///
/// Values are kept as given and checked by [`encode`](Self::encode), which is the only way to bytes.
#[derive(Clone)]
pub struct Draft {
    method: Method,
    uri: String,
    lines: Lines,
    contact: ContactWish,
    /// Parameters for the Contact that the hop gives: of its URI, and of the header.
    contact_params: Option<Box<(String, String)>>,
    body: Option<Body>,
}

/// Whether the hop is asked for a Contact.
#[derive(Debug, Clone)]
enum ContactWish {
    None,
    /// A Contact without user part.
    Host,
    User(String),
    /// A URI that does not depend on the hop.
    Uri(String),
}

/// Headers that stand in every request (RFC 3261 §8.1.1); Via comes with the hop, Max-Forwards has a default.
const MANDATORY: [HeaderId; 4] = [HeaderId::From, HeaderId::To, HeaderId::CallId, HeaderId::CSeq];

/// Headers that the encoder writes.
const WRITTEN: HeaderSet = HeaderSet::of(&[HeaderId::Via, HeaderId::ContentLength]);

/// The recommended first value (RFC 3261 §8.1.1.6).
pub(super) const MAX_FORWARDS: &str = "70";

impl Draft {
    /// Starts a request.
    pub fn request(method: Method, uri: &str) -> Draft {
        Draft {
            method,
            uri: uri.into(),
            lines: Lines::default(),
            contact: ContactWish::None,
            contact_params: None,
            body: None,
        }
    }

    /// Adds a header line; lines are written in the order in which they were added.
    #[must_use]
    pub fn header(mut self, id: HeaderId, value: impl Display) -> Draft {
        self.push(id, value);
        self
    }

    /// Adds a header line in place.
    pub fn push(&mut self, id: HeaderId, value: impl Display) {
        self.lines.push(id, value);
    }

    /// Replaces all lines of that header by one, written after the others.
    pub fn set(&mut self, id: HeaderId, value: impl Display) {
        self.lines.remove(id);
        self.lines.push(id, value);
    }

    /// Removes all lines of that header.
    pub fn remove(&mut self, id: HeaderId) {
        self.lines.remove(id);
    }

    /// Changes the Request-URI, for a redirection.
    pub fn set_uri(&mut self, uri: &str) {
        self.uri = uri.into();
    }

    /// Adds a header line by name; a well-known name, long or compact, counts as that header.
    #[must_use]
    pub fn extension(mut self, name: &str, value: impl Display) -> Draft {
        self.lines.push_named(name, value);
        self
    }

    /// Asks for a Contact when the hop is known, with that user part.
    #[must_use]
    pub fn contact_user(mut self, user: Option<&str>) -> Draft {
        self.contact = user.map_or(ContactWish::Host, |user| ContactWish::User(user.into()));
        self
    }

    /// Gives parameters to the Contact that the hop gives: to its URI (`;ob`, RFC 5626 §4.3) and to the header
    /// (`;expires=60`), each as it is to be written.
    #[must_use]
    pub fn contact_params(mut self, uri: &str, header: &str) -> Draft {
        self.contact_params = Some(Box::new((uri.into(), header.into())));
        self
    }

    /// Sets a Contact that does not depend on the hop: a GRUU (RFC 5627 §4.4).
    #[must_use]
    pub fn contact_uri(mut self, uri: &str) -> Draft {
        self.contact = ContactWish::Uri(uri.into());
        self
    }

    /// Sets the body and its Content-Type; a second call replaces the first.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Draft {
        self.body = Some(Body::new(content_type, body));
        self
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The values given for that header, in order.
    pub fn header_values(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.lines.values(id)
    }

    /// The body, empty if none was set.
    pub fn body_bytes(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |body| &body.bytes)
    }

    /// Whether the hop has to give a Contact: `Some(user part)` after [`contact_user`](Self::contact_user).
    pub fn contact_user_wanted(&self) -> Option<Option<&str>> {
        match &self.contact {
            ContactWish::None | ContactWish::Uri(_) => None,
            ContactWish::Host => Some(None),
            ContactWish::User(user) => Some(Some(user)),
        }
    }

    /// Writes the request: Via first, Contact after the given headers, then Content-Type, Content-Length
    /// last.
    ///
    /// `via` is the value of the Via header; `contact` is the whole Contact value, written if the draft
    /// wants one and needed then. `Max-Forwards: 70` is added if none was given. A mandatory header may not be empty,
    /// and `CSeq` names the method. Errors: see
    /// [`BuildError`]; a REFER needs exactly one Refer-To (RFC 3515 §2.4.1).
    pub fn encode(&self, via: &str, contact: Option<&str>) -> Result<Bytes, BuildError> {
        check_request_uri(&self.uri)?;
        self.lines.check(WRITTEN)?;
        if via.is_empty() {
            return Err(BuildError::Missing(HeaderId::Via));
        }
        if let Some(id) = MANDATORY.into_iter().find(|id| !self.lines.gives(*id)) {
            return Err(BuildError::Missing(id));
        }
        let cseq = self.lines.values(HeaderId::CSeq).next().map(CSeq::parse).transpose()?;
        if cseq.is_some_and(|cseq| cseq.method != self.method) {
            return Err(ParseError::new(ParseErrorKind::CSeqMethod, 0).of_header(HeaderId::CSeq).into());
        }
        if self.method == Method::Refer && !self.lines.has(HeaderId::ReferTo) {
            return Err(BuildError::Missing(HeaderId::ReferTo));
        }
        if self.body.is_some() && self.lines.has(HeaderId::ContentType) {
            return Err(BuildError::Duplicate(HeaderId::ContentType));
        }
        let contact = self.contact_line(contact)?;
        let hops = if self.lines.has(HeaderId::MaxForwards) { None } else { Some(MAX_FORWARDS) };
        Writer::encode(|out| {
            out.start([self.method.as_str().as_bytes(), b" ", self.uri.as_bytes(), b" SIP/2.0"])?;
            out.header(HeaderId::Via, via)?;
            hops.map_or(Ok(()), |hops| out.header(HeaderId::MaxForwards, hops))?;
            self.lines.write(out)?;
            contact.as_deref().map_or(Ok(()), |contact| out.header(HeaderId::Contact, contact))?;
            out.finish(self.body.as_ref())
        })
    }
}

impl Draft {
    /// The Contact value: what the hop gives with the parameters that were asked for, or the URI that was set.
    fn contact_line<'a>(&self, hops: Option<&'a str>) -> Result<Option<Cow<'a, str>>, BuildError> {
        if matches!(self.contact, ContactWish::None) {
            return Ok(None);
        }
        if self.lines.has(HeaderId::Contact) {
            return Err(BuildError::Duplicate(HeaderId::Contact));
        }
        if let ContactWish::Uri(uri) = &self.contact {
            check_request_uri(uri)?;
            return Ok(Some(format!("<{uri}>").into()));
        }
        let hops = hops.ok_or(BuildError::Missing(HeaderId::Contact))?;
        Ok(Some(match self.contact_params.as_deref() {
            None => hops.into(),
            Some((uri, header)) => format!("{}{uri}>{header}", hops.strip_suffix('>').unwrap_or(hops)).into(),
        }))
    }
}

/// The URI is written as given, so nothing in it may end the word or the line.
pub(super) fn check_request_uri(uri: &str) -> Result<(), BuildError> {
    if uri.is_empty() || lex::until(uri.as_bytes(), 0, Class::NOT_URI) < uri.len() {
        return Err(BuildError::RequestUri);
    }
    Ok(())
}

/// Shows method and header count; values may hold credentials.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("method", &self.method)
            .field("contact", &!matches!(self.contact, ContactWish::None))
            .field("body", &self.body_bytes().len())
            .finish_non_exhaustive()
    }
}
