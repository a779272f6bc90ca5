use crate::BuildError;

/// Appends plain text as a quoted string (RFC 3261 §25.1): quotes and backslashes are escaped, control characters
/// refused, though the grammar has a way to quote some: no peer needs them, and logs and terminals suffer.
pub(super) fn push(out: &mut String, name: &str, text: &str) -> Result<(), BuildError> {
    out.push('"');
    for character in text.chars() {
        if character.is_control() {
            return Err(BuildError::ControlCharacter(name.into()));
        }
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    Ok(())
}
