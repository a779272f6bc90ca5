use super::*;

const FRAME: u32 = 160;

fn event(digit: char) -> Event {
    Event::from_char(digit).expect("a digit")
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The frames of a stream from `start` on: what each of them sent, and the timestamps of those with audio.
fn frames(sender: &mut DigitSender, start: u32, frame: u32, count: u32) -> (Vec<Vec<EventPacket>>, Vec<u32>) {
    let (mut packets, mut audio) = (Vec::new(), Vec::new());
    for index in 0..count {
        let timestamp = start.wrapping_add(index * frame);
        let mut out = Vec::new();
        if sender.frame(timestamp, frame, &mut out) == Slot::Audio {
            audio.push(timestamp);
        }
        packets.push(out);
    }
    (packets, audio)
}

#[test]
fn a_digit_is_one_timestamp_rising_durations_and_three_ends() {
    // covers: TM-040, TM-041, TM-042
    let mut sender = DigitSender::new(8_000);
    sender.push(event('5'), ms(160)).expect("room");
    let start = u32::MAX - 300;
    let (packets, audio) = frames(&mut sender, start, FRAME, 11);
    let sent: Vec<_> = packets.concat();
    assert!(sent.iter().all(|packet| packet.timestamp == start && packet.payload[0] == 5));
    let durations: Vec<_> = sent.iter().map(EventPacket::duration).collect();
    assert_eq!(durations, [160, 320, 480, 640, 800, 960, 1_120, 1_280, 1_280, 1_280]);
    let markers: Vec<_> = sent.iter().map(|packet| packet.marker).collect();
    assert_eq!(markers, [true, false, false, false, false, false, false, false, false, false]);
    let ends: Vec<_> = sent.iter().map(EventPacket::end).collect();
    assert_eq!(ends, [false, false, false, false, false, false, false, true, true, true]);
    // One packet a frame, and the audio goes on where the event ended.
    let per_frame: Vec<_> = packets.iter().map(Vec::len).collect();
    assert_eq!(per_frame, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(audio[0], start.wrapping_add(1_280));
    assert!(!sender.is_active());
}

#[test]
fn a_digit_lasts_whole_frames_and_a_pause_follows() {
    let mut sender = DigitSender::new(8_000);
    sender.push(event('1'), ms(50)).expect("room");
    sender.push(event('1'), ms(40)).expect("room");
    let (packets, audio) = frames(&mut sender, 1_000, FRAME, 12);
    let starts: Vec<_> = packets.concat().iter().filter(|p| p.marker).map(|p| p.timestamp).collect();
    // 50 ms are three frames of 20 ms, the pause another three.
    assert_eq!(starts, [1_000, 1_000 + 6 * FRAME]);
    assert_eq!(audio, [3, 4, 5, 8, 9, 10, 11].map(|frame| 1_000 + frame * FRAME));
}

#[test]
fn a_long_digit_goes_on_in_segments() {
    // covers: TM-043
    let mut sender = DigitSender::new(8_000);
    sender.push(event('9'), ms(10_000)).expect("room");
    let (packets, audio) = frames(&mut sender, 0, FRAME, 503);
    let sent = packets.concat();
    assert_eq!(sent.iter().filter(|packet| packet.marker).count(), 1);
    // 65,535 units are 409.6 frames: the 410th fills the first segment and reports the second.
    let full: Vec<_> = sent.iter().filter(|packet| packet.duration() == 0xFFFF).collect();
    assert_eq!(full.len(), 3);
    assert!(full.iter().all(|packet| packet.timestamp == 0 && !packet.end()));
    assert_eq!(packets[409].len(), 2);
    assert_eq!((packets[409][1].timestamp, packets[409][1].duration()), (0xFFFF, 65));
    let ends: Vec<_> = sent.iter().filter(|packet| packet.end()).collect();
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|packet| packet.timestamp == 0xFFFF && packet.duration() == 14_465));
    assert_eq!(audio[0], 80_000);
}

#[test]
fn the_clock_rate_and_the_packet_time_are_those_of_the_stream() {
    // covers: TM-046
    for (clock_rate, frame) in [(8_000, 80), (16_000, 320), (48_000, 960), (48_000, 2_880)] {
        let mut sender = DigitSender::new(clock_rate);
        sender.push(event('D'), ms(1_500)).expect("room");
        let (packets, audio) = frames(&mut sender, 7, frame, 200);
        let units = clock_rate + clock_rate / 2;
        let last = packets.concat().into_iter().rfind(EventPacket::end).expect("an end");
        assert_eq!(last.timestamp + u32::from(last.duration()), 7 + units);
        assert_eq!(audio[0], 7 + units);
    }
}

#[test]
fn cancelling_ends_what_runs_and_drops_what_waits() {
    // covers: TM-044
    let mut sender = DigitSender::new(8_000);
    sender.push(event('1'), ms(100)).expect("room");
    sender.push(event('2'), ms(100)).expect("room");
    frames(&mut sender, 0, FRAME, 2);
    let mut out = Vec::new();
    sender.cancel(&mut out);
    assert_eq!(out.len(), 3);
    assert!(out.iter().all(|p| p.end() && !p.marker && p.duration() == 320 && p.timestamp == 0));
    assert!(!sender.is_active());
    let (packets, _) = frames(&mut sender, 80_000, FRAME, 20);
    assert!(packets.concat().is_empty(), "nothing is replayed after the hold");

    // Cancelled while its end is being repeated: the repetitions come at once. Twice changes nothing.
    sender.push(event('3'), ms(40)).expect("room");
    frames(&mut sender, 0, FRAME, 2);
    out.clear();
    sender.cancel(&mut out);
    sender.cancel(&mut out);
    assert_eq!(out.len(), 2);
    assert!(out.iter().all(EventPacket::end));

    // Cancelled before its first packet: nobody has heard of it.
    sender.push(event('4'), ms(40)).expect("room");
    out.clear();
    sender.cancel(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_stalled_stream_ends_its_digit_and_no_more() {
    let mut sender = DigitSender::new(8_000);
    sender.push(event('6'), ms(10_000)).expect("room");
    let mut out = Vec::new();
    sender.frame(0, FRAME, &mut out);
    sender.frame(1_000_000, FRAME, &mut out);
    let said: Vec<_> = out.iter().map(|p| (p.timestamp, p.duration(), p.end())).collect();
    assert_eq!(said, [(0, 160, false), (0, 0xFFFF, false), (0xFFFF, 14_465, true)]);
}

#[test]
fn the_flash_has_no_volume() {
    let mut sender = DigitSender::new(8_000);
    sender.push(Event::FLASH, ms(100)).expect("room");
    let (packets, _) = frames(&mut sender, 0, FRAME, 1);
    assert_eq!(packets[0][0].payload, [16, 0, 0, 160]);
}
