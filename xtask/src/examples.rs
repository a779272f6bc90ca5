//! `cargo xtask examples`: every example of every crate runs and ends well.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::flags::Flags;
use crate::process::{Failure, Outcome, capture, cargo, run as run_command};
use crate::workspace::{Workspace, array};

/// Seconds that an example may take: one that waits for somebody must not stop everything behind it.
const LIMIT: &str = "120";

/// Something that `cargo test --no-run` has built.
pub(crate) struct Built {
    pub(crate) package: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) executable: PathBuf,
}

pub(crate) fn run(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let mut failed = Vec::new();
    let built = build_tests(workspace)?;
    let examples: Vec<_> = built.iter().filter(|built| built.kind == "example").collect();
    for example in &examples {
        let mut limited = Command::new("timeout");
        limited.arg(LIMIT).arg(&example.executable).current_dir(&workspace.root);
        let outcome = run_command(&mut limited);
        if let Err(failure) = outcome {
            failed.push(format!("{} of {}: {failure}", example.name, example.package));
        }
    }
    Failure::unless_empty("examples", &failed)?;
    println!("examples: {} ran", examples.len());
    Ok(())
}

/// Builds what the tests of the workspace need, examples included, and answers the executables.
///
/// The same build as that of the tests themselves, so that nothing is compiled twice.
pub(crate) fn build_tests(workspace: &Workspace) -> Result<Vec<Built>, Failure> {
    let messages = capture(cargo(&workspace.root).args([
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]))?;
    Ok(executables(&messages))
}

fn executables(messages: &str) -> Vec<Built> {
    let mut built: Vec<Built> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            Some(Built {
                package: package_name(message["package_id"].as_str()?).to_owned(),
                kind: array(&message["target"]["kind"]).first()?.as_str()?.to_owned(),
                name: message["target"]["name"].as_str()?.to_owned(),
                executable: message["executable"].as_str()?.into(),
            })
        })
        .collect();
    built.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    built
}

/// The name in a package id: `path+file:///r/crates/x#name@0.1.0`, or without the name where the folder has it.
fn package_name(id: &str) -> &str {
    let (place, fragment) = id.split_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_are_read_in_both_forms() {
        assert_eq!(
            package_name("path+file:///r/crates/bus#patchcord-event-bus@0.1.0"),
            "patchcord-event-bus"
        );
        assert_eq!(package_name("path+file:///r/xtask#0.1.0"), "xtask");
    }

    #[test]
    fn only_artifacts_with_an_executable_count() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"path+file:///r/b#0.1.0","target":{"kind":["example"],"name":"two"},"executable":"/t/two"}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///r/a#0.1.0","target":{"kind":["lib"],"name":"a"},"executable":null}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///r/a#0.1.0","target":{"kind":["test"],"name":"one"},"executable":"/t/one"}"#,
        );
        let built = executables(messages);
        let names: Vec<_> =
            built.iter().map(|b| (b.package.as_str(), b.kind.as_str(), b.name.as_str())).collect();
        assert_eq!(names, [("a", "test", "one"), ("b", "example", "two")]);
    }
}
