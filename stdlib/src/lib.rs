//! Standard packages: Go declarations and native bodies.
//!
//! Each package is a folder under `src` with the path of its import: `.gl` files, ordinary golite source, in which a function without
//! a body is native; and, if it has any, `mod.rs` with the natives, each bound by one row of `natives!`.
//!
//! **Flow.** The build finds the `.gl` files and makes their outline ([`outline`]); a program gets the texts of what it can need.
//! [`natives`] gives the linker all rows, under the paths of the table below.
//!
//! **Where code goes.** What takes a function, or must call methods, is in `.gl`: natives never call bytecode. Leaf work that is
//! hot is native: searching, number formats, printing of values without methods. What may wait for the operating system is a
//! *blocking* native; what makes a goroutine wait, a *parking* one. Natives of `os` answer error numbers, and the golite side makes Go's
//! error values of them.
//!
//! **Decisions.**
//! - Results are Go's to the last bit and the last word of an error. Where its algorithm shows (order of equal elements after a sort,
//!   last bits of elementary functions, numbers of a seeded generator) the algorithm is Go's; see `NOTICE`.
//! - `fmt` prints through `internal/stdio`, so that a program that never mentions `os` need not load it.
//! - A value with Error, String, Format or GoString is printed in passes (`fmt/printer.rs`).
//! - A `time.Timer` starts a goroutine when it is due; settings are numbered, so that no stale value is received.
//! - Regular expressions are an engine of our own (`regexp`), whose programs are slices in the script's heap. `regexp/syntax` is golite code beside it, for
//!   programs that look into patterns; the engine takes only its errors.
//! - Digests take blocks by RustCrypto's functions; state, marshalling and cloning are golite code (`internal/digest`).
//! - AES and GHASH are RustCrypto's; a cipher is its key, which is expanded for each call, and the modes are natives over whole pieces.
//! - `math/big` keeps magnitudes as slices of words in the script's heap; products, quotients and texts of large ones are dashu's.
//! - DEFLATE streams lie in the script's heap between two pieces (`compress/flate`): nobody must close one that is dropped.
//! - `net/http` is golite on package net, a goroutine for each connection.
//! - A `reflect.Type` is the machine's own type, a `reflect.Value` an interface and flags ([`vm::reflection`]); calls and waiting are the
//!   interpreter's. `encoding/json` scans a whole text natively; values without methods that have a say are then decoded (and encoded) natively,
//!   all others by `reflect`, without looking for mistakes again.
//! - Unicode tables are generated (`unicode/data.rs`), so that they are Go's version, whatever Rust has.
//!
//! INVARIANT: no native recurses over, or allocates without a bound for, what a script decides, beyond what the script holds itself;
//! none panics. Text of strings is decoded by `unicode::utf8`, never trusted to be valid.
//!
//! **To add a native:** a body-less declaration in the `.gl`, a Rust function, a row. The agreement test (`tests/agreement.rs`) compares them.
//! **To add a package:** a folder; if it has natives, a line in the table below.
#![forbid(unsafe_code)]

pub mod bufio;
pub mod compress;
pub mod crypto;
pub mod encoding;
pub mod errors;
pub mod fmt;
pub mod golite;
pub mod hash;
pub mod html;
pub mod index;
pub mod internal;
pub mod iter;
pub mod math;
pub mod not_there;
pub mod os;
pub mod outline;
pub mod reflect;
pub mod regexp;
pub mod runtime;
pub mod sort;
pub mod strconv;
pub mod strings;
pub mod sync;
pub mod time;
pub mod unicode;
pub mod weak;

/// Import paths and natives of the packages that have any.
macro_rules! packages {
    ($($path:literal => $module:path;)*) => {
        /// The tables of natives under their import paths.
        pub const TABLES: &[(&str, &[vm::Native])] = &[$(($path, { use $module as package; package::NATIVES })),*];
    };
}

packages! {
    "bufio" => crate::bufio;
    "compress/bzip2" => crate::compress::bzip2;
    "compress/flate" => crate::compress::flate;
    "crypto/rand" => crate::crypto::rand;
    "crypto/tls" => crate::crypto::tls;
    "crypto/sha3" => crate::crypto::sha3;
    "encoding/base64" => crate::encoding::base64;
    "encoding/binary" => crate::encoding::binary;
    "encoding/hex" => crate::encoding::hex;
    "encoding/json" => crate::encoding::json;
    "encoding/xml" => crate::encoding::xml;
    "errors" => crate::errors;
    "fmt" => crate::fmt;
    "golite/task" => crate::golite::task;
    "hash/adler32" => crate::hash::adler32;
    "hash/crc32" => crate::hash::crc32;
    "hash/crc64" => crate::hash::crc64;
    "hash/fnv" => crate::hash::fnv;
    "hash/maphash" => crate::hash::maphash;
    "html" => crate::html;
    "index/suffixarray" => crate::index::suffixarray;
    "internal/aes" => crate::internal::aes;
    "internal/alias" => crate::internal::alias;
    "internal/digest" => crate::internal::digest;
    "internal/poll" => crate::internal::poll;
    "internal/synctest" => crate::internal::synctest;
    "internal/values" => crate::internal::values;
    "io/fs" => crate::os::fs;
    "iter" => crate::iter;
    "math" => crate::math;
    "math/big" => crate::math::big;
    "math/bits" => crate::math::bits;
    "math/rand" => crate::math::rand;
    "math/rand/v2" => crate::math::rand::v2;
    "os" => crate::os;
    "os/signal" => crate::os::signal;
    "reflect" => crate::reflect;
    "regexp" => crate::regexp;
    "runtime" => crate::runtime;
    "runtime/debug" => crate::runtime::debug;
    "runtime/pprof" => crate::runtime::pprof;
    "sort" => crate::sort;
    "strconv" => crate::strconv;
    "strings" => crate::strings;
    "sync" => crate::sync;
    "sync/atomic" => crate::sync::atomic;
    "syscall" => crate::os::syscall;
    "time" => crate::time;
    "unicode" => crate::unicode;
    "unicode/utf8" => crate::unicode::utf8;
    "weak" => crate::weak;
}

/// All natives of the standard packages, for the linker.
pub fn natives() -> vm::NativeTable {
    let mut table = vm::NativeTable::new();
    for (path, natives) in TABLES {
        table.add(path, natives);
    }
    table
}
