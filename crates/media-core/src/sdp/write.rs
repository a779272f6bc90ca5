//! Lines to [`SessionDescription`]: for who describes a session without a negotiation, or edits a description.

use super::{Rule, SdpError, SessionDescription};

/// Writes a description line by line; it begins with `v=0`.
///
/// ```
/// use media_core::sdp::{SdpWriter, SessionDescription};
///
/// // A description with another address, every other line untouched.
/// let theirs = SessionDescription::parse(b"v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n")?;
/// let mut ours = SdpWriter::default();
/// for line in theirs.lines().skip(1) {
///     match line.kind {
///         b'c' => ours.line(b'c', "IN IP4 198.51.100.1"),
///         kind => ours.line(kind, line.value),
///     };
/// }
/// assert_eq!(ours.finish()?.value(b'c'), Some(&b"IN IP4 198.51.100.1"[..]));
/// # Ok::<(), media_core::SdpError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SdpWriter {
    text: Vec<u8>,
    lines: usize,
    /// The first line with a value that would have been two lines.
    broken: Option<usize>,
}

impl Default for SdpWriter {
    fn default() -> Self {
        Self { text: b"v=0\r\n".to_vec(), lines: 1, broken: None }
    }
}

impl SdpWriter {
    /// Writes a line.
    pub fn line(&mut self, kind: u8, value: impl AsRef<[u8]>) -> &mut Self {
        let value = value.as_ref();
        self.lines += 1;
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0')) {
            self.broken = self.broken.or(Some(self.lines));
        } else {
            self.text.extend([kind, b'=']);
            self.text.extend(value);
            self.text.extend(b"\r\n");
        }
        self
    }

    /// Returns the description; an error where [`SessionDescription::parse`] would have one.
    pub fn finish(&self) -> Result<SessionDescription, SdpError> {
        match self.broken {
            Some(line) => Err(SdpError::Malformed { line, rule: Rule::Text }),
            None => SessionDescription::parse(&self.text),
        }
    }
}
