//! The workspace as `cargo metadata` describes it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Failure, capture, cargo};

/// The repository and its crates.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// The crates of this repository, by name.
    pub(crate) members: Vec<Member>,
    /// Every package in the dependency graph, ours included.
    pub(crate) packages: Vec<Package>,
}

/// A crate of this repository.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Relative to the root, with forward slashes: `crates/transfer`.
    pub(crate) dir: String,
    /// The name of the library, where there is one: `sip_message`.
    pub(crate) library: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest declares it.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// A package in the dependency graph.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// `None` for a package in this repository.
    pub(crate) source: Option<String>,
    pub(crate) licence: Option<String>,
}

impl Workspace {
    /// Asks cargo. The root is where this crate's manifest lies, one folder up.
    pub(crate) fn load() -> Result<Self, Failure> {
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = own.parent().ok_or_else(|| Failure::new("xtask has no parent folder"))?;
        // For this machine only: what other platforms need is not built here and need not be fetched.
        let text =
            capture(cargo(root).args(["metadata", "--format-version", "1", "--filter-platform", &host()?]))?;
        let metadata: Value =
            serde_json::from_str(&text).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
        Ok(Self::from_metadata(root, &metadata))
    }

    fn from_metadata(root: &Path, metadata: &Value) -> Self {
        let ids: Vec<&str> = array(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
        let all = array(&metadata["packages"]);
        let mut members: Vec<Member> = all
            .iter()
            .filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(&id)))
            .map(|package| member(root, package))
            .collect();
        members.sort_by(|a, b| a.dir.cmp(&b.dir));
        let packages = all
            .iter()
            .map(|package| Package {
                name: text(&package["name"]),
                version: text(&package["version"]),
                source: package["source"].as_str().map(str::to_owned),
                licence: package["license"].as_str().map(str::to_owned),
            })
            .collect();
        Self { root: root.to_owned(), target: text(&metadata["target_directory"]).into(), members, packages }
    }

    pub(crate) fn member(&self, name: &str) -> Result<&Member, Failure> {
        self.members
            .iter()
            .find(|member| member.name == name)
            .ok_or_else(|| Failure::new(format!("the workspace has no package `{name}`")))
    }

    /// The crates under `crates/`: what can be published.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.dir.starts_with("crates/"))
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, Failure> {
        fs::read_to_string(self.root.join(path)).map_err(|error| Failure::new(format!("{path}: {error}")))
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        fs::write(self.root.join(path), text).map_err(|error| Failure::new(format!("{path}: {error}")))
    }

    /// Every file below the folders whose name ends so, sorted, as path relative to the root and text.
    pub(crate) fn sources(&self, folders: &[&str], ending: &str) -> Result<Vec<(String, String)>, Failure> {
        let mut files = Vec::new();
        for folder in folders {
            let folder = self.root.join(folder);
            if folder.is_dir() {
                collect(&folder, ending, &mut files)
                    .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
            }
        }
        files.sort();
        files
            .into_iter()
            .map(|file| {
                let path = relative(&self.root, &file);
                Ok((path.clone(), self.read(&path)?))
            })
            .collect()
    }
}

/// The triple that rustc builds for.
fn host() -> Result<String, Failure> {
    let version = capture(Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::new("rustc -vV names no host"))
}

fn member(root: &Path, package: &Value) -> Member {
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let library = array(&package["targets"])
        .iter()
        .find(|target| array(&target["kind"]).iter().any(|kind| kind == "lib"))
        .map(|target| text(&target["name"]));
    let dependencies = array(&package["dependencies"])
        .iter()
        .map(|dependency| Dependency {
            name: text(&dependency["name"]),
            kind: match dependency["kind"].as_str() {
                Some("dev") => Kind::Dev,
                Some("build") => Kind::Build,
                Some(_) | None => Kind::Normal,
            },
            optional: dependency["optional"].as_bool().unwrap_or(false),
        })
        .collect();
    Member {
        name: text(&package["name"]),
        version: text(&package["version"]),
        dir: relative(root, manifest.parent().unwrap_or(root)),
        library,
        dependencies,
    }
}

fn collect(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            // What cargo builds into has this mark; a source folder may be called the same.
            let built = name == "target" && path.join("CACHEDIR.TAG").is_file();
            if !built && !name.starts_with('.') {
                collect(&path, ending, files)?;
            }
        } else if name.ends_with(ending) {
            files.push(path);
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The elements of a JSON array; none where the value is something else, as cargo leaves out what is empty.
pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
