//! Files of every kind, and files that lie. Well-formed ones are written by another implementation.

use std::io::Cursor;

use hound::SampleFormat;

use super::*;

const TELEPHONE: hound::WavSpec =
    hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };

fn wav<T: hound::Sample + Copy>(spec: hound::WavSpec, samples: &[T]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a valid spec");
    for &sample in samples {
        writer.write_sample(sample).expect("room in memory");
    }
    writer.finalize().expect("room in memory");
    bytes.into_inner()
}

/// A file by hand: any format chunk, any sizes.
fn file(tag: u16, channels: u16, rate: u32, bits: u16, size: u32, audio: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0".to_vec();
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(audio);
    bytes
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    parse_wav(bytes).expect("a usable file").samples().to_vec()
}

#[test]
fn whole_numbers_of_every_width_are_read() {
    let spec = |bits_per_sample| hound::WavSpec { bits_per_sample, ..TELEPHONE };
    assert_eq!(samples(&wav(spec(8), &[-128_i8, 0, 127])), [-32_768, 0, 32_512]);
    assert_eq!(samples(&wav(spec(16), &[-32_768_i16, 3, 32_767])), [-32_768, 3, 32_767]);
    assert_eq!(samples(&wav(spec(24), &[-8_388_608_i32, 256, 8_388_607])), [-32_768, 1, 32_767]);
    assert_eq!(samples(&wav(spec(32), &[i32::MIN, 65_536, i32::MAX])), [-32_768, 1, 32_767]);
}

#[test]
fn floating_point_is_read_and_clipped() {
    let spec = hound::WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..TELEPHONE };
    let values = [-1.0_f32, 0.5, 0.0, 1.0, 9.0, f32::NAN];
    assert_eq!(samples(&wav(spec, &values)), [-32_768, 16_384, 0, 32_767, 32_767, 0]);
    let wide: Vec<u8> = [0.25_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(samples(&file(3, 1, 8_000, 64, 16, &wide)), [8_192, -32_768]);
}

#[test]
fn telephone_companding_is_read() {
    assert_eq!(samples(&file(6, 1, 8_000, 8, 2, &[0xD5, 0xAA])), [8, 32_256]);
    assert_eq!(samples(&file(7, 1, 8_000, 8, 2, &[0xFF, 0x80])), [0, 32_124]);
}

#[test]
fn two_channels_are_mixed_down() {
    let spec = hound::WavSpec { channels: 2, sample_rate: 16_000, ..TELEPHONE };
    let read = parse_wav(&wav(spec, &[100_i16, 300, -32_768, -32_768, 32_767, 32_767])).expect("usable");
    assert_eq!((read.samples(), read.rate()), (&[200, -32_768, 32_767][..], SampleRate::Hz16000));
    assert!(read.repeats());
    assert!(!read.once().repeats());
}

#[test]
fn every_usual_rate_sounds_the_same() {
    use std::f64::consts::TAU;
    for rate in [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000_u32] {
        let sine = |number: u32| (f64::from(number) * 600.0 * TAU / f64::from(rate)).sin() * 9_000.0;
        let samples: Vec<i16> = (0..rate).map(|number| sine(number) as i16).collect();
        let spec = hound::WavSpec { sample_rate: rate, ..TELEPHONE };
        let read = parse_wav(&wav(spec, &samples)).expect("usable");
        assert_eq!(read.rate().hz(), if rate == 8_000 { 8_000 } else { 16_000 });
        assert!(read.samples().len().abs_diff(read.rate().hz() as usize) <= 1, "{rate}");
        let middle = &read.samples()[read.rate().samples_in(200)..][..read.rate().samples_in(200)];
        assert_eq!(crate::spectrum::dominant(middle, read.rate()), Some(600), "{rate}");
        let loudest = middle.iter().max().copied().expect("samples");
        assert!((8_800..=9_100).contains(&loudest), "{rate}: {loudest}");
    }
}

