//! Descriptions of any content as offer and as answer: no panic, what is parsed prints to the same, and another parser
//! that takes them sees the same m-lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::sdp::{MAX_LINE_BYTES, MAX_SDP_BYTES};
use media_core::srtp::Suite;
use media_core::{LocalMedia, Negotiation, SessionDescription, SrtpPolicy};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(description) = SessionDescription::parse(bytes) {
        let printed = description.to_bytes();
        // Line feeds that became CRLF can make it too long.
        if printed.len() <= MAX_SDP_BYTES {
            let again = SessionDescription::parse(&printed).expect("it was parsed before");
            assert_eq!(again.to_bytes(), printed);
            assert_eq!(again, description);
        }
        assert!(description.lines().all(|line| line.value.len() < MAX_LINE_BYTES));
        for media in description.media() {
            let _ =
                (media.encodings().count(), description.connection(&media), description.direction(&media));
        }
        if let Ok(other) = sdp_types::Session::parse(bytes) {
            let ours = description.media().map(|media| (media.kind, media.port));
            assert!(ours.eq(other.medias.iter().map(|media| (&media.media[..], media.port))));
        }
    }
    for policy in [SrtpPolicy::Off, SrtpPolicy::Optional] {
        let local = LocalMedia::new([192, 0, 2, 1].into(), 4_000, 1);
        let mut next = 0;
        let mut random = || {
            next += 1;
            next
        };
        let mut ours = Negotiation::new(local).with_srtp(policy, &Suite::ALL, &mut random);
        if ours.offered(bytes).is_ok() {
            let answer = ours.answer();
            assert!(SessionDescription::parse(&answer).is_ok());
            ours.desire(true);
            let offer = ours.offer();
            assert!(SessionDescription::parse(&offer).is_ok());
            let answered = ours.answered(bytes).is_ok();
            assert!(answered || ours.offer_pending());
        }
    }
});
