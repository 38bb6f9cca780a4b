//! Any text as a cursor.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    millstream::testing::fuzz::cursor(text);
});
