use crate::header::{PAssertedIdentity, PPreferredIdentity, TypedHeader};
use crate::{Message, NameAddr, ParseError, ParseErrorKind, Scheme};

/// What P-Asserted-Identity or P-Preferred-Identity says: a SIP address, a telephone number, or both (RFC 3325
/// §9.1, §9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identities<'a> {
    /// The identity with a `sip:` or `sips:` URI.
    pub sip: Option<NameAddr<'a>>,
    /// The identity with a `tel:` URI.
    pub tel: Option<NameAddr<'a>>,
}

/// Parses one identity: a `sip:`, `sips:` or `tel:` URI, else [`ParseErrorKind::Uri`].
///
/// Parameters have no place here by RFC 3325; they are taken, because networks add their own.
pub(crate) fn parse_identity(value: &str) -> Result<NameAddr<'_>, ParseError> {
    let identity = NameAddr::parse(value)?;
    match identity.uri.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(identity),
        Scheme::Other => Err(ParseError::of(ParseErrorKind::Uri, value, identity.uri.as_str())),
    }
}

impl Message {
    /// Who calls, as the network asserts it: both fields are empty if it does not.
    ///
    /// A second identity of the same kind is [`ParseErrorKind::Duplicate`].
    pub fn asserted_identities(&self) -> Result<Identities<'_>, ParseError> {
        self.identities::<PAssertedIdentity>()
    }

    /// Who the caller wishes to be to the network; as [`asserted_identities`](Self::asserted_identities).
    pub fn preferred_identities(&self) -> Result<Identities<'_>, ParseError> {
        self.identities::<PPreferredIdentity>()
    }

    fn identities<'a, H>(&'a self) -> Result<Identities<'a>, ParseError>
    where
        H: TypedHeader<Value<'a> = NameAddr<'a>>,
    {
        let mut identities = Identities::default();
        for identity in self.values::<H>() {
            let identity = identity?;
            let slot = match identity.uri.scheme() {
                Scheme::Tel => &mut identities.tel,
                Scheme::Sip | Scheme::Sips | Scheme::Other => &mut identities.sip,
            };
            if slot.replace(identity).is_some() {
                let at = identity.uri.as_str().as_ptr().addr() - self.bytes().as_ptr().addr();
                return Err(ParseError::new(ParseErrorKind::Duplicate, at).of_header(H::ID));
            }
        }
        Ok(identities)
    }
}
