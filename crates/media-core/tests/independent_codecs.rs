//! G.711 and G.722 against other people's codecs, bit by bit.
//!
//! What ffmpeg made is committed in `tests/vectors` and checked by every run. With `PATCHCORD_INTEROP=1`, which `cargo
//! xtask interop` sets, ffmpeg and sox run themselves on more signals, and the committed files are checked to be what
//! ffmpeg makes; `PATCHCORD_VECTORS=write` writes them anew instead.

use std::path::{Path, PathBuf};
use std::process::Command;

use media_core::{Codec, MAX_PACKET_MS};

/// Whether other programs are run; if not, it says so.
fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("PATCHCORD_INTEROP").is_some_and(|value| value == "1");
    if !enabled {
        println!("{test}: not run, because PATCHCORD_INTEROP is not 1; use `cargo xtask interop`");
    }
    enabled
}

/// A generator of test signals in integers only, so that they are the same everywhere.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> i16 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as i16
    }
}

fn noise(seed: u32, count: usize, peak: i32) -> Vec<i16> {
    let mut noise = Noise(seed);
    (0..count).map(|_| (i32::from(noise.next()) * peak / 32_768) as i16).collect()
}

/// A tone that rises to half the sample rate; its waves are parabolas.
fn sweep(count: usize, peak: i32) -> Vec<i16> {
    let mut phase = 0;
    (0..count)
        .map(|index| {
            phase = (phase + index * 32_768 / count) % 65_536;
            let half = i32::from((phase % 32_768) as u16);
            let wave = ((half * (32_768 - half)) >> 13) * peak / 32_768;
            (if phase < 32_768 { wave } else { -wave }) as i16
        })
        .collect()
}

fn square(count: usize, period: usize) -> Vec<i16> {
    (0..count).map(|index| if index % period < period / 2 { i16::MAX } else { i16::MIN }).collect()
}

/// A quarter of a second of everything: silence, quiet and loud, smooth and rough.
fn committed_signal() -> Vec<i16> {
    let mut signal = vec![0; 200];
    signal.extend(sweep(1_500, 12_000));
    signal.extend(noise(1, 500, 40));
    signal.extend(noise(2, 500, 3_000));
    signal.extend(sweep(300, 32_000));
    signal.extend(square(400, 26));
    signal.extend(noise(3, 400, 32_767));
    signal.extend(vec![0; 200]);
    signal
}

fn committed_bytes() -> Vec<u8> {
    let mut noise = Noise(4);
    (0..2_000).map(|_| noise.next() as u8).collect()
}

fn encode(codec: Codec, samples: &[i16]) -> Vec<u8> {
    let mut payload = Vec::new();
    codec.encoder().encode(samples, &mut payload);
    payload
}

fn decode(codec: Codec, payload: &[u8]) -> Vec<i16> {
    let mut decoder = codec.decoder();
    let mut samples = Vec::new();
    for packet in payload.chunks(codec.payload_length(MAX_PACKET_MS)) {
        decoder.decode(packet, &mut samples).expect("a packet of legal length");
    }
    samples
}

fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn samples_of(bytes: &[u8]) -> Vec<i16> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    assert!(rest.is_empty());
    pairs.iter().map(|&pair| i16::from_le_bytes(pair)).collect()
}

/// Names the first difference instead of printing thousands of numbers.
fn assert_same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &[T], theirs: &[T]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: lengths");
    if let Some(at) = ours.iter().zip(theirs).position(|(one, other)| one != other) {
        panic!("{what}: at {at} ours is {:?}, theirs {:?}", ours[at], theirs[at]);
    }
}

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

fn committed(name: &str) -> Vec<u8> {
    std::fs::read(vector(name)).expect("a committed file")
}

#[test]
fn g722_encodes_the_committed_signal_to_the_bits_of_ffmpeg() {
    assert_same("bits", &encode(Codec::G722, &committed_signal()), &committed("signal.g722"));
}

