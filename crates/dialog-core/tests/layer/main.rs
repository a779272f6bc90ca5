//! The layer as its neighbours see it: commands and transaction events in, transaction commands and events
//! out.

mod acknowledging;
mod answering;
mod asked;
mod bench;
mod early;
mod ending;
mod limits;
mod notifier;
mod placing;
mod property;
mod reinvited;
mod reliable;
mod reoffer;
mod reoffer_refused_500;
mod reoffer_unreachable;
mod replacing;
mod replacing_early;
mod replacing_refused;
mod requests;
mod session_timer;
mod subscriber;
mod theirs;
mod tolerance;
mod update;
mod values;
