//! kamailio as a stateful proxy that records its route, set up by `tests/interop/kamailio.cfg`, or as a registrar, by
//! `tests/interop/kamailio-registrar.cfg`.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use super::{
    PATIENCE, PeerError,
    authority::{Authority, Identity},
    process::Process,
    scratch,
    sockets::{Connection, Connections, Table, wait_until_open},
};

/// Its port for UDP and TCP.
pub const PORT: u16 = 5060;
/// Its port for TLS.
pub const TLS: u16 = 5061;
/// Its port for a WebSocket.
pub const WS: u16 = 8080;
/// Its port for a WebSocket over TLS.
pub const WSS: u16 = 8443;

/// A running proxy.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
    folder: PathBuf,
    own: Ipv4Addr,
    connections: Connections,
}

/// A request that reached the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// How it came, in small letters.
    pub transport: String,
    /// Where it came from.
    pub source: SocketAddrV4,
    /// The number of the connection that it came over; `None` over UDP.
    pub connection: Option<u32>,
    /// Its Call-ID.
    pub call: String,
    /// The number in its `CSeq`.
    pub cseq: u32,
    /// Whether it was in a dialog, which a tag in its To says.
    pub in_dialog: bool,
}

impl Kamailio {
    /// Starts one on an address of its own, by UDP, TCP, TLS and WebSocket. It shows this certificate, trusts this
    /// authority, and relays requests for a user to that user's URI.
    pub fn start(
        own: Ipv4Addr,
        authority: &Authority,
        identity: &Identity,
        users: &[(&str, &str)],
    ) -> Result<Self, PeerError> {
        let folder = scratch(&format!("kamailio-{own}"))?;
        let tls_module = tls_module(&folder, authority, identity)?;
        let mut listen = String::new();
        for (transport, port) in [("udp", PORT), ("tcp", PORT), ("tcp", WS), ("tls", TLS), ("tls", WSS)] {
            // Writing to a String cannot fail.
            let _ = writeln!(listen, "listen={transport}:{own}:{port}");
        }
        let mut routes = String::new();
        for (user, uri) in users {
            let _ = writeln!(routes, "  if ($rU == \"{user}\") {{ $du = \"{uri}\"; t_relay(); exit; }}");
        }
        let text = template("kamailio.cfg")?
            .replace("@OWN@", &own.to_string())
            .replace("@LISTEN@", &listen)
            .replace("@MODULES@", &tls_module)
            .replace("@USERS@", &routes);
        Self::run(own, folder, &text, &[(Table::Udp, PORT), (Table::Tcp, PORT), (Table::Tcp, WSS)])
    }

    /// Starts a registrar on an address of its own, by UDP and TCP, which is a proxy for who is registered. Everybody has
    /// this password, which is proved by digest with that algorithm.
    pub fn registrar(own: Ipv4Addr, algorithm: &str, password: &str) -> Result<Self, PeerError> {
        Self::registrar_with(own, algorithm, password, "", "", None)
    }

    /// Starts the same with MD5, which wants the password for each REFER and NOTIFY in a call, too. What proves it is good for
    /// a second, so that the proof of the INVITE is none for the REFER. With a certificate, and an authority to trust, it listens by
    /// TLS, too.
    pub fn strict_registrar(
        own: Ipv4Addr,
        password: &str,
        tls: Option<(&Authority, &Identity)>,
    ) -> Result<Self, PeerError> {
        let strict = format!(
            "    if (is_method(\"REFER|NOTIFY\")) {{\n      \
             if (!pv_proxy_authenticate(\"$fd\", \"{password}\", \"0\")) {{\n        \
             xlog(\"L_WARN\", \"CHALLENGED $rm $si\\n\");\n        \
             proxy_challenge(\"$fd\", \"1\");\n        exit;\n      }}\n      \
             xlog(\"L_WARN\", \"PROVED $rm $si\\n\");\n      consume_credentials();\n    }}"
        );
        Self::registrar_with(own, "MD5", password, &strict, "modparam(\"auth\", \"nonce_expire\", 1)", tls)
    }

