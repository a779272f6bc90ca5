//! The packages in `benches`, which measure ours beside what others have published.
//!
//! They lie outside the workspace, so that what the peers bring along stays out of its lock file; the first build of each
//! takes minutes. Times are no gate; CI checks how the packages are written and does not build them.

use std::{ffi::OsStr, path::PathBuf};

use crate::flags::{Flag, Flags};
use crate::process::{Outcome, cargo, run as run_command};
use crate::workspace::Workspace;

/// A package, by its folder in `benches`.
#[derive(Clone, Copy)]
pub(crate) enum Package {
    Answer,
    Parse,
    Options,
    Sdp,
}

impl Package {
    const ALL: [Self; 4] = [Self::Answer, Self::Parse, Self::Options, Self::Sdp];

    const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Parse => "parse",
            Self::Options => "options",
            Self::Sdp => "sdp",
        }
    }

    fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.root.join("benches").join(self.name())
    }

    /// Builds the package optimised and runs it with the flags that are given, all of which take a value.
    pub(crate) fn run(self, workspace: &Workspace, known: &[Flag], flags: &Flags) -> Outcome {
        self.run_with(workspace, known, flags, &[])
    }

    /// The same with flags beside those of the user.
    pub(crate) fn run_with(
        self,
        workspace: &Workspace,
        known: &[Flag],
        flags: &Flags,
        more: &[(&str, &OsStr)],
    ) -> Outcome {
        let target = workspace.target.join(format!("bench-{}", self.name()));
        let mut command = cargo(&self.folder(workspace));
        command.args(["run", "--release", "--"]).env("CARGO_TARGET_DIR", target);
        for flag in known {
            if let Some(value) = flags.text(flag.name) {
                command.args([flag.name, value]);
            }
        }
        for (name, value) in more {
            command.arg(name).arg(value);
        }
        run_command(&mut command)
    }
}

/// Checks the format of the packages, which `cargo fmt` does not look at from the workspace.
pub(crate) fn format_check(workspace: &Workspace) -> Outcome {
    Package::ALL
        .iter()
        .try_for_each(|package| run_command(cargo(&package.folder(workspace)).args(["fmt", "--check"])))
}
