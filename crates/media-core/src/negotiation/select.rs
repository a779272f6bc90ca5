//! Reading the peer's description: which m-line, which codec, which address, which keys.

use std::net::{IpAddr, SocketAddr};

use super::format::{Bindings, MediaFormat};
use super::local::{CodecPreference, LocalMedia};
use super::security::{Profile, Security};
use crate::codec::Codec;
use crate::direction::Direction;
use crate::dtmf::EventSet;
use crate::sdp::{Connection, Media, SdpError, SessionDescription, parse_number, split_at_byte, split_words};
use crate::srtp::sdes::Crypto;

/// The payload types that look like RTCP on a shared port (RFC 5761 §4).
const LIKE_RTCP: std::ops::RangeInclusive<u8> = 64..=95;
/// The largest payload that is sent in one packet: it fits an Ethernet frame by IPv6 with SRTP.
const MAX_PAYLOAD_BYTES: usize = 1_400;

/// Holds what an m-line of the peer says that matters for sending to it.
#[derive(Debug, Clone)]
pub(super) struct RemoteAudio {
    pub(super) profile: Profile,
    pub(super) rtp: SocketAddr,
    pub(super) rtcp: SocketAddr,
    pub(super) rtcp_mux: bool,
    pub(super) valid: bool,
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    /// Payload type and clock rate.
    pub(super) dtmf: Option<(u8, u32)>,
    pub(super) dtmf_events: EventSet,
    pub(super) comfort_noise: Option<u8>,
    pub(super) formats: Vec<(u8, Option<MediaFormat>)>,
    pub(super) direction: Direction,
    pub(super) crypto: Option<Crypto>,
    ptime: Option<u32>,
    maxptime: Option<u32>,
}

impl RemoteAudio {
    /// Returns the packet time to send: what the peer asks for if it is one we can do, else ours, and never more
    /// than its maximum (RFC 8866 §6.4, §6.5) or than fits into a packet.
    pub(super) fn packet_time(&self, ours: u8) -> u8 {
        let wanted = self.ptime.filter(|&ptime| is_packet_time(ptime)).unwrap_or(u32::from(ours));
        let limit = self.maxptime.map_or(60, |maximum| (maximum / 10 * 10).max(10));
        let fits = |ptime: u32| self.codec.payload_length(ptime) <= MAX_PAYLOAD_BYTES;
        let wanted = wanted.min(limit) as u8;
        (1..=wanted / 10).rev().map(|tens| tens * 10).find(|&ptime| fits(u32::from(ptime))).unwrap_or(10)
    }
}

/// Returns true for a packet time that can be sent.
pub(super) fn is_packet_time(ptime: u32) -> bool {
    (10..=60).contains(&ptime) && ptime.is_multiple_of(10)
}

