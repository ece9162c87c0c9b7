//! Has the pages embedded again when one is added or removed, which the compiler would not notice.

fn main() {
    println!("cargo::rerun-if-changed=../../console/dist");
}
