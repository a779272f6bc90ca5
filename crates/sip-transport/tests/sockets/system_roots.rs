//! The authorities that the system trusts. They are named by the environment, so the test runs itself in one of its own.

use std::{env, fs, path::Path, process::Command};

use sip_transport::{
    CloseCause, Transport, TransportInput,
    io::tls::{Pem, Roots, TlsConfig, TlsError, TlsIdentity},
};

use crate::{
    authority::{Authority, with},
    bench::{LOOPBACK, Side},
};

const FOLDER: &str = "PATCHCORD_TEST_SYSTEM_ROOTS";

#[test]
fn the_systems_authorities_are_trusted_and_others_are_not() {
    if let Some(folder) = env::var_os(FOLDER) {
        return inside(Path::new(&folder));
    }
    let folder = env::temp_dir().join(format!("patchcord-roots-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (authority, other) = (Authority::new(), Authority::new());
    let (Pem::Bytes(chain), Pem::Bytes(key)) = authority.issue(&["dns:localhost"]) else {
        panic!("in memory")
    };
    fs::write(folder.join("chain.pem"), chain).expect("written");
    fs::write(folder.join("key.pem"), key).expect("written");
    for (system, expected) in [(authority.pem(), "trusted"), (other.pem(), "untrusted"), ("", "none")] {
        fs::write(folder.join("system.pem"), system).expect("written");
        fs::write(folder.join("expected"), expected).expect("written");
        let ran = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "system_roots::the_systems_authorities_are_trusted_and_others_are_not"])
            .env("SSL_CERT_FILE", folder.join("system.pem"))
            .env_remove("SSL_CERT_DIR")
            .env(FOLDER, &folder)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{expected}: {said}");
    }
    fs::remove_dir_all(&folder).expect("removed");
}

fn inside(folder: &Path) {
    let expected = fs::read_to_string(folder.join("expected")).expect("there");
    let client = TlsConfig::builder(Roots::System).build();
    if expected == "none" {
        assert!(matches!(client, Err(TlsError::NoRoots)), "{client:?}");
        return;
    }
    let file = |name: &str| Pem::file(folder.join(name));
    let identity = TlsIdentity::new(file("chain.pem"), file("key.pem")).expect("they belong together");
    let server = with(TlsConfig::builder(Roots::AcceptAny).identity(identity));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (_server, locals) = Side::listening(server, &[(Transport::Tls, LOOPBACK[0])]);
        let mut client = Side::new(with(TlsConfig::builder(Roots::System)));
        let flow = client.connect(Transport::Tls, locals[0], "localhost");
        match client.told().await {
            TransportInput::Connected { peer: Some(peer), .. } => {
                assert_eq!((expected.as_str(), peer.name()), ("trusted", "localhost"));
            }
            TransportInput::Closed { cause, .. } => {
                assert_eq!((expected.as_str(), cause), ("untrusted", CloseCause::Untrusted));
            }
            other => panic!("{flow}: {other:?}"),
        }
    });
}
