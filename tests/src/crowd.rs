//! Many jobs on all processors.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Does all jobs, in any order, and hands each result to `take` with its job, one at a time.
pub fn each<J: Sync, R: Send>(jobs: &[J], run: impl Fn(&J) -> R + Sync, take: impl FnMut(&J, R) + Send) {
    let next = AtomicUsize::new(0);
    let take = Mutex::new(take);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = run(job);
                    take.lock().unwrap_or_else(PoisonError::into_inner)(job, result);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once_and_keeps_its_result() {
        let jobs: Vec<usize> = (0..1000).collect();
        let mut done = vec![0; jobs.len()];
        each(&jobs, |job| job * 2, |job, result| done[*job] += result + 1);
        assert!(done.iter().enumerate().all(|(job, sum)| *sum == job * 2 + 1));
    }
}
