use super::*;
use crate::tick::Tick;

fn block() -> ReportBlock {
    ReportBlock {
        ssrc: 0x0102_0304,
        fraction_lost: 10,
        cumulative_lost: -2,
        highest_sequence: 0x0001_0002,
        jitter: 7,
        last_sr: 0xB705_2000,
        delay_since_last_sr: 0x0005_4000,
    }
}

fn compound() -> Vec<RtcpPacket> {
    let info = SenderInfo { ntp: NtpTime(0xDEAD_BEEF_0102_0304), rtp_timestamp: 9, packets: 8, octets: 7 };
    vec![
        RtcpPacket::SenderReport { ssrc: 5, info, reports: vec![block()] },
        RtcpPacket::SourceDescription(vec![SdesChunk {
            ssrc: 5,
            items: vec![(SDES_CNAME, b"a@b".to_vec())],
        }]),
        RtcpPacket::Bye { sources: vec![5, 6], reason: Some(b"moved".to_vec()) },
    ]
}

#[test]
fn what_is_printed_is_parsed() {
    let bytes = print_compound(&compound());
    assert_eq!(parse_compound(&bytes), Ok(compound()));
    assert_eq!(&bytes[..4], [0x81, 200, 0, 12]);
    // The SDES chunk: 4 for its source, 2 + 3 of text, a zero and padding.
    assert_eq!(&bytes[52..68], [0x81, 202, 0, 3, 0, 0, 0, 5, 1, 3, b'a', b'@', b'b', 0, 0, 0]);
}

#[test]
fn the_loss_of_24_bits_is_clamped_and_signed() {
    // covers: TM-081
    for (loss, expected) in
        [(0x7F_FFFF, 0x7F_FFFF), (0x80_0000, 0x7F_FFFF), (-0x80_0000, -0x80_0000), (-0x80_0001, -0x80_0000)]
    {
        let report = ReportBlock { cumulative_lost: loss, ..block() };
        let bytes = print_compound(&[RtcpPacket::ReceiverReport { ssrc: 1, reports: vec![report] }]);
        let packets = parse_compound(&bytes).expect("our own compound");
        let [RtcpPacket::ReceiverReport { reports, .. }] = &packets[..] else { panic!("a receiver report") };
        assert_eq!(reports[0].cumulative_lost, expected);
    }
}

#[test]
fn the_round_trip_is_that_of_rfc_3550() {
    // covers: TM-082
    let arrival = NtpTime(0x0000_B710_8000_0000);
    assert_eq!(arrival.middle(), 0xB710_8000);
    assert_eq!(round_trip(arrival, 0xB705_2000, 0x0005_4000), Some(Duration::from_millis(6_125)));
    assert_eq!(round_trip(arrival, 0, 0x0005_4000), None);
    // A peer that claims to have waited longer than the time that passed, and the limit of 30 s.
    assert_eq!(round_trip(arrival, 0xB705_2000, 0x000B_6001), None);
    assert_eq!(round_trip(arrival, 0xB710_8000 - (30 << 16), 0), Some(Duration::from_secs(30)));
    assert_eq!(round_trip(arrival, 0xB710_8000 - (30 << 16) - 1, 0), None);
    // Around the wrap of the middle bits.
    assert_eq!(round_trip(NtpTime(0x0001_0000_0000), 0xFFFF_0000, 0), Some(Duration::from_secs(2)));
}

#[test]
fn ntp_time_counts_from_1900() {
    let ntp = NtpTime::from_unix(Duration::from_millis(1_500));
    assert_eq!(ntp.0, (2_208_988_801 << 32) | 0x8000_0000);
}

#[test]
fn broken_compounds_are_refused() {
    // covers: TM-090
    let good = print_compound(&compound());
    for length in 0..good.len() {
        // Cut where a packet ends, what is left is a whole compound.
        let whole = [52, 68].contains(&length);
        assert_eq!(parse_compound(&good[..length]).is_ok(), whole, "{length}");
    }
    let parse = |change: fn(&mut Vec<u8>)| {
        let mut bytes = print_compound(&compound());
        change(&mut bytes);
        parse_compound(&bytes)
    };
    assert_eq!(parse(|bytes| bytes[0] = 0x41), Err(RtcpError::Version));
    assert_eq!(parse(|bytes| bytes[1] = 203), Err(RtcpError::NoReport));
    // More blocks than bytes; a length beyond the end.
    assert_eq!(parse(|bytes| bytes[0] = 0x82), Err(RtcpError::Truncated));
    assert_eq!(parse(|bytes| bytes[2] = 0xFF), Err(RtcpError::Truncated));
    // Padding before the last packet, and impossible padding in it.
    assert_eq!(parse(|bytes| bytes[0] |= 0x20), Err(RtcpError::Padding));
    assert_eq!(parse(|bytes| bytes[68] |= 0x20), Err(RtcpError::Padding));
    // An SDES item and a BYE reason that are longer than their packets (CVE-2021-43804).
    assert_eq!(parse(|bytes| bytes[61] = 200), Err(RtcpError::Truncated));
    assert_eq!(parse(|bytes| bytes[80] = 200), Err(RtcpError::Truncated));
}

