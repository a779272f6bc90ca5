//! The channels that are compared, each behind the same few functions.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use event_bus::{Bus, Delivery, Overflow, Priority, SubscribeOptions, Subscriber};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{broadcast, mpsc},
    task,
};

use crate::window::{Reading, WINDOW, Window};

/// What is carried, always in an `Arc`: about as large as a session event.
#[derive(Debug)]
pub(crate) struct Event {
    number: u64,
    _rest: [u64; 15],
}

impl Event {
    pub(crate) fn new(number: u64) -> Self {
        Self { number, _rest: [number; 15] }
    }
}

/// How many deliveries a reader of batches takes at once.
const BATCH: usize = 64;

/// Workers of the runtime that the tasks run on.
const WORKERS: usize = 2;

/// One channel.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Whether it asks a filter before it wakes a subscriber. A reader of one that does not takes every event, and looks
    /// itself whether it wants it.
    pub(crate) filters: bool,
    start: fn(Readers) -> Started,
}

impl Contender {
    /// Starts `subscribers` readers, of which the first `wanting` want every event and the others want none.
    pub(crate) fn start(&self, subscribers: usize, wanting: usize, window: &Arc<Window>) -> Started {
        let wakes = Arc::new(AtomicU64::new(0));
        (self.start)(Readers { subscribers, wanting, window: Arc::clone(window), wakes })
    }
}

pub(crate) const CONTENDERS: &[Contender] = &[
    Contender { name: "event-bus, threads", filters: true, start: bus_threads },
    Contender { name: "event-bus, threads, batches", filters: true, start: bus_thread_batches },
    Contender { name: "event-bus, tasks", filters: true, start: bus_tasks },
    Contender { name: "event-bus, tasks, batches", filters: true, start: bus_task_batches },
    Contender { name: "crossbeam, threads", filters: false, start: crossbeam },
    Contender { name: "tokio mpsc, tasks", filters: false, start: tokio_mpsc },
    Contender { name: "tokio broadcast, tasks", filters: false, start: tokio_broadcast },
];

/// The publishing end of a channel; dropped, it ends the readers.
type Publish = Box<dyn FnMut(&Arc<Event>)>;

/// A channel with its readers at work.
pub(crate) struct Started {
    publish: Publish,
    at_work: AtWork,
    wakes: Arc<AtomicU64>,
}

enum AtWork {
    Threads(Vec<JoinHandle<()>>),
    Tasks(Runtime, Vec<task::JoinHandle<()>>),
}

impl Started {
    pub(crate) fn publish(&mut self, event: &Arc<Event>) {
        (self.publish)(event);
    }

    /// Ends the readers and answers how often those that want nothing were run, for their start and their end too.
    pub(crate) fn finish(self) -> u64 {
        drop(self.publish);
        match self.at_work {
            AtWork::Threads(threads) => {
                for thread in threads {
                    thread.join().expect("no reader panics");
                }
            }
            AtWork::Tasks(runtime, tasks) => runtime.block_on(async {
                for task in tasks {
                    task.await.expect("no reader panics");
                }
            }),
        }
        self.wakes.load(Ordering::Relaxed)
    }
}

/// What the readers of one run share.
#[derive(Clone)]
struct Readers {
    subscribers: usize,
    wanting: usize,
    window: Arc<Window>,
    wakes: Arc<AtomicU64>,
}

impl Readers {
    fn wants(&self, reader: usize) -> bool {
        reader < self.wanting
    }

