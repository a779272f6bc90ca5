//! An application's end of a device: what it says and hears, through rings that no side waits on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};
use tokio::sync::Notify;

use crate::codec::SampleRate;
use crate::streams::{DeviceId, Streams};

/// How much audio fits between the application and the pump, each way: a speech service sends a sentence at once, and
/// waits with the next.
pub const APPLICATION_RING_MS: u32 = 10_000;
/// How much speech the pump keeps in the device: enough until it looks again, little enough to be dropped at once when
/// somebody interrupts.
const AHEAD_MS: u32 = 60;

/// What an application's device says and hears: samples of one channel at the rate that its source was opened with.
pub struct ApplicationAudio {
    speech: Producer<i16>,
    heard: Consumer<i16>,
    shared: Arc<Shared>,
}

/// The other end, in the pump's thread.
pub(super) struct ApplicationEnd {
    device: DeviceId,
    speech: Consumer<i16>,
    heard: Producer<i16>,
    shared: Arc<Shared>,
    ahead: usize,
    moved: Vec<i16>,
    /// The device has been there.
    met: bool,
    /// Samples that the application did not take in time.
    pub(super) dropped: u64,
}

#[derive(Default)]
struct Shared {
    room: Notify,
    news: Notify,
    gone: AtomicBool,
}

impl std::fmt::Debug for ApplicationAudio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicationAudio").finish_non_exhaustive()
    }
}

/// Makes both ends for a device.
pub(super) fn ends(device: DeviceId, rate: SampleRate) -> (ApplicationAudio, ApplicationEnd) {
    let room = rate.samples_in(APPLICATION_RING_MS);
    let (speech, speech_end) = RingBuffer::new(room);
    let (heard_end, heard) = RingBuffer::new(room);
    let shared = Arc::new(Shared::default());
    let end = ApplicationEnd {
        device,
        speech: speech_end,
        heard: heard_end,
        shared: Arc::clone(&shared),
        ahead: rate.samples_in(AHEAD_MS),
        moved: Vec::new(),
        met: false,
        dropped: 0,
    };
    (ApplicationAudio { speech, heard, shared }, end)
}

impl ApplicationAudio {
    /// Says as much of the samples as there is room for, and returns how many that are.
    pub fn try_speak(&mut self, samples: &[i16]) -> usize {
        let count = samples.len().min(self.speech.slots());
        match self.speech.write_chunk_uninit(count) {
            Ok(chunk) => chunk.fill_from_iter(samples[..count].iter().copied()),
            Err(_) => 0,
        }
    }

    /// Says all of the samples, and waits for room where there is none. Returns false when the device is gone.
    pub async fn speak(&mut self, mut samples: &[i16]) -> bool {
        while !samples.is_empty() {
            let room = Arc::clone(&self.shared);
            let room = room.room.notified();
            let said = self.try_speak(samples);
            samples = &samples[said..];
            if self.shared.gone.load(Ordering::Acquire) {
                return false;
            }
            if said == 0 {
                room.await;
            }
        }
        true
    }

    /// Appends what was heard since the last time, and returns how many samples that are.
    pub fn try_hear(&mut self, samples: &mut Vec<i16>) -> usize {
        let Ok(chunk) = self.heard.read_chunk(self.heard.slots()) else { return 0 };
        let count = chunk.len();
        samples.extend(chunk);
        count
    }

    /// Waits until something was heard and appends it. Returns 0 when the device is gone.
    pub async fn hear(&mut self, samples: &mut Vec<i16>) -> usize {
        loop {
            let news = Arc::clone(&self.shared);
            let news = news.news.notified();
            let gone = self.shared.gone.load(Ordering::Acquire);
            let count = self.try_hear(samples);
            if count > 0 || gone {
                return count;
            }
            news.await;
        }
    }
}

impl ApplicationEnd {
    pub(super) fn device(&self) -> DeviceId {
        self.device
    }

    /// Moves samples both ways. Returns false when one of both is gone: the application or the device.
    pub(super) fn exchange(&mut self, streams: &mut Streams) -> bool {
        if self.heard.is_abandoned() {
            return false;
        }
        // It may be given before its device is opened.
        let Some(device) = streams.device(self.device) else { return !self.met };
        self.met = true;
        let wanted = self.ahead.saturating_sub(device.waiting_speech).min(self.speech.slots());
        if wanted > 0
            && let Ok(chunk) = self.speech.read_chunk(wanted)
        {
            self.moved.clear();
            self.moved.extend(chunk);
            streams.speak(self.device, &self.moved);
            self.shared.room.notify_one();
        }
        if device.waiting_heard > 0 {
            self.moved.clear();
            streams.listen(self.device, &mut self.moved);
            let count = self.moved.len().min(self.heard.slots());
            self.dropped += (self.moved.len() - count) as u64;
            if let Ok(chunk) = self.heard.write_chunk_uninit(count) {
                chunk.fill_from_iter(self.moved[..count].iter().copied());
            }
            self.shared.news.notify_one();
        }
        true
    }

    /// Drops what the application has said and nobody has heard.
    pub(super) fn discard(&mut self) {
        if let Ok(chunk) = self.speech.read_chunk(self.speech.slots()) {
            chunk.commit_all();
        }
        self.shared.room.notify_one();
    }
}

impl Drop for ApplicationEnd {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
        self.shared.room.notify_one();
        self.shared.news.notify_one();
    }
}