/// Finds the audio line to accept among those of an offer: the one in use if it is still usable, else the first usable one,
/// with secured lines first where the policy has keys. `secured` says that SRTP is in force.
pub(super) fn from_offer(
    offer: &SessionDescription,
    lines: &[Media<'_>],
    local: &LocalMedia,
    security: &Security,
    preferred: Option<usize>,
    secured: bool,
) -> Result<(usize, RemoteAudio), SdpError> {
    let mut reason = SdpError::NoAudio;
    let mut found: Option<(usize, RemoteAudio)> = None;
    for (index, media) in lines.iter().enumerate() {
        let Some(profile) = usable(media) else { continue };
        let remote = security
            .of_offer(media, profile, secured)
            .and_then(|crypto| read(offer, media, profile, crypto, local, local.preference));
        match remote {
            Ok(remote) if Some(index) == preferred => return Ok((index, remote)),
            Ok(remote) => {
                let better = found.as_ref().is_none_or(|(_, before)| {
                    security.prefers_secured() && before.crypto.is_none() && remote.crypto.is_some()
                });
                if better {
                    found = Some((index, remote));
                }
            }
            // The first line's fault is the one to report.
            Err(error) if reason == SdpError::NoAudio => reason = error,
            Err(_) => {}
        }
    }
    found.ok_or(reason)
}

/// Reads the audio line of an answer to an offer with this profile; [`SdpError::NoAudio`] when it was rejected with
/// port 0.
pub(super) fn from_answer(
    answer: &SessionDescription,
    index: usize,
    offered: Profile,
    local: &LocalMedia,
    security: &Security,
    secured: bool,
) -> Result<RemoteAudio, SdpError> {
    let media = answer.media().nth(index).ok_or(SdpError::NoAudio)?;
    if media.kind != "audio" || media.port == 0 {
        return Err(SdpError::NoAudio);
    }
    let profile = usable(&media).filter(|profile| *profile == offered).ok_or(SdpError::ProfileMismatch)?;
    let crypto = security.of_answer(&media, profile, secured)?;
    read(answer, &media, profile, crypto, local, CodecPreference::Theirs)
}

fn usable(media: &Media<'_>) -> Option<Profile> {
    if media.kind != "audio" || media.port == 0 {
        return None;
    }
    Profile::parse(media.protocol)
}

/// What the attributes of an m-line say, of each name the first: read in one go, as a search for each costs more.
struct Attributes<'a> {
    bindings: Bindings,
    direction: Option<Direction>,
    rtcp_mux: bool,
    /// Of these the value, empty where there is none.
    rtcp: Option<&'a str>,
    ptime: Option<&'a str>,
    maxptime: Option<&'a str>,
}

impl<'a> Attributes<'a> {
    fn of(media: &Media<'a>) -> Self {
        let mut read = Self {
            bindings: Bindings::none(),
            direction: None,
            rtcp_mux: false,
            rtcp: None,
            ptime: None,
            maxptime: None,
        };
        for attribute in media.attributes() {
            match (attribute.name, attribute.value) {
                ("rtpmap", Some(value)) => read.bindings.bind(value),
                ("rtcp-mux", _) => read.rtcp_mux = true,
                ("rtcp", value) => read.rtcp = read.rtcp.or(Some(value.unwrap_or_default())),
                ("ptime", value) => read.ptime = read.ptime.or(Some(value.unwrap_or_default())),
                ("maxptime", value) => read.maxptime = read.maxptime.or(Some(value.unwrap_or_default())),
                _ => read.direction = read.direction.or_else(|| attribute.direction()),
            }
        }
        read
    }
}

fn read(
    description: &SessionDescription,
    media: &Media<'_>,
    profile: Profile,
    crypto: Option<Crypto>,
    local: &LocalMedia,
    preference: CodecPreference,
) -> Result<RemoteAudio, SdpError> {
    let attributes = Attributes::of(media);
    let formats = attributes.bindings.formats(media);
    let number_of = |wanted: MediaFormat| {
        formats.iter().find(|(_, format)| *format == Some(wanted)).map(|(number, _)| *number)
    };
    let has = |codec: &Codec| number_of(MediaFormat::Audio(*codec)).is_some();
    let mut ours = local.codecs().iter().copied();
    let codec = match preference {
        CodecPreference::Ours => ours.find(has),
        CodecPreference::Theirs => formats.iter().find_map(|(_, format)| match format {
            Some(MediaFormat::Audio(codec)) => Some(*codec).filter(|codec| local.codecs().contains(codec)),
            Some(MediaFormat::ComfortNoise | MediaFormat::TelephoneEvent { .. }) | None => None,
        }),
    };
    let codec = codec.ok_or(SdpError::NoCommonCodec)?;
    let payload_type = number_of(MediaFormat::Audio(codec)).ok_or(SdpError::NoCommonCodec)?;
    // The codec's clock, else that which every telephone has (TM-046).
    let dtmf = [codec.clock_rate(), Codec::CLOCK_RATE].into_iter().find_map(|clock_rate| {
        number_of(MediaFormat::TelephoneEvent { clock_rate }).map(|number| (number, clock_rate))
    });
    let comfort_noise =
        number_of(MediaFormat::ComfortNoise).filter(|_| codec.clock_rate() == Codec::CLOCK_RATE);
    let rtp = SocketAddr::new(address_of(description, media, local)?, media.port);
    let rtcp_mux = local.rtcp_mux && attributes.rtcp_mux && !LIKE_RTCP.contains(&payload_type);
    Ok(RemoteAudio {
        profile,
        rtp,
        rtcp: if rtcp_mux { rtp } else { rtcp_address(attributes.rtcp, rtp, local) },
        rtcp_mux,
        valid: !is_unspecified(rtp.ip()),
        codec,
        payload_type,
        dtmf: dtmf.filter(|_| local.dtmf),
        dtmf_events: dtmf.map_or(EventSet::DTMF, |(number, _)| events_of(media, number)),
        comfort_noise: comfort_noise.filter(|_| local.comfort_noise),
        formats,
        direction: attributes.direction.or_else(|| description.session_direction()).unwrap_or_default(),
        crypto,
        ptime: attributes.ptime.and_then(milliseconds),
        maxptime: attributes.maxptime.and_then(milliseconds),
    })
}

