//! libFuzzer's entry to the target of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kmip_fuzz::targets::policy(bytes));
