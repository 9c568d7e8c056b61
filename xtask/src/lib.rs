//! What the repository's tools and its test harness share.
//!
//! `suite` says what a test script is and how outcomes are compared: `cargo xtask bless` writes
//! expectations with it and `tests/golden.rs` compares with it, so that the two cannot differ.
//! `test_suite` is the same for packages with tests. `bless` asks the real Go toolchain. `docs` writes the pages that follow from tables in the code,
//! `std` the one that compares the standard library with Go's. `typesuite` runs the checker over Go files with expected errors,
//! `stdtests` Go's own tests of its standard library. `text_order` arranges the executable.

pub mod bless;
pub mod checkspeed;
pub mod docs;
pub mod gofmt;
pub mod mutants;
pub mod soak;
pub mod std;
pub mod stdtests;
pub mod suite;
pub mod test_suite;
pub mod text_order;
pub mod typesuite;
