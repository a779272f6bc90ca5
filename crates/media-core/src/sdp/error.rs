//! Why a description cannot be used: the line, and the rule that it breaks.

use std::fmt;

use super::{MAX_ATTRIBUTES, MAX_FORMATS, MAX_LINE_BYTES, MAX_LINES, MAX_MEDIA, MAX_SDP_BYTES};

/// Names the rule that a line breaks; its text gives the production of RFC 8866 §9 and the section that explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A line is a letter, an equals sign and a value.
    Line,
    /// CR and NUL stand in no value: one line would pass for two behind a less careful reader.
    Text,
    /// The first line is `v=0`, and no other line is a version.
    Version,
    /// `o=` has six words, the second and third of digits.
    Origin,
    /// A description has one `s=`.
    SessionName,
    /// `c=` has three words; the session has one at most.
    Connection,
    /// `a=` has a name.
    Attribute,
    /// `m=` has a media type, a port, a profile and formats.
    Media,
    /// The line belongs to the session and stands behind an m-line, or is there twice.
    Place,
}

impl Rule {
    /// Returns the production and the section.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Line => "type \"=\" value, RFC 8866 §5",
            Self::Text => "byte-string, RFC 8866 §9",
            Self::Version => "version-field, RFC 8866 §5.1",
            Self::Origin => "origin-field, RFC 8866 §5.2",
            Self::SessionName => "session-name-field, RFC 8866 §5.3",
            Self::Connection => "connection-field, RFC 8866 §5.7",
            Self::Attribute => "attribute-field, RFC 8866 §5.13",
            Self::Media => "media-field, RFC 8866 §5.14",
            Self::Place => "session-description, RFC 8866 §9",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Tells why a description cannot be used; [`SdpError::status`] is the SIP status that says so. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    /// The description is longer than [`MAX_SDP_BYTES`].
    #[error("description is longer than {MAX_SDP_BYTES} bytes")]
    TooLarge,
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("line {line} is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong {
        /// The line's number.
        line: usize,
    },
    /// There are more lines than [`MAX_LINES`].
    #[error("line {line}: more than {MAX_LINES} lines")]
    TooManyLines {
        /// The first line too many.
        line: usize,
    },
    /// There are more m-lines than [`MAX_MEDIA`].
    #[error("line {line}: more than {MAX_MEDIA} media lines")]
    TooManyMedia {
        /// The first line too many.
        line: usize,
    },
    /// A section has more attributes than [`MAX_ATTRIBUTES`].
    #[error("line {line}: more than {MAX_ATTRIBUTES} attributes in one section")]
    TooManyAttributes {
        /// The first line too many.
        line: usize,
    },
    /// An m-line has more formats than [`MAX_FORMATS`].
    #[error("line {line}: more than {MAX_FORMATS} formats in one media line")]
    TooManyFormats {
        /// The line's number.
        line: usize,
    },
    /// A line does not have the shape that its type asks for.
    #[error("line {line} is malformed: {rule}")]
    Malformed {
        /// The line's number.
        line: usize,
        /// The rule it breaks.
        rule: Rule,
    },
    /// There is no `o=` line.
    #[error("there is no o= line: {}", Rule::Origin)]
    MissingOrigin,
    /// The audio line has no `c=` line, neither its own nor the session's.
    #[error("no connection address for the audio line: {}", Rule::Connection)]
    MissingConnection,
    /// There is no audio line over RTP with a port.
    #[error("no usable audio line")]
    NoAudio,
    /// The audio line of an answer has another profile than the offered one (TM-108).
    #[error("the answer has another profile than the offer")]
    ProfileMismatch,
    /// The audio line has no `a=crypto` that can be used, and must not be in clear: because of its profile, of our
    /// policy, or because it was secured before (TM-105, TM-106).
    #[error("no common crypto suite for a secured stream")]
    NoCommonCrypto,
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
            | Self::TooManyLines { .. }
            | Self::TooManyMedia { .. }
            | Self::TooManyAttributes { .. }
            | Self::TooManyFormats { .. }
            | Self::Malformed { .. }
            | Self::MissingOrigin
            | Self::MissingConnection
            | Self::MediaCount { .. } => 400,
            Self::NoAudio
            | Self::ProfileMismatch
            | Self::NoCommonCrypto
            | Self::NoCommonCodec
            | Self::UnusableAddress
            | Self::AddressFamily => 488,
            Self::NoOfferPending => 500,
        }
    }
}
