//! Any bytes as a Parquet file. A panic of a decoder that the library turns into an error is no finding, so the hook
//! that ends the process at every panic is taken away: what leaves the function still does.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: drop(std::panic::take_hook()),
    |bytes: &[u8]| {
        millstream::testing::fuzz::parquet(bytes);
    }
);