/// Reads which events a payload type has, by its first `fmtp`.
fn events_of(media: &Media<'_>, payload_type: u8) -> EventSet {
    let parameters = media.attributes_named("fmtp").flatten().find_map(|value| {
        let (number, parameters) = split_at_byte(value.trim_ascii(), b' ')?;
        (parse_number(number) == Some(payload_type)).then_some(parameters)
    });
    parameters.map_or(EventSet::DTMF, EventSet::parse)
}

/// Reads the whole milliseconds of `a=ptime` and `a=maxptime`, which may have decimals; `None` for what is no number or
/// beyond 32 bits.
fn milliseconds(value: &str) -> Option<u32> {
    let value = value.trim_ascii();
    parse_number(split_at_byte(value, b'.').map_or(value, |(whole, _)| whole))
}

fn address_of(
    description: &SessionDescription,
    media: &Media<'_>,
    local: &LocalMedia,
) -> Result<IpAddr, SdpError> {
    let mut own = media.connections();
    let connection = own.next().or_else(|| description.session_connection());
    if own.next().is_some() {
        return Err(SdpError::UnusableAddress);
    }
    usable_address(connection.ok_or(SdpError::MissingConnection)?, local)
}

fn usable_address(connection: Connection<'_>, local: &LocalMedia) -> Result<IpAddr, SdpError> {
    let address = connection.ip().ok_or(SdpError::UnusableAddress)?.to_canonical();
    if is_unspecified(address) {
        return Ok(address);
    }
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_multicast() || broadcast {
        return Err(SdpError::UnusableAddress);
    }
    if address.is_ipv4() == local.address.is_ipv4() { Ok(address) } else { Err(SdpError::AddressFamily) }
}

/// `0.0.0.0`, `::` and the mapped `::ffff:0.0.0.0` all mean "send nothing" (TR-216).
fn is_unspecified(address: IpAddr) -> bool {
    address.to_canonical().is_unspecified()
}

/// Reads `a=rtcp:port [IN IP4 address]` (RFC 3605 §2.1); an address that could not be used for RTP either is not
/// taken.
fn rtcp_address(value: Option<&str>, rtp: SocketAddr, local: &LocalMedia) -> SocketAddr {
    let next = SocketAddr::new(rtp.ip(), rtp.port().checked_add(1).unwrap_or(0));
    let Some(value) = value else { return next };
    let mut words = split_words(value);
    let Some(port) = words.next().and_then(parse_number) else { return next };
    let address = Connection::of_words(&mut words)
        .and_then(|connection| usable_address(connection, local).ok())
        .filter(|address| !is_unspecified(*address))
        .unwrap_or(rtp.ip());
    SocketAddr::new(address, port)
}
