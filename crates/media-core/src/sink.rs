//! Where a device's ear gives what it hears, besides [`crate::Hearing`]: an application, a recording.

mod application;
mod record;

pub(crate) use application::Listening;
pub use application::MAX_HEARD_MS;
pub use record::{RecordLayout, RecordedBlock};
pub(crate) use record::{Recorder, Track};