#[test]
fn an_extensible_header_names_the_true_format() {
    // 24 bits: the writer takes the extensible header for those.
    let spec = hound::WavSpec { channels: 2, bits_per_sample: 24, ..TELEPHONE };
    let bytes = wav(spec, &[512_i32, 512]);
    assert_eq!(bytes[20..22], 0xFFFE_u16.to_le_bytes());
    assert_eq!(samples(&bytes), [2]);
}

#[test]
fn a_file_that_lies_about_its_size_plays_what_is_there() {
    for size in [4, 6, 1_000, 0xFFFF_FFFF, 0] {
        let played = samples(&file(1, 1, 8_000, 16, size, &[1, 0, 2, 0, 3, 0, 9]));
        let honest = if size == 4 { &[1, 2][..] } else { &[1, 2, 3][..] };
        assert_eq!(played, honest, "{size}");
    }
    // More behind the end than a remainder, and no chunk: the audio goes on.
    let long: Vec<u8> = (0..20).flat_map(|_| [7, 0]).collect();
    for size in [1, 2, 4, 16] {
        assert_eq!(samples(&file(1, 1, 8_000, 16, size, &long)), [7; 20], "{size}");
    }
    // A format that says it is longer than the file.
    let mut bytes = file(1, 1, 8_000, 16, 40, &long);
    bytes[16..20].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    assert_eq!(samples(&bytes), [7; 20]);
    // Nothing is played of the chunk that follows an honest empty one.
    let list = b"LIST\x04\0\0\0INFO";
    assert!(matches!(parse_wav(&file(1, 1, 8_000, 16, 0, list)), Err(WavError::Empty)));
}

#[test]
fn other_chunks_are_skipped_with_their_padding() {
    let plain = wav(TELEPHONE, &[5_i16, 6]);
    let mut bytes = plain[..12].to_vec();
    bytes.extend(b"junk\x03\0\0\0abc\0");
    bytes.extend(&plain[12..]);
    assert_eq!(samples(&bytes), [5, 6]);
}

#[test]
fn what_is_not_read_is_named() {
    for (tag, channels, rate, bits) in [
        (1, 3, 8_000, 16),
        (1, 0, 8_000, 16),
        (1, 1, 7_999, 16),
        (1, 1, 48_001, 16),
        (1, 1, 8_000, 12),
        (2, 1, 8_000, 4),
    ] {
        let error = parse_wav(&file(tag, channels, rate, bits, 4, &[0; 4])).expect_err("not read");
        let WavError::Unsupported { format, channels: found, rate: at, bits: of } = error else {
            panic!("{error}")
        };
        assert_eq!((format, found, at, of), (tag, channels, rate, bits));
    }
    assert!(matches!(parse_wav(b"RIFF\0\0\0\0WAV"), Err(WavError::NotWav)));
    assert!(matches!(parse_wav(b"RIFX\0\0\0\0WAVE"), Err(WavError::NotWav)));
    assert!(matches!(parse_wav(b"RIFF\0\0\0\0WAVE"), Err(WavError::NoChunk("data"))));
    assert!(matches!(parse_wav(b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0"), Err(WavError::NoChunk("fmt"))));
    assert!(matches!(parse_wav(b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\0\0"), Err(WavError::NoChunk("fmt"))));
    assert!(matches!(parse_wav(&file(1, 1, 8_000, 16, 1, &[0])), Err(WavError::Empty)));
}

#[test]
fn ten_minutes_are_read_and_no_more() {
    let most = MAX_WAV_SECONDS * 8_000;
    let mut bytes = file(1, 1, 8_000, 16, 0xFFFF_FFFF, &[]);
    bytes.resize(bytes.len() + most * 2, 0);
    assert_eq!(samples(&bytes).len(), most);
    bytes.extend([0; 2]);
    assert!(matches!(parse_wav(&bytes), Err(WavError::TooLong)));
}

#[test]
fn cut_files_never_panic() {
    let spec = hound::WavSpec { channels: 2, bits_per_sample: 24, ..TELEPHONE };
    let bytes = wav(spec, &[1_i32, 2, 3, 4]);
    for length in 0..bytes.len() {
        let read = parse_wav(&bytes[..length]);
        assert_eq!(read.is_ok(), length >= bytes.len() - 6, "{length}");
    }
}
