//! Which headers of a Refer-To URI reach the INVITE (RFC 3261 §19.1.5; TR-133, TR-134, TR-138). Those of the REFER itself are
//! meant for us (EC-54): but for Referred-By none of them is looked at here.

use std::borrow::Cow;

use dialog_core::IncomingRefer;
use sip_message::{HeaderId, HeaderName, NameAddr, Privacy, StatusCode};

/// Longest value of a header that is taken from a URI; User-to-User data has 256 hexadecimal digits (RFC 7433 §4).
pub const URI_HEADER_MAX: usize = 1024;

/// The option tags that may be required of the new call's target.
const OPTIONS: [&str; 1] = ["replaces"];

/// The headers for an INVITE.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct InviteHeaders {
    pub(crate) known: Vec<(HeaderId, Box<str>)>,
    /// Those without a [`HeaderId`], by name.
    pub(crate) extensions: Vec<(Box<str>, Box<str>)>,
}

/// The headers for the INVITE that a REFER asks for, or the status that refuses the REFER. Of extension headers those are
/// taken that `permitted` names.
///
/// What asks for something that cannot be granted is refused: a Require we do not know, a second Replaces, a body,
/// control characters. What is merely not ours to set is dropped: From, Route, Contact, Via and so on.
pub(crate) fn for_invite(refer: &IncomingRefer, permitted: &[Box<str>]) -> Result<InviteHeaders, StatusCode> {
    let InviteHeaders { known: mut headers, mut extensions } = InviteHeaders::default();
    if let Some(referred_by) = &refer.referred_by_text {
        // Unmodified (RFC 3892 §2.2), but on one line.
        push(&mut headers, HeaderId::ReferredBy, &unfold(referred_by))?;
    }
    let mut replaces_seen = false;
    for (name, value) in &refer.headers {
        let HeaderName::Known(id) = HeaderName::of(name) else {
            if name.eq_ignore_ascii_case("body") {
                return Err(StatusCode::BAD_REQUEST);
            }
            if let Some(name) = permitted.iter().find(|permitted| permitted.eq_ignore_ascii_case(name)) {
                check_value(value)?;
                if !extensions.iter().any(|(present, _)| present == name) {
                    extensions.push((name.clone(), value.clone()));
                }
            }
            continue;
        };
        match id {
            HeaderId::Replaces => {
                let Some(replaces) = refer.replaces.as_ref().filter(|_| !replaces_seen) else {
                    return Err(StatusCode::BAD_REQUEST);
                };
                replaces_seen = true;
                push(&mut headers, id, &replaces.to_string())?;
            }
            HeaderId::Require => {
                let mut tags = value.split(',').map(str::trim);
                if !tags.all(|tag| OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(tag))) {
                    return Err(StatusCode::BAD_REQUEST);
                }
                push(&mut headers, id, value)?;
            }
            // Only if the REFER itself has none; a list or a broken address is nobody.
            HeaderId::ReferredBy if NameAddr::parse(value).is_err() => {}
            HeaderId::ReferredBy => push(&mut headers, id, value)?,
            // More privacy may be asked for, but what the call's own account withholds is not told (SEC-16).
            HeaderId::Privacy if !is_restrictive(value) => {}
            HeaderId::Privacy | HeaderId::UserToUser | HeaderId::Subject | HeaderId::Reason => {
                push(&mut headers, id, value)?;
            }
            // From, To, Via, Route, Contact, Authorization, P-Asserted-Identity, Content-Type …: an allow-list, because
            // headers that do not exist yet are to be dropped, too.
            _ => {}
        }
    }
    // A Replaces without its line in `headers` cannot be, but must not be lost either (TR-137).
    if let Some(replaces) = refer.replaces.as_ref().filter(|_| !replaces_seen) {
        push(&mut headers, HeaderId::Replaces, &replaces.to_string())?;
    }
    Ok(InviteHeaders { known: headers, extensions })
}

fn is_restrictive(privacy: &str) -> bool {
    Privacy::parse(privacy).is_ok_and(|privacy| !privacy.has("none"))
}

/// Puts a folded header value on one line (RFC 3261 §7.3.1).
fn unfold(value: &str) -> Cow<'_, str> {
    if value.contains('\n') {
        Cow::Owned(value.replace("\r\n ", " ").replace("\r\n\t", " "))
    } else {
        Cow::Borrowed(value)
    }
}

/// Adds a header unless it is there already.
fn push(headers: &mut Vec<(HeaderId, Box<str>)>, id: HeaderId, value: &str) -> Result<(), StatusCode> {
    check_value(value)?;
    if !headers.iter().any(|(present, _)| *present == id) {
        headers.push((id, value.into()));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), StatusCode> {
    if value.len() > URI_HEADER_MAX || value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
