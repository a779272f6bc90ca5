//! The classic pcap file format: little-endian, in microseconds, with bare IP packets.

use std::time::Duration;

/// Says the order of bytes and the unit of time; microseconds, because some readers know nothing finer.
const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
/// `LINKTYPE_RAW`: a packet begins with its IP header, which tells the version. There is no link to show the frames of.
const LINK_TYPE: u32 = 101;
/// The most that a packet may have; what tcpdump writes, and more than any IP packet.
const SNAP_LENGTH: u32 = 262_144;

/// The length of the file's header.
pub(super) const FILE_HEADER: usize = 24;
/// The length of what stands before each packet.
const RECORD_HEADER: usize = 16;

/// What a file begins with.
pub(super) fn file_header() -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..4].copy_from_slice(&MAGIC.to_le_bytes());
    header[4..6].copy_from_slice(&VERSION[0].to_le_bytes());
    header[6..8].copy_from_slice(&VERSION[1].to_le_bytes());
    // The zone and the precision of the times, which every writer leaves at zero.
    header[16..20].copy_from_slice(&SNAP_LENGTH.to_le_bytes());
    header[20..].copy_from_slice(&LINK_TYPE.to_le_bytes());
    header
}

/// Appends a packet that `put` appends, with its time since 1970. Where `put` gives `false`, nothing is appended.
pub(super) fn append(file: &mut Vec<u8>, at: Duration, put: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let start = file.len();
    file.extend_from_slice(&[0; RECORD_HEADER]);
    if !put(file) {
        file.truncate(start);
        return false;
    }
    let length = (file.len() - start - RECORD_HEADER) as u32;
    // 32 bits of seconds last until 2106.
    let fields = [at.as_secs() as u32, at.subsec_micros(), length, length];
    for (place, field) in file[start..start + RECORD_HEADER].chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_documented_one() {
        assert_eq!(
            file_header(),
            [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0]
        );
    }

    #[test]
    fn a_packet_has_its_time_and_its_length_twice() {
        let mut file = Vec::new();
        let at = Duration::new(0x6543_2100, 5_999);
        assert!(append(&mut file, at, |file| {
            file.extend_from_slice(b"abc");
            true
        }));
        assert_eq!(file, [0, 0x21, 0x43, 0x65, 5, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, b'a', b'b', b'c']);
        let before = file.clone();
        assert!(!append(&mut file, at, |file| {
            file.push(1);
            false
        }));
        assert_eq!(file, before);
    }
}
