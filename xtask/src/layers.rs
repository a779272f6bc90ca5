//! `cargo xtask layers`: dependencies point one way.

use crate::flags::Flags;
use crate::process::{Failure, Outcome};
use crate::workspace::{Dependency, Kind, Member, Workspace};

/// What a crate may see of this repository.
enum Sees {
    /// These crates only.
    Only(&'static [&'static str]),
    /// Whatever it tests.
    All,
}

/// Where tokio may stand in a manifest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tokio {
    Never,
    /// As an optional dependency, for the module `io`.
    Optional,
    Always,
}

struct Rule {
    name: &'static str,
    sees: Sees,
    tokio: Tokio,
}

const MESSAGE: &str = "patchcord-sip-message";
const TRANSPORT: &str = "patchcord-sip-transport";
const TRANSACTION: &str = "patchcord-transaction-core";
const DIALOG: &str = "patchcord-dialog-core";
const TRANSFER: &str = "patchcord-transfer";
const MEDIA: &str = "patchcord-media-core";
const BUS: &str = "patchcord-event-bus";
const SESSION: &str = "patchcord-session-core";

/// message <- transport <- transaction <- dialog <- transfer; media and bus stand alone; session on all of them; the
/// application on session only.
const RULES: &[Rule] = &[
    Rule { name: MESSAGE, sees: Sees::Only(&[]), tokio: Tokio::Never },
    Rule { name: TRANSPORT, sees: Sees::Only(&[MESSAGE]), tokio: Tokio::Optional },
    Rule { name: TRANSACTION, sees: Sees::Only(&[MESSAGE, TRANSPORT]), tokio: Tokio::Never },
    Rule { name: DIALOG, sees: Sees::Only(&[MESSAGE, TRANSPORT, TRANSACTION]), tokio: Tokio::Never },
    Rule {
        name: TRANSFER,
        sees: Sees::Only(&[MESSAGE, TRANSPORT, TRANSACTION, DIALOG]),
        tokio: Tokio::Never,
    },
    Rule { name: MEDIA, sees: Sees::Only(&[]), tokio: Tokio::Optional },
    Rule { name: BUS, sees: Sees::Only(&[]), tokio: Tokio::Never },
    Rule {
        name: SESSION,
        sees: Sees::Only(&[MESSAGE, TRANSPORT, TRANSACTION, DIALOG, TRANSFER, MEDIA, BUS]),
        tokio: Tokio::Always,
    },
    Rule { name: "patchcord", sees: Sees::Only(&[SESSION]), tokio: Tokio::Always },
    Rule { name: "patchcord-tests", sees: Sees::All, tokio: Tokio::Always },
    Rule { name: "xtask", sees: Sees::Only(&[]), tokio: Tokio::Never },
];

pub(crate) fn run(workspace: &Workspace, _flags: &Flags) -> Outcome {
    Failure::unless_empty("layers", &findings(&workspace.members))?;
    println!("layers: {} crates, all dependencies point one way", workspace.members.len());
    Ok(())
}

fn findings(members: &[Member]) -> Vec<String> {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut found = Vec::new();
    for member in members {
        let Some(rule) = RULES.iter().find(|rule| rule.name == member.name) else {
            found.push(format!("{}: no rule says where it belongs", member.name));
            continue;
        };
        for dependency in &member.dependencies {
            let ours = names.contains(&dependency.name.as_str());
            if ours && !may_see(rule, &dependency.name) {
                found.push(format!("{}: must not depend on {}", member.name, dependency.name));
            }
            if let Some(finding) = tokio_finding(rule, dependency) {
                found.push(format!("{}: {finding}", member.name));
            }
        }
    }
    for rule in RULES.iter().filter(|rule| !names.contains(&rule.name)) {
        found.push(format!("{}: has a rule and is not in the workspace", rule.name));
    }
    found
}

fn may_see(rule: &Rule, name: &str) -> bool {
    match rule.sees {
        Sees::All => true,
        Sees::Only(names) => names.contains(&name),
    }
}

fn tokio_finding(rule: &Rule, dependency: &Dependency) -> Option<String> {
    let tokio = dependency.name == "tokio" || dependency.name.starts_with("tokio-");
    if !tokio || dependency.kind == Kind::Dev {
        return None;
    }
    match rule.tokio {
        Tokio::Always => None,
        Tokio::Optional if dependency.optional => None,
        Tokio::Optional => Some(format!("{} must be optional, for the feature `io`", dependency.name)),
        Tokio::Never => Some(format!("must not depend on {}", dependency.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Member> {
        RULES
            .iter()
            .map(|rule| Member {
                name: rule.name.into(),
                version: "0.1.0".into(),
                dir: String::new(),
                library: None,
                dependencies: Vec::new(),
            })
            .collect()
    }

    fn with(name: &str, dependency: &str, kind: Kind, optional: bool) -> Vec<String> {
        let mut members = members();
        let member = members.iter_mut().find(|member| member.name == name).expect("the crate has a rule");
        member.dependencies.push(Dependency { name: dependency.into(), kind, optional });
        findings(&members)
    }

    #[test]
    fn the_bare_workspace_has_no_finding() {
        assert!(findings(&members()).is_empty());
    }

    #[test]
    fn downwards_is_allowed_and_upwards_is_not() {
        assert!(with(TRANSFER, MESSAGE, Kind::Normal, false).is_empty());
        for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
            assert_eq!(with(MESSAGE, TRANSFER, kind, false).len(), 1);
        }
        assert_eq!(with(MEDIA, MESSAGE, Kind::Normal, false).len(), 1);
        assert_eq!(with("patchcord", TRANSFER, Kind::Normal, false).len(), 1);
        assert!(with("patchcord-tests", TRANSFER, Kind::Dev, false).is_empty());
    }

    #[test]
    fn tokio_stays_in_io_and_above() {
        assert_eq!(with(DIALOG, "tokio", Kind::Normal, true).len(), 1);
        assert!(with(DIALOG, "tokio", Kind::Dev, false).is_empty());
        assert!(with(TRANSPORT, "tokio-rustls", Kind::Normal, true).is_empty());
        assert_eq!(with(TRANSPORT, "tokio", Kind::Normal, false).len(), 1);
        assert!(with(SESSION, "tokio", Kind::Normal, false).is_empty());
    }

    #[test]
    fn a_new_crate_needs_a_rule_and_a_rule_needs_its_crate() {
        let mut members = members();
        members[0].name = "patchcord-new".into();
        assert_eq!(findings(&members).len(), 2);
    }
}
