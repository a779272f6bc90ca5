//! The seam to the codecs.

/// Tells what a payload was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Audio: its samples were appended.
    Audio,
    /// A comfort noise descriptor (RFC 3389): nothing was appended, and [`Decode::comfort_noise`] is asked from now on.
    ComfortNoise,
    /// Nothing that can be decoded; its time passes in silence.
    Unknown,
}

/// Turns payloads into samples. Closures of [`Decode::decode`]'s form are decoders without state of their own.
pub trait Decode {
    /// Appends the payload's samples at the sample rate of the [`super::Format`] that its packet was put with.
    fn decode(&mut self, payload_type: u8, payload: &[u8], samples: &mut Vec<i16>) -> Content;

    /// Fills a piece of the pause that began with the last comfort noise descriptor.
    fn comfort_noise(&mut self, samples: &mut [i16]) {
        samples.fill(0);
    }

    /// The next payload does not continue those before: another source began.
    fn restart(&mut self) {}
}

impl<F: FnMut(u8, &[u8], &mut Vec<i16>) -> Content> Decode for F {
    fn decode(&mut self, payload_type: u8, payload: &[u8], samples: &mut Vec<i16>) -> Content {
        self(payload_type, payload, samples)
    }
}
