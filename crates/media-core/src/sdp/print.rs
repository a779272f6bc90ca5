//! [`SessionDescription`] to bytes.

use std::fmt;

use super::SessionDescription;

impl SessionDescription {
    /// Returns the lines as they came, in their order, each ended by CRLF.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Type, equals sign, CRLF: a line that ended with LF grows by a byte.
        let mut bytes = Vec::with_capacity(self.text().bytes().len() + self.lines.len());
        for line in self.lines() {
            bytes.extend([line.kind, b'=']);
            bytes.extend(line.value);
            bytes.extend(b"\r\n");
        }
        bytes
    }
}

impl fmt::Display for SessionDescription {
    /// Writes what [`Self::to_bytes`] returns, with U+FFFD for what is not UTF-8.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            write!(f, "{}={}\r\n", char::from(line.kind), String::from_utf8_lossy(line.value))?;
        }
        Ok(())
    }
}
