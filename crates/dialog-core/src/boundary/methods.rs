//! The methods of an Allow (RFC 3261 §20.5).

use sip_message::Method;

/// A set of the methods that have a name in [`Method`]; one bit each, so that a peer cannot make it larger.
///
/// A method without such a name is never in it: nothing here sends one because the peer has named it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Methods(u16);

impl Methods {
    /// Whether the method is in it.
    pub fn contains(self, method: &Method) -> bool {
        bit(method).is_some_and(|bit| self.0 & bit != 0)
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        Self(methods.into_iter().filter_map(|method| bit(&method)).fold(0, |all, bit| all | bit))
    }
}

const fn bit(method: &Method) -> Option<u16> {
    let place = match method {
        Method::Invite => 0,
        Method::Ack => 1,
        Method::Bye => 2,
        Method::Cancel => 3,
        Method::Options => 4,
        Method::Register => 5,
        Method::Refer => 6,
        Method::Notify => 7,
        Method::Subscribe => 8,
        Method::Prack => 9,
        Method::Update => 10,
        Method::Info => 11,
        Method::Message => 12,
        Method::Publish => 13,
        Method::Other(_) => return None,
    };
    Some(1 << place)
}
