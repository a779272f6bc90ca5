//! linphonec, driven over its standard input.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
    process::Command,
};

use super::{
    PATIENCE, PeerError,
    authority::Authority,
    network,
    phone::{Keys, Phone},
    process::Process,
    recording::Recording,
    scratch,
    sockets::{Table, wait_until_open},
    wav,
};

/// Seconds of tone that it plays, more than any test takes.
const TONE_SECONDS: u32 = 60;
/// Samples a second of that tone; it makes of them what the codec has.
const TONE_RATE: u32 = 8_000;

/// The line of its configuration for audio that is not secured.
const PLAIN: &str = "media_encryption=none\n";

/// The line by which it does not look for a network: it would find none, and close its connections. It does not register then.
const ALONE: &str = "auto_net_state_mon=0\n";

/// The section by which it takes no calls: each is refused with 486.
const BUSY: &str = "[misc]\nmax_calls=0\n";

/// What it says of a key that was pressed at the other side, up to the key.
const TOLD: &str = "Receiving tone ";

/// What it offers, the most wanted first. By itself it prefers opus, and two of its kind would then record at 48 kHz.
const CODECS: [(&str, u32, u8); 6] = [
    ("PCMU", 8_000, 1),
    ("PCMA", 8_000, 1),
    ("opus", 48_000, 2),
    ("speex", 16_000, 1),
    ("speex", 8_000, 1),
    ("G729", 8_000, 1),
];

/// Where it looks for the network.
const WORLD: Ipv4Addr = Ipv4Addr::new(87, 98, 157, 38);

/// Lines of its own log that a failure shows.
const SHOWN: usize = 400;

/// A running linphonec that answers every call.
#[derive(Debug)]
pub struct Linphone {
    process: Process,
    folder: PathBuf,
    own: Ipv4Addr,
}

