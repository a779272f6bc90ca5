//! Noticing that audio that is expected does not come (TM-003, TM-017).

use std::time::Duration;

use crate::tick::Tick;

/// Names what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// No packets come.
    Packets,
    /// Packets come, and nothing is to be heard in them.
    Sound,
}

/// Tells that a silence has begun or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceChange {
    /// Nothing came for as long as was agreed.
    Silent {
        /// What is missing.
        what: Silence,
        /// Since when.
        since: Tick,
    },
    /// It came back.
    Heard {
        /// What was missing.
        what: Silence,
        /// How long it was missing.
        gap: Duration,
    },
}

/// Watches one of the two: since when it is missing, and whether that was told.
#[derive(Debug, Clone, Copy)]
struct Watch {
    what: Silence,
    after: Option<Duration>,
    last: Tick,
    told: bool,
}

impl Watch {
    fn deadline(&self) -> Option<Tick> {
        self.after.filter(|_| !self.told).map(|after| self.last + after)
    }

    fn came(&mut self, now: Tick, out: &mut Vec<SilenceChange>) {
        if self.told {
            self.told = false;
            out.push(SilenceChange::Heard { what: self.what, gap: now.since(self.last) });
        }
        self.last = now;
    }

    fn expire(&mut self, now: Tick, out: &mut Vec<SilenceChange>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.told = true;
            out.push(SilenceChange::Silent { what: self.what, since: self.last });
        }
    }
}

/// The watchdog of one leg. It runs while audio is expected: both directions open, no hold by either side.
#[derive(Debug, Clone)]
pub struct SilenceWatch {
    packets: Watch,
    sound: Watch,
    expecting: bool,
}

impl SilenceWatch {
    /// Creates a watchdog that barks after so long without packets (2 s suit a transfer), and after so long without sound
    /// in them, if that is wanted: people listen too, so it is tens of seconds or `None`.
    pub fn new(packets_after: Duration, sound_after: Option<Duration>) -> Self {
        let watch = |what, after| Watch { what, after, last: Tick(0), told: false };
        Self {
            packets: watch(Silence::Packets, Some(packets_after)),
            sound: watch(Silence::Sound, sound_after),
            expecting: false,
        }
    }

    /// Audio is expected from now on: after an answer, a resume, or a move of the device. The times start anew, and a
    /// silence that was told is told again when it goes on.
    pub fn expect(&mut self, now: Tick) {
        self.expecting = true;
        for watch in [&mut self.packets, &mut self.sound] {
            watch.last = now;
            watch.told = false;
        }
    }

    /// Audio is not expected any more: hold, or a direction without it (TM-003).
    pub fn suspend(&mut self) {
        self.expecting = false;
    }

    /// Returns true while audio is expected and packets have not stayed away.
    pub fn is_flowing(&self) -> bool {
        self.expecting && !self.packets.told
    }

    /// A packet came; those of a silent codec count as well (TM-021). `audible` tells whether it had sound in it; DTMF
    /// events do.
    pub fn packet(&mut self, now: Tick, audible: bool, out: &mut Vec<SilenceChange>) {
        if !self.expecting {
            return;
        }
        self.packets.came(now, out);
        if audible {
            self.sound.came(now, out);
        }
    }

    /// Returns when to call [`Self::expire`].
    pub fn deadline(&self) -> Option<Tick> {
        let deadlines = [self.packets.deadline(), self.sound.deadline()];
        deadlines.into_iter().flatten().min().filter(|_| self.expecting)
    }

    /// Tells what has been missing for too long.
    pub fn expire(&mut self, now: Tick, out: &mut Vec<SilenceChange>) {
        if !self.expecting {
            return;
        }
        self.packets.expire(now, out);
        // Without packets there is no sound; saying both would say one thing twice.
        if !self.packets.told {
            self.sound.expire(now, out);
        } else {
            self.sound.last = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Tick {
        Tick(milliseconds * 1_000)
    }

    fn watch() -> SilenceWatch {
        SilenceWatch::new(Duration::from_secs(2), Some(Duration::from_secs(10)))
    }

    fn step(call: impl FnOnce(&mut Vec<SilenceChange>)) -> Vec<SilenceChange> {
        let mut out = Vec::new();
        call(&mut out);
        out
    }

    #[test]
    fn two_seconds_without_packets_after_a_move_are_told_once() {
        let mut watch = watch();
        assert_eq!(watch.deadline(), None);
        watch.expect(at(1_000));
        assert_eq!(watch.deadline(), Some(at(3_000)));
        assert_eq!(step(|out| watch.expire(at(2_999), out)), []);
        let silent = SilenceChange::Silent { what: Silence::Packets, since: at(1_000) };
        assert_eq!(step(|out| watch.expire(at(3_000), out)), [silent]);
        assert!(!watch.is_flowing());
        assert_eq!(step(|out| watch.expire(at(60_000), out)), []);
        let heard = SilenceChange::Heard { what: Silence::Packets, gap: Duration::from_millis(59_500) };
        assert_eq!(step(|out| watch.packet(at(60_500), true, out)), [heard]);
        assert!(watch.is_flowing());
        assert_eq!(watch.deadline(), Some(at(62_500)));
    }

    #[test]
    fn a_hold_of_ten_minutes_is_no_silence() {
        // covers: TM-003
        let mut watch = watch();
        watch.expect(at(0));
        watch.packet(at(20), true, &mut Vec::new());
        watch.suspend();
        assert_eq!(watch.deadline(), None);
        assert_eq!(step(|out| watch.expire(at(600_000), out)), []);
        // Music on hold is not what is waited for.
        assert_eq!(step(|out| watch.packet(at(600_000), true, out)), []);
        watch.expect(at(600_000));
        assert_eq!(watch.deadline(), Some(at(602_000)));
    }

    #[test]
    fn packets_without_sound_are_another_silence() {
        let mut watch = watch();
        watch.expect(at(0));
        let mut told = Vec::new();
        for packet in 0..=500 {
            let now = at(packet * 20);
            watch.packet(now, false, &mut told);
            watch.expire(now, &mut told);
        }
        assert_eq!(told, [SilenceChange::Silent { what: Silence::Sound, since: at(0) }]);
        assert!(watch.is_flowing());
        let heard = SilenceChange::Heard { what: Silence::Sound, gap: Duration::from_millis(10_020) };
        assert_eq!(step(|out| watch.packet(at(10_020), true, out)), [heard]);
    }

    #[test]
    fn sparse_packets_of_a_silent_codec_are_no_silence() {
        // covers: TM-021
        let mut watch = SilenceWatch::new(Duration::from_secs(2), None);
        watch.expect(at(0));
        for packet in 0..100 {
            let now = at(packet * 400);
            assert_eq!(step(|out| watch.expire(now, out)), []);
            assert_eq!(step(|out| watch.packet(now, false, out)), []);
        }
    }
}
