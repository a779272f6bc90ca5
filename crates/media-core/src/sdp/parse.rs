//! Bytes to [`SessionDescription`].

use super::{
    Attribute, Connection, MAX_ATTRIBUTES, MAX_FORMATS, MAX_LINE_BYTES, MAX_MEDIA, MAX_SDP_BYTES,
    MediaDescription, Origin, SdpError, SessionDescription,
};

impl SessionDescription {
    /// Parses a description; lines end with CRLF or LF, bytes that are not UTF-8 become U+FFFD.
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpError> {
        if bytes.len() > MAX_SDP_BYTES {
            return Err(SdpError::TooLarge);
        }
        let text = String::from_utf8_lossy(bytes);
        let mut origin = None;
        let mut name = None;
        let mut connection = None;
        let mut attributes = Vec::new();
        let mut media: Vec<MediaDescription> = Vec::new();
        let mut version = false;

        for (index, line) in text.split('\n').enumerate() {
            let number = index + 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            if line.len() > MAX_LINE_BYTES {
                return Err(SdpError::LineTooLong { line: number });
            }
            let malformed = SdpError::Malformed { line: number };
            // A stray CR or NUL would let one line pass for two behind a less careful reader.
            if line.contains(['\r', '\0']) {
                return Err(malformed);
            }
            let (kind, value) = line.split_once('=').ok_or(malformed)?;
            if !version {
                if kind != "v" || value.trim() != "0" {
                    return Err(SdpError::MissingVersion);
                }
                version = true;
                continue;
            }
            match kind {
                "o" if origin.is_none() && media.is_empty() => {
                    origin = Some(parse_origin(value).ok_or(malformed)?);
                }
                "s" if name.is_none() && media.is_empty() => name = Some(value.to_owned()),
                "c" => {
                    let parsed = parse_connection(value).ok_or(malformed)?;
                    let place = media.last_mut().map_or(&mut connection, |media| &mut media.connection);
                    // Several c= lines are a multicast hierarchy (RFC 8866 §5.7), never a call.
                    if place.replace(parsed).is_some() {
                        return Err(malformed);
                    }
                }
                "a" => {
                    let place = media.last_mut().map_or(&mut attributes, |media| &mut media.attributes);
                    if place.len() == MAX_ATTRIBUTES {
                        return Err(SdpError::TooManyAttributes);
                    }
                    place.push(parse_attribute(value).ok_or(malformed)?);
                }
                "m" => {
                    if media.len() == MAX_MEDIA {
                        return Err(SdpError::TooManyMedia);
                    }
                    media.push(parse_media(value, malformed)?);
                }
                "i" | "b" | "k" => {}
                "u" | "e" | "p" | "t" | "r" | "z" if media.is_empty() => {}
                // RFC 8866 §5: a type letter that is not understood, or at the wrong place.
                _ => return Err(malformed),
            }
        }
        if !version {
            return Err(SdpError::MissingVersion);
        }
        Ok(Self {
            origin: origin.ok_or(SdpError::MissingOrigin)?,
            name: name.unwrap_or_else(|| "-".to_owned()),
            connection,
            attributes,
            media,
        })
    }
}

fn parse_origin(value: &str) -> Option<Origin> {
    let mut words = value.split_ascii_whitespace();
    let username = words.next()?.to_owned();
    let session_id = digits(words.next()?)?;
    let version = digits(words.next()?)?;
    let address = connection_words(&mut words)?;
    words.next().is_none().then_some(Origin { username, session_id, version, address })
}

fn parse_connection(value: &str) -> Option<Connection> {
    let mut words = value.split_ascii_whitespace();
    let connection = connection_words(&mut words)?;
    words.next().is_none().then_some(connection)
}

/// Parses `IN IP4 address`, the tail that `o=`, `c=` and `a=rtcp` share.
pub(crate) fn connection_words<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Connection> {
    if words.next()? != "IN" {
        return None;
    }
    let ip6 = match words.next()? {
        "IP4" => false,
        "IP6" => true,
        _ => return None,
    };
    Some(Connection { ip6, address: words.next()?.to_owned() })
}

fn digits(word: &str) -> Option<String> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.to_owned())
}

fn parse_attribute(value: &str) -> Option<Attribute> {
    let (name, value) = match value.split_once(':') {
        Some((name, value)) => (name, Some(value.to_owned())),
        // Some senders leave a blank behind a flag; it would hide the direction.
        None => (value.trim_end(), None),
    };
    (!name.is_empty()).then(|| Attribute { name: name.to_owned(), value })
}

fn parse_media(value: &str, malformed: SdpError) -> Result<MediaDescription, SdpError> {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next().ok_or(malformed)?.to_owned();
    let ports = words.next().ok_or(malformed)?;
    let protocol = words.next().ok_or(malformed)?.to_owned();
    let (port, port_count) = match ports.split_once('/') {
        Some((port, count)) => (port, Some(parse_number(count).ok_or(malformed)?)),
        None => (ports, None),
    };
    let port = parse_number(port).ok_or(malformed)?;
    let mut formats = Vec::new();
    for word in words {
        if formats.len() == MAX_FORMATS {
            return Err(SdpError::TooManyFormats);
        }
        formats.push(word.to_owned());
    }
    if formats.is_empty() {
        return Err(malformed);
    }
    Ok(MediaDescription {
        kind,
        port,
        port_count,
        protocol,
        formats,
        connection: None,
        attributes: Vec::new(),
    })
}

/// Parses digits only: `str::parse` alone would take a plus sign.
fn parse_number(word: &str) -> Option<u16> {
    digits(word)?.parse().ok()
}