    /// Starts the same without that, which takes part in outbound (RFC 5626): it asks for a keep-alive every five seconds, and
    /// answers STUN on its port for SIP.
    pub fn outbound_registrar(own: Ipv4Addr, password: &str) -> Result<Self, PeerError> {
        let outbound = "loadmodule \"stun.so\"\nmodparam(\"registrar\", \"outbound_mode\", 1)\n\
                        modparam(\"registrar\", \"flow_timer\", 5)";
        Self::registrar_with(own, "MD5", password, "", outbound, None)
    }

    fn registrar_with(
        own: Ipv4Addr,
        algorithm: &str,
        password: &str,
        strict: &str,
        more: &str,
        tls: Option<(&Authority, &Identity)>,
    ) -> Result<Self, PeerError> {
        let folder = scratch(&format!("kamailio-{own}"))?;
        let mut listen = format!("listen=udp:{own}:{PORT}\nlisten=tcp:{own}:{PORT}");
        let mut modules = String::new();
        if let Some((authority, identity)) = tls {
            // Writing to a String cannot fail.
            let _ = write!(listen, "\nlisten=tls:{own}:{TLS}");
            modules = tls_module(&folder, authority, identity)?;
        }
        let text = template("kamailio-registrar.cfg")?
            .replace("@OWN@", &own.to_string())
            .replace("@LISTEN@", &listen)
            .replace("@MODULES@", &modules)
            .replace("@ALGORITHM@", algorithm)
            .replace("@MORE@", more)
            .replace("@STRICT@", strict)
            .replace("@PASSWORD@", password);
        let last = if tls.is_some() { TLS } else { PORT };
        Self::run(own, folder, &text, &[(Table::Udp, PORT), (Table::Tcp, PORT), (Table::Tcp, last)])
    }

    fn run(own: Ipv4Addr, folder: PathBuf, text: &str, ports: &[(Table, u16)]) -> Result<Self, PeerError> {
        let configuration = folder.join("kamailio.cfg");
        write(&configuration, text)?;
        let mut command = Command::new("kamailio");
        // 64 MB for all its processes, 8 MB for each.
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-f"]).arg(&configuration).arg("-Y").arg(&folder);
        let connections = Connections::of(own)?;
        let mut process = Process::spawn_group("kamailio", &mut command)?;
        for (table, port) in ports {
            wait_until_open(&mut process, *table, SocketAddrV4::new(own, *port))?;
        }
        Ok(Self { process, folder, own, connections })
    }

    /// Its address.
    pub const fn address(&self) -> Ipv4Addr {
        self.own
    }

    /// Waits until this user is registered.
    pub fn wait_registered(&mut self, user: &str) -> Result<(), PeerError> {
        self.wait_logged(&format!("REGISTERED {user}"))
    }

    /// Waits until its log has a line that ends like this, which may have come before.
    pub fn wait_logged(&mut self, end: &str) -> Result<(), PeerError> {
        let fits = |line: &str| line.ends_with(end);
        if self.process.lines().iter().any(|line| fits(line)) {
            return Ok(());
        }
        self.process.wait_for(end, PATIENCE, fits).map(drop)
    }

    /// The requests that reached it so far, in order. What came again by UDP, as it does where the machine has much to do, is
    /// left out.
    pub fn seen(&mut self) -> Vec<Seen> {
        once(self.process.output().lines().filter_map(seen))
    }

    /// Waits until so many requests of a method have reached it.
    pub fn wait_seen(&mut self, method: &str, count: usize) -> Result<(), PeerError> {
        let deadline = Instant::now() + PATIENCE;
        while self.seen().iter().filter(|seen| seen.method == method).count() < count {
            if self.process.next_line(deadline.saturating_duration_since(Instant::now())).is_none() {
                return Err(self.process.missing(&format!("{count} times {method}"), PATIENCE));
            }
        }
        Ok(())
    }

