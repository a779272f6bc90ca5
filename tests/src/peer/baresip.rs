//! baresip, driven over its control socket.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    path::PathBuf,
    process::Command,
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    PATIENCE, PeerError,
    authority::{Authority, Identity},
    network,
    phone::{Keys, Phone},
    process::Process,
    recording::Recording,
    scratch,
    sockets::{Table, wait_until_open},
    wav,
};

/// The port of the control socket, on the peer's own address.
const CONTROL: u16 = 4444;

/// Its port for TLS, which is that of its other transports and one more.
const TLS: u16 = 5061;

/// Seconds of tone that it plays, more than any test takes.
const TONE_SECONDS: u32 = 60;

/// Its RTP ports: those of the instance on 127.0.10.n begin at `FIRST_RTP_PORT + n * RTP_PORTS`, those of the one on any
/// other network at `FURTHER_RTP_PORT + n * RTP_PORTS`.
const FIRST_RTP_PORT: u16 = 20_000;
const FURTHER_RTP_PORT: u16 = 46_000;
const RTP_PORTS: u16 = 100;

/// Longest message on the control socket; more is not one.
const LONGEST: usize = 1 << 20;

/// A codec that it offers and takes, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722.
    G722,
}

impl Codec {
    /// Its name in `--codecs`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
            Self::G722 => "g722",
        }
    }

    /// Its name for baresip, which wants the samples a second, too: of G.711 there are several.
    const fn account(self) -> &'static str {
        match self {
            Self::Pcmu => "pcmu/8000/1",
            Self::Pcma => "pcma/8000/1",
            Self::G722 => "g722/16000/1",
        }
    }

    /// Samples a second. Its file has to have as many.
    const fn rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 => 16_000,
        }
    }
}

/// How it carries audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// By which codec.
    pub codec: Codec,
    /// Whether it insists on SRTP with keys in the SDP.
    pub srtp: bool,
}

impl Carried {
    /// PCMU, not secured.
    pub const PLAIN: Self = Self { codec: Codec::Pcmu, srtp: false };
}

/// What is special about one instance.
#[derive(Clone, Copy, Default)]
struct Kind<'a> {
    /// PCMU and PCMA, not secured, otherwise.
    carried: Option<Carried>,
    tls: Option<(&'a Authority, &'a Identity)>,
    /// The registrar, which is its proxy, and the password.
    registered: Option<(Ipv4Addr, &'a str)>,
    /// Whether it calls and is called by TCP.
    tcp: bool,
    /// Whether it takes one call and is busy then.
    single: bool,
}

