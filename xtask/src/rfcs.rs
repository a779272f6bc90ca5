//! The RFC texts that tests read, from the distribution's packages: they are not ours, and so not in this repository.
//!
//! The packages stand in a component that few systems have switched on. apt is given a configuration of its own for it,
//! made from what the system's says; nothing of the system's is changed, and nobody has to be root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Failure, Outcome, capture, find_program, run as run_command};
use crate::workspace::Workspace;

/// The number of an RFC, and the package that holds its text.
const TEXTS: &[(u32, &str)] = &[(4475, "doc-rfc-informational"), (5118, "doc-rfc-informational")];

/// Where the packages put the texts, whatever the standing of the RFC.
const PLACE: &str = "usr/share/doc/RFC/links";

/// A line for each repository of the distribution, with the component that has the texts.
const SOURCE: &str = "deb $(REPO_URI) $(RELEASE) non-free";

/// Puts the texts that are missing into `rfc` below the target folder.
pub(crate) fn install(workspace: &Workspace) -> Outcome {
    let folder = workspace.target.join("rfc");
    let missing: Vec<_> =
        TEXTS.iter().filter(|(number, _)| !folder.join(file(*number)).is_file()).copied().collect();
    if missing.is_empty() {
        println!("setup: {:<13} are there, {}", "RFC texts", folder.display());
        return Ok(());
    }
    if let Some(program) = ["apt-get", "dpkg-deb", "gunzip"].iter().find(|name| find_program(name).is_none())
    {
        return Err(Failure::new(format!("RFC texts: this system has no {program}")));
    }
    let scratch = folder.join("packages");
    let fetched = fetch(&missing, &folder, &scratch);
    // The packages are a hundred times as large as the texts.
    fs::remove_dir_all(&scratch).map_err(|error| environment(&scratch, &error))?;
    fetched?;
    println!("setup: put {} RFC texts into {}", missing.len(), folder.display());
    Ok(())
}

fn fetch(texts: &[(u32, &str)], folder: &Path, scratch: &Path) -> Outcome {
    fs::create_dir_all(scratch.join("lists/partial")).map_err(|error| environment(scratch, &error))?;
    let sources = capture(Command::new("apt-get").args(["indextargets", "--format", SOURCE]).args([
        "Created-By: Packages",
        "Component: main",
        "Origin: Debian",
    ]))?;
    if sources.is_empty() {
        return Err(Failure::new("apt has no list of the distribution's packages; first: apt-get update"));
    }
    fs::write(scratch.join("sources.list"), sources).map_err(|error| environment(scratch, &error))?;
    run_command(apt(scratch).arg("update"))?;
    let mut packages: Vec<&str> = texts.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    run_command(apt(scratch).arg("download").args(&packages))?;
    for package in packages {
        run_command(Command::new("dpkg-deb").arg("--extract").arg(archive(scratch, package)?).arg(scratch))?;
    }
    for &(number, _) in texts {
        let packed = scratch.join(PLACE).join(file(number)).with_extension("txt.gz");
        let text = capture(Command::new("gunzip").arg("--stdout").arg(packed))?;
        fs::write(folder.join(file(number)), text).map_err(|error| environment(folder, &error))?;
    }
    Ok(())
}

/// `apt-get` on the lists and sources in `scratch`, where it also leaves what it downloads.
fn apt(scratch: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").current_dir(scratch);
    for (name, value) in [
        ("Dir::Etc::SourceList", scratch.join("sources.list")),
        ("Dir::Etc::SourceParts", "-".into()),
        ("Dir::State::Lists", scratch.join("lists")),
        ("Dir::Cache", scratch.join("cache")),
        // Where root runs it, apt would hand the download to a user who may not write here.
        ("APT::Sandbox::User", "root".into()),
    ] {
        command.arg("--option").arg(format!("{name}={}", value.display()));
    }
    command
}

/// The downloaded package, which has its version in its name.
fn archive(scratch: &Path, package: &str) -> Result<PathBuf, Failure> {
    let prefix = format!("{package}_");
    let files = fs::read_dir(scratch).map_err(|error| environment(scratch, &error))?;
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .ok_or_else(|| Failure::new(format!("apt did not download {package}")))
}

fn file(number: u32) -> String {
    format!("rfc{number}.txt")
}

fn environment(place: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", place.display()))
}
