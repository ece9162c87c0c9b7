#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bongsu_fuzz::query_request::run(data));
