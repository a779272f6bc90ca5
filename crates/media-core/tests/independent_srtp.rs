//! SRTP against other people's: libsrtp with all suites, ffmpeg with its own.
//!
//! What libsrtp made is committed in `tests/vectors/srtp.txt` and checked by every run. With `PATCHCORD_INTEROP=1`,
//! which `cargo xtask interop` sets, libsrtp and ffmpeg run themselves, and the committed file is checked to be what
//! libsrtp makes; `PATCHCORD_VECTORS=write` writes it anew instead.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use media_core::rtcp::{RtcpPacket, parse_compound};
use media_core::rtp::{RtpHeader, RtpPacket};
use media_core::srtp::sdes::Crypto;
use media_core::srtp::{KeyMaterial, SrtpReceiver, SrtpSender, Suite};

const SSRC: u32 = 0xCAFE_BABE;

/// Whether other programs are run; if not, it says so.
fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("PATCHCORD_INTEROP").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: not run, because PATCHCORD_INTEROP is not 1; use `cargo xtask interop`");
    }
    enabled
}

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string grows");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// A line whose key has a different byte everywhere.
fn line(suite: Suite) -> Crypto {
    let key: Vec<u8> = (0..suite.material_bytes() as u8).map(|byte| byte.wrapping_mul(37) ^ 0x5A).collect();
    Crypto::new(1, KeyMaterial::new(suite, &key).expect("the length of the suite"))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Rtp,
    Rtcp,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
        }
    }
}

/// Packets of all forms over two wraps, and reports between them.
fn packets() -> Vec<(Kind, Vec<u8>)> {
    let mut packets = Vec::new();
    for step in 0..16_u32 {
        let number = 0x7000 + step * 0x2801;
        let header = RtpHeader {
            marker: step % 3 == 0,
            payload_type: 8,
            sequence: number as u16,
            timestamp: number.wrapping_mul(160),
            ssrc: SSRC,
        };
        let payload: Vec<u8> = (0..step * 3).map(|byte| (byte * 7) as u8).collect();
        let mut packet = header.packet(&[]);
        if step % 4 == 1 {
            packet[0] |= 2;
            packet.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        }
        if step % 5 == 2 {
            packet[0] |= 0x10;
            packet.extend([0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0]);
        }
        packet.extend(payload);
        if step % 7 == 3 {
            packet[0] |= 0x20;
            packet.extend([0, 0, 0, 4]);
        }
        packets.push((Kind::Rtp, packet));
        if step % 8 == 0 {
            let report =
                [&[0x80, 201, 0, 1][..], &SSRC.to_be_bytes(), &[0x81, 203, 0, 1], &SSRC.to_be_bytes()];
            packets.push((Kind::Rtcp, report.concat()));
        }
    }
    packets
}

