//! SIP.js, the peer that comes from npm: installed below the target folder as `tests/interop/sipjs` pins it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::{Failure, Outcome, run as run_command};
use crate::workspace::Workspace;

/// Where the versions and hashes are pinned.
const MANIFEST: &str = "tests/interop/sipjs/package.json";
const LOCK: &str = "tests/interop/sipjs/package-lock.json";

/// The package's place in the lock file, and below the folder of the installation.
const PLACE: &str = "node_modules/sip.js";

/// The folder that `node_modules` lies in.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("peers").join("sipjs")
}

/// The folder of node modules for the peer; a failure if what is installed is not what is pinned.
pub(crate) fn modules(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let pinned = pinned(&workspace.read(LOCK)?)?;
    let package = folder(workspace).join(PLACE).join("package.json");
    let installed = fs::read_to_string(&package).ok().and_then(|text| version(&text));
    if installed.as_ref() == Some(&pinned) {
        return Ok(folder(workspace).join("node_modules"));
    }
    let found = installed.map_or_else(|| "it is not installed".into(), |version| format!("{version} is"));
    Err(Failure::new(format!("sip.js {pinned} is wanted, {found}; run `cargo xtask setup`")))
}

/// Installs it where it is missing.
pub(crate) fn install(workspace: &Workspace) -> Outcome {
    if let Ok(modules) = modules(workspace) {
        println!("setup: {:<13} is there, {}", "sip.js", modules.display());
        return Ok(());
    }
    let folder = folder(workspace);
    let environment = |error| Failure::new(format!("{}: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(environment)?;
    for file in [MANIFEST, LOCK] {
        let text = workspace.read(file)?;
        let name = file.rsplit('/').next().unwrap_or(file);
        fs::write(folder.join(name), text).map_err(environment)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    run_command(&mut npm)?;
    modules(workspace)?;
    println!("setup: installed sip.js below {}", folder.display());
    Ok(())
}

/// The version of a `package.json`.
fn version(manifest: &str) -> Option<String> {
    let manifest: Value = serde_json::from_str(manifest).ok()?;
    manifest["version"].as_str().map(str::to_owned)
}

/// The version that the lock file pins, which must have a hash beside it.
fn pinned(lock: &str) -> Result<String, Failure> {
    let lock: Value = serde_json::from_str(lock).map_err(|error| Failure::new(format!("{LOCK}: {error}")))?;
    let package = &lock["packages"][PLACE];
    match (package["version"].as_str(), package["integrity"].as_str()) {
        (Some(version), Some(_)) => Ok(version.to_owned()),
        _ => Err(Failure::new(format!("{LOCK}: {PLACE} has no version with a hash"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_without_a_hash_is_not_pinned() {
        let lock = |fields: &str| format!(r#"{{"packages":{{"{PLACE}":{{{fields}}}}}}}"#);
        let whole = lock(r#""version":"0.21.2","integrity":"sha512-x""#);
        assert_eq!(pinned(&whole).expect("both are there"), "0.21.2");
        assert!(pinned(&lock(r#""version":"0.21.2""#)).is_err());
        assert!(pinned("{}").is_err());
    }
}
