#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bongsu_fuzz::signature::run(data));
