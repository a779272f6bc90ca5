//! `--codecs`, `--srtp`, `--moh`, `--record`, `--dtmf`: how audio is carried, and what is done with it in a call.

use std::path::{Path, PathBuf};

use session_core::{Builder, HoldAudio, RecordLayout, Session, Source, SrtpPolicy, Wav, load_wav};

use crate::args::{SoundArgs, Srtp};
use crate::exit::Failure;

/// Sets up what is offered and what parties on hold hear.
pub(crate) fn configure(mut builder: Builder, args: &SoundArgs) -> Result<Builder, Failure> {
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

/// Records and dials in a call that is up.
pub(crate) async fn begin(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    if let Some(file) = &args.record {
        record(session, file).await?;
    }
    if let Some(digits) = &args.dtmf {
        session.send_digits(digits).await?;
    }
    Ok(())
}

/// The same in one of several calls: each is recorded in a file of its own.
pub(crate) async fn begin_one_of_many(session: &Session, args: &SoundArgs) -> Result<(), Failure> {
    if let Some(file) = &args.record {
        record(session, &named_after(file, &session.id().to_string())).await?;
    }
    if let Some(digits) = &args.dtmf {
        session.send_digits(digits).await?;
    }
    Ok(())
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
