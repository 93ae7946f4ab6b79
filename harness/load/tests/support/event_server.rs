//! A server on one thread that is as fast as one can be, except where it is told not to be: [`EventServer`].

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::epoll;
use rustix::thread::CpuSet;

use super::{OK, say};

const LISTENER: u64 = u64::MAX;
/// How often the server looks whether it should end.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// What makes the server slow, and what it remembers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behaviour {
    /// For the first time of every second time it answers nothing.
    pub(crate) stall: Option<(Duration, Duration)>,
    /// It closes a connection after so many answers, and says so in the last.
    pub(crate) closes_after: Option<u64>,
    /// One in so many requests is answered so much later.
    pub(crate) late: Option<(u64, Duration)>,
    /// The core it keeps to.
    pub(crate) core: Option<usize>,
    /// Whether it keeps [`Seen`].
    pub(crate) remembers: bool,
}

/// One request as the server saw it, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) arrived_unix_ns: u64,
    pub(crate) answered_unix_ns: u64,
    /// The number in a path such as `/17`; 0 where there is none.
    pub(crate) path: u64,
}

/// Answers `GET`s that come whole, until it is dropped.
#[derive(Debug)]
pub(crate) struct EventServer {
    pub(crate) address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Seen>>>,
}

impl EventServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || Server::new(listener, behaviour).serve(&until));
        Self { address, stopping, thread: Some(thread) }
    }

    /// Ends the server: what it saw, in the order in which it answered.
    pub(crate) fn stop(mut self) -> Vec<Seen> {
        self.end()
    }

    fn end(&mut self) -> Vec<Seen> {
        self.stopping.store(true, Ordering::SeqCst);
        self.thread.take().map_or_else(Vec::new, |thread| thread.join().unwrap())
    }
}

impl Drop for EventServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Keeps the calling thread, and what it starts, to one core.
pub(crate) fn keep_to_core(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores).unwrap();
}

pub(crate) fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

struct Connection {
    stream: Option<TcpStream>,
    answers: u64,
}

/// A request that waits to be answered late.
struct Late {
    at: Instant,
    connection: usize,
    seen: Seen,
}

struct Server {
    listener: TcpListener,
    behaviour: Behaviour,
    epoll: std::os::fd::OwnedFd,
    connections: Vec<Connection>,
    late: VecDeque<Late>,
    requests: u64,
    seen: Vec<Seen>,
}

impl Server {
    fn new(listener: TcpListener, behaviour: Behaviour) -> Self {
        listener.set_nonblocking(true).unwrap();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let data = epoll::EventData::new_u64(LISTENER);
        epoll::add(&epoll, listener.as_fd(), data, epoll::EventFlags::IN).unwrap();
        let (connections, late, seen) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { listener, behaviour, epoll, connections, late, requests: 0, seen }
    }

    fn serve(mut self, stopping: &AtomicBool) -> Vec<Seen> {
        self.behaviour.core.into_iter().for_each(keep_to_core);
        rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).unwrap();
        let (mut events, mut buffer) = (Vec::with_capacity(64), [0; 65_536]);
        let began = Instant::now();
        while !stopping.load(Ordering::SeqCst) {
            if let Some((stall, period)) = self.behaviour.stall {
                let phase = Duration::from_nanos((began.elapsed().as_nanos() % period.as_nanos()) as u64);
                if phase < stall {
                    std::thread::park_timeout(stall - phase);
                    continue;
                }
            }
            events.clear();
            self.wait(&mut events);
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(),
                    connection => self.read(connection as usize, &mut buffer),
                }
            }
            self.answer_late_ones();
        }
        self.seen
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) {
        let until_late =
            self.late.front().map_or(LONGEST_WAIT, |late| late.at.saturating_duration_since(Instant::now()));
        let timeout = until_late.min(LONGEST_WAIT);
        let timeout = rustix::time::Timespec { tv_sec: 0, tv_nsec: timeout.subsec_nanos().into() };
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)).unwrap();
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).unwrap();
            stream.set_nodelay(true).unwrap();
            let data = epoll::EventData::new_u64(self.connections.len() as u64);
            epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN).unwrap();
            self.connections.push(Connection { stream: Some(stream), answers: 0 });
        }
    }

    fn read(&mut self, connection: usize, buffer: &mut [u8]) {
        let Some(stream) = &mut self.connections[connection].stream else { return };
        let length = match stream.read(buffer) {
            Ok(length) if length > 0 => length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            _ => return self.connections[connection].stream = None,
        };
        let arrived_unix_ns = if self.behaviour.remembers { unix_ns() } else { 0 };
        let seen = Seen { arrived_unix_ns, answered_unix_ns: 0, path: number_of(&buffer[..length]) };
        self.requests += 1;
        match self.behaviour.late {
            Some((every, delay)) if self.requests.is_multiple_of(every) => {
                self.late.push_back(Late { at: Instant::now() + delay, connection, seen });
            }
            _ => self.answer(connection, seen),
        }
    }

    fn answer_late_ones(&mut self) {
        while self.late.front().is_some_and(|late| late.at <= Instant::now()) {
            if let Some(Late { connection, seen, .. }) = self.late.pop_front() {
                self.answer(connection, seen);
            }
        }
    }

    fn answer(&mut self, index: usize, seen: Seen) {
        if self.behaviour.remembers {
            self.seen.push(Seen { answered_unix_ns: unix_ns(), ..seen });
        }
        let connection = &mut self.connections[index];
        let Some(stream) = &mut connection.stream else { return };
        connection.answers += 1;
        if self.behaviour.closes_after == Some(connection.answers) {
            say(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
            connection.stream = None;
        } else {
            say(stream, OK);
        }
    }
}

/// The number behind `GET /`.
fn number_of(request: &[u8]) -> u64 {
    let digits = request.iter().skip("GET /".len()).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
