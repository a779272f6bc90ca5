//! Packets of any content, and our own after any of them, through SRTP contexts: no panic, none is taken twice, and
//! ours come out as they went in.
//!
//! The input: a byte for the suite, a byte of flags (1: RTP in clear, 2: RTCP in clear, 4: with an identifier), and a
//! list of steps: a byte for the kind, two bytes of length, and so many bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::srtp::sdes::Crypto;
use media_core::srtp::{KeyMaterial, Mki, Rollover, SrtpReceiver, SrtpSender, Suite};

fn line(suite: u8, flags: u8, fill: u8) -> Crypto {
    let suite = Suite::ALL[usize::from(suite) % Suite::ALL.len()];
    let key = vec![fill; suite.material_bytes()];
    let mut line = Crypto::new(1, KeyMaterial::new(suite, &key).expect("the length of the suite"));
    line.params.unencrypted_srtp = flags & 1 != 0;
    line.params.unencrypted_srtcp = flags & 2 != 0;
    line.keys[0].mki = Mki::new(7, 2).filter(|_| flags & 4 != 0);
    line
}

fuzz_target!(|bytes: &[u8]| {
    let &[suite, flags, ref steps @ ..] = bytes else { return };
    let first = line(suite, flags, 0);
    let mut sender = SrtpSender::new(&first).expect("a usable line");
    let mut receiver = SrtpReceiver::new(&first).expect("a usable line");

    let mut rest = steps;
    while let Some((&[kind, high, low], behind)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (plain, behind) = behind.split_at(length);
        rest = behind;
        let mut packet = plain.to_vec();
        match kind % 6 {
            0 => {
                if receiver.unprotect_rtp(&mut packet).is_ok() {
                    assert!(receiver.unprotect_rtp(&mut plain.to_vec()).is_err());
                }
            }
            1 => {
                if receiver.unprotect_rtcp(&mut packet).is_ok() {
                    assert!(receiver.unprotect_rtcp(&mut plain.to_vec()).is_err());
                }
            }
            2 if sender.protect_rtp(&mut packet).is_ok() => {
                // It may be late: the sender sends what the receiver counts as old only after others have come.
                if let Ok(length) = receiver.unprotect_rtp(&mut packet) {
                    assert_eq!(packet[..length], *plain);
                }
            }
            3 if sender.protect_rtcp(&mut packet).is_ok() => {
                if let Ok(length) = receiver.unprotect_rtcp(&mut packet) {
                    assert_eq!(packet[..length], *plain);
                }
            }
            2 | 3 => assert!(packet.is_empty()),
            kind => {
                let rollover = if kind == 4 { Rollover::Keep } else { Rollover::Restart };
                let next = line(suite, flags, plain.first().copied().unwrap_or_default());
                assert_eq!(sender.rekey(&next, rollover), receiver.rekey(&next, rollover));
            }
        }
    }
});
