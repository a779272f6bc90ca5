//! Session descriptions (RFC 8866): the part of SDP that audio calls use, bounded and owned.
//!
//! Lines that do not matter to an audio call (`i= u= e= p= b= t= r= z= k=`) are checked for their shape and
//! dropped; a description that is printed has `t=0 0`.

mod parse;
pub(crate) use parse::connection_words;
mod print;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::direction::Direction;

/// The largest description accepted, in bytes: several times what a browser offers for one audio line.
pub const MAX_SDP_BYTES: usize = 16_384;
/// The longest line accepted, in bytes: key material and ICE candidates fit, a filler attack does not.
pub const MAX_LINE_BYTES: usize = 2_048;
/// The most m-lines accepted: each must be answered, so each costs memory for the session's life.
pub const MAX_MEDIA: usize = 16;
/// The most attributes accepted at session level and per m-line.
pub const MAX_ATTRIBUTES: usize = 128;
/// The most formats accepted per m-line: there are 128 payload types.
pub const MAX_FORMATS: usize = 128;

/// Tells why a description cannot be used; [`SdpError::status`] is the SIP status that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// The description is longer than [`MAX_SDP_BYTES`].
    #[error("description is longer than {MAX_SDP_BYTES} bytes")]
    TooLarge,
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("line {line} is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong {
        /// The line's number, from 1.
        line: usize,
    },
    /// There are more m-lines than [`MAX_MEDIA`].
    #[error("more than {MAX_MEDIA} media lines")]
    TooManyMedia,
    /// A section has more attributes than [`MAX_ATTRIBUTES`].
    #[error("more than {MAX_ATTRIBUTES} attributes in one section")]
    TooManyAttributes,
    /// An m-line has more formats than [`MAX_FORMATS`].
    #[error("more than {MAX_FORMATS} formats in one media line")]
    TooManyFormats,
    /// A line does not have the shape its type asks for.
    #[error("line {line} is malformed")]
    Malformed {
        /// The line's number, from 1.
        line: usize,
    },
    /// The first line is not `v=0`.
    #[error("the first line is not v=0")]
    MissingVersion,
    /// There is no `o=` line.
    #[error("there is no o= line")]
    MissingOrigin,
    /// The audio line has no `c=` line, neither its own nor the session's.
    #[error("no connection address for the audio line")]
    MissingConnection,
    /// There is no audio line over RTP/AVP with a port.
    #[error("no usable audio line")]
    NoAudio,
    /// The audio line has none of our codecs.
    #[error("no common codec")]
    NoCommonCodec,
    /// The connection address is a name, a multicast or a broadcast address.
    #[error("the connection address is not a numeric unicast address")]
    UnusableAddress,
    /// The connection address is of the other IP version than our own socket's.
    #[error("the connection address is of the other IP version")]
    AddressFamily,
    /// An answer does not have one m-line for each offered one (RFC 3264 §6).
    #[error("the answer has {answered} media lines for {offered} offered ones")]
    MediaCount {
        /// The m-lines of our offer.
        offered: usize,
        /// The m-lines of the answer.
        answered: usize,
    },
    /// An answer came while no offer of ours was pending: misuse by the caller, not a fault of the peer.
    #[error("no offer is pending")]
    NoOfferPending,
}

impl SdpError {
    /// Returns the status code that tells the peer: 400 for a description that breaks the grammar or a
    /// limit, 488 for one that is fine but not acceptable here, 500 for our own misuse.
    pub fn status(self) -> u16 {
        match self {
            Self::TooLarge
            | Self::LineTooLong { .. }
            | Self::TooManyMedia
            | Self::TooManyAttributes
            | Self::TooManyFormats
            | Self::Malformed { .. }
            | Self::MissingVersion
            | Self::MissingOrigin
            | Self::MissingConnection
            | Self::MediaCount { .. } => 400,
            Self::NoAudio | Self::NoCommonCodec | Self::UnusableAddress | Self::AddressFamily => 488,
            Self::NoOfferPending => 500,
        }
    }
}

