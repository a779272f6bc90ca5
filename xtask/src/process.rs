//! Running other programs.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a verb failed, in words for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(String);

/// What a verb answers.
pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Fails with the list of findings, one a line, where there are any.
    pub(crate) fn unless_empty(what: &str, findings: &[String]) -> Outcome {
        if findings.is_empty() {
            return Ok(());
        }
        Err(Self(format!("{what}: {} finding(s)\n  {}", findings.len(), findings.join("\n  "))))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A `cargo` command in the folder `dir`.
pub(crate) fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir);
    command
}

/// Runs the command with our output, after showing it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("+ {}", shown(command));
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("{} did not start: {error}", shown(command))))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{}: {status}", shown(command)))) }
}

/// Runs the command and answers what it wrote to its standard output; its errors go to ours.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(format!("{} did not start: {error}", shown(command))))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{}: {}", shown(command), output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("{}: not text", shown(command))))
}

/// Whether the command can be started and succeeds; says nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where the program lies on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Root's tools such as `ip` and `tcpdump` are not on everybody's path.
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Where the file lies below a folder of libraries; a distribution for several processors has a folder for each.
pub(crate) fn find_library(file: &str) -> Option<PathBuf> {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let of_processors =
        fs::read_dir("/usr/lib").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    folders.into_iter().chain(of_processors).map(|dir| dir.join(file)).find(|file| file.is_file())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}
