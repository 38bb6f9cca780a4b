//! The README and the crate's documentation show the same example, which both run as a doctest.
#![allow(missing_docs, reason = "tests")]

#[test]
fn the_example_is_the_same_in_both() {
    let readme = include_str!("../README.md");
    let start = readme.find("```rust\n").expect("an example") + 8;
    let shown = &readme[start..start + readme[start..].find("```").expect("its end")];
    let docs = include_str!("../src/lib.rs").lines();
    let docs = docs.map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or(""));
    let docs: Vec<&str> = docs.filter(|line| !line.starts_with('#')).collect();
    assert!(docs.join("\n").contains(shown.trim_end()), "they differ");
}