impl Linphone {
    /// Starts one with this user name on an address of its own, port 5060; it sends a tone and records what it hears.
    pub fn start(user: &str, own: Ipv4Addr, hz: u16) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Table::Udp, &format!("{ALONE}{PLAIN}"), "")
    }

    /// Starts one that insists on SRTP with keys in the SDP.
    pub fn start_secured(user: &str, own: Ipv4Addr, hz: u16) -> Result<Self, PeerError> {
        let sdes = format!("{ALONE}media_encryption=srtp\nmedia_encryption_mandatory=1\n");
        Self::start_with(user, own, hz, Table::Udp, &sdes, "")
    }

    /// Starts one that listens by TCP, and calls by TLS whom this authority has certified for the host that it calls. An
    /// address has to stand in the certificate as a domain name: it looks at no other names.
    pub fn start_by_tcp(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        authority: &Authority,
    ) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, Table::Tcp, &format!("{ALONE}{PLAIN}{}", trust(authority)), "")
    }

    /// Starts one that takes no calls, by UDP or TCP: each is refused with 486.
    pub fn start_busy(user: &str, own: Ipv4Addr, hz: u16, over: Table) -> Result<Self, PeerError> {
        Self::start_with(user, own, hz, over, &format!("{ALONE}{PLAIN}"), BUSY)
    }

    /// Starts one that registers, with this password, at a registrar that is its proxy: that it has shows there.
    pub fn start_registered(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        registrar: Ipv4Addr,
        password: &str,
    ) -> Result<Self, PeerError> {
        let sections = account(user, registrar, "5060;transport=udp", password);
        let plain = format!("{PLAIN}default_proxy=0\n");
        Self::start_with(user, own, hz, Table::Udp, &plain, &sections)
    }

    /// The same by TCP, or by TLS where it is given an authority to trust. Only in a private network, where it can be shown a
    /// way to the world: without one it gives its connections up.
    pub fn start_registered_by_tcp(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        account: (Ipv4Addr, &str),
        trusted: Option<&Authority>,
    ) -> Result<Self, PeerError> {
        Self::registered_by_tcp(user, own, hz, account, trusted, "")
    }

    /// The same, and it takes no calls.
    pub fn start_busy_registered_by_tcp(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        account: (Ipv4Addr, &str),
        trusted: Option<&Authority>,
    ) -> Result<Self, PeerError> {
        Self::registered_by_tcp(user, own, hz, account, trusted, BUSY)
    }

    fn registered_by_tcp(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        (registrar, password): (Ipv4Addr, &str),
        trusted: Option<&Authority>,
        sections: &str,
    ) -> Result<Self, PeerError> {
        let (place, trust) = match trusted {
            None => ("5060;transport=tcp", String::new()),
            Some(authority) => ("5061;transport=tls", trust(authority)),
        };
        network::route_to(WORLD)?;
        let sections = format!("{}{sections}", account(user, registrar, place, password));
        let more = format!("{PLAIN}default_proxy=0\n{trust}");
        Self::start_with(user, own, hz, Table::Tcp, &more, &sections)
    }

    fn start_with(
        user: &str,
        own: Ipv4Addr,
        hz: u16,
        over: Table,
        more: &str,
        sections: &str,
    ) -> Result<Self, PeerError> {
        let folder = scratch(&format!("linphone-{own}"))?;
        let environment = |what: &PathBuf| {
            let what = what.display().to_string();
            move |source| PeerError::Environment { what, source }
        };
        // Without this folder its database cannot be made, and then it never opens its port.
        let data = folder.join(".local/share/linphone");
        fs::create_dir_all(&data).map_err(environment(&data))?;
        let (tone, configuration) = (folder.join("tone.wav"), folder.join("configuration"));
        wav::write_tone(&tone, hz, TONE_RATE, TONE_SECONDS)?;
        let codecs = CODECS.iter().enumerate().map(|(place, (name, rate, channels))| {
            format!("[audio_codec_{place}]\nmime={name}\nrate={rate}\nchannels={channels}\nenabled=1\n")
        });
        let codecs = codecs.collect::<String>();
        // 0 is off, -1 any port: who does not listen by TLS does not call by it either.
        let (ports, parameter) = match over {
            Table::Udp => ("sip_port=5060\nsip_tcp_port=0\nsip_tls_port=0", ""),
            Table::Tcp => ("sip_port=0\nsip_tcp_port=5060\nsip_tls_port=-1", ";transport=tcp"),
        };
        let text = format!(
            "[sip]\n{ports}\nbind_address={own}\nguess_hostname=0\n{more}\
             contact=sip:{user}@{own}:5060{parameter}\nuse_ipv6=0\nkeepalive_period=0\n\
             [rtp]\nbind_address={own}\naudio_rtp_port=22000\n\
             [net]\ndns_srv_enabled=0\n[sound]\nremote_ring=\nechocancellation=0\n[video]\nenabled=0\n\
             {codecs}{sections}"
        );
        fs::write(&configuration, text).map_err(environment(&configuration))?;
        // Its own buffering of lines would keep them from us.
        let mut command = Command::new("stdbuf");
        command.args(["-o0", "linphonec", "-a", "-d", "6", "-l"]).arg(folder.join("log"));
        command.arg("-c").arg(&configuration).env("HOME", &folder).current_dir(&folder);
        let mut process = Process::spawn("linphonec", &mut command)?;
        wait_until_open(&mut process, over, SocketAddrV4::new(own, 5060))?;
        let mut phone = Self { process, folder, own };
        phone.process.say("soundcard use files")?;
        phone.line("Using wav files")?;
        phone.process.say(&format!("play {}", tone.display()))?;
        let record = format!("record {}", phone.recording().display());
        phone.process.say(&record)?;
        Ok(phone)
    }

    fn recording(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }

    /// Waits for a line that holds this.
    fn line(&mut self, text: &str) -> Result<(), PeerError> {
        let waited = self.process.wait_for(text, PATIENCE, |line| line.contains(text));
        waited.map(drop).map_err(|error| self.with_log(error))
    }

    fn with_log(&self, error: PeerError) -> PeerError {
        match error {
            PeerError::Missing { program, what, limit, output } => {
                let output = format!("{output}\n{}", self.log());
                PeerError::Missing { program, what, limit, output }
            }
            other => other,
        }
    }

    /// The end of its own log, which holds the SIP messages.
    fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }

    fn streams(&mut self) -> Result<(), PeerError> {
        self.line("Media streams established")
    }

    fn transferred(&mut self) -> Result<(), PeerError> {
        self.line("has been transfered")
    }

    /// Calls somebody, and waits until it says that this cannot be.
    pub fn call_in_vain(&mut self, uri: &str) -> Result<(), PeerError> {
        self.process.say(&format!("call {uri}"))?;
        self.line(" error.")
    }

    /// Waits until this call has ended, which may have been told before.
    fn call_ended(&mut self, number: u32) -> Result<(), PeerError> {
        let call = format!("Call {number} with ");
        let fits = |line: &str| line.contains(&call) && line.contains(" ended (");
        if self.process.lines().iter().any(|line| fits(line)) {
            return Ok(());
        }
        let waited = self.process.wait_for(&format!("the end of call {number}"), PATIENCE, fits);
        waited.map(drop).map_err(|error| self.with_log(error))
    }
}

