//! Telephone events: a receiver fed with arbitrary packets, and one that hears a sender over a bad network.
//!
//! The first byte chooses the clock. The rest is a list of steps of eight bytes: what to do, and its numbers.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media_core::Tick;
use media_core::dtmf::{DigitReceiver, DigitSender, Event, EventPacket, MAX_QUEUED};

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, steps)) = bytes.split_first() else { return };
    let clock_rate = [8_000, 16_000, 48_000, 44_100][usize::from(choice & 3)];
    let frame = clock_rate / 50;
    let mut strangers = DigitReceiver::new(clock_rate);
    let mut sender = DigitSender::new(clock_rate);
    let mut receiver = DigitReceiver::new(clock_rate);
    let (mut now, mut timestamp) = (Tick(0), 0u32);
    let (mut digits, mut packets): (_, Vec<EventPacket>) = (Vec::new(), Vec::new());
    let (mut pushed, mut waiting, mut heard) = (0usize, 0usize, 0usize);
    for step in steps.as_chunks::<8>().0 {
        let number = u32::from_be_bytes([step[4], step[5], step[6], step[7]]);
        match step[0] & 3 {
            0 => {
                now += Duration::from_millis(u64::from(step[3]));
                strangers.expire(now, &mut digits);
                strangers.receive(number, &step[usize::from(step[1] & 7)..], now, &mut digits);
                assert!(digits.len() <= 3);
            }
            1 => {
                let event = Event::from_code(step[1] % 17).expect("a code below 17");
                let duration = Duration::from_millis(u64::from(number & 0xFFFF));
                let before = waiting;
                if sender.push(event, duration).is_ok() {
                    pushed += 1;
                    waiting += 1;
                }
                assert!(before < MAX_QUEUED || waiting == before);
            }
            2 => {
                // Frames, of which each bit of the number loses or doubles the packets.
                for bit in 0..u32::from(step[1] & 31) {
                    packets.clear();
                    sender.frame(timestamp, frame, &mut packets);
                    timestamp = timestamp.wrapping_add(frame);
                    now += Duration::from_millis(20);
                    receiver.expire(now, &mut digits);
                    waiting -= packets.iter().filter(|packet| packet.marker).count();
                    for packet in &packets {
                        for _ in 0..=(number >> bit & 1) {
                            if step[2] >> (bit & 7) & 1 == 0 {
                                receiver.receive(packet.timestamp, &packet.payload, now, &mut digits);
                            }
                        }
                    }
                    heard += digits.len();
                    digits.clear();
                }
            }
            _ => {
                packets.clear();
                sender.cancel(&mut packets);
                assert!(packets.iter().all(|packet| !packet.marker) && packets.len() <= 7);
                assert!(!sender.is_active());
                waiting = 0;
                for packet in &packets {
                    receiver.receive(packet.timestamp, &packet.payload, now, &mut digits);
                }
                heard += digits.len();
            }
        }
        digits.clear();
    }
    receiver.expire(Tick(u64::MAX), &mut digits);
    assert!(heard + digits.len() <= pushed, "no digit is heard that was not sent, or twice");
});
