//! What a session manager does with RTP and RTCP beyond the descriptions.

use std::time::Duration;

use media_core::rtcp::reduced_minimum;

use super::Builder;

impl Builder {
    /// Learns the address of a peer behind a NAT from its packets; only the negotiated one counts otherwise. In clear it has
    /// to be an address of the host that signals or was negotiated, under SRTP its packets have to be authentic (SEC-40,
    /// SEC-41).
    pub fn learn_addresses(mut self) -> Self {
        self.config.audio.learn_addresses = true;
        self
    }

    /// Looks for digits in the audio as well, for peers without telephone events. It costs time with each frame.
    pub fn find_tones(mut self) -> Self {
        self.config.audio.find_tones = true;
        self
    }

    /// Puts the voice metrics of RFC 3611 into our RTCP.
    pub fn voice_metrics(mut self) -> Self {
        self.config.audio.voice_metrics = true;
        self
    }

    /// Tells [`MediaSoundless`](crate::EventKind::MediaSoundless) when packets come in which there was nothing to hear for so
    /// long; it is not told otherwise, because people listen, too.
    pub fn soundless_after(mut self, time: Duration) -> Self {
        self.config.audio.soundless_after = Some(time);
        self
    }

    /// Sets how many RTP packets are sent to a host that neither signals nor has sent anything (SEC-44): 1,500 by default,
    /// half a minute of them. `None` is for peers that only listen, elsewhere than where they signal, and send no reports.
    pub fn unconfirmed_packets(mut self, limit: Option<u64>) -> Self {
        self.config.audio.unconfirmed_packets = limit;
        self
    }

    /// Sets the least RTCP interval to the reduced one for calls of this bandwidth, in kilobits per second (RFC 3550 §6.2):
    /// 360 s divided by it, and never more than 5 s.
    pub fn rtcp_bandwidth(self, kilobits_per_second: u32) -> Self {
        self.rtcp_interval(reduced_minimum(kilobits_per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reduced_interval_follows_the_bandwidth() {
        for (kilobits, interval) in [(64, 5_000), (360, 1_000), (3_600, 100)] {
            let builder = Builder::default().rtcp_bandwidth(kilobits);
            assert_eq!(builder.rtcp_interval, Some(Duration::from_millis(interval)));
        }
    }

    #[test]
    fn half_a_minute_of_packets_goes_where_nobody_answers() {
        // covers: SEC-44
        assert_eq!(Builder::default().config.audio.unconfirmed_packets, Some(1_500));
        assert_eq!(Builder::default().unconfirmed_packets(None).config.audio.unconfirmed_packets, None);
    }
}
