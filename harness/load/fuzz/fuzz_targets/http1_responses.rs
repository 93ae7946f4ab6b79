//! `cargo +nightly fuzz run http1_responses`, in `harness/load`: whatever a server sends on a connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| meshbench_load::read_responses(input));