/// Holds the `o=` line (RFC 8866 §5.2); numbers stay text because peers exceed 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user name, `-` when there is none.
    pub username: String,
    /// The session's id, digits.
    pub session_id: String,
    /// The version of this description, digits.
    pub version: String,
    /// The address of the describing host; a host name is allowed.
    pub address: Connection,
}

/// Holds an address as `c=` and `o=` write it: `IN IP4 192.0.2.7` (RFC 8866 §5.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// True for `IP6`.
    pub ip6: bool,
    /// The address as written: numeric, a host name, or with a multicast suffix `/ttl`.
    pub address: String,
}

impl Connection {
    /// Returns the connection that names this numeric address.
    pub fn of(address: IpAddr) -> Self {
        Self { ip6: address.is_ipv6(), address: address.to_string() }
    }

    /// Returns the numeric address; `None` for a host name or an address with a suffix.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }
}

/// Holds an `a=` line: a name, and a value if there is a colon (RFC 8866 §5.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What stands before the colon.
    pub name: String,
    /// What stands behind the first colon.
    pub value: Option<String>,
}

impl Attribute {
    /// Returns a property attribute such as `a=sendrecv`.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// Returns a value attribute such as `a=ptime:20`.
    pub fn value(name: &str, value: String) -> Self {
        Self { name: name.to_owned(), value: Some(value) }
    }
}

/// Holds an m-line with the lines that belong to it (RFC 8866 §5.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// The media type, such as `audio`.
    pub kind: String,
    /// The port; 0 says that the stream is rejected (RFC 3264 §5.1).
    pub port: u16,
    /// The number of ports when the line says `port/number`.
    pub port_count: Option<u16>,
    /// The profile, such as `RTP/AVP`.
    pub protocol: String,
    /// The formats: payload types for RTP profiles.
    pub formats: Vec<String>,
    /// The line's own address.
    pub connection: Option<Connection>,
    /// The line's own attributes, in their order.
    pub attributes: Vec<Attribute>,
}

impl MediaDescription {
    /// Returns the value of the first attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name)?.value.as_deref()
    }

    /// Returns the encoding (`PCMU/8000`) that `rtpmap` binds to a payload type.
    pub fn rtpmap(&self, payload_type: u8) -> Option<&str> {
        self.attributes.iter().filter(|attribute| attribute.name == "rtpmap").find_map(|attribute| {
            let (number, encoding) = attribute.value.as_deref()?.split_once(' ')?;
            (number.parse::<u8>().ok()? == payload_type).then(|| encoding.trim())
        })
    }

    /// Returns the payload types among the formats, 0 to 127.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.formats.iter().filter_map(|format| format.parse::<u8>().ok()).filter(|&number| number < 128)
    }
}

/// Holds a session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// The `o=` line.
    pub origin: Origin,
    /// The `s=` line, `-` when there is none.
    pub name: String,
    /// The session's address, the default of the m-lines.
    pub connection: Option<Connection>,
    /// The session's attributes, in their order.
    pub attributes: Vec<Attribute>,
    /// The m-lines, in their order.
    pub media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// Returns the direction that holds for an m-line: its own, else the session's, else sendrecv (TR-219).
    pub fn direction(&self, media: &MediaDescription) -> Direction {
        direction_of(&media.attributes).or_else(|| direction_of(&self.attributes)).unwrap_or_default()
    }

    /// Returns the address that holds for an m-line: its own, else the session's.
    pub fn connection<'a>(&'a self, media: &'a MediaDescription) -> Option<&'a Connection> {
        media.connection.as_ref().or(self.connection.as_ref())
    }
}

fn direction_of(attributes: &[Attribute]) -> Option<Direction> {
    attributes
        .iter()
        .filter(|attribute| attribute.value.is_none())
        .find_map(|attribute| Direction::from_attribute(&attribute.name))
}
