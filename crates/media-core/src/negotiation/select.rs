//! Reading the peer's description: which m-line, which codec, which address.

use std::net::{IpAddr, SocketAddr};

use super::LocalMedia;
use super::payload_types::{codec_of, is_telephone_event};
use crate::codec::Codec;
use crate::direction::Direction;
use crate::sdp::{Connection, MediaDescription, SdpError, SessionDescription};

/// The only profile spoken; a secured or feedback profile is refused, not downgraded.
pub(super) const PROFILE: &str = "RTP/AVP";

/// Holds what an m-line of the peer says that matters for sending to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteAudio {
    pub(super) rtp: SocketAddr,
    pub(super) rtcp: SocketAddr,
    pub(super) valid: bool,
    pub(super) codec: Codec,
    pub(super) payload_type: u8,
    pub(super) dtmf_payload_type: Option<u8>,
    pub(super) direction: Direction,
    ptime: Option<u32>,
    maxptime: Option<u32>,
}

impl RemoteAudio {
    /// Returns the packet time to send: what the peer asks for if it is one we can do, else ours, and never more
    /// than its maximum (RFC 8866 §6.4, §6.5).
    pub(super) fn packet_time(&self, ours: u8) -> u8 {
        let wanted = self.ptime.filter(|&ptime| is_packet_time(ptime)).unwrap_or(u32::from(ours));
        let limit = self.maxptime.map_or(60, |maximum| (maximum / 10 * 10).max(10));
        wanted.min(limit) as u8
    }
}

/// Returns true for a packet time that can be sent.
pub(super) fn is_packet_time(ptime: u32) -> bool {
    (10..=60).contains(&ptime) && ptime.is_multiple_of(10)
}

/// Finds the audio line to accept in an offer: the one in use if it is still usable, else the first usable one.
pub(super) fn from_offer(
    offer: &SessionDescription,
    local: &LocalMedia,
    preferred: Option<usize>,
) -> Result<(usize, RemoteAudio), SdpError> {
    let mut reason = SdpError::NoAudio;
    let order = preferred.into_iter().chain((0..offer.media.len()).filter(|&index| Some(index) != preferred));
    for index in order {
        let Some(media) = offer.media.get(index) else { continue };
        if !is_usable(media) {
            continue;
        }
        match read(offer, media, local, |codec| local.codecs.contains(&codec)) {
            Ok(remote) => return Ok((index, remote)),
            // The first line's fault is the one to report.
            Err(error) if reason == SdpError::NoAudio => reason = error,
            Err(_) => {}
        }
    }
    Err(reason)
}

/// Reads the audio line of an answer; [`SdpError::NoAudio`] when it was rejected with port 0.
pub(super) fn from_answer(
    answer: &SessionDescription,
    index: usize,
    offer: &SessionDescription,
    local: &LocalMedia,
) -> Result<RemoteAudio, SdpError> {
    let (Some(media), Some(offered)) = (answer.media.get(index), offer.media.get(index)) else {
        return Err(SdpError::NoAudio);
    };
    if !is_usable(media) || offered.port == 0 {
        return Err(SdpError::NoAudio);
    }
    let codecs: Vec<Codec> = offered.payload_types().filter_map(|number| codec_of(offered, number)).collect();
    read(answer, media, local, |codec| codecs.contains(&codec))
}

fn is_usable(media: &MediaDescription) -> bool {
    media.kind == "audio" && media.protocol.eq_ignore_ascii_case(PROFILE) && media.port != 0
}

fn read(
    description: &SessionDescription,
    media: &MediaDescription,
    local: &LocalMedia,
    allowed: impl Fn(Codec) -> bool,
) -> Result<RemoteAudio, SdpError> {
    let (payload_type, codec) = media
        .payload_types()
        .find_map(|number| {
            codec_of(media, number).filter(|&codec| allowed(codec)).map(|codec| (number, codec))
        })
        .ok_or(SdpError::NoCommonCodec)?;
    let dtmf_payload_type =
        media.payload_types().find(|&number| media.rtpmap(number).is_some_and(is_telephone_event));
    let connection = description.connection(media).ok_or(SdpError::MissingConnection)?;
    let address = usable_address(connection, local)?;
    let rtp = SocketAddr::new(address, media.port);
    Ok(RemoteAudio {
        rtp,
        rtcp: rtcp_address(media, rtp, local),
        valid: !is_unspecified(address),
        codec,
        payload_type,
        dtmf_payload_type,
        direction: description.direction(media),
        ptime: media.attribute("ptime").and_then(|value| value.trim().parse().ok()),
        maxptime: media.attribute("maxptime").and_then(|value| value.trim().parse().ok()),
    })
}

fn usable_address(connection: &Connection, local: &LocalMedia) -> Result<IpAddr, SdpError> {
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
fn rtcp_address(media: &MediaDescription, rtp: SocketAddr, local: &LocalMedia) -> SocketAddr {
    let next = SocketAddr::new(rtp.ip(), rtp.port().checked_add(1).unwrap_or(0));
    let Some(value) = media.attribute("rtcp") else { return next };
    let mut words = value.split_ascii_whitespace();
    let Some(port) = words.next().and_then(|word| word.parse::<u16>().ok()) else { return next };
    let address = crate::sdp::connection_words(&mut words)
        .and_then(|connection| usable_address(&connection, local).ok())
        .filter(|address| !is_unspecified(*address))
        .unwrap_or(rtp.ip());
    SocketAddr::new(address, port)
}
