//! Decoded samples that are not heard yet.

/// A queue over one buffer, so that the decoder can append to it and a stretch can work in it.
#[derive(Debug, Clone, Default)]
pub(super) struct SampleQueue {
    samples: Vec<i16>,
    start: usize,
}

impl SampleQueue {
    pub(super) fn len(&self) -> usize {
        self.samples.len() - self.start
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.start = 0;
    }

    /// Lets `write` append, and returns how many samples it did, of which `most` stay.
    pub(super) fn append<T>(&mut self, most: usize, write: impl FnOnce(&mut Vec<i16>) -> T) -> (usize, T) {
        self.samples.drain(..self.start);
        self.start = 0;
        let before = self.samples.len();
        let result = write(&mut self.samples);
        self.samples.truncate(before.saturating_add(most));
        (self.samples.len().saturating_sub(before), result)
    }

    /// Moves the first samples out, as many as there are and fit, and returns their number.
    pub(super) fn take(&mut self, out: &mut [i16]) -> usize {
        let count = self.len().min(out.len());
        out[..count].copy_from_slice(&self.samples[self.start..self.start + count]);
        self.drop_front(count);
        count
    }

    pub(super) fn front(&self) -> &[i16] {
        &self.samples[self.start..]
    }

    pub(super) fn front_mut(&mut self) -> &mut [i16] {
        &mut self.samples[self.start..]
    }

    pub(super) fn drop_front(&mut self, count: usize) {
        self.start += count;
        if self.start == self.samples.len() {
            self.clear();
        }
    }

    /// Puts samples before the first.
    pub(super) fn insert_front(&mut self, samples: &[i16]) {
        self.samples.splice(self.start..self.start, samples.iter().copied());
    }

    pub(super) fn bytes(&self) -> usize {
        self.samples.capacity() * size_of::<i16>()
    }
}
