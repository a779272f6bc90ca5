use core::fmt::{self, Display};
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::block::Block;
use super::lines::{Lines, Tally};
use super::writer::{Body, Writer};
use crate::header_id::HeaderSet;
use crate::lex::{self, Class};
use crate::{BuildError, CSeq, HeaderId, Method, ParseError, ParseErrorKind};

/// A request whose Via and Contact are not known yet: they come from the hop it is sent on.
///
/// Values are kept as given and checked by [`encode`](Self::encode), which is the only way to bytes. A clone shares everything
/// until one of both is changed.
#[derive(Clone)]
pub struct Draft(Arc<Parts>);

#[derive(Clone)]
struct Parts {
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
        Draft(Arc::new(Parts {
            method,
            uri: uri.into(),
            lines: Lines::default(),
            contact: ContactWish::None,
            contact_params: None,
            body: None,
        }))
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }

    /// Adds a header line; lines are written in the order in which they were added.
    #[must_use]
    pub fn header(mut self, id: HeaderId, value: impl Display) -> Draft {
        self.push(id, value);
        self
    }

    /// Adds a header line in place.
    pub fn push(&mut self, id: HeaderId, value: impl Display) {
        self.parts().lines.push(id, value);
    }

    /// Adds a header line in place, with a value of these parts, one behind the other: cheaper than what has to be formatted.
    pub fn push_parts(&mut self, id: HeaderId, parts: &[&str]) {
        self.parts().lines.push_parts(id, parts);
    }

    /// Adds the `CSeq` with that number and the method of the request.
    pub fn push_cseq(&mut self, number: u32) {
        let Parts { method, lines, .. } = self.parts();
        lines.push_number(HeaderId::CSeq, number.into(), [" ", method.as_str()]);
    }

    /// Adds the lines of a block.
    #[must_use]
    pub fn block(mut self, block: &Block) -> Draft {
        self.parts().lines.append(&block.lines);
        self
    }

    /// Replaces all lines of that header by one, written after the others.
    pub fn set(&mut self, id: HeaderId, value: impl Display) {
        self.parts().lines.remove(id);
        self.parts().lines.push(id, value);
    }

    /// Removes all lines of that header.
    pub fn remove(&mut self, id: HeaderId) {
        self.parts().lines.remove(id);
    }

    /// Changes the Request-URI, for a redirection.
    pub fn set_uri(&mut self, uri: &str) {
        self.parts().uri = uri.into();
    }

    /// Adds a header line by name; a well-known name, long or compact, counts as that header.
    #[must_use]
    pub fn extension(mut self, name: &str, value: impl Display) -> Draft {
        self.parts().lines.push_named(name, value);
        self
    }

    /// Asks for a Contact when the hop is known, with that user part.
    #[must_use]
    pub fn contact_user(mut self, user: Option<&str>) -> Draft {
        self.parts().contact = user.map_or(ContactWish::Host, |user| ContactWish::User(user.into()));
        self
    }

    /// Gives parameters to the Contact that the hop gives: to its URI (`;ob`, RFC 5626 §4.3) and to the header
    /// (`;expires=60`), each as it is to be written.
    #[must_use]
    pub fn contact_params(mut self, uri: &str, header: &str) -> Draft {
        self.parts().contact_params = Some(Box::new((uri.into(), header.into())));
        self
    }

    /// Sets a Contact that does not depend on the hop: a GRUU (RFC 5627 §4.4).
    #[must_use]
    pub fn contact_uri(mut self, uri: &str) -> Draft {
        self.parts().contact = ContactWish::Uri(uri.into());
        self
    }

    /// Sets the body and its Content-Type; a second call replaces the first.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Draft {
        self.parts().body = Some(Body::new(content_type, body));
        self
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The Request-URI.
    pub fn uri(&self) -> &str {
        &self.0.uri
    }

    /// The values given for that header, in order.
    pub fn header_values(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.0.lines.values(id)
    }

    /// The body, empty if none was set.
    pub fn body_bytes(&self) -> &[u8] {
        self.0.body.as_ref().map_or(&[], |body| &body.bytes)
    }

    /// Whether the hop has to give a Contact: `Some(user part)` after [`contact_user`](Self::contact_user).
    pub fn contact_user_wanted(&self) -> Option<Option<&str>> {
        match &self.0.contact {
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
        let Parts { method, uri, lines, body, .. } = &*self.0;
        check_request_uri(uri)?;
        let given = lines.check(WRITTEN)?;
        if via.is_empty() {
            return Err(BuildError::Missing(HeaderId::Via));
        }
        if let Some(id) = MANDATORY.into_iter().find(|id| !lines.gives(*id)) {
            return Err(BuildError::Missing(id));
        }
        let cseq = lines.values(HeaderId::CSeq).next().map(CSeq::parse).transpose()?;
        if cseq.is_some_and(|cseq| cseq.method != *method) {
            return Err(ParseError::new(ParseErrorKind::CSeqMethod, 0).of_header(HeaderId::CSeq).into());
        }
        if *method == Method::Refer && !given.has(HeaderId::ReferTo) {
            return Err(BuildError::Missing(HeaderId::ReferTo));
        }
        if body.is_some() && given.has(HeaderId::ContentType) {
            return Err(BuildError::Duplicate(HeaderId::ContentType));
        }
        let contact = self.contact_line(contact, &given)?;
        let mut out = Writer::default();
        out.start([method.as_str().as_bytes(), b" ", uri.as_bytes(), b" SIP/2.0"])?;
        out.header(HeaderId::Via, via)?;
        if !given.has(HeaderId::MaxForwards) {
            out.copy(HeaderId::MaxForwards, &[MAX_FORWARDS.as_bytes()])?;
        }
        lines.write(&mut out)?;
        contact.as_deref().map_or(Ok(()), |contact| out.header(HeaderId::Contact, contact))?;
        out.finish(body.as_ref())?;
        out.bytes()
    }
}

impl Draft {
    /// The Contact value: what the hop gives with the parameters that were asked for, or the URI that was set.
    fn contact_line<'a>(
        &self,
        hops: Option<&'a str>,
        given: &Tally,
    ) -> Result<Option<Cow<'a, str>>, BuildError> {
        if matches!(self.0.contact, ContactWish::None) {
            return Ok(None);
        }
        if given.has(HeaderId::Contact) {
            return Err(BuildError::Duplicate(HeaderId::Contact));
        }
        if let ContactWish::Uri(uri) = &self.0.contact {
            check_request_uri(uri)?;
            return Ok(Some(format!("<{uri}>").into()));
        }
        let hops = hops.ok_or(BuildError::Missing(HeaderId::Contact))?;
        Ok(Some(match self.0.contact_params.as_deref() {
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
            .field("method", &self.0.method)
            .field("contact", &!matches!(self.0.contact, ContactWish::None))
            .field("body", &self.body_bytes().len())
            .finish_non_exhaustive()
    }
}
