//! What a context knows of each synchronisation source.

use super::SrtpError;

/// The most sources under one master key. A peer that takes a new SSRC whenever it changes its audio gets far in one
/// call, and a source is small. None that the key has protected is given up for another: its packets could then be replayed,
/// or its key stream be used twice (RFC 7714 §8.4).
pub const MAX_SOURCES: usize = 128;

/// Holds a state for each source, the latest used first: a call has one, and that one is found at once.
#[derive(Clone)]
pub(super) struct Sources<S>(Vec<Source<S>>);

#[derive(Clone)]
struct Source<S> {
    ssrc: u32,
    /// Whether the master key in force has protected a packet of this source.
    used: bool,
    state: S,
}

impl<S> Sources<S> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the state of a source.
    pub(super) fn get(&self, ssrc: u32) -> Option<&S> {
        self.0.iter().find(|source| source.ssrc == ssrc).map(|source| &source.state)
    }

    /// Returns true when there is a place for this source.
    pub(super) fn has_room(&self, ssrc: u32) -> bool {
        self.0.len() < MAX_SOURCES || self.get(ssrc).is_some() || self.0.iter().any(|source| !source.used)
    }

    /// Returns the state of a source to note a packet in, a new one where there is none.
    ///
    /// In a full table that one makes room which was not heard since the last change of keys: under the new key none of
    /// its packets is known.
    pub(super) fn note(&mut self, ssrc: u32, new: impl FnOnce() -> S) -> Result<&mut S, SrtpError> {
        let place = match self.0.iter().position(|source| source.ssrc == ssrc) {
            Some(place) => place,
            None if self.0.len() < MAX_SOURCES => {
                // A call has one source, and a vector that grows begins with four.
                self.0.reserve_exact(1);
                self.0.push(Source { ssrc, used: true, state: new() });
                self.0.len() - 1
            }
            None => {
                let place =
                    self.0.iter().rposition(|source| !source.used).ok_or(SrtpError::TooManySources)?;
                self.0[place] = Source { ssrc, used: true, state: new() };
                place
            }
        };
        self.0[..=place].rotate_right(1);
        let source = &mut self.0[0];
        source.used = true;
        Ok(&mut source.state)
    }

    /// Returns the sources that the master key has protected.
    pub(super) fn used(&self) -> impl Iterator<Item = (u32, &S)> {
        self.0.iter().filter(|source| source.used).map(|source| (source.ssrc, &source.state))
    }

    /// Tells each source that another master key is in force.
    pub(super) fn rekeyed(&mut self, mut each: impl FnMut(&mut S)) {
        for source in &mut self.0 {
            source.used = false;
            each(&mut source.state);
        }
    }
}
