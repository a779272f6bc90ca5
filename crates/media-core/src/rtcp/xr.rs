//! Extended reports (RFC 3611): the voice metrics block, receiver reference time and DLRR; other blocks are skipped.

use super::{MAX_COUNT, NtpTime, RtcpError};

/// The most blocks read from one extended report (SEC-46): two members need one of each of the fifteen or so types.
pub const MAX_XR_BLOCKS: usize = 32;

/// The byte that says "not available" in the fields of [`VoipMetrics`] that are options.
const UNAVAILABLE: u8 = 127;

/// Holds one block of an extended report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum XrBlock {
    /// Block type 4: the wall clock of a receiver that sends no sender reports (§4.4).
    ReceiverReferenceTime(NtpTime),
    /// Block type 5: answers to receiver reference times (§4.5); 1 to 31.
    Dlrr(Vec<Dlrr>),
    /// Block type 7 (§4.7).
    VoipMetrics(VoipMetrics),
    /// Any other block, or one whose length is not that of its type; its content is skipped.
    Other {
        /// The block type.
        block_type: u8,
    },
}

/// Holds one sub-block of a DLRR block: [`super::round_trip`] takes its fields as those of a report block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dlrr {
    /// The receiver whose reference time is answered.
    pub ssrc: u32,
    /// The middle bits of that time, 0 when there was none.
    pub last_rr: u32,
    /// The time since it arrived in 1/65536 s.
    pub delay_since_last_rr: u32,
}

/// Tells how lost packets are concealed (§4.7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Concealment {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// Silence is played.
    Disabled,
    /// High loss rates are concealed well.
    Enhanced,
    /// Isolated losses are concealed by repetition or interpolation.
    Standard,
}

/// Tells how a jitter buffer finds its size (§4.7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JitterBufferKind {
    /// Nothing is said.
    #[default]
    Unknown,
    /// The value that is reserved.
    Reserved,
    /// The size is fixed.
    Fixed,
    /// The size follows the jitter.
    Adaptive,
}

/// Holds a voice metrics block: what a receiver says of a source since the beginning of reception (§4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VoipMetrics {
    /// The source the block is about.
    pub ssrc: u32,
    /// The share of packets lost, in 1/256.
    pub loss_rate: u8,
    /// The share of packets that came too late or too early to be played, in 1/256.
    pub discard_rate: u8,
    /// The share lost or discarded within bursts, in 1/256.
    pub burst_density: u8,
    /// The share lost or discarded within gaps, in 1/256.
    pub gap_density: u8,
    /// The mean length of bursts in milliseconds.
    pub burst_duration_ms: u16,
    /// The mean length of gaps in milliseconds.
    pub gap_duration_ms: u16,
    /// The round trip between the RTP interfaces in milliseconds, 0 while unknown.
    pub round_trip_ms: u16,
    /// What the sender of this block adds by itself in both directions, in milliseconds, 0 while unknown.
    pub end_system_delay_ms: u16,
    /// The level of speech in dBm0.
    pub signal_level: Option<i8>,
    /// The level of the background noise in dBm0.
    pub noise_level: Option<i8>,
    /// The residual echo return loss in dB.
    pub residual_echo_return_loss: Option<u8>,
    /// The received packets that divide a burst from a gap: 16 as a rule, never 0.
    pub gmin: u8,
    /// The R factor, 0 to 100.
    pub r_factor: Option<u8>,
    /// The R factor of what lies beyond this RTP segment, 0 to 100.
    pub external_r_factor: Option<u8>,
    /// The mean opinion score for listening in tenths, 10 to 50.
    pub mos_lq: Option<u8>,
    /// The mean opinion score for conversation, delay included, in tenths, 10 to 50.
    pub mos_cq: Option<u8>,
    /// How lost packets are concealed.
    pub concealment: Concealment,
    /// How the jitter buffer finds its size.
    pub jitter_buffer: JitterBufferKind,
    /// The rate of adjustment, 0 to 15; 0 is unknown.
    pub jitter_buffer_rate: u8,
    /// The delay of packets that come exactly in time, in milliseconds.
    pub nominal_delay_ms: u16,
    /// The delay of the earliest packet that is not discarded, in milliseconds.
    pub maximum_delay_ms: u16,
    /// The largest delay the jitter buffer may reach, in milliseconds.
    pub absolute_maximum_delay_ms: u16,
}

