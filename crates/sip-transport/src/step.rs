//! What every reducer of the stack is given and what it answers with: [`Cx`] in, [`Out`] out, [`TimerOp`] for time.
//!
//! The *step contract*: a reducer's `command`, `receive` and `expire` return nothing; they push plain values to an
//! [`Out`] and touch nothing else. Time, randomness and identifiers come from the [`Cx`], which the engine fills once
//! per input. No layer reads a clock, a random source or a socket.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::guard::Guard;

/// A moment in the engine's own time: microseconds since the engine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// Makes the moment `micros` microseconds after the engine's start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the engine's start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The moment so much later.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time.as_micros() as u64))
    }
}

/// Wall-clock time as the time since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixTime(pub Duration);

/// A source of random numbers: the operating system's in production, a seeded generator in simulation.
pub trait Random {
    /// The next 64 uniformly distributed bits.
    fn next_u64(&mut self) -> u64;

    /// A number in `0..=max`, uniformly distributed up to a bias below 2^-32 for `max` below 2^32.
    fn up_to(&mut self, max: u32) -> u32 {
        let range = u64::from(max) + 1;
        (((self.next_u64() >> 32) * range) >> 32) as u32
    }
}

/// Mints identifiers: a counter that is never reused.
///
/// The top 8 bits are kept for a shard, which is 0 today.
#[derive(Debug, Default)]
pub struct IdMint {
    last: u64,
}

impl IdMint {
    /// The next identifier, of whatever kind is asked for.
    pub fn mint<I: From<u64>>(&mut self) -> I {
        self.last += 1;
        I::from(self.last)
    }
}

/// Declares an identifier: a newtype over the engine's counter with a prefixed `Display`.
#[macro_export]
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl $name {
            /// The number behind the identifier.
            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

/// What a step may read: the moment, the wall clock, randomness, fresh identifiers and the key of our own tokens.
pub struct Cx<'a> {
    /// The moment of this input.
    pub now: Tick,
    /// The wall clock at this input.
    pub unix: UnixTime,
    /// Randomness.
    pub random: &'a mut dyn Random,
    /// Fresh identifiers.
    pub ids: &'a mut IdMint,
    /// The key that marks branches and tags as ours.
    pub guard: &'a Guard,
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("now", &self.now).field("unix", &self.unix).finish_non_exhaustive()
    }
}

/// The receiving end of a layer's output; the engine owns it and drains it in order.
#[derive(Debug)]
pub struct Outbox<T>(VecDeque<T>);

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Outbox<T> {
    /// The pushing end, to be lent to one step.
    pub fn out(&mut self) -> Out<'_, T> {
        Out(&mut self.0)
    }

    /// The oldest value that was not taken yet.
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The pushing end of a layer's output: values can be added to it and nothing else.
#[derive(Debug)]
pub struct Out<'a, T>(&'a mut VecDeque<T>);

impl<T> Out<'_, T> {
    /// Adds a value behind those already pushed.
    pub fn push(&mut self, value: T) {
        self.0.push_back(value);
    }
}

/// A request to the engine's timer wheel. Arming a timer that is armed moves it; disarming one that is not is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerOp<K> {
    /// `expire` is to be called with the key after the duration.
    Arm(K, Duration),
    /// `expire` is not to be called with the key.
    Disarm(K),
}
