//! Text to [`Crypto`].

use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use super::{Crypto, FecOrder, MAX_KEYS, SdesError, SessionParams};
use crate::srtp::key::MAX_MATERIAL_BYTES;
use crate::srtp::{KeyLengthError, KeyMaterial, MasterKey, Mki, Suite};

impl Crypto {
    /// Parses what stands behind `a=crypto:`.
    pub fn parse(value: &str) -> Result<Self, SdesError> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9).and_then(digits).ok_or(SdesError::Malformed)?;
        let suite = words.next().ok_or(SdesError::Malformed)?;
        let keys = words.next().ok_or(SdesError::Malformed)?;
        let suite = Suite::from_name(suite).ok_or(SdesError::UnknownSuite)?;
        Ok(Self { tag, suite, keys: parse_keys(suite, keys)?, params: parse_params(words)? })
    }
}

fn parse_keys(suite: Suite, text: &str) -> Result<Vec<MasterKey>, SdesError> {
    let mut keys: Vec<MasterKey> = Vec::new();
    for text in text.split(';') {
        if keys.len() == MAX_KEYS {
            return Err(SdesError::TooManyKeys);
        }
        let (method, info) = text.split_once(':').ok_or(SdesError::Malformed)?;
        if !method.eq_ignore_ascii_case("inline") {
            return Err(SdesError::UnknownKeyMethod);
        }
        let key = parse_key(suite, info)?;
        // RFC 4568 §6.1: several keys are told apart by identifiers of one length.
        let told_apart = keys.iter().all(|other| match (other.mki, key.mki) {
            (Some(other), Some(mki)) => other.bytes() == mki.bytes() && other != mki,
            (None, _) | (_, None) => false,
        });
        if !told_apart {
            return Err(SdesError::Malformed);
        }
        keys.push(key);
    }
    Ok(keys)
}

fn parse_key(suite: Suite, info: &str) -> Result<MasterKey, SdesError> {
    let mut fields = info.split('|');
    let mut key = MasterKey::new(parse_material(suite, fields.next().unwrap_or_default())?);
    let mut field = fields.next();
    // Only the identifier has a colon.
    if let Some(lifetime) = field.filter(|field| !field.contains(':')) {
        key.lifetime = Some(parse_lifetime(lifetime).ok_or(SdesError::Malformed)?);
        field = fields.next();
    }
    if let Some(mki) = field {
        key.mki = Some(parse_mki(mki).ok_or(SdesError::Malformed)?);
    }
    if fields.next().is_some() { Err(SdesError::Malformed) } else { Ok(key) }
}

fn parse_material(suite: Suite, text: &str) -> Result<KeyMaterial, SdesError> {
    // Padding is discarded (RFC 4568 §6.1), and some peers send none.
    let text = text.strip_suffix('=').unwrap_or(text);
    let text = text.strip_suffix('=').unwrap_or(text);
    let length = text.len() * 3 / 4;
    if length > MAX_MATERIAL_BYTES {
        return Err(KeyLengthError { suite, bytes: length }.into());
    }
    let mut bytes = Zeroizing::new([0; MAX_MATERIAL_BYTES]);
    let decoded = Base64Unpadded::decode(text, &mut bytes[..]).map_err(|_| SdesError::Malformed)?;
    Ok(KeyMaterial::new(suite, decoded)?)
}

fn parse_lifetime(text: &str) -> Option<u64> {
    let lifetime = match text.strip_prefix("2^") {
        Some(exponent) => 1_u64.checked_shl(digits(exponent)?)?,
        None => digits(text)?,
    };
    (1..=Suite::MAX_LIFETIME).contains(&lifetime).then_some(lifetime)
}

fn parse_mki(text: &str) -> Option<Mki> {
    let (value, bytes) = text.split_once(':')?;
    Mki::new(digits(value)?, digits(bytes)?)
}

fn parse_params<'a>(words: impl Iterator<Item = &'a str>) -> Result<SessionParams, SdesError> {
    let mut params = SessionParams::default();
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let once = match (name, value) {
            ("UNENCRYPTED_SRTP", None) => !std::mem::replace(&mut params.unencrypted_srtp, true),
            ("UNENCRYPTED_SRTCP", None) => !std::mem::replace(&mut params.unencrypted_srtcp, true),
            ("UNAUTHENTICATED_SRTP", None) => !std::mem::replace(&mut params.unauthenticated_srtp, true),
            ("KDR", Some(value)) => {
                let kdr = digits(value).filter(|kdr| (1..=24).contains(kdr)).ok_or(SdesError::Malformed)?;
                params.kdr.replace(kdr).is_none()
            }
            ("FEC_ORDER", Some("FEC_SRTP")) => params.fec_order.replace(FecOrder::FecSrtp).is_none(),
            ("FEC_ORDER", Some("SRTP_FEC")) => params.fec_order.replace(FecOrder::SrtpFec).is_none(),
            ("WSH", Some(value)) => {
                let size = digits(value).filter(|size| *size >= 64).ok_or(SdesError::Malformed)?;
                params.window_size.replace(size).is_none()
            }
            ("FEC_ORDER" | "KDR" | "WSH", _) => false,
            ("UNENCRYPTED_SRTP" | "UNENCRYPTED_SRTCP" | "UNAUTHENTICATED_SRTP", Some(_)) => false,
            // RFC 4568 §6.3.7: a dash marks what may be ignored.
            _ if word.starts_with('-') => true,
            _ => return Err(SdesError::UnknownParameter),
        };
        if !once {
            return Err(SdesError::Malformed);
        }
    }
    Ok(params)
}

/// Parses digits only, without leading zeros: `str::parse` alone would take a plus sign.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}
