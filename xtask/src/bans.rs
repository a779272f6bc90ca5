//! `cargo xtask bans`: licences, sources and banned crates, by the lists of `deny.toml`.
//!
//! `cargo deny` reads the same file and does more; this needs nothing but `cargo metadata`.

use std::collections::BTreeMap;

use crate::deny_toml::Policy;
use crate::flags::Flags;
use crate::licence::is_allowed;
use crate::process::{Failure, Outcome};
use crate::workspace::{Package, Workspace};

pub(crate) fn run(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let policy = Policy::parse(&workspace.read("deny.toml")?)?;
    Failure::unless_empty("bans", &findings(&policy, &workspace.packages))?;
    for (name, versions) in duplicates(&workspace.packages) {
        println!("bans: for information, {name} is there in versions {}", versions.join(", "));
    }
    println!("bans: {} packages, licences, sources and bans are in order", workspace.packages.len());
    Ok(())
}

fn findings(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let shown = format!("{} {}", package.name, package.version);
        match &package.licence {
            None => found.push(format!("{shown}: no licence expression")),
            Some(licence) if !is_allowed(licence, &policy.licences) => {
                found.push(format!("{shown}: licence `{licence}` is not on the list"));
            }
            Some(_) => {}
        }
        if let Some(source) = &package.source {
            let registry = source.strip_prefix("registry+").or(source.strip_prefix("sparse+"));
            if !registry.is_some_and(|registry| policy.registries.iter().any(|allowed| allowed == registry)) {
                found.push(format!("{shown}: comes from {source}"));
            }
        }
        if policy.banned.contains(&package.name) {
            found.push(format!("{shown}: is banned; deny.toml says why"));
        }
    }
    found
}

fn duplicates(packages: &[Package]) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "https://github.com/rust-lang/crates.io-index";

    fn findings_for(name: &str, licence: Option<&str>, source: Option<&str>) -> usize {
        let policy = Policy {
            licences: vec!["MIT".into()],
            banned: vec!["openssl-sys".into()],
            registries: vec![REGISTRY.into()],
        };
        let package = Package {
            name: name.into(),
            version: "1.0.0".into(),
            source: source.map(str::to_owned),
            licence: licence.map(str::to_owned),
        };
        findings(&policy, &[package]).len()
    }

    #[test]
    fn each_list_is_applied() {
        let registry = format!("registry+{REGISTRY}");
        assert_eq!(findings_for("a", Some("MIT"), Some(&registry)), 0);
        assert_eq!(findings_for("a", Some("MIT"), None), 0);
        assert_eq!(findings_for("a", Some("GPL-3.0"), None), 1);
        assert_eq!(findings_for("a", None, None), 1);
        assert_eq!(findings_for("a", Some("MIT"), Some("git+https://example.com/a")), 1);
        assert_eq!(findings_for("openssl-sys", Some("MIT"), Some(&registry)), 1);
    }
}
