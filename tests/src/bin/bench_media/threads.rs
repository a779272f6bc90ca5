//! What the kernel tells of the CPU time of this process's threads.

use std::fs;
use std::io;
use std::ops::Sub;
use std::time::Duration;

/// CPU time of one or more threads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    /// All of it, to the nanosecond.
    pub(crate) whole: Duration,
    /// Samples in the program and in the kernel, by the timer tick: of use for their ratio only.
    user: u64,
    system: u64,
}

impl CpuTime {
    /// The share of the kernel, 0 to 1; 0 without a sample.
    pub(crate) fn kernel_share(self) -> f64 {
        self.system as f64 / (self.user + self.system).max(1) as f64
    }

    pub(crate) fn kernel(self) -> Duration {
        self.whole.mul_f64(self.kernel_share())
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            whole: self.whole.saturating_sub(before.whole),
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }
}

/// The time that the threads of this name have used so far, together.
pub(crate) fn cpu_time(name: &str) -> io::Result<CpuTime> {
    let mut sum = CpuTime::default();
    for task in fs::read_dir("/proc/self/task")? {
        let folder = task?.path();
        if fs::read_to_string(folder.join("comm"))?.trim_end() != name {
            continue;
        }
        let ran = fs::read_to_string(folder.join("schedstat"))?;
        let stat = fs::read_to_string(folder.join("stat"))?;
        // The name before the fields may hold blanks.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let (user, system) = times(fields).ok_or_else(|| invalid(&stat))?;
        let ran = ran.split(' ').next().and_then(|ran| ran.parse().ok()).ok_or_else(|| invalid(&ran))?;
        sum.whole += Duration::from_nanos(ran);
        sum.user += user;
        sum.system += system;
    }
    Ok(sum)
}

/// utime and stime, the 14th and 15th field (proc(5)); the first here is the third.
fn times(fields: &str) -> Option<(u64, u64)> {
    let mut times = fields.split_ascii_whitespace().skip(11);
    Some((times.next()?.parse().ok()?, times.next()?.parse().ok()?))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not understood: {text}"))
}
