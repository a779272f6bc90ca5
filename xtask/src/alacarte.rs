//! `cargo xtask alacarte`: each crate can be taken alone.
//!
//! Each crate is packaged as for a registry and unpacked. A consumer of a few lines (`xtask/consumers/<library>.rs`)
//! then depends on it by version, with default features and with none, in a workspace of its own: nothing of this
//! repository is in reach but what the packages hold.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::flags::{Flag, Flags};
use crate::process::{Failure, Outcome, cargo, run as run_command};
use crate::workspace::{Member, Workspace};

pub(crate) const FLAGS: &[Flag] = &[Flag::with("--package", "NAME,..", "only consumers of these packages")];

pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Outcome {
    let members: Vec<&Member> = workspace.published().collect();
    let only = flags.list("--package");
    let place = workspace.target.join("alacarte");
    package(workspace, &members)?;
    unpack(workspace, &members, &place)?;
    let libraries: Vec<&Member> = members
        .iter()
        .copied()
        .filter(|member| member.library.is_some())
        .filter(|member| only.as_ref().is_none_or(|only| only.contains(&member.name.as_str())))
        .collect();
    write_consumers(workspace, &members, &libraries, &place)?;
    let mut failed = Vec::new();
    for member in &libraries {
        for variant in VARIANTS {
            let name = variant.consumer(member);
            let mut command = cargo(&place.join("consumers"));
            command.args(["check", "--quiet", "--offline", "--package", &name]);
            if let Err(failure) = run_command(command.env("CARGO_TARGET_DIR", place.join("target"))) {
                failed.push(format!("{name}: {failure}"));
            }
        }
    }
    Failure::unless_empty("alacarte", &failed)?;
    println!(
        "alacarte: {} crates packaged, {} consumers build",
        members.len(),
        libraries.len() * VARIANTS.len()
    );
    Ok(())
}

/// A way to depend on a crate.
struct Variant {
    suffix: &'static str,
    default_features: bool,
}

const VARIANTS: &[Variant] =
    &[Variant { suffix: "", default_features: true }, Variant { suffix: "-bare", default_features: false }];

impl Variant {
    fn consumer(&self, member: &Member) -> String {
        format!("uses-{}{}", member.name, self.suffix)
    }
}

/// Packages all crates at once, as they depend on each other and no registry has them.
fn package(workspace: &Workspace, members: &[&Member]) -> Outcome {
    let mut command = cargo(&workspace.root);
    command.args(["package", "--quiet", "--offline", "--no-verify", "--allow-dirty"]);
    for member in members {
        command.args(["--package", &member.name]);
    }
    run_command(&mut command)
}

fn unpack(workspace: &Workspace, members: &[&Member], place: &Path) -> Outcome {
    let packages = place.join("packages");
    empty(&packages)?;
    for member in members {
        let archive =
            workspace.target.join("package").join(format!("{}-{}.crate", member.name, member.version));
        // `m`: packages carry one fixed time, by which cargo would take yesterday's build for fresh.
        run_command(Command::new("tar").arg("-xzmf").arg(&archive).arg("-C").arg(&packages))?;
    }
    Ok(())
}

fn write_consumers(
    workspace: &Workspace,
    members: &[&Member],
    libraries: &[&Member],
    place: &Path,
) -> Outcome {
    let consumers = place.join("consumers");
    empty(&consumers)?;
    let mut names = Vec::new();
    for member in libraries {
        for variant in VARIANTS {
            let name = variant.consumer(member);
            let source = source(workspace, member, variant)?;
            write(&consumers.join(&name).join("src/main.rs"), &source)?;
            write(&consumers.join(&name).join("Cargo.toml"), &manifest(&name, member, variant))?;
            names.push(name);
        }
    }
    write(&consumers.join("Cargo.toml"), &root_manifest(&names, members))?;
    // The same versions as in this repository, so that nothing has to be fetched.
    let lock = workspace.read("Cargo.lock")?;
    write(&consumers.join("Cargo.lock"), &lock)
}

/// The text of the consumer; `<library>.bare.rs` where the crate offers less without its default features.
fn source(workspace: &Workspace, member: &Member, variant: &Variant) -> Result<String, Failure> {
    let library = member.library.as_deref().unwrap_or_default();
    let bare = format!("xtask/consumers/{library}.bare.rs");
    if !variant.default_features && workspace.root.join(&bare).is_file() {
        return workspace.read(&bare);
    }
    workspace.read(&format!("xtask/consumers/{library}.rs"))
}

fn manifest(name: &str, member: &Member, variant: &Variant) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{} = {{ version = \"={}\", default-features = {} }}\n",
        member.name, member.version, variant.default_features
    )
}

fn root_manifest(names: &[String], members: &[&Member]) -> String {
    let mut text = format!("[workspace]\nresolver = \"3\"\nmembers = {names:?}\n\n[patch.crates-io]\n");
    for member in members {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{0} = {{ path = \"../packages/{0}-{1}\" }}", member.name, member.version);
    }
    text
}

fn empty(folder: &Path) -> Outcome {
    let emptied = if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) };
    emptied
        .and_then(|()| fs::create_dir_all(folder))
        .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

fn write(file: &Path, text: &str) -> Outcome {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_depends_by_version_and_the_packages_are_patched_in() {
        let member = Member {
            name: "patchcord-x".into(),
            version: "0.2.0".into(),
            dir: "crates/x".into(),
            library: Some("x".into()),
            dependencies: Vec::new(),
        };
        let bare = &VARIANTS[1];
        assert_eq!(bare.consumer(&member), "uses-patchcord-x-bare");
        let text = manifest("uses-patchcord-x-bare", &member, bare);
        assert!(text.ends_with("patchcord-x = { version = \"=0.2.0\", default-features = false }\n"));
        let root = root_manifest(&["a".into(), "b".into()], &[&member]);
        assert!(root.contains("members = [\"a\", \"b\"]"));
        assert!(root.ends_with("patchcord-x = { path = \"../packages/patchcord-x-0.2.0\" }\n"));
    }
}