/// A running baresip that answers every call.
#[derive(Debug)]
pub struct Baresip {
    process: Process,
    folder: PathBuf,
    control: TcpStream,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Baresip {
    /// Starts one with this user name on an address of its own, port 5060; it sends a tone.
    pub fn start(user: &str, own: Ipv4Addr, hz: u16) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Kind::default())
    }

    /// Starts one that carries audio in this way only.
    pub fn start_carrying(user: &str, own: Ipv4Addr, hz: u16, carried: Carried) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Kind { carried: Some(carried), ..Kind::default() })
    }

    /// Starts one that speaks TCP.
    pub fn start_by_tcp(user: &str, own: Ipv4Addr, hz: u16) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Kind { tcp: true, ..Kind::default() })
    }

    /// Starts one that takes one call, and refuses others with 486 as long as that lasts. It speaks UDP or TCP, or TLS where
    /// it is given a certificate.
    pub fn start_single(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        over: Table,
        tls: Option<(&Authority, &Identity)>,
    ) -> Result<Self, PeerError> {
        let kind = Kind { single: true, tcp: over == Table::Tcp, tls, ..Kind::default() };
        Self::start_with(user, own, hz, kind)
    }

    /// Starts one that speaks TLS, on port 5061, and shows this certificate. It is given the authority, too, but 1.0 looks
    /// at nobody's certificate.
    pub fn start_secure(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        authority: &Authority,
        identity: &Identity,
    ) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Kind { tls: Some((authority, identity)), ..Kind::default() })
    }

    /// Starts one that registers, with this password, at a registrar that is its proxy: that it has shows there, because the
    /// event may come before anybody listens to it.
    pub fn start_registered(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        registrar: Ipv4Addr,
        password: &str,
    ) -> Result<Self, PeerError> {
        let kind = Kind { registered: Some((registrar, password)), ..Kind::default() };
        Self::start_with(user, own, hz, kind)
    }

    /// The same by TCP, or by TLS where it is given a certificate.
    pub fn start_registered_by_tcp(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        registered: (Ipv4Addr, &str),
        tls: Option<(&Authority, &Identity)>,
    ) -> Result<Self, PeerError> {
        let kind = Kind { registered: Some(registered), tcp: true, tls, ..Kind::default() };
        Self::start_with(user, own, hz, kind)
    }

    fn start_with(user: &str, own: Ipv4Addr, hz: u16, kind: Kind<'_>) -> Result<Self, PeerError> {
        let folder = scratch(&format!("baresip-{own}"))?;
        let [_, _, net, host] = own.octets();
        let first = if net == 10 { FIRST_RTP_PORT } else { FURTHER_RTP_PORT } + RTP_PORTS * u16::from(host);
        let ports = first..=first + RTP_PORTS - 2;
        if network::is_private() {
            network::pin_source(own, &ports)?;
        }
        let carried = kind.carried.unwrap_or(Carried::PLAIN);
        let tone = folder.join("tone.wav");
        wav::write_tone(&tone, hz, carried.codec.rate(), TONE_SECONDS)?;
        let (account, tls) = match kind.tls {
            None if kind.tcp => (format!("sip:{user}@{own}:5060;transport=tcp"), String::new()),
            None => (format!("sip:{user}@{own}:5060"), String::new()),
            Some((authority, identity)) => (
                format!("sip:{user}@{own}:{TLS};transport=tls"),
                format!(
                    "sip_certificate {}\nsip_cafile {}\n",
                    identity.both.display(),
                    authority.roots().display()
                ),
            ),
        };
        let mut parameters = "regint=0;answermode=auto".to_owned();
        let account = match kind.registered {
            None => account,
            Some((registrar, password)) => {
                let (transport, proxy) = match (kind.tls, kind.tcp) {
                    (Some(_), _) => (";transport=tls", format!("sip:{registrar}:{TLS};transport=tls")),
                    (None, true) => (";transport=tcp", format!("sip:{registrar};transport=tcp")),
                    (None, false) => ("", format!("sip:{registrar}")),
                };
                parameters = format!(
                    "regint=60;auth_user={user};auth_pass={password};outbound=\"{proxy}\";answermode=auto"
                );
                format!("sip:{user}@{registrar}{transport}")
            }
        };
        if let Some(Carried { codec, srtp }) = kind.carried {
            parameters = format!("{parameters};audio_codecs={}", codec.account());
            parameters.push_str(if srtp { ";mediaenc=srtp-mand" } else { "" });
        }
        let modules = match carried.codec {
            Codec::Pcmu | Codec::Pcma => "module g711.so\n",
            Codec::G722 => "module g722.so\n",
        };
        let config = format!(
            "{tls}poll_method epoll\nsip_listen {own}:5060\nnet_interface {own}\ndns_server 127.0.0.1:9\n\
             rtp_ports {first}-{last}\n\
             call_max_calls {calls}\naudio_source aufile,{tone}\naudio_player aubridge,nil1\naudio_alert aubridge,nil2\n\
             module_path /usr/lib/baresip/modules\n{modules}module srtp.so\nmodule aufile.so\nmodule aubridge.so\n\
             module sndfile.so\nsnd_path {folder}\n\
             module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen {own}:{CONTROL}\n",
            calls = if kind.single { 1 } else { 10 },
            tone = tone.display(),
            folder = folder.display(),
            first = ports.start(),
            last = ports.end(),
        );
        for (file, text) in [
            ("config", config),
            ("accounts", format!("<{account}>;{parameters}\n")),
            ("contacts", String::new()),
        ] {
            let path = folder.join(file);
            fs::write(&path, text)
                .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })?;
        }
        let mut process =
            Process::spawn("baresip", Command::new("baresip").args(["-4", "-s", "-f"]).arg(&folder))?;
        let (table, port) = match (kind.tls, kind.tcp) {
            (Some(_), _) => (Table::Tcp, TLS),
            (None, true) => (Table::Tcp, 5060),
            (None, false) => (Table::Udp, 5060),
        };
        wait_until_open(&mut process, table, SocketAddrV4::new(own, port))?;
        let address = SocketAddrV4::new(own, CONTROL);
        wait_until_open(&mut process, Table::Tcp, address)?;
        let broken = |source| PeerError::Environment {
            what: format!("control socket of baresip on {address}"),
            source,
        };
        let control = TcpStream::connect(address).map_err(broken)?;
        let reader = control.try_clone().map_err(broken)?;
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = reader;
            while let Some(message) = read_netstring(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, folder, control, events, seen: Vec::new() })
    }

    /// Gives a command: `dial`, `hold`, `resume`, `transfer`, `hangup`.
    pub fn command(&mut self, command: &str, params: &str) -> Result<(), PeerError> {
        let message = json!({ "command": command, "params": params, "token": "1" }).to_string();
        let sent = self.control.write_all(format!("{}:{message},", message.len()).as_bytes());
        sent.map_err(|source| PeerError::Environment {
            what: format!("command {command} to baresip"),
            source,
        })
    }

    /// The suite that its newest call is secured by, as it told.
    pub fn secured_by(&self) -> Option<&str> {
        let told = self.seen.iter().rev().find(|event| event["type"] == "CALL_MENC")?;
        told["param"].as_str()?.rsplit(',').next()
    }

    /// Waits for an event of this type, such as `CALL_ESTABLISHED`. Earlier ones are not looked at again.
    pub fn wait_for(&mut self, kind: &str) -> Result<Value, PeerError> {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(event) = self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(event.clone());
            if event["type"] == kind {
                return Ok(event);
            }
        }
        let events: Vec<String> = self.seen.iter().map(Value::to_string).collect();
        let output = format!("{}\n{}", events.join("\n"), self.process.output());
        Err(PeerError::Missing {
            program: "baresip".to_owned(),
            what: kind.to_owned(),
            limit: PATIENCE,
            output,
        })
    }

    /// Its SIP trace and log so far.
    pub fn output(&mut self) -> String {
        self.process.output()
    }
}