/// Parses what follows the sender's SSRC in an extended report.
pub(super) fn parse_blocks(mut bytes: &[u8]) -> Result<Vec<XrBlock>, RtcpError> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let (content, behind) = rest.split_at_checked(length).ok_or(RtcpError::Truncated)?;
        if blocks.len() == MAX_XR_BLOCKS {
            return Err(RtcpError::TooManyBlocks);
        }
        blocks.push(parse_block(head[0], content)?);
        bytes = behind;
    }
    Ok(blocks)
}

fn parse_block(block_type: u8, content: &[u8]) -> Result<XrBlock, RtcpError> {
    let (words, _) = content.as_chunks::<4>();
    let other = XrBlock::Other { block_type };
    Ok(match (block_type, words) {
        (4, &[high, low]) => XrBlock::ReceiverReferenceTime(NtpTime(
            u64::from(u32::from_be_bytes(high)) << 32 | u64::from(u32::from_be_bytes(low)),
        )),
        (5, &[_, ..]) if words.len().is_multiple_of(3) => {
            if words.len() / 3 > MAX_COUNT {
                return Err(RtcpError::TooManyBlocks);
            }
            let (items, _) = words.as_chunks::<3>();
            XrBlock::Dlrr(items.iter().map(|item| item.map(u32::from_be_bytes)).map(dlrr).collect())
        }
        (7, &[ssrc, rates, durations, delays, levels, scores, configuration, maxima]) => {
            let pair = |[a, b, c, d]: [u8; 4]| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let (burst_duration_ms, gap_duration_ms) = pair(durations);
            let (round_trip_ms, end_system_delay_ms) = pair(delays);
            let (_, nominal_delay_ms) = pair(configuration);
            let (maximum_delay_ms, absolute_maximum_delay_ms) = pair(maxima);
            XrBlock::VoipMetrics(VoipMetrics {
                ssrc: u32::from_be_bytes(ssrc),
                loss_rate: rates[0],
                discard_rate: rates[1],
                burst_density: rates[2],
                gap_density: rates[3],
                burst_duration_ms,
                gap_duration_ms,
                round_trip_ms,
                end_system_delay_ms,
                signal_level: available(levels[0]).map(u8::cast_signed),
                noise_level: available(levels[1]).map(u8::cast_signed),
                residual_echo_return_loss: available(levels[2]),
                gmin: levels[3],
                r_factor: within(scores[0], 0, 100),
                external_r_factor: within(scores[1], 0, 100),
                mos_lq: within(scores[2], 10, 50),
                mos_cq: within(scores[3], 10, 50),
                concealment: match configuration[0] >> 6 {
                    0 => Concealment::Unspecified,
                    1 => Concealment::Disabled,
                    2 => Concealment::Enhanced,
                    _ => Concealment::Standard,
                },
                jitter_buffer: match configuration[0] >> 4 & 3 {
                    0 => JitterBufferKind::Unknown,
                    1 => JitterBufferKind::Reserved,
                    2 => JitterBufferKind::Fixed,
                    _ => JitterBufferKind::Adaptive,
                },
                jitter_buffer_rate: configuration[0] & 0x0F,
                nominal_delay_ms,
                maximum_delay_ms,
                absolute_maximum_delay_ms,
            })
        }
        _ => other,
    })
}

fn dlrr([ssrc, last_rr, delay_since_last_rr]: [u32; 3]) -> Dlrr {
    Dlrr { ssrc, last_rr, delay_since_last_rr }
}

fn available(value: u8) -> Option<u8> {
    (value != UNAVAILABLE).then_some(value)
}

/// Scores outside their range are to be ignored (§4.7.5).
fn within(value: u8, lowest: u8, highest: u8) -> Option<u8> {
    (lowest..=highest).contains(&value).then_some(value)
}