#[test]
fn g722_decodes_the_committed_bits_to_the_samples_of_ffmpeg() {
    let signal = decode(Codec::G722, &committed("signal.g722"));
    assert_same("signal", &signal, &samples_of(&committed("signal.g722.s16le")));
    let noise = decode(Codec::G722, &committed_bytes());
    assert_same("any bits", &noise, &samples_of(&committed("bytes.g722.s16le")));
}

#[test]
fn g711_decodes_every_byte_to_the_sample_of_ffmpeg() {
    let every: Vec<u8> = (0..=255).collect();
    for (codec, name) in [(Codec::Pcmu, "bytes.mulaw.s16le"), (Codec::Pcma, "bytes.alaw.s16le")] {
        assert_same(name, &decode(codec, &every), &samples_of(&committed(name)));
    }
}

/// Runs a program on a file and returns the file that it has made.
fn transform(test: &str, program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (from, to) = (folder.join(format!("{test}.in")), folder.join(format!("{test}.out")));
    std::fs::write(&from, input).expect("the folder for test files");
    let words = arguments.iter().map(|&word| match word {
        "IN" => from.as_os_str(),
        "OUT" => to.as_os_str(),
        word => word.as_ref(),
    });
    let done = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{program} does not run ({error}); `cargo xtask setup` installs it"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(&to).expect("what the program made")
}

/// The names of a codec and its format in ffmpeg.
fn names(codec: Codec) -> (&'static str, &'static str, &'static str) {
    match codec {
        Codec::Pcmu => ("pcm_mulaw", "mulaw", "8000"),
        Codec::Pcma => ("pcm_alaw", "alaw", "8000"),
        _ => ("g722", "g722", "16000"),
    }
}

fn ffmpeg_encodes(test: &str, codec: Codec, samples: &[i16]) -> Vec<u8> {
    let (name, format, rate) = names(codec);
    let arguments = [
        "-y", "-v", "error", "-f", "s16le", "-ar", rate, "-ac", "1", "-i", "IN", "-c:a", name, "-f", format,
        "OUT",
    ];
    transform(test, "ffmpeg", &arguments, &bytes_of(samples))
}

fn ffmpeg_decodes(test: &str, codec: Codec, payload: &[u8]) -> Vec<i16> {
    let (_, format, rate) = names(codec);
    let mut arguments = vec!["-y", "-v", "error", "-f", format];
    if codec != Codec::G722 {
        arguments.extend(["-ar", rate, "-ac", "1"]);
    }
    arguments.extend(["-i", "IN", "-f", "s16le", "OUT"]);
    samples_of(&transform(test, "ffmpeg", &arguments, payload))
}

fn sox_encodes(test: &str, codec: Codec, samples: &[i16]) -> Vec<u8> {
    let law = if codec == Codec::Pcmu { "mu-law" } else { "a-law" };
    let raw = ["-t", "raw", "-r", "8000", "-c", "1", "-b"];
    let arguments: Vec<&str> = std::iter::once("-D")
        .chain(raw)
        .chain(["16", "-e", "signed", "-L", "IN"])
        .chain(raw)
        .chain(["8", "-e", law, "OUT"])
        .collect();
    transform(test, "sox", &arguments, &bytes_of(samples))
}

#[test]
fn the_committed_files_are_what_ffmpeg_makes() {
    let test = "the_committed_files_are_what_ffmpeg_makes";
    if !enabled(test) {
        return;
    }
    let every: Vec<u8> = (0..=255).collect();
    let bits = ffmpeg_encodes(test, Codec::G722, &committed_signal());
    let decoded = |codec, payload: &[u8]| bytes_of(&ffmpeg_decodes(test, codec, payload));
    let files = [
        ("signal.g722.s16le", decoded(Codec::G722, &bits)),
        ("signal.g722", bits),
        ("bytes.g722.s16le", decoded(Codec::G722, &committed_bytes())),
        ("bytes.mulaw.s16le", decoded(Codec::Pcmu, &every)),
        ("bytes.alaw.s16le", decoded(Codec::Pcma, &every)),
    ];
    for (name, made) in files {
        if std::env::var_os("PATCHCORD_VECTORS").is_some_and(|value| value == "write") {
            std::fs::write(vector(name), &made).expect("the folder of the vectors");
        }
        assert_same(name, &committed(name), &made);
    }
}

