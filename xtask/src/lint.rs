//! `cargo xtask lint`: clippy, and the checks that clippy has not.

use crate::clippy_toml::missing_bans;
use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, cargo, run as run_command};
use crate::rules;
use crate::workspace::Workspace;

pub(crate) const FLAGS: &[Flag] = &[Flag::switch("--own", "only the checks of our own, without clippy")];

/// The application; it lives on the outside, where clocks and threads are.
const APPLICATION: &str = "patchcord";

/// Where our Rust sources lie.
const FOLDERS: &[&str] = &["crates", "xtask/src", "tests", "fuzz/fuzz_targets", "benches"];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let own = own_checks(workspace);
    if flags.has("--own") {
        return own;
    }
    let clippy = clippy(workspace);
    if let (Err(_), Err(failure)) = (&clippy, &own) {
        println!("{failure}");
    }
    clippy.and(own)
}

/// Clippy over everything, warnings denied.
pub(crate) fn clippy(workspace: &Workspace) -> Outcome {
    run_command(cargo(&workspace.root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))
}

/// The checks of our own.
pub(crate) fn own_checks(workspace: &Workspace) -> Outcome {
    let mut found = Vec::new();
    for (path, source) in workspace.sources(FOLDERS, ".rs")? {
        found.extend(rules::findings(&path, &source));
    }
    manifests(workspace, &mut found)?;
    Failure::unless_empty("lint", &found)?;
    println!("lint: the checks of our own found nothing");
    Ok(())
}

/// Every library crate is strict, and every crate takes the lint table of the workspace, which asks for docs.
fn manifests(workspace: &Workspace, found: &mut Vec<String>) -> Outcome {
    let root = workspace.read("Cargo.toml")?;
    if !root.lines().any(|line| line.starts_with("missing_docs") && !line.contains("allow")) {
        found.push("Cargo.toml: the workspace's lint table does not ask for docs (`missing_docs`)".into());
    }
    for member in &workspace.members {
        let manifest = format!("{}/Cargo.toml", member.dir);
        if !takes_workspace_lints(&workspace.read(&manifest)?) {
            found.push(format!("{manifest}: no `[lints] workspace = true`"));
        }
    }
    let libraries =
        workspace.published().filter(|member| member.library.is_some() && member.name != APPLICATION);
    for member in libraries {
        let path = format!("{}/clippy.toml", member.dir);
        let folder = member.dir.trim_start_matches("crates/");
        match workspace.read(&path) {
            Err(_) => found.push(format!("{path}: missing; each library crate has a strict one")),
            Ok(text) => {
                found.extend(
                    missing_bans(folder, &text).iter().map(|ban| format!("{path}: does not ban {ban}")),
                );
            }
        }
    }
    Ok(())
}

fn takes_workspace_lints(manifest: &str) -> bool {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[lints]" && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lint_table_counts_in_its_own_section_only() {
        assert!(takes_workspace_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_workspace_lints("[package]\nworkspace = true\n[lints]\n"));
    }
}
