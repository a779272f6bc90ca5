//! The locks that the bus is built of, named in one place.
//!
//! The test `interleavings` compiles the other modules with a second version of this one, whose locks are shuttle's, and
//! so runs the real code under chosen schedules.

pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock};
pub(crate) use std::thread::yield_now;
