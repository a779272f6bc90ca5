use super::*;

fn party(longest: Option<u64>, due: u64, switch: Option<f64>) -> PartyReport {
    PartyReport {
        party: "bob",
        name: "Bob",
        heard_before_hz: None,
        hears_hz: None,
        expected_hz: None,
        longest_silence_ms: longest,
        no_audio_due_ms: due,
        switch_silence_ms: switch,
        in_call: true,
        heard: Vec::new(),
    }
}

#[test]
fn three_packets_may_be_missed_beyond_what_is_due() {
    for (longest, due, ok) in
        [(Some(700), 700, true), (Some(760), 700, true), (Some(761), 700, false), (None, 700, false)]
    {
        assert_eq!(unexcused(&party(longest, due, None)).ok, ok, "{longest:?}");
    }
    assert!(unexcused(&party(Some(300), 700, None)).ok, "what is due need not be silent");
}

#[test]
fn three_packets_may_be_missed_at_the_switch() {
    for (silence, ok) in [(Some(60.0), true), (Some(60.1), false), (None, false)] {
        assert_eq!(at_switch(&party(None, 0, silence)).ok, ok, "{silence:?}");
    }
}
