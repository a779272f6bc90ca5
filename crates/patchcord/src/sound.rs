//! `--codecs`, `--srtp`, `--moh`, `--record`, `--dtmf`: how audio is carried, and what is done with it in a call.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use session_core::{Builder, HoldAudio, RecordLayout, Session, Source, SrtpPolicy, Wav, load_wav};

use crate::args::{SoundArgs, Srtp};
use crate::exit::Failure;

/// Sets up what is offered and what parties on hold hear. A recording that cannot be is told here, before anybody is called.
pub(crate) fn configure(mut builder: Builder, args: &SoundArgs) -> Result<Builder, Failure> {
    if let Some(file) = &args.record {
        recordable(file)
            .map_err(|error| Failure::environment(format!("cannot record to {}: {error}", file.display())))?;
    }
    if !args.codecs.is_empty() {
        builder = builder.codecs(&args.codecs);
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

/// Opens a file for writing and leaves it as it was: one that was not there is not there after it.
fn recordable(file: &Path) -> io::Result<()> {
    let was_there = file.try_exists()?;
    OpenOptions::new().write(true).create(true).truncate(false).open(file)?;
    if was_there { Ok(()) } else { std::fs::remove_file(file) }
}

/// Records and dials in a call that is up; one that is refused does not keep the other from being done.
pub(crate) async fn begin(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    begin_in(session, args, args.record.as_deref()).await
}

/// The same in one of several calls: each is recorded in a file of its own.
pub(crate) async fn begin_one_of_many(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    let file = args.record.as_deref().map(|file| named_after(file, &session.id().to_string()));
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

/// `out/calls.wav` of `call-3` is `out/calls-call-3.wav`.
fn named_after(file: &Path, call: &str) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut name = format!("{stem}-{call}");
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
        for (file, named) in [("out/calls.wav", "out/calls-call-3.wav"), ("calls", "calls-call-3")] {
            assert_eq!(named_after(Path::new(file), "call-3"), Path::new(named));
        }
    }
}
