//! How the REFER of a transfer is sent, and what it says beyond the target.

use dialog_core::ReferSubscription;
use sip_message::{NameAddrBuf, UserToUser as Value};
use thiserror::Error;

use crate::Fallback;

/// Most characters of User-to-User data: what an ISDN carries, 128 octets in hexadecimal digits (RFC 7433, RFC 7434).
pub const USER_TO_USER_MAX: usize = 256;

/// Most headers that are added to a REFER, and most to its Refer-To: a REFER by UDP has to fit a datagram.
pub const REFER_HEADERS_MAX: usize = 16;

/// How the REFER of a transfer is sent. The default suits most peers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReferOptions {
    /// Where the REFER is sent.
    pub placement: ReferPlacement,
    /// Which subscription is asked for.
    pub subscription: ReferSubscription,
    /// What Referred-By says.
    pub referred_by: ReferredBy,
    /// Headers of the REFER itself, for the peer that is referred: names and values; at most [`REFER_HEADERS_MAX`], none
    /// that the stack writes. Names without a meaning here are taken as they are.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Headers of the Refer-To URI, which the referred peer puts into its INVITE if it likes (RFC 3261 §19.1.5); escaped
    /// here, with the same bounds.
    pub uri_headers: Vec<(Box<str>, Box<str>)>,
    /// User-to-User data for the target, in the Refer-To URI (RFC 7433 §4.3, TR-263).
    pub user_to_user: Option<UserToUser>,
    /// Whether the REFER names us in Diversion (RFC 5806), which some providers ask of whoever transfers a call.
    pub diversion: bool,
    /// How a `tel` target is written.
    pub tel: TelTarget,
    /// What is done when the party cannot or will not be referred; `None` follows the policy.
    pub fallback: Option<Fallback>,
}

/// Where a REFER is sent (decision D2; RFC 7647 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferPlacement {
    /// In the dialog of the call; in one of its own, with Target-Dialog, if the peer's Contact is a GRUU, it has said that
    /// it knows Target-Dialog, and the REFER may make a subscription (TR-061 to TR-063).
    #[default]
    Auto,
    /// In the dialog of the call.
    InDialog,
    /// In a dialog of its own, with Target-Dialog.
    OutOfDialog,
}

/// What Referred-By says (RFC 3892 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReferredBy {
    /// Our address, without a display name (TR-140).
    #[default]
    Ours,
    /// Our address with its display name.
    Named,
    /// Another address, for switches that know us by that (EC-49).
    As(NameAddrBuf),
    /// There is none.
    Omitted,
}

/// How a `tel` target is written in Refer-To.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TelTarget {
    /// As it is.
    #[default]
    AsIs,
    /// As a user at the peer's own domain, for peers that take `sip` only (RFC 3261 §19.1.6).
    AtPeer,
}

/// A User-to-User value (RFC 7433 §4.1), checked once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserToUser(Box<str>);

/// Why there is no such User-to-User value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadUserToUser {
    /// It does not parse: the data is neither token nor quoted string, or is no hexadecimal octets though it says so.
    #[error("the value is no User-to-User data")]
    Malformed,
    /// The data has more than [`USER_TO_USER_MAX`] characters.
    #[error("the data is longer than {USER_TO_USER_MAX} characters")]
    TooLong,
}

impl UserToUser {
    /// Takes a value with its parameters: `56a390f3d2b7;encoding=hex`.
    pub fn parse(value: &str) -> Result<Self, BadUserToUser> {
        let parsed = Value::parse(value).map_err(|_| BadUserToUser::Malformed)?;
        if value.chars().any(char::is_control) {
            return Err(BadUserToUser::Malformed);
        }
        if parsed.text().len() > USER_TO_USER_MAX {
            return Err(BadUserToUser::TooLong);
        }
        Ok(Self(value.into()))
    }

    /// Writes octets in hexadecimal digits.
    pub fn hex(octets: &[u8]) -> Result<Self, BadUserToUser> {
        let halves = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
        let digits: String = halves.filter_map(|half| char::from_digit(half.into(), 16)).collect();
        Self::parse(&format!("{digits};encoding=hex"))
    }

    /// The value as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_to_user_data_is_taken_up_to_its_bound_and_not_beyond() {
        // covers: TR-263
        let value = UserToUser::hex(&[0xab; USER_TO_USER_MAX / 2]).expect("at the bound");
        assert_eq!(value.as_str().len(), USER_TO_USER_MAX + ";encoding=hex".len());
        assert_eq!(UserToUser::hex(&[0; USER_TO_USER_MAX / 2 + 1]), Err(BadUserToUser::TooLong));
        assert_eq!(UserToUser::hex(&[]), Err(BadUserToUser::Malformed));
        for bad in ["xyz;encoding=hex", "a b", "abc\r\nVia: x", "\"open"] {
            assert_eq!(UserToUser::parse(bad), Err(BadUserToUser::Malformed), "{bad:?}");
        }
        assert_eq!(UserToUser::parse("abc;purpose=x").expect("a token").as_str(), "abc;purpose=x");
    }
}
