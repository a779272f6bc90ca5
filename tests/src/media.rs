//! What is measured of the media layer, case by case, in virtual time and without sockets: RTP sent and received through
//! [`Streams`](media_core::Streams), frames of each codec, the jitter buffer, session descriptions.
//!
//! Every case does the same in every run, so that its instructions can be counted. Valgrind knows the
//! processor's instructions for AES and for the Galois field of GCM, but not those for SHA-1: the cases with AES-CM count a
//! SHA-1 in software, which a native run does not have.

mod calls;
mod frames;
mod negotiation;
mod playing;

use media_core::Source;

pub use calls::{Calls, Protection, UNPROTECTED_BYTES, speech};

/// Does a case once; false when it failed.
pub type Case = Box<dyn FnMut() -> bool>;

/// The cases of the gate, each with the iterations that suffice to count its instructions.
pub const CASES: [(&str, u64); 11] = [
    ("media-send-clear", 2_000),
    ("media-send-cm", 1_000),
    ("media-send-gcm", 1_000),
    ("media-call-clear", 1_000),
    ("media-call-cm", 500),
    ("media-call-gcm", 500),
    ("media-encode-g722", 500),
    ("media-decode-g722", 500),
    ("media-playout", 2_000),
    ("media-sdp-parse", 1_000),
    ("media-sdp-offer-answer", 500),
];

/// Sets up a case by its name, one of the gate or one that only people look at; `None` for another name, and for one that
/// could not be set up.
///
/// - `media-send-SUITE`: one frame of PCMU sent by a stream, reports included; SUITE is `clear`, `cm` or `gcm`, or
///   `tone` for a tone in clear instead of speech.
/// - `media-call-SUITE`: that frame sent, received by another stream and heard, with its playout; less `media-send`, what receiving costs.
/// - `media-encode-CODEC` and `media-decode-CODEC`: 20 ms.
/// - `media-playout` and `media-playout-lossy`: one packet put and 20 ms pulled; every tenth packet missing.
/// - `media-sdp-parse`: a telephone's offer. `media-sdp-offer-answer`: two sides agree, from the first offer on.
pub fn case(name: &str) -> Option<Case> {
    let name = name.strip_prefix("media-")?;
    let (what, which) = name.split_once('-').unwrap_or((name, ""));
    match (what, which) {
        ("send", "tone") => calls::case(Protection::Clear, false, &Source::Tone { hz: 440 }),
        ("call", "tone") => calls::case(Protection::Clear, true, &Source::Tone { hz: 440 }),
        ("send", suite) => calls::case(Protection::named(suite)?, false, &speech()),
        ("call", suite) => calls::case(Protection::named(suite)?, true, &speech()),
        ("encode", codec) => Some(frames::encode(frames::codec(codec)?)),
        ("decode", codec) => Some(frames::decode(frames::codec(codec)?)),
        ("playout", "") => Some(playing::case(u64::MAX)),
        ("playout", "lossy") => Some(playing::case(10)),
        ("sdp", "parse") => negotiation::parse(),
        ("sdp", "offer-answer") => Some(negotiation::agree()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_gate_runs() {
        for (name, _) in CASES {
            let mut case = case(name).unwrap_or_else(|| panic!("{name} cannot be set up"));
            assert!((0..20).all(|_| case()), "{name}");
        }
    }

    #[test]
    fn other_names_are_no_cases() {
        for name in ["media-send-none", "media-encode-opus", "media-playout-late", "send-clear", "media-"] {
            assert!(case(name).is_none(), "{name}");
        }
    }
}