    /// The connections that it has with somebody, both made and accepted.
    pub fn connections_with(&self, other: Ipv4Addr) -> Result<BTreeSet<Connection>, PeerError> {
        let mut connections = self.connections.since()?;
        connections.retain(|(one, two)| *one.ip() == other || *two.ip() == other);
        Ok(connections)
    }

    /// Its log so far.
    pub fn output(&mut self) -> String {
        self.process.output()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // First, as it would write into the folder while that is removed.
        self.process.end();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A configuration with what the test fills in.
fn template(name: &str) -> Result<String, PeerError> {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name);
    fs::read_to_string(&template)
        .map_err(|source| PeerError::Environment { what: template.display().to_string(), source })
}

/// The lines that load its TLS module, which reads a file of its own.
fn tls_module(folder: &Path, authority: &Authority, identity: &Identity) -> Result<String, PeerError> {
    let tls = folder.join("tls.cfg");
    write(&tls, &tls_configuration(authority, identity))?;
    let tls = tls.display();
    Ok(format!("enable_tls=yes\nloadmodule \"tls.so\"\nmodparam(\"tls\", \"config\", \"{tls}\")"))
}

/// Its own certificate as a server; as a client it wants one of the authority, and shows its own.
fn tls_configuration(authority: &Authority, identity: &Identity) -> String {
    let own = format!(
        "method = TLSv1.2+\nprivate_key = {}\ncertificate = {}\n",
        identity.key.display(),
        identity.certificate.display()
    );
    let roots = authority.roots();
    let roots = roots.display();
    format!(
        "[server:default]\n{own}verify_certificate = no\nrequire_certificate = no\n\
         [client:default]\n{own}verify_certificate = yes\nrequire_certificate = yes\nca_list = {roots}\n"
    )
}

/// A line of its log that tells of a request.
fn seen(line: &str) -> Option<Seen> {
    let mut words = line.split_once("SAW ")?.1.split_whitespace();
    let mut word = || words.next();
    let (method, transport) = (word()?.to_owned(), word()?.to_owned());
    let source = SocketAddrV4::new(word()?.parse().ok()?, word()?.parse().ok()?);
    let connection = word()?.parse().ok();
    let (call, cseq) = (word()?.to_owned(), word()?.parse().ok()?);
    let in_dialog = word()? != "<null>";
    Some(Seen { method, transport, source, connection, call, cseq, in_dialog })
}

/// The requests without those that came again by UDP.
fn once(requests: impl Iterator<Item = Seen>) -> Vec<Seen> {
    let mut all: Vec<Seen> = Vec::new();
    for request in requests {
        if request.transport != "udp" || !all.contains(&request) {
            all.push(request);
        }
    }
    all
}

fn write(path: &Path, text: &str) -> Result<(), PeerError> {
    fs::write(path, text)
        .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_its_log_is_a_request() {
        let line = "5(1) WARNING: <script>: SAW BYE tcp 127.0.12.1 40124 7 a@b 3 tag-1";
        let expected = Seen {
            method: "BYE".to_owned(),
            transport: "tcp".to_owned(),
            source: SocketAddrV4::new(Ipv4Addr::new(127, 0, 12, 1), 40_124),
            connection: Some(7),
            call: "a@b".to_owned(),
            cseq: 3,
            in_dialog: true,
        };
        assert_eq!(seen(line), Some(expected));
        let outside = seen("SAW INVITE udp 127.0.12.1 5060 <null> a@b 1 <null>").expect("a request");
        assert_eq!((outside.connection, outside.in_dialog), (None, false));
        assert_eq!(seen("INFO: tls"), None);
    }

    #[test]
    fn what_comes_again_by_udp_is_one_request_and_by_tcp_two() {
        let lines = |transport: &str| {
            let line = |cseq| format!("SAW INVITE {transport} 127.0.12.1 5060 <null> a@b {cseq} <null>");
            [line(1), line(1), line(2)]
        };
        let count = |transport| once(lines(transport).iter().filter_map(|line| seen(line))).len();
        assert_eq!((count("udp"), count("tcp")), (2, 3));
    }
}
