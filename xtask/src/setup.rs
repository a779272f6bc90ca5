//! `cargo xtask setup`: installs what the tests need and the machine lacks.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::flags::Flags;
use crate::process::{
    Failure, Outcome, capture, cargo, find_library, find_program, run as run_command, succeeds,
};
use crate::workspace::Workspace;
use crate::{rfcs, sipjs};

/// A package of the distribution: the program that shows it is there, or the file below a folder of libraries, and what
/// it is for.
struct Tool {
    package: &'static str,
    file: &'static str,
    purpose: &'static str,
}

impl Tool {
    fn find(&self) -> Option<PathBuf> {
        if self.file.contains('/') { find_library(self.file) } else { find_program(self.file) }
    }
}

const TOOLS: &[Tool] = &[
    Tool { package: "sip-tester", file: "sipp", purpose: "an independent peer" },
    Tool { package: "baresip-core", file: "baresip", purpose: "an independent peer" },
    Tool { package: "linphone-cli", file: "linphonec", purpose: "an independent peer" },
    Tool { package: "nodejs", file: "node", purpose: "SIP.js, an independent peer" },
    Tool { package: "npm", file: "npm", purpose: "the installation of SIP.js" },
    Tool { package: "kamailio", file: "kamailio", purpose: "an independent proxy" },
    Tool { package: "kamailio-tls-modules", file: "kamailio/modules/tls.so", purpose: "the proxy over TLS" },
    Tool {
        package: "kamailio-websocket-modules",
        file: "kamailio/modules/websocket.so",
        purpose: "the proxy over WebSocket",
    },
    Tool { package: "dnsmasq-base", file: "dnsmasq", purpose: "an independent name server" },
    Tool { package: "tshark", file: "tshark", purpose: "an independent reading of what is on the wire" },
    Tool { package: "sngrep", file: "sngrep", purpose: "an independent reading of captured calls" },
    Tool { package: "tcpdump", file: "tcpdump", purpose: "captures" },
    Tool { package: "iproute2", file: "ip", purpose: "the private network of the interop tests" },
    Tool { package: "valgrind", file: "valgrind", purpose: "instruction counts" },
    Tool { package: "sox", file: "sox", purpose: "the audio of the interop tests" },
    Tool { package: "ffmpeg", file: "ffmpeg", purpose: "an independent G.711 and G.722" },
    Tool {
        package: "python3-pylibsrtp",
        file: "python3/dist-packages/pylibsrtp/__init__.py",
        purpose: "an independent SRTP",
    },
];

/// Services that the distribution starts once they are installed: nobody has asked for a SIP proxy on this machine.
const SERVICES: &[&str] = &["kamailio"];

/// The version that the fuzz verb was checked with.
const CARGO_FUZZ: &str = "0.13.2";

pub(crate) fn run(workspace: &Workspace, _flags: &Flags) -> Outcome {
    let mut undone = Vec::new();
    if let Err(failure) = distribution_packages() {
        undone.push(failure.to_string());
    }
    if let Err(failure) = sipjs::install(workspace) {
        undone.push(failure.to_string());
    }
    // The tests say that the texts are missing, and do without them.
    if let Err(failure) = rfcs::install(workspace) {
        println!("setup: no RFC texts: {failure}");
    }
    if let Err(failure) = components(workspace) {
        undone.push(failure.to_string());
    }
    if let Err(failure) = cargo_tool(workspace, "fuzz", CARGO_FUZZ) {
        undone.push(failure.to_string());
    }
    if succeeds(cargo(&workspace.root).args(["nextest", "--version"])) {
        println!("setup: cargo-nextest is there");
    } else {
        println!("setup: cargo-nextest is not there; `cargo test` runs the tests instead");
    }
    Failure::unless_empty("setup", &undone)
}

fn distribution_packages() -> Outcome {
    let mut missing = Vec::new();
    for tool in TOOLS {
        if let Some(path) = tool.find() {
            println!("setup: {:<13} is there, {}", tool.package, path.display());
        } else {
            println!("setup: {:<13} is missing, wanted for {}", tool.package, tool.purpose);
            missing.push(tool.package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("install by hand: {}", missing.join(" "));
    if find_program("apt-get").is_none() {
        return Err(Failure::new(format!("this system has no apt-get; {by_hand} (names as in Debian)")));
    }
    let explain = |failure: Failure| Failure::new(format!("{failure}; {by_hand}"));
    run_command(&mut as_root(&["apt-get", "update"])?).map_err(explain)?;
    let mut install = as_root(&["apt-get", "install", "-y", "--no-install-recommends"])?;
    run_command(install.args(&missing)).map_err(explain)?;
    for service in SERVICES.iter().filter(|service| missing.contains(service)) {
        stop(service)?;
    }
    let still: Vec<&str> = TOOLS.iter().filter(|tool| tool.find().is_none()).map(|tool| tool.file).collect();
    if still.is_empty() {
        println!("setup: installed {}", missing.join(" "));
        return Ok(());
    }
    Err(Failure::new(format!(
        "after installing {}, these are still missing: {}",
        missing.join(" "),
        still.join(" ")
    )))
}

/// Ends a service that was installed a moment ago, and keeps it from coming back with the next start of the machine.
fn stop(service: &str) -> Outcome {
    // Where systemd does not run, as in most containers, nothing was started either.
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    run_command(&mut as_root(&["systemctl", "disable", "--now", service])?)
}

/// The command as root: directly, or by sudo.
fn as_root(words: &[&str]) -> Result<Command, Failure> {
    let root = capture(Command::new("id").arg("-u"))?.trim() == "0";
    if !root && find_program("sudo").is_none() {
        return Err(Failure::new(format!("neither root nor sudo; as root: {}", words.join(" "))));
    }
    let mut command = Command::new("env");
    if !root {
        command = Command::new("sudo");
        command.arg("env");
    }
    // A package such as tshark would ask who may capture.
    command.arg("DEBIAN_FRONTEND=noninteractive").args(words);
    Ok(command)
}

/// rustfmt and clippy, which a minimal toolchain lacks.
fn components(workspace: &Workspace) -> Outcome {
    for (component, verb) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if succeeds(cargo(&workspace.root).args([verb, "--version"])) {
            println!("setup: {component:<13} is there");
            continue;
        }
        run_command(Command::new("rustup").args(["component", "add", component])).map_err(|failure| {
            Failure::new(format!("{failure}; by hand: rustup component add {component}"))
        })?;
        println!("setup: installed {component}");
    }
    Ok(())
}

/// A subcommand of cargo that is not part of the toolchain, in the version that its verb was checked with.
pub(crate) fn cargo_tool(workspace: &Workspace, verb: &str, version: &str) -> Outcome {
    let package = format!("cargo-{verb}");
    if succeeds(cargo(&workspace.root).args([verb, "--version"])) {
        let found = capture(cargo(&workspace.root).args([verb, "--version"]))?;
        println!("setup: {package:<13} is there, {}", found.trim());
        return Ok(());
    }
    let mut install = cargo(&workspace.root);
    install.args(["install", "--locked", &package, "--version", version]);
    run_command(&mut install).map_err(|failure| {
        Failure::new(format!("{failure}; by hand: cargo install --locked {package} --version {version}"))
    })?;
    println!("setup: installed {package} {version}");
    Ok(())
}
