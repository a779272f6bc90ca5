//! `--codecs`, `--srtp`, `--moh`, `--record`, `--dtmf`: how audio is carried, and what is done with it in a call.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use session_core::{
    Builder, CodecPreference, HoldAudio, RecordLayout, Session, Source, SrtpPolicy, Wav, load_wav,
};

use crate::args::{SoundArgs, Srtp};
use crate::exit::Failure;

/// The recordings of one name that are kept side by side: so often was the program started, and nobody has cleared up.
const MOST_COPIES: u32 = 10_000;

/// Sets up what is offered and what parties on hold hear. A recording that cannot be is told here, before anybody is called.
pub(crate) fn configure(mut builder: Builder, args: &SoundArgs) -> Result<Builder, Failure> {
    if let Some(file) = &args.record {
        recordable(file)
            .map_err(|error| Failure::environment(format!("cannot record to {}: {error}", file.display())))?;
    }
    if !args.codecs.is_empty() {
        builder = builder.codecs(&args.codecs).codec_preference(CodecPreference::Ours);
    }
    if let Some(file) = &args.moh {
        builder = builder.hold_audio(HoldAudio::Wav(loaded(file)?));
    }
    Ok(builder.srtp(match args.srtp {
        Srtp::Off => SrtpPolicy::Off,
        Srtp::Optional => SrtpPolicy::Optional,
        Srtp::Required => SrtpPolicy::Required,
    }))
}

/// A recording that is played once.
pub(crate) fn spoken_once(file: &Path) -> Result<Source, Failure> {
    loaded(file).map(|speech| Source::Wav(speech.once()))
}

fn loaded(file: &Path) -> Result<Wav, Failure> {
    load_wav(file).map_err(|error| Failure::environment(format!("cannot play {}: {error}", file.display())))
}

/// Opens a file for writing and leaves it as it was: one that was not there is not there after it, and a link that leads nowhere
/// still does.
fn recordable(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    match options.open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            options.create(true).open(file)?;
            std::fs::remove_file(file.canonicalize()?)
        }
        opened => opened.map(drop),
    }
}

/// Records and dials in a call that is up; one that is refused does not keep the other from being done.
pub(crate) async fn begin(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    begin_in(session, args, args.record.as_deref()).await
}

/// The same in one of several calls: each is recorded in a file of its own.
pub(crate) async fn begin_one_of_many(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    let file = match args.record.as_deref() {
        Some(file) => Some(free_name(|copy| named_after(file, &session.id().to_string(), copy))?),
        None => None,
    };
    begin_in(session, args, file.as_deref()).await
}

async fn begin_in(session: &Session, args: &SoundArgs, file: Option<&Path>) -> Result<(), Failure> {
    let recorded = match file {
        Some(file) => record(session, file).await,
        None => Ok(()),
    };
    let dialled = match &args.dtmf {
        Some(digits) => session.send_digits(digits).await.map_err(Failure::from),
        None => Ok(()),
    };
    recorded.and(dialled)
}

async fn record(session: &Session, file: &Path) -> Result<(), Failure> {
    session
        .record(file, RecordLayout::Stereo)
        .await
        .map(drop)
        .map_err(|error| Failure::environment(format!("{}: {error}", file.display())))
}

/// The first name that no file has: calls are counted anew with each start, and what was recorded before is kept.
fn free_name(name: impl Fn(u32) -> PathBuf) -> Result<PathBuf, Failure> {
    (1..=MOST_COPIES).map(&name).find(|file| file.symlink_metadata().is_err()).ok_or_else(|| {
        Failure::environment(format!("there are {MOST_COPIES} files like {}", name(1).display()))
    })
}

/// `out/calls.wav` of `call-3` is `out/calls-call-3.wav`, a second one `out/calls-call-3.2.wav`.
fn named_after(file: &Path, call: &str, copy: u32) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut name = format!("{stem}-{call}");
    if copy > 1 {
        name = format!("{name}.{copy}");
    }
    if let Some(suffix) = file.extension() {
        name = format!("{name}.{}", suffix.to_string_lossy());
    }
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_a_recording_of_its_own() {
        for (file, copy, named) in [
            ("out/calls.wav", 1, "out/calls-call-3.wav"),
            ("out/calls.wav", 2, "out/calls-call-3.2.wav"),
            ("calls", 1, "calls-call-3"),
        ] {
            assert_eq!(named_after(Path::new(file), "call-3", copy), Path::new(named));
        }
    }

    #[test]
    fn a_recording_takes_the_first_name_that_is_free() {
        let folder = std::env::temp_dir().join(format!("patchcord-free-name-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let name = |copy| folder.join(format!("{copy}.wav"));
        assert_eq!(free_name(name), Ok(name(1)));
        std::fs::write(name(1), "").expect("written");
        assert_eq!(free_name(name), Ok(name(2)));
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn trying_a_file_leaves_it_as_it_was() {
        let folder = std::env::temp_dir().join(format!("patchcord-recordable-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (link, target) = (folder.join("link.wav"), folder.join("target.wav"));
        recordable(&target).expect("it can be written");
        assert!(!target.exists());
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        recordable(&link).expect("it can be written through the link");
        assert!(link.is_symlink() && !target.exists());
        std::fs::write(&target, "kept").expect("written");
        recordable(&link).expect("it is there");
        assert_eq!(std::fs::read(&target).expect("still there"), b"kept");
        assert!(recordable(&folder.join("none").join("file.wav")).is_err());
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