/// The lines of its configuration that trust an authority and nobody else.
fn trust(authority: &Authority) -> String {
    let roots = authority.roots();
    format!("root_ca={}\nverify_server_certs=1\nverify_server_cn=1\n", roots.display())
}

/// Its account at a registrar, which is at this port, by this transport.
fn account(user: &str, registrar: Ipv4Addr, place: &str, password: &str) -> String {
    format!(
        "[auth_info_0]\nusername={user}\nuserid={user}\npasswd={password}\nrealm={registrar}\n\
         [proxy_0]\nreg_proxy=<sip:{registrar}:{place}>\nreg_identity=sip:{user}@{registrar}\n\
         reg_expires=60\nreg_sendregister=1\npublish=0\n"
    )
}

impl Phone for Linphone {
    fn call(&mut self, uri: &str) -> Result<(), PeerError> {
        self.process.say(&format!("call {uri}"))?;
        self.streams()
    }

    fn answered(&mut self) -> Result<(), PeerError> {
        self.line("Receiving new incoming call")?;
        self.streams()
    }

    fn hears(&mut self, tone: Option<u16>) -> Result<(), PeerError> {
        let heard = Recording::File(self.recording()).wait_for(&mut self.process, tone);
        heard.map_err(|error| self.with_log(error))
    }

    fn hold(&mut self) -> Result<(), PeerError> {
        self.process.say("pause 1")?;
        self.line("is now paused")
    }

    fn resume(&mut self) -> Result<(), PeerError> {
        self.process.say("resume 1")?;
        self.streams()
    }

    fn blind(&mut self, uri: &str) -> Result<(), PeerError> {
        self.process.say(&format!("transfer 1 {uri}"))?;
        self.transferred()?;
        self.call_ended(1)
    }

    fn attended(&mut self) -> Result<(), PeerError> {
        self.process.say("transfer 1 --to-call 2")?;
        self.transferred()?;
        self.call_ended(1)?;
        self.call_ended(2)
    }

    fn hang_up(&mut self) -> Result<(), PeerError> {
        self.process.say("terminate")?;
        self.ended()
    }

    fn ended(&mut self) -> Result<(), PeerError> {
        self.line(" ended (")
    }

    fn output(&mut self) -> String {
        format!("linphonec on {}:\n{}\n{}", self.own, self.process.output(), self.log())
    }
}

impl Keys for Linphone {
    fn press(&mut self, key: char) -> Result<(), PeerError> {
        self.process.say(&key.to_string())
    }

    fn told(&mut self, count: usize) -> Result<String, PeerError> {
        let mut keys = String::new();
        for _ in 0..count {
            let said = self.process.wait_for(TOLD, PATIENCE, |line| line.contains(TOLD));
            let line = said.map_err(|error| self.with_log(error))?;
            keys.extend(line.split(TOLD).nth(1).and_then(|rest| rest.chars().next()));
        }
        Ok(keys)
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        // First, as it would write into the folder while that is removed.
        self.process.end();
        // The log of a test that failed is in its message; the folder holds only what was written here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
