//! Each pure crate carries a strict `clippy.toml`: what it has to ban.

/// What every library crate bans: random order, clocks, sockets, sleeps and threads outside the marked places.
const EVERYWHERE: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::time::SystemTime",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::thread::spawn",
];

/// What a reducer bans besides: it knows no instants and shares nothing.
const REDUCERS: &[&str] = &["std::time::Instant", "std::sync::Mutex", "std::sync::RwLock"];

/// Library crates that are no pure reducers, with the bans they may lift and why.
const LIFTED: &[(&str, &[&str], &str)] = &[
    (
        "event-bus",
        &["std::sync::Mutex", "std::sync::RwLock"],
        "a subscriber's queue is where threads and tasks meet",
    ),
    (
        "session-core",
        &["std::time::Instant", "std::sync::Mutex", "std::sync::RwLock"],
        "the engine does the Instant arithmetic, and the facade is shared between tasks",
    ),
];

/// The bans missing in the `clippy.toml` of the crate in this folder.
pub(crate) fn missing_bans(folder: &str, clippy_toml: &str) -> Vec<&'static str> {
    let lifted = LIFTED.iter().find(|(name, _, _)| *name == folder).map_or(&[][..], |(_, lifted, _)| lifted);
    EVERYWHERE
        .iter()
        .chain(REDUCERS)
        .filter(|path| !lifted.contains(path))
        .filter(|path| !bans(clippy_toml, path))
        .copied()
        .collect()
}

fn bans(clippy_toml: &str, path: &str) -> bool {
    clippy_toml
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with('#'))
        .any(|line| line.contains(&format!("\"{path}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml(paths: &[&str]) -> String {
        let lines: Vec<_> =
            paths.iter().map(|path| format!("  {{ path = \"{path}\", reason = \"x\" }},\n")).collect();
        lines.concat()
    }

    #[test]
    fn a_ban_that_is_commented_out_is_missing() {
        let all: Vec<_> = EVERYWHERE.iter().chain(REDUCERS).copied().collect();
        assert!(missing_bans("transfer", &toml(&all)).is_empty());
        let text =
            toml(&all).replace("  { path = \"std::thread::sleep\"", "  # { path = \"std::thread::sleep\"");
        assert_eq!(missing_bans("transfer", &text), ["std::thread::sleep"]);
    }

    #[test]
    fn a_lifted_ban_is_lifted_for_its_crate_only() {
        let text = toml(EVERYWHERE);
        assert_eq!(missing_bans("event-bus", &text), ["std::time::Instant"]);
        assert_eq!(missing_bans("transfer", &text), REDUCERS);
    }
}
