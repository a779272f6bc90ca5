//! When whoever refuses wants to be asked again: Retry-After (RFC 3261 §20.33).

use std::time::Duration;

use dialog_core::{EndCause, ReferAnswer};
use sip_message::{HeaderId, RetryAfter};

/// The Retry-After of the response that ended a call; `None` if it had none that can be read.
pub fn retry_after(cause: &EndCause) -> Option<Duration> {
    let (_, value) = cause.details.iter().find(|(id, _)| *id == HeaderId::RetryAfter)?;
    RetryAfter::parse(value).ok().map(|after| Duration::from_secs(after.seconds.into()))
}

/// That of an answer to a REFER.
pub(crate) fn asked_to_wait(answer: ReferAnswer) -> Option<Duration> {
    match answer {
        ReferAnswer::Refused { retry_after, .. } => {
            retry_after.map(|seconds| Duration::from_secs(seconds.into()))
        }
        ReferAnswer::Accepted(_) | ReferAnswer::TimedOut | ReferAnswer::Unreachable => None,
    }
}
