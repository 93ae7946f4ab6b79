//! `cargo +nightly fuzz run http2_frames`, in `harness/load`: whatever a server sends while requests are under way.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| meshbench_load::read_frames(input));