/// Writes blocks; lists beyond their limits are cut, values that no field can say become "not available".
pub(super) fn print_blocks(blocks: &[XrBlock], out: &mut Vec<u8>) {
    for block in &blocks[..blocks.len().min(MAX_XR_BLOCKS)] {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out[start] = match block {
            XrBlock::ReceiverReferenceTime(time) => {
                out.extend_from_slice(&time.0.to_be_bytes());
                4
            }
            XrBlock::Dlrr(items) => {
                for item in &items[..items.len().min(MAX_COUNT)] {
                    for word in [item.ssrc, item.last_rr, item.delay_since_last_rr] {
                        out.extend_from_slice(&word.to_be_bytes());
                    }
                }
                5
            }
            XrBlock::VoipMetrics(metrics) => {
                print_metrics(metrics, out);
                7
            }
            XrBlock::Other { block_type } => *block_type,
        };
        let words = ((out.len() - start) / 4 - 1) as u16;
        out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
}

fn print_metrics(metrics: &VoipMetrics, out: &mut Vec<u8>) {
    let score = |value: Option<u8>, lowest, highest| {
        value.and_then(|value| within(value, lowest, highest)).unwrap_or(UNAVAILABLE)
    };
    let level = |value: Option<i8>| value.map_or(UNAVAILABLE, i8::cast_unsigned);
    let concealment = match metrics.concealment {
        Concealment::Unspecified => 0,
        Concealment::Disabled => 1,
        Concealment::Enhanced => 2,
        Concealment::Standard => 3,
    };
    let jitter_buffer = match metrics.jitter_buffer {
        JitterBufferKind::Unknown => 0,
        JitterBufferKind::Reserved => 1,
        JitterBufferKind::Fixed => 2,
        JitterBufferKind::Adaptive => 3,
    };
    out.extend_from_slice(&metrics.ssrc.to_be_bytes());
    out.extend([metrics.loss_rate, metrics.discard_rate, metrics.burst_density, metrics.gap_density]);
    for value in [
        metrics.burst_duration_ms,
        metrics.gap_duration_ms,
        metrics.round_trip_ms,
        metrics.end_system_delay_ms,
    ] {
        out.extend(value.to_be_bytes());
    }
    out.extend([
        level(metrics.signal_level),
        level(metrics.noise_level),
        metrics.residual_echo_return_loss.unwrap_or(UNAVAILABLE),
        metrics.gmin,
        score(metrics.r_factor, 0, 100),
        score(metrics.external_r_factor, 0, 100),
        score(metrics.mos_lq, 10, 50),
        score(metrics.mos_cq, 10, 50),
        concealment << 6 | jitter_buffer << 4 | metrics.jitter_buffer_rate.min(15),
        0,
    ]);
    for value in [metrics.nominal_delay_ms, metrics.maximum_delay_ms, metrics.absolute_maximum_delay_ms] {
        out.extend(value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, parse_compound, print_compound};
    use super::*;

    fn metrics() -> VoipMetrics {
        VoipMetrics {
            ssrc: 0x0102_0304,
            loss_rate: 12,
            discard_rate: 12,
            burst_density: 85,
            gap_density: 9,
            burst_duration_ms: 120,
            gap_duration_ms: 520,
            round_trip_ms: 40,
            end_system_delay_ms: 60,
            signal_level: Some(-18),
            noise_level: None,
            residual_echo_return_loss: Some(45),
            gmin: 16,
            r_factor: Some(90),
            external_r_factor: None,
            mos_lq: Some(43),
            mos_cq: Some(42),
            concealment: Concealment::Standard,
            jitter_buffer: JitterBufferKind::Adaptive,
            jitter_buffer_rate: 5,
            nominal_delay_ms: 60,
            maximum_delay_ms: 200,
            absolute_maximum_delay_ms: 1_000,
        }
    }

    fn compound(blocks: Vec<XrBlock>) -> Vec<RtcpPacket> {
        let report = RtcpPacket::ReceiverReport { ssrc: 5, reports: Vec::new() };
        vec![report, RtcpPacket::ExtendedReport { ssrc: 5, blocks }]
    }

    #[test]
    fn a_voip_metrics_block_has_the_layout_of_rfc_3611() {
        // covers: TM-089
        let packets = compound(vec![XrBlock::VoipMetrics(metrics())]);
        let bytes = print_compound(&packets);
        #[rustfmt::skip]
        assert_eq!(bytes[8..], [
            0x80, 207, 0, 10, 0, 0, 0, 5,
            7, 0, 0, 8, 1, 2, 3, 4,
            12, 12, 85, 9, 0, 120, 2, 8,
            0, 40, 0, 60, 0xEE, 127, 45, 16,
            90, 127, 43, 42, 0xF5, 0, 0, 60,
            0, 200, 3, 232,
        ]);
        assert_eq!(parse_compound(&bytes), Ok(packets));
    }

    #[test]
    fn values_outside_their_range_are_not_available() {
        let wrong = VoipMetrics {
            r_factor: Some(101),
            external_r_factor: Some(127),
            mos_lq: Some(9),
            mos_cq: Some(51),
            jitter_buffer_rate: 16,
            ..metrics()
        };
        let bytes = print_compound(&compound(vec![XrBlock::VoipMetrics(wrong)]));
        assert_eq!(bytes[40..44], [127; 4]);
        assert_eq!(bytes[44], 0xFF);
        let mut bytes = print_compound(&compound(vec![XrBlock::VoipMetrics(metrics())]));
        bytes[40..44].copy_from_slice(&[101, 255, 9, 51]);
        let expected =
            VoipMetrics { r_factor: None, external_r_factor: None, mos_lq: None, mos_cq: None, ..metrics() };
        assert_eq!(parse_compound(&bytes), Ok(compound(vec![XrBlock::VoipMetrics(expected)])));
    }

    #[test]
    fn reference_times_and_their_answers_are_read() {
        let blocks = vec![
            XrBlock::ReceiverReferenceTime(NtpTime(0xDEAD_BEEF_0102_0304)),
            XrBlock::Dlrr(vec![Dlrr { ssrc: 1, last_rr: 2, delay_since_last_rr: 3 }; MAX_COUNT]),
            XrBlock::Other { block_type: 6 },
        ];
        let packets = compound(blocks);
        assert_eq!(parse_compound(&print_compound(&packets)), Ok(packets));
    }

    #[test]
    fn a_block_with_the_length_of_another_type_is_skipped() {
        for (block_type, words) in [(4u8, 1u16), (4, 3), (5, 0), (5, 4), (7, 7), (7, 9), (200, 0)] {
            let mut bytes = print_compound(&compound(vec![XrBlock::Other { block_type }]));
            bytes.resize(bytes.len() + usize::from(words) * 4, 0);
            bytes[11] += words as u8;
            bytes[19] = words as u8;
            assert_eq!(
                parse_compound(&bytes),
                Ok(compound(vec![XrBlock::Other { block_type }])),
                "{block_type}"
            );
        }
    }

    #[test]
    fn the_blocks_are_bounded() {
        // covers: SEC-46, TM-090
        let parse = |count| {
            let mut bytes = print_compound(&compound(Vec::new()));
            bytes[11] += count as u8;
            bytes.extend([200, 0, 0, 0].repeat(count));
            parse_compound(&bytes)
        };
        assert!(parse(MAX_XR_BLOCKS).is_ok());
        assert_eq!(parse(MAX_XR_BLOCKS + 1), Err(RtcpError::TooManyBlocks));
        let dlrr = |count: usize| {
            let mut bytes = print_compound(&compound(vec![XrBlock::Other { block_type: 5 }]));
            bytes.resize(bytes.len() + count * 12, 0);
            bytes[11] += (count * 3) as u8;
            bytes[19] = (count * 3) as u8;
            parse_compound(&bytes)
        };
        assert!(dlrr(MAX_COUNT).is_ok());
        assert_eq!(dlrr(MAX_COUNT + 1), Err(RtcpError::TooManyBlocks));
        let many = |count| print_compound(&compound(vec![XrBlock::Other { block_type: 9 }; count]));
        assert_eq!(many(MAX_XR_BLOCKS), many(MAX_XR_BLOCKS + 1));
        // A block longer than its packet (CVE-2021-43845), and half a block head.
        let mut bytes = print_compound(&compound(vec![XrBlock::VoipMetrics(metrics())]));
        bytes[19] = 9;
        assert_eq!(parse_compound(&bytes), Err(RtcpError::Truncated));
    }
}