    /// Counts one run of a thread that wants nothing.
    fn woken(&self, reader: usize) {
        if !self.wants(reader) {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Starts a thread for each reader.
    fn threads<R: Send + 'static>(
        self,
        publish: Publish,
        readers: Vec<R>,
        read: fn(&Self, usize, &mut Reading<'_>, R),
    ) -> Started {
        let wakes = Arc::clone(&self.wakes);
        let threads = readers.into_iter().enumerate().map(|(reader, end)| {
            let shared = self.clone();
            thread::spawn(move || read(&shared, reader, &mut Reading::new(&shared.window, reader), end))
        });
        Started { publish, at_work: AtWork::Threads(threads.collect()), wakes }
    }

    /// Starts a task for each reader and counts how often one that wants nothing is polled.
    fn tasks<R, F>(self, publish: Publish, readers: Vec<R>, read: fn(Arc<Window>, usize, R) -> F) -> Started
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(WORKERS).build().expect("a runtime starts");
        let wakes = Arc::clone(&self.wakes);
        let tasks = readers.into_iter().enumerate().map(|(reader, end)| {
            let shared = self.clone();
            let reading = read(Arc::clone(&self.window), reader, end);
            runtime.spawn(async move {
                let mut reading = pin!(reading);
                poll_fn(|cx| {
                    shared.woken(reader);
                    reading.as_mut().poll(cx)
                })
                .await;
            })
        });
        let tasks = tasks.collect();
        Started { publish, at_work: AtWork::Tasks(runtime, tasks), wakes }
    }
}

fn bus(readers: &Readers) -> (Publish, Vec<Subscriber<Event>>) {
    let bus = Bus::new();
    let subscribers = (0..readers.subscribers).map(|reader| {
        let options = SubscribeOptions::with_capacity(WINDOW).overflow(Overflow::Disconnect);
        let options = if readers.wants(reader) { options } else { options.filter(|_| false) };
        bus.subscribe(options).expect("within the limits")
    });
    let subscribers = subscribers.collect();
    let publisher = bus.publisher();
    let publish = move |event: &Arc<Event>| {
        // The bus is owned here, so that it ends with the publishing.
        let _ends_with_us = &bus;
        publisher.publish(Priority::Normal, Arc::clone(event));
    };
    (Box::new(publish), subscribers)
}

fn number(delivery: Delivery<Event>) -> u64 {
    delivery.into_event().expect("nothing is lost").number
}

fn bus_threads(readers: Readers) -> Started {
    let (publish, subscribers) = bus(&readers);
    readers.threads(publish, subscribers, |shared, reader, reading, mut subscriber| {
        while let Some(delivery) = subscriber.recv_blocking() {
            shared.woken(reader);
            reading.read(number(delivery));
        }
    })
}

fn bus_thread_batches(readers: Readers) -> Started {
    let (publish, subscribers) = bus(&readers);
    readers.threads(publish, subscribers, |shared, reader, reading, mut subscriber| {
        let mut batch = Vec::new();
        while subscriber.recv_batch_blocking(&mut batch, BATCH) > 0 {
            shared.woken(reader);
            batch.drain(..).for_each(|delivery| reading.read(number(delivery)));
        }
    })
}

fn bus_tasks(readers: Readers) -> Started {
    let (publish, subscribers) = bus(&readers);
    readers.tasks(publish, subscribers, |window, reader, mut subscriber| async move {
        let mut reading = Reading::new(&window, reader);
        while let Some(delivery) = subscriber.recv().await {
            reading.read(number(delivery));
        }
    })
}

fn bus_task_batches(readers: Readers) -> Started {
    let (publish, subscribers) = bus(&readers);
    readers.tasks(publish, subscribers, |window, reader, mut subscriber| async move {
        let (mut reading, mut batch) = (Reading::new(&window, reader), Vec::new());
        while subscriber.recv_batch(&mut batch, BATCH).await > 0 {
            batch.drain(..).for_each(|delivery| reading.read(number(delivery)));
        }
    })
}

fn crossbeam(readers: Readers) -> Started {
    let ends = (0..readers.subscribers).map(|_| crossbeam_channel::bounded::<Arc<Event>>(WINDOW));
    let (senders, receivers): (Vec<_>, Vec<_>) = ends.unzip();
    let publish = move |event: &Arc<Event>| {
        for sender in &senders {
            sender.try_send(Arc::clone(event)).expect("the window keeps room");
        }
    };
    readers.threads(Box::new(publish), receivers, |shared, reader, reading, receiver| {
        while let Ok(event) = receiver.recv() {
            shared.woken(reader);
            reading.read(event.number);
        }
    })
}

fn tokio_mpsc(readers: Readers) -> Started {
    let ends = (0..readers.subscribers).map(|_| mpsc::channel::<Arc<Event>>(WINDOW));
    let (senders, receivers): (Vec<_>, Vec<_>) = ends.unzip();
    let publish = move |event: &Arc<Event>| {
        for sender in &senders {
            sender.try_send(Arc::clone(event)).expect("the window keeps room");
        }
    };
    readers.tasks(Box::new(publish), receivers, |window, reader, mut receiver| async move {
        let mut reading = Reading::new(&window, reader);
        while let Some(event) = receiver.recv().await {
            reading.read(event.number);
        }
    })
}

fn tokio_broadcast(readers: Readers) -> Started {
    let (sender, _) = broadcast::channel::<Arc<Event>>(WINDOW);
    let receivers = (0..readers.subscribers).map(|_| sender.subscribe()).collect();
    let publish = move |event: &Arc<Event>| {
        sender.send(Arc::clone(event)).expect("the readers are there");
    };
    readers.tasks(Box::new(publish), receivers, |window, reader, mut receiver| async move {
        let mut reading = Reading::new(&window, reader);
        while let Ok(event) = receiver.recv().await {
            reading.read(event.number);
        }
    })
}