#[test]
fn g722_and_ffmpeg_make_the_same_bits_and_samples_of_any_signal() {
    let test = "g722_and_ffmpeg_make_the_same_bits_and_samples_of_any_signal";
    if !enabled(test) {
        return;
    }
    let second = 16_000;
    let signals = [
        ("silence", vec![0; second]),
        ("sweep", sweep(2 * second, 20_000)),
        ("loud sweep", sweep(2 * second, 32_767)),
        ("faint noise", noise(5, second, 3)),
        ("noise", noise(6, second, 8_000)),
        ("full noise", noise(7, second, 32_768)),
        ("slow square", square(second, 320)),
        ("fast square", square(second, 2)),
        (
            "steps",
            sweep(second, 9_000).iter().zip(square(second, 800)).map(|(a, b)| a ^ (b & 0x7F)).collect(),
        ),
    ];
    for (name, signal) in signals {
        let theirs = ffmpeg_encodes(test, Codec::G722, &signal);
        assert_same(name, &encode(Codec::G722, &signal), &theirs);
        assert_same(name, &decode(Codec::G722, &theirs), &ffmpeg_decodes(test, Codec::G722, &theirs));
    }
    let bytes: Vec<u8> = noise(8, 80_000, 32_768).iter().map(|&sample| (sample >> 8) as u8).collect();
    assert_same("any bits", &decode(Codec::G722, &bytes), &ffmpeg_decodes(test, Codec::G722, &bytes));
}

#[test]
fn g711_and_ffmpeg_hear_each_other_bit_by_bit() {
    let test = "g711_and_ffmpeg_hear_each_other_bit_by_bit";
    if !enabled(test) {
        return;
    }
    let every: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let (name, ..) = names(codec);
        let ours = encode(codec, &every);
        assert_same(name, &decode(codec, &ours), &ffmpeg_decodes(test, codec, &ours));
        let theirs = ffmpeg_encodes(test, codec, &every);
        assert_same(name, &decode(codec, &theirs), &ffmpeg_decodes(test, codec, &theirs));
    }
}

/// G.711 defines codes for 14 bits (µ-law) and 13 bits (A-law); 16-bit samples on that grid leave nothing to rounding.
#[test]
fn g711_encodes_every_sample_of_its_grid_to_the_byte_of_sox() {
    let test = "g711_encodes_every_sample_of_its_grid_to_the_byte_of_sox";
    if !enabled(test) {
        return;
    }
    for (codec, step) in [(Codec::Pcmu, 4), (Codec::Pcma, 8)] {
        let grid: Vec<i16> = (i16::MIN..=i16::MAX).step_by(step).collect();
        assert_same(codec.name(), &encode(codec, &grid), &sox_encodes(test, codec, &grid));
    }
}

/// ffmpeg takes the code whose value is nearest where G.711 has decision values, which at the seven seams of the
/// segments do not lie halfway, and cuts negative samples to 14 bits downwards.
#[test]
fn g711_and_ffmpeg_encode_alike_but_at_decision_values() {
    let test = "g711_and_ffmpeg_encode_alike_but_at_decision_values";
    if !enabled(test) {
        return;
    }
    let every: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for (codec, known) in [(Codec::Pcmu, 851), (Codec::Pcma, 964)] {
        let ours = decode(codec, &encode(codec, &every));
        let theirs = decode(codec, &ffmpeg_encodes(test, codec, &every));
        let mut values = ours.clone();
        values.sort_unstable();
        values.dedup();
        let place = |value: &i16| values.binary_search(value).expect("a value of the codec");
        let different: Vec<_> = ours.iter().zip(&theirs).filter(|(one, other)| one != other).collect();
        assert!(different.iter().all(|(one, other)| place(one).abs_diff(place(other)) == 1), "{codec}");
        assert_eq!(different.len(), known, "{codec}");
        // No code is chosen by one of the two only.
        let own: Vec<i16> = values.iter().copied().filter(|&value| value != 0).collect();
        assert_same(codec.name(), &encode(codec, &own), &ffmpeg_encodes(test, codec, &own));
    }
}