#[test]
fn counts_end_at_their_limits() {
    let report = RtcpPacket::ReceiverReport { ssrc: 1, reports: Vec::new() };
    let many = |count| print_compound(&vec![report.clone(); count]);
    assert!(parse_compound(&many(MAX_COMPOUND_PACKETS)).is_ok());
    assert_eq!(parse_compound(&many(MAX_COMPOUND_PACKETS + 1)), Err(RtcpError::TooManyPackets));
    let items = |count| {
        let chunk = SdesChunk { ssrc: 1, items: vec![(2, vec![b'x']); count] };
        print_compound(&[report.clone(), RtcpPacket::SourceDescription(vec![chunk])])
    };
    assert!(parse_compound(&items(MAX_SDES_ITEMS)).is_ok());
    assert_eq!(parse_compound(&items(MAX_SDES_ITEMS + 1)), Err(RtcpError::TooManyItems));
    // Printing cuts what its count field cannot say.
    let blocks =
        |count| print_compound(&[RtcpPacket::ReceiverReport { ssrc: 1, reports: vec![block(); count] }]);
    assert_eq!(blocks(MAX_COUNT), blocks(MAX_COUNT + 1));
    let sources =
        |count| print_compound(&[report.clone(), RtcpPacket::Bye { sources: vec![1; count], reason: None }]);
    assert_eq!(sources(MAX_COUNT), sources(MAX_COUNT + 1));
    let reason = |length| {
        let bye = RtcpPacket::Bye { sources: Vec::new(), reason: Some(vec![b'x'; length]) };
        print_compound(&[report.clone(), bye])
    };
    assert_eq!(reason(255), reason(256));
    assert!(parse_compound(&reason(256)).is_ok());
}

#[test]
fn padding_of_the_last_packet_is_removed() {
    let mut bytes = print_compound(&[RtcpPacket::ReceiverReport { ssrc: 1, reports: Vec::new() }]);
    bytes.extend_from_slice(&[0, 0, 0, 4]);
    bytes[0] |= 0x20;
    bytes[3] = 2;
    assert_eq!(parse_compound(&bytes), Ok(vec![RtcpPacket::ReceiverReport { ssrc: 1, reports: Vec::new() }]));
}

#[test]
fn large_compounds_stretch_the_interval() {
    let minimum = Duration::from_millis(100);
    let mut schedule = Schedule::start(Tick(0), minimum, INITIAL_SIZE, 0);
    let before = schedule.deterministic();
    for _ in 0..100 {
        schedule.note_size(1_400);
    }
    // 1,428 bytes of each of two members at 400 bytes a second.
    assert!(schedule.deterministic() > before);
    assert!(schedule.deterministic() > Duration::from_secs(7));
}

#[test]
fn a_member_is_gone_after_five_intervals() {
    // covers: TM-012
    let mut schedule = Schedule::start(Tick(0), Duration::from_secs(5), INITIAL_SIZE, 0);
    assert!(schedule.expire(Tick(10_000_000), 0), "the first report is out");
    let heard = Tick(20_000_000);
    assert!(!schedule.timed_out(heard, heard + Duration::from_secs(25)));
    assert!(schedule.timed_out(heard, heard + Duration::from_micros(25_000_001)));
}

#[test]
fn every_interval_lies_in_its_bounds() {
    // covers: TM-011
    let minimum = Duration::from_secs(5);
    for random in [0, 1 << 40, u64::MAX / 3, u64::MAX / 2, u64::MAX] {
        let mut schedule = Schedule::start(Tick(0), minimum, INITIAL_SIZE, random);
        let mut sent = Tick(0);
        for report in 0..20 {
            let from = if report == 0 { 1.0 } else { 2.0 };
            let to = if report == 0 { 3.1 } else { 6.2 };
            let mut now = schedule.next();
            while !schedule.expire(now, random) {
                assert!(schedule.next() > now, "reconsideration moves on");
                now = schedule.next();
            }
            let interval = now.since(sent).as_secs_f64();
            assert!((from..=to).contains(&interval), "{report}: {interval}");
            sent = now;
        }
    }
}

#[test]
fn the_reduced_minimum_is_360_s_by_the_bandwidth() {
    for (kilobits, milliseconds) in
        [(0, 5_000), (64, 5_000), (72, 5_000), (80, 4_500), (360, 1_000), (3_600, 100)]
    {
        assert_eq!(reduced_minimum(kilobits), Duration::from_millis(milliseconds));
    }
}
