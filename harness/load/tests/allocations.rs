//! Nothing is allocated for a request: twice the requests take no more memory calls.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use meshbench_core::load_plan::Protocol;
use support::event_server::{Behaviour, EventServer};
use support::{measure, settings};

static CALLS: AtomicU64 = AtomicU64::new(0);

struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator cannot be counted from safe code; both calls go to the system's as they came"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls to the allocator, by server and generator together, for `requests_per_second` over a second.
fn calls(address: SocketAddr, protocol: Protocol, requests_per_second: u64) -> u64 {
    let rate = format!("{requests_per_second}rps");
    let mut plan = settings(&[address], &[("/a", 1), ("/b", 1)], &rate, Duration::from_secs(1));
    plan.protocol = protocol;
    let before = CALLS.load(Ordering::Relaxed);
    let recording = measure(plan);
    assert_eq!(recording.successes, requests_per_second, "{:?}", recording.errors);
    CALLS.load(Ordering::Relaxed) - before
}

#[test]
fn a_request_allocates_nothing() {
    let http1 = EventServer::start(Behaviour::default());
    let http2 = support::answering_http2::start();
    for (protocol, address) in [(Protocol::Http1, http1.address), (Protocol::Http2, http2)] {
        // Once before, so that whatever is made once in a process is there.
        calls(address, protocol, 500);
        let (few, many) = (calls(address, protocol, 1_000), calls(address, protocol, 6_000));
        // Vectors that grow to what they need account for some; one call in a hundred requests would be too many.
        assert!(many < few + 50, "{protocol:?}: {few} calls for 1,000 requests, {many} for 6,000");
    }
}
