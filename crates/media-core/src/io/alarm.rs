//! The pump's alarm clock. What a poll can be told is whole milliseconds, too coarse for frames; where the system has
//! timers that can be polled, they wake the pump to some microseconds.

#![expect(clippy::disallowed_types, reason = "the pump is where the real clock is read")]

use std::io;
use std::time::{Duration, Instant};

use mio::{Registry, Token};

/// Wakes a poll at a moment.
pub(super) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: std::os::fd::OwnedFd,
    #[cfg(target_os = "linux")]
    armed: Option<Instant>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        use mio::{Interest, unix::SourceFd};
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, armed: None })
    }

    /// Sets the alarm, and returns how long the poll may wait: `None` is until the alarm.
    pub(super) fn set(&mut self, now: Instant, deadline: Option<Instant>) -> Option<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        if self.armed == deadline {
            return None;
        }
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wait = deadline.map(|deadline| deadline.saturating_duration_since(now));
        let it_value = wait.map_or(never, |wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            // Nothing at all would be never.
            tv_nsec: i64::from(wait.subsec_nanos()).max(1),
        });
        let alarm = Itimerspec { it_interval: never, it_value };
        if timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &alarm).is_ok() {
            self.armed = deadline;
            return None;
        }
        self.armed = None;
        wait
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(super) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Returns how long the poll may wait; `None` is for ever.
    pub(super) fn set(&mut self, now: Instant, deadline: Option<Instant>) -> Option<Duration> {
        deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}