impl Phone for Baresip {
    fn call(&mut self, uri: &str) -> Result<(), PeerError> {
        self.command("dial", uri)?;
        self.wait_for("CALL_ESTABLISHED").map(drop)
    }

    fn answered(&mut self) -> Result<(), PeerError> {
        self.wait_for("CALL_ESTABLISHED").map(drop)
    }

    fn hears(&mut self, tone: Option<u16>) -> Result<(), PeerError> {
        Recording::Newest(self.folder.clone(), "-dec.wav").wait_for(&mut self.process, tone)
    }

    /// It tells nothing when its re-INVITE is answered; the other side knows.
    fn hold(&mut self) -> Result<(), PeerError> {
        self.command("hold", "")
    }

    fn resume(&mut self) -> Result<(), PeerError> {
        self.command("resume", "")
    }

    /// It ends the call once it was told that the transfer succeeded.
    fn blind(&mut self, uri: &str) -> Result<(), PeerError> {
        self.command("transfer", uri)?;
        self.wait_for("CALL_CLOSED").map(drop)
    }

    fn attended(&mut self) -> Result<(), PeerError> {
        let what = "send a REFER with Replaces".to_owned();
        Err(PeerError::Unable { program: "baresip".to_owned(), what })
    }

    fn hang_up(&mut self) -> Result<(), PeerError> {
        self.command("hangup", "")?;
        self.wait_for("CALL_CLOSED").map(drop)
    }

    fn ended(&mut self) -> Result<(), PeerError> {
        self.wait_for("CALL_CLOSED").map(drop)
    }

    fn output(&mut self) -> String {
        self.process.output()
    }
}

impl Keys for Baresip {
    fn press(&mut self, key: char) -> Result<(), PeerError> {
        self.command("sndcode", &key.to_string())
    }

    fn told(&mut self, count: usize) -> Result<String, PeerError> {
        let mut keys = String::new();
        for _ in 0..count {
            let event = self.wait_for("CALL_DTMF_START")?;
            keys.push_str(event["param"].as_str().unwrap_or_default());
        }
        Ok(keys)
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        // First, as it would write into the folder while that is removed.
        self.process.end();
        // The trace of a test that failed is in its message; the folder holds only what was written here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads one `LENGTH:JSON,`.
fn read_netstring(stream: &mut TcpStream) -> Option<Value> {
    let mut length = 0usize;
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        match byte[0] {
            digit @ b'0'..=b'9' => length = length.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?,
            b':' => break,
            _ => return None,
        }
    }
    let mut text = vec![0; length.min(LONGEST) + 1];
    stream.read_exact(&mut text).ok()?;
    text.pop();
    serde_json::from_slice(&text).ok()
}
