//! SIP.js, the peer that comes from npm, and the WebSocket that node lacks: installed below the target folder as
//! `tests/interop/sipjs` pins them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::{Failure, Outcome, run as run_command};
use crate::workspace::Workspace;

/// Where the versions and hashes are pinned.
const MANIFEST: &str = "tests/interop/sipjs/package.json";
const LOCK: &str = "tests/interop/sipjs/package-lock.json";

/// The packages' places in the lock file, and below the folder of the installation.
const PLACES: [&str; 2] = ["node_modules/sip.js", "node_modules/ws"];

/// The folder that `node_modules` lies in.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("peers").join("sipjs")
}

/// The folder of node modules for the peer; a failure if what is installed is not what is pinned.
pub(crate) fn modules(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let lock = workspace.read(LOCK)?;
    for place in PLACES {
        let pinned = pinned(&lock, place)?;
        let package = folder(workspace).join(place).join("package.json");
        let installed = fs::read_to_string(&package).ok().and_then(|text| version(&text));
        if installed.as_ref() != Some(&pinned) {
            let found =
                installed.map_or_else(|| "it is not installed".into(), |version| format!("{version} is"));
            return Err(Failure::new(format!(
                "{place} {pinned} is wanted, {found}; run `cargo xtask setup`"
            )));
        }
    }
    Ok(folder(workspace).join("node_modules"))
}

/// Installs them where one is missing.
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
fn pinned(lock: &str, place: &str) -> Result<String, Failure> {
    let lock: Value = serde_json::from_str(lock).map_err(|error| Failure::new(format!("{LOCK}: {error}")))?;
    let package = &lock["packages"][place];
    match (package["version"].as_str(), package["integrity"].as_str()) {
        (Some(version), Some(_)) => Ok(version.to_owned()),
        _ => Err(Failure::new(format!("{LOCK}: {place} has no version with a hash"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_without_a_hash_is_not_pinned() {
        let [place, other] = PLACES;
        let lock = |fields: &str| format!(r#"{{"packages":{{"{place}":{{{fields}}}}}}}"#);
        let whole = lock(r#""version":"0.21.2","integrity":"sha512-x""#);
        assert_eq!(pinned(&whole, place).expect("both are there"), "0.21.2");
        assert!(pinned(&whole, other).is_err());
        assert!(pinned(&lock(r#""version":"0.21.2""#), place).is_err());
        assert!(pinned("{}", place).is_err());
    }
}
