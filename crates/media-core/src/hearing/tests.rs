use super::*;
use crate::source::{Player, Source};

const FRAME: Duration = Duration::from_millis(20);

/// Plays frames of a tone (0 is silence) and returns the moment after them.
fn play(ear: &mut Ear, hz: u16, frames: usize, mut now: Tick) -> Tick {
    let source = if hz == 0 { Source::Silence } else { Source::Tone { hz } };
    let mut player = Player::new(source);
    for _ in 0..frames {
        let mut samples = Vec::new();
        player.pull(SampleRate::Hz8000, 20, &mut samples);
        ear.play(SampleRate::Hz8000, &samples, now);
        now += FRAME;
    }
    now
}

#[test]
fn an_ear_that_heard_nothing_says_so() {
    let hearing = Ear::new(64.0).hearing(Tick(5));
    assert_eq!((hearing.tone, hearing.level, hearing.first_audible), (None, 0.0, None));
    assert_eq!((hearing.longest_silence, hearing.longest_silence_from), (Duration::ZERO, None));
    assert!(hearing.changes.is_empty());
}

#[test]
fn tones_silences_and_changes_are_heard_in_order() {
    let mut ear = Ear::new(64.0);
    let start = Tick(1_000_000);
    let now = play(&mut ear, 0, 10, start);
    assert_eq!(ear.hearing(now).first_audible, None);
    let first = now;
    let now = play(&mut ear, 440, 50, now);
    let end = now;
    assert_eq!(ear.hearing(now).tone, Some(440));
    assert!((ear.hearing(now).level - 5_793.0).abs() < 100.0);
    let now = play(&mut ear, 0, 25, now);
    assert_eq!(ear.hearing(now).tone, None);
    let now = play(&mut ear, 1_000, 50, now);
    let hearing = ear.hearing(now);
    assert_eq!(hearing.tone, Some(1_000));
    assert_eq!((hearing.first_audible, hearing.last_audible), (Some(first), Some(now)));
    assert_eq!(hearing.longest_silence, Duration::from_millis(500));
    assert_eq!(hearing.longest_silence_from, Some(end));
    let tones: Vec<_> = hearing.changes.iter().map(|(tone, _)| *tone).collect();
    assert_eq!(tones, [Some(440), None, Some(1_000)]);
    assert_eq!(hearing.changes[1].1, end);
}

#[test]
fn packets_that_stop_are_silence() {
    let mut ear = Ear::new(64.0);
    let end = play(&mut ear, 440, 50, Tick(0));
    assert_eq!(ear.hearing(end + Duration::from_millis(99)).tone, Some(440));
    let later = ear.hearing(end + Duration::from_secs(3));
    assert_eq!((later.tone, later.level), (None, 0.0));
    assert_eq!((later.longest_silence, later.longest_silence_from), (Duration::from_secs(3), Some(end)));
    assert_eq!(later.changes.last(), Some(&(None, end)));
    // The same is found when audio comes back.
    let back = end + Duration::from_secs(4);
    let now = play(&mut ear, 440, 20, back);
    let hearing = ear.hearing(now);
    assert_eq!(hearing.longest_silence, Duration::from_secs(4));
    assert_eq!(hearing.changes.len(), 3);
    assert_eq!(hearing.changes[1], (None, end));
}

#[test]
fn a_direct_switch_of_tones_is_one_change() {
    for (one, other) in [(440, 1_000), (440, 480), (1_500, 300)] {
        let mut ear = Ear::new(64.0);
        let now = play(&mut ear, one, 30, Tick(0));
        let switched = now;
        let now = play(&mut ear, other, 30, now);
        let changes = ear.hearing(now).changes;
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(changes[1].0.is_some_and(|tone| tone.abs_diff(other) <= 5), "{changes:?}");
        assert!(changes[1].1.since(switched) <= Duration::from_millis(60));
        assert_eq!(ear.hearing(now).tone, Some(other));
    }
}

#[test]
fn the_list_of_changes_is_bounded() {
    let mut ear = Ear::new(64.0);
    let mut now = Tick(0);
    for change in 0..MAX_CHANGES {
        now = play(&mut ear, if change % 2 == 0 { 440 } else { 1_000 }, 6, now);
    }
    let hearing = ear.hearing(now);
    assert_eq!((hearing.changes.len(), hearing.dropped_changes), (MAX_CHANGES, 0));
    let now = play(&mut ear, 600, 6, now);
    let hearing = ear.hearing(now);
    assert_eq!((hearing.changes.len(), hearing.dropped_changes), (MAX_CHANGES, 1));
}
