//! Typed values of a message, made on demand from the index.

use core::num::NonZeroU32;

use crate::header::{self, TypedHeader};
use crate::headers::{
    self, CSeq, Event, Join, RAck, Reason, ReferSub, ReferTo, Replaces, RetryAfter, SessionExpires,
    SubscriptionState, TargetDialog, Via,
};
use crate::index::Span;
use crate::lex::{self, List};
use crate::memo::{AddressPlaces, Identity, TopVia};
use crate::values::{Parts, Values};
use crate::{HeaderId, Limits, Message, Method, NameAddr, ParseError, ParseErrorKind, Uri};

impl Message {
    fn identity(&self) -> &Identity {
        self.memo.identity.get_or_init(|| Identity::read(self))
    }

    fn via(&self) -> &TopVia {
        self.memo.via.get_or_init(|| TopVia::read(self))
    }

    /// The Request-URI in parts; an error for a response.
    pub fn request_target(&self) -> Result<Uri<'_>, ParseError> {
        let text = self.request_uri().ok_or(ParseError::new(ParseErrorKind::StartLine, 0))?;
        let parts = self.memo.target.get_or_init(|| {
            let start = Span::within(self.text(), text).start();
            Uri::parse(text).map(|uri| uri.parts()).map_err(|error| error.shifted(start))
        });
        read(parts, |parts| Uri::of_parts(text, *parts))
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via<'_>, ParseError> {
        read(&self.via().via, |places| places.read(self.text()))
    }

    /// Whether there is a Via below the topmost: a response with one is not for who reads it (RFC 3261 §8.1.3.3).
    pub fn has_lower_via(&self) -> bool {
        self.via().lower
    }

    /// The Via values in order, all lines, lists split.
    pub fn vias(&self) -> impl Iterator<Item = &str> {
        self.items(HeaderId::Via)
    }

    /// The From address.
    pub fn from(&self) -> Result<NameAddr<'_>, ParseError> {
        read(&self.identity().from, |places| places.read(self.text()))
    }

    /// The To address.
    pub fn to(&self) -> Result<NameAddr<'_>, ParseError> {
        read(&self.identity().to, |places| places.read(self.text()))
    }

    /// The tag of From; `None` also if From cannot be read.
    pub fn from_tag(&self) -> Option<&str> {
        self.identity().from.as_ref().ok()?.tag(self.text())
    }

    /// The tag of To; `None` also if To cannot be read.
    pub fn to_tag(&self) -> Option<&str> {
        self.identity().to.as_ref().ok()?.tag(self.text())
    }

    /// The Call-ID: printable, without blanks; compared byte for byte.
    pub fn call_id(&self) -> Result<&str, ParseError> {
        read(&self.identity().call_id, |place| place.text(self.text()))
    }

    /// The sequence number and its method.
    pub fn cseq(&self) -> Result<CSeq, ParseError> {
        self.identity().cseq
    }

    /// The first Contact; `Contact: *` is an error here.
    pub fn contact(&self) -> Result<Option<NameAddr<'_>>, ParseError> {
        let text = self.text();
        let contact = self.memo.contact.get_or_init(|| {
            self.first_item(HeaderId::Contact, |value| {
                NameAddr::parse(value).map(|address| AddressPlaces::of(&address, text))
            })
        });
        read(contact, |places| places.as_ref().map(|places| places.read(text)))
    }

    /// How many Contact values there are, lists split.
    pub fn contact_count(&self) -> usize {
        self.items(HeaderId::Contact).count()
    }

    /// All Contacts in order, lists split.
    pub fn contacts(&self) -> Result<Vec<NameAddr<'_>>, ParseError> {
        self.addresses(HeaderId::Contact)
    }

    /// The Record-Route set in the order of the message, lists split.
    pub fn record_routes(&self) -> Result<Vec<NameAddr<'_>>, ParseError> {
        self.addresses(HeaderId::RecordRoute)
    }

    /// The Route set in order, lists split.
    pub fn routes(&self) -> Result<Vec<NameAddr<'_>>, ParseError> {
        self.addresses(HeaderId::Route)
    }

    /// The remaining hops (RFC 3261 §20.22). A number above 255 is given as it is and counts down all the same: RFC 4475
    /// §3.1.2.4 lets such a request pass.
    pub fn max_forwards(&self) -> Result<Option<u32>, ParseError> {
        self.optional(HeaderId::MaxForwards, headers::seconds)
    }

    /// The `Expires` seconds, capped at `u32::MAX`; `None` if absent or unreadable (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.only::<header::Expires>().ok().flatten()
    }

    /// The `Min-Expires` seconds; `None` if absent or unreadable.
    pub fn min_expires(&self) -> Option<u32> {
        self.only::<header::MinExpires>().ok().flatten()
    }

    /// The `Min-SE` seconds (RFC 4028 §5), parameters passed over; `None` if absent or unreadable.
    pub fn min_se(&self) -> Option<u32> {
        self.only::<header::MinSe>().ok().flatten().map(|least| least.seconds)
    }

    /// The session interval.
    pub fn session_expires(&self) -> Result<Option<SessionExpires<'_>>, ParseError> {
        self.optional(HeaderId::SessionExpires, SessionExpires::parse)
    }

    /// The `RSeq` number of a reliable provisional response (RFC 3262 §7.1); `None` if absent or unreadable.
    pub fn rseq(&self) -> Option<u32> {
        self.only::<header::RSeq>().ok().flatten().map(NonZeroU32::get)
    }

    /// Which provisional response a PRACK acknowledges.
    pub fn rack(&self) -> Result<Option<RAck>, ParseError> {
        self.optional(HeaderId::RAck, RAck::parse)
    }

    /// The one Refer-To of a REFER; none, several lines or a list are errors (RFC 3515 §2.4.2).
    pub fn refer_to(&self) -> Result<ReferTo<'_>, ParseError> {
        self.required(HeaderId::ReferTo, ReferTo::parse)
    }

    /// Who asks for the transfer (RFC 3892 §3); several values are an error.
    pub fn referred_by(&self) -> Result<Option<NameAddr<'_>>, ParseError> {
        self.optional(HeaderId::ReferredBy, NameAddr::parse)
    }

    /// The dialog to replace; several values are an error (RFC 3891 §3).
    pub fn replaces(&self) -> Result<Option<Replaces>, ParseError> {
        self.optional(HeaderId::Replaces, Replaces::parse)
    }

    /// The dialog to join; several values are an error (RFC 3911 §4).
    pub fn join(&self) -> Result<Option<Join>, ParseError> {
        self.optional(HeaderId::Join, Join::parse)
    }

    /// The dialog whose authorisation the request borrows (RFC 4538).
    pub fn target_dialog(&self) -> Result<Option<TargetDialog>, ParseError> {
        self.optional(HeaderId::TargetDialog, TargetDialog::parse)
    }

    /// Where the state of an explicit subscription is to be had (RFC 7614 §4.8).
    pub fn refer_events_at(&self) -> Result<Option<NameAddr<'_>>, ParseError> {
        self.optional(HeaderId::ReferEventsAt, NameAddr::parse)
    }

    /// The event package.
    pub fn event(&self) -> Result<Option<Event<'_>>, ParseError> {
        self.optional(HeaderId::Event, Event::parse)
    }

    /// The state of the subscription.
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'_>>, ParseError> {
        self.optional(HeaderId::SubscriptionState, SubscriptionState::parse)
    }

    /// Whether the REFER makes a subscription (RFC 4488 §4); any word but `true` and `false` is an error.
    pub fn refer_sub(&self) -> Result<Option<bool>, ParseError> {
        Ok(self.optional(HeaderId::ReferSub, ReferSub::parse)?.map(|value| value.subscribe))
    }

    /// When to try again.
    pub fn retry_after(&self) -> Result<Option<RetryAfter<'_>>, ParseError> {
        self.optional(HeaderId::RetryAfter, RetryAfter::parse)
    }

    /// The first Reason (RFC 3326).
    pub fn reason_header(&self) -> Result<Option<Reason<'_>>, ParseError> {
        self.first_item(HeaderId::Reason, Reason::parse)
    }

    /// All Reasons that can be read, one per protocol in a well-formed message.
    pub fn reason_headers(&self) -> impl Iterator<Item = Reason<'_>> {
        self.items(HeaderId::Reason).filter_map(|value| Reason::parse(value).ok())
    }

    /// The methods in Allow; items that are no method are passed over.
    pub fn allow(&self) -> impl Iterator<Item = Method> {
        self.tokens(HeaderId::Allow).filter_map(|item| Method::parse(item).ok())
    }

    /// The event packages in Allow-Events.
    pub fn allow_events(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderId::AllowEvents)
    }

    /// The option tags in Supported, all lines.
    pub fn supported(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderId::Supported)
    }

    /// The option tags in Require, all lines.
    pub fn require(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderId::Require)
    }

    /// The option tags in Unsupported, all lines.
    pub fn unsupported(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderId::Unsupported)
    }

    /// The media type of the body, with parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.first(HeaderId::ContentType)
    }

    /// The one value of a header; [`Duplicate`](ParseErrorKind::Duplicate) if there are several.
    pub fn only<H: TypedHeader>(&self) -> Result<Option<H::Value<'_>>, ParseError> {
        let mut parts = Parts::of::<H>(self);
        let Some((base, value)) = parts.next() else { return Ok(None) };
        if let Some((second, _)) = parts.next() {
            return Err(ParseError::new(ParseErrorKind::Duplicate, second).of_header(H::ID));
        }
        H::parse(value).map(Some).map_err(|error| error.inside(H::ID, base))
    }

    /// The first value of a header; those behind it are not looked at.
    pub fn top<H: TypedHeader>(&self) -> Result<Option<H::Value<'_>>, ParseError> {
        self.values::<H>().next().transpose()
    }

    /// The values of a header in order, all lines; ends with
    /// [`TooManyParts`](ParseErrorKind::TooManyParts) beyond [`Limits::LIST_ITEMS`].
    pub fn values<H: TypedHeader>(&self) -> Values<'_, H> {
        Values::of(self)
    }

    /// The values of a list header, all lines, split at commas outside quotes and brackets.
    pub fn items(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.all(id).flat_map(List::new)
    }

    /// The values of a list of tokens, all lines: in such a list neither quotes nor brackets hide a comma.
    fn tokens(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.all(id).flat_map(lex::tokens)
    }

    /// Checks what every message must have (RFC 3261 §8.1.1, §8.2): the faults that are answered 400 or 505.
    ///
    /// Via, every one of them, From, To, Call-ID and `CSeq` are there and can be read; a request speaks SIP/2.0, its `CSeq`
    /// names its method, its Request-URI and Max-Forwards can be read; From and To have one tag at most, which is not empty; no
    /// header that may stand once stands twice (Refer-To apart, of which the transfer layer judges). [`ParseError::status`] gives the code of
    /// the answer.
    pub fn check(&self) -> Result<(), ParseError> {
        *self.memo.check.get_or_init(|| self.inspect())
    }

    fn inspect(&self) -> Result<(), ParseError> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        if !self.version_known() {
            return Err(ParseError::new(ParseErrorKind::Version, 0));
        }
        self.top_via()?;
        if self.has_lower_via() {
            self.values::<header::Via>().try_for_each(|via| via.map(drop))?;
        }
        for (id, address) in [(HeaderId::From, self.from()?), (HeaderId::To, self.to()?)] {
            // The tag names the dialog, and of two nobody can say which (RFC 3261 §7.3.1).
            if address.tags() > 1 {
                let offset = self.line(id).map_or(0, |line| line.value.start());
                return Err(ParseError::new(ParseErrorKind::Duplicate, offset).of_header(id));
            }
            // An answer could not be given a tag beside one that is empty.
            if address.tags() > 0 && address.tag().is_none() {
                let offset = self.line(id).map_or(0, |line| line.value.start());
                return Err(ParseError::new(ParseErrorKind::Parameter, offset).of_header(id));
            }
        }
        self.call_id()?;
        let cseq = self.cseq()?;
        if let Some(method) = self.method() {
            if cseq.method != method {
                return Err(ParseError::new(ParseErrorKind::CSeqMethod, 0).of_header(HeaderId::CSeq));
            }
            self.request_target()?;
            self.max_forwards()?;
        }
        match self.repeated().find(|(id, _)| id.is_single() && *id != HeaderId::ReferTo) {
            Some((id, at)) => Err(ParseError::new(ParseErrorKind::Duplicate, at).of_header(id)),
            None => Ok(()),
        }
    }

    pub(crate) fn required<'a, T>(
        &'a self,
        id: HeaderId,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        self.optional(id, parse)?.ok_or(missing(id))
    }

    /// Reads a header that may stand once.
    fn optional<'a, T>(
        &'a self,
        id: HeaderId,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        let mut lines = self.lines(id);
        let Some(line) = lines.next() else { return Ok(None) };
        if let Some(second) = lines.next() {
            return Err(ParseError::new(ParseErrorKind::Duplicate, second.name.start()).of_header(id));
        }
        parse(self.value_of(line)).map(Some).map_err(|error| error.inside(id, line.value.start()))
    }

    /// Reads the first item of a list header.
    fn first_item<'a, T>(
        &'a self,
        id: HeaderId,
        parse: impl FnOnce(&'a str) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        for line in self.lines(id) {
            let value = self.value_of(line);
            if let Some(item) = List::new(value).next() {
                let base = line.value.start() + (item.as_ptr().addr() - value.as_ptr().addr());
                return parse(item).map(Some).map_err(|error| error.inside(id, base));
            }
        }
        Ok(None)
    }

    fn addresses(&self, id: HeaderId) -> Result<Vec<NameAddr<'_>>, ParseError> {
        let mut addresses = Vec::new();
        for line in self.lines(id) {
            let value = self.value_of(line);
            for item in List::new(value) {
                let base = line.value.start() + (item.as_ptr().addr() - value.as_ptr().addr());
                if addresses.len() >= Limits::LIST_ITEMS {
                    return Err(ParseError::new(ParseErrorKind::TooManyParts, base).of_header(id));
                }
                addresses.push(NameAddr::parse(item).map_err(|error| error.inside(id, base))?);
            }
        }
        Ok(addresses)
    }
}

/// What is made of places, or why there are none.
fn read<P, T>(places: &Result<P, ParseError>, make: impl FnOnce(&P) -> T) -> Result<T, ParseError> {
    places.as_ref().map(make).map_err(|error| *error)
}

fn missing(id: HeaderId) -> ParseError {
    ParseError::new(ParseErrorKind::Missing, 0).of_header(id)
}
