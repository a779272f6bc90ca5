//! Packets are protected and taken without an allocation. A program of its own, so that nothing else allocates meanwhile.

use std::alloc::System;

use media_core::srtp::sdes::Crypto;
use media_core::srtp::{KeyMaterial, MAX_TRAILER_BYTES, Mki, SrtpReceiver, SrtpSender, Suite};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Most bytes of both contexts of a call, when each knows one source: 2,792 were measured.
const CONTEXTS: usize = 3_072;

#[test]
fn packets_are_protected_and_taken_without_an_allocation() {
    for suite in Suite::ALL {
        let material =
            KeyMaterial::new(suite, &vec![5; suite.material_bytes()]).expect("the length of the suite");
        let mut line = Crypto::new(1, material);
        line.keys[0].mki = Mki::new(1, 4);
        let report = [&[0x80, 201, 0, 1][..], &[0, 0, 0, 1]].concat();
        let mut packet = Vec::with_capacity(172 + MAX_TRAILER_BYTES);

        let region = Region::new(ALLOCATIONS);
        let mut sender = SrtpSender::new(&line).expect("a usable line");
        let mut receiver = SrtpReceiver::new(&line).expect("a usable line");
        for sequence in 0..200_u16 {
            if sequence == 1 {
                let held = region.change();
                let bytes = held.bytes_allocated - held.bytes_deallocated
                    + size_of_val(&sender)
                    + size_of_val(&receiver);
                assert!(bytes <= CONTEXTS, "{suite}: {bytes} bytes");
            }
            let warm = Region::new(ALLOCATIONS);
            packet.clear();
            let [high, low] = sequence.to_be_bytes();
            packet.extend_from_slice(&[0x80, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 1]);
            packet.extend_from_slice(&[0x55; 160]);
            sender.protect_rtp(&mut packet).expect("an RTP packet");
            receiver.unprotect_rtp(&mut packet).expect("authentic");
            packet.clear();
            packet.extend_from_slice(&report);
            sender.protect_rtcp(&mut packet).expect("an RTCP packet");
            receiver.unprotect_rtcp(&mut packet).expect("authentic");
            assert!(sequence == 0 || warm.change().allocations == 0, "{suite}: {:?}", warm.change());
        }
    }
}