/// Runs libsrtp over lines of `verb kind hex`, and returns its lines.
fn libsrtp(line: &Crypto, input: &str) -> Vec<String> {
    let mut child = Command::new("/usr/bin/python3")
        .arg(vector("libsrtp.py"))
        .args([line.suite.name(), &hex(line.keys[0].material.key_and_salt())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 of the distribution, with python3-pylibsrtp");
    // The output of these inputs is shorter than a pipe, so that nobody waits for the other.
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("libsrtp reads");
    drop(stdin);
    let output = child.wait_with_output().expect("libsrtp ends");
    assert!(output.status.success(), "libsrtp: {}; is python3-pylibsrtp installed?", output.status);
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

/// What libsrtp makes of the packets: a line of `suite key kind plain protected` for each.
fn protected_by_libsrtp(suite: Suite) -> String {
    let line = line(suite);
    let packets = packets();
    let input = packets.iter().fold(String::new(), |text, (kind, packet)| {
        format!("{text}protect {} {}\n", kind.name(), hex(packet))
    });
    let output = libsrtp(&line, &input);
    assert_eq!(output.len(), packets.len());
    let key = hex(line.keys[0].material.key_and_salt());
    packets.iter().zip(output).fold(String::new(), |text, ((kind, plain), protected)| {
        format!("{text}{suite} {key} {} {} {protected}\n", kind.name(), hex(plain))
    })
}

#[test]
fn what_libsrtp_protected_is_opened_and_made() {
    // covers: TM-103
    let text = std::fs::read_to_string(vector("srtp.txt")).expect("a committed file");
    for suite in Suite::ALL {
        let line = line(suite);
        let mut receiver = SrtpReceiver::new(&line).expect("a usable line");
        let mut sender = SrtpSender::new(&line).expect("a usable line");
        let vectors = text.lines().filter(|vector| vector.split(' ').next() == Some(suite.name()));
        let mut expected = packets().into_iter();
        for vector in vectors {
            let words: Vec<&str> = vector.split(' ').collect();
            let &[_, key, kind, plain, protected] = &words[..] else { panic!("five words: {vector}") };
            assert_eq!(bytes(key), line.keys[0].material.key_and_salt());
            let (plain, mut protected) = (bytes(plain), bytes(protected));
            let (expected_kind, expected_plain) = expected.next().expect("as many packets");
            assert_eq!((kind, &plain), (expected_kind.name(), &expected_plain));
            if expected_kind == Kind::Rtp {
                let mut ours = plain.clone();
                sender.protect_rtp(&mut ours).expect("an RTP packet");
                assert_eq!(ours, protected, "{suite}");
            }
            let length = match expected_kind {
                Kind::Rtp => receiver.unprotect_rtp(&mut protected),
                Kind::Rtcp => receiver.unprotect_rtcp(&mut protected),
            };
            assert_eq!(protected[..length.expect("authentic")], plain);
        }
        assert_eq!(expected.next(), None, "{suite}: vectors are missing");
    }
}

#[test]
fn the_committed_file_is_what_libsrtp_makes() {
    if !enabled("the_committed_file_is_what_libsrtp_makes") {
        return;
    }
    let made: String = Suite::ALL.into_iter().map(protected_by_libsrtp).collect();
    if std::env::var_os("PATCHCORD_VECTORS").is_some_and(|value| value == "write") {
        std::fs::write(vector("srtp.txt"), made).expect("a writable folder");
    } else {
        assert_eq!(made, std::fs::read_to_string(vector("srtp.txt")).expect("a committed file"));
    }
}

#[test]
fn libsrtp_opens_what_is_protected_and_refuses_what_is_changed() {
    if !enabled("libsrtp_opens_what_is_protected_and_refuses_what_is_changed") {
        return;
    }
    for suite in Suite::ALL {
        let line = line(suite);
        let mut sender = SrtpSender::new(&line).expect("a usable line");
        let (mut input, mut expected) = (String::new(), Vec::new());
        for (kind, plain) in packets() {
            let mut packet = plain.clone();
            match kind {
                Kind::Rtp => sender.protect_rtp(&mut packet).expect("an RTP packet"),
                Kind::Rtcp => sender.protect_rtcp(&mut packet).expect("an RTCP packet"),
            }
            let mut forged = packet.clone();
            *forged.last_mut().expect("a tag") ^= 1;
            for packet in [forged, packet.clone(), packet] {
                writeln!(input, "unprotect {} {}", kind.name(), hex(&packet)).expect("a string grows");
            }
            expected.push(hex(&plain));
        }
        let output = libsrtp(&line, &input);
        assert_eq!(output.len(), expected.len() * 3);
        for (answers, plain) in output.chunks(3).zip(expected) {
            assert_eq!(answers[1], plain, "{suite}");
            assert!(answers[0].contains(' ') && answers[2].starts_with("replay"), "{suite} {answers:?}");
        }
    }
}

/// The suites of ffmpeg, and the names by which its tags are those of the RFCs: under the second one's name in RFC 4568
/// it cuts the tags of RTCP too.
const FFMPEG: [(Suite, &str); 2] = [
    (Suite::AesCm128HmacSha1_80, "AES_CM_128_HMAC_SHA1_80"),
    (Suite::AesCm128HmacSha1_32, "SRTP_AES128_CM_HMAC_SHA1_32"),
];

/// Longer than ffmpeg takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_types, reason = "ffmpeg sends to a socket")]
type Socket = std::net::UdpSocket;

/// Two sockets with neighbouring ports, the first even, as ffmpeg wants them for RTP and RTCP.
fn sockets() -> (Socket, Socket) {
    let pair = (0..1_000).find_map(|_| {
        let rtp = Socket::bind("127.0.0.1:0").expect("a socket");
        let port = rtp.local_addr().expect("an address").port();
        let rtcp = port.is_multiple_of(2).then(|| Socket::bind(("127.0.0.1", port + 1)).ok())??;
        Some((rtp, rtcp))
    });
    pair.expect("two free ports in a row")
}

/// Ends the program when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ffmpeg(arguments: &[&str]) -> Running {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin"]).args(arguments);
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("ffmpeg"))
}

/// What `inline:` holds.
fn inline(line: &Crypto) -> String {
    line.print().rsplit(':').next().expect("a key").to_owned()
}

fn rms(samples: &[i16]) -> f64 {
    let squares: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (squares / samples.len() as f64).sqrt()
}

#[test]
fn what_ffmpeg_sends_is_opened() {
    if !enabled("what_ffmpeg_sends_is_opened") {
        return;
    }
    for (suite, name) in FFMPEG {
        let line = line(suite);
        let (rtp, rtcp) = sockets();
        let target = format!("srtp://{}", rtp.local_addr().expect("an address"));
        let source = "sine=frequency=440:sample_rate=8000:duration=2";
        let _ffmpeg = ffmpeg(
            &[
                ["-re", "-f", "lavfi", "-i", source, "-c:a", "pcm_s16be", "-f", "rtp"].as_slice(),
                &["-srtp_out_suite", name, "-srtp_out_params", &inline(&line), &target],
            ]
            .concat(),
        );
        let mut receiver = SrtpReceiver::new(&line).expect("a usable line");
        let mut buffer = [0; 2_048];
        let mut samples = Vec::new();
        rtp.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        while samples.len() < 8_000 {
            let length = rtp.recv(&mut buffer).expect("ffmpeg sends");
            let length = receiver.unprotect_rtp(&mut buffer[..length]).expect("authentic");
            let packet = RtpPacket::parse(&buffer[..length]).expect("an RTP packet");
            samples.extend(packet.payload.as_chunks::<2>().0.iter().map(|&pair| i16::from_be_bytes(pair)));
        }
        // A sine of an eighth of the full scale, which is ffmpeg's.
        assert!((rms(&samples) - 32_768.0 / 8.0 / 2_f64.sqrt()).abs() < 50.0, "{}", rms(&samples));
        rtcp.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let length = rtcp.recv(&mut buffer).expect("ffmpeg reports");
        let length = receiver.unprotect_rtcp(&mut buffer[..length]).expect("authentic");
        let packets = parse_compound(&buffer[..length]).expect("a compound");
        assert!(matches!(packets[0], RtcpPacket::SenderReport { .. }), "{packets:?}");
    }
}

#[test]
fn ffmpeg_opens_what_is_protected() {
    if !enabled("ffmpeg_opens_what_is_protected") {
        return;
    }
    for (suite, _) in FFMPEG {
        let line = line(suite);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (description, heard) =
            (folder.join(format!("{suite}.sdp")), folder.join(format!("{suite}.s16le")));
        let (rtp, rtcp) = sockets();
        let port = rtp.local_addr().expect("an address").port();
        drop((rtp, rtcp));
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/SAVP 0\r\n\
             a=rtpmap:0 PCMU/8000\r\na=crypto:{}\r\n",
            line.print()
        );
        std::fs::write(&description, text).expect("a writable folder");
        let (input, output) = (description.to_str().expect("text"), heard.to_str().expect("text"));
        let mut ffmpeg = ffmpeg(
            &[
                ["-protocol_whitelist", "file,rtp,srtp,udp", "-analyzeduration", "0", "-i", input].as_slice(),
                &["-t", "0.5", "-f", "s16le", "-y", output],
            ]
            .concat(),
        );

        let (socket, _) = sockets();
        // Nothing comes back: the wait for it is the pause between two frames.
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a time-out");
        let mut sender = SrtpSender::new(&line).expect("a usable line");
        // The loudest value of PCMU, which is -32124 (G.711, table 2a).
        let payload = [0; 160];
        let frames = PATIENCE.as_millis() as u32 / 20;
        let ended = (0..frames).find_map(|step| {
            let sequence = step as u16;
            let header =
                RtpHeader { marker: step == 0, payload_type: 0, sequence, timestamp: step * 160, ssrc: SSRC };
            let mut packet = header.packet(&payload);
            sender.protect_rtp(&mut packet).expect("an RTP packet");
            socket.send_to(&packet, ("127.0.0.1", port)).expect("loopback");
            let _ = socket.recv(&mut [0; 1]);
            ffmpeg.0.try_wait().expect("a child")
        });
        assert!(ended.is_some_and(|status| status.success()), "ffmpeg: {ended:?}");
        let heard = std::fs::read(&heard).expect("what ffmpeg heard");
        let samples: Vec<i16> =
            heard.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
        assert!(samples.len() >= 3_000, "{} samples", samples.len());
        assert!(samples.iter().all(|&sample| sample == -32_124), "{suite}");
    }
}
